// Register-blocked product of small matrices.
#include "tile_gemm.h"

// Depth of one pass: two panel slices of 256 x 16 floats (32 KiB) stay in the first-level cache.
enum { DEPTH_BLOCK = 256 };

// A register tile is 8 rows x 2 panels where there are 32 registers of one vector each: 16 sums hide
// the latency of their additions. Elsewhere 6 rows x 1 panel: twelve of AVX2's sixteen registers.
enum { WIDE_ROWS = 8, NARROW_ROWS = 6 };

/// The operands of a product from a tile of C on.
typedef struct {
  size_t k;
  const float *a;
  size_t row_step;
  size_t column_step;
  const float *panel;
  size_t panel_step;  // from one panel to the next
  float *c;
  size_t ldc;
  size_t columns;     // of the last panel
  int accumulate;
} tile;

/// `rows` x `panels` vectors of C, all in registers.
HH_INLINE void micro(int rows, int panels, const tile *t) {
  hh_vec sum[WIDE_ROWS][2], right[2];
  _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++)
    _Pragma("clang loop unroll(full)") for (int p = 0; p < panels; p++) sum[i][p] = (hh_vec){0};
  for (size_t l = 0; l < t->k; l++) {
    _Pragma("clang loop unroll(full)") for (int p = 0; p < panels; p++)
      right[p] = hh_load(t->panel + (size_t)p * t->panel_step + l * HH_LANES);
    const float *left = t->a + l * t->column_step;
    _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++)
      _Pragma("clang loop unroll(full)") for (int p = 0; p < panels; p++)
        sum[i][p] += left[(size_t)i * t->row_step] * right[p];
  }
  _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++)
    _Pragma("clang loop unroll(full)") for (int p = 0; p < panels; p++) {
      float *row = t->c + (size_t)i * t->ldc + p * HH_LANES;
      const size_t columns = p + 1 < panels ? HH_LANES : t->columns;
      if (t->accumulate) {
        hh_vec old;
        hh_load_some(&old, row, columns);
        sum[i][p] += old;
      }
      hh_store_some(row, &sum[i][p], columns);
    }
}

/// `m` rows of C, `tall` at a time.
HH_INLINE void tile_rows(size_t m, size_t tall, int panels, tile t) {
  for (; m >= tall; m -= tall) {
    micro((int)tall, panels, &t);
    t.a += tall * t.row_step;
    t.c += tall * t.ldc;
  }
  switch (m) {
  case 1: micro(1, panels, &t); break;
  case 2: micro(2, panels, &t); break;
  case 3: micro(3, panels, &t); break;
  case 4: micro(4, panels, &t); break;
  case 5: micro(5, panels, &t); break;
  case 6: micro(6, panels, &t); break;
  case 7: micro(7, panels, &t); break;
  default: break;
  }
}

HH_MULTIVERSION
void hh_tile_gemm(
  size_t m, size_t n, size_t k, const float *a, size_t row_step, size_t column_step,
  const float *panels, size_t panel_rows, float *c, size_t ldc, int accumulate) {
  if (k == 0 && !accumulate)
    for (size_t i = 0; i < m; i++) memset(c + i * ldc, 0, n * sizeof(float));
  const int wide = HH_HAS_WIDE_REGISTERS;
  for (size_t depth = 0; depth < k; depth += DEPTH_BLOCK)
    for (size_t j = 0, width; j < n; j += width) {
      const int pair = wide && n - j > HH_LANES;
      width = pair ? 2 * HH_LANES : HH_LANES;
      const tile t = {
        .k = hh_smaller(k - depth, DEPTH_BLOCK),
        .a = a + depth * column_step,
        .row_step = row_step,
        .column_step = column_step,
        .panel = panels + j * panel_rows + depth * HH_LANES,
        .panel_step = panel_rows * HH_LANES,
        .c = c + j,
        .ldc = ldc,
        .columns = hh_smaller(n - j, width) - (width - HH_LANES),
        .accumulate = accumulate || depth > 0,
      };
      if (pair)
        tile_rows(m, WIDE_ROWS, 2, t);
      else if (wide)
        tile_rows(m, WIDE_ROWS, 1, t);
      else
        tile_rows(m, NARROW_ROWS, 1, t);
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

/// Rows of 16 floats become columns.
HH_INLINE void transpose_square(const float *source, size_t stride, float *target) {
  hh_vec x[HH_LANES], y[HH_LANES];
  _Pragma("clang loop unroll(full)") for (int i = 0; i < HH_LANES; i++)
    x[i] = hh_load(source + (size_t)i * stride);
#define STEP(group, from, to)                                                      \
  _Pragma("clang loop unroll(full)") for (int i = 0; i < HH_LANES; i++)            \
    if (!(i & group))                                                              \
      to[i] = hh_low_groups(group, from[i], from[i + group]),                      \
      to[i + group] = hh_high_groups(group, from[i], from[i + group]);
  STEP(8, x, y)
  STEP(4, y, x)
  STEP(2, x, y)
  STEP(1, y, x)
#undef STEP
  _Pragma("clang loop unroll(full)") for (int i = 0; i < HH_LANES; i++)
    hh_store(target + i * HH_LANES, x[i]);
}

HH_MULTIVERSION
void hh_pack_transposed(
  size_t rows, size_t columns, const float *source, size_t stride, float *panels) {
  for (size_t j = 0; j < columns; j += HH_LANES) {
    const size_t width = hh_smaller(columns - j, HH_LANES);
    float *panel = panels + j * rows;
    const float *block = source + j * stride;
    size_t i = 0;
    if (width == HH_LANES)
      for (; i + HH_LANES <= rows; i += HH_LANES)
        transpose_square(block + i, stride, panel + i * HH_LANES);
    for (; i < rows; i++)
      for (size_t l = 0; l < HH_LANES; l++)
        panel[i * HH_LANES + l] = l < width ? block[l * stride + i] : 0;
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
