// Weights of any ggml type as float32: the way in, and the types without blocks.
#include "dequantize.h"

typedef int16_t __attribute__((aligned(1), may_alias)) i16_at_any_address;
typedef int32_t __attribute__((aligned(1), may_alias)) i32_at_any_address;
typedef int64_t __attribute__((aligned(1), may_alias)) i64_at_any_address;
typedef double __attribute__((aligned(1), may_alias)) f64_at_any_address;

#define HH_CONVERT_FROM(name, element)                                         \
  HH_MULTIVERSION                                                              \
  static void name(float *output, const uint8_t *source, size_t count) {       \
    const element *elements = (const element *)source;                         \
    for (size_t i = 0; i < count; i++) output[i] = (float)elements[i];         \
  }

HH_CONVERT_FROM(from_i8, int8_t)
HH_CONVERT_FROM(from_i16, i16_at_any_address)
HH_CONVERT_FROM(from_i32, i32_at_any_address)
HH_CONVERT_FROM(from_i64, i64_at_any_address)
HH_CONVERT_FROM(from_f64, f64_at_any_address)

void hh_dequantize_plain(uint32_t type, float *output, const uint8_t *source, size_t blocks) {
  switch (type) {
  case 0: __builtin_memcpy(output, source, blocks * sizeof(float)); break;
  case 1: hh_f32_from_f16(output, source, blocks); break;
  case 24: from_i8(output, source, blocks); break;
  case 25: from_i16(output, source, blocks); break;
  case 26: from_i32(output, source, blocks); break;
  case 27: from_i64(output, source, blocks); break;
  case 28: from_f64(output, source, blocks); break;
  case 30: hh_f32_from_bf16(output, source, blocks); break;
  }
}

int hh_dequantize(uint32_t type, float *output, const void *source, size_t blocks) {
  switch (type) {
  case 0: case 1: case 24: case 25: case 26: case 27: case 28: case 30:
    hh_dequantize_plain(type, output, source, blocks);
    return 1;
  case 2: case 3: case 6: case 7: case 8: case 9: case 20: case 39: case 40: case 41: case 42:
    hh_dequantize_simple(type, output, source, blocks);
    return 1;
  case 10: case 11: case 12: case 13: case 14: case 15: case 23: case 34: case 35:
    hh_dequantize_super(type, output, source, blocks);
    return 1;
  case 16: case 17: case 18: case 19: case 21: case 22: case 29:
    hh_dequantize_codebook(type, output, source, blocks);
    return 1;
  default:
    return 0;
  }
}
