// Products of a few rows with weights of 32 or 16 bits, which are widened in registers and never in
// memory: a step of decoding reads every weight once, so its time is that of the bytes.
//
// Weights are read as a few streams, each from end to end of a part of the matrix: a processor that
// meets the rows of one stream after another has loaded them before they are asked for.
#include "CHHKernels.h"
#include "half.h"

// Streams of each product. More fall into the same sets of the first cache.
enum { OUTPUTS = 2, INPUTS = 4 };
// Rows of x that take weights while these are in registers, as many as there are registers for.
enum { ROWS_OF_DOTS = 2, ROWS_OF_SUMS = 4 };
// Rows of x and of weights of a tile of products.
enum { TILE = 4 };
// Outputs of which the sums stay in the first cache while every row takes the weights.
enum { BLOCK = 1024 };
// float16 where the processor converts it.
enum { NATIVE_FLOAT16 = 3 };

HH_INLINE size_t bytes_of(int format) { return format == HH_WEIGHT_FLOAT32 ? 4 : 2; }

/// Up to sixteen weights at any address as float32; the other lanes are zero.
HH_INLINE void load_weights(hh_vec *v, const char *p, size_t count, int format) {
  const int is_bf16 = format == HH_WEIGHT_BFLOAT16;
  if (format == HH_WEIGHT_FLOAT32)
    hh_load_some(v, (const float *)p, count);
  else if (count == HH_LANES && format == NATIVE_FLOAT16)
    hh_load_f16_natively(v, p);
  else if (count == HH_LANES)
    hh_load_half(v, p, is_bf16);
  else
    hh_load_half_partial(v, p, count, is_bf16);
}

/// y[r][o] = sum of x[r][j] * w[o][j]: `rows` of x by `outputs` rows of weights, `step` bytes apart,
/// whose results are `y_step` apart.
HH_INLINE void dots(
  size_t rows, size_t inputs, size_t outputs, const float *x, size_t x_stride, const char *weight,
  size_t step, int format, float *y, size_t y_stride, size_t y_step) {
  hh_vec sum[ROWS_OF_DOTS][OUTPUTS], w, input;
  for (size_t r = 0; r < rows; r++)
    for (size_t o = 0; o < outputs; o++) sum[r][o] = (hh_vec){0};
  size_t j = 0;
  for (; j + HH_LANES <= inputs; j += HH_LANES)
    for (size_t o = 0; o < outputs; o++) {
      load_weights(&w, weight + o * step + j * bytes_of(format), HH_LANES, format);
      for (size_t r = 0; r < rows; r++) sum[r][o] += w * hh_load(x + r * x_stride + j);
    }
  if (j < inputs)
    for (size_t o = 0; o < outputs; o++) {
      load_weights(&w, weight + o * step + j * bytes_of(format), inputs - j, format);
      for (size_t r = 0; r < rows; r++) {
        hh_load_partial(&input, x + r * x_stride + j, inputs - j, 0);
        sum[r][o] += w * input;
      }
    }
  for (size_t r = 0; r < rows; r++)
    for (size_t o = 0; o < outputs; o++) y[r * y_stride + o * y_step] = hh_sum(&sum[r][o]);
}

/// Adds up to sixteen inputs to the sums of a tile.
HH_INLINE void add_to_tile(
  hh_vec *sum, size_t count, const float *x, size_t x_stride, const char *weight, size_t step,
  int format) {
  hh_vec w[TILE], input;
  _Pragma("clang loop unroll(full)") for (int o = 0; o < TILE; o++)
    load_weights(&w[o], weight + (size_t)o * step, count, format);
  _Pragma("clang loop unroll(full)") for (int r = 0; r < TILE; r++) {
    hh_load_some(&input, x + (size_t)r * x_stride, count);
    _Pragma("clang loop unroll(full)") for (int o = 0; o < TILE; o++)
      sum[r * TILE + o] += w[o] * input;
  }
}

