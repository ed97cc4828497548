// The bits of a float, and back.
#pragma once
#include <stdint.h>

#include "multiversion.h"

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
