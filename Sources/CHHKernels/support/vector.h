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

/// Whether there are 32 registers of one vector each. A clone cannot know which one it is.
#if defined(__x86_64__)
#define HH_HAS_WIDE_REGISTERS (__builtin_cpu_supports("x86-64-v4") != 0)
#else
#define HH_HAS_WIDE_REGISTERS 0
#endif

// Of two vectors in groups of so many lanes: the even groups of both, or the odd ones, in turn.
#define hh_low_groups(group, a, b) __builtin_shufflevector(a, b, HH_LOW_##group)
#define hh_high_groups(group, a, b) __builtin_shufflevector(a, b, HH_HIGH_##group)
#define HH_LOW_8 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define HH_HIGH_8 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define HH_LOW_4 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define HH_HIGH_4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define HH_LOW_2 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HH_HIGH_2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define HH_LOW_1 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define HH_HIGH_1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31

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

/// x[0] = the sums of the lanes of sixteen vectors, each as `hh_sum` adds them. Changes them all.
HH_INLINE void hh_sums(hh_vec *x) {
#define STEP(group)                                                        \
  _Pragma("clang loop unroll(full)") for (int i = 0; i < group; i++)       \
    x[i] = hh_low_groups(group, x[i], x[i + group]) + hh_high_groups(group, x[i], x[i + group]);
  STEP(8)
  STEP(4)
  STEP(2)
  STEP(1)
#undef STEP
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
