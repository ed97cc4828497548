// ggml's K types: super-blocks of 256 elements whose groups have scales of their own.
//
// Layouts: ggml-common.h of ggml. Two-bit quants come four to a byte: byte i of a run of 32 holds
// quants i, 32 + i, 64 + i and 96 + i, lowest bits first. Encoders search; see k_search.h.
#include "k_search.h"

// Sixteen groups of 16: value = d * (low half of scale) * quant - dmin * (high half of scale).
HH_DECODER(Q2_K) {
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

HH_ENCODER(Q2_K) {
  hh_affine_block block;
  hh_affine_search(values, 1, 3, 15, 0.25f, (hh_trials){-0.5f, 15}, output + 80, &block);
  for (int g = 0; g < 16; g++) output[g] = (uint8_t)(block.scales[g] | block.offsets[g] << 4);
  for (int i = 0; i < 2; i++) hh_put_pairs(output + 16 + 32 * i, block.quants + 128 * i, 0);
}

// Sixteen groups of 16 with scales of six bits: bytes 0-7 have the low four, bytes 8-11 the rest. A
// quant's third bit, bit j of byte i of the mask for quant 32 j + i, counts when it is absent.
HH_DECODER(Q3_K) {
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

HH_ENCODER(Q3_K) {
  hh_centred_block block;
  hh_centred_search(values, 4, 32, 0.25f, output + 108, &block);
  hh_put_bits(output, block.quants, 2);
  for (int i = 0; i < 2; i++) hh_put_pairs(output + 32 + 32 * i, block.quants + 128 * i, 0);
  uint8_t *packed = output + 96;
  for (int i = 0; i < 12; i++) packed[i] = 0;
  for (int g = 0; g < 16; g++) {
    const unsigned scale = (unsigned)(block.scales[g] + 32);
    packed[g % 8] |= (uint8_t)((scale & 15) << g / 8 * 4);
    packed[8 + g % 4] |= (uint8_t)(scale >> 4 << g / 4 * 2);
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

/// The reverse.
HH_INLINE void put_scales_and_offsets(uint8_t *packed, const hh_affine_block *block) {
  for (int i = 0; i < 4; i++) {
    const unsigned scale = block->scales[4 + i], offset = block->offsets[4 + i];
    packed[i] = (uint8_t)(block->scales[i] | scale >> 4 << 6);
    packed[4 + i] = (uint8_t)(block->offsets[i] | offset >> 4 << 6);
    packed[8 + i] = (uint8_t)((scale & 15) | (offset & 15) << 4);
  }
}

HH_DECODER(Q4_K) {
// A product of 11, 6 and 4 bits is exact, so fusing it with the difference changes no bit.
#pragma STDC FP_CONTRACT ON
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

HH_ENCODER(Q4_K) {
  hh_affine_block block;
  hh_affine_search(values, 2, 15, 63, 1, (hh_trials){-1, 20}, output, &block);
  put_scales_and_offsets(output + 4, &block);
  for (int i = 0; i < 4; i++) hh_put_nibbles(output + 16 + 32 * i, block.quants + 64 * i, 32);
}

// As Q4_K, with the fifth bit of quant 32 j + i in bit j of byte i.
HH_DECODER(Q5_K) {
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

HH_ENCODER(Q5_K) {
  hh_affine_block block;
  hh_affine_search(values, 2, 31, 63, 1, (hh_trials){-0.5f, 15}, output, &block);
  put_scales_and_offsets(output + 4, &block);
  hh_put_bits(output + 16, block.quants, 4);
  for (int i = 0; i < 4; i++) hh_put_nibbles(output + 48 + 32 * i, block.quants + 64 * i, 32);
}

// Two halves of 128. In each, byte i of 64 has the low bits of quants i and 64 + i, and byte i of
// 32 the two high bits of quants i, 32 + i, 64 + i and 96 + i.
HH_DECODER(Q6_K) {
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

HH_ENCODER(Q6_K) {
  hh_centred_block block;
  hh_centred_search(values, 32, 128, 0.25f, output + 208, &block);
  for (int half = 0; half < 2; half++) {
    hh_put_nibbles(output + 64 * half, block.quants + 128 * half, 64);
    hh_put_pairs(output + 128 + 32 * half, block.quants + 128 * half, 4);
  }
  for (int g = 0; g < 16; g++) output[192 + g] = (uint8_t)block.scales[g];
}

// A float32 scale; the sums behind the quants are for products only.
HH_DECODER(Q8_K) {
  const float d = hh_float_of_bits(hh_u32_at(source));
  for (int i = 0; i < 256; i++) output[i] = d * (float)(int8_t)source[4 + i];
}
