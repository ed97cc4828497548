// What feature maps are made of: projections, exponentials and softmaxes of rows.
#include "CHHKernels.h"
#include "tile_gemm.h"
#include "vector_math.h"

// Rows whose projections are in the first cache until their softmaxes are taken.
enum { PAIRS_BLOCK = 24 };

size_t hh_project_scratch(size_t rows, size_t d, size_t f) {
  const size_t weights = d * hh_round_up(f), columns = f * hh_round_up(d);
  const size_t gradients = rows * hh_round_up(f);
  return (weights > columns ? weights : columns) + gradients;
}

HH_MULTIVERSION
void hh_project(
  size_t rows, size_t d, size_t f, const float *x, size_t stride, const float *weight,
  const float *bias, float *y, float *scratch) {
  if (rows == 1) {
    hh_row_times(d, f, x, weight, f, y);
  } else {
    hh_pack(d, f, weight, f, scratch);
    hh_tile_gemm(rows, f, d, x, stride, 1, scratch, d, y, f, 0);
  }
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

/// out = softmax(sign * u), where `peak` is the largest sign * u.
HH_INLINE void softmax_half(const float *u, float sign, float peak, size_t f, float *out) {
  hh_vec sum = {0}, e;
  size_t j = 0;
  for (; j + HH_LANES <= f; j += HH_LANES) {
    e = hh_load(u + j) * sign - peak;
    hh_exp(&e);
    sum += e;
    hh_store(out + j, e);
  }
  if (j < f) {
    hh_load_partial(&e, u + j, f - j, -sign * __builtin_inff());
    e = e * sign - peak;
    hh_exp(&e);
    sum += e;
    memcpy(out + j, &e, (f - j) * sizeof(float));
  }
  const float scale = 1.0f / hh_sum(&sum);
  for (j = 0; j + HH_LANES <= f; j += HH_LANES) hh_store(out + j, hh_load(out + j) * scale);
  for (; j < f; j++) out[j] *= scale;
}

/// u += bias, and its extremes.
HH_INLINE void add_and_bound(
  float *u, const float *bias, size_t f, float *lowest, float *highest) {
  hh_vec top = hh_splat(-__builtin_inff()), bottom = top;
  size_t j = 0;
  for (; j + HH_LANES <= f; j += HH_LANES) {
    const hh_vec v = bias ? hh_load(u + j) + hh_load(bias + j) : hh_load(u + j);
    hh_store(u + j, v);
    const hh_vec minus = -v;
    top = hh_max(top, v);
    bottom = hh_max(bottom, minus);
  }
  *highest = hh_largest(&top);
  *lowest = -hh_largest(&bottom);
  for (; j < f; j++) {
    if (bias) u[j] += bias[j];
    *highest = *highest < u[j] ? u[j] : *highest;
    *lowest = *lowest > u[j] ? u[j] : *lowest;
  }
}

HH_MULTIVERSION
static void softmax_pairs(size_t rows, size_t f, const float *bias, float *u, float *phi) {
  for (size_t i = 0; i < rows; i++) {
    float lowest, highest;
    add_and_bound(u + i * f, bias, f, &lowest, &highest);
    softmax_half(u + i * f, 1, highest, f, phi + i * 2 * f);
    softmax_half(u + i * f, -1, -lowest, f, phi + i * 2 * f + f);
  }
}

size_t hh_softmax_pairs_scratch(size_t d, size_t f) {
  return d * hh_round_up(f) + PAIRS_BLOCK * f;
}

void hh_softmax_pairs(
  size_t rows, size_t d, size_t f, const float *x, size_t stride, const float *weight,
  const float *bias, float *phi, float *scratch) {
  float *u = scratch + d * hh_round_up(f);
  if (rows == 1)
    hh_row_times(d, f, x, weight, f, u);
  else
    hh_pack(d, f, weight, f, scratch);
  for (size_t start = 0; start < rows; start += PAIRS_BLOCK) {
    const size_t some = hh_smaller(rows - start, PAIRS_BLOCK);
    if (rows > 1)
      hh_tile_gemm(some, f, d, x + start * stride, stride, 1, scratch, d, u, f, 0);
    softmax_pairs(some, f, bias, u, phi + start * 2 * f);
  }
}

HH_MULTIVERSION
void hh_softmax_pairs_backward(
  size_t rows, size_t f, const float *phi, const float *dphi, float *du) {
  for (size_t i = 0; i < rows; i++) {
    const float *p = phi + i * 2 * f, *dp = dphi + i * 2 * f;
    const float mean = hh_dot(p, dp, f), mirrored = hh_dot(p + f, dp + f, f);
    for (size_t j = 0; j < f; j++)
      du[i * f + j] = p[j] * (dp[j] - mean) - p[f + j] * (dp[f + j] - mirrored);
  }
}
