// Attention over features of one query head, with or without a window of softmax weights.
//
// out_i = (sum_j w_ij v_j) / (sum_j w_ij + epsilon), with the weights of hh_feature_item. A block of
// queries sees two ranges of keys: "far" ones, outside of the window of all its queries, through
// the state S = sum phi_k v^T and z = sum phi_k, and "near" ones pair by pair.
#include "feature_attention.h"

// Queries per block, and keys that enter the state at a time.
enum { BLOCK = 64 };

// Where the parts of the scratch space start; D features, d = head size, n near keys.
typedef struct {
  float *state;         // S: (D, d)
  float *z;             // (D)
  float *state_rows;    // panels of (D, d)
  float *phi;           // (BLOCK, D): features times their scale
  float *phi_columns;   // panels of (D, n)
  float *key_columns;   // panels of (d, n)
  float *value_rows;    // panels of (n, d)
  float *weights;       // (BLOCK, n)
  float *scores;        // (BLOCK, n)
  float *peaks;         // (length)
  float scale;          // logarithm of the state's scale
} workspace;

/// Most near keys of a block.
static size_t near_keys(const hh_feature_item *item) {
  return item->causal ? BLOCK + item->window : 0;
}

static size_t lay_out(workspace *w, float *base, const hh_feature_item *item) {
  const size_t features = item->features, d = item->head_size, n = near_keys(item);
  const size_t most = n > BLOCK ? n : BLOCK;
  size_t used = 0;
#define PLACE(part, count) (w->part = base ? base + used : NULL, used += hh_round_up(count))
  PLACE(state, features * d);
  PLACE(z, features);
  PLACE(state_rows, features * hh_round_up(d));
  PLACE(phi, BLOCK * features);
  PLACE(phi_columns, features * hh_round_up(n));
  PLACE(key_columns, item->window ? d * hh_round_up(n) : 0);
  PLACE(value_rows, most * hh_round_up(d));
  PLACE(weights, BLOCK * n);
  PLACE(scores, item->window ? BLOCK * n : 0);
  PLACE(peaks, item->scales ? item->length : 0);
#undef PLACE
  return used;
}

size_t hh_feature_attention_scratch(const hh_feature_item *item) {
  workspace w;
  return lay_out(&w, NULL, item);
}

size_t hh_feature_attention_state(size_t features, size_t head_size) {
  return features * (head_size + 1) + 1;
}

/// Keys that are far for the block of queries at `start`.
static size_t far_keys(const hh_feature_item *item, size_t start) {
  if (!item->causal) return item->keys;
  const size_t kept = item->window > 1 ? item->window : 1, seen = item->past + start + 1;
  return hh_smaller(seen > kept ? seen - kept : 0, item->keys);
}

/// Takes keys `*done` to `far` into the state.
HH_MULTIVERSION
static void grow(workspace *w, const hh_feature_item *item, size_t *done, size_t far) {
  const size_t features = item->features, d = item->head_size;
  while (*done < far) {
    const size_t rows = hh_smaller(far - *done, BLOCK);
    const float *phi = item->phi_k + *done * features;
    if (item->scales) {
      const float *scales = item->scales + *done;
      float top = w->scale;
      for (size_t i = 0; i < rows; i++) top = top < scales[i] ? scales[i] : top;
      if (top > w->scale) {
        const float factor = hh_exp_one(w->scale - top);
        for (size_t c = 0; c < features * d; c++) w->state[c] *= factor;
        for (size_t c = 0; c < features; c++) w->z[c] *= factor;
        w->scale = top;
      }
      for (size_t i = 0; i < rows; i++) {
        const float factor = hh_exp_one(scales[i] - top);
        for (size_t c = 0; c < features; c++)
          w->phi[i * features + c] = phi[i * features + c] * factor;
      }
      phi = w->phi;
    }
    hh_pack(rows, d, item->v + *done * item->v_stride, item->v_stride, w->value_rows);
    hh_tile_gemm(features, d, rows, phi, 1, features, w->value_rows, rows, w->state, d, 1);
    for (size_t i = 0; i < rows; i++)
      for (size_t c = 0; c < features; c++) w->z[c] += phi[i * features + c];
    *done += rows;
  }
}

