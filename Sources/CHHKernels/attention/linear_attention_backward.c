// Backward pass of Hedgehog linear attention of one key/value head.
//
// In the forward pass this was out_i = N_i / r_i with N_i = phi_q_i S and r_i = phi_q_i . z + eps,
// S = sum phi_k_j v_j^T and z = sum phi_k_j over the visible keys. With
//   dN_i = dout_i / r_i  and  dr_i = -(dout_i . out_i) / r_i
// it is the backward pass of unnormalised linear attention over values with one more column, of
// ones, whose output gradient is dr:
//   dphi_q_i = S dN_i + z dr_i                       over the keys that query i sees
//   dphi_k_j = T v_j + t,  dv_j = T^T phi_k_j        over the queries that see key j,
// with T = sum phi_q_i dN_i^T and t = sum dr_i phi_q_i. A causal mask takes two passes over chunks,
// forward with S and back with T; what happens inside a chunk is quadratic and done in the first.
#include "CHHKernels.h"
#include "feature_map.h"
#include "tile_gemm.h"

// Positions per chunk.
enum { CHUNK = 64 };

// Where the parts of the scratch space start; n keys, D = 2 f features, d = head size.
typedef struct {
  float *weights_q;      // panels of (d, f), of one query head
  float *weights_k;      // panels of (d, f)
  float *weight_columns; // panels of (f, d): W transposed
  float *phi_q;          // (n, D), of one query head
  float *phi_k;          // (n, D)
  float *dphi_k;         // (n, D)
  float *dn;             // (n, d): dN
  float *dr;             // (n)
  float *dphi_q;         // (CHUNK, D)
  float *u;              // (CHUNK, f); later du
  float *du_rows;        // panels of (CHUNK, f)
  float *phi_k_columns;  // panels of (D, CHUNK)
  float *phi_rows;       // panels of (CHUNK, D)
  float *value_rows;     // panels of (CHUNK, d)
  float *value_columns;  // panels of (d, CHUNK)
  float *dn_rows;        // panels of (CHUNK, d)
  float *weights;        // (CHUNK, CHUNK): phi_q . phi_k
  float *dweights;       // (CHUNK, CHUNK): dN . v + dr
  float *state;          // S, then T: (D, d)
  float *state_rows;     // panels of (D, d)
  float *state_columns;  // panels of (d, D)
  float *z;              // z, then t: (D)
} workspace;

/// Lays the scratch space out from `base` and returns the number of floats it takes.
static size_t lay_out(workspace *w, float *base, size_t n, size_t d, size_t f) {
  const size_t features = 2 * f;
  size_t used = 0;
#define PLACE(part, count) (w->part = base ? base + used : NULL, used += hh_round_up(count))
  PLACE(weights_q, d * hh_round_up(f));
  PLACE(weights_k, d * hh_round_up(f));
  PLACE(weight_columns, f * hh_round_up(d));
  PLACE(phi_q, n * features);
  PLACE(phi_k, n * features);
  PLACE(dphi_k, n * features);
  PLACE(dn, n * d);
  PLACE(dr, n);
  PLACE(dphi_q, CHUNK * features);
  PLACE(u, CHUNK * f);
  PLACE(du_rows, CHUNK * hh_round_up(f));
  PLACE(phi_k_columns, CHUNK * features);
  PLACE(phi_rows, CHUNK * hh_round_up(features));
  PLACE(value_rows, CHUNK * hh_round_up(d));
  PLACE(value_columns, CHUNK * d);
  PLACE(dn_rows, CHUNK * hh_round_up(d));
  PLACE(weights, CHUNK * CHUNK);
  PLACE(dweights, CHUNK * CHUNK);
  PLACE(state, features * d);
  PLACE(state_rows, features * hh_round_up(d));
  PLACE(state_columns, d * hh_round_up(features));
  PLACE(z, features);
#undef PLACE
  return used;
}

size_t hh_linear_attention_backward_scratch(size_t keys, size_t head_size, size_t f) {
  workspace w;
  return lay_out(&w, NULL, keys, head_size, f);
}

static void clear_state(const workspace *w, size_t d, size_t features) {
  memset(w->state, 0, features * d * sizeof(float));
  memset(w->z, 0, features * sizeof(float));
}

/// sums += factor_i * row i of x, with a factor of 1 where there are none.
HH_MULTIVERSION
static void add_rows(
  size_t rows, size_t columns, const float *x, const float *factors, float *sums) {
  for (size_t i = 0; i < rows; i++) {
    const float factor = factors ? factors[i] : 1.0f;
    for (size_t j = 0; j < columns; j++) sums[j] += factor * x[i * columns + j];
  }
}

/// S += phi_k^T v and z += sum of phi_k, over the `rows` keys at `start`.
static void add_keys(
  const workspace *w, const hh_attention_item *item, size_t start, size_t rows,
  size_t features) {
  const size_t d = item->head_size;
  const float *phi_k = w->phi_k + start * features;
  hh_pack(rows, d, item->v + start * item->v_stride, item->v_stride, w->value_rows);
  hh_tile_gemm(features, d, rows, phi_k, 1, features, w->value_rows, rows, w->state, d, 1);
  add_rows(rows, features, phi_k, NULL, w->z);
}

