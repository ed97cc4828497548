// Products of a few rows with 16-bit weights, which are widened in the cache and never in memory:
// a step of decoding reads every weight once, so its time is that of the bytes.
#include "CHHKernels.h"
#include "half.h"

// Weights widened at a time; they and the sums stay in the first cache.
enum { WIDENED = 512, TOGETHER = 4 };

HH_MULTIVERSION
void hh_half_product_rows(
    size_t rows, size_t inputs, size_t outputs, const float *x, size_t x_stride,
    const void *weight, int is_bf16, float *y, size_t y_stride) {
  const hh_half_at_any_address *weights = weight;
  float wide[WIDENED];
  for (size_t output = 0; output < outputs; output++) {
    for (size_t row = 0; row < rows; row++) y[row * y_stride + output] = 0;
    for (size_t start = 0; start < inputs; start += WIDENED) {
      const size_t count = hh_smaller(WIDENED, inputs - start);
      hh_widen(wide, weights + output * inputs + start, count, is_bf16);
      for (size_t row = 0; row < rows; row++)
        y[row * y_stride + output] += hh_dot(wide, x + row * x_stride + start, count);
    }
  }
}

HH_MULTIVERSION
void hh_half_product_columns(
    size_t rows, size_t inputs, size_t outputs, const float *x, size_t x_stride,
    const void *weight, size_t weight_stride, int is_bf16, float *y, size_t y_stride) {
  const hh_half_at_any_address *weights = weight;
  float wide[TOGETHER][WIDENED];
  for (size_t start = 0; start < outputs; start += WIDENED) {
    const size_t count = hh_smaller(WIDENED, outputs - start);
    for (size_t row = 0; row < rows; row++)
      memset(y + row * y_stride + start, 0, count * sizeof(float));
    // Several inputs at a time, so that the sums are read and written less often.
    for (size_t input = 0; input < inputs; input += TOGETHER) {
      const size_t together = hh_smaller(TOGETHER, inputs - input);
      for (size_t i = 0; i < together; i++)
        hh_widen(wide[i], weights + (input + i) * weight_stride + start, count, is_bf16);
      for (size_t i = together; i < TOGETHER; i++) memset(wide[i], 0, count * sizeof(float));
      for (size_t row = 0; row < rows; row++) {
        float factors[TOGETHER] = {0};
        memcpy(factors, x + row * x_stride + input, together * sizeof(float));
        float *sums = y + row * y_stride + start;
        for (size_t j = 0; j < count; j++)
          sums[j] += (factors[0] * wide[0][j] + factors[1] * wide[1][j]) +
                     (factors[2] * wide[2][j] + factors[3] * wide[3][j]);
      }
    }
  }
}