HH_MULTIVERSION
static void combine_rows(
  const workspace *w, const hh_feature_item *item, size_t start, size_t rows, size_t far,
  size_t near) {
  for (size_t i = 0; i < rows; i++)
    hh_combine(
      item, start + i, far, near, item->scales ? w->peaks[start + i] : 0, w->scores + i * near,
      w->weights + i * near);
}

/// The weights of the near keys, (rows, near); packs the keys' features, keys and values.
static void weigh_near(
  const workspace *w, const hh_feature_item *item, size_t start, size_t rows, size_t far,
  size_t near) {
  const size_t features = item->features, d = item->head_size;
  const float *phi_q = item->phi_q + start * features;
  // The last keys of a window are in nobody's linear part, and their features may be absent.
  const size_t linear = hh_smaller(near, hh_window_start(item, start + rows - 1) - far);
  if (linear > 0) {
    hh_pack_transposed(
      features, linear, item->phi_k + far * features, features, w->phi_columns);
    hh_tile_gemm(
      rows, linear, features, phi_q, features, 1, w->phi_columns, features, w->weights, near, 0);
  }
  if (item->window) {
    hh_pack_transposed(d, near, item->k + far * item->k_stride, item->k_stride, w->key_columns);
    hh_tile_gemm(
      rows, near, d, item->q + start * item->q_stride, item->q_stride, 1, w->key_columns, d,
      w->scores, near, 0);
    for (size_t j = 0; j < rows * near; j++) w->scores[j] *= item->score_scale;
  }
  combine_rows(w, item, start, rows, far, near);
  hh_pack(near, d, item->v + far * item->v_stride, item->v_stride, w->value_rows);
}

/// What the state counts for a query: its scale to the query's.
HH_INLINE float state_factor(const workspace *w, const hh_feature_item *item, size_t i) {
  return item->scales ? hh_exp_one(w->scale - w->peaks[i]) : 1;
}

HH_MULTIVERSION
static void emit(
  workspace *w, const hh_feature_item *item, size_t start, size_t rows, size_t far, size_t near) {
  const size_t features = item->features, d = item->head_size;
  const float *phi_q = item->phi_q + start * features;
  float *out = item->out + start * item->out_stride;
  hh_tile_gemm(
    rows, d, features, phi_q, features, 1, w->state_rows, features, out, item->out_stride, 0);
  if (item->scales)
    for (size_t i = 0; i < rows; i++) {
      const float factor = state_factor(w, item, start + i);
      for (size_t j = 0; j < d; j++) out[i * item->out_stride + j] *= factor;
    }
  if (near > 0) {
    weigh_near(w, item, start, rows, far, near);
    hh_tile_gemm(
      rows, d, near, w->weights, near, 1, w->value_rows, near, out, item->out_stride, 1);
  }
  for (size_t i = 0; i < rows; i++) {
    float sum = hh_dot(phi_q + i * features, w->z, features) * state_factor(w, item, start + i);
    for (size_t j = 0; j < near; j++) sum += w->weights[i * near + j];
    const float inverse = 1.0f / (sum + item->epsilon);
    for (size_t j = 0; j < d; j++) out[i * item->out_stride + j] *= inverse;
  }
}

/// Near keys of a block whose far ones end at `far`.
static size_t near_of(const hh_feature_item *item, size_t start, size_t rows, size_t far) {
  if (!item->causal) return 0;
  const size_t end = hh_smaller(item->keys, item->past + start + rows);
  return end > far ? end - far : 0;
}

static void begin(workspace *w, const hh_feature_item *item, const float *before) {
  const size_t features = item->features, d = item->head_size;
  if (before) {
    memcpy(w->state, before, features * d * sizeof(float));
    memcpy(w->z, before + features * d, features * sizeof(float));
    w->scale = before[features * (d + 1)];
  } else {
    memset(w->state, 0, features * d * sizeof(float));
    memset(w->z, 0, features * sizeof(float));
    w->scale = hh_no_scale;
  }
}

