// ggml's types whose quants are entries of a codebook.
//
// An entry stands for eight elements (IQ1, IQ2), four (IQ3) or one (IQ4). A codebook of IQ2 or IQ3
// has no signs: they have bits of their own. Layouts: ggml-common.h of ggml.
#include "codebooks.h"
#include "ggml_blocks.h"

// Magnitudes by code.
static const float levels_iq2[4] = {8, 25, 43, 0};
static const float levels_iq3_xxs[8] = {4, 12, 20, 28, 36, 44, 52, 62};

/// Eight signs from seven bits: the eighth makes their number even.
HH_INLINE uint32_t eight_signs(uint32_t seven) {
  uint32_t parity = seven ^ seven >> 4;
  parity ^= parity >> 2;
  parity ^= parity >> 1;
  return seven | (parity & 1) << 7;
}

/// `value`, negative where bit i of `signs` is set.
HH_INLINE float signed_by(float value, uint32_t signs, int i) {
  return signs >> i & 1 ? -value : value;
}

/// Eight elements of an IQ2 type.
HH_INLINE void eight_of_iq2(float *output, float scale, uint32_t code, uint32_t signs) {
  for (int i = 0; i < 8; i++) {
    output[i] = signed_by(scale * levels_iq2[code >> (2 * i) & 3], signs, i);
  }
}

// For each 32: four bytes of entries, then a word of four times seven sign bits and a scale.
HH_DECODER(IQ2_XXS) {
  const float d = hh_half_at(source);
  for (int group = 0; group < 8; group++) {
    const uint8_t *entries = source + 2 + 8 * group;
    const uint32_t word = hh_u32_at(entries + 4);
    const float scale = d * (0.5f + (float)(word >> 28)) * 0.25f;
    for (int j = 0; j < 4; j++) {
      eight_of_iq2(output + 32 * group + 8 * j, scale, hh_codebook_iq2_xxs[entries[j]],
                   eight_signs(word >> (7 * j) & 127));
    }
  }
}

// For each eight a word of nine bits of entry and seven of signs; a four-bit scale for each 16.
HH_DECODER(IQ2_XS) {
  const float d = hh_half_at(source);
  for (int j = 0; j < 32; j++) {
    const uint32_t word = hh_u16_at(source + 2 + 2 * j);
    const uint32_t scale = source[66 + j / 4] >> (j / 2 % 2 * 4) & 15;
    eight_of_iq2(output + 8 * j, d * (0.5f + (float)scale) * 0.25f,
                 hh_codebook_iq2_xs[word & 511], eight_signs(word >> 9));
  }
}

// Entries of ten bits, two of them apart; all eight signs; a four-bit scale for each 16.
HH_DECODER(IQ2_S) {
  const float d = hh_half_at(source);
  for (int j = 0; j < 32; j++) {
    const uint32_t high = source[66 + j / 4] >> (j % 4 * 2) & 3;
    const uint32_t scale = source[74 + j / 4] >> (j / 2 % 2 * 4) & 15;
    eight_of_iq2(output + 8 * j, d * (0.5f + (float)scale) * 0.25f,
                 hh_codebook_iq2_s[source[2 + j] | high << 8], source[34 + j]);
  }
}

// A byte of entry for each four; for each 32 a word of four times seven sign bits and a scale.
HH_DECODER(IQ3_XXS) {
  const float d = hh_half_at(source);
  for (int j = 0; j < 64; j++) {
    const uint32_t word = hh_u32_at(source + 66 + 4 * (j / 8));
    const float scale = d * (0.5f + (float)(word >> 28)) * 0.5f;
    const uint32_t code = hh_codebook_iq3_xxs[source[2 + j]];
    const uint32_t signs = eight_signs(word >> (7 * (j / 2 % 4)) & 127) >> (j % 2 * 4);
    for (int i = 0; i < 4; i++) {
      output[4 * j + i] = signed_by(scale * levels_iq3_xxs[code >> (3 * i) & 7], signs, i);
    }
  }
}

