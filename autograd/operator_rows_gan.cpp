// SPDX-License-Identifier: Apache-2.0
// The table's rows of the colorization GAN: pixel shuffle, blur, normalised weights, content loss.
#include "autograd/ops/content_loss.h"
#include "autograd/ops/shuffle.h"
#include "autograd/ops/weight_norms.h"
#include "autograd/rows/rows.h"

namespace cawe {
namespace {

/// A weight stays f32 where images have 16 bits.
CaseInput channels_last_parameter(const Shape& shape) { return {shape, Values::free, true, true, true}; }

/// Normal numbers of w's dtype on its device: u or v.
Tensor direction(const Variable& w, const std::string& which, int64_t n) {
  const Random random(13, which);
  std::vector<float> x;
  for (int64_t i = 0; i < n; ++i) x.push_back(float(random.normal(uint64_t(i))));
  return beside(w, Tensor::from(x, {n}));
}

OperatorRow spectral_norm_row() {
  const auto call = [](bool iterate) {
    return [iterate](const In& in) {
      Tensor u = direction(in[0], "u", in[0].dim(0)), v = direction(in[0], "v", in[0].numel() / in[0].dim(0));
      return spectral_norm(in[0], u, v, iterate);
    };
  };
  // The gradient takes u and v as constants, so differences agree with it where they stay: without a power
  // iteration, and for a single row, of which u is 1 or -1 and the iteration's change of v has no slope.
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

/// A map of the real images, 0 or 1/8 by coins: nearer to 0 than the numbers of the generated ones' map are.
Tensor real_map(const Variable& a, bool channels_last) {
  const Tensor ones = coins(a.shape(), a);
  Tensor b = Tensor::like(ones);
  backend(b.device()).unary(UnaryOp::affine, 0.125, 0, ones, b);
  return channels_last ? b.channels_last() : b;
}

OperatorRow content_loss_row() {
  return {"content_loss",
          {"content_loss", "scale_each"},
          {{{image({2, 3, 4, 5}, Values::apart), contiguous({2, 7}, Values::apart)},
            [](const In& in) {
              return content_loss(in, {real_map(in[0], true), real_map(in[1], false)}, {0.5, 0.25});
            }},
           {{image({3, 5, 3, 3}, Values::apart)},
            [](const In& in) { return content_loss(in, {real_map(in[0], false)}, {0.01}); }},
           {{contiguous({9, 2, 33, 31}, Values::apart)},
            [](const In& in) { return content_loss(in, {real_map(in[0], false)}, {1.0 / 2048}); }}}};
}

}  // namespace

std::vector<OperatorRow> gan_operator_rows() {
  const auto shuffle = [](const In& in) { return pixel_shuffle(in[0]); };
  const auto smooth = [](const In& in) { return blur(in[0]); };
  return {{"pixel_shuffle",
           {"pixel_shuffle", "pixel_shuffle_grad"},
           {{{image({2, 8, 3, 5})}, shuffle},
            {{contiguous({1, 4, 2, 3})}, shuffle},
            {{image({3, 36, 1, 4})}, shuffle},
            {{contiguous({2, 12, 7, 2})}, shuffle}}},
          {"blur",
           {"blur", "blur_grad"},
           {{{image({2, 3, 5, 4})}, smooth},
            {{contiguous({1, 2, 4, 3})}, smooth},
            {{image({2, 9, 1, 1})}, smooth},
            {{image({1, 16, 1, 5})}, smooth},
            {{contiguous({2, 1, 6, 1})}, smooth}}},
          spectral_norm_row(),
          weight_norm_row(),
          content_loss_row()};
}

}  // namespace cawe
