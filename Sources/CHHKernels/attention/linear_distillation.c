// Distillation of the softmax attention of one query head into attention over features.
//
// P is the teacher's row of softmax weights, w_ij the student's before division, r_i their sum plus
// epsilon. The loss of a query is the weighted sum of
//   the cross-entropy -sum_j P_ij log(w_ij / r_i), and
//   the mean over the head's elements of (sum_j w_ij v_j / r_i - sum_j P_ij v_j)^2.
// In the logarithm w_ij has a floor of epsilon r_i added to it, which keeps it finite and is held
// constant in the gradient, an error of epsilon. It is relative to r_i: a constant one would let maps
// whose similarities all vanish pass for good. The gradient of w_ij is that of the first part,
//   1 / r_i - P_ij / (w_ij + epsilon r_i),
// and that of the second, see compare_outputs. A block of query rows at a time holds its weights
// against the sinks and all keys, in that order; the n x n matrices never exist.
#include "linear_attention.h"

// Queries per block.
enum { BLOCK = 48 };

// Where the parts of the scratch space start; m queries, n keys, D features, d = head size.
typedef struct {
  float *phi_columns;    // panels of (D, n)
  float *phi_rows;       // panels of (n, D)
  float *key_columns;    // panels of (d, n)
  float *value_rows;     // panels of (n, d)
  float *value_columns;  // panels of (d, n)
  float *sink_columns;   // panels of (d, sinks)
  float *sink_rows;      // panels of (sinks, d): their values
  float *sink_value_columns;  // panels of (d, sinks)
  float *phi_q_rows;     // panels of (BLOCK, D)
  float *queries;        // (BLOCK, d), scaled
  float *scores;         // (BLOCK, ld); later P, before division
  float *weights;        // (BLOCK, ld); later their gradients
  float *dweights;       // (BLOCK, ld): the outputs' part of the gradients
  float *teacher_sums;   // (BLOCK): by which P is divided
  float *sums;           // (BLOCK): r
  float *target;         // (BLOCK, d): the teacher's outputs
  float *output;         // (BLOCK, d): the student's; later the gradients of the outputs
  float *peaks;          // (m)
} workspace;

/// Row length of a block; one vector more than needed keeps rows off the same cache sets.
HH_INLINE size_t block_stride(size_t keys) { return hh_round_up(keys) + HH_LANES; }

static size_t lay_out(workspace *w, float *base, const hh_linear_item *item) {
  const size_t n = item->keys, features = item->features, d = item->head_size;
  const size_t ld = block_stride(item->sinks + n);
  size_t used = 0;
#define PLACE(part, count) (w->part = base ? base + used : NULL, used += hh_round_up(count))
  PLACE(phi_columns, features * hh_round_up(n));
  PLACE(phi_rows, n * hh_round_up(features));
  PLACE(key_columns, d * hh_round_up(n));
  PLACE(value_rows, n * hh_round_up(d));
  PLACE(value_columns, d * hh_round_up(n));
  PLACE(sink_columns, d * hh_round_up(item->sinks));
  PLACE(sink_rows, item->sinks * hh_round_up(d));
  PLACE(sink_value_columns, d * hh_round_up(item->sinks));
  PLACE(phi_q_rows, BLOCK * hh_round_up(features));
  PLACE(queries, BLOCK * d);
  PLACE(scores, BLOCK * ld);
  PLACE(weights, BLOCK * ld);
  PLACE(dweights, BLOCK * ld);
  PLACE(teacher_sums, BLOCK);
  PLACE(sums, BLOCK);
  PLACE(target, BLOCK * d);
  PLACE(output, BLOCK * d);
  PLACE(peaks, item->length);
#undef PLACE
  return used;
}

size_t hh_linear_distillation_scratch(const hh_linear_item *item) {
  workspace w;
  return lay_out(&w, NULL, item);
}

/// The lanes behind the last visible key: a weight of zero without the NaN of 0 * infinity.
HH_INLINE void pad(float *scores, float *weights, size_t count) {
  for (size_t j = count; j < hh_round_up(count); j++) {
    scores[j] = -1e30f;
    weights[j] = 0;
  }
}

