// ggml's types with short blocks: one or two scales, then the quants.
//
// In a block of 2n four-bit quants byte i holds quant i in its low half and quant n + i in its high
// half. Layouts: ggml-common.h of ggml, and docs/gguf.md there. Encoders give what gguf-py
// (quants.py) gives, bit for bit.
#include "ggml_blocks.h"
#include <math.h>

/// The whole part of a number from 0 to `most`; what is above becomes `most`, infinity and NaN 0.
HH_INLINE uint8_t whole(float value, int most) {
  // False for NaN as well.
  if (!(value < 256)) return isinf(value) || isnan(value) ? 0 : (uint8_t)most;
  const int result = value > 0 ? (int)value : 0;
  return (uint8_t)(result > most ? most : result);
}

/// Stores a scale without an offset and gives the quants of 32 values: the extreme value becomes
/// `least`, which is negative, whatever its sign. Quants are stored without sign, from 0.
HH_INLINE void put_centred(uint8_t *half, float least, const float *values, uint8_t *quants) {
  const float scale = hh_extreme_of(values, 32) / least;
  const float inverse = hh_inverse_of(scale);
  for (int i = 0; i < 32; i++) {
    quants[i] = whole(values[i] * inverse + (0.5f - least), (int)(-2 * least) - 1);
  }
  hh_put_half(half, scale);
}

/// Stores a scale and an offset and gives the quants of 32 values: the least value becomes 0, the
/// largest `most`.
HH_INLINE void put_shifted(uint8_t *halves, int most, const float *values, uint8_t *quants) {
  float least = values[0], largest = values[0];
  for (int i = 1; i < 32; i++) {
    least = values[i] < least ? values[i] : least;
    largest = values[i] > largest ? values[i] : largest;
  }
  const float scale = (largest - least) / (float)most;
  const float inverse = hh_inverse_of(scale);
  for (int i = 0; i < 32; i++) quants[i] = whole((values[i] - least) * inverse + 0.5f, most);
  hh_put_half(halves, scale);
  hh_put_half(halves + 2, least);
}

HH_DECODER(Q4_0) {
  const float d = hh_half_at(source);
  HH_ALL_AT_ONCE
  for (int i = 0; i < 16; i++) {
    output[i] = d * (float)((int)(source[2 + i] & 15) - 8);
    output[16 + i] = d * (float)((int)(source[2 + i] >> 4) - 8);
  }
}

HH_ENCODER(Q4_0) {
  uint8_t quants[32];
  put_centred(output, -8, values, quants);
  hh_put_nibbles(output + 2, quants, 16);
}

HH_DECODER(Q4_1) {
  const float d = hh_half_at(source), m = hh_half_at(source + 2);
  HH_ALL_AT_ONCE
  for (int i = 0; i < 16; i++) {
    output[i] = d * (float)(source[4 + i] & 15) + m;
    output[16 + i] = d * (float)(source[4 + i] >> 4) + m;
  }
}

HH_ENCODER(Q4_1) {
  uint8_t quants[32];
  put_shifted(output, 15, values, quants);
  hh_put_nibbles(output + 4, quants, 16);
}

// The fifth bit of quant i is bit i of a 32-bit word in front of the four-bit parts.

HH_INLINE void put_five_bits(uint8_t *output, const uint8_t *quants) {
  for (int byte = 0; byte < 4; byte++) {
    unsigned bits = 0;
    for (int i = 0; i < 8; i++) bits |= (unsigned)(quants[8 * byte + i] >> 4) << i;
    output[byte] = (uint8_t)bits;
  }
  hh_put_nibbles(output + 4, quants, 16);
}

HH_DECODER(Q5_0) {
  const float d = hh_half_at(source);
  const uint32_t high = hh_u32_at(source + 2);
  for (int i = 0; i < 16; i++) {
    const uint32_t q = source[6 + i];
    output[i] = d * (float)((int)((q & 15) | (high >> i & 1) << 4) - 16);
    output[16 + i] = d * (float)((int)(q >> 4 | (high >> (16 + i) & 1) << 4) - 16);
  }
}

HH_ENCODER(Q5_0) {
  uint8_t quants[32];
  put_centred(output, -16, values, quants);
  put_five_bits(output + 2, quants);
}

