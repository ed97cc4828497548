// AdamW, and the sum of squares that gradient clipping needs.
#include "CHHKernels.h"
#include "vector.h"

HH_MULTIVERSION
void hh_adamw(
  size_t count, float *parameters, const float *gradients, float *first, float *second,
  const hh_adamw_step *step) {
  const float keep = 1 - step->decay;
  for (size_t j = 0; j < count; j += HH_LANES) {
    const size_t width = hh_smaller(count - j, HH_LANES);
    hh_vec p, g, m, v;
    if (width == HH_LANES) {
      p = hh_load(parameters + j);
      g = hh_load(gradients + j);
      m = hh_load(first + j);
      v = hh_load(second + j);
    } else {
      hh_load_partial(&p, parameters + j, width, 0);
      hh_load_partial(&g, gradients + j, width, 0);
      hh_load_partial(&m, first + j, width, 0);
      hh_load_partial(&v, second + j, width, 0);
    }
    g *= step->gradient_scale;
    m += (g - m) * step->first_rate;
    v += (g * g - v) * step->second_rate;
    const hh_vec root = __builtin_elementwise_sqrt(v) * step->second_scale;
    p = p * keep - m * step->rate / (root + step->epsilon);
    if (width == HH_LANES) {
      hh_store(parameters + j, p);
      hh_store(first + j, m);
      hh_store(second + j, v);
    } else {
      memcpy(parameters + j, &p, width * sizeof(float));
      memcpy(first + j, &m, width * sizeof(float));
      memcpy(second + j, &v, width * sizeof(float));
    }
  }
}

// In double, in a fixed number of partial sums: the result is the same on every machine.
HH_MULTIVERSION
double hh_sum_of_squares(size_t count, const float *x) {
  double sums[8] = {0};
  size_t j = 0;
  for (; j + 8 <= count; j += 8)
    for (size_t i = 0; i < 8; i++) sums[i] += (double)x[j + i] * (double)x[j + i];
  for (; j < count; j++) sums[0] += (double)x[j] * (double)x[j];
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}
