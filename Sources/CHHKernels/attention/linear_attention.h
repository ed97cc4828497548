// What the passes of attention over features share: which keys a query weighs how.
#pragma once
#include "CHHKernels.h"
#include "tile_gemm.h"
#include "vector_math.h"

/// Stands for the logarithm of nothing: far below that of any feature, and yet a number.
static const float hh_no_scale = -1e30f;

/// x = exp(x) over `count` entries.
HH_INLINE void hh_exp_some(float *x, size_t count) {
  for (size_t j = 0; j < count; j += HH_LANES) {
    const size_t some = hh_smaller(count - j, HH_LANES);
    hh_vec v;
    hh_load_some(&v, x + j, some);
    hh_exp(&v);
    hh_store_some(x + j, &v, some);
  }
}

/// weights = factor exp(scores - top).
HH_INLINE void hh_weigh_scores(
  size_t count, const float *scores, float top, float factor, float *weights) {
  for (size_t j = 0; j < count; j++) weights[j] = scores[j] - top;
  hh_exp_some(weights, count);
  for (size_t j = 0; j < count; j++) weights[j] *= factor;
}

/// e^x of one number.
HH_INLINE float hh_exp_one(float x) {
  hh_vec v = hh_splat(x);
  hh_exp(&v);
  return v[0];
}

/// The item of the group's query head `g` alone.
HH_INLINE hh_linear_item hh_linear_head(const hh_linear_item *item, size_t g) {
  hh_linear_item head = *item;
  head.group = 1;
  head.q += g * item->head_size;
  head.out += g * item->head_size;
  head.phi_q += g * item->length * item->features;
  head.window_factors += g;
  return head;
}

/// `count`, or 0 where it is negative.
HH_INLINE size_t hh_positive(ptrdiff_t count) { return count > 0 ? (size_t)count : 0; }

/// Keys up to the own of query `i`, whether or not they are there: negative if that is a sink.
HH_INLINE ptrdiff_t hh_seen(const hh_linear_item *item, size_t i) {
  return item->past + (ptrdiff_t)(i * item->query_step) + 1;
}

/// Keys that query `i` sees.
HH_INLINE size_t hh_visible(const hh_linear_item *item, size_t i) {
  return item->causal ? hh_smaller(item->keys, hh_positive(hh_seen(item, i))) : item->keys;
}

/// Sinks that query `i` sees.
HH_INLINE size_t hh_visible_sinks(const hh_linear_item *item, size_t i) {
  return hh_smaller(item->sinks, hh_positive(hh_seen(item, i) + (ptrdiff_t)item->sinks));
}

/// The first of the keys that query `i` weighs by their scores; those it sees end there too.
HH_INLINE size_t hh_window_start(const hh_linear_item *item, size_t i) {
  const size_t end = hh_visible(item, i);
  if (item->window == 0) return end;
  return hh_smaller(hh_positive(hh_seen(item, i) - (ptrdiff_t)item->window), end);
}

/// peaks[i] = the largest scale that query i sees, `first` included; nothing without scales.
HH_INLINE void hh_find_peaks(
  const hh_linear_item *item, size_t queries, float first, float *peaks) {
  if (!item->scales) return;
  float top = first;
  size_t seen = 0;
  for (size_t i = 0; i < queries; i++) {
    for (const size_t end = hh_visible(item, i); seen < end; seen++)
      top = top < item->scales[seen] ? item->scales[seen] : top;
    peaks[i] = top;
  }
}

/// The part of a row of weights that the sinks and then keys `first` to `first + count` have for query
/// `i`, given the keys' products of features in `weights` and, with a window, all scores in `scores`.
///
/// What the query does not see becomes zero. `peak` is the query's.
HH_INLINE void hh_combine(
  const hh_linear_item *item, size_t i, size_t first, size_t count, float peak,
  const float *scores, float *weights) {
  const float *sink_scores = scores;
  float *sink_weights = weights;
  scores += item->sinks;
  weights += item->sinks;
  const size_t sinks = hh_visible_sinks(item, i);
  const size_t end = hh_visible(item, i), start = hh_window_start(item, i);
  const size_t b = end > first ? hh_smaller(end - first, count) : 0;
  const size_t a = start > first ? hh_smaller(start - first, b) : 0;
  if (item->scales) {
    for (size_t j = 0; j < a; j += HH_LANES) {
      const size_t some = hh_smaller(a - j, HH_LANES);
      hh_vec s, w;
      hh_load_some(&s, item->scales + first + j, some);
      hh_load_some(&w, weights + j, some);
      s -= peak;
      hh_exp(&s);
      w *= s;
      hh_store_some(weights + j, &w, some);
    }
  }
  if (a < b || sinks > 0) {
    float top = sinks > 0 ? sink_scores[0] : scores[a];
    for (size_t j = 0; j < sinks; j++) top = top < sink_scores[j] ? sink_scores[j] : top;
    for (size_t j = a; j < b; j++) top = top < scores[j] ? scores[j] : top;
    hh_weigh_scores(sinks, sink_scores, top, item->window_factors[0], sink_weights);
    hh_weigh_scores(b - a, scores + a, top, item->window_factors[0], weights + a);
  }
  for (size_t j = sinks; j < item->sinks; j++) sink_weights[j] = 0;
  for (size_t j = b; j < count; j++) weights[j] = 0;
}
