// 16-bit floats as float32, inside the kernels that read them.
#pragma once
#include "vector.h"

typedef uint16_t __attribute__((aligned(1), may_alias)) hh_half_at_any_address;

HH_INLINE float hh_float_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/// Exact, subnormal numbers, infinity and NaN included.
HH_INLINE float hh_float_of_f16(uint16_t half) {
  const uint32_t word = (uint32_t)half << 16;
  const uint32_t magnitude = word + word;
  // Normal numbers, infinity and NaN: move the exponent field and rebias it by multiplication,
  // which is exact and keeps infinity and NaN what they are.
  const float normal = hh_float_of_bits((magnitude >> 4) + 0x70000000u) * 0x1p-112f;
  // Subnormal numbers: put the mantissa below 0.5 and let the subtraction normalise it.
  const float subnormal = hh_float_of_bits((magnitude >> 17) | 0x3F000000u) - 0.5f;
  const float chosen = magnitude < 0x08000000u ? subnormal : normal;
  uint32_t bits;
  memcpy(&bits, &chosen, sizeof bits);
  return hh_float_of_bits((word & 0x80000000u) | bits);
}

/// Exact.
HH_INLINE float hh_float_of_bf16(uint16_t half) { return hh_float_of_bits((uint32_t)half << 16); }

/// `count` elements at any address as float32.
HH_INLINE void hh_widen(float *wide, const void *half, size_t count, int is_bf16) {
  const hh_half_at_any_address *elements = half;
  if (is_bf16)
    for (size_t i = 0; i < count; i++) wide[i] = hh_float_of_bf16(elements[i]);
  else
    for (size_t i = 0; i < count; i++) wide[i] = hh_float_of_f16(elements[i]);
}
