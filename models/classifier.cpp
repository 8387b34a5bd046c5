// SPDX-License-Identifier: Apache-2.0
#include "models/classifier.h"

#include <algorithm>

#include "autograd/ops/elementwise.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/pooling.h"
#include "nn/precision.h"
#include "tensor/backend.h"
#include "tensor/communicator.h"
#include "tensor/primitives/batch_norm.h"
#include "tensor/primitives/films.h"
#include "tensor/primitives/reductions.h"

namespace cawe::models {
namespace {

Tensor of_channels(const std::array<double, 3>& values, const Tensor& as) {
  const Tensor t = Tensor::from(std::vector<double>(values.begin(), values.end()), {3});
  return t.to(as.dtype()).to(as.device());
}

}  // namespace

Classifier::Classifier(const ClassifierConfig& config)
    : config_(config), backbone_(config.backbone), fc_(backbone_.stages().channels[3], config.labels) {
  child("", backbone_);
  child("fc", fc_);
}

Classifier::Output Classifier::forward(const Variable& x) {
  Output out;
  out.features = backbone_.forward(x).back();
  out.logits = head(out.features);
  return out;
}

Variable Classifier::head(const Variable& features) { return fc_.forward(global_avg_pool(features)); }

double multilabel_scale(const Shape& shape, const Tensor& mask) {
  double counts[2] = {double(shape[0]), double(shape.numel())};  // images, elements that count
  if (mask.defined()) {
    Tensor sum = Tensor::zeros({}, mask.dtype());
    primitives::sum_to(mask, sum);
    counts[1] = sum.item();
  }
  current_communicator().all_reduce_sum(counts, 2);
  return counts[0] / std::max(1.0, counts[1]);
}

Variable multilabel_loss(const Variable& logits, const Tensor& targets, const Tensor& mask,
                         const Tensor& pos_weight) {
  const double scale = multilabel_scale(logits.shape(), mask.defined() ? mask.to(Device::cpu) : mask);
  return affine(batch_mean(bce_with_logits(nn::at_least_f32(logits), targets, mask, pos_weight)), scale);
}

Variable multilabel_loss_scaled(const Variable& logits, const Tensor& targets, const Tensor& mask,
                                const Tensor& scale, const Tensor& pos_weight) {
  return mul(batch_mean(bce_with_logits(nn::at_least_f32(logits), targets, mask, pos_weight)),
             Variable(scale.reshape({})));
}

Tensor normalise_input(const Tensor& image, DType dtype) {
  CAWE_CHECK(image.rank() == 4 && (image.dim(1) == 1 || image.dim(1) == 3), Code::shape,
             "normalise_input: an image of shape ", image.shape(), " (expected [N, 1 or 3, H, W])");
  const Shape shape{image.dim(0), 3, image.dim(2), image.dim(3)};
  std::array<double, 3> scale, shift;
  for (size_t c = 0; c < 3; ++c) {
    scale[c] = 1 / kImageStd[c];
    shift[c] = -kImageMean[c] / kImageStd[c];
  }
  // In the memory order of what comes out, which converting keeps.
  Tensor y =
      Tensor::empty(shape, image.dtype(), backend(image.device()).convolution_layout(dtype), image.device());
  primitives::channel_affine(image.expand(shape), of_channels(scale, image), of_channels(shift, image), {},
                             false, y);
  return y.to(dtype);
}

Tensor normalised_films(const Tensor& films, DType dtype) {
  CAWE_CHECK(films.rank() == 4 && (films.dim(1) == 1 || films.dim(1) == 3) && films.dtype() == DType::f32,
             Code::shape, "normalised_films: films of shape ", films.shape(), " ", name(films.dtype()),
             " (expected [N, 1 or 3, H, W] f32)");
  NormaliseParams p;
  for (size_t c = 0; c < 3; ++c) {
    p.mean[c] = float(kImageMean[c]);
    p.stddev[c] = float(kImageStd[c]);
  }
  Tensor y = Tensor::empty({films.dim(0), 3, films.dim(2), films.dim(3)}, dtype,
                           backend(films.device()).convolution_layout(dtype), films.device());
  primitives::normalise_films(films, p, y);
  return y;
}

}  // namespace cawe::models
