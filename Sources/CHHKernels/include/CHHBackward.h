// Backward passes and losses. Matrices are row-major with a row stride in elements; the kernels
// allocate nothing. Gradients of parameters are added to what is there, so that batches add up.
#pragma once
#include "CHHKernels.h"

// Elementwise (elementwise_backward.c). x holds the inputs of the forward pass and becomes its
// outputs, which the next product's weight gradient needs; dout becomes the gradient of the inputs.

/// The reverse of hh_activate.
void hh_activate_backward(
  int function, size_t rows, size_t columns, float *x, size_t stride, float *dout,
  size_t dout_stride);
/// Of out = silu(gate) * up: gate and up become their gradients, dout becomes out.
void hh_silu_multiply_backward(
  size_t rows, size_t columns, float *gate, size_t stride, float *up, size_t up_stride,
  float *dout, size_t dout_stride);
/// sums[j] += sum of column j.
void hh_column_sums(size_t rows, size_t columns, const float *x, size_t stride, float *sums);
/// table row ids[i] += x row i; the ids are rows of the table.
void hh_scatter_rows(
  size_t rows, size_t columns, const float *x, size_t stride, const int32_t *ids, float *table,
  size_t table_stride);

// Normalisation (normalize.c). dx may be dout; dweight and dbias may be null.

void hh_layer_norm_backward(
  size_t rows, size_t columns, const float *x, size_t stride, const float *weight, float epsilon,
  const float *dout, size_t dout_stride, float *dx, size_t dx_stride, float *dweight,
  float *dbias);
void hh_rms_norm_backward(
  size_t rows, size_t columns, const float *x, size_t stride, const float *weight, float epsilon,
  const float *dout, size_t dout_stride, float *dx, size_t dx_stride, float *dweight);

// Softmax attention (softmax_attention_backward.c). `item` holds what the
// forward pass was given and gave: `out` is read. Queries in the padding get gradients of zero.

/// The gradients of an item, laid out as q, k, v and out.
typedef struct {
  const float *dout;
  size_t dout_stride;
  float *dq;         // overwritten
  size_t dq_stride;
  float *dk;         // added to, the valid keys only
  size_t dk_stride;
  float *dv;         // added to, the valid keys only
  size_t dv_stride;
} hh_softmax_gradients;

/// Floats of scratch space that the item needs.
size_t hh_softmax_attention_backward_scratch(size_t keys, size_t head_size);
void hh_softmax_attention_backward(
  const hh_softmax_item *item, const hh_softmax_gradients *gradients, float scale);

// Losses (losses.c). losses[i] is the loss of row i. With `gradient` x becomes weight times the
// gradient of its row's loss. Rows whose label is negative do not count: loss and gradient are 0.

/// -log softmax(x)[label]; labels are below `columns`.
void hh_cross_entropy(
  size_t rows, size_t columns, float *x, size_t stride, const int32_t *labels, float weight,
  int gradient, float *losses);
/// T^2 KL(softmax(teacher / T) || softmax(x / T)) (Hinton et al., arXiv 1503.02531).
void hh_teacher_divergence(
  size_t rows, size_t columns, float *x, size_t stride, const float *teacher,
  size_t teacher_stride, const int32_t *labels, float temperature, float weight, int gradient,
  float *losses);
/// Sum of (x - target)^2.
void hh_squared_error(
  size_t rows, size_t columns, float *x, size_t stride, const float *target,
  size_t target_stride, const int32_t *labels, float weight, int gradient, float *losses);
