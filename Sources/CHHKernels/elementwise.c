// Elementwise operations on rows: bias, residual, activations, gating.
#include "CHHKernels.h"
#include "vector_math.h"

// Runs BODY on `v`, sixteen columns at a time, for every row of x; the last, partial vector is
// padded with zeros. `j` is the column and `width` how many of the lanes exist.
#define FOR_EACH_VECTOR(X, STRIDE, BODY)                               \
  for (size_t i = 0; i < rows; i++) {                                  \
    float *row = (X) + i * (STRIDE);                                   \
    for (size_t j = 0; j < columns; j += HH_LANES) {                   \
      const size_t width = hh_smaller(columns - j, HH_LANES);          \
      hh_vec v;                                                        \
      if (width == HH_LANES)                                           \
        v = hh_load(row + j);                                          \
      else                                                             \
        hh_load_partial(&v, row + j, width, 0);                        \
      BODY;                                                            \
      if (width == HH_LANES)                                           \
        hh_store(row + j, v);                                          \
      else                                                             \
        memcpy(row + j, &v, width * sizeof(float));                    \
    }                                                                  \
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
void hh_gelu_forward(size_t rows, size_t columns, float *x, size_t stride) {
  FOR_EACH_VECTOR(x, stride, {
    hh_vec t = v * 0.70710678118654752f;
    hh_erf(&t);
    v = v * 0.5f * (t + 1.0f);
  })
}

HH_MULTIVERSION
void hh_gelu_tanh_forward(size_t rows, size_t columns, float *x, size_t stride) {
  FOR_EACH_VECTOR(x, stride, {
    // (1 + tanh z) / 2 = 1 / (1 + e^-2z), which keeps its digits where tanh z is near -1.
    hh_vec t = (v + v * v * v * 0.044715f) * -1.59576912160573072f;
    hh_exp(&t);
    v = v / (t + 1.0f);
  })
}

HH_MULTIVERSION
void hh_relu_forward(size_t rows, size_t columns, float *x, size_t stride) {
  const hh_vec zero = {0};
  FOR_EACH_VECTOR(x, stride, { v = hh_max(v, zero); })
}

HH_MULTIVERSION
void hh_silu_forward(size_t rows, size_t columns, float *x, size_t stride) {
  FOR_EACH_VECTOR(x, stride, {
    hh_vec t = -v;
    hh_exp(&t);
    v = v / (t + 1.0f);
  })
}

HH_MULTIVERSION
void hh_tanh_forward(size_t rows, size_t columns, float *x, size_t stride) {
  FOR_EACH_VECTOR(x, stride, { hh_tanh(&v); })
}

HH_MULTIVERSION
void hh_silu_multiply_forward(
  size_t rows, size_t columns, float *gate, size_t stride, const float *up, size_t up_stride) {
  FOR_EACH_VECTOR(gate, stride, {
    hh_vec t = -v;
    hh_exp(&t);
    hh_vec other;
    if (width == HH_LANES)
      other = hh_load(up + i * up_stride + j);
    else
      hh_load_partial(&other, up + i * up_stride + j, width, 0);
    v = v / (t + 1.0f) * other;
  })
}
