// The search for the scales of Q2_K to Q6_K: blocks of 256 with a scale for each 16 or 32 elements.
//
// A group's scale is found by least squares: for several trial scales the values are rounded to
// quants, and for these quants the best scale (and offset) follows in closed form; the trial with
// the least error wins. The scales of a block are then rounded themselves, to 4, 6 or 8 bits, and
// the values are rounded once more with what a reader will see. Errors count by a weight that
// grows with the value's magnitude: large weights matter more to a model.
#pragma once
#include "ggml_blocks.h"
#include <math.h>

/// To the nearest whole number, for magnitudes below 2^22.
#define nearest(x) (((x) + 0x1.8p23f) - 0x1.8p23f)

HH_INLINE float total(const hh_vec *terms, int vectors) {
  hh_vec sum = terms[0];
  if (vectors == 2) sum += terms[1];
  return hh_sum(&sum);
}

/// The values of group `g`, which has `vectors` times 16 of them, and the weights of their errors:
/// `share` of the root mean square, plus the magnitude.
HH_INLINE void load_group(
    const float *values, int g, int vectors, float share, hh_vec *x, hh_vec *weights) {
  hh_vec squares[2];
  for (int v = 0; v < vectors; v++) {
    x[v] = hh_load(values + (g * vectors + v) * HH_LANES);
    squares[v] = x[v] * x[v];
  }
  const float mean = total(squares, vectors) / (float)(vectors * HH_LANES);
  for (int v = 0; v < vectors; v++) {
    weights[v] = hh_max(x[v], -x[v]) + hh_splat(share * sqrtf(mean));
  }
}

// MARK: Groups with an offset, x = scale * q + offset, q from 0 to `top`, offset not positive

typedef struct { float scale, offset; } hh_affine;

HH_INLINE void affine_quants(
    const hh_vec *x, int vectors, float top, hh_affine fit, hh_vec *quants) {
  const float inverse = fit.scale > 0 ? 1 / fit.scale : 0;
  for (int v = 0; v < vectors; v++) {
    const hh_vec q = nearest((x[v] - hh_splat(fit.offset)) * hh_splat(inverse));
    quants[v] = hh_min(hh_max(q, hh_splat(0.0f)), hh_splat(top));
  }
}

HH_INLINE float affine_error(
    const hh_vec *x, const hh_vec *w, int vectors, const hh_vec *q, hh_affine fit) {
  hh_vec errors[2];
  for (int v = 0; v < vectors; v++) {
    const hh_vec error = hh_splat(fit.scale) * q[v] + hh_splat(fit.offset) - x[v];
    errors[v] = w[v] * error * error;
  }
  return total(errors, vectors);
}

/// The best scale and offset for given quants; returns 0 where they tell none.
HH_INLINE int affine_solve(
    const hh_vec *x, const hh_vec *w, int vectors, const hh_vec *q, hh_affine *fit) {
  hh_vec wx[2], wq[2], wqq[2], wqx[2];
  for (int v = 0; v < vectors; v++) {
    wx[v] = w[v] * x[v];
    wq[v] = w[v] * q[v];
    wqq[v] = wq[v] * q[v];
    wqx[v] = wq[v] * x[v];
  }
  const float sw = total(w, vectors), sx = total(wx, vectors), sq = total(wq, vectors);
  const float sqq = total(wqq, vectors), sqx = total(wqx, vectors);
  const float determinant = sw * sqq - sq * sq;
  if (!(determinant > 0)) return 0;
  fit->scale = (sw * sqx - sx * sq) / determinant;
  fit->offset = (sqq * sx - sq * sqx) / determinant;
  if (fit->offset > 0) {
    fit->offset = 0;
    fit->scale = sqx / sqq;
  }
  return fit->scale > 0;
}

/// How many scales to try: those that put the largest value between `from` and `from + 0.1 count`
/// above the largest quant.
typedef struct { float from; int count; } hh_trials;

HH_INLINE hh_affine affine_fit(
    const hh_vec *x, const hh_vec *w, int vectors, float top, hh_trials trials) {
  hh_vec low = x[0], high = x[0];
  if (vectors == 2) {
    low = hh_min(low, x[1]);
    high = hh_max(high, x[1]);
  }
  const hh_vec negated = -low;
  const float least = fminf(-hh_largest(&negated), 0), most = hh_largest(&high);
  hh_affine best = {(most - least) / top, least};
  if (!(most > least)) return best;
  hh_vec q[2] = {0};
  affine_quants(x, vectors, top, best, q);
  float least_error = affine_error(x, w, vectors, q, best);
  for (int trial = 0; trial <= trials.count; trial++) {
    hh_affine fit = {(most - least) / (top + trials.from + 0.1f * (float)trial), least};
    affine_quants(x, vectors, top, fit, q);
    if (!affine_solve(x, w, vectors, q, &fit)) continue;
    const float error = affine_error(x, w, vectors, q, fit);
    if (error < least_error) least_error = error, best = fit;
  }
  // Rounding with the new scale and solving again can only help.
  for (int round = 0; round < 2; round++) {
    hh_affine fit = best;
    affine_quants(x, vectors, top, fit, q);
    if (!affine_solve(x, w, vectors, q, &fit)) break;
    const float error = affine_error(x, w, vectors, q, fit);
    if (!(error < least_error)) break;
    least_error = error, best = fit;
  }
  return best;
}

/// What the groups of one block become: whole scales and offsets, and quants.
typedef struct {
  uint8_t scales[16], offsets[16], quants[256];
} hh_affine_block;

