// SPDX-License-Identifier: Apache-2.0
#include "nn/module.h"

#include "tensor/backend.h"

namespace cawe::nn {

void Module::walk(const std::string& path, const std::function<void(const std::string&, Module&)>& visit) {
  visit(path, *this);
  for (auto& [name, module] : children_) module->walk(name.empty() ? path : path + name + ".", visit);
}

void Module::train(bool on) {
  walk("", [on](const std::string&, Module& m) { m.training_ = on && !m.mode_frozen_; });
}

void Module::freeze_mode() {
  walk("", [](const std::string&, Module& m) {
    m.training_ = false;
    m.mode_frozen_ = true;
  });
}

std::vector<Module::NamedParameter> Module::parameters() {
  std::vector<NamedParameter> all;
  walk("", [&](const std::string& path, Module& m) {
    for (auto& [name, variable] : m.parameters_) all.push_back({path + name, variable});
  });
  return all;
}

std::vector<Variable*> Module::computed_parameters() {
  std::vector<Variable*> all;
  walk("",
       [&](const std::string&, Module& m) { all.insert(all.end(), m.computed_.begin(), m.computed_.end()); });
  return all;
}

std::vector<Module::NamedBuffer> Module::buffers() {
  std::vector<NamedBuffer> all;
  walk("", [&](const std::string& path, Module& m) {
    for (auto& [name, tensor] : m.buffers_) all.push_back({path + name, tensor});
  });
  return all;
}

std::vector<std::pair<std::string, Tensor>> Module::state() {
  std::vector<std::pair<std::string, Tensor>> all;
  for (auto& p : parameters()) all.emplace_back(p.name, p.variable->value());
  for (auto& b : buffers()) all.emplace_back(b.name, *b.tensor);
  return all;
}

void Module::initialise(uint64_t seed) {
  walk("", [seed](const std::string& path, Module& m) { m.reset_parameters(seed, path); });
}

void Module::reset_parameters(uint64_t, const std::string&) {}

void Module::zero_grad() {
  for (auto& p : parameters()) p.variable->zero_grad();
}

void Module::set_requires_grad(bool on) {
  for (auto& p : parameters()) p.variable->set_requires_grad(on);
}

void Module::to(DType dtype) {
  for (auto& p : parameters())
    *p.variable = Variable(p.variable->value().to(dtype), p.variable->requires_grad());
  for (auto& b : buffers())
    if (is_floating(b.tensor->dtype())) *b.tensor = b.tensor->to(dtype);
}

void Module::to(Device device, DType computed) {
  for (auto& p : parameters()) {
    Tensor value = p.variable->value().to(device);
    if (device != Device::cpu && value.rank() == 4)
      value = value.in_layout(backend(device).convolution_layout(computed));
    *p.variable = Variable(value, p.variable->requires_grad());
  }
  for (auto& b : buffers())
    if (b.tensor->rank() > 0) *b.tensor = b.tensor->to(device);  // counters stay on the host
}

int64_t Module::parameter_count() {
  int64_t count = 0;
  for (auto& p : parameters()) count += p.variable->numel();
  return count;
}

Variable& Module::parameter(const std::string& name, Variable& member, const Tensor& initial) {
  member = Variable(initial, true);
  parameters_.emplace_back(name, &member);
  return member;
}

Variable& Module::computed_parameter(const std::string& name, Variable& member, const Tensor& initial) {
  computed_.push_back(&member);
  return parameter(name, member, initial);
}

Tensor& Module::buffer(const std::string& name, Tensor& member, const Tensor& initial) {
  member = initial;
  buffers_.emplace_back(name, &member);
  return member;
}

void Module::child(const std::string& name, Module& module) { children_.emplace_back(name, &module); }

EvalMode::EvalMode(Module& module) {
  module.each([this](const std::string&, Module& m) {
    if (m.training_) were_training_.push_back(&m);
  });
  for (Module* m : were_training_) m->training_ = false;
}

EvalMode::~EvalMode() {
  for (Module* m : were_training_) m->training_ = true;
}

}  // namespace cawe::nn
