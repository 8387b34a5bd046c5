// SPDX-License-Identifier: Apache-2.0
// SGD with momentum, Adam and AdamW over a module's parameters.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "nn/module.h"
#include "tensor/backend.h"
#include "tensor/io/safetensors.h"
#include "train/recipe.h"

namespace cawe::train {

/// The rule and its constants.
struct OptimizerOptions {
  enum class Kind : uint8_t { sgd, adam, adamw } kind = Kind::adamw;
  double momentum = 0.9;                          ///< SGD
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;  ///< Adam
  double weight_decay = 0.01;                     ///< AdamW: decoupled (Loshchilov and Hutter 2019)
  /// Largest norm of all gradients together, above which they are scaled down; 0: no limit.
  double clip = 0;
  /// Factor of the learning rate for a parameter, by its name; empty: 1 for all.
  std::function<double(const std::string&)> share_of_rate;
};
/// Keys train.optimizer, train.momentum, train.beta1, train.beta2, train.eps, train.weight_decay, train.clip.
OptimizerOptions optimizer_from(const Recipe& recipe);

/// The optimizer of a module's parameters, with its moments.
class Optimizer {
 public:
  /// For the parameters that require gradients now; marks them as shared, so that their gradients are summed
  /// over the ranks, and lets gradients that come in 16 bits stay so.
  Optimizer(nn::Module& module, const OptimizerOptions& options);

  /// What a step tells the host: the norm of all gradients divided by the loss scale, in f64, in the order of the
  /// parameters (0 where there are none), and the values of other numbers.
  struct Told {
    double norm = 0;
    std::vector<double> numbers;
  };
  /// Queues the norm, after which the next step multiplies the gradients by 1 / loss_scale, and by less where the norm is
  /// above clip. Where the norm or one of `losses` is not finite, that step changes nothing: the device finds that out
  /// alone, so that the step can be queued before the host knows. Returns what told() waits for, one copy that stands
  /// before the step: losses and others are tensors of one element.
  std::unique_ptr<HostCopy> measure(double loss_scale, const std::vector<Tensor>& losses,
                                    const std::vector<Tensor>& others);
  /// Its numbers: the losses, then the others.
  static Told told(HostCopy& measured);
  /// Both at once, without losses.
  Told clip_gradients(double loss_scale = 1, const std::vector<Tensor>& numbers = {});
  /// One step at the given rate; drops the gradients afterwards. Parameters without a gradient keep their
  /// value. `beta1` replaces the options' one in this step.
  void step(double lr, std::optional<double> beta1 = {});
  /// The last step has changed nothing (measure()), and does not count.
  void take_back() { --step_; }
  int64_t steps() const { return step_; }

  /// Tensors "<prefix>.<parameter>.m" and ".v"; with steps() they are all that a resume needs.
  void save(NamedTensors* out, const std::string& prefix = "optimizer") const;
  /// Throws data where a tensor is missing or has another shape.
  void load(const NamedTensors& from, int64_t steps, const std::string& source,
            const std::string& prefix = "optimizer");

 private:
  struct Slot {
    std::string name;
    Variable* parameter;
    Tensor m, v;
    double share = 1;
  };
  struct Lists {
    std::vector<Tensor> p, g, m, v;
  };
  /// The parameters that have a gradient: all, or those with one factor of the rate.
  Lists with_gradients(std::optional<double> share = {}) const;
  void apply(const Lists& lists, double lr, double beta1) const;

  OptimizerOptions options_;
  Tensor factor_;  ///< [1], of gradient_norm(); undefined: gradients are used unscaled
  std::vector<Slot> slots_;
  std::set<double> shares_;  ///< the different factors of the rate
  int64_t step_ = 0;
};

}  // namespace cawe::train