/// Quantises a block in groups of `vectors` times 16; scales and offsets go up to `limit`, and the
/// halves that multiply them are stored at `halves`.
HH_INLINE void hh_affine_search(
    const float *values, int vectors, float top, float limit, float share, hh_trials trials,
    uint8_t *halves, hh_affine_block *block) {
  const int groups = 16 / vectors;
  hh_affine fits[16];
  float largest_scale = 0, largest_offset = 0;
  for (int g = 0; g < groups; g++) {
    hh_vec x[2], w[2];
    load_group(values, g, vectors, share, x, w);
    fits[g] = affine_fit(x, w, vectors, top, trials);
    largest_scale = fmaxf(largest_scale, fits[g].scale);
    largest_offset = fmaxf(largest_offset, -fits[g].offset);
  }
  const float d = hh_put_half(halves, largest_scale / limit);
  const float least = hh_put_half(halves + 2, largest_offset / limit);
  for (int g = 0; g < groups; g++) {
    hh_vec x[2], w[2], q[2] = {0};
    load_group(values, g, vectors, share, x, w);
    const float scale = d > 0 ? fminf(nearest(fits[g].scale / d), limit) : 0;
    const float offset = least > 0 ? fminf(nearest(-fits[g].offset / least), limit) : 0;
    block->scales[g] = block->offsets[g] = 0;
    // The neighbours of the rounded pair may fit the values better than it does.
    float least_error = INFINITY;
    for (int step = 0; step < 9; step++) {
      const float s = scale + (float)(step % 3 - 1), o = offset + (float)(step / 3 - 1);
      if (s < 0 || s > limit || o < 0 || o > limit) continue;
      const hh_affine fit = {d * s, -(least * o)};
      hh_vec trial[2];
      affine_quants(x, vectors, top, fit, trial);
      const float error = affine_error(x, w, vectors, trial, fit);
      if (!(error < least_error)) continue;
      least_error = error;
      block->scales[g] = (uint8_t)s;
      block->offsets[g] = (uint8_t)o;
      for (int v = 0; v < vectors; v++) q[v] = trial[v];
    }
    for (int v = 0; v < vectors; v++) {
      uint8_t *quants = block->quants + (g * vectors + v) * HH_LANES;
      for (int i = 0; i < HH_LANES; i++) quants[i] = (uint8_t)q[v][i];
    }
  }
}

// MARK: Groups without an offset, x = scale * q, q from -n to n - 1, scales of either sign

HH_INLINE void centred_quants(const hh_vec *x, float inverse, float n, hh_vec *quants) {
  const hh_vec q = nearest(*x * hh_splat(inverse));
  *quants = hh_min(hh_max(q, hh_splat(-n)), hh_splat(n - 1));
}

HH_INLINE float centred_fit(const hh_vec *x, const hh_vec *w, float n) {
  const hh_vec magnitudes = hh_max(*x, -*x);
  const float largest = hh_largest(&magnitudes);
  if (!(largest > 0)) return 0;
  // Of the two signs one gives the extreme value the quant -n, which has no counterpart.
  float scale = 0, best = 0;
  for (int trial = -9; trial <= 9; trial++) {
    for (int sign = -1; sign <= 1; sign += 2) {
      const float inverse = (float)sign * (n + 0.1f * (float)trial) / largest;
      hh_vec q;
      centred_quants(x, inverse, n, &q);
      const hh_vec wq = *w * q, wqq = wq * q, wqx = wq * *x;
      const float sqq = hh_sum(&wqq), sqx = hh_sum(&wqx);
      // With the best scale, sqx / sqq, the error falls by this much.
      if (sqq > 0 && sqx * sqx > best * sqq) scale = sqx / sqq, best = scale * sqx;
    }
  }
  return scale;
}

typedef struct {
  int8_t scales[16];
  /// From 0 to 2n - 1.
  uint8_t quants[256];
} hh_centred_block;

/// Quantises a block in groups of 16; scales go from -limit to limit - 1.
HH_INLINE void hh_centred_search(
    const float *values, float n, float limit, float share, uint8_t *half,
    hh_centred_block *block) {
  float scales[16], extreme = 0;
  for (int g = 0; g < 16; g++) {
    hh_vec x, w;
    load_group(values, g, 1, share, &x, &w);
    scales[g] = centred_fit(&x, &w, n);
    if (fabsf(scales[g]) > fabsf(extreme)) extreme = scales[g];
  }
  const float d = hh_put_half(half, extreme / -limit);
  for (int g = 0; g < 16; g++) {
    hh_vec x, w;
    load_group(values, g, 1, share, &x, &w);
    // A small d lies far from what it was rounded from: the ratio of the extreme group may then be
    // outside of what a scale can be, and the nearest scale is the best there is.
    const float ratio = d != 0 ? nearest(scales[g] / d) : 0;
    const float rounded = fmaxf(-limit, fminf(ratio, limit - 1));
    float least_error = INFINITY;
    hh_vec q = hh_splat(0.0f);
    block->scales[g] = 0;
    for (int step = -1; step <= 1; step++) {
      const float s = rounded + (float)step;
      if (s < -limit || s > limit - 1) continue;
      const float scale = d * s;
      hh_vec trial;
      centred_quants(&x, scale != 0 ? 1 / scale : 0, n, &trial);
      const float error = affine_error(&x, &w, 1, &trial, (hh_affine){scale, 0});
      if (!(error < least_error)) continue;
      least_error = error;
      block->scales[g] = (int8_t)s;
      q = trial;
    }
    for (int i = 0; i < HH_LANES; i++) {
      block->quants[HH_LANES * g + i] = (uint8_t)(q[i] + n);
    }
  }
}
