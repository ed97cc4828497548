// Dequantisation of the types with super-blocks of 256: scales of scales, and the ternary types.
//
// Layouts: ggml-common.h of ggml. Two-bit quants come four to a byte: byte i of a run of 32 holds
// quants i, 32 + i, 64 + i and 96 + i, lowest bits first.
#include "dequantize.h"

// Sixteen groups of 16: value = d * (low half of scale) * quant - dmin * (high half of scale).
HH_MULTIVERSION
static void q2_k(float *restrict output, const uint8_t *restrict source, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, source += 84, output += 256) {
    const float d = hh_half_at(source + 80), least = hh_half_at(source + 82);
    for (int group = 0; group < 16; group++) {
      const float scale = d * (float)(source[group] & 15);
      const float offset = least * (float)(source[group] >> 4);
      const uint8_t *quants = source + 16 + group / 8 * 32 + group % 2 * 16;
      const int shift = group / 2 % 4 * 2;
      HH_ALL_AT_ONCE
      for (int i = 0; i < 16; i++) {
        output[16 * group + i] = scale * (float)(quants[i] >> shift & 3) - offset;
      }
    }
  }
}

// Sixteen groups of 16 with scales of six bits: bytes 0-7 have the low four, bytes 8-11 the rest. A
// quant's third bit, bit j of byte i of the mask for quant 32 j + i, counts when it is absent.
HH_MULTIVERSION
static void q3_k(float *restrict output, const uint8_t *restrict source, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, source += 110, output += 256) {
    const uint8_t *scales = source + 96;
    const float d = hh_half_at(source + 108);
    for (int group = 0; group < 16; group++) {
      const int low = scales[group % 8] >> (group / 8 * 4) & 15;
      const int high = scales[8 + group % 4] >> (group / 4 * 2) & 3;
      const float scale = d * (float)((low | high << 4) - 32);
      const uint8_t *quants = source + 32 + group / 8 * 32 + group % 2 * 16;
      const uint8_t *mask = source + group % 2 * 16;
      const int shift = group / 2 % 4 * 2, bit = group / 2;
      for (int i = 0; i < 16; i++) {
        const int q = (quants[i] >> shift & 3) - ((mask[i] >> bit & 1) ^ 1) * 4;
        output[16 * group + i] = scale * (float)q;
      }
    }
  }
}

// Scale and offset of each of eight groups, six bits each in twelve bytes: groups 0-3 have theirs
// in bytes 0-3 and 4-7, whose upper bits complete those of groups 4-7 in bytes 8-11.
HH_INLINE void scales_and_offsets(const uint8_t *packed, float d, float least, float *scale,
                                  float *offset) {
  typedef uint8_t bytes __attribute__((vector_size(8)));
  typedef int32_t words __attribute__((vector_size(32)));
  typedef float floats __attribute__((vector_size(32)));
  const uint32_t a = hh_u32_at(packed), b = hh_u32_at(packed + 4), c = hh_u32_at(packed + 8);
  // One byte for each group.
  const uint64_t scale_bits =
      (a & 0x3F3F3F3Fu) | (uint64_t)((c & 0x0F0F0F0Fu) | (a >> 2 & 0x30303030u)) << 32;
  const uint64_t offset_bits =
      (b & 0x3F3F3F3Fu) | (uint64_t)((c >> 4 & 0x0F0F0F0Fu) | (b >> 2 & 0x30303030u)) << 32;
  bytes s, o;
  __builtin_memcpy(&s, &scale_bits, sizeof s);
  __builtin_memcpy(&o, &offset_bits, sizeof o);
  const words scale_words = __builtin_convertvector(s, words);
  const words offset_words = __builtin_convertvector(o, words);
  const floats scales = d * __builtin_convertvector(scale_words, floats);
  const floats offsets = least * __builtin_convertvector(offset_words, floats);
  __builtin_memcpy(scale, &scales, sizeof scales);
  __builtin_memcpy(offset, &offsets, sizeof offsets);
}

HH_MULTIVERSION
static void q4_k(float *restrict output, const uint8_t *restrict source, size_t blocks) {
// A product of 11, 6 and 4 bits is exact, so fusing it with the difference changes no bit.
#pragma STDC FP_CONTRACT ON
  for (size_t b = 0; b < blocks; b++, source += 144, output += 256) {
    float scale[8], offset[8];
    scales_and_offsets(source + 4, hh_half_at(source), hh_half_at(source + 2), scale, offset);
    for (int pair = 0; pair < 4; pair++) {
      const uint8_t *quants = source + 16 + 32 * pair;
      float *low = output + 64 * pair, *high = low + 32;
      for (int i = 0; i < 32; i++) {
        low[i] = scale[2 * pair] * (float)(quants[i] & 15) - offset[2 * pair];
        high[i] = scale[2 * pair + 1] * (float)(quants[i] >> 4) - offset[2 * pair + 1];
      }
    }
  }
}

