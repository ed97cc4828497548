// The gradients of attention over features.
//
// With dN_i = dout_i / r_i and dr_i = -(dout_i . out_i) / r_i, where r_i is the denominator, the
// gradient of a weight is dw_ij = dN_i . v_j + dr_i. Far pairs take two passes: over the blocks
// forward with S and z for dphi_q, and back with T = sum phi_q dN^T and t = sum dr phi_q for dphi_k
// and dv. Near pairs are done in the first. Scales are constants: where a scale is the largest
// logarithm of a row, what depends on it cancels.
#include "linear_block.h"

typedef struct {
  hh_linear_workspace forward;
  float *dn;             // (sinks + keys, d)
  float *dr;             // (sinks + keys)
  float *dweights;       // (HH_LINEAR_BLOCK, sinks + n); later of the linear part alone
  float *dscores;        // (HH_LINEAR_BLOCK, sinks + n)
  float *value_columns;  // panels of (d, n)
  float *state_columns;  // panels of (d, D)
  float *phi_rows;       // panels of (n, D)
  float *dn_rows;        // panels of (HH_LINEAR_BLOCK, d)
  float *key_rows;       // panels of (n, d)
  float *sink_value_columns;  // panels of (d, sinks)
  float *sink_key_rows;       // panels of (sinks, d)
} backward_workspace;

static size_t lay_out_backward(backward_workspace *w, float *base, const hh_linear_item *item) {
  const size_t features = item->features, d = item->head_size, n = hh_near_keys(item);
  const size_t most = n > HH_LINEAR_BLOCK ? n : HH_LINEAR_BLOCK;
  size_t used = hh_round_up(hh_linear_lay_out(&w->forward, base, item));
#define PLACE(part, count) (w->part = base ? base + used : NULL, used += hh_round_up(count))
  PLACE(dn, (item->sinks + item->keys) * d);
  PLACE(dr, item->sinks + item->keys);
  PLACE(dweights, HH_LINEAR_BLOCK * (item->sinks + n));
  PLACE(dscores, item->window ? HH_LINEAR_BLOCK * (item->sinks + n) : 0);
  PLACE(value_columns, d * hh_round_up(n));
  PLACE(state_columns, d * hh_round_up(features));
  PLACE(phi_rows, most * hh_round_up(features));
  PLACE(dn_rows, HH_LINEAR_BLOCK * hh_round_up(d));
  PLACE(key_rows, item->window ? n * hh_round_up(d) : 0);
  PLACE(sink_value_columns, d * hh_round_up(item->sinks));
  PLACE(sink_key_rows, item->sinks * hh_round_up(d));
#undef PLACE
  return used;
}

size_t hh_linear_attention_backward_scratch(const hh_linear_item *item) {
  backward_workspace w;
  return lay_out_backward(&w, NULL, item);
}

/// dN and dr of a block's queries, and the state's part of dphi_q.
HH_MULTIVERSION
static void differentiate_quotients(
  const backward_workspace *w, const hh_linear_item *item, const hh_linear_gradients *gradients,
  size_t start, size_t rows, size_t near) {
  const size_t features = item->features, d = item->head_size, count = item->sinks + near;
  const hh_linear_workspace *f = &w->forward;
  for (size_t i = start; i < start + rows; i++) {
    const float inverse =
      1.0f / hh_denominator(f, item, i, f->weights + (i - start) * count, count);
    const float *dout = gradients->dout + i * gradients->dout_stride;
    w->dr[i] = -hh_dot(dout, item->out + i * item->out_stride, d) * inverse;
    for (size_t j = 0; j < d; j++) w->dn[i * d + j] = dout[j] * inverse;
  }
  hh_tile_gemm(
    rows, features, hh_is_empty(f) ? 0 : d, w->dn + start * d, d, 1, w->state_columns, d,
    gradients->dphi_q + start * features, features, 0);
  for (size_t i = start; i < start + rows; i++) {
    const float factor = hh_state_factor(f, item, i), dr = w->dr[i];
    float *dphi = gradients->dphi_q + i * features;
    for (size_t c = 0; c < features; c++) dphi[c] = (dphi[c] + dr * f->z[c]) * factor;
  }
}

