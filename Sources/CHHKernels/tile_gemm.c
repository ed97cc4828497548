// Register-blocked product of small matrices.
#include "tile_gemm.h"

// Rows of a register tile: 6 x 16 accumulators fill twelve of AVX2's sixteen registers.
enum { TILE_ROWS = 6 };
// Depth of one pass: a panel slice of 256 x 16 floats (16 KiB) stays in the first-level cache.
enum { DEPTH_BLOCK = 256 };

#define MICRO_KERNEL(ROWS)                                                                  \
  HH_INLINE void micro_##ROWS(                                                              \
    size_t k, const float *a, size_t row_step, size_t column_step, const float *b,          \
    float *c, size_t ldc, int accumulate, size_t columns) {                                 \
    hh_vec sum[ROWS];                                                                       \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < ROWS; i++) sum[i] = (hh_vec){0}; \
    for (size_t l = 0; l < k; l++) {                                                        \
      const hh_vec right = hh_load(b + l * HH_LANES);                                       \
      const float *left = a + l * column_step;                                              \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < ROWS; i++)                     \
        sum[i] += left[(size_t)i * row_step] * right;                                       \
    }                                                                                       \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < ROWS; i++) {                     \
      float *row = c + (size_t)i * ldc;                                                     \
      if (columns == HH_LANES) {                                                            \
        hh_store(row, accumulate ? hh_load(row) + sum[i] : sum[i]);                         \
      } else {                                                                              \
        hh_vec old = {0};                                                                   \
        if (accumulate) memcpy(&old, row, columns * sizeof(float));                         \
        old += sum[i];                                                                      \
        memcpy(row, &old, columns * sizeof(float));                                         \
      }                                                                                     \
    }                                                                                       \
  }

MICRO_KERNEL(1)
MICRO_KERNEL(2)
MICRO_KERNEL(3)
MICRO_KERNEL(4)
MICRO_KERNEL(5)
MICRO_KERNEL(6)

HH_MULTIVERSION
void hh_tile_gemm(
  size_t m, size_t n, size_t k, const float *a, size_t row_step, size_t column_step,
  const float *panels, size_t panel_rows, float *c, size_t ldc, int accumulate) {
  if (k == 0 && !accumulate)
    for (size_t i = 0; i < m; i++) memset(c + i * ldc, 0, n * sizeof(float));
  for (size_t depth = 0; depth < k; depth += DEPTH_BLOCK) {
    const size_t slice = k - depth < DEPTH_BLOCK ? k - depth : DEPTH_BLOCK;
    const int add = accumulate || depth > 0;
    for (size_t j = 0; j < n; j += HH_LANES) {
      const size_t columns = n - j < HH_LANES ? n - j : HH_LANES;
      const float *b = panels + j * panel_rows + depth * HH_LANES;
      size_t i = 0;
      for (; i + TILE_ROWS <= m; i += TILE_ROWS)
        micro_6(
          slice, a + i * row_step + depth * column_step, row_step, column_step, b,
          c + i * ldc + j, ldc, add, columns);
      const float *left = a + i * row_step + depth * column_step;
      float *out = c + i * ldc + j;
      switch (m - i) {
      case 1: micro_1(slice, left, row_step, column_step, b, out, ldc, add, columns); break;
      case 2: micro_2(slice, left, row_step, column_step, b, out, ldc, add, columns); break;
      case 3: micro_3(slice, left, row_step, column_step, b, out, ldc, add, columns); break;
      case 4: micro_4(slice, left, row_step, column_step, b, out, ldc, add, columns); break;
      case 5: micro_5(slice, left, row_step, column_step, b, out, ldc, add, columns); break;
      default: break;
      }
    }
  }
}

HH_MULTIVERSION
void hh_pack(size_t rows, size_t columns, const float *source, size_t stride, float *panels) {
  for (size_t j = 0; j < columns; j += HH_LANES) {
    const size_t width = columns - j < HH_LANES ? columns - j : HH_LANES;
    float *panel = panels + j * rows;
    for (size_t i = 0; i < rows; i++) {
      const float *row = source + i * stride + j;
      hh_vec values;
      if (width == HH_LANES)
        values = hh_load(row);
      else
        hh_load_partial(&values, row, width, 0);
      hh_store(panel + i * HH_LANES, values);
    }
  }
}

HH_MULTIVERSION
void hh_pack_transposed(
  size_t rows, size_t columns, const float *source, size_t stride, float *panels) {
  for (size_t j = 0; j < columns; j += HH_LANES) {
    const size_t width = columns - j < HH_LANES ? columns - j : HH_LANES;
    float *panel = panels + j * rows;
    const float *block = source + j * stride;
    if (width == HH_LANES) {
      for (size_t i = 0; i < rows; i++)
        for (size_t l = 0; l < HH_LANES; l++) panel[i * HH_LANES + l] = block[l * stride + i];
    } else {
      for (size_t i = 0; i < rows; i++)
        for (size_t l = 0; l < HH_LANES; l++)
          panel[i * HH_LANES + l] = l < width ? block[l * stride + i] : 0;
    }
  }
}

/// As `hh_row_times`, for the columns of `vectors` whole vectors.
HH_INLINE void row_times(
  size_t vectors, size_t k, const float *x, const float *b, size_t ldb, float *y) {
  hh_vec sum[4];
  for (size_t i = 0; i < vectors; i++) sum[i] = (hh_vec){0};
  for (size_t l = 0; l < k; l++)
    for (size_t i = 0; i < vectors; i++) sum[i] += x[l] * hh_load(b + l * ldb + i * HH_LANES);
  for (size_t i = 0; i < vectors; i++) hh_store(y + i * HH_LANES, sum[i]);
}

HH_MULTIVERSION
void hh_row_times(size_t k, size_t n, const float *x, const float *b, size_t ldb, float *y) {
  size_t j = 0;
  for (; j + 4 * HH_LANES <= n; j += 4 * HH_LANES) row_times(4, k, x, b + j, ldb, y + j);
  for (; j + HH_LANES <= n; j += HH_LANES) row_times(1, k, x, b + j, ldb, y + j);
  if (j == n) return;
  memset(y + j, 0, (n - j) * sizeof(float));
  for (size_t l = 0; l < k; l++)
    for (size_t c = j; c < n; c++) y[c] += x[l] * b[l * ldb + c];
}