/// As `dots`, for a tile of four rows of x by four rows of weights, whose sixteen sums are taken at once
/// in the order of `hh_sum`.
HH_INLINE void dots_of_tile(
  size_t inputs, const float *x, size_t x_stride, const char *weight, size_t step, int format,
  float *y, size_t y_stride) {
  hh_vec sum[TILE * TILE];
  _Pragma("clang loop unroll(full)") for (int i = 0; i < TILE * TILE; i++) sum[i] = (hh_vec){0};
  size_t j = 0;
  for (; j + HH_LANES <= inputs; j += HH_LANES)
    add_to_tile(sum, HH_LANES, x + j, x_stride, weight + j * bytes_of(format), step, format);
  if (j < inputs)
    add_to_tile(sum, inputs - j, x + j, x_stride, weight + j * bytes_of(format), step, format);
  hh_sums(sum);
  float sums[TILE * TILE];
  hh_store(sums, sum[0]);
  for (size_t r = 0; r < TILE; r++)
    memcpy(y + r * y_stride, sums + r * TILE, TILE * sizeof(float));
}

HH_INLINE void by_streams(
  size_t rows, size_t inputs, size_t outputs, const float *x, size_t x_stride, const char *weight,
  size_t step, int format, float *y, size_t y_stride) {
  const size_t part = outputs / OUTPUTS;
  for (size_t o = 0; o < part; o++) {
    const char *w = weight + o * step;
    size_t r = 0;
    for (; r + ROWS_OF_DOTS <= rows; r += ROWS_OF_DOTS)
      dots(
        ROWS_OF_DOTS, inputs, OUTPUTS, x + r * x_stride, x_stride, w, part * step, format,
        y + r * y_stride + o, y_stride, part);
    for (; r < rows; r++)
      dots(
        1, inputs, OUTPUTS, x + r * x_stride, x_stride, w, part * step, format,
        y + r * y_stride + o, y_stride, part);
  }
  for (size_t o = part * OUTPUTS; o < outputs; o++)
    for (size_t r = 0; r < rows; r++)
      dots(
        1, inputs, 1, x + r * x_stride, x_stride, weight + o * step, step, format,
        y + r * y_stride + o, y_stride, 1);
}

/// y[r][j] += sum of x[r][i * x_step] * w[i][j] over `inputs` rows of weights, `step` bytes apart, in
/// the order of i, for up to sixteen j.
HH_INLINE void add_sums_of_lanes(
  size_t rows, size_t inputs, size_t lanes, const float *x, size_t x_stride, size_t x_step,
  const char *weight, size_t step, int format, float *y, size_t y_stride) {
  hh_vec sum[ROWS_OF_SUMS], w;
  for (size_t r = 0; r < rows; r++) hh_load_some(&sum[r], y + r * y_stride, lanes);
  for (size_t i = 0; i < inputs; i++) {
    load_weights(&w, weight + i * step, lanes, format);
    for (size_t r = 0; r < rows; r++) sum[r] += x[r * x_stride + i * x_step] * w;
  }
  for (size_t r = 0; r < rows; r++) hh_store_some(y + r * y_stride, &sum[r], lanes);
}

/// As `add_sums_of_lanes`, for any number of j.
HH_INLINE void add_sums(
  size_t rows, size_t inputs, size_t outputs, const float *x, size_t x_stride, size_t x_step,
  const char *weight, size_t step, int format, float *y, size_t y_stride) {
  size_t j = 0;
  for (; j + HH_LANES <= outputs; j += HH_LANES)
    add_sums_of_lanes(
      rows, inputs, HH_LANES, x, x_stride, x_step, weight + j * bytes_of(format), step, format,
      y + j, y_stride);
  if (j < outputs)
    add_sums_of_lanes(
      rows, inputs, outputs - j, x, x_stride, x_step, weight + j * bytes_of(format), step, format,
      y + j, y_stride);
}

HH_INLINE void by_outputs(
  size_t rows, size_t inputs, size_t outputs, const float *x, size_t x_stride, const char *weight,
  size_t step, int format, float *y, size_t y_stride) {
  // Arithmetic bounds the weights that four rows or more share; their tiles need many registers.
  const size_t tiled = rows >= TILE && HH_HAS_WIDE_REGISTERS ? outputs / TILE * TILE : 0;
  for (size_t o = 0; o < tiled; o += TILE) {
    const char *w = weight + o * step;
    size_t r = 0;
    for (; r + TILE <= rows; r += TILE)
      dots_of_tile(
        inputs, x + r * x_stride, x_stride, w, step, format, y + r * y_stride + o, y_stride);
    for (; r < rows; r++)
      for (size_t i = 0; i < TILE; i += OUTPUTS)
        dots(
          1, inputs, OUTPUTS, x + r * x_stride, x_stride, w + i * step, step, format,
          y + r * y_stride + o + i, y_stride, 1);
  }
  by_streams(
    rows, inputs, outputs - tiled, x, x_stride, weight + tiled * step, step, format, y + tiled,
    y_stride);
}

