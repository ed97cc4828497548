// What the forward and the backward pass of softmax attention share.
#pragma once
#include "tile_gemm.h"
#include "vector_math.h"

// Queries per block: eight register tiles of six rows.
enum { HH_QUERY_BLOCK = 48 };

/// Row length of the score block; one vector more than needed keeps rows off the same cache sets.
HH_INLINE size_t hh_score_stride(size_t keys) { return hh_round_up(keys) + HH_LANES; }

/// x = exp(x - max x) over `count` entries, zeros up to `padded`; returns the sum.
HH_INLINE float hh_exponentials(float *x, size_t count, size_t padded) {
  const float lowest = -__builtin_inff();
  for (size_t j = count; j < hh_round_up(count); j++) x[j] = lowest;
  hh_vec top = hh_splat(lowest);
  for (size_t j = 0; j < count; j += HH_LANES) {
    const hh_vec v = hh_load(x + j);
    top = hh_max(top, v);
  }
  const float peak = hh_largest(&top);
  hh_vec sum = {0};
  for (size_t j = 0; j < count; j += HH_LANES) {
    hh_vec e = hh_load(x + j) - peak;
    hh_exp(&e);
    sum += e;
    hh_store(x + j, e);
  }
  for (size_t j = hh_round_up(count); j < padded; j++) x[j] = 0;
  return hh_sum(&sum);
}
