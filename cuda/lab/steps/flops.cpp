// SPDX-License-Identifier: Apache-2.0
#include "cuda/lab/steps/flops.h"

namespace cawe::on_emulator {
namespace {

/// w [O, C / groups, KH, KW]: each number of y [.., O, .., ..] is a sum of C / groups KH KW products.
double convolution(const Tensor& w, const Tensor& y) {
  return 2.0 * double(y.numel()) * double(w.numel()) / double(w.dim(0));
}

/// y [.., M, N] from p with M K numbers for each matrix.
double product(const Tensor& p, const Tensor& y) {
  const double n = double(y.dim(y.rank() - 1));
  return y.numel() == 0 ? 0 : 2.0 * double(p.numel()) * n;
}

/// Scores of every query and key are `products` sums over `depth` and values over `channels`.
double attention(const Tensor& q, const Tensor& v, double over_depth, double over_channels) {
  const double pairs = double(q.dim(0)) * double(q.dim(1)) * double(v.dim(1));
  return 2.0 * pairs * (over_depth * double(q.dim(2)) + over_channels * double(v.dim(2)));
}

}  // namespace

double flops_of(std::string_view primitive, const std::vector<Tensor>& t) {
  if (primitive == "conv2d") return convolution(t[1], t[3]);              // x w bias y
  if (primitive == "conv2d_grad_input") return convolution(t[1], t[0]);   // dy w dx
  if (primitive == "conv2d_grad_weight") return convolution(t[2], t[1]);  // x dy dw dbias
  if (primitive == "matmul") return product(t[0], t[2]);                  // p q y
  if (primitive == "linear") return product(t[0], t[3]);                  // x w bias y
  if (primitive == "linear_grad_input") return product(t[0], t[2]);       // dy w dx
  if (primitive == "linear_grad_weight") return product(t[1], t[2]);      // x dy dw dbias
  if (primitive == "attention") return attention(t[0], t[2], 1, 1);       // q k v y seen
  if (primitive == "attention_grad") return attention(t[0], t[2], 3, 2);  // q k v y seen dy ..
  return 0;
}

}  // namespace cawe::on_emulator
