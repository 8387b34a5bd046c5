// SPDX-License-Identifier: Apache-2.0
// Variable: a tensor that records how it was computed, and reverse-mode differentiation over this record.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace cawe {

struct Node;

/// Where a variable's gradient is summed. Separate from the value, so that a value which no gradient needs is
/// freed as soon as the forward code drops it.
struct GradSlot {
  Tensor grad;
  std::shared_ptr<Node> creator;  ///< null for leaves
  bool requires_grad = false;
  DType dtype = DType::f32;  ///< of the value, and so of its gradient
  /// A parameter that all ranks hold alike: every contribution is summed over the ranks before it is added to
  /// the earlier ones. Where a parameter is used several times, summing over the ranks once at the end would
  /// add in another order, and results would depend on the number of ranks.
  bool shared_by_ranks = false;
  /// Of an f32 leaf whose gradient an optimizer reads: a 16-bit gradient that comes alone stays as it is, since its f32 copy
  /// would hold the same numbers. As soon as another is added, both are f32.
  bool may_stay_narrow = false;
};

/// A tensor with an optional history: copies are the same variable. Only floating variables can require a
/// gradient.
class Variable {
 public:
  Variable() = default;
  explicit Variable(Tensor value, bool requires_grad = false);

  bool defined() const { return value_.defined(); }
  const Tensor& value() const { return value_; }
  /// For optimizers and weight loaders: new values of the same shape. Raises the storage's version.
  void set_value(const Tensor& value);
  /// Undefined before backward(); in 16 bits where the slot lets it stay so.
  const Tensor& grad() const;
  void set_grad(const Tensor& grad);
  void zero_grad();
  bool requires_grad() const { return slot_ && slot_->requires_grad; }
  void set_requires_grad(bool on);
  /// The same value with no history.
  Variable detach() const { return Variable(value_); }

  const Shape& shape() const { return value_.shape(); }
  int64_t dim(int i) const { return value_.dim(i); }
  int rank() const { return value_.rank(); }
  int64_t numel() const { return value_.numel(); }
  DType dtype() const { return value_.dtype(); }
  Device device() const { return value_.device(); }
  const std::shared_ptr<GradSlot>& slot() const { return slot_; }

 private:
  friend std::vector<Variable> record_many(const char*, const std::vector<Variable>&,
                                           const std::vector<Tensor>&,
                                           std::function<std::vector<Tensor>(const std::vector<Tensor>&)>);
  Tensor value_;
  std::shared_ptr<GradSlot> slot_;
};

/// Gradients of an operator's inputs, in their order; undefined where an input needs none.
using Grads = std::vector<Tensor>;

/// One recorded operator.
struct Node {
  const char* name = "";
  uint64_t sequence = 0;
  std::vector<std::shared_ptr<GradSlot>> inputs;
  std::vector<std::weak_ptr<GradSlot>> outputs;
  std::function<Grads(const std::vector<Tensor>& dys)> backward;
};

/// Records an operator with one output y. `gradient` maps dL/dy to dL/dinput for each input; it must capture
/// tensors, never Variables (which would make a cycle or keep history alive), and only those that it needs.
/// Nothing is recorded where no input requires a gradient, or under NoGrad. A returned gradient may share
/// storage with dy, and may be of another floating type than its input: it is converted on arrival, or, if that is
/// a leaf, together with those of all other leaves at the end of backward(), unless it may stay.
Variable record(const char* name, const std::vector<Variable>& inputs, const Tensor& y,
                std::function<Grads(const Tensor& dy)> gradient);
/// Several outputs; a dy is undefined where nothing used that output.
std::vector<Variable> record_many(const char* name, const std::vector<Variable>& inputs,
                                  const std::vector<Tensor>& outputs,
                                  std::function<Grads(const std::vector<Tensor>& dys)> gradient);

/// Adds seed * dL/dv to grad() of every leaf v that requires one, L being `loss` (one element). Operators run
/// in the reverse order of their recording, so that sums have one order. What they saved is freed on the way;
/// a second backward() through the same graph throws.
void backward(const Variable& loss, double seed = 1.0);
/// dL/dv of the variables `of` (leaves or not) for a root of any shape with dL/droot = `seed` (ones if
/// undefined); nothing is added to any grad(). Class-aware attention stops at the feature maps with it.
std::vector<Tensor> gradients(const Variable& root, const std::vector<Variable>& of, const Tensor& seed = {});

/// While it lives, nothing is recorded on this thread.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool previous_;
};
/// While it lives, operators are recorded on this thread, also inside a NoGrad: for what needs a gradient to give
/// its result (a class activation map) and is called by code that keeps no history.
class WithGrad {
 public:
  WithGrad();
  ~WithGrad();
  WithGrad(const WithGrad&) = delete;
  WithGrad& operator=(const WithGrad&) = delete;

 private:
  bool previous_;
};
bool grad_enabled();

/// While it lives, an operator on this thread whose output is not finite throws Code::numeric with its name.
/// For finding the cause of a NaN: every output is read once more.
class CheckFinite {
 public:
  CheckFinite();
  ~CheckFinite();
  CheckFinite(const CheckFinite&) = delete;
  CheckFinite& operator=(const CheckFinite&) = delete;

 private:
  bool previous_;
};

/// For an operator whose gradient is summed over all ranks already and belongs to an input that is
/// shared_by_ranks: g on rank 0 and -0 on the others, so that the sum over the ranks that follows is g, bit
/// for bit.
Tensor once_over_ranks(const Tensor& g);

/// True where input v needs a gradient: for operators whose gradients are expensive.
inline bool needs_grad(const Variable& v) { return v.requires_grad() && grad_enabled(); }

}  // namespace cawe