/// T += phi_q^T dN and t += sum of dr phi_q, over the `rows` queries at `start`.
static void add_queries(const workspace *w, size_t d, size_t start, size_t rows, size_t features) {
  const float *phi_q = w->phi_q + start * features;
  hh_pack(rows, d, w->dn + start * d, d, w->dn_rows);
  hh_tile_gemm(features, d, rows, phi_q, 1, features, w->dn_rows, rows, w->state, d, 1);
  add_rows(rows, features, phi_q, w->dr + start, w->z);
}

/// dN and dr of the queries at `start`, and z dr as the first part of dphi_q. In a causal chunk the
/// weights of the chunk's own keys count in r, and those of later keys become zero.
HH_MULTIVERSION
static void differentiate_quotient(
  const workspace *w, const hh_attention_item *item, const hh_attention_gradients *gradients,
  size_t start, size_t rows, size_t head, size_t features, float epsilon) {
  const size_t d = item->head_size;
  for (size_t i = 0; i < rows; i++) {
    const float *phi_q = w->phi_q + (start + i) * features;
    float r = hh_dot(phi_q, w->z, features) + epsilon;
    if (item->causal) {
      float *weights = w->weights + i * CHUNK;
      for (size_t j = 0; j <= i; j++) r += weights[j];
      for (size_t j = i + 1; j < rows; j++) weights[j] = 0;
    }
    const float inverse = 1.0f / r;
    const float *out = item->out + (start + i) * item->out_stride + head * d;
    const float *dout = gradients->dout + (start + i) * gradients->dout_stride + head * d;
    const float dr = -hh_dot(out, dout, d) * inverse;
    w->dr[start + i] = dr;
    for (size_t j = 0; j < d; j++) w->dn[(start + i) * d + j] = dout[j] * inverse;
    for (size_t j = 0; j < features; j++) w->dphi_q[i * features + j] = dr * w->z[j];
  }
}

/// dweights += dr, row by row; zero above the diagonal.
HH_MULTIVERSION
static void mask_weight_gradients(const workspace *w, size_t start, size_t rows) {
  for (size_t i = 0; i < rows; i++) {
    float *row = w->dweights + i * CHUNK;
    for (size_t j = 0; j <= i; j++) row[j] += w->dr[start + i];
    for (size_t j = i + 1; j < rows; j++) row[j] = 0;
  }
}

/// db += column sums of du, dW += x^T du, and dx (+)= du W^T, given dphi (in the forward pass
/// u = x W + b).
static void map_backward(
  const workspace *w, size_t rows, size_t d, size_t f, const float *x, size_t stride,
  const float *phi, const float *dphi, float *dweight, float *dbias, float *dx, size_t dx_stride,
  int accumulate) {
  hh_feature_map_rows_backward(rows, f, phi, dphi, w->u);
  hh_pack(rows, f, w->u, f, w->du_rows);
  hh_tile_gemm(d, f, rows, x, 1, stride, w->du_rows, rows, dweight, f, 1);
  add_rows(rows, f, w->u, NULL, dbias);
  hh_tile_gemm(rows, d, f, w->u, f, 1, w->weight_columns, f, dx, dx_stride, accumulate);
}

/// The gradients of the queries at `start`, and what the pairs inside a causal chunk add to keys and
/// values.
static void backward_of_queries(
  const workspace *w, const hh_attention_item *item, const hh_feature_maps *maps,
  const hh_attention_gradients *gradients, const hh_feature_map_gradients *map_gradients,
  size_t start, size_t rows, size_t head) {
  const size_t d = item->head_size, f = maps->f, features = 2 * f;
  const float *q = item->q + start * item->q_stride + head * d;
  float *phi_q = w->phi_q + start * features, *phi_k = w->phi_k + start * features;
  float *dn = w->dn + start * d;
  hh_feature_map_rows(
    rows, d, f, q, item->q_stride, w->weights_q, maps->bias_q + head * f, w->u, phi_q);
  if (item->causal) {
    hh_pack_transposed(features, rows, phi_k, features, w->phi_k_columns);
    hh_tile_gemm(
      rows, rows, features, phi_q, features, 1, w->phi_k_columns, features, w->weights, CHUNK, 0);
  }
  differentiate_quotient(
    w, item, gradients, start, rows, head, features, maps->epsilon);
  hh_tile_gemm(rows, features, d, dn, d, 1, w->state_columns, d, w->dphi_q, features, 1);
  if (item->causal) {
    const float *v = item->v + start * item->v_stride;
    hh_pack_transposed(d, rows, v, item->v_stride, w->value_columns);
    hh_tile_gemm(rows, rows, d, dn, d, 1, w->value_columns, d, w->dweights, CHUNK, 0);
    mask_weight_gradients(w, start, rows);
    hh_pack(rows, features, phi_k, features, w->phi_rows);
    hh_tile_gemm(
      rows, features, rows, w->dweights, CHUNK, 1, w->phi_rows, rows, w->dphi_q, features, 1);
    hh_pack(rows, features, phi_q, features, w->phi_rows);
    hh_tile_gemm(
      rows, features, rows, w->dweights, 1, CHUNK, w->phi_rows, rows,
      w->dphi_k + start * features, features, 1);
    hh_pack(rows, d, dn, d, w->dn_rows);
    hh_tile_gemm(
      rows, d, rows, w->weights, 1, CHUNK, w->dn_rows, rows,
      gradients->dv + start * gradients->dv_stride, gradients->dv_stride, 1);
  }
  map_backward(
    w, rows, d, f, q, item->q_stride, phi_q, w->dphi_q, map_gradients->dweight_q + head * d * f,
    map_gradients->dbias_q + head * f, gradients->dq + start * gradients->dq_stride + head * d,
    gradients->dq_stride, 0);
}

