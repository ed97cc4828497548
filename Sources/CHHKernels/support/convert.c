// Conversions between the 16-bit float types and float32, and scans for values that are not finite.
//
// All arithmetic is on integers or exact, so every clone gives the same result. Sources may start
// at any address: elements are read through unaligned types.
#include "CHHKernels.h"
#include "half.h"

#pragma STDC FP_CONTRACT OFF

HH_INLINE void widen(float *wide, const void *half, size_t count, int is_bf16) {
  const hh_word16 *elements = half;
  hh_vec v;
  size_t i = 0;
  for (; i + HH_LANES <= count; i += HH_LANES) {
    hh_load_half(&v, elements + i, is_bf16);
    hh_store(wide + i, v);
  }
  if (i == count) return;
  hh_load_half_partial(&v, elements + i, count - i, is_bf16);
  hh_store_some(wide + i, &v, count - i);
}

HH_MULTIVERSION
void hh_f32_from_f16(float *output, const void *source, size_t count) {
  widen(output, source, count, 0);
}

HH_MULTIVERSION
void hh_f32_from_bf16(float *output, const void *source, size_t count) {
  widen(output, source, count, 1);
}

HH_MULTIVERSION
void hh_f16_from_f32(void *output, const float *source, size_t count) {
  hh_word16 *elements = output;
  for (size_t i = 0; i < count; i++) {
    const uint32_t word = hh_bits_of_float(source[i]);
    const uint32_t magnitude = word + word;
    // Adding a power of two chosen from the exponent makes the addition round at bit 10, to
    // nearest and ties to even, also where the result is subnormal; too large a value is scaled
    // to infinity first.
    const float large = hh_float_of_bits(word & 0x7FFFFFFFu) * 0x1p+112f;
    const float scaled = large * 0x1p-110f;
    uint32_t exponent = magnitude & 0xFF000000u;
    if (exponent < 0x71000000u) exponent = 0x71000000u;
    const uint32_t rounded =
        hh_bits_of_float(hh_float_of_bits((exponent >> 1) + 0x07800000u) + scaled);
    const uint32_t finite = ((rounded >> 13) & 0x7C00u) + (rounded & 0x0FFFu);
    const uint32_t bits = magnitude > 0xFF000000u ? 0x7E00u : finite;
    elements[i] = (uint16_t)((word >> 16 & 0x8000u) | bits);
  }
}

HH_MULTIVERSION
void hh_bf16_from_f32(void *output, const float *source, size_t count) {
  hh_word16 *elements = output;
  for (size_t i = 0; i < count; i++) {
    const uint32_t word = hh_bits_of_float(source[i]);
    const uint32_t rounded = (word + 0x7FFFu + (word >> 16 & 1u)) >> 16;
    // Rounding could carry a NaN over to infinity or zero; it keeps its sign and becomes quiet.
    const uint32_t nan = (word >> 16) | 0x0040u;
    elements[i] = (uint16_t)((word & 0x7FFFFFFFu) > 0x7F800000u ? nan : rounded);
  }
}

int hh_has_bf16_units(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return 1;  // Not known: the caller has to try.
#endif
}

// Defines a scan for the first element that IS_HIT. A block is scanned without branches, so that it
// vectorises, with a flag as wide as the elements; only a block with a hit is searched.
#define FIRST(NAME, SOURCE, ELEMENT, FLAG, PARAMETER, IS_HIT)                \
  HH_MULTIVERSION                                                            \
  size_t NAME(const SOURCE *source, size_t count, PARAMETER) {               \
    enum { BLOCK = 1024 };                                                   \
    const ELEMENT *elements = source;                                        \
    for (size_t start = 0; start < count; start += BLOCK) {                  \
      const size_t end = count - start < BLOCK ? count : start + BLOCK;      \
      FLAG hit = 0;                                                          \
      for (size_t i = start; i < end; i++) hit |= IS_HIT(elements[i]);       \
      for (size_t i = start; hit && i < end; i++)                            \
        if (IS_HIT(elements[i])) return i;                                   \
    }                                                                        \
    return count;                                                            \
  }

#define HAS_BITS(x) ((x & mask) == mask)
// Negated, so that a NaN counts.
#define IS_BEYOND(x) !(__builtin_fabsf(x) <= limit)

FIRST(hh_first_with_bits_16, void, hh_word16, uint16_t, uint16_t mask, HAS_BITS)
FIRST(hh_first_with_bits_32, void, hh_word32, uint32_t, uint32_t mask, HAS_BITS)
FIRST(hh_first_beyond, float, float, uint32_t, float limit, IS_BEYOND)
