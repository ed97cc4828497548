// What feature maps are made of: projections, exponentials and softmaxes of rows.
#include "CHHKernels.h"
#include "tile_gemm.h"
#include "vector_math.h"

size_t hh_project_scratch(size_t rows, size_t d, size_t f) {
  const size_t weights = d * hh_round_up(f), columns = f * hh_round_up(d);
  const size_t gradients = rows * hh_round_up(f);
  return (weights > columns ? weights : columns) + gradients;
}

void hh_project(
  size_t rows, size_t d, size_t f, const float *x, size_t stride, const float *weight,
  const float *bias, float *y, float *scratch) {
  hh_pack(d, f, weight, f, scratch);
  hh_tile_gemm(rows, f, d, x, stride, 1, scratch, d, y, f, 0);
  if (!bias) return;
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < f; j++) y[i * f + j] += bias[j];
}

void hh_project_backward(
  size_t rows, size_t d, size_t f, const float *x, size_t stride, const float *weight,
  const float *dy, float *dweight, float *dx, size_t dx_stride, float *scratch) {
  if (dweight) {
    hh_pack(rows, f, dy, f, scratch);
    hh_tile_gemm(d, f, rows, x, 1, stride, scratch, rows, dweight, f, 1);
  }
  if (dx) {
    hh_pack_transposed(f, d, weight, f, scratch);
    hh_tile_gemm(rows, d, f, dy, f, 1, scratch, f, dx, dx_stride, 1);
  }
}

/// x = exp(x - max x); returns the sum and stores the largest.
HH_INLINE float exponentials(float *x, size_t count, float *largest) {
  hh_vec top = hh_splat(-__builtin_inff()), v;
  for (size_t j = 0; j < count; j += HH_LANES) {
    hh_load_partial(&v, x + j, hh_smaller(count - j, HH_LANES), -__builtin_inff());
    top = hh_max(top, v);
  }
  const float peak = hh_largest(&top);
  hh_vec sum = {0};
  for (size_t j = 0; j < count; j += HH_LANES) {
    const size_t some = hh_smaller(count - j, HH_LANES);
    hh_load_partial(&v, x + j, some, -__builtin_inff());
    v -= peak;
    hh_exp(&v);
    sum += v;
    hh_store_some(x + j, &v, some);
  }
  *largest = peak;
  return hh_sum(&sum);
}

HH_MULTIVERSION
void hh_exponential_rows(size_t rows, size_t columns, float *x, float *scales) {
  for (size_t i = 0; i < rows; i++) exponentials(x + i * columns, columns, scales + i);
}

HH_MULTIVERSION
void hh_softmax_rows(size_t rows, size_t columns, float *x) {
  for (size_t i = 0; i < rows; i++) {
    float largest;
    const float scale = 1.0f / exponentials(x + i * columns, columns, &largest);
    for (size_t j = 0; j < columns; j++) x[i * columns + j] *= scale;
  }
}

HH_MULTIVERSION
void hh_softmax_rows_backward(
  size_t rows, size_t columns, const float *p, const float *dp, float *dx) {
  for (size_t i = 0; i < rows; i++) {
    const float *a = p + i * columns, *b = dp + i * columns;
    const float mean = hh_dot(a, b, columns);
    for (size_t j = 0; j < columns; j++) dx[i * columns + j] = a[j] * (b[j] - mean);
  }
}
