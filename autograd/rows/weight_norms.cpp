// SPDX-License-Identifier: Apache-2.0
// Rows of spectral and weight norm.
#include "autograd/ops/weight_norms.h"
#include "autograd/rows/rows.h"
#include "tensor/primitives/backend.h"

namespace cawe {
namespace {

/// A weight: stays f32 where images are in 16 bits.
CaseInput channels_last_parameter(const Shape& shape) { return {shape, Values::free, true, true, true}; }

/// u or v: normal numbers of w's dtype on its device.
Tensor direction(const Variable& w, const std::string& which, int64_t n) {
  const Random random(13, which);
  std::vector<float> x;
  for (int64_t i = 0; i < n; ++i) x.push_back(float(random.normal(uint64_t(i))));
  return state_beside(w, Tensor::from(x, {n}));
}

OperatorRow spectral_norm_row() {
  const auto call = [](bool iterate) {
    return [iterate](const In& in) {
      Tensor u = direction(in[0], "u", in[0].dim(0)), v = direction(in[0], "v", in[0].numel() / in[0].dim(0));
      return spectral_norm(in[0], u, v, iterate);
    };
  };
  // The gradient takes u and v as constants, so central differences agree with it only where they do not
  // change: without a power iteration, and for a single row (u is 1 or -1 there, and v's change has no
  // slope).
  return {"spectral_norm",
          {"spectral_norm", "spectral_norm_grad"},
          {{{parameter({6, 5})}, call(false)},
           {{parameter({4, 3, 3, 2})}, call(false)},
           {{channels_last_parameter({4, 3, 3, 2})}, call(false)},
           {{parameter({3, 1101})}, call(false)},
           {{parameter({1, 9})}, call(true)}}};
}

OperatorRow weight_norm_row() {
  const auto call = [](const In& in) { return weight_norm(in[0], in[1]); };
  return {"weight_norm",
          {"weight_norm", "weight_norm_grad"},
          {{{parameter({5, 7}), parameter({5, 1})}, call},
           {{parameter({4, 3, 3, 2}), parameter({4})}, call},
           {{channels_last_parameter({8, 3, 2, 2}), parameter({8, 1, 1, 1})}, call},
           {{parameter({2, 300}), parameter({2, 1})}, call}}};
}

/// Two power iterations on a weight that leans towards one direction: a matrix of odd sizes, a convolution's
/// weight in the backend's preferred memory order, one row; and one without iteration.
std::vector<Tensor> run_spectral_norm(PrimitiveBackend& b, int64_t variant) {
  const Shape shapes[] = {{37, 1101}, {12, 6, 3, 3}, {1, 40}, {9, 5}};
  const Shape shape = shapes[variant];
  const int64_t rows = shape[0], columns = shape.numel() / rows;
  const Layout layout = variant == 1 ? Layout::channels_last : Layout::contiguous;
  const Tensor w = numbers(b, shape, "spectral w", -0.5, 1, layout);
  Tensor u = state(b, {rows}, "spectral u"), v = state(b, {columns}, "spectral v"), sigma = room(b, {1}),
         y = room(b, shape, DType::f32, layout);
  for (int i = 0; i < 2; ++i) b.spectral_norm(w, variant != 3, 1e-12, u, v, sigma, y);
  return {u, v, sigma, y};
}

}  // namespace

std::vector<OperatorRow> weight_norms_operator_rows() { return {spectral_norm_row(), weight_norm_row()}; }

std::vector<PrimitiveRow> weight_norms_primitive_rows() {
  return {{"spectral_norm_steps", run_spectral_norm, 4, false, "spectral_norm"}};
}

}  // namespace cawe
