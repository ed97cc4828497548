// Softmax attention of one key/value head, a block of queries at a time.
#include "CHHKernels.h"
#include "softmax_block.h"

enum { BLOCK = HH_QUERY_BLOCK };

size_t hh_softmax_attention_scratch(size_t keys, size_t head_size) {
  return hh_round_up(keys) * head_size + keys * hh_round_up(head_size) + BLOCK * head_size
         + BLOCK * hh_score_stride(keys);
}

HH_MULTIVERSION
void hh_softmax_attention_forward(const hh_softmax_item *item, float scale) {
  const size_t d = item->head_size, n = item->keys, ld = hh_score_stride(n);
  float *key_panels = item->scratch;
  float *value_panels = key_panels + hh_round_up(n) * d;
  float *queries = value_panels + n * hh_round_up(d);
  float *scores = queries + BLOCK * d;
  hh_pack_transposed(d, n, item->k, item->k_stride, key_panels);
  hh_pack(n, d, item->v, item->v_stride, value_panels);
  for (size_t g = 0; g < item->group; g++) {
    for (size_t start = 0; start < item->length; start += BLOCK) {
      const size_t rows = hh_smaller(item->length - start, BLOCK);
      // With a causal mask the keys after the block's last query are never looked at.
      const size_t keys = item->causal ? hh_smaller(n, start + rows) : n;
      for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < d; j++)
          queries[i * d + j] = item->q[(start + i) * item->q_stride + g * d + j] * scale;
      hh_tile_gemm(rows, keys, d, queries, d, 1, key_panels, d, scores, ld, 0);
      float sums[BLOCK];
      for (size_t i = 0; i < rows; i++) {
        const size_t count = item->causal ? hh_smaller(n, start + i + 1) : n;
        sums[i] = hh_exponentials(scores + i * ld, count, keys);
      }
      float *out = item->out + start * item->out_stride + g * d;
      hh_tile_gemm(
        rows, d, keys, scores, ld, 1, value_panels, n, out, item->out_stride, 0);
      for (size_t i = 0; i < rows; i++) {
        const float inverse = keys > 0 ? 1.0f / sums[i] : 0;
        for (size_t j = 0; j < d; j++) out[i * item->out_stride + j] *= inverse;
      }
    }
  }
}
