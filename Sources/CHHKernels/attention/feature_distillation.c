// Distillation of the softmax attention of one query head into attention over features.
//
// P is the teacher's row of softmax weights, w_ij the student's before division, r_i their sum plus
// epsilon. The loss of a query is the weighted sum of
//   the cross-entropy -sum_j P_ij log(w_ij / r_i), and
//   the mean over the head's elements of (sum_j w_ij v_j / r_i - sum_j P_ij v_j)^2.
// As in distillation.c a floor of epsilon r_i keeps the logarithm finite, and a block of query rows
// at a time holds its weights against all keys.
#include "feature_attention.h"

// Queries per block.
enum { BLOCK = 48 };

// Where the parts of the scratch space start; m queries, n keys, D features, d = head size.
typedef struct {
  float *phi_columns;    // panels of (D, n)
  float *phi_rows;       // panels of (n, D)
  float *key_columns;    // panels of (d, n)
  float *value_rows;     // panels of (n, d)
  float *value_columns;  // panels of (d, n)
  float *phi_q_rows;     // panels of (BLOCK, D)
  float *scores;         // (BLOCK, ld)
  float *teacher;        // (BLOCK, ld): P
  float *weights;        // (BLOCK, ld); later their gradients
  float *dweights;       // (BLOCK, ld): the outputs' part of the gradients
  float *sums;           // (BLOCK): r
  float *target;         // (BLOCK, d): the teacher's outputs
  float *output;         // (BLOCK, d): the student's; later the gradients of the outputs
  float *peaks;          // (m)
} workspace;

/// Row length of a block; one vector more than needed keeps rows off the same cache sets.
HH_INLINE size_t block_stride(size_t keys) { return hh_round_up(keys) + HH_LANES; }

static size_t lay_out(workspace *w, float *base, const hh_feature_item *item) {
  const size_t n = item->keys, features = item->features, d = item->head_size;
  const size_t ld = block_stride(n);
  size_t used = 0;
#define PLACE(part, count) (w->part = base ? base + used : NULL, used += hh_round_up(count))
  PLACE(phi_columns, features * hh_round_up(n));
  PLACE(phi_rows, n * hh_round_up(features));
  PLACE(key_columns, d * hh_round_up(n));
  PLACE(value_rows, n * hh_round_up(d));
  PLACE(value_columns, d * hh_round_up(n));
  PLACE(phi_q_rows, BLOCK * hh_round_up(features));
  PLACE(scores, BLOCK * ld);
  PLACE(teacher, BLOCK * ld);
  PLACE(weights, BLOCK * ld);
  PLACE(dweights, BLOCK * ld);
  PLACE(sums, BLOCK);
  PLACE(target, BLOCK * d);
  PLACE(output, BLOCK * d);
  PLACE(peaks, item->length);
#undef PLACE
  return used;
}

size_t hh_feature_distillation_scratch(const hh_feature_item *item) {
  workspace w;
  return lay_out(&w, NULL, item);
}

/// x = log(x) over `count` positive entries.
HH_INLINE void log_some(float *x, size_t count) {
  for (size_t j = 0; j < count; j += HH_LANES) {
    const size_t some = hh_smaller(count - j, HH_LANES);
    hh_vec v;
    hh_load_partial(&v, x + j, some, 1);
    hh_log(&v);
    hh_store_some(x + j, &v, some);
  }
}

/// p = softmax of `count` scores; returns sum P log P.
HH_INLINE double teach(const float *scores, size_t count, float *p) {
  float top = scores[0];
  for (size_t j = 0; j < count; j++) top = top < scores[j] ? scores[j] : top;
  for (size_t j = 0; j < count; j++) p[j] = scores[j] - top;
  hh_exp_some(p, count);
  float sum = 0, score_sum = 0;
  for (size_t j = 0; j < count; j++) {
    sum += p[j];
    score_sum += p[j] * (scores[j] - top);
  }
  const float inverse = 1.0f / sum;
  for (size_t j = 0; j < count; j++) p[j] *= inverse;
  log_some(&sum, 1);
  return (double)(score_sum * inverse) - (double)sum;
}

/// Weights of teacher and student of a block; adds to `sums` where that is wanted.
HH_MULTIVERSION
static void weigh(
  const workspace *w, const hh_feature_item *item, size_t start, size_t rows, size_t columns,
  size_t ld, int measure, float *logs, hh_feature_distillation_sums *sums) {
  for (size_t i = 0; i < rows; i++) {
    const size_t count = hh_visible(item, start + i);
    float *p = w->teacher + i * ld, *weights = w->weights + i * ld;
    const double negative_entropy = teach(w->scores + i * ld, count, p);
    for (size_t j = count; j < columns; j++) p[j] = 0;
    hh_combine(
      item, start + i, 0, columns, item->scales ? w->peaks[start + i] : 0, w->scores + i * ld,
      weights);
    float r = 0;
    for (size_t j = 0; j < count; j++) r += weights[j];
    w->sums[i] = r + item->epsilon;
    if (!measure) continue;
    const float floor = item->epsilon * w->sums[i];
    for (size_t j = 0; j < count; j++) logs[j] = weights[j] + floor;
    log_some(logs, count);
    float log_sum = 0, log_total = w->sums[i];
    for (size_t j = 0; j < count; j++) log_sum += p[j] * logs[j];
    log_some(&log_total, 1);
    const double cross_entropy = (double)log_total - (double)log_sum;
    sums->cross_entropy += cross_entropy;
    sums->divergence += cross_entropy + negative_entropy;
    sums->smallest_sum = r < sums->smallest_sum ? r : sums->smallest_sum;
  }
}