/// The teacher's weights of one query before division, in place of its scores, and the student's
/// sum. Adds to `sums` where that is wanted. Rows are padded.
HH_INLINE void weigh_row(
  float *t, const float *weights, size_t count, float epsilon, int measure, float *teacher_sum,
  float *student_sum, hh_linear_distillation_sums *sums) {
  hh_vec top = hh_splat(-1e30f), total = {0};
  for (size_t j = 0; j < count; j += HH_LANES) {
    const hh_vec score = hh_load(t + j);
    top = hh_max(top, score);
    total += hh_load(weights + j);
  }
  const float peak = hh_largest(&top), r = hh_sum(&total);
  const float floor = epsilon * (r + epsilon);
  hh_vec z = {0}, score_sum = {0}, log_sum = {0};
  for (size_t j = 0; j < count; j += HH_LANES) {
    const hh_vec score = hh_load(t + j) - peak;
    hh_vec e = score;
    hh_exp(&e);
    z += e;
    hh_store(t + j, e);
    if (!measure) continue;
    hh_vec log = hh_load(weights + j) + floor;
    hh_log(&log);
    score_sum += e * score;
    log_sum += e * log;
  }
  *teacher_sum = hh_sum(&z);
  *student_sum = r + epsilon;
  if (!measure) return;
  hh_vec logs = {r + epsilon, *teacher_sum};
  for (int i = 2; i < HH_LANES; i++) logs[i] = 1;
  hh_log(&logs);
  const double cross_entropy = (double)logs[0] - (double)(hh_sum(&log_sum) / *teacher_sum);
  // sum P log P, with log P = score - log z.
  const double negative_entropy = (double)(hh_sum(&score_sum) / *teacher_sum) - (double)logs[1];
  sums->cross_entropy += cross_entropy;
  sums->divergence += cross_entropy + negative_entropy;
  sums->smallest_sum = r < sums->smallest_sum ? r : sums->smallest_sum;
}

/// One query's weights become the gradients of its features' products; returns the gradient of the
/// window's factor.
HH_INLINE float differentiate_row(
  const workspace *w, const hh_linear_item *item, const hh_linear_distillation_options *options,
  size_t query, size_t row, size_t columns, size_t ld) {
  const size_t first = item->sinks, sinks = hh_visible_sinks(item, query);
  const size_t end = first + hh_visible(item, query);
  const size_t from = first + hh_window_start(item, query);
  const float *t = w->scores + row * ld, *dweights = w->dweights + row * ld;
  float *weights = w->weights + row * ld;
  const float common = options->weights_factor / w->sums[row];
  const float factor = options->weights_factor / w->teacher_sums[row];
  const float floor = item->epsilon * w->sums[row];
  const int by_weights = options->weights_factor != 0, by_outputs = options->outputs_factor != 0;
  float window = 0;
  for (size_t j = sinks > 0 ? 0 : from; j < end; j = j + 1 == sinks ? from : j + 1) {
    float g = by_weights ? common - factor * t[j] / (weights[j] + floor) : 0;
    if (by_outputs) g += dweights[j];
    window += g * weights[j];
  }
  for (size_t j = first; j < from; j += HH_LANES) {
    hh_vec g = {0};
    if (by_weights) g = common - hh_load(t + j) * factor / (hh_load(weights + j) + floor);
    if (by_outputs) g += hh_load(dweights + j);
    hh_store(weights + j, g);
  }
  if (item->scales)
    for (size_t j = first; j < from; j += HH_LANES) {
      hh_vec s;
      hh_load_some(&s, item->scales + j - first, hh_smaller(from - j, HH_LANES));
      s -= w->peaks[query];
      hh_exp(&s);
      hh_store(weights + j, hh_load(weights + j) * s);
    }
  for (size_t j = from; j < columns; j++) weights[j] = 0;
  return item->window ? window / item->window_factors[0] : 0;
}

/// Weights of teacher and student of a block; adds to `sums` where that is wanted, and goes on to
/// gradients where no outputs have to be compared first.
HH_MULTIVERSION
static void weigh(
  const workspace *w, const hh_linear_item *item, const hh_linear_distillation_options *options,
  size_t start, size_t rows, size_t columns, size_t ld, int outputs,
  hh_linear_distillation_sums *sums) {
  for (size_t i = 0; i < rows; i++) {
    const size_t query = start + i;
    const size_t count = hh_visible_sinks(item, query) + hh_visible(item, query);
    float *t = w->scores + i * ld, *weights = w->weights + i * ld;
    hh_combine(
      item, query, 0, columns - item->sinks, item->scales ? w->peaks[query] : 0, t, weights);
    pad(t, weights, count);
    if (options->measure)
      weigh_row(
        t, weights, count, item->epsilon, 1, w->teacher_sums + i, w->sums + i, sums);
    else
      weigh_row(
        t, weights, count, item->epsilon, 0, w->teacher_sums + i, w->sums + i, sums);
    if (outputs)
      for (size_t j = count; j < columns; j++) t[j] = 0;
    else if (options->gradient)
      *options->dwindow_factor += differentiate_row(w, item, options, query, i, columns, ld);
  }
}

