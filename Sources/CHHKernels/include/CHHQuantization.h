// The element types of ggml, in which GGUF files store weights (quantization/).
#pragma once
#include <stddef.h>
#include <stdint.h>

/// An element type of ggml.
typedef struct {
  const char *name;   // as ggml spells it
  uint32_t number;    // in GGUF files
  uint32_t elements;  // of a block
  uint32_t bytes;     // of a block
  int32_t file_type;  // `general.file_type` of a model in this type, or -1 for a type only read
} hh_ggml_type;

/// Entry `index` of the table of types, or NULL behind its end.
const hh_ggml_type *hh_ggml_type_at(size_t index);

/// Weights of a type, given by its number, as float32: `blocks` blocks at any address, their
/// elements in order. Equal on every machine: products and sums are rounded one by one. Returns 0,
/// writing nothing, where the type is unknown.
int hh_dequantize(uint32_t type, float *output, const void *source, size_t blocks);

/// The reverse: float32 values as `blocks` blocks; those of a quantised type are finite. The types
/// with short blocks and the ternary ones as gguf-py has them, bit for bit; Q2_K to Q6_K by a
/// search of our own. Equal on every machine. Returns 0, writing nothing, for a type only read.
int hh_quantize(uint32_t type, void *output, const float *values, size_t blocks);
