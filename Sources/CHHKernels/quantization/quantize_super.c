// Quantisation to Q2_K ... Q6_K: blocks of 256 with a scale for each group of 16 or 32.
//
// A group's scale is found by least squares: for several trial scales the values are rounded to
// quants, and for these quants the best scale (and offset) follows in closed form; the trial with
// the least error wins. The scales of a block are then rounded themselves, to 4, 6 or 8 bits, and
// the values are rounded once more with what a reader will see. Errors count by a weight that
// grows with the value's magnitude: large weights matter more to a model.
#include "quantize.h"
#include "vector.h"
#include <math.h>

// Sums are taken lane by lane and products are rounded before they are added, so that every clone
// finds the same scales.
#pragma STDC FP_CONTRACT OFF

/// To the nearest whole number, for magnitudes below 2^22.
#define nearest(x) (((x) + 0x1.8p23f) - 0x1.8p23f)

HH_INLINE float total(const hh_vec *terms, int vectors) {
  hh_vec sum = terms[0];
  if (vectors == 2) sum += terms[1];
  return hh_sum(&sum);
}

/// Weights of a group's errors: `share` of the root mean square, plus the magnitude.
HH_INLINE void weigh(const hh_vec *x, int vectors, float share, hh_vec *weights) {
  hh_vec squares[2];
  for (int v = 0; v < vectors; v++) squares[v] = x[v] * x[v];
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
HH_INLINE void affine_block(
    const float *values, int vectors, float top, float limit, float share, hh_trials trials,
    uint8_t *halves, hh_affine_block *block) {
  const int groups = 16 / vectors;
  hh_affine fits[16];
  float largest_scale = 0, largest_offset = 0;
  for (int g = 0; g < groups; g++) {
    hh_vec x[2], w[2];
    for (int v = 0; v < vectors; v++) x[v] = hh_load(values + (g * vectors + v) * HH_LANES);
    weigh(x, vectors, share, w);
    fits[g] = affine_fit(x, w, vectors, top, trials);
    largest_scale = fmaxf(largest_scale, fits[g].scale);
    largest_offset = fmaxf(largest_offset, -fits[g].offset);
  }
  const float d = hh_put_half(halves, largest_scale / limit);
  const float least = hh_put_half(halves + 2, largest_offset / limit);
  for (int g = 0; g < groups; g++) {
    hh_vec x[2], w[2], q[2] = {0};
    for (int v = 0; v < vectors; v++) x[v] = hh_load(values + (g * vectors + v) * HH_LANES);
    weigh(x, vectors, share, w);
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

/// Scales and offsets of eight groups in twelve bytes; see dequantize_super.c for the layout.
HH_INLINE void put_scales_and_offsets(uint8_t *packed, const hh_affine_block *block) {
  for (int i = 0; i < 4; i++) {
    const unsigned scale = block->scales[4 + i], offset = block->offsets[4 + i];
    packed[i] = (uint8_t)(block->scales[i] | scale >> 4 << 6);
    packed[4 + i] = (uint8_t)(block->offsets[i] | offset >> 4 << 6);
    packed[8 + i] = (uint8_t)((scale & 15) | (offset & 15) << 4);
  }
}

HH_MULTIVERSION
static void q2_k(uint8_t *restrict output, const float *restrict values, size_t blocks) {
  hh_affine_block block;
  for (size_t b = 0; b < blocks; b++, output += 84, values += 256) {
    affine_block(values, 1, 3, 15, 0.25f, (hh_trials){-0.5f, 15}, output + 80, &block);
    for (int g = 0; g < 16; g++) output[g] = (uint8_t)(block.scales[g] | block.offsets[g] << 4);
    for (int i = 0; i < 64; i++) {
      const uint8_t *q = block.quants + i / 32 * 128 + i % 32;
      output[16 + i] = (uint8_t)(q[0] | q[32] << 2 | q[64] << 4 | q[96] << 6);
    }
  }
}

HH_INLINE void put_halves_of_bytes(uint8_t *output, const uint8_t *quants) {
  for (int i = 0; i < 128; i++) {
    const uint8_t *q = quants + i / 32 * 64 + i % 32;
    output[i] = (uint8_t)((q[0] & 15) | q[32] << 4);
  }
}

HH_MULTIVERSION
static void q4_k(uint8_t *restrict output, const float *restrict values, size_t blocks) {
  hh_affine_block block;
  for (size_t b = 0; b < blocks; b++, output += 144, values += 256) {
    affine_block(values, 2, 15, 63, 1, (hh_trials){-1, 20}, output, &block);
    put_scales_and_offsets(output + 4, &block);
    put_halves_of_bytes(output + 16, block.quants);
  }
}

HH_MULTIVERSION
static void q5_k(uint8_t *restrict output, const float *restrict values, size_t blocks) {
  hh_affine_block block;
  for (size_t b = 0; b < blocks; b++, output += 176, values += 256) {
    affine_block(values, 2, 31, 63, 1, (hh_trials){-0.5f, 15}, output, &block);
    put_scales_and_offsets(output + 4, &block);
    for (int i = 0; i < 32; i++) {
      unsigned bits = 0;
      for (int g = 0; g < 8; g++) bits |= (unsigned)(block.quants[32 * g + i] >> 4) << g;
      output[16 + i] = (uint8_t)bits;
    }
    put_halves_of_bytes(output + 48, block.quants);
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
HH_INLINE void centred_block(
    const float *values, float n, float limit, float share, uint8_t *half,
    hh_centred_block *block) {
  float scales[16], extreme = 0;
  for (int g = 0; g < 16; g++) {
    const hh_vec x = hh_load(values + HH_LANES * g);
    hh_vec w;
    weigh(&x, 1, share, &w);
    scales[g] = centred_fit(&x, &w, n);
    if (fabsf(scales[g]) > fabsf(extreme)) extreme = scales[g];
  }
  const float d = hh_put_half(half, extreme / -limit);
  for (int g = 0; g < 16; g++) {
    const hh_vec x = hh_load(values + HH_LANES * g);
    hh_vec w;
    weigh(&x, 1, share, &w);
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
      const hh_vec error = trial * hh_splat(scale) - x, squares = w * error * error;
      const float sum = hh_sum(&squares);
      if (!(sum < least_error)) continue;
      least_error = sum;
      block->scales[g] = (int8_t)s;
      q = trial;
    }
    for (int i = 0; i < HH_LANES; i++) {
      block->quants[HH_LANES * g + i] = (uint8_t)(q[i] + n);
    }
  }
}

HH_MULTIVERSION
static void q3_k(uint8_t *restrict output, const float *restrict values, size_t blocks) {
  hh_centred_block block;
  for (size_t b = 0; b < blocks; b++, output += 110, values += 256) {
    centred_block(values, 4, 32, 0.25f, output + 108, &block);
    for (int i = 0; i < 32; i++) {
      unsigned bits = 0;
      for (int j = 0; j < 8; j++) bits |= (unsigned)(block.quants[32 * j + i] >> 2) << j;
      output[i] = (uint8_t)bits;
    }
    for (int i = 0; i < 64; i++) {
      const uint8_t *q = block.quants + i / 32 * 128 + i % 32;
      output[32 + i] = (uint8_t)(
          (q[0] & 3) | (q[32] & 3) << 2 | (q[64] & 3) << 4 | (q[96] & 3) << 6);
    }
    uint8_t *packed = output + 96;
    for (int i = 0; i < 12; i++) packed[i] = 0;
    for (int g = 0; g < 16; g++) {
      const unsigned scale = (unsigned)(block.scales[g] + 32);
      packed[g % 8] |= (uint8_t)((scale & 15) << g / 8 * 4);
      packed[8 + g % 4] |= (uint8_t)(scale >> 4 << g / 4 * 2);
    }
  }
}

HH_MULTIVERSION
static void q6_k(uint8_t *restrict output, const float *restrict values, size_t blocks) {
  hh_centred_block block;
  for (size_t b = 0; b < blocks; b++, output += 210, values += 256) {
    centred_block(values, 32, 128, 0.25f, output + 208, &block);
    for (int half = 0; half < 2; half++) {
      for (int i = 0; i < 32; i++) {
        const uint8_t *q = block.quants + 128 * half + i;
        output[64 * half + i] = (uint8_t)((q[0] & 15) | (q[64] & 15) << 4);
        output[64 * half + 32 + i] = (uint8_t)((q[32] & 15) | (q[96] & 15) << 4);
        output[128 + 32 * half + i] = (uint8_t)(
            q[0] >> 4 | q[32] >> 4 << 2 | q[64] >> 4 << 4 | q[96] >> 4 << 6);
      }
    }
    for (int g = 0; g < 16; g++) output[192 + g] = (uint8_t)block.scales[g];
  }
}

void hh_quantize_super(uint32_t type, uint8_t *output, const float *values, size_t blocks) {
  switch (type) {
  case 10: q2_k(output, values, blocks); break;
  case 11: q3_k(output, values, blocks); break;
  case 12: q4_k(output, values, blocks); break;
  case 13: q5_k(output, values, blocks); break;
  case 14: q6_k(output, values, blocks); break;
  }
}
