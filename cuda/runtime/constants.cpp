// SPDX-License-Identifier: Apache-2.0
#include "cuda/runtime/constants.h"

#include <algorithm>
#include <cstring>

#include "cuda/runtime/errors.h"

namespace CAWE_DEVICE {
namespace {

/// Few layers have more channels, so that one vector of a kind serves a whole network.
constexpr int64_t kUsual = 2048;

template <class T>
std::vector<char> bytes_of(int64_t count, T value) {
  const std::vector<T> values(size_t(count), value);
  std::vector<char> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::vector<char> bytes_of(Constant constant, int64_t count) {
  if (constant == Constant::ones_f32) return bytes_of(count, 1.0f);
  return bytes_of(count, constant == Constant::ones_f64 ? 1.0 : 0.0);
}

}  // namespace

Constants::~Constants() {
  for (void* data : all_) cudaFree(data);
}

const void* Constants::of(Constant constant, int64_t count) {
  const std::lock_guard<std::mutex> hold(mutex_);
  Vector& longest = longest_[size_t(constant)];
  if (longest.count >= count) return longest.data;
  const int64_t length = std::max(count, kUsual);
  const std::vector<char> bytes = bytes_of(constant, length);
  void* data = nullptr;
  CAWE_CUDA(cudaMalloc(&data, bytes.size()));
  all_.push_back(data);  // a shorter one stays: captured steps may read it
  CAWE_CUDA(cudaMemcpyAsync(data, bytes.data(), bytes.size(), cudaMemcpyHostToDevice, copies_.get()));
  copies_.wait();
  longest = {length, data};
  return data;
}

}  // namespace CAWE_DEVICE
