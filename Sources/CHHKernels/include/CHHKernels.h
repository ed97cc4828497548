#pragma once
#include <stddef.h>
#include <stdint.h>

// Conversion (convert.c). Little-endian elements at any address; `count` elements on both sides;
// output and source do not overlap.

/// float16 to float32, exact.
void hh_f32_from_f16(float *output, const void *source, size_t count);
/// bfloat16 to float32, exact.
void hh_f32_from_bf16(float *output, const void *source, size_t count);
/// float32 to float16, to nearest, ties to even; too large becomes infinity, NaN stays NaN.
void hh_f16_from_f32(void *output, const float *source, size_t count);
/// float32 to bfloat16, to nearest, ties to even; NaN stays NaN.
void hh_bf16_from_f32(void *output, const float *source, size_t count);
/// Index of the first element with all bits of `mask` set, or `count`. With the exponent field as
/// the mask that is the first infinity or NaN.
size_t hh_first_with_bits_16(const void *source, size_t count, uint16_t mask);
size_t hh_first_with_bits_32(const void *source, size_t count, uint32_t mask);
size_t hh_first_with_bits_64(const void *source, size_t count, uint64_t mask);

// Byte planes (planes.c). Words are little-endian, at any address, and rotated left by one bit
// before they are cut into bytes; plane 0 is the least significant byte. `planes` are consecutive
// runs of `count` bytes, plane 0 first; output and source do not overlap.

/// Byte `plane` (0 or 1) of every rotated 16-bit word.
void hh_plane_of_16(uint8_t *output, const void *words, size_t count, unsigned plane);
/// Byte `plane` (0 to 3) of every rotated 32-bit word.
void hh_plane_of_32(uint8_t *output, const void *words, size_t count, unsigned plane);
/// The 16-bit words of two planes.
void hh_join_planes_16(void *words, const uint8_t *planes, size_t count);
/// The 32-bit words of four planes.
void hh_join_planes_32(void *words, const uint8_t *planes, size_t count);