/// Splits the gradients of the weights of sinks and near keys into those of features' products and
/// those of scores, and adds up that of the window's factor.
HH_MULTIVERSION
static void split_gradients(
  const backward_workspace *w, const hh_linear_item *item, const hh_linear_gradients *gradients,
  size_t start, size_t rows, size_t far, size_t near) {
  const size_t sinks = item->sinks, count = sinks + near;
  for (size_t i = 0; i < rows; i++) {
    const size_t end = hh_visible(item, start + i), from = hh_window_start(item, start + i);
    const size_t s = hh_visible_sinks(item, start + i);
    const size_t b = sinks + (end > far ? hh_smaller(end - far, near) : 0);
    const size_t a = from > far ? hh_smaller(sinks + from - far, b) : sinks;
    const float *weights = w->forward.weights + i * count;
    float *dweights = w->dweights + i * count;
    for (size_t j = 0; j < s; j++) dweights[j] += w->dr[start + i];
    for (size_t j = sinks; j < b; j++) dweights[j] += w->dr[start + i];
    if (item->scales)
      for (size_t j = 0; j < a; j++)
        dweights[j] *= hh_exp_one(item->scales[far + j] - w->forward.peaks[start + i]);
    if (item->window) {
      float *dscores = w->dscores + i * count;
      for (size_t j = 0; j < count; j++) dscores[j] = 0;
      float sum = 0;
      size_t top = s > 0 ? 0 : a;
      for (size_t j = s > 0 ? 0 : a; j < b; j = j + 1 == s ? a : j + 1) {
        dscores[j] = dweights[j] * weights[j];
        sum += dscores[j];
        // The largest weight is that of the largest score.
        if (weights[j] > weights[top]) top = j;
      }
      // Every exponent is its score less the largest one, which gets all their gradients back.
      if (s > 0 || a < b) dscores[top] -= sum;
      *gradients->dwindow_factor += sum / item->window_factors[0];
    }
    for (size_t j = a; j < count; j++) dweights[j] = 0;
  }
}

/// A block of queries, and where its near keys lie.
typedef struct {
  size_t start;
  size_t rows;
  size_t far;
  size_t near;
} query_block;

// More than any key is back.
static const ptrdiff_t any_distance = PTRDIFF_MAX / 2;

/// target (near, columns) += x^T y, with x (rows, sinks + near) from its first near key on and y packed
/// (rows, columns). Only those queries count whose key is at least `least` and less than `most`
/// positions back.
static void add_to_keys(
  const hh_linear_item *item, query_block block, const float *x, size_t columns, const float *y,
  ptrdiff_t least, ptrdiff_t most, float *target, size_t stride) {
  const size_t count = item->sinks + block.near;
  for (size_t strip = 0; strip < block.near; strip += HH_LINEAR_STRIP) {
    const size_t some = hh_smaller(block.near - strip, HH_LINEAR_STRIP);
    // The row whose own key is the strip's first.
    const ptrdiff_t own = (ptrdiff_t)(block.far + strip) - item->past - (ptrdiff_t)block.start;
    const size_t from = hh_positive(own + least);
    const size_t to = hh_smaller(hh_positive(own + (ptrdiff_t)some - 1 + most), block.rows);
    if (from < to)
      hh_tile_gemm(
        some, columns, to - from, x + from * count + strip, 1, count, y + from * HH_LANES,
        block.rows, target + (block.far + strip) * stride, stride, 1);
  }
}

