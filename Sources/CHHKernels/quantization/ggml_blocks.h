// What decoders and encoders of ggml's blocks share. `d` is a block's scale, as ggml calls it.
#pragma once
#include "ggml_types.h"
#include "half.h"

// A product and a sum stay two roundings, as ggml defines them: no clone may fuse them, or two
// machines would read different weights from one file.
#pragma STDC FP_CONTRACT OFF

// Defines a type's decoder or encoder from a function body that treats one block: `source` and
// `output` are its bytes, `output` and `values` its float32 elements.
#define HH_DECODER(TYPE)                                                                       \
  HH_INLINE void decode_##TYPE(float *restrict output, const uint8_t *restrict source);        \
  HH_MULTIVERSION                                                                              \
  void hh_decode_##TYPE(float *restrict output, const void *restrict source, size_t blocks) {  \
    const uint8_t *block = source;                                                             \
    for (; blocks > 0; blocks--, block += HH_BYTES_##TYPE, output += HH_ELEMENTS_##TYPE)       \
      decode_##TYPE(output, block);                                                            \
  }                                                                                            \
  HH_INLINE void decode_##TYPE(float *restrict output, const uint8_t *restrict source)
#define HH_ENCODER(TYPE)                                                                       \
  HH_INLINE void encode_##TYPE(uint8_t *restrict output, const float *restrict values);        \
  HH_MULTIVERSION                                                                              \
  void hh_encode_##TYPE(void *restrict output, const float *restrict values, size_t blocks) {  \
    uint8_t *block = output;                                                                   \
    for (; blocks > 0; blocks--, block += HH_BYTES_##TYPE, values += HH_ELEMENTS_##TYPE)       \
      encode_##TYPE(block, values);                                                            \
  }                                                                                            \
  HH_INLINE void encode_##TYPE(uint8_t *restrict output, const float *restrict values)

// Before a loop of 16: if clang unrolls it, it uses vectors of only four elements.
#define HH_ALL_AT_ONCE _Pragma("clang loop vectorize_width(16) unroll(disable)")

HH_INLINE uint32_t hh_u16_at(const uint8_t *bytes) {
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

HH_INLINE uint32_t hh_u32_at(const uint8_t *bytes) {
  return hh_u16_at(bytes) | hh_u16_at(bytes + 2) << 16;
}

HH_INLINE float hh_half_at(const uint8_t *bytes) { return hh_float_of_half(hh_u16_at(bytes)); }

/// Stores a value as float16 and returns what a reader will get.
HH_INLINE float hh_put_half(uint8_t *bytes, float value) {
  hh_f16_from_f32(bytes, &value, 1);
  return hh_half_at(bytes);
}

/// The low four bits of 2 `count` quants: those of quant i in the low half of byte i, those of
/// quant `count` + i in its high half.
HH_INLINE void hh_put_nibbles(uint8_t *output, const uint8_t *quants, int count) {
  for (int i = 0; i < count; i++) output[i] = (uint8_t)((quants[i] & 15) | quants[count + i] << 4);
}

/// Two bits, from bit `shift` on, of 128 quants in 32 bytes: byte i holds those of quants i, 32 +
/// i, 64 + i and 96 + i, lowest bits first.
HH_INLINE void hh_put_pairs(uint8_t *output, const uint8_t *quants, int shift) {
  for (int i = 0; i < 32; i++) {
    const uint8_t *q = quants + i;
    output[i] = (uint8_t)((q[0] >> shift & 3) | (q[32] >> shift & 3) << 2 |
                          (q[64] >> shift & 3) << 4 | (q[96] >> shift & 3) << 6);
  }
}

/// Bit `shift` of 256 quants in 32 bytes: bit j of byte i is that of quant 32 j + i.
HH_INLINE void hh_put_bits(uint8_t *output, const uint8_t *quants, int shift) {
  for (int i = 0; i < 32; i++) {
    unsigned bits = 0;
    for (int j = 0; j < 8; j++) bits |= (unsigned)(quants[32 * j + i] >> shift & 1) << j;
    output[i] = (uint8_t)bits;
  }
}

// Rounding for the types whose blocks follow from their values by a formula. Where a block is so
// small that the reciprocal of its scale overflows, products are infinite or NaN; their quant is 0,
// and the scale, stored as a half, is 0 too.

/// The reciprocal of a scale, 0 for 0.
HH_INLINE float hh_inverse_of(float scale) { return scale == 0 ? 0 : 1 / scale; }

/// To the nearest whole number, halves away from zero; 0 for infinity and NaN.
HH_INLINE int hh_nearest(float value) {
  const float size = __builtin_fabsf(value);
  if (!(size < 0x1p30f)) return 0;
  const float down = __builtin_floorf(size);
  const float result = down + __builtin_floorf(2 * (size - down));
  return (int)(value < 0 ? -result : result);
}

/// The value of the largest magnitude, the first of several.
HH_INLINE float hh_extreme_of(const float *values, int count) {
  float extreme = values[0], magnitude = __builtin_fabsf(extreme);
  for (int i = 1; i < count; i++) {
    if (__builtin_fabsf(values[i]) > magnitude) magnitude = __builtin_fabsf(extreme = values[i]);
  }
  return extreme;
}
