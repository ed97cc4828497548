// Hedgehog linear attention of one key/value head: y = phi(q) S / (phi(q) z + epsilon).
#include "CHHKernels.h"
#include "feature_map.h"
#include "tile_gemm.h"

// Positions per chunk; inside a chunk the causal form is quadratic.
enum { CHUNK = 64 };

// Where the parts of the scratch space start; D = 2 f features, d = head size.
typedef struct {
  float *query_weights;  // group panels of (d, f)
  float *key_weights;    // panels of (d, f)
  float *u;              // (CHUNK, f)
  float *phi_q;          // (CHUNK, D)
  float *phi_k;          // (CHUNK, D)
  float *phi_k_panels;   // panels of (D, CHUNK)
  float *value_panels;   // panels of (CHUNK, d)
  float *weights;        // (CHUNK, CHUNK)
  float *state;          // S: (D, d)
  float *state_panels;   // panels of (D, d)
  float *z;              // (D)
} workspace;

/// Lays the scratch space out from `base` and returns the number of floats it takes.
static size_t lay_out(workspace *w, float *base, size_t d, size_t f, size_t group) {
  const size_t features = 2 * f;
  size_t used = 0;
#define PLACE(part, count) (w->part = base ? base + used : NULL, used += hh_round_up(count))
  PLACE(query_weights, group * d * hh_round_up(f));
  PLACE(key_weights, d * hh_round_up(f));
  PLACE(u, CHUNK * f);
  PLACE(phi_q, CHUNK * features);
  PLACE(phi_k, CHUNK * features);
  PLACE(phi_k_panels, CHUNK * features);
  PLACE(value_panels, CHUNK * hh_round_up(d));
  PLACE(weights, CHUNK * CHUNK);
  PLACE(state, features * d);
  PLACE(state_panels, features * hh_round_up(d));
  PLACE(z, features);
#undef PLACE
  return used;
}

size_t hh_linear_attention_scratch(size_t head_size, size_t f, size_t group) {
  workspace w;
  return lay_out(&w, NULL, head_size, f, group);
}

/// phi_k and the packed values of the chunk at `start`; returns how many valid keys it holds.
static size_t load_chunk(
  const workspace *w, const hh_attention_item *item, const hh_feature_maps *maps, size_t start) {
  if (start >= item->keys) return 0;
  const size_t keys = hh_smaller(item->keys - start, CHUNK), d = item->head_size;
  hh_feature_map_rows(
    keys, d, maps->f, item->k + start * item->k_stride, item->k_stride, w->key_weights,
    maps->bias_k, w->u, w->phi_k);
  hh_pack(keys, d, item->v + start * item->v_stride, item->v_stride, w->value_panels);
  return keys;
}

/// S += phi_k^T V, z += sum of phi_k over the chunk.
HH_MULTIVERSION
static void add_to_state(const workspace *w, size_t keys, size_t d, size_t features) {
  hh_tile_gemm(features, d, keys, w->phi_k, 1, features, w->value_panels, keys, w->state, d, 1);
  for (size_t i = 0; i < keys; i++)
    for (size_t c = 0; c < features; c++) w->z[c] += w->phi_k[i * features + c];
  hh_pack(features, d, w->state, d, w->state_panels);
}

/// Outputs of the chunk of queries at `start`: the state's part and, with a causal mask, the part
/// of the chunk's own `keys` keys.
HH_MULTIVERSION
static void emit_chunk(
  const workspace *w, const hh_attention_item *item, const hh_feature_maps *maps, size_t start,
  size_t keys) {
  const size_t d = item->head_size, f = maps->f, features = 2 * f;
  const size_t rows = hh_smaller(item->length - start, CHUNK);
  if (keys > 0) hh_pack_transposed(features, keys, w->phi_k, features, w->phi_k_panels);
  for (size_t g = 0; g < item->group; g++) {
    hh_feature_map_rows(
      rows, d, f, item->q + start * item->q_stride + g * d, item->q_stride,
      w->query_weights + g * d * hh_round_up(f), maps->bias_q + g * f, w->u, w->phi_q);
    float *out = item->out + start * item->out_stride + g * d;
    hh_tile_gemm(
      rows, d, features, w->phi_q, features, 1, w->state_panels, features, out,
      item->out_stride, 0);
    if (keys > 0) {
      hh_tile_gemm(
        rows, keys, features, w->phi_q, features, 1, w->phi_k_panels, features, w->weights,
        CHUNK, 0);
      for (size_t i = 0; i < rows; i++)
        for (size_t j = i + 1; j < keys; j++) w->weights[i * CHUNK + j] = 0;
      hh_tile_gemm(
        rows, d, keys, w->weights, CHUNK, 1, w->value_panels, keys, out, item->out_stride, 1);
    }
    for (size_t i = 0; i < rows; i++) {
      float denominator = hh_dot(w->phi_q + i * features, w->z, features) + maps->epsilon;
      for (size_t j = 0; j < keys && j <= i; j++) denominator += w->weights[i * CHUNK + j];
      const float inverse = 1.0f / denominator;
      for (size_t j = 0; j < d; j++) out[i * item->out_stride + j] *= inverse;
    }
  }
}

