// What the processor can do, as far as a library's choice of kernels depends on it.

#include "CHHKernels.h"

int hh_x86_level(void) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("x86-64-v4")) return 4;
  if (__builtin_cpu_supports("x86-64-v3")) return 3;
  return __builtin_cpu_supports("x86-64-v2") ? 2 : 1;
#else
  return 0;
#endif
}

int hh_is_intel(void) {
#if defined(__x86_64__)
  return __builtin_cpu_is("intel") != 0;
#else
  return 0;
#endif
}

int hh_is_amd(void) {
#if defined(__x86_64__)
  return __builtin_cpu_is("amd") != 0;
#else
  return 0;
#endif
}