/// The gradients of the scores of a block, from those of its weights, to queries, keys and sinks.
static void backward_scores(
  const backward_workspace *w, const hh_linear_item *item, const hh_linear_gradients *gradients,
  query_block block) {
  const size_t d = item->head_size, sinks = item->sinks, count = sinks + block.near;
  const size_t rows = block.rows, start = block.start;
  float *dq = gradients->dq + start * gradients->dq_stride;
  for (size_t j = 0; j < rows * count; j++) w->dscores[j] *= item->score_scale;
  hh_pack(block.near, d, item->k + block.far * item->k_stride, item->k_stride, w->key_rows);
  hh_pack(rows, d, item->q + start * item->q_stride, item->q_stride, w->dn_rows);
  if (sinks > 0) {
    hh_tile_gemm(
      rows, d, sinks, w->dscores, count, 1, w->sink_key_rows, sinks, dq, gradients->dq_stride, 1);
    hh_tile_gemm(
      sinks, d, rows, w->dscores, 1, count, w->dn_rows, rows, gradients->dsink_k,
      gradients->dk_stride, 1);
  }
  for (size_t strip = 0; strip < rows; strip += HH_LINEAR_STRIP) {
    const size_t some = hh_smaller(rows - strip, HH_LINEAR_STRIP);
    const hh_near_range keys =
      hh_score_range(item, start + strip, some, block.far, block.near);
    if (keys.from < keys.to)
      hh_tile_gemm(
        some, d, keys.to - keys.from, w->dscores + strip * count + sinks + keys.from, count, 1,
        w->key_rows + keys.from * HH_LANES, block.near, dq + strip * gradients->dq_stride,
        gradients->dq_stride, 1);
  }
  add_to_keys(
    item, block, w->dscores + sinks, d, w->dn_rows, 0, (ptrdiff_t)item->window, gradients->dk,
    gradients->dk_stride);
}

/// The gradients of the pairs of a block and the sinks and its near keys.
static void backward_near(
  const backward_workspace *w, const hh_linear_item *item, const hh_linear_gradients *gradients,
  query_block block) {
  const size_t features = item->features, d = item->head_size, sinks = item->sinks;
  const size_t start = block.start, rows = block.rows, far = block.far, near = block.near;
  const size_t count = sinks + near;
  const float *dn = w->dn + start * d;
  if (sinks > 0)
    hh_tile_gemm(
      rows, sinks, d, dn, d, 1, w->sink_value_columns, d, w->dweights, count, 0);
  hh_pack_transposed(d, near, item->v + far * item->v_stride, item->v_stride, w->value_columns);
  for (size_t strip = 0; strip < rows; strip += HH_LINEAR_STRIP) {
    const size_t some = hh_smaller(rows - strip, HH_LINEAR_STRIP);
    hh_tile_gemm(
      some, hh_score_range(item, start + strip, some, far, near).to, d, dn + strip * d, d, 1,
      w->value_columns, d, w->dweights + strip * count + sinks, count, 0);
  }
  split_gradients(w, item, gradients, start, rows, far, near);
  hh_pack(rows, d, dn, d, w->dn_rows);
  if (sinks > 0)
    hh_tile_gemm(
      sinks, d, rows, w->forward.weights, 1, count, w->dn_rows, rows, gradients->dsink_v,
      gradients->dv_stride, 1);
  add_to_keys(
    item, block, w->forward.weights + sinks, d, w->dn_rows, 0, any_distance, gradients->dv,
    gradients->dv_stride);
  hh_pack(near, features, item->phi_k + far * features, features, w->phi_rows);
  for (size_t strip = 0; strip < rows; strip += HH_LINEAR_STRIP) {
    const size_t some = hh_smaller(rows - strip, HH_LINEAR_STRIP);
    hh_tile_gemm(
      some, features, hh_linear_range(item, start + strip, some, far, near).to,
      w->dweights + strip * count + sinks, count, 1, w->phi_rows, near,
      gradients->dphi_q + (start + strip) * features, features, 1);
  }
  hh_pack(rows, features, item->phi_q + start * features, features, w->phi_rows);
  add_to_keys(
    item, block, w->dweights + sinks, features, w->phi_rows, (ptrdiff_t)item->window,
    any_distance, gradients->dphi_k, features);
  if (item->window) backward_scores(w, item, gradients, block);
}

