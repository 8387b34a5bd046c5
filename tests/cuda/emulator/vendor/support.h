// SPDX-License-Identifier: Apache-2.0
// What the tests of the emulated runtime share: a fresh runtime for each test, device arrays, 16-bit numbers.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cuda/emulator/simt/emulator.h"
#include "cuda/emulator/vendor/control.h"
#include "cuda/emulator/vendor/cuda_api.h"
#include "tensor/dtype.h"

namespace cawe::emulated {

/// Whether the last complaint has the words in it.
inline ::testing::AssertionResult complained(const std::string& words) {
  const std::string text = last_complaint();
  if (text.find(words) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << "the last complaint is \"" << text << "\", without \"" << words << "\"";
}

/// Each test starts with nothing, and must leave nothing.
class EmulatedTest : public ::testing::Test {
 protected:
  void SetUp() override {
    simt::options() = simt::Options{};
    reset_for_tests();
    cudaGetLastError();
  }
  void TearDown() override {
    for (const std::string& leak : leaks()) ADD_FAILURE() << "left over: " << leak;
    simt::options() = simt::Options{};
    reset_for_tests();
  }
};

/// An array on the device, filled and read by blocking copies.
template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(size_t n) : size_(n) {
    void* p = nullptr;
    EXPECT_EQ(cudaMalloc(&p, n * sizeof(T)), cudaSuccess) << last_complaint();
    data_ = static_cast<T*>(p);
  }
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(values.size()) {
    EXPECT_EQ(cudaMemcpy(data_, values.data(), bytes(), cudaMemcpyHostToDevice), cudaSuccess)
        << last_complaint();
  }
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  T* get() const { return data_; }
  size_t bytes() const { return size_ * sizeof(T); }
  std::vector<T> to_host() const {
    std::vector<T> values(size_);
    EXPECT_EQ(cudaMemcpy(values.data(), data_, bytes(), cudaMemcpyDeviceToHost), cudaSuccess)
        << last_complaint();
    return values;
  }

 private:
  size_t size_;
  T* data_ = nullptr;
};

/// Pinned host memory.
template <class T>
class PinnedArray {
 public:
  explicit PinnedArray(size_t n) {
    void* p = nullptr;
    EXPECT_EQ(cudaMallocHost(&p, n * sizeof(T)), cudaSuccess) << last_complaint();
    data_ = static_cast<T*>(p);
  }
  ~PinnedArray() { cudaFreeHost(data_); }
  PinnedArray(const PinnedArray&) = delete;
  PinnedArray& operator=(const PinnedArray&) = delete;
  T* get() const { return data_; }
  T& operator[](size_t i) { return data_[i]; }

 private:
  T* data_ = nullptr;
};

struct StreamOwner {
  explicit StreamOwner(unsigned flags = cudaStreamDefault) {
    EXPECT_EQ(cudaStreamCreateWithFlags(&stream, flags), cudaSuccess);
  }
  ~StreamOwner() { cudaStreamDestroy(stream); }
  StreamOwner(const StreamOwner&) = delete;
  StreamOwner& operator=(const StreamOwner&) = delete;
  operator cudaStream_t() const { return stream; }
  cudaStream_t stream = nullptr;
};

struct EventOwner {
  EventOwner() { EXPECT_EQ(cudaEventCreate(&event), cudaSuccess); }
  ~EventOwner() { cudaEventDestroy(event); }
  EventOwner(const EventOwner&) = delete;
  EventOwner& operator=(const EventOwner&) = delete;
  operator cudaEvent_t() const { return event; }
  cudaEvent_t event = nullptr;
};

// --- numbers of any element type as double, and back
inline double number(float x) { return double(x); }
inline double number(double x) { return x; }
inline double number(Half x) { return double(to_float(x)); }
inline double number(BFloat16 x) { return double(to_float(x)); }
inline void assign(double x, float& y) { y = float(x); }
inline void assign(double x, double& y) { y = x; }
inline void assign(double x, Half& y) { y = to_half(float(x)); }
inline void assign(double x, BFloat16& y) { y = to_bfloat16(float(x)); }

/// n multiples of 1/8 in [-1, 1], by a fixed rule: all types hold them exactly, and sums of their products in
/// f32 too.
template <class T>
std::vector<T> eighths(size_t n, unsigned seed) {
  std::vector<T> values(n);
  unsigned state = seed * 2654435761u + 1;
  for (T& v : values) {
    state = state * 1664525u + 1013904223u;
    assign(double(int(state >> 24) % 17 - 8) / 8, v);
  }
  return values;
}

}  // namespace cawe::emulated