// Entries of nine bits, one of them apart; all signs; a four-bit scale for each 32.
HH_DECODER(IQ3_S) {
  const float d = hh_half_at(source);
  for (int j = 0; j < 64; j++) {
    const uint32_t high = source[66 + j / 8] >> (j % 8) & 1;
    const uint32_t scale = source[106 + j / 16] >> (j / 8 % 2 * 4) & 15;
    const uint32_t code = hh_codebook_iq3_s[source[2 + j] | high << 8];
    const uint32_t signs = source[74 + j / 2] >> (j % 2 * 4);
    for (int i = 0; i < 4; i++) {
      const float level = (float)(2 * (code >> (3 * i) & 7) + 1);
      output[4 * j + i] = signed_by(d * (float)(2 * scale + 1) * level, signs, i);
    }
  }
}

/// Eight elements of an IQ1 type: minus one, zero or one, all moved by an eighth.
HH_INLINE void eight_of_iq1(float *output, float scale, uint32_t code, int moves_down) {
  const float delta = moves_down ? -0.125f : 0.125f;
  for (int i = 0; i < 8; i++) {
    output[i] = scale * ((float)((int)(code >> (2 * i) & 3) - 1) + delta);
  }
}

// For each 32: four bytes of entries, and a word of their high bits, a scale and the direction.
HH_DECODER(IQ1_S) {
  const float d = hh_half_at(source);
  for (int j = 0; j < 32; j++) {
    const uint32_t word = hh_u16_at(source + 34 + 2 * (j / 4));
    const uint32_t high = word >> (3 * (j % 4)) & 7;
    eight_of_iq1(output + 8 * j, d * (float)(2 * (word >> 12 & 7) + 1),
                 hh_codebook_iq1[source[2 + j] | high << 8], (int)(word >> 15));
  }
}

// The half-precision scale is spread over the top four bits of the four words of scales, which have
// three bits for each 16 elements below.
HH_DECODER(IQ1_M) {
  const uint8_t *scales = source + 48;
  const float d = hh_float_of_half(
      (uint32_t)(scales[1] >> 4) | (uint32_t)(scales[3] >> 4) << 4 |
      (uint32_t)(scales[5] >> 4) << 8 | (uint32_t)(scales[7] >> 4) << 12);
  for (int j = 0; j < 32; j++) {
    const uint32_t high = source[32 + j / 2] >> (j % 2 * 4);
    const uint32_t scale = hh_u16_at(scales + 2 * (j / 8)) >> (3 * (j / 2 % 4)) & 7;
    eight_of_iq1(output + 8 * j, d * (float)(2 * scale + 1),
                 hh_codebook_iq1[source[j] | (high & 7) << 8], (int)(high >> 3 & 1));
  }
}

// The values of IQ4's four-bit code.
static const int8_t nonlinear[16] = {
  -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// The values of 32 quants, which lie as in Q4_0.
HH_INLINE void decode_iq4(float *output, float scale, const uint8_t *quants) {
  for (int i = 0; i < 16; i++) {
    output[i] = scale * (float)nonlinear[quants[i] & 15];
    output[16 + i] = scale * (float)nonlinear[quants[i] >> 4];
  }
}

HH_DECODER(IQ4_NL) { decode_iq4(output, hh_half_at(source), source + 2); }

// A six-bit scale for each 32.
HH_DECODER(IQ4_XS) {
  const float d = hh_half_at(source);
  const uint32_t high = hh_u16_at(source + 2);
  for (int group = 0; group < 8; group++) {
    const int low = source[4 + group / 2] >> (group % 2 * 4) & 15;
    const float scale = d * (float)((low | (int)(high >> (2 * group) & 3) << 4) - 32);
    decode_iq4(output + 32 * group, scale, source + 8 + 16 * group);
  }
}