void hh_feature_attention_forward(const hh_feature_item *item, const float *before, float *after) {
  const size_t features = item->features, d = item->head_size;
  workspace w;
  lay_out(&w, item->scratch, item);
  begin(&w, item, before);
  hh_find_peaks(item, item->length, w.scale, w.peaks);
  size_t done = 0;
  for (size_t start = 0; start < item->length; start += BLOCK) {
    const size_t rows = hh_smaller(item->length - start, BLOCK), far = far_keys(item, start);
    if (start == 0 || done < far) {
      grow(&w, item, &done, far);
      hh_pack(features, d, w.state, d, w.state_rows);
    }
    emit(&w, item, start, rows, far, near_of(item, start, rows, far));
  }
  if (!after) return;
  grow(&w, item, &done, far_keys(item, item->length));
  memcpy(after, w.state, features * d * sizeof(float));
  memcpy(after + features * d, w.z, features * sizeof(float));
  after[features * (d + 1)] = w.scale;
}

// Backward.
//
// With dN_i = dout_i / r_i and dr_i = -(dout_i . out_i) / r_i, where r_i is the denominator, the
// gradient of a weight is dw_ij = dN_i . v_j + dr_i. Far pairs take two passes: over the blocks
// forward with S and z for dphi_q, and back with T = sum phi_q dN^T and t = sum dr phi_q for dphi_k
// and dv. Near pairs are done in the first. Scales are constants: where a scale is the largest
// logarithm of a row, what depends on it cancels.

typedef struct {
  workspace forward;
  float *dn;             // (keys, d)
  float *dr;             // (keys)
  float *dweights;       // (BLOCK, n); later of the linear part alone
  float *dscores;        // (BLOCK, n)
  float *value_columns;  // panels of (d, n)
  float *state_columns;  // panels of (d, D)
  float *phi_rows;       // panels of (n, D)
  float *dn_rows;        // panels of (BLOCK, d)
  float *key_rows;       // panels of (n, d)
} backward_workspace;

static size_t lay_out_backward(backward_workspace *w, float *base, const hh_feature_item *item) {
  const size_t features = item->features, d = item->head_size, n = near_keys(item);
  const size_t most = n > BLOCK ? n : BLOCK;
  size_t used = hh_round_up(lay_out(&w->forward, base, item));
#define PLACE(part, count) (w->part = base ? base + used : NULL, used += hh_round_up(count))
  PLACE(dn, item->keys * d);
  PLACE(dr, item->keys);
  PLACE(dweights, BLOCK * n);
  PLACE(dscores, item->window ? BLOCK * n : 0);
  PLACE(value_columns, d * hh_round_up(n));
  PLACE(state_columns, d * hh_round_up(features));
  PLACE(phi_rows, most * hh_round_up(features));
  PLACE(dn_rows, BLOCK * hh_round_up(d));
  PLACE(key_rows, item->window ? n * hh_round_up(d) : 0);
#undef PLACE
  return used;
}

size_t hh_feature_attention_backward_scratch(const hh_feature_item *item) {
  backward_workspace w;
  return lay_out_backward(&w, NULL, item);
}

/// dN and dr of a block's queries, and the state's part of dphi_q.
HH_MULTIVERSION
static void differentiate_quotients(
  const backward_workspace *w, const hh_feature_item *item, const hh_feature_gradients *gradients,
  size_t start, size_t rows, size_t near) {
  const size_t features = item->features, d = item->head_size;
  const workspace *f = &w->forward;
  for (size_t i = start; i < start + rows; i++) {
    float sum = hh_dot(item->phi_q + i * features, f->z, features) * state_factor(f, item, i);
    for (size_t j = 0; j < near; j++) sum += f->weights[(i - start) * near + j];
    const float inverse = 1.0f / (sum + item->epsilon);
    const float *dout = gradients->dout + i * gradients->dout_stride;
    w->dr[i] = -hh_dot(dout, item->out + i * item->out_stride, d) * inverse;
    for (size_t j = 0; j < d; j++) w->dn[i * d + j] = dout[j] * inverse;
  }
  hh_tile_gemm(
    rows, features, d, w->dn + start * d, d, 1, w->state_columns, d,
    gradients->dphi_q + start * features, features, 0);
  for (size_t i = start; i < start + rows; i++) {
    const float factor = state_factor(f, item, i), dr = w->dr[i];
    float *dphi = gradients->dphi_q + i * features;
    for (size_t c = 0; c < features; c++) dphi[c] = (dphi[c] + dr * f->z[c]) * factor;
  }
}

