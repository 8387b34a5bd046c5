// SPDX-License-Identifier: Apache-2.0
// RetinaNet's head: the towers that all pyramid levels share.
#include <cmath>

#include "autograd/ops/shape.h"
#include "models/retinanet.h"

namespace cawe::models {
namespace {

constexpr double kStd = 0.01;  // standard deviation of all the head's initial weights

std::unique_ptr<nn::Conv2d> head_conv(int64_t in, int64_t out, double bias) {
  nn::Conv2dOptions o = nn::same_conv(in, out, 3);
  o.bias = true;
  o.weight_init = nn::Init::normal(kStd);
  o.bias_init = nn::Init::constant(bias);
  return std::make_unique<nn::Conv2d>(o);
}

}  // namespace

RetinaNetHead::RetinaNetHead(const RetinaNetConfig& config) : classes_(config.classes) {
  CAWE_CHECK(config.classes > 0 && config.head_convs >= 0, Code::usage, "RetinaNet: ", config.classes,
             " classes, ", config.head_convs, " convolutions a tower (expected at least 1 and 0)");
  CAWE_CHECK(config.prior > 0 && config.prior < 1, Code::usage, "RetinaNet: prior ", config.prior,
             " (expected between 0 and 1)");
  const int64_t per_cell = config.anchors.per_cell();
  classification_ = make_tower("classification_head", config);
  cls_logits_ = head_conv(config.channels, per_cell * classes_, -std::log((1 - config.prior) / config.prior));
  child("classification_head.cls_logits", *cls_logits_);
  regression_ = make_tower("regression_head", config);
  bbox_reg_ = head_conv(config.channels, per_cell * 4, 0);
  child("regression_head.bbox_reg", *bbox_reg_);
}

RetinaNetHead::Tower RetinaNetHead::make_tower(const std::string& name, const RetinaNetConfig& config) {
  Tower tower;
  for (int i = 0; i < config.head_convs; ++i) {
    tower.push_back(head_conv(config.channels, config.channels, 0));
    child(name + ".conv." + std::to_string(i) + ".0", *tower.back());
  }
  return tower;
}

Variable RetinaNetHead::run(Tower& tower, nn::Conv2d& output, const Variable& x, int64_t per_anchor) {
  Variable y = x;
  for (auto& conv : tower) y = conv->forward(y, true);
  // A channels-last map already lies as [N, H, W, A * K].
  y = permute(output.forward(y), {0, 2, 3, 1});
  return reshape(y, {y.dim(0), -1, per_anchor});
}

RetinaNetHead::Output RetinaNetHead::forward(const std::vector<Variable>& levels) {
  std::vector<Variable> logits, deltas;
  for (const Variable& level : levels) {
    logits.push_back(run(classification_, *cls_logits_, level, classes_));
    deltas.push_back(run(regression_, *bbox_reg_, level, 4));
  }
  return {concat(logits, 1), concat(deltas, 1)};
}

}  // namespace cawe::models
