// SPDX-License-Identifier: Apache-2.0
#include "models/fpn.h"

#include <string>

#include "autograd/ops/elementwise.h"
#include "autograd/ops/resize.h"

namespace cawe::models {
namespace {

std::unique_ptr<nn::Conv2d> fpn_conv(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1) {
  nn::Conv2dOptions o = nn::same_conv(in, out, kernel, stride);
  o.bias = true;
  o.weight_init = nn::Init::kaiming_uniform(1);
  return std::make_unique<nn::Conv2d>(o);
}

}  // namespace

Fpn::Fpn(const FpnConfig& config) : config_(config) {
  CAWE_CHECK(!config_.in.empty() && config_.channels > 0 && config_.extra >= 0 && config_.extra <= 2,
             Code::usage, "FPN: ", config_.in.size(), " maps, ", config_.channels, " channels, ",
             config_.extra, " extra levels (expected at least one map, a positive number, 0 to 2)");
  for (size_t i = 0; i < config_.in.size(); ++i) {
    inner_.push_back(fpn_conv(config_.in[i], config_.channels, 1));
    layer_.push_back(fpn_conv(config_.channels, config_.channels, 3));
    child("inner_blocks." + std::to_string(i) + ".0", *inner_.back());
    child("layer_blocks." + std::to_string(i) + ".0", *layer_.back());
  }
  for (int i = 0; i < config_.extra; ++i) {
    const bool from_map = i == 0 && config_.p6_from == P6From::c5;
    extra_.push_back(fpn_conv(from_map ? config_.in.back() : config_.channels, config_.channels, 3, 2));
    child("extra_blocks.p" + std::to_string(6 + i), *extra_.back());
  }
}

std::vector<Variable> Fpn::forward(const std::vector<Variable>& maps) {
  CAWE_CHECK(maps.size() == inner_.size(), Code::internal, "FPN: ", maps.size(), " maps (expected ",
             inner_.size(), ")");
  std::vector<Variable> levels(maps.size());
  Variable top;
  for (size_t i = maps.size(); i-- > 0;) {
    const Variable lateral = inner_[i]->forward(maps[i]);
    top = top.defined() ? upsample_nearest(top, lateral) : lateral;
    levels[i] = layer_[i]->forward(top);
  }
  for (size_t i = 0; i < extra_.size(); ++i) {
    const bool from_map = i == 0 && config_.p6_from == P6From::c5;
    const Variable& from = from_map ? maps.back() : levels.back();
    levels.push_back(extra_[i]->forward(i == 0 ? from : relu(from)));
  }
  return levels;
}

}  // namespace cawe::models
