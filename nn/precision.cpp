// SPDX-License-Identifier: Apache-2.0
#include "nn/precision.h"

#include "tensor/primitives/memory.h"

namespace cawe::nn {
namespace {

thread_local ComputedCopies* innermost = nullptr;

}  // namespace

ComputedCopies::ComputedCopies(std::vector<Module*> modules)
    : modules_(std::move(modules)), outer_(innermost) {
  innermost = this;
}

ComputedCopies::~ComputedCopies() { innermost = outer_; }

void ComputedCopies::find_parameters() {
  networks_.resize(modules_.size());
  for (size_t i = 0; i < modules_.size(); ++i)
    for (const Variable* p : modules_[i]->computed_parameters()) {
      if (p->dtype() != DType::f32) continue;
      places_[p->value().raw()] = {i, networks_[i].parameters.size()};
      networks_[i].parameters.push_back(p->value());
    }
}

Tensor ComputedCopies::copy_of(const Tensor& value, DType dtype) {
  if (networks_.empty()) find_parameters();
  const auto found = places_.find(value.raw());
  if (found == places_.end()) return {};
  Network& network = networks_[found->second.network];
  if (network.copies.empty()) {
    for (const Tensor& p : network.parameters) {
      network.copies.push_back(Tensor::like(p, dtype));
      network.versions.push_back(p.storage().version());
    }
    primitives::copy_list(network.parameters, network.copies);
  }
  const size_t at = found->second.parameter;
  const bool fits = network.copies[at].dtype() == dtype && network.copies[at].shape() == value.shape() &&
                    network.versions[at] == value.storage().version();
  return fits ? network.copies[at] : Tensor();
}

Variable as_computed(const Variable& parameter, const Variable& x) {
  const bool mixed = parameter.defined() && is_narrow(x.dtype()) && parameter.dtype() == DType::f32;
  if (!mixed) return parameter;
  const Tensor copy = innermost ? innermost->copy_of(parameter.value(), x.dtype()) : Tensor();
  if (!copy.defined()) return cast(parameter, x.dtype());
  // Every use has a node of its own, as a cast would have: gradients of several are added in f32.
  return record("cast", {parameter}, copy, [](const Tensor& dy) -> Grads { return {dy}; });
}

}  // namespace cawe::nn
