// Products of small matrices: one operand packed into panels of sixteen columns.
//
// A panel matrix of k rows and n columns is ceil(n / 16) panels, each k rows of 16 consecutive
// floats; missing columns are zero. Its size is k * hh_round_up(n) floats.
#pragma once
#include "vector.h"

/// Packs rows x columns (row stride `stride`) into panels.
void hh_pack(size_t rows, size_t columns, const float *source, size_t stride, float *panels);

/// Packs the transpose: `source` has `columns` rows of `rows` elements.
void hh_pack_transposed(
  size_t rows, size_t columns, const float *source, size_t stride, float *panels);

/// C (m x n, row stride ldc) = A (m x k) * panels (k x n), added to C when `accumulate`.
/// A[i][l] is a[i * row_step + l * column_step], so either orientation of A will do. The panels
/// hold `panel_rows` rows, of which the first k are used.
void hh_tile_gemm(
  size_t m, size_t n, size_t k, const float *a, size_t row_step, size_t column_step,
  const float *panels, size_t panel_rows, float *c, size_t ldc, int accumulate);

/// y (n) = x (k) * B (k x n, row stride ldb), without packing.
void hh_row_times(size_t k, size_t n, const float *x, const float *b, size_t ldb, float *y);
