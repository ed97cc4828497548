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
