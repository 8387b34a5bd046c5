// SPDX-License-Identifier: Apache-2.0
// The project's networks at full size with made-up inputs: what is timed on a GPU, and counted and predicted
// without one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "autograd/variable.h"
#include "nn/module.h"
#include "tensor/dtype.h"

namespace cawe::train {

/// One network with one batch.
class ModelStep {
 public:
  virtual ~ModelStep() = default;
  /// The network that is trained.
  virtual nn::Module& module() = 0;
  /// A new batch's pictures go to the device as decoded and become the network's input there, in the same tensors.
  virtual void upload() = 0;
  /// What the host makes for each batch besides pixels (a detector's true boxes), uploaded as in training, into the same
  /// tensors.
  virtual void prepare() {}
  /// Forward and backward pass of the batch, which a device may capture; the loss of one element. Gradients are added to the parameters'.
  virtual Variable loss_and_gradients() = 0;
  /// Forward pass in evaluation mode, without gradients; a detector's with all that decides. A device may capture it.
  virtual void infer_on_device() = 0;
  /// What of it people get, if anything: a detector's detections.
  virtual void bring_to_host() {}
};

/// resnet50 (224 x 224), retinanet, faster_rcnn (512 x 512), generator, critic (256 x 256).
const std::vector<std::string>& model_step_names();
/// Batches that are timed on a GPU, most wanted first: 32, 2 and 8; of the colorizer, whose steps take longer, 8, 2 and 32.
std::vector<int64_t> timed_batches(const std::string& name);
/// Throws Code::usage for another name. Images are [batch, 3, side, side] in `dtype` on `device`, and lie in memory as a
/// trainer's; parameters are f32 as initialised from seed 0.
std::unique_ptr<ModelStep> make_model_step(const std::string& name, int64_t batch, DType dtype,
                                           Device device);

}  // namespace cawe::train
