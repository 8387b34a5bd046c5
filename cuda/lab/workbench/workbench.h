// SPDX-License-Identifier: Apache-2.0
// What a kernel file from outside the tree includes to be run by `cawe kernels FILE`: it gives inputs, counts
// the launches and compares the results. template.cuh shows it in use.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cawe {

class Workbench {
 public:
  /// n values on the device, copied from the host. Pointers are aligned to 256 bytes.
  template <class T>
  T* input(const T* values, int64_t n) {
    return static_cast<T*>(upload(values, size_t(n) * sizeof(T)));
  }
  /// n normal numbers, always the same ones for a name; host(p) gives them back.
  virtual float* normal(const char* name, int64_t n) = 0;
  /// n values that the kernel must write before anything reads them: the emulator watches.
  template <class T>
  T* output(int64_t n) {
    return static_cast<T*>(fresh(size_t(n) * sizeof(T)));
  }
  /// The host's copy of what input() or normal() put at p.
  template <class T>
  const T* host(const T* p) {
    return static_cast<const T*>(copy_of(p));
  }
  /// Compares n results with what they should be: the largest difference over the largest value.
  virtual void expect(const char* name, const float* device, const float* wanted, int64_t n,
                      double tolerance) = 0;
  /// Bytes that must be read and written at least, each once, and FLOPs; 0 where you do not know.
  virtual void floor(double read, double written, double flops) = 0;

 protected:
  virtual ~Workbench() = default;
  virtual void* upload(const void* values, size_t bytes) = 0;
  virtual void* fresh(size_t bytes) = 0;
  virtual const void* copy_of(const void* p) = 0;
};

}  // namespace cawe

/// You write this: make inputs, launch with CAWE_LAUNCH, say what you expect.
extern "C" __attribute__((visibility("default"))) void cawe_run(cawe::Workbench& bench);
