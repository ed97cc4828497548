// Attention distillation of one key/value head: loss and gradients of its feature maps.
//
// P is the teacher's row of softmax weights, s_ij = phi_q(q_i) . phi_k(k_j), r_i = sum_j s_ij.
//   loss_i = -sum_j P_ij log(S_ij + eps) with S_ij = s_ij / (r_i + eps), the weights of inference
//          = -sum_j P_ij log(s_ij + floor_i) + log(r_i + eps), floor_i = eps (r_i + eps)
//   dloss_i / ds_ij = 1 / (r_i + eps) - P_ij / (s_ij + floor_i) =: G_ij
// The floor keeps the logarithm finite and is held constant in the gradient, an error of eps. It
// is relative to r_i: a constant one would let maps whose similarities all vanish pass for good.
//   dphi_q = G phi_k, dphi_k = G^T phi_q
// A block of query rows at a time holds its scores and similarities against all keys; the n x n
// matrices never exist.
#include "CHHKernels.h"
#include "feature_map.h"
#include "tile_gemm.h"
#include "vector_math.h"

// Queries per block: eight register tiles of six rows.
enum { BLOCK = 48 };

// Where the parts of the scratch space start; n keys, d = head size, D = 2 f features.
typedef struct {
  float *query_weights;  // panels of (d, f)
  float *key_weights;    // panels of (d, f)
  float *key_panels;     // panels of (d, n): the keys, transposed
  float *phi_k;          // (n, D)
  float *phi_k_columns;  // panels of (D, n): transposed, for the similarities
  float *phi_k_rows;     // panels of (n, D): for G phi_k; later panels of (n, f) for du
  float *dphi_k;         // (n, D)
  float *u_k;            // (n, f); later du
  float *queries;        // (BLOCK, d), scaled
  float *phi_q;          // (BLOCK, D)
  float *phi_q_panels;   // panels of (BLOCK, D)
  float *dphi_q;         // (BLOCK, D)
  float *u_q;            // (BLOCK, f); later du
  float *du_q_panels;    // panels of (BLOCK, f)
  float *scores;         // (BLOCK, ld)
  float *similarities;   // (BLOCK, ld); later G
} workspace;

/// Row length of a block; one vector more than needed keeps rows off the same cache sets.
HH_INLINE size_t block_stride(size_t keys) { return hh_round_up(keys) + HH_LANES; }

/// Lays the scratch space out from `base` and returns the number of floats it takes.
static size_t lay_out(workspace *w, float *base, size_t n, size_t d, size_t f) {
  const size_t features = 2 * f;
  size_t used = 0;
#define PLACE(part, count) (w->part = base ? base + used : NULL, used += hh_round_up(count))
  PLACE(query_weights, d * hh_round_up(f));
  PLACE(key_weights, d * hh_round_up(f));
  PLACE(key_panels, d * hh_round_up(n));
  PLACE(phi_k, n * features);
  PLACE(phi_k_columns, features * hh_round_up(n));
  PLACE(phi_k_rows, n * hh_round_up(features));
  PLACE(dphi_k, n * features);
  PLACE(u_k, n * f);
  PLACE(queries, BLOCK * d);
  PLACE(phi_q, BLOCK * features);
  PLACE(phi_q_panels, BLOCK * hh_round_up(features));
  PLACE(dphi_q, BLOCK * features);
  PLACE(u_q, BLOCK * f);
  PLACE(du_q_panels, BLOCK * hh_round_up(f));
  PLACE(scores, BLOCK * block_stride(n));
  PLACE(similarities, BLOCK * block_stride(n));
#undef PLACE
  return used;
}

size_t hh_distillation_scratch(size_t keys, size_t head_size, size_t f) {
  workspace w;
  return lay_out(&w, NULL, keys, head_size, f);
}

/// One query's row: adds to `sums` and turns the similarities into weight * G.
///
/// `count` keys are visible; the row is zero from there to `padded`, where a gradient is wanted.
HH_INLINE void distil_row(
  float *t, float *s, size_t count, size_t padded, float epsilon, float weight, int measure,
  int gradient, hh_distillation_sums *sums) {
  // Lanes behind the last visible key: a weight of zero without the NaN of 0 * infinity.
  for (size_t j = count; j < hh_round_up(count); j++) {
    t[j] = -1e30f;
    s[j] = 0;
  }
  hh_vec top = hh_splat(-1e30f), total = {0};
  for (size_t j = 0; j < count; j += HH_LANES) {
    const hh_vec score = hh_load(t + j);
    top = hh_max(top, score);
    total += hh_load(s + j);
  }
  const float peak = hh_largest(&top);
  const float r = hh_sum(&total);
  const float floor = epsilon * (r + epsilon);
  hh_vec z = {0}, score_sum = {0}, log_sum = {0};
  if (measure) {
    for (size_t j = 0; j < count; j += HH_LANES) {
      const hh_vec score = hh_load(t + j) - peak;
      hh_vec e = score, l = hh_load(s + j) + floor;
      hh_exp(&e);
      hh_log(&l);
      z += e;
      score_sum += e * score;
      log_sum += e * l;
      hh_store(t + j, e);
    }
  } else {
    for (size_t j = 0; j < count; j += HH_LANES) {
      hh_vec e = hh_load(t + j) - peak;
      hh_exp(&e);
      z += e;
      hh_store(t + j, e);
    }
  }
  const float z_sum = hh_sum(&z);
  if (measure) {
    hh_vec logs = {r + epsilon, z_sum};
    for (int i = 2; i < HH_LANES; i++) logs[i] = 1;
    hh_log(&logs);
    const double cross_entropy = (double)logs[0] - (double)(hh_sum(&log_sum) / z_sum);
    // sum P log P, with log P = score - log z.
    const double negative_entropy = (double)(hh_sum(&score_sum) / z_sum) - (double)logs[1];
    sums->cross_entropy += cross_entropy;
    sums->divergence += cross_entropy + negative_entropy;
    sums->smallest_sum = r < sums->smallest_sum ? r : sums->smallest_sum;
  }
  if (gradient) {
    const float common = weight / (r + epsilon), factor = weight / z_sum;
    for (size_t j = 0; j < count; j += HH_LANES) {
      const hh_vec p = hh_load(t + j) * factor;
      hh_store(s + j, common - p / (hh_load(s + j) + floor));
    }
    for (size_t j = count; j < padded; j++) s[j] = 0;
  }
}

