// Attention over features of one key/value head, with or without a window of softmax weights.
//
// out_i = (sum_j w_ij v_j) / (sum_j w_ij + epsilon), with the weights of hh_linear_item. A block of
// queries sees two ranges of keys: "far" ones, outside of the window of all its queries, through
// the state S = sum phi_k v^T and z = sum phi_k, and "near" ones pair by pair.
#include "linear_block.h"

// Vectors of a step's columns that are in registers at a time.
enum { STEP_VECTORS = 4 };

size_t hh_linear_lay_out(hh_linear_workspace *w, float *base, const hh_linear_item *item) {
  const size_t features = item->features, d = item->head_size, n = hh_near_keys(item);
  const size_t most = n > HH_LINEAR_BLOCK ? n : HH_LINEAR_BLOCK;
  size_t used = 0;
#define PLACE(part, count) (w->part = base ? base + used : NULL, used += hh_round_up(count))
  PLACE(state, features * d);
  PLACE(z, features);
  PLACE(state_rows, features * hh_round_up(d));
  PLACE(phi, HH_LINEAR_BLOCK * features);
  PLACE(phi_columns, features * hh_round_up(n));
  PLACE(key_columns, item->window ? d * hh_round_up(n) : 0);
  PLACE(value_rows, most * hh_round_up(d));
  PLACE(sink_columns, d * hh_round_up(item->sinks));
  PLACE(sink_rows, item->sinks * hh_round_up(d));
  PLACE(weights, HH_LINEAR_BLOCK * (item->sinks + n));
  PLACE(scores, item->window ? HH_LINEAR_BLOCK * (item->sinks + n) : 0);
  PLACE(peaks, item->scales ? item->length : 0);
#undef PLACE
  return used;
}

size_t hh_linear_attention_scratch(const hh_linear_item *item) {
  hh_linear_workspace w;
  return hh_linear_lay_out(&w, NULL, item);
}

size_t hh_linear_attention_state(size_t features, size_t head_size) {
  return hh_round_up(features * (head_size + 1) + 1);
}

HH_MULTIVERSION
void hh_linear_grow(
  hh_linear_workspace *w, const hh_linear_item *item, size_t *done, size_t far) {
  const size_t features = item->features, d = item->head_size;
  while (*done < far) {
    const size_t rows = hh_smaller(far - *done, HH_LINEAR_BLOCK);
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
    } else {
      w->scale = 0;
    }
    hh_pack(rows, d, item->v + *done * item->v_stride, item->v_stride, w->value_rows);
    hh_tile_gemm(features, d, rows, phi, 1, features, w->value_rows, rows, w->state, d, 1);
    for (size_t i = 0; i < rows; i++)
      for (size_t c = 0; c < features; c++) w->z[c] += phi[i * features + c];
    *done += rows;
  }
}

void hh_linear_pack_near(
  const hh_linear_workspace *w, const hh_linear_item *item, size_t start, size_t rows, size_t far,
  size_t near) {
  const size_t features = item->features, d = item->head_size;
  const size_t linear = hh_linear_range(item, start, rows, far, near).to;
  hh_pack_transposed(features, linear, item->phi_k + far * features, features, w->phi_columns);
  if (item->window)
    hh_pack_transposed(d, near, item->k + far * item->k_stride, item->k_stride, w->key_columns);
  hh_pack(near, d, item->v + far * item->v_stride, item->v_stride, w->value_rows);
}

/// Scores of `rows` queries from `first` on with the sinks and the near keys of their windows.
HH_INLINE void score_near(
  const hh_linear_workspace *w, const hh_linear_item *item, size_t first, size_t rows, size_t far,
  size_t near, float *scores) {
  const size_t d = item->head_size, sinks = item->sinks, count = sinks + near;
  const float *q = item->q + first * item->q_stride;
  const hh_near_range keys = hh_score_range(item, first, rows, far, near);
  if (sinks > 0)
    hh_tile_gemm(rows, sinks, d, q, item->q_stride, 1, w->sink_columns, d, scores, count, 0);
  if (keys.from < keys.to)
    hh_tile_gemm(
      rows, keys.to - keys.from, d, q, item->q_stride, 1, w->key_columns + keys.from * d, d,
      scores + sinks + keys.from, count, 0);
  for (size_t i = 0; i < rows; i++) {
    float *row = scores + i * count;
    for (size_t j = 0; j < sinks; j++) row[j] *= item->score_scale;
    for (size_t j = sinks + keys.from; j < sinks + keys.to; j++) row[j] *= item->score_scale;
  }
}

