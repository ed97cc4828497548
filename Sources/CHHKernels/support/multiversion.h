// Function multiversioning: one function, compiled for several instruction sets.
#pragma once

// Compiled for three instruction sets; the loader picks one at start-up. x86 only: elsewhere the
// baseline of the target already has fused multiply-add and wide vectors.
#if defined(__x86_64__)
#define HH_MULTIVERSION \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define HH_MULTIVERSION
#endif

// Small functions that must take on the instruction set of the clone that calls them.
#define HH_INLINE static inline __attribute__((always_inline))
