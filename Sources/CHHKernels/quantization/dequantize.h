// What the dequantisation kernels share: unaligned little-endian reads and the small float formats.
#pragma once
#include "CHHKernels.h"
#include "bits.h"
#include "multiversion.h"

// A product and a sum stay two roundings, as the format's definition has them: no clone may fuse
// them, or two machines would read different weights from one file.
#pragma STDC FP_CONTRACT OFF

// Before a loop of 16: unrolled, as clang would have it, it comes out four elements at a time.
#define HH_ALL_AT_ONCE _Pragma("clang loop vectorize_width(16) unroll(disable)")

HH_INLINE uint32_t hh_u16_at(const uint8_t *bytes) {
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

HH_INLINE uint32_t hh_u32_at(const uint8_t *bytes) {
  return hh_u16_at(bytes) | hh_u16_at(bytes + 2) << 16;
}

/// The float16 of 16 bits as float32, exact; see hh_f32_from_f16 for how.
HH_INLINE float hh_float_of_half(uint32_t half) {
  const uint32_t magnitude = half << 17;
  const float normal = hh_float_of_bits((magnitude >> 4) + 0x70000000u) * 0x1p-112f;
  const float subnormal = hh_float_of_bits((magnitude >> 17) | 0x3F000000u) - 0.5f;
  const float value = magnitude < 0x08000000u ? subnormal : normal;
  return half & 0x8000u ? -value : value;
}

HH_INLINE float hh_half_at(const uint8_t *bytes) { return hh_float_of_half(hh_u16_at(bytes)); }

// One function per family of types; `type` is one of the family's. All read `blocks` blocks, which
// may start at any address, and write their elements in order.

/// Types without blocks: F32, F16, BF16, F64 and the integers.
void hh_dequantize_plain(uint32_t type, float *output, const uint8_t *source, size_t blocks);
/// Blocks of 32 to 128 elements with one or two scales.
void hh_dequantize_simple(uint32_t type, float *output, const uint8_t *source, size_t blocks);
/// Blocks of 256 elements with a scale for each 16 or 32 of them, and the ternary types.
void hh_dequantize_super(uint32_t type, float *output, const uint8_t *source, size_t blocks);
/// Blocks of 256 elements whose groups of four or eight are entries of a codebook.
void hh_dequantize_codebook(uint32_t type, float *output, const uint8_t *source, size_t blocks);

// The codebooks (dequantize_tables.c): each entry has a code of 2 or 3 bits per element, the first
// element in the lowest bits.
extern const uint16_t hh_codebook_iq2_xxs[256];
extern const uint16_t hh_codebook_iq2_xs[512];
extern const uint16_t hh_codebook_iq2_s[1024];
extern const uint16_t hh_codebook_iq3_xxs[256];
extern const uint16_t hh_codebook_iq3_s[512];
extern const uint16_t hh_codebook_iq1[2048];
