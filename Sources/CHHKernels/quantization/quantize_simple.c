// Quantisation to the types whose blocks follow from their values by a formula.
//
// Bit for bit what gguf-py (quants.py) gives, rounding by rounding. Where a block is so small that
// the reciprocal of its scale overflows, products are infinite or no numbers; their quant is 0, as
// it comes out there, and the scale, stored as a half, is 0 too.
#include "quantize.h"
#include <math.h>

/// The reciprocal of a scale, 0 for 0.
HH_INLINE float inverse_of(float scale) { return scale == 0 ? 0 : 1 / scale; }

/// The whole part of a number from 0 to `most`; what is above becomes `most`, what is no finite
/// number 0.
HH_INLINE uint8_t whole(float value, int most) {
  // False for NaN as well.
  if (!(value < 256)) return isinf(value) || isnan(value) ? 0 : (uint8_t)most;
  const int result = value > 0 ? (int)value : 0;
  return (uint8_t)(result > most ? most : result);
}

/// To the nearest whole number, halves away from zero; 0 for what is no finite number.
HH_INLINE int nearest(float value) {
  const float size = fabsf(value);
  if (!(size < 0x1p30f)) return 0;
  const float down = floorf(size);
  const float result = down + floorf(2 * (size - down));
  return (int)(value < 0 ? -result : result);
}

/// The value of the largest magnitude, the first of several.
HH_INLINE float extreme_of(const float *values, int count) {
  float extreme = values[0], magnitude = fabsf(extreme);
  for (int i = 1; i < count; i++) {
    if (fabsf(values[i]) > magnitude) magnitude = fabsf(extreme = values[i]);
  }
  return extreme;
}

HH_INLINE void range_of(const float *values, float *least, float *most) {
  *least = *most = values[0];
  for (int i = 1; i < 32; i++) {
    *least = values[i] < *least ? values[i] : *least;
    *most = values[i] > *most ? values[i] : *most;
  }
}

/// Four bits of each of 32 quants: quant i in the low half of byte i, quant 16 + i in the high one.
HH_INLINE void put_nibbles(uint8_t *output, const uint8_t *quants) {
  for (int i = 0; i < 16; i++) output[i] = (uint8_t)((quants[i] & 15) | quants[16 + i] << 4);
}

/// The fifth bits of 32 quants.
HH_INLINE void put_fifth_bits(uint8_t *output, const uint8_t *quants) {
  for (int byte = 0; byte < 4; byte++) {
    unsigned bits = 0;
    for (int i = 0; i < 8; i++) bits |= (unsigned)(quants[8 * byte + i] >> 4) << i;
    output[byte] = (uint8_t)bits;
  }
}

// Without an offset the extreme value becomes -8 or -16, whatever its sign.
HH_INLINE void centred(float scale, float middle, int most, const float *values, uint8_t *quants) {
  const float inverse = inverse_of(scale);
  for (int i = 0; i < 32; i++) quants[i] = whole(values[i] * inverse + middle, most);
}

// With an offset the least value becomes 0 and the largest the largest quant.
HH_INLINE void shifted(
    float scale, float least, int most, const float *values, uint8_t *quants) {
  const float inverse = inverse_of(scale);
  for (int i = 0; i < 32; i++) quants[i] = whole((values[i] - least) * inverse + 0.5f, most);
}

HH_MULTIVERSION
static void q4_0(uint8_t *restrict output, const float *restrict values, size_t blocks) {
  uint8_t quants[32];
  for (size_t b = 0; b < blocks; b++, output += 18, values += 32) {
    const float scale = extreme_of(values, 32) / -8;
    centred(scale, 8.5f, 15, values, quants);
    hh_put_half(output, scale);
    put_nibbles(output + 2, quants);
  }
}

HH_MULTIVERSION
static void q4_1(uint8_t *restrict output, const float *restrict values, size_t blocks) {
  uint8_t quants[32];
  for (size_t b = 0; b < blocks; b++, output += 20, values += 32) {
    float least, most;
    range_of(values, &least, &most);
    const float scale = (most - least) / 15;
    shifted(scale, least, 15, values, quants);
    hh_put_half(output, scale);
    hh_put_half(output + 2, least);
    put_nibbles(output + 4, quants);
  }
}

HH_MULTIVERSION
static void q5_0(uint8_t *restrict output, const float *restrict values, size_t blocks) {
  uint8_t quants[32];
  for (size_t b = 0; b < blocks; b++, output += 22, values += 32) {
    const float scale = extreme_of(values, 32) / -16;
    centred(scale, 16.5f, 31, values, quants);
    hh_put_half(output, scale);
    put_fifth_bits(output + 2, quants);
    put_nibbles(output + 6, quants);
  }
}

