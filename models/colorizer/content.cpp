// SPDX-License-Identifier: Apache-2.0
#include "models/colorizer/content.h"

#include <algorithm>
#include <cstdlib>

#include "autograd/ops/content_loss.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/reductions.h"
#include "nn/precision.h"
#include "tensor/text.h"

namespace cawe::models {
namespace {

const std::vector<std::string> kNames{"none", "resnet34", "vgg16_bn", "vgg19"};

int64_t layer_index(Phi phi, const std::string& layer) {
  const std::string digits = phi == Phi::resnet34 ? layer.substr(std::min<size_t>(5, layer.size())) : layer;
  const bool number =
      !digits.empty() && digits.size() < 4 && digits.find_first_not_of("0123456789") == std::string::npos;
  const int64_t value = number ? std::atoll(digits.c_str()) : -1;
  if (phi == Phi::resnet34) {
    CAWE_CHECK(layer.rfind("layer", 0) == 0 && value >= 1 && value <= 4, Code::usage,
               "gan.phi_layers names \"", layer, "\" (expected layer1 to layer4 for resnet34)");
    return value - 1;
  }
  CAWE_CHECK(number, Code::usage, "gan.phi_layers names \"", layer, "\" (expected indices of features for ",
             name(phi), ", such as ", phi == Phi::vgg19 ? "35)" : "22, 32, 42)");
  return value;
}

}  // namespace

Phi phi(const std::string& name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  CAWE_CHECK(found != kNames.end(), Code::usage, "gan.phi is \"", name, "\" (expected one of ",
             listed(kNames), "; nearest: ", nearest_name(name, kNames), ")");
  return Phi(found - kNames.begin());
}

const char* name(Phi phi) { return kNames[size_t(phi)].c_str(); }

ContentConfig content_config(Phi phi) {
  ContentConfig c;
  c.phi = phi;
  if (phi == Phi::none) c.layers = {}, c.weights = {};
  if (phi == Phi::vgg16_bn) c.layers = {"22", "32", "42"}, c.weights = {20, 70, 10};
  if (phi == Phi::vgg19) c.layers = {"35"}, c.weights = {0.006}, c.loss = PhiLoss::mse;
  return c;
}

ContentLoss::ContentLoss(const ContentConfig& config) : config_(config) {
  CAWE_CHECK(config_.layers.size() == config_.weights.size(), Code::usage,
             "content loss: ", config_.layers.size(), " layers and ", config_.weights.size(),
             " weights (expected as many)");
  if (config_.phi == Phi::none) {
    CAWE_CHECK(config_.layers.empty(), Code::usage, "content loss: phi \"none\" has no layers");
    return;
  }
  for (const std::string& layer : config_.layers) indices_.push_back(layer_index(config_.phi, layer));
  CAWE_CHECK(std::is_sorted(indices_.begin(), indices_.end()) && !indices_.empty(), Code::usage,
             "content loss: phi's layers must be named in ascending order, one at least");
  if (config_.phi == Phi::resnet34) {
    ResNetConfig r;
    r.depth = config_.depth;
    r.width = config_.width;
    resnet_ = std::make_unique<ResNet>(r);
  } else {
    const bool deep = config_.phi == Phi::vgg19;
    vgg_ = std::make_unique<VggFeatures>(VggConfig{deep ? 19 : 16, !deep, config_.width});
    vgg_->check_relus(indices_, "gan.phi_layers");
  }
  module()->set_requires_grad(false);
  module()->freeze_mode();
}

nn::Module* ContentLoss::module() {
  return resnet_ ? static_cast<nn::Module*>(resnet_.get()) : static_cast<nn::Module*>(vgg_.get());
}

void ContentLoss::load(const NamedTensors& weights, const std::string& source) {
  if (module() == nullptr) return;
  NamedTensors body;
  for (const auto& [name, t] : weights)
    if (name.rfind("fc.", 0) != 0 && name.rfind("classifier.", 0) != 0) body[name] = t;
  load_weights(*module(), body, {}, source);
  loaded_ = true;
}

void ContentLoss::to(DType dtype) {
  if (module() != nullptr) module()->to(dtype);
}
void ContentLoss::to(Device device, DType computed) {
  if (module() != nullptr) module()->to(device, computed);
}

std::vector<Variable> ContentLoss::maps(const Variable& x) {
  if (config_.phi == Phi::none) return {};
  CAWE_CHECK(loaded_, Code::usage, "content loss: phi (", name(config_.phi),
             ") has random weights, whose maps say nothing of an image. Name a pretrained network in "
             "gan.phi_init, or set gan.phi = \"none\"");
  if (vgg_) return vgg_->forward(x, indices_);
  const std::vector<Variable> stages = resnet_->stages_of(resnet_->stem(x), size_t(indices_.back() + 1));
  std::vector<Variable> out;
  for (const int64_t i : indices_) out.push_back(stages[size_t(i)]);
  return out;
}

Variable ContentLoss::forward(const Variable& generated, const Tensor& real, int64_t global_items) {
  std::vector<Variable> ours{generated};
  std::vector<Tensor> theirs{real};
  for (const Variable& map : maps(generated)) ours.push_back(map);
  {
    const NoGrad no_history;
    for (const Variable& map : maps(Variable(real))) theirs.push_back(map.value());
  }
  if (config_.loss == PhiLoss::mse && ours.size() > 1)
    return add(content_loss({ours[0]}, {theirs[0]}, {weight(ours[0], 0, global_items)}),
               mean_squares(ours, theirs));
  std::vector<double> weights;
  for (size_t i = 0; i < ours.size(); ++i) weights.push_back(weight(ours[i], i, global_items));
  return content_loss(ours, theirs, weights);
}

double ContentLoss::weight(const Variable& map, size_t i, int64_t items) const {
  const double cells = double(map.dim(2)) * double(map.dim(3));
  const bool channels = i == 0 || config_.per_channel;  // pixels are always a plain mean
  const double lambda = i == 0 ? 1 : config_.weights[i - 1];
  return lambda / (cells * (channels ? double(map.dim(1)) : 1.0)) / double(items);
}

Variable ContentLoss::mean_squares(const std::vector<Variable>& ours,
                                   const std::vector<Tensor>& theirs) const {
  Variable all;
  for (size_t i = 1; i < ours.size(); ++i) {
    const Variable difference = sub(nn::at_least_f32(ours[i]), nn::at_least_f32(Variable(theirs[i])));
    const Variable of_image = affine(sum(square(difference), {1, 2, 3}), weight(ours[i], i, 1));
    const Variable one = batch_mean(of_image);
    all = all.defined() ? add(all, one) : one;
  }
  return all;
}

}  // namespace cawe::models