// As Q4_K, with the fifth bit of quant 32 j + i in bit j of byte i.
HH_MULTIVERSION
static void q5_k(float *restrict output, const uint8_t *restrict source, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, source += 176, output += 256) {
    float scale[8], offset[8];
    scales_and_offsets(source + 4, hh_half_at(source), hh_half_at(source + 2), scale, offset);
    const uint8_t *fifth = source + 16;
    for (int group = 0; group < 8; group++) {
      const uint8_t *quants = source + 48 + group / 2 * 32;
      const int shift = group % 2 * 4;
      for (int i = 0; i < 32; i++) {
        const int q = (quants[i] >> shift & 15) | (fifth[i] >> group & 1) << 4;
        output[32 * group + i] = scale[group] * (float)q - offset[group];
      }
    }
  }
}

// Two halves of 128. In each, byte i of 64 has the low bits of quants i and 64 + i, and byte i of
// 32 the two high bits of quants i, 32 + i, 64 + i and 96 + i.
HH_MULTIVERSION
static void q6_k(float *restrict output, const uint8_t *restrict source, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, source += 210, output += 256) {
    const float d = hh_half_at(source + 208);
    for (int group = 0; group < 8; group++) {
      const int half = group / 4, part = group % 4;
      const uint8_t *low = source + 64 * half + part % 2 * 32;
      const uint8_t *high = source + 128 + 32 * half;
      const int8_t *scales = (const int8_t *)source + 192 + 2 * group;
      const int low_shift = part / 2 * 4, high_shift = part * 2;
      for (int j = 0; j < 2; j++) {
        const float scale = d * (float)scales[j];
        for (int i = 16 * j; i < 16 * j + 16; i++) {
          const int q = (low[i] >> low_shift & 15) | (high[i] >> high_shift & 3) << 4;
          output[32 * group + i] = scale * (float)(q - 32);
        }
      }
    }
  }
}

// A float32 scale; the sums behind the quants are for products only.
HH_MULTIVERSION
static void q8_k(float *restrict output, const uint8_t *restrict source, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, source += 292, output += 256) {
    const float d = hh_float_of_bits(hh_u32_at(source));
    for (int i = 0; i < 256; i++) output[i] = d * (float)(int8_t)source[4 + i];
  }
}

// The four-bit code of IQ4_NL with a six-bit scale for each 32.
static const int8_t nonlinear[16] = {
  -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

HH_MULTIVERSION
static void iq4_xs(float *restrict output, const uint8_t *restrict source, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, source += 136, output += 256) {
    const float d = hh_half_at(source);
    const uint32_t high = hh_u16_at(source + 2);
    for (int group = 0; group < 8; group++) {
      const int low = source[4 + group / 2] >> (group % 2 * 4) & 15;
      const float scale = d * (float)((low | (int)(high >> (2 * group) & 3) << 4) - 32);
      const uint8_t *quants = source + 8 + 16 * group;
      for (int i = 0; i < 16; i++) {
        output[32 * group + i] = scale * (float)nonlinear[quants[i] & 15];
        output[32 * group + 16 + i] = scale * (float)nonlinear[quants[i] >> 4];
      }
    }
  }
}

// Five base-three digits to a byte, as a fraction: digit n is the whole part of three times the
// fraction after n multiplications by three.
HH_INLINE float ternary(float d, uint8_t byte, uint8_t power) {
  const uint8_t fraction = (uint8_t)(byte * power);
  return d * (float)((fraction * 3 >> 8) - 1);
}

HH_MULTIVERSION
static void tq1_0(float *restrict output, const uint8_t *restrict source, size_t blocks) {
  static const uint8_t powers[5] = {1, 3, 9, 27, 81};
  for (size_t b = 0; b < blocks; b++, source += 54, output += 256) {
    const float d = hh_half_at(source + 52);
    for (int n = 0; n < 5; n++) {
      for (int i = 0; i < 32; i++) output[32 * n + i] = ternary(d, source[i], powers[n]);
      for (int i = 0; i < 16; i++) output[160 + 16 * n + i] = ternary(d, source[32 + i], powers[n]);
    }
    for (int n = 0; n < 4; n++) {
      for (int i = 0; i < 4; i++) output[240 + 4 * n + i] = ternary(d, source[48 + i], powers[n]);
    }
  }
}

HH_MULTIVERSION
static void tq2_0(float *restrict output, const uint8_t *restrict source, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, source += 66, output += 256) {
    const float d = hh_half_at(source + 64);
    for (int group = 0; group < 8; group++) {
      const uint8_t *quants = source + group / 4 * 32;
      const int shift = group % 4 * 2;
      for (int i = 0; i < 32; i++) {
        output[32 * group + i] = d * (float)((int)(quants[i] >> shift & 3) - 1);
      }
    }
  }
}

void hh_dequantize_super(uint32_t type, float *output, const uint8_t *source, size_t blocks) {
  switch (type) {
  case 10: q2_k(output, source, blocks); break;
  case 11: q3_k(output, source, blocks); break;
  case 12: q4_k(output, source, blocks); break;
  case 13: q5_k(output, source, blocks); break;
  case 14: q6_k(output, source, blocks); break;
  case 15: q8_k(output, source, blocks); break;
  case 23: iq4_xs(output, source, blocks); break;
  case 34: tq1_0(output, source, blocks); break;
  case 35: tq2_0(output, source, blocks); break;
  }
}