HH_MULTIVERSION
void hh_linear_weigh_near(
  const hh_linear_workspace *w, const hh_linear_item *item, size_t start, size_t rows, size_t far,
  size_t near) {
  const size_t features = item->features, sinks = item->sinks, count = sinks + near;
  for (size_t strip = 0; strip < rows; strip += HH_LINEAR_STRIP) {
    const size_t first = start + strip, some = hh_smaller(rows - strip, HH_LINEAR_STRIP);
    float *weights = w->weights + strip * count, *scores = w->scores + strip * count;
    if (near > 0)
      hh_tile_gemm(
        some, hh_linear_range(item, first, some, far, near).to, features,
        item->phi_q + first * features, features, 1, w->phi_columns, features, weights + sinks,
        count, 0);
    if (item->window) score_near(w, item, first, some, far, near, scores);
    for (size_t i = 0; i < some; i++)
      hh_combine(
        item, first + i, far, near, item->scales ? w->peaks[first + i] : 0, scores + i * count,
        weights + i * count);
  }
}

HH_MULTIVERSION
static void emit(
  hh_linear_workspace *w, const hh_linear_item *item, size_t start, size_t rows, size_t far,
  size_t near) {
  const size_t features = item->features, d = item->head_size;
  const size_t sinks = item->sinks, count = sinks + near;
  const float *phi_q = item->phi_q + start * features;
  float *out = item->out + start * item->out_stride;
  hh_tile_gemm(
    rows, d, hh_is_empty(w) ? 0 : features, phi_q, features, 1, w->state_rows, features, out,
    item->out_stride, 0);
  if (item->scales)
    for (size_t i = 0; i < rows; i++) {
      const float factor = hh_state_factor(w, item, start + i);
      for (size_t j = 0; j < d; j++) out[i * item->out_stride + j] *= factor;
    }
  if (count > 0) hh_linear_weigh_near(w, item, start, rows, far, near);
  if (sinks > 0)
    hh_tile_gemm(
      rows, d, sinks, w->weights, count, 1, w->sink_rows, sinks, out, item->out_stride, 1);
  for (size_t strip = 0; near > 0 && strip < rows; strip += HH_LINEAR_STRIP) {
    const size_t some = hh_smaller(rows - strip, HH_LINEAR_STRIP);
    hh_tile_gemm(
      some, d, hh_score_range(item, start + strip, some, far, near).to,
      w->weights + strip * count + sinks, count, 1, w->value_rows, near,
      out + strip * item->out_stride, item->out_stride, 1);
  }
  for (size_t i = 0; i < rows; i++) {
    const float inverse = 1.0f / hh_denominator(w, item, start + i, w->weights + i * count, count);
    for (size_t j = 0; j < d; j++) out[i * item->out_stride + j] *= inverse;
  }
}

void hh_linear_begin(hh_linear_workspace *w, const hh_linear_item *item, const float *before) {
  const size_t features = item->features, d = item->head_size;
  w->scale = before ? before[features * (d + 1)] : hh_no_scale;
  if (item->sinks > 0) {
    hh_pack_transposed(d, item->sinks, item->sink_k, item->k_stride, w->sink_columns);
    hh_pack(item->sinks, d, item->sink_v, item->v_stride, w->sink_rows);
  }
  if (before == w->state) return;
  if (before) {
    memcpy(w->state, before, features * d * sizeof(float));
    memcpy(w->z, before + features * d, features * sizeof(float));
  } else {
    memset(w->state, 0, features * d * sizeof(float));
    memset(w->z, 0, features * sizeof(float));
  }
}

