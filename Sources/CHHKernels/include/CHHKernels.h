#pragma once
#include <stddef.h>
#include <stdint.h>

// Conversion (convert.c). Little-endian elements at any address; `count` elements on both sides;
// output and source do not overlap.

/// float16 to float32, exact.
void hh_f32_from_f16(float *output, const void *source, size_t count);
/// bfloat16 to float32, exact.
void hh_f32_from_bf16(float *output, const void *source, size_t count);
/// float32 to float16, to nearest, ties to even; too large becomes infinity, NaN stays NaN.
void hh_f16_from_f32(void *output, const float *source, size_t count);
/// float32 to bfloat16, to nearest, ties to even; NaN stays NaN.
void hh_bf16_from_f32(void *output, const float *source, size_t count);
/// Whether the processor multiplies bfloat16: 0 or 1.
int hh_has_bf16_units(void);

// Lets two paths change names at one moment; asks for a signal at the parent's end. Each gives 0 or
// an error number.
int hh_exchange_names(const char *a, const char *b);
int hh_end_with_parent(int signal);

// The x86-64 level (1 to 4: 3 has AVX2, 4 has AVX-512) that processor and system offer; 0 elsewhere.
int hh_x86_level(void);

// Whether the processor's maker is Intel, or AMD.
int hh_is_intel(void);
int hh_is_amd(void);
/// Index of the first element with all bits of `mask` set, or `count`. With the exponent field as
/// the mask that is the first infinity or NaN.
size_t hh_first_with_bits_16(const void *source, size_t count, uint16_t mask);
size_t hh_first_with_bits_32(const void *source, size_t count, uint32_t mask);
/// Index of the first value that is NaN or whose magnitude is above `limit`, or `count`.
size_t hh_first_beyond(const float *values, size_t count, float limit);

// Products of a few rows (few_rows.c): y (rows, outputs) of x (rows, inputs). Strides are in
// elements. A row's sums depend on that row and the weights alone, in an order of their extents.

/// How weights are stored.
enum { HH_WEIGHT_FLOAT32 = 0, HH_WEIGHT_FLOAT16 = 1, HH_WEIGHT_BFLOAT16 = 2 };

/// y = x Wᵀ, W (outputs, inputs).
void hh_few_rows_by_outputs(
  size_t rows, size_t inputs, size_t outputs, const float *x, size_t x_stride,
  const void *weight, size_t weight_stride, int format, float *y, size_t y_stride);
/// y = x W, W (inputs, outputs).
void hh_few_rows_by_inputs(
  size_t rows, size_t inputs, size_t outputs, const float *x, size_t x_stride,
  const void *weight, size_t weight_stride, int format, float *y, size_t y_stride);

// Byte planes (planes.c). Words are little-endian, at any address, and rotated left by one bit
// before they are cut into bytes; plane 0 is the least significant byte. `planes` are consecutive
// runs of `count` bytes, plane 0 first; output and source do not overlap.

/// Byte `plane` (0 or 1) of every rotated 16-bit word.
void hh_plane_of_16(uint8_t *output, const void *words, size_t count, unsigned plane);
/// Byte `plane` (0 to 3) of every rotated 32-bit word.
void hh_plane_of_32(uint8_t *output, const void *words, size_t count, unsigned plane);
/// The 16-bit words of two planes.
void hh_join_planes_16(void *words, const uint8_t *planes, size_t count);
/// The 32-bit words of four planes.
void hh_join_planes_32(void *words, const uint8_t *planes, size_t count);

// Kernels over matrices below: row-major, with a row stride in elements; no allocation, no globals.

// Elementwise (elementwise.c); x is rows x columns. Activations write to out, which may be x.

/// x += bias, one bias per column.
void hh_add_bias(size_t rows, size_t columns, float *x, size_t stride, const float *bias);
/// x += y.
void hh_add_scaled(size_t count, float *x, const float *y, float factor);
void hh_add(
  size_t rows, size_t columns, float *x, size_t stride, const float *y, size_t y_stride);
