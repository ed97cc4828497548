// Rotary position embedding in the rotate-half layout: lane i turns with lane i + d/2.
#include "CHHKernels.h"
#include "vector.h"

HH_MULTIVERSION
void hh_rotary(
  size_t rows, size_t heads, size_t head_size, float *x, size_t stride, const float *cosine,
  const float *sine, size_t first_row, size_t length, size_t offset, float direction) {
  const size_t half = head_size / 2;
  for (size_t i = 0; i < rows; i++) {
    const size_t position = (first_row + i) % length + offset;
    const float *c = cosine + position * half;
    const float *s = sine + position * half;
    for (size_t h = 0; h < heads; h++) {
      float *low = x + i * stride + h * head_size;
      float *high = low + half;
      for (size_t j = 0; j < half; j++) {
        const float a = low[j], b = high[j];
        const float turn = direction * s[j];
        low[j] = a * c[j] - b * turn;
        high[j] = b * c[j] + a * turn;
      }
    }
  }
}
