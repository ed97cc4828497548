// SHA-256 (FIPS 180-4) of two messages at a time.
//
// The processor's SHA instructions wait for each other within a message: one message uses half of
// what the unit can do, two uses all of it.
#include "CHHKernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

static const uint32_t constants[64] __attribute__((aligned(16))) = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

#define SHA_TARGET __attribute__((target("sha,sse4.1,ssse3")))
#define SHA_INLINE static inline __attribute__((always_inline)) SHA_TARGET

// The instructions keep the eight words as (a, b, e, f) and (c, d, g, h), the first one on top.
typedef struct {
  __m128i abef, cdgh, saved_abef, saved_cdgh;
  __m128i schedule[4];
} lane;

SHA_INLINE void load(lane *l, const uint32_t *state) {
  const __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xB1);
  const __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1B);
  l->abef = _mm_alignr_epi8(abcd, efgh, 8);
  l->cdgh = _mm_blend_epi16(efgh, abcd, 0xF0);
}

SHA_INLINE void store(const lane *l, uint32_t *state) {
  const __m128i feba = _mm_shuffle_epi32(l->abef, 0x1B);
  const __m128i dchg = _mm_shuffle_epi32(l->cdgh, 0xB1);
  _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xF0));
  _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

// Rounds 4 i to 4 i + 3 of one block.
SHA_INLINE void four_rounds(lane *l, const uint8_t *block, int i) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i *w = l->schedule;
  if (i < 4) {
    w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(block + 16 * i)), big_endian);
  } else {
    const __m128i newest = w[(i + 3) & 3];
    const __m128i partial = _mm_add_epi32(
        _mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]), _mm_alignr_epi8(newest, w[(i + 2) & 3], 4));
    w[i & 3] = _mm_sha256msg2_epu32(partial, newest);
  }
  const __m128i k = _mm_load_si128((const __m128i *)(constants + 4 * i));
  const __m128i sum = _mm_add_epi32(w[i & 3], k);
  l->cdgh = _mm_sha256rnds2_epu32(l->cdgh, l->abef, sum);
  l->abef = _mm_sha256rnds2_epu32(l->abef, l->cdgh, _mm_shuffle_epi32(sum, 0x0E));
}

SHA_INLINE void begin(lane *l) {
  l->saved_abef = l->abef;
  l->saved_cdgh = l->cdgh;
}

SHA_INLINE void finish(lane *l) {
  l->abef = _mm_add_epi32(l->abef, l->saved_abef);
  l->cdgh = _mm_add_epi32(l->cdgh, l->saved_cdgh);
}

SHA_TARGET void hh_sha256(uint32_t *state, const uint8_t *data, size_t blocks) {
  lane a;
  load(&a, state);
  for (; blocks > 0; blocks--, data += 64) {
    begin(&a);
#pragma unroll
    for (int i = 0; i < 16; i++) four_rounds(&a, data, i);
    finish(&a);
  }
  store(&a, state);
}

SHA_TARGET void hh_sha256_pair(
  uint32_t *state_a, const uint8_t *data_a, uint32_t *state_b, const uint8_t *data_b,
  size_t blocks) {
  lane a, b;
  load(&a, state_a);
  load(&b, state_b);
  for (; blocks > 0; blocks--, data_a += 64, data_b += 64) {
    begin(&a);
    begin(&b);
#pragma unroll
    for (int i = 0; i < 16; i++) {
      four_rounds(&a, data_a, i);
      four_rounds(&b, data_b, i);
    }
    finish(&a);
    finish(&b);
  }
  store(&a, state_a);
  store(&b, state_b);
}

int hh_sha256_is_available(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
  if (!(c & bit_SSSE3) || !(c & bit_SSE4_1)) return 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
  return (b & bit_SHA) != 0;
}
#else
int hh_sha256_is_available(void) { return 0; }
void hh_sha256(uint32_t *state, const uint8_t *data, size_t blocks) {
  (void)state, (void)data, (void)blocks;
}
void hh_sha256_pair(
  uint32_t *state_a, const uint8_t *data_a, uint32_t *state_b, const uint8_t *data_b,
  size_t blocks) {
  (void)state_a, (void)data_a, (void)state_b, (void)data_b, (void)blocks;
}
#endif
