// The vector type that the floating-point kernels share, and its loads, stores and reductions.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "multiversion.h"

// Inlined functions take vectors by pointer: clang refuses a call that passes one by value between
// functions of different instruction sets, even where the call is going to be inlined.

// a * b + c inside one expression becomes one fused operation where the instruction set has it.
#pragma STDC FP_CONTRACT ON

// Sixteen lanes whatever the machine, so that sums are added in the same order everywhere.
enum { HH_LANES = 16 };
typedef float hh_vec __attribute__((vector_size(64)));
typedef int32_t hh_ivec __attribute__((vector_size(64)));
typedef float hh_vec_unaligned __attribute__((vector_size(64), aligned(4), may_alias));

#define hh_load(p) ((hh_vec)(*(const hh_vec_unaligned *)(p)))
#define hh_store(p, v) (*(hh_vec_unaligned *)(p) = (v))
#define hh_splat(x) ((x) - (hh_vec){0})
/// `mask ? a : b`, lane by lane; a comparison's lanes are all ones or all zeros.
#define hh_select(mask, a, b) ((hh_vec)(((mask) & (hh_ivec)(a)) | (~(mask) & (hh_ivec)(b))))
// A NaN in `a` survives both: the comparison is false and the other operand is `a`.
#define hh_max(a, b) hh_select((a) < (b), b, a)
#define hh_min(a, b) hh_select((a) > (b), b, a)

/// The first `count` floats at `p`, `count` up to HH_LANES; the other lanes are `fill`.
HH_INLINE void hh_load_partial(hh_vec *v, const float *p, size_t count, float fill) {
  *v = hh_splat(fill);
  memcpy(v, p, count * sizeof(float));
}

/// As `hh_load_partial` with zeros, quick where all lanes exist.
HH_INLINE void hh_load_some(hh_vec *v, const float *p, size_t count) {
  if (count == HH_LANES)
    *v = hh_load(p);
  else
    hh_load_partial(v, p, count, 0);
}

/// The first `count` lanes to `p`.
HH_INLINE void hh_store_some(float *p, const hh_vec *v, size_t count) {
  if (count == HH_LANES)
    hh_store(p, *v);
  else
    memcpy(p, v, count * sizeof(float));
}

/// Sum of the lanes as a balanced tree, the same on every machine.
HH_INLINE float hh_sum(const hh_vec *v) {
  float lanes[HH_LANES];
  memcpy(lanes, v, sizeof lanes);
  for (size_t width = HH_LANES / 2; width > 0; width /= 2)
    for (size_t i = 0; i < width; i++) lanes[i] += lanes[i + width];
  return lanes[0];
}

HH_INLINE float hh_largest(const hh_vec *v) {
  float lanes[HH_LANES];
  memcpy(lanes, v, sizeof lanes);
  for (size_t width = HH_LANES / 2; width > 0; width /= 2)
    for (size_t i = 0; i < width; i++)
      lanes[i] = lanes[i] < lanes[i + width] ? lanes[i + width] : lanes[i];
  return lanes[0];
}

/// Sum of a[j] * b[j].
HH_INLINE float hh_dot(const float *a, const float *b, size_t count) {
  hh_vec sum = {0}, x, y;
  size_t j = 0;
  for (; j + HH_LANES <= count; j += HH_LANES) sum += hh_load(a + j) * hh_load(b + j);
  hh_load_partial(&x, a + j, count - j, 0);
  hh_load_partial(&y, b + j, count - j, 0);
  sum += x * y;
  return hh_sum(&sum);
}

/// Sum of x[j].
HH_INLINE float hh_total(const float *x, size_t count) {
  hh_vec sum = {0}, rest;
  size_t j = 0;
  for (; j + HH_LANES <= count; j += HH_LANES) sum += hh_load(x + j);
  hh_load_partial(&rest, x + j, count - j, 0);
  sum += rest;
  return hh_sum(&sum);
}

HH_INLINE size_t hh_round_up(size_t count) { return (count + HH_LANES - 1) / HH_LANES * HH_LANES; }
HH_INLINE size_t hh_smaller(size_t a, size_t b) { return a < b ? a : b; }