HH_MULTIVERSION
static void distil_rows(
  const workspace *w, size_t rows, size_t ld, size_t position, size_t step, size_t columns,
  int causal, float epsilon, float weight, int measure, int gradient, hh_distillation_sums *sums) {
  for (size_t i = 0; i < rows; i++) {
    const size_t count = causal ? position + i * step + 1 : columns;
    float *t = w->scores + i * ld, *s = w->similarities + i * ld;
    if (measure)
      distil_row(t, s, count, columns, epsilon, weight, 1, gradient, sums);
    else
      distil_row(t, s, count, columns, epsilon, weight, 0, gradient, sums);
  }
}

/// db += column sums of du, and dW += x^T du (in the forward pass u = x W + b).
static void add_parameter_gradients(
  size_t rows, size_t d, size_t f, const float *x, size_t stride, const float *du, float *panels,
  float *dweight, float *dbias) {
  hh_pack(rows, f, du, f, panels);
  hh_tile_gemm(d, f, rows, x, 1, stride, panels, rows, dweight, f, 1);
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < f; j++) dbias[j] += du[i * f + j];
}

void hh_distillation(
  const hh_attention_item *item, const hh_feature_maps *maps,
  const hh_distillation_options *options, hh_distillation_sums *sums) {
  const size_t n = item->keys, d = item->head_size, f = maps->f, features = 2 * f;
  const size_t ld = block_stride(n);
  const int gradient = options->gradient;
  for (size_t g = 0; g < item->group; g++)
    sums[g] = (hh_distillation_sums){.smallest_sum = __builtin_inff()};
  if (gradient) {
    memset(options->dweight_q, 0, item->group * d * f * sizeof(float));
    memset(options->dbias_q, 0, item->group * f * sizeof(float));
    memset(options->dweight_k, 0, d * f * sizeof(float));
    memset(options->dbias_k, 0, f * sizeof(float));
  }
  if (n == 0) return;
  const size_t step = options->query_step, stride = step * item->q_stride;
  const size_t queries =
    options->first_query < n ? (n - options->first_query + step - 1) / step : 0;
  workspace w;
  lay_out(&w, item->scratch, n, d, f);
  hh_pack(d, f, maps->weight_k, f, w.key_weights);
  hh_feature_map_rows(
    n, d, f, item->k, item->k_stride, w.key_weights, maps->bias_k, w.u_k, w.phi_k);
  hh_pack_transposed(d, n, item->k, item->k_stride, w.key_panels);
  hh_pack_transposed(features, n, w.phi_k, features, w.phi_k_columns);
  if (gradient) {
    hh_pack(n, features, w.phi_k, features, w.phi_k_rows);
    memset(w.dphi_k, 0, n * features * sizeof(float));
  }
  for (size_t g = 0; g < item->group; g++) {
    hh_pack(d, f, maps->weight_q + g * d * f, f, w.query_weights);
    for (size_t start = 0; start < queries; start += BLOCK) {
      const size_t rows = hh_smaller(queries - start, BLOCK);
      const size_t position = options->first_query + start * step;
      // With a causal mask the keys after the block's last query are never looked at.
      const size_t columns = item->causal ? position + (rows - 1) * step + 1 : n;
      const float *q = item->q + position * item->q_stride + g * d;
      for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < d; j++)
          w.queries[i * d + j] = q[i * stride + j] * options->scale;
      hh_feature_map_rows(
        rows, d, f, q, stride, w.query_weights, maps->bias_q + g * f, w.u_q, w.phi_q);
      hh_tile_gemm(rows, columns, d, w.queries, d, 1, w.key_panels, d, w.scores, ld, 0);
      hh_tile_gemm(
        rows, columns, features, w.phi_q, features, 1, w.phi_k_columns, features, w.similarities,
        ld, 0);
      distil_rows(
        &w, rows, ld, position, step, columns, item->causal, maps->epsilon, options->weight,
        options->measure, gradient, sums + g);
      if (!gradient) continue;
      hh_tile_gemm(
        rows, features, columns, w.similarities, ld, 1, w.phi_k_rows, n, w.dphi_q, features, 0);
      hh_pack(rows, features, w.phi_q, features, w.phi_q_panels);
      hh_tile_gemm(
        columns, features, rows, w.similarities, 1, ld, w.phi_q_panels, rows, w.dphi_k, features,
        1);
      hh_feature_map_rows_backward(rows, f, w.phi_q, w.dphi_q, w.u_q);
      add_parameter_gradients(
        rows, d, f, q, stride, w.u_q, w.du_q_panels, options->dweight_q + g * d * f,
        options->dbias_q + g * f);
    }
  }
  if (!gradient) return;
  hh_feature_map_rows_backward(n, f, w.phi_k, w.dphi_k, w.u_k);
  add_parameter_gradients(
    n, d, f, item->k, item->k_stride, w.u_k, w.phi_k_rows, options->dweight_k, options->dbias_k);
}