/// The student's outputs less the teacher's, and, where gradients are wanted, those of weights: with
/// do the gradient of the output, the squared error's part is (do . v_j - do . o) / r.
HH_MULTIVERSION
static void compare_outputs(
  const workspace *w, const hh_linear_item *item, const hh_linear_distillation_options *options,
  size_t start, size_t rows, size_t columns, size_t ld, hh_linear_distillation_sums *sums) {
  const size_t d = item->head_size, n = item->keys, sinks = item->sinks, keys = columns - sinks;
  if (sinks > 0) {
    hh_tile_gemm(rows, d, sinks, w->scores, ld, 1, w->sink_rows, sinks, w->target, d, 0);
    hh_tile_gemm(rows, d, sinks, w->weights, ld, 1, w->sink_rows, sinks, w->output, d, 0);
  }
  const int adds = sinks > 0;
  hh_tile_gemm(rows, d, keys, w->scores + sinks, ld, 1, w->value_rows, n, w->target, d, adds);
  hh_tile_gemm(rows, d, keys, w->weights + sinks, ld, 1, w->value_rows, n, w->output, d, adds);
  float products[BLOCK];
  for (size_t i = 0; i < rows; i++) {
    const float inverse = 1.0f / w->sums[i], share = 1.0f / w->teacher_sums[i];
    float error = 0, product = 0;
    for (size_t j = 0; j < d; j++) {
      const float o = w->output[i * d + j] * inverse;
      const float difference = o - w->target[i * d + j] * share;
      const float gradient = difference * (2 * options->outputs_factor / (float)d);
      error += difference * difference;
      product += gradient * o;
      w->output[i * d + j] = gradient;
    }
    sums->output_error += (double)(error / (float)d);
    products[i] = product;
  }
  if (!options->gradient) return;
  if (sinks > 0)
    hh_tile_gemm(
      rows, sinks, d, w->output, d, 1, w->sink_value_columns, d, w->dweights, ld, 0);
  hh_tile_gemm(rows, keys, d, w->output, d, 1, w->value_columns, d, w->dweights + sinks, ld, 0);
  for (size_t i = 0; i < rows; i++) {
    const float inverse = 1.0f / w->sums[i];
    float *dweights = w->dweights + i * ld;
    for (size_t j = 0; j < columns; j++) dweights[j] = (dweights[j] - products[i]) * inverse;
    *options->dwindow_factor += differentiate_row(w, item, options, start + i, i, columns, ld);
  }
}

void hh_linear_distillation(
  const hh_linear_item *item, const hh_linear_distillation_options *options,
  hh_linear_distillation_sums *sums) {
  const size_t m = item->length, n = item->keys, features = item->features, d = item->head_size;
  *sums = (hh_linear_distillation_sums){.smallest_sum = __builtin_inff()};
  const size_t sinks = item->sinks;
  if (m == 0 || sinks + n == 0) return;
  const size_t ld = block_stride(sinks + n);
  const int outputs = item->v && (options->measure || options->outputs_factor != 0);
  workspace w;
  lay_out(&w, item->scratch, item);
  hh_find_peaks(item, m, hh_no_scale, w.peaks);
  if (!options->has_packed) {
    hh_pack_transposed(features, n, item->phi_k, features, w.phi_columns);
    hh_pack_transposed(d, n, item->k, item->k_stride, w.key_columns);
    if (options->gradient) hh_pack(n, features, item->phi_k, features, w.phi_rows);
    if (outputs) {
      hh_pack(n, d, item->v, item->v_stride, w.value_rows);
      hh_pack_transposed(d, n, item->v, item->v_stride, w.value_columns);
    }
    if (sinks > 0) {
      hh_pack_transposed(d, sinks, item->sink_k, item->k_stride, w.sink_columns);
      if (outputs) {
        hh_pack(sinks, d, item->sink_v, item->v_stride, w.sink_rows);
        hh_pack_transposed(d, sinks, item->sink_v, item->v_stride, w.sink_value_columns);
      }
    }
  }
  for (size_t start = 0; start < m; start += BLOCK) {
    const size_t rows = hh_smaller(m - start, BLOCK);
    // With a causal mask the keys after the block's last query are never looked at.
    const size_t keys = hh_visible(item, start + rows - 1), columns = sinks + keys;
    const float *phi_q = item->phi_q + start * features;
    for (size_t i = 0; i < rows; i++)
      for (size_t j = 0; j < d; j++)
        w.queries[i * d + j] = item->q[(start + i) * item->q_stride + j] * item->score_scale;
    float *weights = w.weights + sinks;
    if (sinks > 0)
      hh_tile_gemm(rows, sinks, d, w.queries, d, 1, w.sink_columns, d, w.scores, ld, 0);
    hh_tile_gemm(rows, keys, d, w.queries, d, 1, w.key_columns, d, w.scores + sinks, ld, 0);
    hh_tile_gemm(
      rows, keys, features, phi_q, features, 1, w.phi_columns, features, weights, ld, 0);
    weigh(&w, item, options, start, rows, columns, ld, outputs, sums);
    if (outputs) compare_outputs(&w, item, options, start, rows, columns, ld, sums);
    if (!options->gradient) continue;
    hh_tile_gemm(
      rows, features, keys, weights, ld, 1, w.phi_rows, n,
      options->dphi_q + start * features, features, 0);
    hh_pack(rows, features, phi_q, features, w.phi_q_rows);
    hh_tile_gemm(
      keys, features, rows, weights, 1, ld, w.phi_q_rows, rows, options->dphi_k, features, 1);
  }
}
