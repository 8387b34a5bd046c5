// SPDX-License-Identifier: Apache-2.0
// Module: named parameters, buffers and children, with torchvision's dotted names.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "autograd/variable.h"

namespace cawe::nn {

class Module {
 public:
  Module() = default;
  virtual ~Module() = default;
  Module(const Module&) = delete;  // children are registered by address
  Module& operator=(const Module&) = delete;

  /// Training or evaluation mode, for this module and all below.
  void train(bool on = true);
  bool training() const { return training_; }

  struct NamedParameter {
    std::string name;  ///< e.g. "layer1.0.conv1.weight"
    Variable* variable;
  };
  struct NamedBuffer {
    std::string name;
    Tensor* tensor;
  };
  /// In order of registration, children after own.
  std::vector<NamedParameter> parameters();
  std::vector<NamedBuffer> buffers();
  /// Parameters and buffers together: what a weight file holds.
  std::vector<std::pair<std::string, Tensor>> state();

  /// Gives every parameter its initial values, drawn from Philox by (seed, the parameter's full name): the
  /// values do not depend on the order in which modules are built.
  void initialise(uint64_t seed);
  void zero_grad();
  void set_requires_grad(bool on);
  void to(DType dtype);
  int64_t parameter_count();

 protected:
  /// Own values of this module; `path` is its full dotted name with a final dot (or empty).
  virtual void reset_parameters(uint64_t seed, const std::string& path);
  Variable& parameter(const std::string& name, Variable& member, const Tensor& initial);
  Tensor& buffer(const std::string& name, Tensor& member, const Tensor& initial);
  void child(const std::string& name, Module& module);

 private:
  void walk(const std::string& path, const std::function<void(const std::string&, Module&)>& visit);
  std::vector<std::pair<std::string, Variable*>> parameters_;
  std::vector<std::pair<std::string, Tensor*>> buffers_;
  std::vector<std::pair<std::string, Module*>> children_;
  bool training_ = true;
};

}  // namespace cawe::nn
