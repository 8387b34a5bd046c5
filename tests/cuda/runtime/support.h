// SPDX-License-Identifier: Apache-2.0
// What the tests of the CUDA backend's host code share: a backend on a fresh emulated runtime for each test.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "cuda/backend/cuda_backend.h"
#include "cuda/emulator/simt/emulator.h"
#include "cuda/emulator/vendor/control.h"
#include "cuda/runtime/init.h"
#include "cuda/runtime/runtime.h"

namespace cawe::on_emulator {

/// Sets an environment variable while it lives.
class EnvironmentVariable {
 public:
  EnvironmentVariable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~EnvironmentVariable() { unsetenv(name_); }
  EnvironmentVariable(const EnvironmentVariable&) = delete;
  EnvironmentVariable& operator=(const EnvironmentVariable&) = delete;

 private:
  const char* name_;
};

/// Each test starts with a fresh device, and must leave nothing on it.
class RuntimeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    simt::options() = simt::Options{};
    emulated::reset_for_tests();
    start();
  }
  void TearDown() override {
    close();
    for (const std::string& leak : emulated::leaks()) ADD_FAILURE() << "left over: " << leak;
    for (const std::string& use : emulated::unordered_uses()) ADD_FAILURE() << use;
    emulated::reset_for_tests();
    const simt::HostAccess open;  // a guarded arena stays closed otherwise
    simt::options() = simt::Options{};
  }
  static void start() {
    std::string why;
    ASSERT_TRUE(init(&why)) << why;
  }
  /// A new backend, for settings from the environment.
  static void restart() {
    close();
    start();
  }
  static CudaBackend& device() { return static_cast<CudaBackend&>(backend(Device::emulated)); }
};

/// A column of numbers on the device, and room for another.
inline Tensor on_device(const std::vector<float>& values) {
  return Tensor::from(values, {int64_t(values.size()), 1}).to(Device::emulated);
}
inline Tensor empty_like(const Tensor& x) {
  return Tensor::empty(x.shape(), DType::f32, Layout::contiguous, Device::emulated);
}

inline uint64_t driver_allocations() { return emulated::calls("cudaMalloc"); }

/// The error that `body` throws must have the code and all the words.
template <class Body>
void expect_error(Code code, const std::vector<std::string>& words, Body&& body) {
  try {
    body();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(name(error.code()), std::string(name(code)));
    const std::string text = error.what();
    for (const std::string& word : words)
      EXPECT_NE(text.find(word), std::string::npos) << "without \"" << word << "\": " << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << "more than one line: " << text;
  }
}

}  // namespace cawe::on_emulator
