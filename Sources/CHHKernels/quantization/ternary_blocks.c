// ggml's ternary types: 256 elements that are -1, 0 or 1 times a scale.
//
// Layouts: ggml-common.h of ggml. Encoders give what gguf-py (quants.py) gives, bit for bit.
#include "ggml_blocks.h"

/// The digits 0, 1 or 2 of 256 values; returns the scale, their largest magnitude.
HH_INLINE float digits_of(const float *values, uint8_t *digits) {
  const float scale = __builtin_fabsf(hh_extreme_of(values, 256));
  const float inverse = hh_inverse_of(scale);
  for (int i = 0; i < 256; i++) digits[i] = (uint8_t)(hh_nearest(values[i] * inverse) + 1);
  return scale;
}

// Five base-three digits to a byte, as a fraction: digit n is the whole part of three times the
// fraction after n multiplications by three.

HH_INLINE float digit_of(float d, uint8_t byte, uint8_t power) {
  const uint8_t fraction = (uint8_t)(byte * power);
  return d * (float)((fraction * 3 >> 8) - 1);
}

/// Digits `stride` apart, the first the most significant, as a fraction of 256, rounded up so that
/// the decoder's multiplications give the digits back.
HH_INLINE uint8_t byte_of(const uint8_t *digits, int count, int stride) {
  unsigned number = 0;
  for (int n = 0; n < 5; n++) number = 3 * number + (n < count ? digits[n * stride] : 0);
  return (uint8_t)((number * 256 + 242) / 243);
}

HH_DECODER(TQ1_0) {
  static const uint8_t powers[5] = {1, 3, 9, 27, 81};
  const float d = hh_half_at(source + 52);
  for (int n = 0; n < 5; n++) {
    for (int i = 0; i < 32; i++) output[32 * n + i] = digit_of(d, source[i], powers[n]);
    for (int i = 0; i < 16; i++) output[160 + 16 * n + i] = digit_of(d, source[32 + i], powers[n]);
  }
  for (int n = 0; n < 4; n++) {
    for (int i = 0; i < 4; i++) output[240 + 4 * n + i] = digit_of(d, source[48 + i], powers[n]);
  }
}

HH_ENCODER(TQ1_0) {
  uint8_t digits[256];
  hh_put_half(output + 52, digits_of(values, digits));
  for (int i = 0; i < 32; i++) output[i] = byte_of(digits + i, 5, 32);
  for (int i = 0; i < 16; i++) output[32 + i] = byte_of(digits + 160 + i, 5, 16);
  for (int i = 0; i < 4; i++) output[48 + i] = byte_of(digits + 240 + i, 4, 4);
}

HH_DECODER(TQ2_0) {
  const float d = hh_half_at(source + 64);
  for (int group = 0; group < 8; group++) {
    const uint8_t *quants = source + group / 4 * 32;
    const int shift = group % 4 * 2;
    for (int i = 0; i < 32; i++) {
      output[32 * group + i] = d * (float)((int)(quants[i] >> shift & 3) - 1);
    }
  }
}

HH_ENCODER(TQ2_0) {
  uint8_t digits[256];
  hh_put_half(output + 64, digits_of(values, digits));
  for (int half = 0; half < 2; half++) hh_put_pairs(output + 32 * half, digits + 128 * half, 0);
}
