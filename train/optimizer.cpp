// SPDX-License-Identifier: Apache-2.0
#include "train/optimizer.h"

#include <algorithm>
#include <cmath>

#include "tensor/parallel.h"
#include "tensor/primitives/memory.h"
#include "tensor/primitives/optimizers.h"

namespace cawe::train {

OptimizerOptions optimizer_from(const Recipe& recipe) {
  OptimizerOptions o;
  const std::string kind = recipe.word("train.optimizer");
  o.kind = kind == "sgd"    ? OptimizerOptions::Kind::sgd
           : kind == "adam" ? OptimizerOptions::Kind::adam
                            : OptimizerOptions::Kind::adamw;
  o.momentum = recipe.number("train.momentum");
  o.beta1 = recipe.number("train.beta1");
  o.beta2 = recipe.number("train.beta2");
  o.eps = recipe.number("train.eps");
  o.weight_decay = recipe.number("train.weight_decay");
  o.clip = recipe.number("train.clip");
  return o;
}

Optimizer::Optimizer(nn::Module& module, const OptimizerOptions& options) : options_(options) {
  for (const auto& p : module.parameters()) {
    if (!p.variable->requires_grad()) continue;
    Slot slot{p.name,
              p.variable,
              Tensor::like(p.variable->value()),
              {},
              options_.share_of_rate ? options_.share_of_rate(p.name) : 1};
    shares_.insert(slot.share);
    slot.m.fill(0);
    if (options_.kind != OptimizerOptions::Kind::sgd) {
      slot.v = Tensor::like(slot.m);
      slot.v.fill(0);
    }
    p.variable->slot()->shared_by_ranks = p.variable->slot()->may_stay_narrow = true;
    slots_.push_back(slot);
  }
  CAWE_CHECK(!slots_.empty(), Code::usage, "nothing to train: no parameter requires a gradient");
}

std::unique_ptr<HostCopy> Optimizer::measure(double loss_scale, const std::vector<Tensor>& losses,
                                             const std::vector<Tensor>& others) {
  const Lists lists = with_gradients();
  const Device device = lists.g.empty() ? Device::cpu : lists.g[0].device();
  const auto count = int64_t(losses.size() + others.size());
  Tensor all = Tensor::empty({3 + count}, DType::f64, Layout::contiguous, device);
  std::vector<Tensor> from, to;
  for (const std::vector<Tensor>* numbers : {&losses, &others})
    for (const Tensor& number : *numbers) {
      const auto at = int64_t(3 + from.size());
      from.push_back(number.to(device).reshape({1}));
      to.push_back(all.slice(0, at, at + 1));
    }
  primitives::copy_list(from, to);
  Tensor measured = all.slice(0, 0, 3 + int64_t(losses.size()));
  primitives::gradient_norm(lists.g, options_.clip, loss_scale, measured);
  factor_ = all.slice(0, 2, 3);
  return backend(device).begin_host_copy(all);
}

Optimizer::Told Optimizer::told(HostCopy& measured) {
  const std::vector<double> values = measured.wait().to_vector<double>();
  return {values[1], {values.begin() + 3, values.end()}};
}

Optimizer::Told Optimizer::clip_gradients(double loss_scale, const std::vector<Tensor>& numbers) {
  return told(*measure(loss_scale, {}, numbers));
}

Optimizer::Lists Optimizer::with_gradients(std::optional<double> share) const {
  Lists lists;
  for (const Slot& s : slots_) {
    if (!s.parameter->grad().defined() || (share && s.share != *share)) continue;
    lists.p.push_back(s.parameter->value());
    lists.g.push_back(s.parameter->grad());
    lists.m.push_back(s.m);
    lists.v.push_back(s.v);
  }
  return lists;
}

void Optimizer::step(double lr, std::optional<double> beta1) {
  ++step_;
  for (const double share : shares_) apply(with_gradients(share), lr * share, beta1.value_or(options_.beta1));
  for (Slot& s : slots_) s.parameter->zero_grad();
  factor_ = Tensor();
}

void Optimizer::apply(const Lists& lists, double lr, double beta1) const {
  if (lists.p.empty()) return;
  if (options_.kind == OptimizerOptions::Kind::sgd) {
    SgdParams sgd;
    sgd.lr = lr;
    sgd.momentum = options_.momentum;
    sgd.weight_decay = options_.weight_decay;
    sgd.first = step_ == 1;
    primitives::sgd_steps(lists.p, lists.g, lists.m, factor_, sgd);
  } else {
    AdamParams adam;
    adam.lr = lr;
    adam.beta1 = beta1;
    adam.beta2 = options_.beta2;
    adam.eps = options_.eps;
    adam.weight_decay = options_.weight_decay;
    adam.decoupled = options_.kind == OptimizerOptions::Kind::adamw;
    adam.step = step_;
    primitives::adam_steps(lists.p, lists.g, lists.m, lists.v, factor_, adam);
  }
}

void Optimizer::save(NamedTensors* out, const std::string& prefix) const {
  for (const Slot& s : slots_) {
    (*out)[prefix + "." + s.name + ".m"] = s.m;
    if (s.v.defined()) (*out)[prefix + "." + s.name + ".v"] = s.v;
  }
}

void Optimizer::load(const NamedTensors& from, int64_t steps, const std::string& source,
                     const std::string& prefix) {
  const auto take = [&](const std::string& name, Tensor& into) {
    const auto found = from.find(name);
    CAWE_CHECK(
        found != from.end() && found->second.shape() == into.shape() && found->second.dtype() == into.dtype(),
        Code::data, source, ": ", name, " is missing or has another shape (a checkpoint of another recipe?)");
    into.copy_from(found->second);
  };
  for (Slot& s : slots_) {
    take(prefix + "." + s.name + ".m", s.m);
    const std::string second = prefix + "." + s.name + ".v";
    if (s.v.defined()) take(second, s.v);
    CAWE_CHECK(s.v.defined() || from.count(second) == 0, Code::data, source, ": ", second,
               " is another optimizer's (a checkpoint of another recipe?)");
  }
  step_ = steps;
}

}  // namespace cawe::train