size_t hh_linear_attention_state(size_t head_size, size_t f) { return 2 * f * (head_size + 1); }

void hh_linear_attention_forward(
  const hh_attention_item *item, const hh_feature_maps *maps, float *state) {
  const size_t d = item->head_size, f = maps->f, features = 2 * f;
  workspace w;
  lay_out(&w, item->scratch, d, f, item->group);
  for (size_t g = 0; g < item->group; g++)
    hh_pack(d, f, maps->weight_q + g * d * f, f, w.query_weights + g * d * hh_round_up(f));
  hh_pack(d, f, maps->weight_k, f, w.key_weights);
  if (state) {
    memcpy(w.state, state, features * d * sizeof(float));
    memcpy(w.z, state + features * d, features * sizeof(float));
    hh_pack(features, d, w.state, d, w.state_panels);
  } else {
    memset(w.state, 0, features * d * sizeof(float));
    memset(w.state_panels, 0, features * hh_round_up(d) * sizeof(float));
    memset(w.z, 0, features * sizeof(float));
  }
  if (item->causal) {
    for (size_t start = 0; start < item->length; start += CHUNK) {
      const size_t keys = load_chunk(&w, item, maps, start);
      emit_chunk(&w, item, maps, start, keys);
      add_to_state(&w, keys, d, features);
    }
  } else {
    for (size_t start = 0; start < item->keys; start += CHUNK)
      add_to_state(&w, load_chunk(&w, item, maps, start), d, features);
    for (size_t start = 0; start < item->length; start += CHUNK)
      emit_chunk(&w, item, maps, start, 0);
  }
  if (state) {
    memcpy(state, w.state, features * d * sizeof(float));
    memcpy(state + features * d, w.z, features * sizeof(float));
  }
}

/// S += phi_k v^T, z += phi_k.
HH_MULTIVERSION
static void add_key(
  size_t features, size_t d, const float *phi_k, const float *v, float *state) {
  float *z = state + features * d;
  for (size_t c = 0; c < features; c++) {
    float *row = state + c * d;
    for (size_t j = 0; j < d; j++) row[j] += phi_k[c] * v[j];
    z[c] += phi_k[c];
  }
}

/// out = phi_q S / (phi_q z + epsilon).
HH_MULTIVERSION
static void read_state(
  size_t features, size_t d, const float *phi_q, const float *state, float epsilon, float *out) {
  const float inverse = 1.0f / (hh_dot(phi_q, state + features * d, features) + epsilon);
  memset(out, 0, d * sizeof(float));
  for (size_t c = 0; c < features; c++) {
    const float *row = state + c * d;
    for (size_t j = 0; j < d; j++) out[j] += phi_q[c] * row[j];
  }
  for (size_t j = 0; j < d; j++) out[j] *= inverse;
}

void hh_linear_attention_step(
  const hh_attention_item *item, const hh_feature_maps *maps, float *state) {
  const size_t d = item->head_size, f = maps->f, features = 2 * f;
  float *u = item->scratch, *phi = u + f;
  hh_feature_map_row(d, f, item->k, maps->weight_k, maps->bias_k, u, phi);
  add_key(features, d, phi, item->v, state);
  for (size_t g = 0; g < item->group; g++) {
    hh_feature_map_row(
      d, f, item->q + g * d, maps->weight_q + g * d * f, maps->bias_q + g * f, u, phi);
    read_state(features, d, phi, state, maps->epsilon, item->out + g * d);
  }
}
