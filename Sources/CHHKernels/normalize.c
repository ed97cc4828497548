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
