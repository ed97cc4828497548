// What the forward and the backward pass of attention over features share: blocks of queries, and
// the state that stands for the keys outside of their windows.
#pragma once
#include "linear_attention.h"

// Queries per block, and keys that enter the state at a time.
enum { HH_LINEAR_BLOCK = 64 };

// Rows of a block whose products stop where the last of them does.
enum { HH_LINEAR_STRIP = 16 };

// Where the parts of the scratch space start; D features, d = head size, n near keys.
typedef struct {
  float *state;         // S: (D, d)
  float *z;             // (D)
  float *state_rows;    // panels of (D, d)
  float *phi;           // (HH_LINEAR_BLOCK, D): features times their scale
  float *phi_columns;   // panels of (D, n)
  float *key_columns;   // panels of (d, n)
  float *value_rows;    // panels of (n, d)
  float *sink_columns;  // panels of (d, sinks)
  float *sink_rows;     // panels of (sinks, d): their values
  float *weights;       // (HH_LINEAR_BLOCK, sinks + n)
  float *scores;        // (HH_LINEAR_BLOCK, sinks + n)
  float *peaks;         // (length)
  float scale;          // logarithm of the state's scale; hh_no_scale where the state is empty
} hh_linear_workspace;

/// Most near keys of a block.
HH_INLINE size_t hh_near_keys(const hh_linear_item *item) {
  return item->causal ? HH_LINEAR_BLOCK + item->window : 0;
}

/// Keys that are far for the block of queries at `start`.
HH_INLINE size_t hh_far_keys(const hh_linear_item *item, size_t start) {
  if (!item->causal) return item->keys;
  const size_t kept = item->window > 1 ? item->window : 1;
  const ptrdiff_t seen = item->past + (ptrdiff_t)start + 1;
  return hh_smaller(hh_positive(seen - (ptrdiff_t)kept), item->keys);
}

/// Near keys of a block whose far ones end at `far`.
HH_INLINE size_t hh_near_of(const hh_linear_item *item, size_t start, size_t rows, size_t far) {
  if (!item->causal) return 0;
  const ptrdiff_t seen = item->past + (ptrdiff_t)(start + rows);
  const size_t end = hh_smaller(item->keys, hh_positive(seen));
  return end > far ? end - far : 0;
}

/// Near keys, counted from the block's first.
typedef struct {
  size_t from;
  size_t to;
} hh_near_range;

/// Near keys that some of `rows` queries from `first` on weigh by features. The last keys of a window
/// are in nobody's, and their features may be absent.
HH_INLINE hh_near_range hh_linear_range(
  const hh_linear_item *item, size_t first, size_t rows, size_t far, size_t near) {
  return (hh_near_range){0, hh_smaller(near, hh_window_start(item, first + rows - 1) - far)};
}

/// Near keys that some of `rows` queries from `first` on weigh by their scores, from a whole panel on.
HH_INLINE hh_near_range hh_score_range(
  const hh_linear_item *item, size_t first, size_t rows, size_t far, size_t near) {
  const size_t start = hh_window_start(item, first), end = hh_visible(item, first + rows - 1);
  return (hh_near_range){
    start > far ? (start - far) / HH_LANES * HH_LANES : 0,
    end > far ? hh_smaller(end - far, near) : 0};
}

/// Whether no key is in the state.
HH_INLINE int hh_is_empty(const hh_linear_workspace *w) { return w->scale == hh_no_scale; }

/// What the state counts for a query: its scale to the query's.
HH_INLINE float hh_state_factor(
  const hh_linear_workspace *w, const hh_linear_item *item, size_t i) {
  return item->scales ? hh_exp_one(w->scale - w->peaks[i]) : 1;
}

/// What a query's outputs are divided by, given the weights of `count` sinks and near keys.
HH_INLINE float hh_denominator(
  const hh_linear_workspace *w, const hh_linear_item *item, size_t i, const float *weights,
  size_t count) {
  const float *phi_q = item->phi_q + i * item->features;
  const float far = hh_dot(phi_q, w->z, item->features) * hh_state_factor(w, item, i);
  return far + (count > 0 ? hh_total(weights, count) : 0) + item->epsilon;
}

/// Lays the parts out from `base` on, or nowhere where that is NULL; returns their floats.
size_t hh_linear_lay_out(hh_linear_workspace *w, float *base, const hh_linear_item *item);

/// Starts with the state `before`, or an empty one where that is NULL, and packs the sinks.
void hh_linear_begin(hh_linear_workspace *w, const hh_linear_item *item, const float *before);

/// Takes keys `*done` to `far` into the state.
void hh_linear_grow(
  hh_linear_workspace *w, const hh_linear_item *item, size_t *done, size_t far);

/// Packs what the queries of a block need of their near keys: features, keys and values.
void hh_linear_pack_near(
  const hh_linear_workspace *w, const hh_linear_item *item, size_t start, size_t rows, size_t far,
  size_t near);

/// The weights of the sinks and the packed near keys, (rows, sinks + near).
void hh_linear_weigh_near(
  const hh_linear_workspace *w, const hh_linear_item *item, size_t start, size_t rows, size_t far,
  size_t near);