/// Splits the gradients of near weights into those of features' products and those of scores, and
/// adds up that of the window's factor.
HH_MULTIVERSION
static void split_gradients(
  const backward_workspace *w, const hh_feature_item *item, const hh_feature_gradients *gradients,
  size_t start, size_t rows, size_t far, size_t near) {
  for (size_t i = 0; i < rows; i++) {
    const size_t end = hh_visible(item, start + i), from = hh_window_start(item, start + i);
    const size_t b = end > far ? hh_smaller(end - far, near) : 0;
    const size_t a = from > far ? hh_smaller(from - far, b) : 0;
    const float *weights = w->forward.weights + i * near;
    float *dweights = w->dweights + i * near;
    for (size_t j = 0; j < b; j++) dweights[j] += w->dr[start + i];
    if (item->scales)
      for (size_t j = 0; j < a; j++)
        dweights[j] *= hh_exp_one(item->scales[far + j] - w->forward.peaks[start + i]);
    if (item->window) {
      float *dscores = w->dscores + i * near;
      for (size_t j = 0; j < near; j++) dscores[j] = 0;
      float sum = 0;
      size_t top = a;
      for (size_t j = a; j < b; j++) {
        dscores[j] = dweights[j] * weights[j];
        sum += dscores[j];
        // The largest weight is that of the largest score.
        if (weights[j] > weights[top]) top = j;
      }
      // Every exponent is its score less the largest one, which gets all their gradients back.
      if (a < b) dscores[top] -= sum;
      *gradients->dmixing += sum / item->mixing;
    }
    for (size_t j = a; j < near; j++) dweights[j] = 0;
  }
}

/// The gradients of the pairs of a block and its near keys.
static void backward_near(
  const backward_workspace *w, const hh_feature_item *item, const hh_feature_gradients *gradients,
  size_t start, size_t rows, size_t far, size_t near) {
  const size_t features = item->features, d = item->head_size;
  const float *dn = w->dn + start * d, *phi_q = item->phi_q + start * features;
  hh_pack_transposed(d, near, item->v + far * item->v_stride, item->v_stride, w->value_columns);
  hh_tile_gemm(rows, near, d, dn, d, 1, w->value_columns, d, w->dweights, near, 0);
  split_gradients(w, item, gradients, start, rows, far, near);
  hh_pack(rows, d, dn, d, w->dn_rows);
  hh_tile_gemm(
    near, d, rows, w->forward.weights, 1, near, w->dn_rows, rows,
    gradients->dv + far * gradients->dv_stride, gradients->dv_stride, 1);
  hh_pack(near, features, item->phi_k + far * features, features, w->phi_rows);
  hh_tile_gemm(
    rows, features, near, w->dweights, near, 1, w->phi_rows, near,
    gradients->dphi_q + start * features, features, 1);
  hh_pack(rows, features, phi_q, features, w->phi_rows);
  hh_tile_gemm(
    near, features, rows, w->dweights, 1, near, w->phi_rows, rows,
    gradients->dphi_k + far * features, features, 1);
  if (!item->window) return;
  for (size_t j = 0; j < rows * near; j++) w->dscores[j] *= item->score_scale;
  hh_pack(near, d, item->k + far * item->k_stride, item->k_stride, w->key_rows);
  hh_tile_gemm(
    rows, d, near, w->dscores, near, 1, w->key_rows, near,
    gradients->dq + start * gradients->dq_stride, gradients->dq_stride, 1);
  hh_pack(rows, d, item->q + start * item->q_stride, item->q_stride, w->dn_rows);
  hh_tile_gemm(
    near, d, rows, w->dscores, 1, near, w->dn_rows, rows,
    gradients->dk + far * gradients->dk_stride, gradients->dk_stride, 1);
}