/// dphi_k += T v + t and dv += T^T phi_k, for the `rows` keys at `start`.
static void backward_of_keys(
  const workspace *w, const hh_attention_item *item, const hh_attention_gradients *gradients,
  size_t start, size_t rows, size_t features) {
  const size_t d = item->head_size;
  float *dphi_k = w->dphi_k + start * features;
  hh_tile_gemm(
    rows, features, d, item->v + start * item->v_stride, item->v_stride, 1, w->state_columns, d,
    dphi_k, features, 1);
  for (size_t i = 0; i < rows; i++) add_rows(1, features, w->z, NULL, dphi_k + i * features);
  hh_tile_gemm(
    rows, d, features, w->phi_k + start * features, features, 1, w->state_rows, features,
    gradients->dv + start * gradients->dv_stride, gradients->dv_stride, 1);
}

void hh_linear_attention_backward(
  const hh_attention_item *item, const hh_feature_maps *maps,
  const hh_attention_gradients *gradients, const hh_feature_map_gradients *map_gradients) {
  const size_t n = item->keys, d = item->head_size, f = maps->f, features = 2 * f;
  const size_t last = n > 0 ? (n - 1) / CHUNK * CHUNK : 0;
  workspace w;
  lay_out(&w, item->scratch, n, d, f);
  hh_pack(d, f, maps->weight_k, f, w.weights_k);
  for (size_t start = 0; start < n; start += CHUNK)
    hh_feature_map_rows(
      hh_smaller(n - start, CHUNK), d, f, item->k + start * item->k_stride, item->k_stride,
      w.weights_k, maps->bias_k, w.u, w.phi_k + start * features);
  memset(w.dphi_k, 0, n * features * sizeof(float));
  for (size_t g = 0; g < item->group; g++) {
    hh_pack(d, f, maps->weight_q + g * d * f, f, w.weights_q);
    hh_pack_transposed(f, d, maps->weight_q + g * d * f, f, w.weight_columns);
    clear_state(&w, d, features);
    if (!item->causal)
      for (size_t start = 0; start < n; start += CHUNK)
        add_keys(&w, item, start, hh_smaller(n - start, CHUNK), features);
    hh_pack_transposed(d, features, w.state, d, w.state_columns);
    for (size_t start = 0; start < n; start += CHUNK) {
      const size_t rows = hh_smaller(n - start, CHUNK);
      backward_of_queries(&w, item, maps, gradients, map_gradients, start, rows, g);
      if (!item->causal) continue;
      add_keys(&w, item, start, rows, features);
      hh_pack_transposed(d, features, w.state, d, w.state_columns);
    }
    for (size_t i = n; i < item->length; i++)
      memset(gradients->dq + i * gradients->dq_stride + g * d, 0, d * sizeof(float));
    clear_state(&w, d, features);
    if (!item->causal)
      for (size_t start = 0; start < n; start += CHUNK)
        add_queries(&w, d, start, hh_smaller(n - start, CHUNK), features);
    for (size_t step = 0; n > 0 && step <= last; step += CHUNK) {
      const size_t start = last - step, rows = hh_smaller(n - start, CHUNK);
      if (!item->causal || step > 0) {
        hh_pack(features, d, w.state, d, w.state_rows);
        hh_pack_transposed(d, features, w.state, d, w.state_columns);
        backward_of_keys(&w, item, gradients, start, rows, features);
      }
      if (item->causal) add_queries(&w, d, start, rows, features);
    }
  }
  hh_pack_transposed(f, d, maps->weight_k, f, w.weight_columns);
  for (size_t start = 0; start < n; start += CHUNK)
    map_backward(
      &w, hh_smaller(n - start, CHUNK), d, f, item->k + start * item->k_stride, item->k_stride,
      w.phi_k + start * features, w.dphi_k + start * features, map_gradients->dweight_k,
      map_gradients->dbias_k, gradients->dk + start * gradients->dk_stride, gradients->dk_stride,
      1);
}
