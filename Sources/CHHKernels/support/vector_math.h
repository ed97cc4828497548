// exp, log, erf and tanh of a vector in place, without calls into libm.
#pragma once
#include "vector.h"

/// e^x within about 1 ulp; 0 below -87.3, the largest finite value's neighbourhood above 88.3.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2 (ln 2 in two parts), then Cephes' polynomial of degree 7.
HH_INLINE void hh_exp(hh_vec *value) {
  hh_vec x = *value;
  const hh_vec low = hh_splat(-87.3f);
  const hh_ivec underflow = x < low;
  x = hh_max(x, low);
  x = hh_min(x, hh_splat(88.3f));
  // Adding and taking away 1.5 * 2^23 rounds to the nearest integer.
  const hh_vec magic = hh_splat(12582912.0f);
  const hh_vec shifted = x * 1.44269504f + magic;
  const hh_vec n = shifted - magic;
  hh_vec r = x - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  hh_vec p = hh_splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  // The low bits of `shifted` hold n; move it into the exponent field.
  const hh_ivec power = ((hh_ivec)shifted - (hh_ivec)magic + 127) << 23;
  *value = (hh_vec)(~underflow & (hh_ivec)(p * (hh_vec)power));
}

/// Natural logarithm within about 1 ulp for positive normal numbers.
///
/// x = m 2^e with m in [sqrt(1/2), sqrt(2)), then Cephes' polynomial in m - 1.
HH_INLINE void hh_log(hh_vec *value) {
  hh_vec x = *value;
  const hh_ivec bits = (hh_ivec)x;
  // 0x3f3504f3 is sqrt(1/2): subtracting it first makes the exponent field round as wanted.
  const hh_ivec offset = bits - 0x3f3504f3;
  const hh_ivec exponent = offset >> 23;
  const hh_vec m = (hh_vec)(bits - (exponent << 23));
  const hh_vec e = __builtin_convertvector(exponent, hh_vec);
  const hh_vec t = m - 1.0f;
  const hh_vec z = t * t;
  hh_vec p = hh_splat(7.0376836292e-2f);
  p = p * t - 1.1514610310e-1f;
  p = p * t + 1.1676998740e-1f;
  p = p * t - 1.2420140846e-1f;
  p = p * t + 1.4249322787e-1f;
  p = p * t - 1.6668057665e-1f;
  p = p * t + 2.0000714765e-1f;
  p = p * t - 2.4999993993e-1f;
  p = p * t + 3.3333331174e-1f;
  hh_vec y = p * t * z;
  y = y + e * -2.12194440e-4f;
  y = y - z * 0.5f;
  *value = (t + y) + e * 0.693359375f;
}

/// Error function within about 1 ulp: a polynomial in x^2 for small |x|, 1 - e^polynomial(|x|)
/// for the rest, which is 1 from |x| = 4 on.
HH_INLINE void hh_erf(hh_vec *value) {
  const hh_vec x = *value;
  const hh_ivec sign = (hh_ivec)x & (int32_t)0x80000000;
  const hh_vec t = (hh_vec)((hh_ivec)x ^ sign);
  const hh_vec s = x * x;
  hh_vec near = hh_splat(-5.96761703e-4f);
  near = near * s + 4.99119423e-3f;
  near = near * s - 2.67681349e-2f;
  near = near * s + 1.12819925e-1f;
  near = near * s - 3.76125336e-1f;
  near = near * s + 1.28379166e-1f;
  near = near * x + x;
  const hh_vec limit = hh_splat(4.0f);
  const hh_vec c = hh_min(t, limit);
  hh_vec far = c * -1.72853470e-5f + 3.83197126e-4f;
  far = far * c - 3.88396438e-3f;
  far = far * c + 2.42546219e-2f;
  far = far * c - 1.06777877e-1f;
  far = far * c - 6.34846687e-1f;
  far = far * c - 1.28717512e-1f;
  far = far * c - c;
  hh_exp(&far);
  far = 1.0f - far;
  far = (hh_vec)((hh_ivec)far | sign);
  *value = hh_select(t > 0.927734375f, far, near);
}

/// Hyperbolic tangent within 4e-7, as a ratio of polynomials in x^2 on [-7.9, 7.9].
HH_INLINE void hh_tanh(hh_vec *value) {
  hh_vec x = *value;
  const float limit = 7.90531110763549805f;
  x = hh_max(x, hh_splat(-limit));
  x = hh_min(x, hh_splat(limit));
  const hh_vec s = x * x;
  hh_vec p = hh_splat(-2.76076847742355e-16f);
  p = p * s + 2.00018790482477e-13f;
  p = p * s - 8.60467152213735e-11f;
  p = p * s + 5.12229709037114e-08f;
  p = p * s + 1.48572235717979e-05f;
  p = p * s + 6.37261928875436e-04f;
  p = p * s + 4.89352455891786e-03f;
  hh_vec q = hh_splat(1.19825839466702e-06f);
  q = q * s + 1.18534705686654e-04f;
  q = q * s + 2.26843463243900e-03f;
  q = q * s + 4.89352518554385e-03f;
  *value = x * p / q;
}
