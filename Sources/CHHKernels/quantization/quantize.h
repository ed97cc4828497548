// What the quantisation kernels share.
#pragma once
#include "dequantize.h"

// One function per family of types, as for dequantisation; all read finite values.

/// Types whose blocks follow from their values by a formula.
void hh_quantize_simple(uint32_t type, uint8_t *output, const float *values, size_t blocks);
/// Q2_K to Q6_K, which search for scales.
void hh_quantize_super(uint32_t type, uint8_t *output, const float *values, size_t blocks);

/// Stores a value as float16 and returns what a reader will get.
HH_INLINE float hh_put_half(uint8_t *bytes, float value) {
  hh_f16_from_f32(bytes, &value, 1);
  return hh_half_at(bytes);
}
