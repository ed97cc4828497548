// Attention over feature maps of any kind: the features come in computed, row by row. The kernels
// allocate nothing; sizes of scratch space come from the functions beside them.
#pragma once
#include <stddef.h>

// Rows (feature_rows.c).

/// Floats of scratch space for the two functions below.
size_t hh_project_scratch(size_t rows, size_t d, size_t f);
/// y (rows x f, dense) = x (rows x d) W (d x f) + bias, which may be null.
void hh_project(
  size_t rows, size_t d, size_t f, const float *x, size_t stride, const float *weight,
  const float *bias, float *y, float *scratch);
/// dW += x^T dy and dx += dy W^T; dweight and dx may be null.
void hh_project_backward(
  size_t rows, size_t d, size_t f, const float *x, size_t stride, const float *weight,
  const float *dy, float *dweight, float *dx, size_t dx_stride, float *scratch);
/// Every row of x (dense) becomes exp(x - its largest), and scales[row] that largest.
void hh_exponential_rows(size_t rows, size_t columns, float *x, float *scales);
/// Every row of x (dense) becomes its softmax.
void hh_softmax_rows(size_t rows, size_t columns, float *x);
/// dx = p * (dp - sum(p dp)), row by row; dx may be dp.
void hh_softmax_rows_backward(
  size_t rows, size_t columns, const float *p, const float *dp, float *dx);
/// Floats of scratch space for the next function.
size_t hh_softmax_pairs_scratch(size_t d, size_t f);
/// phi (rows x 2 f, dense) = [softmax(u), softmax(-u)], u = x W + bias, as hh_project has them.
void hh_softmax_pairs(
  size_t rows, size_t d, size_t f, const float *x, size_t stride, const float *weight,
  const float *bias, float *phi, float *scratch);
/// The gradient of u (rows x f), given phi and its gradient, all dense.
void hh_softmax_pairs_backward(
  size_t rows, size_t f, const float *phi, const float *dphi, float *du);

// Attention (linear_attention.c).

/// One sequence and one key/value head with the `group` query heads that share it, of which only
/// the forward pass takes more than one. Query head g starts at q + g * head_size.
///
/// The weight of key j for query i is window_factor * exp(score_ij - c_i) where j is among the
/// `window` nearest keys up to the query's own or a sink, c_i the largest score of those, and
/// phi_q_i . phi_k_j exp(scales_j - p_i) elsewhere, p_i the largest scale that query i sees:
/// features may be stored far below their size, each row with the logarithm of its scale.
///
/// Sinks are the first keys of the sequence. They lie apart, before all `keys`, and have no features.
typedef struct {
  size_t length;        // queries
  size_t keys;          // valid keys, without the sinks
  ptrdiff_t past;       // keys before the first query's own, with a causal mask only; negative
                        // where the own keys of the first queries are sinks
  size_t query_step;    // positions from one query to the next; 1 but for distillation
  size_t head_size;
  size_t group;
  size_t features;
  size_t window;        // 0 for none; with a causal mask only
  size_t sinks;         // 0 for none; with a window only
  int causal;           // query i sees keys 0...past + i * query_step
  const float *q;       // read where there is a window, and by distillation
  size_t q_stride;
  const float *k;
  size_t k_stride;
  const float *v;       // distillation does without, and then without outputs
  size_t v_stride;
  const float *sink_k;  // (sinks) keys, in rows as those of k
  const float *sink_v;  // their values, in rows as those of v
  const float *phi_q;   // (group, length, features)
  const float *phi_k;   // (keys, features); with a window the last ones are not read
  const float *scales;  // (keys), or null for zeros; not with a window
  float score_scale;    // of q . k
  const float *window_factors;  // (group), of the window's weights
  float epsilon;        // added to the denominator
  float *out;           // as q; read by the backward pass
  size_t out_stride;
  float *scratch;
} hh_linear_item;

/// Floats of scratch space of the forward pass; independent of the number of keys but for one each.
size_t hh_linear_attention_scratch(const hh_linear_item *item);
/// Floats of a state: S (features, head_size), z (features), the logarithm of their scale, and
/// what keeps states that follow one another at whole vectors.
size_t hh_linear_attention_state(size_t features, size_t head_size);
/// Begins with what `before` holds of earlier keys, unless null, and leaves in `after`, unless null,
/// the state of all keys that are outside of the window of the next query. They may be the same.
void hh_linear_attention_forward(const hh_linear_item *item, const float *before, float *after);

/// The gradients of an item whose queries begin at the sequence's first. Those in the padding get
/// none.
typedef struct {
  const float *dout;
  size_t dout_stride;
  float *dphi_q;   // (sinks + keys, features); overwritten
  float *dphi_k;   // (keys, features); added to
  float *dq;       // of the window's scores; added to
  size_t dq_stride;
  float *dk;       // of the window's scores; added to
  size_t dk_stride;
  float *dv;       // added to
  size_t dv_stride;
  float *dsink_k;  // in rows as those of dk; added to
  float *dsink_v;  // in rows as those of dv; added to
  float *dwindow_factor;  // added to
} hh_linear_gradients;

/// Floats of scratch space of the backward pass; linear in the number of keys.
size_t hh_linear_attention_backward_scratch(const hh_linear_item *item);
void hh_linear_attention_backward(
  const hh_linear_item *item, const hh_linear_gradients *gradients);

// Distillation (linear_distillation.c).

/// What distillation of an item is asked for, all of whose queries count.
typedef struct {
  int has_packed;        // whether the scratch space is that of a call with the same keys
  float weights_factor;  // of the gradient of each query's cross-entropy
  float outputs_factor;  // of the gradient of each query's squared error of the output
  int measure;           // whether sums are wanted
  int gradient;          // whether gradients are wanted
  float *dphi_q;         // (length, features); overwritten
  float *dphi_k;         // (keys, features); added to
  float *dwindow_factor;        // added to
} hh_linear_distillation_options;

/// Sums over the queries of an item.
typedef struct {
  double cross_entropy;  // of the student's weights under the teacher's
  double divergence;     // Kullback-Leibler divergence of the student from the teacher
  double output_error;   // mean squared difference of the outputs' elements
  float smallest_sum;    // smallest denominator of the student's weights, epsilon not included
} hh_linear_distillation_sums;

/// Floats of scratch space that the item needs; linear in the number of keys.
size_t hh_linear_distillation_scratch(const hh_linear_item *item);
/// Loss and gradients of one item, whose output is not used. The teacher is the softmax of the
/// scores.
void hh_linear_distillation(
  const hh_linear_item *item, const hh_linear_distillation_options *options,
  hh_linear_distillation_sums *sums);
