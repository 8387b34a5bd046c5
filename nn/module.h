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

/// Base class of layers and networks. Parameters are trained; buffers (running statistics, counters) are
/// saved, but not trained.
class Module {
 public:
  Module() = default;
  virtual ~Module() = default;
  Module(const Module&) = delete;  // children are registered by address
  Module& operator=(const Module&) = delete;

  /// Training or evaluation mode, for this module and all below.
  void train(bool on = true);
  bool training() const { return training_; }
  /// Evaluation mode for good, for this module and all below: train() does not change them any more.
  void freeze_mode();

  struct NamedParameter {
    std::string name;  ///< e.g. "layer1.0.conv1.weight"
    Variable* variable;
  };
  struct NamedBuffer {
    std::string name;
    Tensor* tensor;
  };
  /// In order of registration, a module's own before its children's.
  std::vector<NamedParameter> parameters();
  /// Those of the parameters whose values layers compute with, in 16 bits where the network computes so: not what
  /// normalises, nor what a layer's weight is first made of.
  std::vector<Variable*> computed_parameters();
  std::vector<NamedBuffer> buffers();
  /// Parameters and buffers together: what a weight file holds.
  std::vector<std::pair<std::string, Tensor>> state();

  /// Gives every parameter its initial values, drawn from Philox by (seed, the parameter's full name): the
  /// values do not depend on the order in which modules are built.
  void initialise(uint64_t seed);
  void zero_grad();
  void set_requires_grad(bool on);
  void to(DType dtype);
  /// Counters stay on the host; weights of convolutions lie as a GPU wants them that computes in this type, which may
  /// be narrower than they are: else each would be copied in every step.
  void to(Device device, DType computed = DType::f32);
  /// Elements of all parameters; frozen batch norm has none (its values are buffers).
  int64_t parameter_count();
  /// Calls visit(path, module) for this module and all below; a path ends with a dot or is empty.
  void each(const std::function<void(const std::string& path, Module& module)>& visit) { walk("", visit); }

 protected:
  /// Own values of this module; `path` is its full dotted name with a final dot (or empty).
  virtual void reset_parameters(uint64_t seed, const std::string& path);
  Variable& parameter(const std::string& name, Variable& member, const Tensor& initial);
  /// A parameter that forward() takes through as_computed() (nn/precision.h).
  Variable& computed_parameter(const std::string& name, Variable& member, const Tensor& initial);
  Tensor& buffer(const std::string& name, Tensor& member, const Tensor& initial);
  /// `name` may hold dots ("layer1.0"); an empty one puts the child's names beside this module's own.
  void child(const std::string& name, Module& module);

 private:
  void walk(const std::string& path, const std::function<void(const std::string&, Module&)>& visit);
  std::vector<std::pair<std::string, Variable*>> parameters_;
  std::vector<Variable*> computed_;
  std::vector<std::pair<std::string, Tensor*>> buffers_;
  std::vector<std::pair<std::string, Module*>> children_;
  friend class EvalMode;
  bool training_ = true, mode_frozen_ = false;
};

/// Puts a module and all below into evaluation mode while it lives; afterwards each has its former mode
/// again. Writes nothing where the module already evaluates, so that several threads may share one.
class EvalMode {
 public:
  explicit EvalMode(Module& module);
  ~EvalMode();
  EvalMode(const EvalMode&) = delete;
  EvalMode& operator=(const EvalMode&) = delete;

 private:
  std::vector<Module*> were_training_;
};

}  // namespace cawe::nn
