// The table of ggml's element types: the one place that declares a type.
//
// A new type is a row here and its functions in one of the *_blocks.c files. Numbers and sizes:
// `ggml_type` and `type_traits` of ggml; file types: `llama_ftype` of llama.cpp.
#pragma once
#include "CHHKernels.h"

// READ(name, number in GGUF files, elements of a block, bytes of a block)
// BOTH(..., `general.file_type` of a model mostly in this type)
//
// Types of BOTH can be written as well; messages list them in this order.
#define HH_GGML_TYPES(READ, BOTH) \
  BOTH(F32, 0, 1, 4, 0)           \
  BOTH(F16, 1, 1, 2, 1)           \
  BOTH(BF16, 30, 1, 2, 32)        \
  READ(F64, 28, 1, 8)             \
  READ(I8, 24, 1, 1)              \
  READ(I16, 25, 1, 2)             \
  READ(I32, 26, 1, 4)             \
  READ(I64, 27, 1, 8)             \
  BOTH(Q8_0, 8, 32, 34, 7)        \
  BOTH(Q4_0, 2, 32, 18, 2)        \
  BOTH(Q4_1, 3, 32, 20, 3)        \
  BOTH(Q5_0, 6, 32, 22, 8)        \
  BOTH(Q5_1, 7, 32, 24, 9)        \
  READ(Q8_1, 9, 32, 36)           \
  READ(NVFP4, 40, 64, 36)         \
  READ(Q1_0, 41, 128, 18)         \
  READ(Q2_0, 42, 64, 18)          \
  BOTH(Q2_K, 10, 256, 84, 10)     \
  BOTH(Q3_K, 11, 256, 110, 11)    \
  BOTH(Q4_K, 12, 256, 144, 14)    \
  BOTH(Q5_K, 13, 256, 176, 16)    \
  BOTH(Q6_K, 14, 256, 210, 18)    \
  READ(Q8_K, 15, 256, 292)        \
  BOTH(TQ1_0, 34, 256, 54, 36)    \
  BOTH(TQ2_0, 35, 256, 66, 37)    \
  BOTH(MXFP4, 39, 32, 17, 38)     \
  READ(IQ4_NL, 20, 32, 18)        \
  READ(IQ4_XS, 23, 256, 136)      \
  READ(IQ3_S, 21, 256, 110)       \
  READ(IQ3_XXS, 18, 256, 98)      \
  READ(IQ2_S, 22, 256, 82)        \
  READ(IQ2_XS, 17, 256, 74)       \
  READ(IQ2_XXS, 16, 256, 66)      \
  READ(IQ1_M, 29, 256, 56)        \
  READ(IQ1_S, 19, 256, 50)

// HH_ELEMENTS_Q4_0 and HH_BYTES_Q4_0 are the size of a Q4_0 block, and so on.
#define HH_READ(NAME, number, elements, bytes) \
  HH_ELEMENTS_##NAME = elements, HH_BYTES_##NAME = bytes,
#define HH_BOTH(NAME, number, elements, bytes, file_type) HH_READ(NAME, number, elements, bytes)
enum { HH_GGML_TYPES(HH_READ, HH_BOTH) };
#undef HH_READ
#undef HH_BOTH

// hh_decode_Q4_0 gives float32 values of whole blocks at any address, hh_encode_Q4_0 blocks of
// finite values. Decoders and encoders give the same bits on every machine.
#define HH_READ(NAME, ...) void hh_decode_##NAME(float *output, const void *source, size_t blocks);
#define HH_BOTH(NAME, ...) \
  HH_READ(NAME, )          \
  void hh_encode_##NAME(void *output, const float *values, size_t blocks);
HH_GGML_TYPES(HH_READ, HH_BOTH)
#undef HH_READ
#undef HH_BOTH
