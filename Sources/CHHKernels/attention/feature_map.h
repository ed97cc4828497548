// The Hedgehog feature map of one head, shared by linear attention and distillation.
//
// phi(x) = [softmax(u), softmax(-u)] with u = x W + b, W of d x f: two separate softmaxes, so
// each half sums to one. Rows of phi hold 2 f features.
#pragma once
#include "vector.h"

/// phi (rows x 2f, dense) of x (rows x d). `u` is scratch of rows * f floats.
void hh_feature_map_rows(
  size_t rows, size_t d, size_t f, const float *x, size_t stride, const float *weight_panels,
  const float *bias, float *u, float *phi);

/// du (rows x f, dense) from phi and dphi (rows x 2f, dense).
void hh_feature_map_rows_backward(
  size_t rows, size_t f, const float *phi, const float *dphi, float *du);

/// phi (2f) of one x (d), with the weights as they are, (d, f). `u` is scratch of f floats.
void hh_feature_map_row(
  size_t d, size_t f, const float *x, const float *weight, const float *bias, float *u,
  float *phi);
