// SPDX-License-Identifier: Apache-2.0
// How long a counted step should take on a GPU: a model for the next measurement to confirm or refute, no measurement.
#pragma once

#include "cuda/lab/profile/gpus.h"
#include "cuda/lab/steps/counted_device.h"

namespace cawe::gpu {

/// What of a GPU's published rates such steps reach, and what a launch costs.
struct Rates {
  double bandwidth = 0.85;      ///< a copy's share of the sheet's bandwidth (H200: .87)
  double f32 = 0.7, f16 = 0.5;  ///< shares of the peaks; one large product reaches .77 and .83 on an H200
  double least_us = 4;          ///< no kernel of a captured step is shorter: 793 take 3.28 ms on an H200
  double launch_us = 8,
         library_us = 100;  ///< what the host needs to queue a kernel, a convolution or product
};

/// Milliseconds.
struct StepPrediction {
  double memory = 0;    ///< primitives that their bytes bind
  double products = 0;  ///< those that FLOPs bind
  double small = 0;     ///< those that the shortest kernels bind
  double host = 0;      ///< to queue everything, operator by operator
  double captured() const { return memory + products + small; }
  double plain() const { return host > captured() ? host : captured(); }
};

/// Time of one primitive's calls on the device, ms.
double predicted_ms(const Gpu& gpu, const on_emulator::PrimitiveCount& p, const Rates& rates = {});
StepPrediction predict(const Gpu& gpu, const on_emulator::StepCount& step, const Rates& rates = {});

/// Bytes that would move if everything between products were part of them: the operands of products and of the
/// optimizer, each once.
double floor_bytes(const on_emulator::StepCount& step);

}  // namespace cawe::gpu