/// T += phi_q^T dN and t += sum of dr phi_q over a block's queries, at the scale of the state.
HH_MULTIVERSION
static void add_queries(
  const backward_workspace *w, const hh_feature_item *item, size_t start, size_t rows) {
  const size_t features = item->features, d = item->head_size;
  const workspace *f = &w->forward;
  for (size_t i = 0; i < rows; i++) {
    const float factor = state_factor(f, item, start + i);
    for (size_t c = 0; c < features; c++) {
      const float phi = item->phi_q[(start + i) * features + c] * factor;
      f->phi[i * features + c] = phi;
      f->z[c] += phi * w->dr[start + i];
    }
  }
  hh_pack(rows, d, w->dn + start * d, d, w->dn_rows);
  hh_tile_gemm(features, d, rows, f->phi, 1, features, w->dn_rows, rows, f->state, d, 1);
}

/// dphi_k += T v + t and dv += T^T phi_k of the `rows` keys at `start`.
HH_MULTIVERSION
static void backward_far(
  const backward_workspace *w, const hh_feature_item *item, const hh_feature_gradients *gradients,
  size_t start, size_t rows) {
  const size_t features = item->features, d = item->head_size;
  const workspace *f = &w->forward;
  hh_tile_gemm(
    rows, features, d, item->v + start * item->v_stride, item->v_stride, 1, w->state_columns, d,
    f->phi, features, 0);
  for (size_t i = 0; i < rows; i++) {
    const float factor = item->scales ? hh_exp_one(item->scales[start + i] - f->scale) : 1;
    float *dphi = gradients->dphi_k + (start + i) * features, *phi = f->phi + i * features;
    for (size_t c = 0; c < features; c++) {
      dphi[c] += (phi[c] + f->z[c]) * factor;
      phi[c] = item->phi_k[(start + i) * features + c] * factor;
    }
  }
  hh_tile_gemm(
    rows, d, features, f->phi, features, 1, f->state_rows, features,
    gradients->dv + start * gradients->dv_stride, gradients->dv_stride, 1);
}

/// Lowers the scale of T and t to the largest of the first `keys` keys.
static void lower_scale(backward_workspace *w, const hh_feature_item *item, size_t keys) {
  workspace *f = &w->forward;
  if (!item->scales) return;
  float top = hh_no_scale;
  for (size_t j = 0; j < keys; j++) top = top < item->scales[j] ? item->scales[j] : top;
  const float factor = hh_exp_one(top - f->scale);
  for (size_t c = 0; c < item->features * item->head_size; c++) f->state[c] *= factor;
  for (size_t c = 0; c < item->features; c++) f->z[c] *= factor;
  f->scale = top;
}

void hh_feature_attention_backward(
  const hh_feature_item *item, const hh_feature_gradients *gradients) {
  const size_t n = item->keys, features = item->features, d = item->head_size;
  if (n == 0) return;
  backward_workspace w;
  lay_out_backward(&w, item->scratch, item);
  workspace *f = &w.forward;
  begin(f, item, NULL);
  hh_find_peaks(item, n, hh_no_scale, f->peaks);
  size_t done = 0;
  for (size_t start = 0; start < n; start += BLOCK) {
    const size_t rows = hh_smaller(n - start, BLOCK), far = far_keys(item, start);
    if (start == 0 || done < far) {
      grow(f, item, &done, far);
      hh_pack_transposed(d, features, f->state, d, w.state_columns);
    }
    const size_t near = near_of(item, start, rows, far);
    if (near > 0) weigh_near(f, item, start, rows, far, near);
    differentiate_quotients(&w, item, gradients, start, rows, near);
    if (near > 0) backward_near(&w, item, gradients, start, rows, far, near);
  }
  memset(f->state, 0, features * d * sizeof(float));
  memset(f->z, 0, features * sizeof(float));
  const size_t last = (n - 1) / BLOCK * BLOCK;
  for (size_t step = 0; step <= last; step += BLOCK) {
    const size_t start = last - step, far = far_keys(item, start);
    if (far == 0) continue;
    lower_scale(&w, item, far);
    add_queries(&w, item, start, hh_smaller(n - start, BLOCK));
    // The keys that the block before does not see through the state; all, where it is the first.
    const size_t before = start == 0 ? 0 : far_keys(item, start - BLOCK);
    hh_pack(features, d, f->state, d, f->state_rows);
    hh_pack_transposed(d, features, f->state, d, w.state_columns);
    for (size_t key = before; key < far; key += BLOCK)
      backward_far(&w, item, gradients, key, hh_smaller(far - key, BLOCK));
  }
}