/// T += phi_q^T dN and t += sum of dr phi_q over a block's queries, at the scale of the state.
HH_MULTIVERSION
static void add_queries(
  const backward_workspace *w, const hh_linear_item *item, size_t start, size_t rows) {
  const size_t features = item->features, d = item->head_size;
  const hh_linear_workspace *f = &w->forward;
  for (size_t i = 0; i < rows; i++) {
    const float factor = hh_state_factor(f, item, start + i);
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
  const backward_workspace *w, const hh_linear_item *item, const hh_linear_gradients *gradients,
  size_t start, size_t rows) {
  const size_t features = item->features, d = item->head_size;
  const hh_linear_workspace *f = &w->forward;
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
static void lower_scale(backward_workspace *w, const hh_linear_item *item, size_t keys) {
  hh_linear_workspace *f = &w->forward;
  if (!item->scales) return;
  float top = hh_no_scale;
  for (size_t j = 0; j < keys; j++) top = top < item->scales[j] ? item->scales[j] : top;
  const float factor = hh_exp_one(top - f->scale);
  for (size_t c = 0; c < item->features * item->head_size; c++) f->state[c] *= factor;
  for (size_t c = 0; c < item->features; c++) f->z[c] *= factor;
  f->scale = top;
}

void hh_linear_attention_backward(
  const hh_linear_item *item, const hh_linear_gradients *gradients) {
  const size_t n = item->sinks + item->keys, features = item->features, d = item->head_size;
  if (n == 0) return;
  backward_workspace w;
  lay_out_backward(&w, item->scratch, item);
  hh_linear_workspace *f = &w.forward;
  hh_linear_begin(f, item, NULL);
  if (item->sinks > 0) {
    hh_pack_transposed(d, item->sinks, item->sink_v, item->v_stride, w.sink_value_columns);
    hh_pack(item->sinks, d, item->sink_k, item->k_stride, w.sink_key_rows);
  }
  hh_find_peaks(item, n, hh_no_scale, f->peaks);
  size_t done = 0;
  for (size_t start = 0; start < n; start += HH_LINEAR_BLOCK) {
    const size_t rows = hh_smaller(n - start, HH_LINEAR_BLOCK), far = hh_far_keys(item, start);
    if (start == 0 || done < far) {
      hh_linear_grow(f, item, &done, far);
      if (!hh_is_empty(f)) hh_pack_transposed(d, features, f->state, d, w.state_columns);
    }
    const size_t near = hh_near_of(item, start, rows, far);
    const int has_pairs = item->sinks + near > 0;
    if (near > 0) hh_linear_pack_near(f, item, start, rows, far, near);
    if (has_pairs) hh_linear_weigh_near(f, item, start, rows, far, near);
    differentiate_quotients(&w, item, gradients, start, rows, near);
    if (has_pairs) backward_near(&w, item, gradients, (query_block){start, rows, far, near});
  }
  memset(f->state, 0, features * d * sizeof(float));
  memset(f->z, 0, features * sizeof(float));
  const size_t last = (n - 1) / HH_LINEAR_BLOCK * HH_LINEAR_BLOCK;
  for (size_t step = 0; step <= last; step += HH_LINEAR_BLOCK) {
    const size_t start = last - step, far = hh_far_keys(item, start);
    if (far == 0) continue;
    lower_scale(&w, item, far);
    add_queries(&w, item, start, hh_smaller(n - start, HH_LINEAR_BLOCK));
    // The keys that the block before does not see through the state; all, where it is the first.
    const size_t before = start == 0 ? 0 : hh_far_keys(item, start - HH_LINEAR_BLOCK);
    hh_pack(features, d, f->state, d, f->state_rows);
    hh_pack_transposed(d, features, f->state, d, w.state_columns);
    for (size_t key = before; key < far; key += HH_LINEAR_BLOCK)
      backward_far(&w, item, gradients, key, hh_smaller(far - key, HH_LINEAR_BLOCK));
  }
}