/// The functions between linear layers: x Phi(x) with the exact error function, its approximation
/// 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), max(x, 0), x / (1 + e^-x), and tanh.
enum { HH_GELU, HH_GELU_TANH, HH_RELU, HH_SILU, HH_TANH };
/// out = function(x).
void hh_activate(
  int function, size_t rows, size_t columns, const float *x, size_t stride, float *out,
  size_t out_stride);
/// out = silu(x) * up; out may be x.
void hh_silu_multiply_forward(
  size_t rows, size_t columns, const float *x, size_t stride, const float *up, size_t up_stride,
  float *out, size_t out_stride);
/// out = x / (1 - probability), or 0 with that probability; out may be x. An element's fate depends
/// on `key` and its index, row first_row + i, alone, so that a second call makes the same mask.
void hh_dropout(
  size_t rows, size_t columns, const float *x, size_t stride, size_t first_row, uint32_t key,
  float probability, float *out, size_t out_stride);

// Normalisation (normalize.c); out may be x.

void hh_layer_norm_forward(
  size_t rows, size_t columns, const float *x, size_t stride, const float *weight,
  const float *bias, float epsilon, float *out, size_t out_stride);
void hh_rms_norm_forward(
  size_t rows, size_t columns, const float *x, size_t stride, const float *weight, float epsilon,
  float *out, size_t out_stride);

// Rotary positions (rotary.c).

/// Turns x (rows x heads * head_size) in place. Row i is at position
/// (first_row + i) % length + offset of the tables, which hold head_size / 2 values a position.
/// A direction of 1 turns forward, -1 back, which is the gradient's way.
void hh_rotary(
  size_t rows, size_t heads, size_t head_size, float *x, size_t stride, const float *cosine,
  const float *sine, size_t first_row, size_t length, size_t offset, float direction);

// Softmax attention (softmax_attention.c).

/// One sequence and one key/value head with the `group` query heads that share it.
/// Query head g starts at q + g * head_size; keys at `keys` and beyond are padding.
typedef struct {
  size_t length;     // queries
  size_t keys;       // valid keys, at most length
  size_t head_size;
  size_t group;
  int causal;        // query i sees keys 0...i
  const float *q;
  size_t q_stride;
  const float *k;
  size_t k_stride;
  const float *v;
  size_t v_stride;
  float *out;        // as q
  size_t out_stride;
  float *scratch;
} hh_softmax_item;

/// Floats of scratch space that the item needs.
size_t hh_softmax_attention_scratch(size_t keys, size_t head_size);
void hh_softmax_attention_forward(const hh_softmax_item *item, float scale);

/// Floats of scratch space of the decoding of one query.
size_t hh_softmax_decoding_scratch(size_t keys);
/// The same for one query that sees every key, of which a block would be mostly empty.
void hh_softmax_attention_decode(const hh_softmax_item *item, float scale);

// SHA-256 (sha256.c).

/// Whether the processor has what the functions below need.
int hh_sha256_is_available(void);
/// Takes `blocks` blocks of 64 bytes into a state of eight words.
void hh_sha256(uint32_t *state, const uint8_t *data, size_t blocks);
/// The same for two messages at a time, in little more time than one takes.
void hh_sha256_pair(
  uint32_t *state_a, const uint8_t *data_a, uint32_t *state_b, const uint8_t *data_b,
  size_t blocks);

// Optimiser (optimizer.c).

/// The scalars of one AdamW step, bias corrections worked in.
typedef struct {
  float rate;            // learning rate / (1 - beta1^t)
  float decay;           // learning rate * weight decay
  float first_rate;      // 1 - beta1
  float second_rate;     // 1 - beta2
  float second_scale;    // 1 / sqrt(1 - beta2^t)
  float epsilon;
  float gradient_scale;  // factor of the gradients
} hh_adamw_step;

/// p = p (1 - decay) - rate * m / (sqrt(v) * second_scale + epsilon), after both moments moved.
void hh_adamw(
  size_t count, float *parameters, const float *gradients, float *first, float *second,
  const hh_adamw_step *step);
/// Sum of squares, in double precision.
double hh_sum_of_squares(size_t count, const float *x);

#include "CHHBackward.h"
#include "CHHLinearAttention.h"
#include "CHHQuantization.h"
