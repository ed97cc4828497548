// The bits of a float, and words at any address.
#pragma once
#include <stdint.h>

#include "multiversion.h"

// Words in a file, which may start at any address.
typedef uint16_t __attribute__((aligned(1), may_alias)) hh_word16;
typedef uint32_t __attribute__((aligned(1), may_alias)) hh_word32;

HH_INLINE uint32_t hh_bits_of_float(float value) {
  uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return bits;
}

HH_INLINE float hh_float_of_bits(uint32_t bits) {
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}