HH_INLINE void by_inputs(
  size_t rows, size_t inputs, size_t outputs, const float *x, size_t x_stride, const char *weight,
  size_t step, int format, float *y, size_t y_stride) {
  const size_t part = inputs / INPUTS;
  for (size_t r = 0; r < rows; r++) memset(y + r * y_stride, 0, outputs * sizeof(float));
  for (size_t i = 0; i < part; i++)
    for (size_t start = 0; start < outputs; start += BLOCK) {
      const size_t count = hh_smaller(BLOCK, outputs - start);
      const char *w = weight + i * step + start * bytes_of(format);
      size_t r = 0;
      for (; r + ROWS_OF_SUMS <= rows; r += ROWS_OF_SUMS)
        add_sums(
          ROWS_OF_SUMS, INPUTS, count, x + r * x_stride + i, x_stride, part, w, part * step, format,
          y + r * y_stride + start, y_stride);
      for (; r < rows; r++)
        add_sums(
          1, INPUTS, count, x + r * x_stride + i, x_stride, part, w, part * step, format,
          y + r * y_stride + start, y_stride);
    }
  for (size_t i = part * INPUTS; i < inputs; i++)
    for (size_t r = 0; r < rows; r++)
      add_sums(
        1, 1, outputs, x + r * x_stride + i, x_stride, 1, weight + i * step, step, format,
        y + r * y_stride, y_stride);
}

#define PRODUCT(NAME, FORMAT, SIZE) \
  NAME(rows, inputs, outputs, x, x_stride, weight, SIZE * weight_stride, FORMAT, y, y_stride)

#if defined(__x86_64__)
// A clone cannot know that it is the one for processors that convert float16: a function for them.
#define NATIVE_FLOAT16_PRODUCT(NAME)                                                          \
  __attribute__((target("arch=x86-64-v3"))) static void NAME##_natively(                      \
    size_t rows, size_t inputs, size_t outputs, const float *x, size_t x_stride,              \
    const void *weight, size_t weight_stride, float *y, size_t y_stride) {                    \
    PRODUCT(NAME, NATIVE_FLOAT16, 2);                                                         \
  }
NATIVE_FLOAT16_PRODUCT(by_outputs)
NATIVE_FLOAT16_PRODUCT(by_inputs)
#define FLOAT16_PRODUCT(NAME)                                                                 \
  if (__builtin_cpu_supports("x86-64-v3"))                                                    \
    NAME##_natively(                                                                          \
      rows, inputs, outputs, x, x_stride, weight, weight_stride, y, y_stride);                \
  else                                                                                        \
    PRODUCT(NAME, HH_WEIGHT_FLOAT16, 2)
#else
#define FLOAT16_PRODUCT(NAME) PRODUCT(NAME, HH_WEIGHT_FLOAT16, 2)
#endif

// The format is a constant of each call, so that nothing is decided inside the loops.
#define FOR_EACH_FORMAT(NAME)                                                            \
  HH_MULTIVERSION                                                                        \
  void hh_few_rows_##NAME(                                                               \
    size_t rows, size_t inputs, size_t outputs, const float *x, size_t x_stride,         \
    const void *weight, size_t weight_stride, int format, float *y, size_t y_stride) {   \
    switch (format) {                                                                    \
    case HH_WEIGHT_FLOAT32: PRODUCT(NAME, HH_WEIGHT_FLOAT32, 4); break;                  \
    case HH_WEIGHT_FLOAT16: FLOAT16_PRODUCT(NAME); break;                                \
    default: PRODUCT(NAME, HH_WEIGHT_BFLOAT16, 2); break;                                \
    }                                                                                    \
  }

FOR_EACH_FORMAT(by_outputs)
FOR_EACH_FORMAT(by_inputs)