HH_MULTIVERSION
static void q5_1(uint8_t *restrict output, const float *restrict values, size_t blocks) {
  uint8_t quants[32];
  for (size_t b = 0; b < blocks; b++, output += 24, values += 32) {
    float least, most;
    range_of(values, &least, &most);
    const float scale = (most - least) / 31;
    shifted(scale, least, 31, values, quants);
    hh_put_half(output, scale);
    hh_put_half(output + 2, least);
    put_fifth_bits(output + 4, quants);
    put_nibbles(output + 8, quants);
  }
}

HH_MULTIVERSION
static void q8_0(uint8_t *restrict output, const float *restrict values, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, output += 34, values += 32) {
    const float scale = fabsf(extreme_of(values, 32)) / 127;
    const float inverse = inverse_of(scale);
    hh_put_half(output, scale);
    for (int i = 0; i < 32; i++) output[2 + i] = (uint8_t)nearest(values[i] * inverse);
  }
}

// A block's exponent is that of its largest magnitude less two, E2M1's largest; a value takes the
// nearest of E2M1's sixteen codes (OCP Microscaling Formats 1.0, section 6.3), here doubled.
static const float doubled_e2m1[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

HH_INLINE uint8_t nearest_code(float scale, float value) {
  int best = 0;
  float least = fabsf(scale * doubled_e2m1[0] - value);
  for (int code = 1; code < 16; code++) {
    const float error = fabsf(scale * doubled_e2m1[code] - value);
    if (error < least) least = error, best = code;
  }
  return (uint8_t)best;
}

static void mxfp4(uint8_t *restrict output, const float *restrict values, size_t blocks) {
  uint8_t quants[32];
  for (size_t b = 0; b < blocks; b++, output += 17, values += 32) {
    const float largest = fabsf(extreme_of(values, 32));
    const float exponent = largest > 0 ? floorf(log2f(largest)) + 125 : 0;
    const uint32_t e = exponent > 0 ? (uint32_t)exponent : 0;
    const float scale = hh_float_of_bits(e < 2 ? 0x00200000u << e : (e - 1) << 23);
    for (int i = 0; i < 32; i++) quants[i] = nearest_code(scale, values[i]);
    output[0] = (uint8_t)e;
    put_nibbles(output + 1, quants);
  }
}

// The ternary types: -1, 0 or 1 times the largest magnitude of 256.

HH_INLINE float ternary(const float *values, uint8_t *digits) {
  const float scale = fabsf(extreme_of(values, 256));
  const float inverse = inverse_of(scale);
  for (int i = 0; i < 256; i++) digits[i] = (uint8_t)(nearest(values[i] * inverse) + 1);
  return scale;
}

/// Digits `stride` apart, the first the most significant of five in base three, as a fraction of
/// 256, rounded up so that a reader's multiplications give the digits back.
HH_INLINE uint8_t ternary_byte(const uint8_t *digits, int count, int stride) {
  unsigned number = 0;
  for (int n = 0; n < 5; n++) number = 3 * number + (n < count ? digits[n * stride] : 0);
  return (uint8_t)((number * 256 + 242) / 243);
}

static void tq1_0(uint8_t *restrict output, const float *restrict values, size_t blocks) {
  uint8_t digits[256];
  for (size_t b = 0; b < blocks; b++, output += 54, values += 256) {
    hh_put_half(output + 52, ternary(values, digits));
    for (int i = 0; i < 32; i++) output[i] = ternary_byte(digits + i, 5, 32);
    for (int i = 0; i < 16; i++) output[32 + i] = ternary_byte(digits + 160 + i, 5, 16);
    for (int i = 0; i < 4; i++) output[48 + i] = ternary_byte(digits + 240 + i, 4, 4);
  }
}

static void tq2_0(uint8_t *restrict output, const float *restrict values, size_t blocks) {
  uint8_t digits[256];
  for (size_t b = 0; b < blocks; b++, output += 66, values += 256) {
    hh_put_half(output + 64, ternary(values, digits));
    for (int i = 0; i < 64; i++) {
      const uint8_t *first = digits + i / 32 * 128 + i % 32;
      output[i] = (uint8_t)(first[0] | first[32] << 2 | first[64] << 4 | first[96] << 6);
    }
  }
}

void hh_quantize_simple(uint32_t type, uint8_t *output, const float *values, size_t blocks) {
  switch (type) {
  case 2: q4_0(output, values, blocks); break;
  case 3: q4_1(output, values, blocks); break;
  case 6: q5_0(output, values, blocks); break;
  case 7: q5_1(output, values, blocks); break;
  case 8: q8_0(output, values, blocks); break;
  case 34: tq1_0(output, values, blocks); break;
  case 35: tq2_0(output, values, blocks); break;
  case 39: mxfp4(output, values, blocks); break;
  }
}
