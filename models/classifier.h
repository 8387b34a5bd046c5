// SPDX-License-Identifier: Apache-2.0
// The multi-label classifier: ResNet, global average pooling, one linear layer, independent sigmoids. No
// softmax: its outputs sum to 1, so the gradients of the active classes, whose sum class-aware attention
// takes, would cancel.
#pragma once

#include "models/resnet.h"
#include "nn/linear.h"

namespace cawe::models {

/// The ResNet and its number of labels.
struct ClassifierConfig {
  ResNetConfig backbone;
  int64_t labels = 14;
};

/// Parameters have torchvision's names ("conv1.weight" ... "fc.bias").
class Classifier : public nn::Module {
 public:
  explicit Classifier(const ClassifierConfig& config);

  struct Output {
    Variable features;  ///< F = C5 [N, K, h, w], after the last ReLU
    Variable logits;    ///< [N, labels]
  };
  /// x [N, 3, H, W], normalised by the ImageNet mean and standard deviation.
  Output forward(const Variable& x);
  /// Logits of given feature maps.
  Variable head(const Variable& features);

  const ClassifierConfig& config() const { return config_; }
  ResNet& backbone() { return backbone_; }
  const nn::Linear& fc() const { return fc_; }

 private:
  ClassifierConfig config_;
  ResNet backbone_;
  nn::Linear fc_;
};

/// Binary cross-entropy with logits over the batch of all ranks: the sum over unmasked elements / their
/// number (0 where there are none). targets, mask [N, labels]; mask 0 leaves an element out (an "ignore"
/// label), or undefined; pos_weight [labels] or undefined.
Variable multilabel_loss(const Variable& logits, const Tensor& targets, const Tensor& mask = {},
                         const Tensor& pos_weight = {});
/// The factor that turns the batch's mean of each image's summed loss into that mean over elements: images /
/// unmasked elements, of all ranks. mask [N, labels] on the CPU, or undefined.
double multilabel_scale(const Shape& shape, const Tensor& mask);
/// The same loss with that factor given as a tensor of one element, so that no value comes to the host.
Variable multilabel_loss_scaled(const Variable& logits, const Tensor& targets, const Tensor& mask,
                                const Tensor& scale, const Tensor& pos_weight = {});

/// ImageNet's mean and standard deviation of RGB in [0, 1].
constexpr std::array<double, 3> kImageMean{0.485, 0.456, 0.406}, kImageStd{0.229, 0.224, 0.225};
/// Gray [N, 1, H, W] in [0, 1] to the network's input [N, 3, H, W] in `dtype`, on the image's device, in the memory order
/// that its convolutions want (Backend::convolution_layout): three equal channels (or the three given ones), minus mean
/// (0.485, 0.456, 0.406), over standard deviation (0.229, 0.224, 0.225). Computed in the image's type.
Tensor normalise_input(const Tensor& image, DType dtype);
inline Tensor normalise_input(const Tensor& image) { return normalise_input(image, image.dtype()); }
/// Films as data::Batch has them, f32 [N, 1 or 3, H, W] in [0, 1], to the network's input as above: the same numbers but
/// for their last bits, since this one divides.
Tensor normalised_films(const Tensor& films, DType dtype = DType::f32);

}  // namespace cawe::models
