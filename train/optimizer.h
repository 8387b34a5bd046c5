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
#include "tensor/io/safetensors.h"
#include "train/recipe.h"

namespace cawe::train {

struct OptimizerOptions {
  enum class Kind : uint8_t { sgd, adam, adamw } kind = Kind::adamw;
  double momentum = 0.9;                          ///< SGD
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;  ///< Adam
  double weight_decay = 0.01;                     ///< AdamW: decoupled (Loshchilov and Hutter 2019)
  double clip = 0;                                ///< largest norm of all gradients together; 0: no limit
  /// Share of the learning rate that a parameter gets, by its name; empty: all of it.
  std::function<double(const std::string&)> share_of_rate;
};
/// Keys train.optimizer, train.momentum, train.beta1, train.beta2, train.eps, train.weight_decay, train.clip.
OptimizerOptions optimizer_from(const Recipe& recipe);

class Optimizer {
 public:
  /// Looks after the parameters that require gradients now, and has their gradients summed over the ranks.
  Optimizer(nn::Module& module, const OptimizerOptions& options);

  /// Norm of all gradients divided by `loss_scale`, in f64, in the order of the parameters. The next step
  /// multiplies them by 1 / loss_scale, and by less where the norm is above clip.
  double clip_gradients(double loss_scale = 1);
  /// Forgets the gradients: a step left out.
  void skip();
  /// One step at the given rate; gradients are gone afterwards. Parameters without one keep their value.
  /// `beta1`: for this step instead of the options' one.
  void step(double lr, std::optional<double> beta1 = {});
  int64_t steps() const { return step_; }

  /// "<prefix>.<parameter>.m" and ".v": with steps() all that a resume needs.
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
  /// Of the parameters that have a gradient; those with one share of the rate, or all.
  Lists with_gradients(std::optional<double> share = {}) const;
  void apply(const Lists& lists, double lr, double beta1) const;

  OptimizerOptions options_;
  Tensor factor_;  ///< [3] as gradient_norm() gives it; undefined: gradients count as they are
  std::vector<Slot> slots_;
  std::set<double> shares_;  ///< that occur
  int64_t step_ = 0;
};

}  // namespace cawe::train
