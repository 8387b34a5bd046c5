// SPDX-License-Identifier: Apache-2.0
// Emulated device memory for tests of the emulator itself.
#pragma once

#include <cstring>
#include <vector>

#include "cuda/emulator/simt/emulator.h"

namespace cawe::simt {

template <class T>
class DeviceBuffer {
 public:
  explicit DeviceBuffer(size_t n) : size_(n), data_(static_cast<T*>(allocate(n * sizeof(T)))) {}
  explicit DeviceBuffer(const std::vector<T>& values) : DeviceBuffer(values.size()) {
    std::memcpy(data_, values.data(), size_ * sizeof(T));
    mark_written(data_, size_ * sizeof(T));
  }
  ~DeviceBuffer() {
    if (data_ != nullptr) release(data_);
  }
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;
  T* get() const { return data_; }
  std::vector<T> to_host() const { return std::vector<T>(data_, data_ + size_); }

 private:
  size_t size_;
  T* data_;
};

}  // namespace cawe::simt
