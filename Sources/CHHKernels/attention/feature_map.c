// The Hedgehog feature map: projection, two softmaxes, and their derivative.
#include "CHHKernels.h"
#include "feature_map.h"
#include "tile_gemm.h"
#include "vector_math.h"

/// u += bias, and its extremes.
HH_INLINE void add_bias_and_bound(
  float *u, const float *bias, size_t f, float *lowest, float *highest) {
  hh_vec top = hh_splat(-__builtin_inff()), bottom = hh_splat(-__builtin_inff());
  size_t j = 0;
  for (; j + HH_LANES <= f; j += HH_LANES) {
    const hh_vec v = hh_load(u + j) + hh_load(bias + j);
    hh_store(u + j, v);
    const hh_vec minus = -v;
    top = hh_max(top, v);
    bottom = hh_max(bottom, minus);
  }
  *highest = hh_largest(&top);
  *lowest = -hh_largest(&bottom);
  for (; j < f; j++) {
    u[j] += bias[j];
    *highest = *highest < u[j] ? u[j] : *highest;
    *lowest = *lowest > u[j] ? u[j] : *lowest;
  }
}

/// out = softmax(sign * u), where `peak` is the largest sign * u.
HH_INLINE void softmax_half(const float *u, float sign, float peak, size_t f, float *out) {
  hh_vec sum = {0};
  size_t j = 0;
  for (; j + HH_LANES <= f; j += HH_LANES) {
    hh_vec e = hh_load(u + j) * sign - peak;
    hh_exp(&e);
    sum += e;
    hh_store(out + j, e);
  }
  if (j < f) {
    hh_vec e;
    hh_load_partial(&e, u + j, f - j, 0);
    e = e * sign - peak;
    hh_exp(&e);
    memcpy(out + j, &e, (f - j) * sizeof(float));
    hh_load_partial(&e, out + j, f - j, 0);
    sum += e;
  }
  const float scale = 1.0f / hh_sum(&sum);
  for (size_t i = 0; i < f; i++) out[i] *= scale;
}

HH_MULTIVERSION
void hh_feature_map_rows(
  size_t rows, size_t d, size_t f, const float *x, size_t stride, const float *weight_panels,
  const float *bias, float *u, float *phi) {
  hh_tile_gemm(rows, f, d, x, stride, 1, weight_panels, d, u, f, 0);
  for (size_t i = 0; i < rows; i++) {
    float lowest, highest;
    add_bias_and_bound(u + i * f, bias, f, &lowest, &highest);
    softmax_half(u + i * f, 1, highest, f, phi + i * 2 * f);
    softmax_half(u + i * f, -1, -lowest, f, phi + i * 2 * f + f);
  }
}

HH_MULTIVERSION
void hh_feature_map_row(
  size_t d, size_t f, const float *x, const float *weight, const float *bias, float *u,
  float *phi) {
  memset(u, 0, f * sizeof(float));
  for (size_t i = 0; i < d; i++)
    for (size_t j = 0; j < f; j++) u[j] += x[i] * weight[i * f + j];
  float lowest, highest;
  add_bias_and_bound(u, bias, f, &lowest, &highest);
  softmax_half(u, 1, highest, f, phi);
  softmax_half(u, -1, -lowest, f, phi + f);
}

/// du (+)= sign * p * (dp - sum(p dp)): the derivative of softmax(sign * u).
HH_INLINE void softmax_half_backward(
  const float *p, const float *dp, float sign, size_t f, float *du, int accumulate) {
  hh_vec sum = {0}, a, b;
  size_t j = 0;
  for (; j + HH_LANES <= f; j += HH_LANES) sum += hh_load(p + j) * hh_load(dp + j);
  hh_load_partial(&a, p + j, f - j, 0);
  hh_load_partial(&b, dp + j, f - j, 0);
  sum += a * b;
  const float mean = hh_sum(&sum);
  for (size_t i = 0; i < f; i++) {
    const float g = sign * p[i] * (dp[i] - mean);
    du[i] = accumulate ? du[i] + g : g;
  }
}

HH_MULTIVERSION
void hh_feature_map_rows_backward(
  size_t rows, size_t f, const float *phi, const float *dphi, float *du) {
  for (size_t i = 0; i < rows; i++) {
    const float *p = phi + i * 2 * f, *dp = dphi + i * 2 * f;
    softmax_half_backward(p, dp, 1, f, du + i * f, 0);
    softmax_half_backward(p + f, dp + f, -1, f, du + i * f, 1);
  }
}
