// SPDX-License-Identifier: Apache-2.0
#include "train/step_runner.h"

#include "autograd/ops/elementwise.h"
#include "nn/precision.h"

namespace cawe::train {
namespace {

std::vector<Shape> shapes_of(const std::vector<Tensor>& tensors) {
  std::vector<Shape> shapes;
  for (const Tensor& t : tensors) shapes.push_back(t.shape());
  return shapes;
}

/// Counters on the host that a forward pass increments, with their present values.
std::vector<std::pair<int64_t*, int64_t>> host_counters(nn::Module& module) {
  std::vector<std::pair<int64_t*, int64_t>> counters;
  for (const auto& b : module.buffers())
    if (b.tensor->dtype() == DType::i64 && b.tensor->numel() == 1 && b.tensor->device() == Device::cpu) {
      int64_t* p = b.tensor->data<int64_t>();
      counters.emplace_back(p, *p);
    }
  return counters;
}

}  // namespace

StepRunner::StepRunner(Task& task, bool capture)
    : task_(task), may_capture_(capture && compute_device() != Device::cpu && task.capturable()) {}

Task::Loss StepRunner::plain(const std::vector<Tensor>& inputs, const Tensor& scale) {
  Task::Loss loss;
  {
    const nn::ComputedCopies copies(task_.networks());
    loss = task_.loss(inputs);
  }
  backward(scale.defined() ? mul(loss.total, Variable(scale)) : loss.total);
  return loss;
}

Task::Loss StepRunner::run(const std::vector<Tensor>& inputs, double scale) {
  const std::vector<Shape> shapes = shapes_of(inputs);
  const bool same = shapes == shapes_;
  shapes_ = shapes;
  if (same && work_) {
    replay(inputs, scale);
    return loss_;
  }
  work_.reset();
  if (same && may_capture_) {
    capture(inputs, scale);
    if (work_) return loss_;
  }
  const Tensor factor = scale == 1 ? Tensor() : Tensor::scalar(scale).to(compute_device());
  return plain(inputs, factor);
}

void StepRunner::capture(const std::vector<Tensor>& inputs, double scale) {
  inputs_.clear();
  for (const Tensor& t : inputs) inputs_.push_back(t.clone());
  scale_ = Tensor::scalar(scale).to(compute_device());
  const auto before = host_counters(task_.module());
  work_ = backend(compute_device()).capture([&] { loss_ = plain(inputs_, scale_); });
  if (!work_) {
    may_capture_ = false;
    return;
  }
  gradients_.clear();
  for (const auto& p : task_.module().parameters()) gradients_.push_back(p.variable->grad());
  counters_.clear();
  for (const auto& [counter, value] : before)
    if (*counter != value) counters_.push_back(counter);
  work_->launch();
}

void StepRunner::replay(const std::vector<Tensor>& inputs, double scale) {
  for (size_t i = 0; i < inputs.size(); ++i) inputs_[i].copy_from(inputs[i]);
  scale_.fill(scale);
  work_->launch();
  const auto parameters = task_.module().parameters();
  for (size_t i = 0; i < parameters.size(); ++i)
    if (gradients_[i].defined()) parameters[i].variable->set_grad(gradients_[i]);
  for (int64_t* counter : counters_) ++*counter;
}

}  // namespace cawe::train
