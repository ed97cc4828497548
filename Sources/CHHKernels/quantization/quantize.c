// Float32 weights as blocks of a ggml type: the way in.
#include "quantize.h"

int hh_quantize(uint32_t type, void *output, const float *values, size_t blocks) {
  switch (type) {
  case 2: case 3: case 6: case 7: case 8: case 34: case 35: case 39:
    hh_quantize_simple(type, output, values, blocks);
    return 1;
  case 10: case 11: case 12: case 13: case 14:
    hh_quantize_super(type, output, values, blocks);
    return 1;
  default:
    return 0;
  }
}
