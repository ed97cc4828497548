// Losses over rows, and their gradients in place of the predictions.
#include "CHHKernels.h"
#include "vector_math.h"

HH_INLINE float largest_of(const float *x, size_t count) {
  hh_vec top = hh_splat(-__builtin_inff()), v;
  size_t j = 0;
  for (; j + HH_LANES <= count; j += HH_LANES) {
    v = hh_load(x + j);
    top = hh_max(top, v);
  }
  hh_load_partial(&v, x + j, count - j, -__builtin_inff());
  top = hh_max(top, v);
  return hh_largest(&top);
}

/// log x; a NaN stays one, which hh_log does not promise.
HH_INLINE float log_of(float x) {
  hh_vec v = hh_splat(x);
  hh_log(&v);
  return x == x ? v[0] : x;
}

HH_MULTIVERSION
void hh_cross_entropy(
  size_t rows, size_t columns, float *x, size_t stride, const int32_t *labels, float weight,
  int gradient, float *losses) {
  for (size_t i = 0; i < rows; i++) {
    float *row = x + i * stride;
    losses[i] = 0;
    if (labels[i] < 0) {
      if (gradient) memset(row, 0, columns * sizeof(float));
      continue;
    }
    const float top = largest_of(row, columns);
    const float target = row[labels[i]];
    hh_vec sum = {0}, e;
    for (size_t j = 0; j < columns; j += HH_LANES) {
      const size_t width = hh_smaller(columns - j, HH_LANES);
      hh_load_partial(&e, row + j, width, -__builtin_inff());
      e -= top;
      hh_exp(&e);
      sum += e;
      if (gradient) hh_store_some(row + j, &e, width);
    }
    const float total = hh_sum(&sum);
    losses[i] = log_of(total) + (top - target);
    if (!gradient) continue;
    const float factor = weight / total;
    for (size_t j = 0; j < columns; j++) row[j] *= factor;
    row[labels[i]] -= weight;
  }
}

HH_MULTIVERSION
void hh_teacher_divergence(
  size_t rows, size_t columns, float *x, size_t stride, const float *teacher,
  size_t teacher_stride, const int32_t *labels, float temperature, float weight, int gradient,
  float *losses) {
  const float inverse = 1.0f / temperature;
  for (size_t i = 0; i < rows; i++) {
    float *row = x + i * stride;
    const float *goal = teacher + i * teacher_stride;
    losses[i] = 0;
    if (labels[i] < 0) {
      if (gradient) memset(row, 0, columns * sizeof(float));
      continue;
    }
    const float top = largest_of(row, columns), goal_top = largest_of(goal, columns);
    hh_vec sum = {0}, goal_sum = {0}, gap_sum = {0};
    for (size_t j = 0; j < columns; j += HH_LANES) {
      const size_t width = hh_smaller(columns - j, HH_LANES);
      hh_vec a, b;
      // Lanes that do not exist are far below the rest; infinity would make the gap a NaN.
      hh_load_partial(&a, row + j, width, top - 1e4f * temperature);
      hh_load_partial(&b, goal + j, width, goal_top - 1e4f * temperature);
      a = (a - top) * inverse;
      b = (b - goal_top) * inverse;
      const hh_vec gap = b - a;
      hh_exp(&a);
      hh_exp(&b);
      sum += a;
      goal_sum += b;
      gap_sum += b * gap;
    }
    const float total = hh_sum(&sum), goal_total = hh_sum(&goal_sum);
    // KL = sum p_t (log p_t - log p_s).
    losses[i] = temperature * temperature
                * (hh_sum(&gap_sum) / goal_total + log_of(total) - log_of(goal_total));
    if (!gradient) continue;
    const float factor = weight * temperature / total;
    const float goal_factor = weight * temperature / goal_total;
    for (size_t j = 0; j < columns; j += HH_LANES) {
      const size_t width = hh_smaller(columns - j, HH_LANES);
      hh_vec a, b;
      hh_load_some(&a, row + j, width);
      hh_load_some(&b, goal + j, width);
      a = (a - top) * inverse;
      b = (b - goal_top) * inverse;
      hh_exp(&a);
      hh_exp(&b);
      a = a * factor - b * goal_factor;
      hh_store_some(row + j, &a, width);
    }
  }
}

HH_MULTIVERSION
void hh_squared_error(
  size_t rows, size_t columns, float *x, size_t stride, const float *target,
  size_t target_stride, const int32_t *labels, float weight, int gradient, float *losses) {
  for (size_t i = 0; i < rows; i++) {
    float *row = x + i * stride;
    const float *goal = target + i * target_stride;
    losses[i] = 0;
    if (labels[i] < 0) {
      if (gradient) memset(row, 0, columns * sizeof(float));
      continue;
    }
    hh_vec sum = {0};
    for (size_t j = 0; j < columns; j += HH_LANES) {
      const size_t width = hh_smaller(columns - j, HH_LANES);
      hh_vec a, b;
      hh_load_some(&a, row + j, width);
      hh_load_some(&b, goal + j, width);
      a -= b;
      sum += a * a;
      a *= 2.0f * weight;
      if (gradient) hh_store_some(row + j, &a, width);
    }
    losses[i] = hh_sum(&sum);
  }
}
