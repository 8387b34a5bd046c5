// SPDX-License-Identifier: Apache-2.0
// Vectors of one number that library calls and kernels want as operands, made once.
#pragma once

#include <array>
#include <mutex>
#include <vector>

#include "cuda/kernels/types.h"
#include "cuda/runtime/stream.h"

namespace CAWE_DEVICE {

enum class Constant : uint8_t { zeros /* of any type */, ones_f32, ones_f64 };

/// They live as long as the device, since captured steps read them, too. One that a captured step is the first to ask for
/// is written at once all the same, by a stream that is not captured: the step does not write it. Thread-safe.
class Constants {
 public:
  explicit Constants(OwnedStream& copies) : copies_(copies) {}
  ~Constants();
  Constants(const Constants&) = delete;
  Constants& operator=(const Constants&) = delete;
  /// At least `count` numbers on the device. Waits for the copy stream where there were not as many yet.
  const void* of(Constant constant, int64_t count);

 private:
  struct Vector {
    int64_t count = 0;
    void* data = nullptr;
  };
  OwnedStream& copies_;
  std::mutex mutex_;
  std::array<Vector, 3> longest_;
  std::vector<void*> all_;
};

}  // namespace CAWE_DEVICE
