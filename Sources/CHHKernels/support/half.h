// 16-bit floats as float32, inside the kernels that read them.
#pragma once
#include "bits.h"
#include "vector.h"

typedef uint16_t hh_half_vec __attribute__((vector_size(32), aligned(1), may_alias));
typedef uint32_t hh_uvec __attribute__((vector_size(64)));
typedef _Float16 hh_f16_vec __attribute__((vector_size(32), aligned(1), may_alias));

/// Sixteen elements at any address; exact, subnormal numbers, infinity and NaN included.
HH_INLINE void hh_load_half(hh_vec *v, const void *half, int is_bf16) {
  const hh_uvec bits = __builtin_convertvector(*(const hh_half_vec *)half, hh_uvec);
  if (is_bf16) {
    *v = (hh_vec)(bits << 16);
    return;
  }
  const hh_uvec magnitude = bits & 0x7FFFu;
  // Normal numbers, infinity and NaN: move the exponent field and rebias it by multiplication,
  // which is exact and keeps infinity and NaN what they are.
  const hh_vec normal = (hh_vec)((magnitude << 13) + 0x70000000u) * 0x1p-112f;
  // Subnormal numbers: put the mantissa below 0.5 and let the subtraction normalise it.
  const hh_vec subnormal = (hh_vec)(magnitude | 0x3F000000u) - 0.5f;
  const hh_vec chosen = hh_select(magnitude < 0x0400u, subnormal, normal);
  *v = (hh_vec)((bits & 0x8000u) << 16 | (hh_uvec)chosen);
}

/// One float16, given by its bits, as float32; exact, in the same way.
HH_INLINE float hh_float_of_half(uint32_t half) {
  const uint32_t magnitude = half << 17;
  const float normal = hh_float_of_bits((magnitude >> 4) + 0x70000000u) * 0x1p-112f;
  const float subnormal = hh_float_of_bits((magnitude >> 17) | 0x3F000000u) - 0.5f;
  const float value = magnitude < 0x08000000u ? subnormal : normal;
  return half & 0x8000u ? -value : value;
}

/// Sixteen elements of float16 by the processor's own conversion; for functions whose instruction
/// set is known to have one, since elsewhere it is a call for each element.
HH_INLINE void hh_load_f16_natively(hh_vec *v, const void *half) {
  *v = __builtin_convertvector(*(const hh_f16_vec *)half, hh_vec);
}

/// As `hh_load_half` for the first `count` elements; the other lanes are zero.
HH_INLINE void hh_load_half_partial(hh_vec *v, const void *half, size_t count, int is_bf16) {
  uint16_t padded[HH_LANES] = {0};
  memcpy(padded, half, count * sizeof *padded);
  hh_load_half(v, padded, is_bf16);
}