HH_DECODER(Q5_1) {
  const float d = hh_half_at(source), m = hh_half_at(source + 2);
  const uint32_t high = hh_u32_at(source + 4);
  for (int i = 0; i < 16; i++) {
    const uint32_t q = source[8 + i];
    output[i] = d * (float)(int)((q & 15) | (high >> i & 1) << 4) + m;
    output[16 + i] = d * (float)(int)(q >> 4 | (high >> (16 + i) & 1) << 4) + m;
  }
}

HH_ENCODER(Q5_1) {
  uint8_t quants[32];
  put_shifted(output, 31, values, quants);
  put_five_bits(output + 4, quants);
}

HH_DECODER(Q8_0) {
  const float d = hh_half_at(source);
  for (int i = 0; i < 32; i++) output[i] = d * (float)(int8_t)source[2 + i];
}

HH_ENCODER(Q8_0) {
  const float scale = fabsf(hh_extreme_of(values, 32)) / 127;
  const float inverse = hh_inverse_of(scale);
  hh_put_half(output, scale);
  for (int i = 0; i < 32; i++) output[2 + i] = (uint8_t)hh_nearest(values[i] * inverse);
}

// As Q8_0, with a scaled sum between scale and quants.
HH_DECODER(Q8_1) {
  const float d = hh_half_at(source);
  for (int i = 0; i < 32; i++) output[i] = d * (float)(int8_t)source[4 + i];
}

// Twice the values of E2M1's codes (OCP Microscaling Formats 1.0, table 4).
static const int8_t doubled_e2m1[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/// The power of two that an E8M0 scale stands for, halved because the codes' values are doubled.
/// Its two smallest values are then subnormal.
HH_INLINE float half_of_e8m0(uint32_t e) {
  return hh_float_of_bits(e < 2 ? 0x00200000u << e : (e - 1) << 23);
}

HH_DECODER(MXFP4) {
  const float d = half_of_e8m0(source[0]);
  for (int i = 0; i < 16; i++) {
    output[i] = d * (float)doubled_e2m1[source[1 + i] & 15];
    output[16 + i] = d * (float)doubled_e2m1[source[1 + i] >> 4];
  }
}

// A block's exponent is that of its largest magnitude less two, E2M1's largest; a value takes the
// nearest of E2M1's sixteen codes (OCP Microscaling Formats 1.0, section 6.3).
HH_ENCODER(MXFP4) {
  uint8_t quants[32];
  const float largest = fabsf(hh_extreme_of(values, 32));
  const float exponent = largest > 0 ? floorf(log2f(largest)) + 125 : 0;
  const uint32_t e = exponent > 0 ? (uint32_t)exponent : 0;
  const float d = half_of_e8m0(e);
  for (int i = 0; i < 32; i++) {
    float least = INFINITY;
    quants[i] = 0;
    for (int code = 0; code < 16; code++) {
      const float error = fabsf(d * (float)doubled_e2m1[code] - values[i]);
      if (error < least) least = error, quants[i] = (uint8_t)code;
    }
  }
  output[0] = (uint8_t)e;
  hh_put_nibbles(output + 1, quants, 16);
}

/// Half the value of an unsigned E4M3 number with bias 7; the code of NaN stands for zero.
HH_INLINE float half_of_ue4m3(uint32_t code) {
  const uint32_t exponent = code >> 3 & 15, mantissa = code & 7;
  if (code == 0x7F) return 0;
  if (exponent == 0) return (float)mantissa * 0x1p-10f;
  return hh_float_of_bits((exponent + 119) << 23 | mantissa << 20);
}

// Four groups of 16, each with a scale.
HH_DECODER(NVFP4) {
  for (int group = 0; group < 4; group++) {
    const float d = half_of_ue4m3(source[group]);
    const uint8_t *quants = source + 4 + 8 * group;
    for (int i = 0; i < 8; i++) {
      output[16 * group + i] = d * (float)doubled_e2m1[quants[i] & 15];
      output[16 * group + 8 + i] = d * (float)doubled_e2m1[quants[i] >> 4];
    }
  }
}

HH_DECODER(Q1_0) {
  const float d = hh_half_at(source);
  for (int i = 0; i < 128; i++) output[i] = source[2 + i / 8] >> (i % 8) & 1 ? d : -d;
}

HH_DECODER(Q2_0) {
  const float d = hh_half_at(source);
  for (int i = 0; i < 64; i++) {
    output[i] = d * (float)((int)(source[2 + i / 4] >> (2 * (i % 4)) & 3) - 1);
  }
}
