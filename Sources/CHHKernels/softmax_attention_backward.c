// Backward pass of softmax attention of one key/value head, a block of queries at a time.
//
// With P the weights and o = P v:  dv = P^T do,  dS_ij = P_ij (do_i . v_j - do_i . o_i),
// dq = scale dS k,  dk = scale dS^T q (FlashAttention, arXiv 2205.14135, appendix B.2).
#include "CHHKernels.h"
#include "softmax_block.h"

enum { BLOCK = HH_QUERY_BLOCK };

// Where the parts of the scratch space start; n keys, d = head size.
typedef struct {
  float *key_columns;    // panels of (d, n): the keys, transposed
  float *value_columns;  // panels of (d, n)
  float *key_rows;       // panels of (n, d)
  float *queries;        // (BLOCK, d), scaled
  float *query_rows;     // panels of (BLOCK, d)
  float *dout_rows;      // panels of (BLOCK, d)
  float *scores;         // (BLOCK, ld); later P
  float *dscores;        // (BLOCK, ld)
} workspace;

/// Lays the scratch space out from `base` and returns the number of floats it takes.
static size_t lay_out(workspace *w, float *base, size_t n, size_t d) {
  size_t used = 0;
#define PLACE(part, count) (w->part = base ? base + used : NULL, used += hh_round_up(count))
  PLACE(key_columns, d * hh_round_up(n));
  PLACE(value_columns, d * hh_round_up(n));
  PLACE(key_rows, n * hh_round_up(d));
  PLACE(queries, BLOCK * d);
  PLACE(query_rows, BLOCK * hh_round_up(d));
  PLACE(dout_rows, BLOCK * hh_round_up(d));
  PLACE(scores, BLOCK * hh_score_stride(n));
  PLACE(dscores, BLOCK * hh_score_stride(n));
#undef PLACE
  return used;
}

size_t hh_softmax_attention_backward_scratch(size_t keys, size_t head_size) {
  workspace w;
  return lay_out(&w, NULL, keys, head_size);
}

/// Scores become P and dP becomes dS, row by row of a block.
HH_MULTIVERSION
static void differentiate_rows(
  const workspace *w, const hh_softmax_item *item, const hh_softmax_gradients *gradients,
  size_t start, size_t rows, size_t keys, size_t head) {
  const size_t d = item->head_size, n = item->keys, ld = hh_score_stride(n);
  for (size_t i = 0; i < rows; i++) {
    const size_t count = item->causal ? hh_smaller(n, start + i + 1) : n;
    float *p = w->scores + i * ld, *ds = w->dscores + i * ld;
    const float inverse = 1.0f / hh_exponentials(p, count, keys);
    const float *out = item->out + (start + i) * item->out_stride + head * d;
    const float *dout = gradients->dout + (start + i) * gradients->dout_stride + head * d;
    const float mean = hh_dot(out, dout, d);
    for (size_t j = 0; j < keys; j++) {
      p[j] *= inverse;
      ds[j] = p[j] * (ds[j] - mean);
    }
  }
}

HH_MULTIVERSION
static void scale_rows(size_t rows, size_t columns, float *x, size_t stride, float scale) {
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < columns; j++) x[i * stride + j] *= scale;
}

void hh_softmax_attention_backward(
  const hh_softmax_item *item, const hh_softmax_gradients *gradients, float scale) {
  const size_t d = item->head_size, n = item->keys, ld = hh_score_stride(n);
  workspace w;
  lay_out(&w, item->scratch, n, d);
  if (n > 0) {
    hh_pack_transposed(d, n, item->k, item->k_stride, w.key_columns);
    hh_pack_transposed(d, n, item->v, item->v_stride, w.value_columns);
    hh_pack(n, d, item->k, item->k_stride, w.key_rows);
  }
  for (size_t g = 0; g < item->group; g++) {
    for (size_t start = 0; start < n; start += BLOCK) {
      const size_t rows = hh_smaller(n - start, BLOCK);
      // With a causal mask the keys after the block's last query are never looked at.
      const size_t keys = item->causal ? start + rows : n;
      for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < d; j++)
          w.queries[i * d + j] = item->q[(start + i) * item->q_stride + g * d + j] * scale;
      const float *dout = gradients->dout + start * gradients->dout_stride + g * d;
      hh_tile_gemm(rows, keys, d, w.queries, d, 1, w.key_columns, d, w.scores, ld, 0);
      hh_tile_gemm(
        rows, keys, d, dout, gradients->dout_stride, 1, w.value_columns, d, w.dscores, ld, 0);
      differentiate_rows(&w, item, gradients, start, rows, keys, g);
      float *dq = gradients->dq + start * gradients->dq_stride + g * d;
      hh_tile_gemm(
        rows, d, keys, w.dscores, ld, 1, w.key_rows, n, dq, gradients->dq_stride, 0);
      scale_rows(rows, d, dq, gradients->dq_stride, scale);
      hh_pack(rows, d, w.queries, d, w.query_rows);
      hh_tile_gemm(
        keys, d, rows, w.dscores, 1, ld, w.query_rows, rows, gradients->dk,
        gradients->dk_stride, 1);
      hh_pack(rows, d, dout, gradients->dout_stride, w.dout_rows);
      hh_tile_gemm(
        keys, d, rows, w.scores, 1, ld, w.dout_rows, rows, gradients->dv, gradients->dv_stride,
        1);
    }
    for (size_t i = n; i < item->length; i++)
      memset(gradients->dq + i * gradients->dq_stride + g * d, 0, d * sizeof(float));
  }
}
