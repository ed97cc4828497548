// ggml's element types by index and by number, and those without blocks.
#include "ggml_types.h"
#include "bits.h"

// Types without blocks.

void hh_decode_F32(float *output, const void *source, size_t count) {
  __builtin_memcpy(output, source, count * sizeof *output);
}
void hh_encode_F32(void *output, const float *values, size_t count) {
  __builtin_memcpy(output, values, count * sizeof *values);
}
void hh_decode_F16(float *output, const void *source, size_t count) {
  hh_f32_from_f16(output, source, count);
}
void hh_encode_F16(void *output, const float *values, size_t count) {
  hh_f16_from_f32(output, values, count);
}
void hh_decode_BF16(float *output, const void *source, size_t count) {
  hh_f32_from_bf16(output, source, count);
}
void hh_encode_BF16(void *output, const float *values, size_t count) {
  hh_bf16_from_f32(output, values, count);
}

#define CONVERT_FROM(NAME, ELEMENT)                                             \
  typedef ELEMENT __attribute__((aligned(1), may_alias)) NAME##_at_any_address; \
  HH_MULTIVERSION                                                               \
  void hh_decode_##NAME(float *output, const void *source, size_t count) {      \
    const NAME##_at_any_address *elements = source;                             \
    for (size_t i = 0; i < count; i++) output[i] = (float)elements[i];          \
  }

CONVERT_FROM(I8, int8_t)
CONVERT_FROM(I16, int16_t)
CONVERT_FROM(I32, int32_t)
CONVERT_FROM(I64, int64_t)
CONVERT_FROM(F64, double)

// The table.

#define READ(NAME, number, elements, bytes) {#NAME, number, elements, bytes, -1},
#define BOTH(NAME, number, elements, bytes, file_type) {#NAME, number, elements, bytes, file_type},
static const hh_ggml_type types[] = {HH_GGML_TYPES(READ, BOTH)};

const hh_ggml_type *hh_ggml_type_at(size_t index) {
  return index < sizeof types / sizeof *types ? types + index : 0;
}

// A switch and no table of functions: the loader may fill such a table before it can choose clones.

#define DECODE(NAME, number, ...) \
  case number: hh_decode_##NAME(output, source, blocks); return 1;
#define ENCODE(NAME, number, ...) \
  case number: hh_encode_##NAME(output, values, blocks); return 1;
#define NOTHING(...)

int hh_dequantize(uint32_t type, float *output, const void *source, size_t blocks) {
  switch (type) { HH_GGML_TYPES(DECODE, DECODE) }
  return 0;
}

int hh_quantize(uint32_t type, void *output, const float *values, size_t blocks) {
  switch (type) { HH_GGML_TYPES(NOTHING, ENCODE) }
  return 0;
}
