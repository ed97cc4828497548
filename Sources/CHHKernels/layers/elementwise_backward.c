// Backward passes of the elementwise operations, and sums over rows.
#include "CHHKernels.h"
#include "vector_math.h"

// For every sixteen columns: `v` is x and `g` is dout; BODY sets `v` to the output and `slope` to
// its derivative.
#define FOR_EACH_SLOPE(BODY)                                  \
  for (size_t i = 0; i < rows; i++) {                         \
    float *row = x + i * stride, *gradients = dout + i * dout_stride; \
    for (size_t j = 0; j < columns; j += HH_LANES) {          \
      const size_t width = hh_smaller(columns - j, HH_LANES); \
      hh_vec v, g, slope;                                     \
      hh_load_some(&v, row + j, width);                       \
      hh_load_some(&g, gradients + j, width);                 \
      BODY;                                                   \
      g *= slope;                                             \
      hh_store_some(row + j, &v, width);                      \
      hh_store_some(gradients + j, &g, width);                \
    }                                                         \
  }

HH_MULTIVERSION
void hh_activate_backward(
  int function, size_t rows, size_t columns, float *x, size_t stride, float *dout,
  size_t dout_stride) {
  const hh_vec zero = {0}, one = zero + 1.0f;
  switch (function) {
  case HH_GELU:
    FOR_EACH_SLOPE({
      hh_vec t = v * 0.70710678118654752f;
      hh_vec density = v * v * -0.5f;
      hh_erf(&t);
      hh_exp(&density);
      t = (t + 1.0f) * 0.5f;
      slope = t + v * density * 0.39894228040143268f;
      v *= t;
    })
    break;
  case HH_GELU_TANH:
    FOR_EACH_SLOPE({
      // In the forward pass this was y = x s with s = 1 / (1 + e^-2z) and 2z as below.
      const hh_vec square = v * v;
      hh_vec s = (v + v * square * 0.044715f) * -1.59576912160573072f;
      hh_exp(&s);
      s = 1.0f / (s + 1.0f);
      const hh_vec rise = square * 0.21406649566347136f + 1.59576912160573072f;
      v *= s;
      slope = s + v * (1.0f - s) * rise;
    })
    break;
  case HH_RELU:
    FOR_EACH_SLOPE({
      slope = hh_select(v > zero, one, zero);
      v = hh_max(v, zero);
    })
    break;
  case HH_SILU:
    FOR_EACH_SLOPE({
      hh_vec s = -v;
      hh_exp(&s);
      s = 1.0f / (s + 1.0f);
      v *= s;
      slope = s + v * (1.0f - s);
    })
    break;
  case HH_TANH:
    FOR_EACH_SLOPE({
      hh_tanh(&v);
      slope = 1.0f - v * v;
    })
    break;
  }
}

HH_MULTIVERSION
void hh_silu_multiply_backward(
  size_t rows, size_t columns, float *gate, size_t stride, float *up, size_t up_stride,
  float *dout, size_t dout_stride) {
  for (size_t i = 0; i < rows; i++) {
    float *gates = gate + i * stride, *ups = up + i * up_stride, *grads = dout + i * dout_stride;
    for (size_t j = 0; j < columns; j += HH_LANES) {
      const size_t width = hh_smaller(columns - j, HH_LANES);
      hh_vec v, u, g;
      hh_load_some(&v, gates + j, width);
      hh_load_some(&u, ups + j, width);
      hh_load_some(&g, grads + j, width);
      hh_vec s = -v;
      hh_exp(&s);
      s = 1.0f / (s + 1.0f);
      const hh_vec silu = v * s;
      const hh_vec out = silu * u;
      const hh_vec dgate = g * u * (s + silu * (1.0f - s));
      const hh_vec dup = g * silu;
      hh_store_some(gates + j, &dgate, width);
      hh_store_some(ups + j, &dup, width);
      hh_store_some(grads + j, &out, width);
    }
  }
}

// Rows are added up in blocks first: in float32 a long sum loses digits that a tree of sums keeps.
enum { ROW_BLOCK = 64 };

HH_MULTIVERSION
void hh_column_sums(size_t rows, size_t columns, const float *x, size_t stride, float *sums) {
  for (size_t start = 0; start < rows; start += ROW_BLOCK) {
    const size_t end = hh_smaller(rows, start + ROW_BLOCK);
    for (size_t j = 0; j < columns; j += HH_LANES) {
      const size_t width = hh_smaller(columns - j, HH_LANES);
      hh_vec sum = {0}, v;
      for (size_t i = start; i < end; i++) {
        hh_load_some(&v, x + i * stride + j, width);
        sum += v;
      }
      hh_load_some(&v, sums + j, width);
      v += sum;
      hh_store_some(sums + j, &v, width);
    }
  }
}

HH_MULTIVERSION
void hh_scatter_rows(
  size_t rows, size_t columns, const float *x, size_t stride, const int32_t *ids, float *table,
  size_t table_stride) {
  for (size_t i = 0; i < rows; i++) {
    float *target = table + (size_t)ids[i] * table_stride;
    for (size_t j = 0; j < columns; j++) target[j] += x[i * stride + j];
  }
}
