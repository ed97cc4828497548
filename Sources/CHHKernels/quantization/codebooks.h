// The codebooks of ggml's IQ types: each entry has a code of 2 (IQ1, IQ2) or 3 bits (IQ3) per
// element, the first element in the lowest bits.
#pragma once
#include <stdint.h>

extern const uint16_t hh_codebook_iq2_xxs[256];
extern const uint16_t hh_codebook_iq2_xs[512];
extern const uint16_t hh_codebook_iq2_s[1024];
extern const uint16_t hh_codebook_iq3_xxs[256];
extern const uint16_t hh_codebook_iq3_s[512];
extern const uint16_t hh_codebook_iq1[2048];