/// The student's outputs less the teacher's, and, where gradients are wanted, what the gradient of
/// their squared error is for every weight: dweights = (do . v_j - do . o) / r.
HH_MULTIVERSION
static void compare_outputs(
  const workspace *w, const hh_feature_item *item, size_t rows, size_t columns, size_t ld,
  float factor, hh_feature_distillation_sums *sums) {
  const size_t d = item->head_size;
  hh_tile_gemm(rows, d, columns, w->teacher, ld, 1, w->value_rows, item->keys, w->target, d, 0);
  hh_tile_gemm(rows, d, columns, w->weights, ld, 1, w->value_rows, item->keys, w->output, d, 0);
  float products[BLOCK];
  for (size_t i = 0; i < rows; i++) {
    const float inverse = 1.0f / w->sums[i];
    float error = 0, product = 0;
    for (size_t j = 0; j < d; j++) {
      const float o = w->output[i * d + j] * inverse, difference = o - w->target[i * d + j];
      const float gradient = difference * (2 * factor / (float)d);
      error += difference * difference;
      product += gradient * o;
      w->output[i * d + j] = gradient;
    }
    sums->output_error += (double)(error / (float)d);
    products[i] = product;
  }
  if (factor == 0) return;
  hh_tile_gemm(
    rows, columns, d, w->output, d, 1, w->value_columns, d, w->dweights, ld, 0);
  for (size_t i = 0; i < rows; i++) {
    const float inverse = 1.0f / w->sums[i];
    float *dweights = w->dweights + i * ld;
    for (size_t j = 0; j < columns; j++) dweights[j] = (dweights[j] - products[i]) * inverse;
  }
}

/// Weights become the gradients of the features' products; adds up that of the window's factor.
HH_MULTIVERSION
static void differentiate(
  const workspace *w, const hh_feature_item *item,
  const hh_feature_distillation_options *options, size_t start, size_t rows, size_t columns,
  size_t ld) {
  for (size_t i = 0; i < rows; i++) {
    const size_t end = hh_visible(item, start + i), from = hh_window_start(item, start + i);
    float *weights = w->weights + i * ld;
    const float *p = w->teacher + i * ld, *dweights = w->dweights + i * ld;
    const float common = options->weights_factor / w->sums[i];
    const float floor = item->epsilon * w->sums[i];
    float window = 0;
    for (size_t j = 0; j < end; j++) {
      const float old = weights[j];
      float g = 0;
      if (options->weights_factor != 0)
        g = common - options->weights_factor * p[j] / (old + floor);
      if (options->outputs_factor != 0) g += dweights[j];
      weights[j] = g;
      if (j >= from) window += g * old;
    }
    if (item->window) *options->dmixing += window / item->mixing;
    if (item->scales)
      for (size_t j = 0; j < from; j++)
        weights[j] *= hh_exp_one(item->scales[j] - w->peaks[start + i]);
    for (size_t j = from; j < columns; j++) weights[j] = 0;
  }
}

void hh_feature_distillation(
  const hh_feature_item *item, const hh_feature_distillation_options *options,
  hh_feature_distillation_sums *sums) {
  const size_t m = item->length, n = item->keys, features = item->features, d = item->head_size;
  *sums = (hh_feature_distillation_sums){.smallest_sum = __builtin_inff()};
  if (m == 0 || n == 0) return;
  const size_t ld = block_stride(n);
  const int outputs = item->v && (options->measure || options->outputs_factor != 0);
  workspace w;
  lay_out(&w, item->scratch, item);
  hh_find_peaks(item, m, hh_no_scale, w.peaks);
  hh_pack_transposed(features, n, item->phi_k, features, w.phi_columns);
  hh_pack_transposed(d, n, item->k, item->k_stride, w.key_columns);
  if (outputs) {
    hh_pack(n, d, item->v, item->v_stride, w.value_rows);
    hh_pack_transposed(d, n, item->v, item->v_stride, w.value_columns);
  }
  if (options->gradient) hh_pack(n, features, item->phi_k, features, w.phi_rows);
  for (size_t start = 0; start < m; start += BLOCK) {
    const size_t rows = hh_smaller(m - start, BLOCK);
    // With a causal mask the keys after the block's last query are never looked at.
    const size_t columns = hh_visible(item, start + rows - 1);
    const float *phi_q = item->phi_q + start * features;
    hh_tile_gemm(
      rows, columns, d, item->q + start * item->q_stride, item->q_stride, 1, w.key_columns, d,
      w.scores, ld, 0);
    for (size_t i = 0; i < rows; i++)
      for (size_t j = 0; j < columns; j++) w.scores[i * ld + j] *= item->score_scale;
    hh_tile_gemm(
      rows, columns, features, phi_q, features, 1, w.phi_columns, features, w.weights, ld, 0);
    weigh(&w, item, start, rows, columns, ld, options->measure, w.dweights, sums);
    if (outputs)
      compare_outputs(
        &w, item, rows, columns, ld, options->gradient ? options->outputs_factor : 0, sums);
    if (!options->gradient) continue;
    differentiate(&w, item, options, start, rows, columns, ld);
    hh_tile_gemm(
      rows, features, columns, w.weights, ld, 1, w.phi_rows, n,
      options->dphi_q + start * features, features, 0);
    hh_pack(rows, features, phi_q, features, w.phi_q_rows);
    hh_tile_gemm(
      columns, features, rows, w.weights, 1, ld, w.phi_q_rows, rows, options->dphi_k, features, 1);
  }
}
