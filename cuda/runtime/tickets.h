// SPDX-License-Identifier: Apache-2.0
// Counters by which the blocks of a launch find out which of them is last.
#pragma once

#include <cstdint>

#include "cuda/runtime/stream.h"

namespace CAWE_DEVICE {

constexpr int64_t kTickets = 1024;

/// kTickets numbers on the device, all 0. A kernel that counts in them leaves them 0, so all kernels of the compute stream,
/// which run one after another, share them, captured ones too: they live as long as the stream.
class Tickets {
 public:
  explicit Tickets(OwnedStream& compute) {
    CAWE_CUDA(cudaMalloc(reinterpret_cast<void**>(&numbers_), kTickets * sizeof *numbers_));
    CAWE_CUDA(cudaMemsetAsync(numbers_, 0, kTickets * sizeof *numbers_, compute.get()));
  }
  ~Tickets() { cudaFree(numbers_); }
  Tickets(const Tickets&) = delete;
  Tickets& operator=(const Tickets&) = delete;
  uint32_t* get() const { return numbers_; }

 private:
  uint32_t* numbers_ = nullptr;
};

}  // namespace CAWE_DEVICE
