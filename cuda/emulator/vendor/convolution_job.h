// SPDX-License-Identifier: Apache-2.0
// A convolution that was asked for by either of cuDNN's interfaces, ready to run. Internal.
#pragma once

#include "cuda/emulator/vendor/convolution.h"

namespace cawe::emulated {

/// A call, ready to run.
struct Job {
  Direction direction;
  Convolution c;
  LibraryWorkspace workspace;
  double alpha = 1, beta = 0;
  Strided old, bias;  ///< old: scaled by beta; the bias has no pointer where there is none
  Activation activation = Activation::none;
};

/// Whether the operands are there, and the output overlaps none of them. It may be `old` itself, element by
/// element.
bool check_operands(const Job& job);

/// Queues work on the handle's stream and counts it as a convolution.
cudnnStatus_t enqueue_on(cudnnHandle_t handle, Work work);
/// Queues the job.
cudnnStatus_t enqueue_job(cudnnHandle_t handle, const Job& job);

}  // namespace cawe::emulated
