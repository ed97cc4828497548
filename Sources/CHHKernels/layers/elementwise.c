// Elementwise operations on rows: bias, residual, activations, gating.
#include "CHHKernels.h"
#include "vector_math.h"

// Runs BODY on `v`, sixteen columns at a time, for every row of x, and stores it to out; the last,
// partial vector is padded with zeros. `j` is the column and `width` how many of the lanes exist.
#define FOR_EACH_VECTOR(BODY)                          \
  for (size_t i = 0; i < rows; i++) {                  \
    const float *row = x + i * stride;                 \
    float *result = out + i * out_stride;              \
    for (size_t j = 0; j < columns; j += HH_LANES) {   \
      const size_t width = hh_smaller(columns - j, HH_LANES); \
      hh_vec v;                                        \
      hh_load_some(&v, row + j, width);                \
      BODY;                                            \
      hh_store_some(result + j, &v, width);            \
    }                                                  \
  }

HH_MULTIVERSION
void hh_add_bias(size_t rows, size_t columns, float *x, size_t stride, const float *bias) {
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < columns; j++) x[i * stride + j] += bias[j];
}

HH_MULTIVERSION
void hh_add(
  size_t rows, size_t columns, float *x, size_t stride, const float *y, size_t y_stride) {
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < columns; j++) x[i * stride + j] += y[i * y_stride + j];
}

HH_MULTIVERSION
void hh_add_scaled(size_t count, float *x, const float *y, float factor) {
  for (size_t j = 0; j < count; j++) x[j] += factor * y[j];
}

HH_MULTIVERSION
void hh_activate(
  int function, size_t rows, size_t columns, const float *x, size_t stride, float *out,
  size_t out_stride) {
  const hh_vec zero = {0};
  switch (function) {
  case HH_GELU:
    FOR_EACH_VECTOR({
      hh_vec t = v * 0.70710678118654752f;
      hh_erf(&t);
      v = v * 0.5f * (t + 1.0f);
    })
    break;
  case HH_GELU_TANH:
    FOR_EACH_VECTOR({
      // (1 + tanh z) / 2 = 1 / (1 + e^-2z), which keeps its digits where tanh z is near -1.
      hh_vec t = (v + v * v * v * 0.044715f) * -1.59576912160573072f;
      hh_exp(&t);
      v = v / (t + 1.0f);
    })
    break;
  case HH_RELU: FOR_EACH_VECTOR({ v = hh_max(v, zero); }) break;
  case HH_SILU:
    FOR_EACH_VECTOR({
      hh_vec t = -v;
      hh_exp(&t);
      v = v / (t + 1.0f);
    })
    break;
  case HH_TANH: FOR_EACH_VECTOR({ hh_tanh(&v); }) break;
  }
}

HH_MULTIVERSION
void hh_silu_multiply_forward(
  size_t rows, size_t columns, const float *x, size_t stride, const float *up, size_t up_stride,
  float *out, size_t out_stride) {
  FOR_EACH_VECTOR({
    hh_vec t = -v;
    hh_vec other;
    hh_exp(&t);
    hh_load_some(&other, up + i * up_stride + j, width);
    v = v / (t + 1.0f) * other;
  })
}

typedef uint32_t uvec __attribute__((vector_size(64)));

/// Scrambles counters so that every bit depends on every other (Wellons, "lowbias32").
HH_INLINE void scramble(uvec *value) {
  uvec x = *value;
  x ^= x >> 16;
  x *= 0x7feb352du;
  x ^= x >> 15;
  x *= 0x846ca68bu;
  x ^= x >> 16;
  *value = x;
}

HH_MULTIVERSION
void hh_dropout(
  size_t rows, size_t columns, const float *x, size_t stride, size_t first_row, uint32_t key,
  float probability, float *out, size_t out_stride) {
  uvec lane;
  for (uint32_t l = 0; l < HH_LANES; l++) lane[l] = l;
  // The upper 24 bits of the random word, compared as an exact float.
  const float threshold = probability * 16777216.0f;
  const float scale = 1.0f / (1.0f - probability);
  FOR_EACH_VECTOR({
    const uint32_t index = (uint32_t)((first_row + i) * columns + j);
    uvec bits = (lane + index) ^ key;
    scramble(&bits);
    bits >>= 8;
    const hh_vec drawn = __builtin_convertvector(bits, hh_vec);
    const hh_vec zero = {0};
    v = hh_select(drawn >= threshold, v * scale, zero);
  })
}
