// Dequantisation of the types with short blocks: one or two scales, then the quants.
//
// In a block of 2n four-bit quants byte i holds quant i in its low half and quant n + i in its high
// half. Layouts: ggml-common.h of ggml, and docs/gguf.md there.
#include "dequantize.h"

// Values of the four-bit code of IQ4_NL and of twice E2M1 (OCP Microscaling Formats 1.0, table 4).
static const int8_t nonlinear[16] = {
  -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
static const int8_t doubled_e2m1[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

HH_MULTIVERSION
static void q4_0(float *restrict output, const uint8_t *restrict source, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, source += 18, output += 32) {
    const float d = hh_half_at(source);
    HH_ALL_AT_ONCE
    for (int i = 0; i < 16; i++) {
      output[i] = d * (float)((int)(source[2 + i] & 15) - 8);
      output[16 + i] = d * (float)((int)(source[2 + i] >> 4) - 8);
    }
  }
}

HH_MULTIVERSION
static void q4_1(float *restrict output, const uint8_t *restrict source, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, source += 20, output += 32) {
    const float d = hh_half_at(source), m = hh_half_at(source + 2);
    HH_ALL_AT_ONCE
    for (int i = 0; i < 16; i++) {
      output[i] = d * (float)(source[4 + i] & 15) + m;
      output[16 + i] = d * (float)(source[4 + i] >> 4) + m;
    }
  }
}

// The fifth bit of quant i is bit i of a 32-bit word.
HH_MULTIVERSION
static void q5_0(float *restrict output, const uint8_t *restrict source, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, source += 22, output += 32) {
    const float d = hh_half_at(source);
    const uint32_t high = hh_u32_at(source + 2);
    for (int i = 0; i < 16; i++) {
      const uint32_t q = source[6 + i];
      output[i] = d * (float)((int)((q & 15) | (high >> i & 1) << 4) - 16);
      output[16 + i] = d * (float)((int)(q >> 4 | (high >> (16 + i) & 1) << 4) - 16);
    }
  }
}

HH_MULTIVERSION
static void q5_1(float *restrict output, const uint8_t *restrict source, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, source += 24, output += 32) {
    const float d = hh_half_at(source), m = hh_half_at(source + 2);
    const uint32_t high = hh_u32_at(source + 4);
    for (int i = 0; i < 16; i++) {
      const uint32_t q = source[8 + i];
      output[i] = d * (float)(int)((q & 15) | (high >> i & 1) << 4) + m;
      output[16 + i] = d * (float)(int)(q >> 4 | (high >> (16 + i) & 1) << 4) + m;
    }
  }
}

// Q8_0 has its scale in front of the quants, Q8_1 a scaled sum between them.
HH_INLINE void q8(float *restrict output, const uint8_t *restrict source, size_t blocks, int head) {
  for (size_t b = 0; b < blocks; b++, source += head + 32, output += 32) {
    const float d = hh_half_at(source);
    for (int i = 0; i < 32; i++) output[i] = d * (float)(int8_t)source[head + i];
  }
}

HH_MULTIVERSION
static void q8_0(float *restrict output, const uint8_t *restrict source, size_t blocks) {
  q8(output, source, blocks, 2);
}

HH_MULTIVERSION
static void q8_1(float *restrict output, const uint8_t *restrict source, size_t blocks) {
  q8(output, source, blocks, 4);
}

HH_MULTIVERSION
static void iq4_nl(float *restrict output, const uint8_t *restrict source, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, source += 18, output += 32) {
    const float d = hh_half_at(source);
    for (int i = 0; i < 16; i++) {
      output[i] = d * (float)nonlinear[source[2 + i] & 15];
      output[16 + i] = d * (float)nonlinear[source[2 + i] >> 4];
    }
  }
}

// The scale is E8M0, a power of two, halved because the code's values are doubled; its two smallest
// values are then subnormal.
HH_MULTIVERSION
static void mxfp4(float *restrict output, const uint8_t *restrict source, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, source += 17, output += 32) {
    const uint32_t e = source[0];
    const float d = hh_float_of_bits(e < 2 ? 0x00200000u << e : (e - 1) << 23);
    for (int i = 0; i < 16; i++) {
      output[i] = d * (float)doubled_e2m1[source[1 + i] & 15];
      output[16 + i] = d * (float)doubled_e2m1[source[1 + i] >> 4];
    }
  }
}

// Half the value of an unsigned E4M3 number with bias 7; the code of NaN stands for zero.
HH_INLINE float half_of_ue4m3(uint32_t code) {
  const uint32_t exponent = code >> 3 & 15, mantissa = code & 7;
  if (code == 0x7F) return 0;
  if (exponent == 0) return (float)mantissa * 0x1p-10f;
  return hh_float_of_bits((exponent + 119) << 23 | mantissa << 20);
}

HH_MULTIVERSION
static void nvfp4(float *restrict output, const uint8_t *restrict source, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, source += 36, output += 64) {
    for (int group = 0; group < 4; group++) {
      const float d = half_of_ue4m3(source[group]);
      const uint8_t *quants = source + 4 + 8 * group;
      for (int i = 0; i < 8; i++) {
        output[16 * group + i] = d * (float)doubled_e2m1[quants[i] & 15];
        output[16 * group + 8 + i] = d * (float)doubled_e2m1[quants[i] >> 4];
      }
    }
  }
}

HH_MULTIVERSION
static void q1_0(float *restrict output, const uint8_t *restrict source, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, source += 18, output += 128) {
    const float d = hh_half_at(source);
    for (int i = 0; i < 128; i++) output[i] = source[2 + i / 8] >> (i % 8) & 1 ? d : -d;
  }
}

HH_MULTIVERSION
static void q2_0(float *restrict output, const uint8_t *restrict source, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, source += 18, output += 64) {
    const float d = hh_half_at(source);
    for (int i = 0; i < 64; i++) {
      output[i] = d * (float)((int)(source[2 + i / 4] >> (2 * (i % 4)) & 3) - 1);
    }
  }
}

void hh_dequantize_simple(uint32_t type, float *output, const uint8_t *source, size_t blocks) {
  switch (type) {
  case 2: q4_0(output, source, blocks); break;
  case 3: q4_1(output, source, blocks); break;
  case 6: q5_0(output, source, blocks); break;
  case 7: q5_1(output, source, blocks); break;
  case 8: q8_0(output, source, blocks); break;
  case 9: q8_1(output, source, blocks); break;
  case 20: iq4_nl(output, source, blocks); break;
  case 39: mxfp4(output, source, blocks); break;
  case 40: nvfp4(output, source, blocks); break;
  case 41: q1_0(output, source, blocks); break;
  case 42: q2_0(output, source, blocks); break;
  }
}