/// Up to `vectors` vectors of a step's columns: out = (phi_q (old S) + weight v) * inverse, and with
/// `grows` S = old S + phi_k v.
HH_INLINE void step_columns(
  size_t vectors, size_t some, size_t features, size_t d, const float *phi_q, const float *phi_k,
  float old, float weight, float inverse, int grows, const float *v, float *state, float *out) {
  hh_vec value[STEP_VECTORS], sum[STEP_VECTORS], row;
  for (size_t i = 0; i < vectors; i++) {
    hh_load_some(&value[i], v + i * HH_LANES, some);
    sum[i] = value[i] * weight;
  }
  for (size_t c = 0; c < features; c++)
    for (size_t i = 0; i < vectors; i++) {
      float *place = state + c * d + i * HH_LANES;
      hh_load_some(&row, place, some);
      row *= old;
      sum[i] += phi_q[c] * row;
      if (!grows) continue;
      row += phi_k[c] * value[i];
      hh_store_some(place, &row, some);
    }
  for (size_t i = 0; i < vectors; i++) {
    sum[i] *= inverse;
    hh_store_some(out + i * HH_LANES, &sum[i], some);
  }
}

/// One position without a window: its query reads the state and its own key, which enters the state
/// where that `grows`.
HH_MULTIVERSION
static void step(hh_linear_workspace *w, const hh_linear_item *item, int grows) {
  const size_t features = item->features, d = item->head_size;
  const float *phi_q = item->phi_q, *phi_k = item->phi_k;
  float old = 1;
  if (item->scales) {
    const float top = w->scale < item->scales[0] ? item->scales[0] : w->scale;
    const float new = hh_exp_one(item->scales[0] - top);
    old = hh_exp_one(w->scale - top);
    for (size_t c = 0; c < features; c++) w->phi[c] = phi_k[c] * new;
    phi_k = w->phi;
    if (grows) w->scale = top;
  } else if (grows) {
    w->scale = 0;
  }
  const float weight = hh_dot(phi_q, phi_k, features);
  const float inverse = 1.0f / (hh_dot(phi_q, w->z, features) * old + weight + item->epsilon);
  for (size_t j = 0; j < d;) {
    const size_t left = d - j, vectors = left < STEP_VECTORS * HH_LANES ? 1 : STEP_VECTORS;
    const size_t some = hh_smaller(left, HH_LANES);
    if (vectors == STEP_VECTORS)
      step_columns(
        STEP_VECTORS, HH_LANES, features, d, phi_q, phi_k, old, weight, inverse, grows,
        item->v + j, w->state + j, item->out + j);
    else
      step_columns(
        1, some, features, d, phi_q, phi_k, old, weight, inverse, grows, item->v + j,
        w->state + j, item->out + j);
    j += vectors * HH_LANES;
  }
  if (grows)
    for (size_t c = 0; c < features; c++) w->z[c] = w->z[c] * old + phi_k[c];
}

void hh_linear_attention_forward(const hh_linear_item *item, const float *before, float *after) {
  const size_t features = item->features, d = item->head_size;
  hh_linear_workspace w;
  hh_linear_lay_out(&w, item->scratch, item);
  const int is_step =
    item->length == 1 && item->keys == 1 && item->past == 0 && item->causal && !item->window;
  // What does not grow is only read.
  const int is_read_only = is_step || hh_far_keys(item, item->length) == 0;
  float *state = after ? after : is_read_only ? (float *)before : NULL;
  if (state) {
    w.state = state;
    w.z = state + features * d;
  }
  hh_linear_begin(&w, item, before);
  if (is_step) {
    for (size_t g = 0; g < item->group; g++) {
      const hh_linear_item head = hh_linear_head(item, g);
      step(&w, &head, after && g + 1 == item->group);
    }
  } else {
    hh_find_peaks(item, item->length, w.scale, w.peaks);
    size_t done = 0;
    for (size_t start = 0; start < item->length; start += HH_LINEAR_BLOCK) {
      const size_t rows = hh_smaller(item->length - start, HH_LINEAR_BLOCK);
      const size_t far = hh_far_keys(item, start);
      if (start == 0 || done < far) {
        hh_linear_grow(&w, item, &done, far);
        if (!hh_is_empty(&w)) hh_pack(features, d, w.state, d, w.state_rows);
      }
      const size_t near = hh_near_of(item, start, rows, far);
      if (near > 0) hh_linear_pack_near(&w, item, start, rows, far, near);
      for (size_t g = 0; g < item->group; g++) {
        const hh_linear_item head = hh_linear_head(item, g);
        emit(&w, &head, start, rows, far, near);
      }
    }
    if (after) hh_linear_grow(&w, item, &done, hh_far_keys(item, item->length));
  }
  if (after) after[features * (d + 1)] = w.scale;
}
