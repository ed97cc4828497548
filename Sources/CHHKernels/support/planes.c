// Byte planes of little-endian words: byte p of every word, gathered in one run, and back.
//
// Each word is first rotated left by one bit. That moves the sign of an IEEE number from the top to
// the bottom, so the top byte of a float32 or bfloat16 is its whole exponent and nothing else.
#include "CHHKernels.h"
#include "bits.h"

HH_MULTIVERSION
void hh_plane_of_16(uint8_t *restrict output, const void *words, size_t count, unsigned plane) {
  const hh_word16 *elements = words;
  const unsigned shift = 8 * plane;
  for (size_t i = 0; i < count; i++) {
    const uint16_t word = elements[i];
    const uint16_t rotated = (uint16_t)(word << 1 | word >> 15);
    output[i] = (uint8_t)(rotated >> shift);
  }
}

HH_MULTIVERSION
void hh_plane_of_32(uint8_t *restrict output, const void *words, size_t count, unsigned plane) {
  const hh_word32 *elements = words;
  const unsigned shift = 8 * plane;
  for (size_t i = 0; i < count; i++) {
    const uint32_t word = elements[i];
    const uint32_t rotated = word << 1 | word >> 31;
    output[i] = (uint8_t)(rotated >> shift);
  }
}

HH_MULTIVERSION
void hh_join_planes_16(void *restrict words, const uint8_t *restrict planes, size_t count) {
  hh_word16 *elements = words;
  const uint8_t *low = planes, *high = planes + count;
  for (size_t i = 0; i < count; i++) {
    const uint16_t rotated = (uint16_t)(low[i] | high[i] << 8);
    elements[i] = (uint16_t)(rotated >> 1 | rotated << 15);
  }
}

HH_MULTIVERSION
void hh_join_planes_32(void *restrict words, const uint8_t *restrict planes, size_t count) {
  hh_word32 *elements = words;
  const uint8_t *p0 = planes, *p1 = p0 + count, *p2 = p1 + count, *p3 = p2 + count;
  for (size_t i = 0; i < count; i++) {
    const uint32_t rotated =
        p0[i] | (uint32_t)p1[i] << 8 | (uint32_t)p2[i] << 16 | (uint32_t)p3[i] << 24;
    elements[i] = rotated >> 1 | rotated << 31;
  }
}
