// SPDX-License-Identifier: Apache-2.0
// A kernel case: one kernel at one shape, with its inputs, its reference and the counts that it should have.
// The same case proves the kernel (tests), profiles it (`cawe kernels`), catches its mutants and times it on
// a GPU.
#pragma once

#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cuda/kernels/types.h"
#include "cuda/lab/cases/worst.h"
#include "tensor/random.h"
#include "tensor/tensor.h"

namespace CAWE_DEVICE {

/// Device memory for the length of one run, and the launches that count.
class CaseContext {
 public:
  CaseContext();
  ~CaseContext();
  CaseContext(const CaseContext&) = delete;
  CaseContext& operator=(const CaseContext&) = delete;

  template <class T>
  T* upload(const std::vector<T>& values) {
    return static_cast<T*>(upload_bytes(values.data(), values.size() * sizeof(T)));
  }
  /// The tensor's elements in the order in which they lie.
  void* upload(const Tensor& x);
  template <class T>
  T* fresh(int64_t n) {
    return static_cast<T*>(fresh_bytes(size_t(n) * sizeof(T)));  // never written: reading it is a finding
  }
  template <class T>
  std::vector<T> download(const T* p, int64_t n) {
    std::vector<T> values(static_cast<size_t>(n));
    download_bytes(p, values.data(), values.size() * sizeof(T));
    return values;
  }
  /// A fresh tensor of this shape filled from device memory.
  Tensor download(const void* p, const Shape& shape, DType dtype, Layout layout = Layout::contiguous);

  /// Runs `launches` (on stream()) to the end; only what is launched in here is counted or timed.
  void measure(const std::function<void()>& launches);
  /// Runs launches whose results are only compared with: neither checked, counted nor timed.
  void compare(const std::function<void()>& launches);
  /// For benchmarks: `timer` runs in place of the launches that measure() is given, and calls them.
  void time_with(std::function<void(const std::function<void()>& launches)> timer) {
    timer_ = std::move(timer);
  }
  DeviceStream stream() const { return nullptr; }

 private:
  void* upload_bytes(const void* from, size_t bytes);
  void* fresh_bytes(size_t bytes);
  void download_bytes(const void* p, void* to, size_t bytes);
  std::vector<void*> blocks_;
  std::function<void(const std::function<void()>&)> timer_;
};

struct Case {
  std::string name;   ///< of the family and variant, e.g. "cawe_weights"
  std::string shape;  ///< e.g. "f32 2x64x56x56"
  std::string file;   ///< e.g. "cuda/kernels/cawe_weights.cu"
  /// Runs the kernel and returns its largest error: relative to the largest value of the reference; for cases
  /// that must be exact, the number of elements that differ.
  std::function<double(CaseContext&)> run;
  double tolerance = 0;

  // By hand, from the shape; 0: not stated. Bytes each once; sectors of all global requests; FLOPs as in the
  // header.
  double floor_read = 0, floor_written = 0, flops = 0;
  uint64_t sectors = 0;
  uint64_t wavefronts = 0;  ///< of shared memory
  uint64_t mma = 0;         ///< products on tensor cores, of warps; exactly. Not in `flops`
  double min_simt = 0;      ///< least SIMT efficiency
  /// Why counts may be above 1.1 times the stated ones (or unique bytes above 1.05 times the floor), and by
  /// how much.
  double sector_allowance = 1.1, unique_allowance = 1.05, wavefront_allowance = 1.1;
  std::string reason;

  // Ladders: several cases that compute the same.
  std::string ladder;  ///< "" or the ladder's name
  int step = 0;
  std::string change;  ///< what this step does differently
};

/// All cases, family by family (all_cases.cpp).
const std::vector<Case>& all_cases();

// --- for writing cases
Number number_for(DType dtype);
/// What sums of a type are kept in: f64 for f64, else f32.
inline DType accumulator_of(DType dtype) { return dtype == DType::f64 ? DType::f64 : DType::f32; }
/// Largest |a - b| over the largest |b| (at least 1e-6); infinite where sizes differ or something is not
/// finite. `what`: a name of what is compared, where a line compares several things.
double relative_error(const Tensor& a, const Tensor& b, const std::string& what = "",
                      const char* file = __builtin_FILE(), int line = __builtin_LINE());
/// How many elements are not equal (or all, where sizes differ).
template <class T>
double different(const std::vector<T>& a, const std::vector<T>& b, const std::string& what = "",
                 const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return count_where([](const T& p, const T& q) { return !(p == q); }, a, b, what, file, line);
}
/// How many differ in their bits.
template <class T>
double different_bits(const std::vector<T>& a, const std::vector<T>& b, const std::string& what = "",
                      const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return count_where([](const T& p, const T& q) { return std::memcmp(&p, &q, sizeof p) != 0; }, a, b, what,
                     file, line);
}
/// How many differ, where NaN equals NaN.
template <class T>
double different_or_nan(const std::vector<T>& a, const std::vector<T>& b, const std::string& what = "",
                        const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return count_where([](const T& p, const T& q) { return !(p == q || (p != p && q != q)); }, a, b, what, file,
                     line);
}
/// Normal numbers by Philox, rounded to `dtype`; the purpose names the stream.
Tensor random_tensor(const Shape& shape, const std::string& purpose, DType dtype = DType::f32,
                     Layout layout = Layout::contiguous);
inline uint64_t sectors_of(double bytes) { return uint64_t((bytes + 31) / 32); }

}  // namespace CAWE_DEVICE
