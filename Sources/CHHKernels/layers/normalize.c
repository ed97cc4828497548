// Layer normalisation and root-mean-square normalisation of rows.
#include "CHHKernels.h"
#include "vector.h"

/// Sum of x over a row.
HH_INLINE float row_sum(const float *x, size_t columns) {
  hh_vec sum = {0}, last;
  size_t j = 0;
  for (; j + HH_LANES <= columns; j += HH_LANES) sum += hh_load(x + j);
  hh_load_partial(&last, x + j, columns - j, 0);
  sum += last;
  return hh_sum(&sum);
}

/// Sum of (x - centre)^2 over a row.
HH_INLINE float row_squares(const float *x, size_t columns, float centre) {
  hh_vec sum = {0}, last;
  size_t j = 0;
  for (; j + HH_LANES <= columns; j += HH_LANES) {
    const hh_vec v = hh_load(x + j) - centre;
    sum += v * v;
  }
  hh_load_partial(&last, x + j, columns - j, centre);
  last -= centre;
  sum += last * last;
  return hh_sum(&sum);
}

HH_MULTIVERSION
void hh_layer_norm_forward(
  size_t rows, size_t columns, const float *x, size_t stride, const float *weight,
  const float *bias, float epsilon, float *out, size_t out_stride) {
  for (size_t i = 0; i < rows; i++) {
    const float *row = x + i * stride;
    const float mean = row_sum(row, columns) / (float)columns;
    const float variance = row_squares(row, columns, mean) / (float)columns;
    const float scale = 1.0f / __builtin_elementwise_sqrt(variance + epsilon);
    float *result = out + i * out_stride;
    for (size_t j = 0; j < columns; j++)
      result[j] = (row[j] - mean) * scale * weight[j] + bias[j];
  }
}

HH_MULTIVERSION
void hh_rms_norm_forward(
  size_t rows, size_t columns, const float *x, size_t stride, const float *weight, float epsilon,
  float *out, size_t out_stride) {
  for (size_t i = 0; i < rows; i++) {
    const float *row = x + i * stride;
    const float mean_square = row_squares(row, columns, 0) / (float)columns;
    const float scale = 1.0f / __builtin_elementwise_sqrt(mean_square + epsilon);
    float *result = out + i * out_stride;
    for (size_t j = 0; j < columns; j++) result[j] = row[j] * scale * weight[j];
  }
}

HH_MULTIVERSION
void hh_layer_norm_backward(
  size_t rows, size_t columns, const float *x, size_t stride, const float *weight, float epsilon,
  const float *dout, size_t dout_stride, float *dx, size_t dx_stride, float *dweight,
  float *dbias) {
  for (size_t i = 0; i < rows; i++) {
    const float *row = x + i * stride, *g = dout + i * dout_stride;
    // In the forward pass this was out = n w + b with n = (x - mean) scale.
    const float mean = row_sum(row, columns) / (float)columns;
    const float variance = row_squares(row, columns, mean) / (float)columns;
    const float scale = 1.0f / __builtin_elementwise_sqrt(variance + epsilon);
    hh_vec sum = {0}, product_sum = {0};
    for (size_t j = 0; j < columns; j += HH_LANES) {
      const size_t width = hh_smaller(columns - j, HH_LANES);
      hh_vec dn, w, n;
      hh_load_some(&dn, g + j, width);
      hh_load_some(&w, weight + j, width);
      hh_load_some(&n, row + j, width);
      dn *= w;  // zero in lanes that do not exist
      sum += dn;
      product_sum += dn * ((n - mean) * scale);
    }
    const float centre = hh_sum(&sum) / (float)columns;
    const float slope = hh_sum(&product_sum) / (float)columns;
    if (dweight)
      for (size_t j = 0; j < columns; j++) dweight[j] += g[j] * ((row[j] - mean) * scale);
    if (dbias)
      for (size_t j = 0; j < columns; j++) dbias[j] += g[j];
    float *result = dx + i * dx_stride;
    for (size_t j = 0; j < columns; j++)
      result[j] = scale * (g[j] * weight[j] - centre - (row[j] - mean) * scale * slope);
  }
}

HH_MULTIVERSION
void hh_rms_norm_backward(
  size_t rows, size_t columns, const float *x, size_t stride, const float *weight, float epsilon,
  const float *dout, size_t dout_stride, float *dx, size_t dx_stride, float *dweight) {
  for (size_t i = 0; i < rows; i++) {
    const float *row = x + i * stride, *g = dout + i * dout_stride;
    // In the forward pass this was out = x scale w.
    const float mean_square = row_squares(row, columns, 0) / (float)columns;
    const float scale = 1.0f / __builtin_elementwise_sqrt(mean_square + epsilon);
    hh_vec product_sum = {0};
    for (size_t j = 0; j < columns; j += HH_LANES) {
      const size_t width = hh_smaller(columns - j, HH_LANES);
      hh_vec dn, w, v;
      hh_load_some(&dn, g + j, width);
      hh_load_some(&w, weight + j, width);
      hh_load_some(&v, row + j, width);
      product_sum += dn * w * v;
    }
    const float slope = hh_sum(&product_sum) / (float)columns * scale * scale;
    if (dweight)
      for (size_t j = 0; j < columns; j++) dweight[j] += g[j] * (row[j] * scale);
    float *result = dx + i * dx_stride;
    for (size_t j = 0; j < columns; j++)
      result[j] = scale * (g[j] * weight[j] - row[j] * slope);
  }
}
