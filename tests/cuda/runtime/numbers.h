// SPDX-License-Identifier: Apache-2.0
// Numbers for the device and for the reference, and how near the two must come.
#pragma once

#include <cmath>

#include "tensor/cpu/cpu_backend.h"
#include "tensor/random.h"
#include "tests/cuda/runtime/support.h"

namespace cawe::on_emulator {

inline DType work_type(DType dtype) { return dtype == DType::f64 ? DType::f64 : DType::f32; }

/// The same numbers, uniform in [-1, 1), as the device has them and as the reference has them in f64.
struct Input {
  Tensor device, host;
  Input() = default;
  Input(const Shape& shape, uint64_t seed, DType dtype, Layout layout = Layout::contiguous) {
    const Random random(seed, "runtime_primitives_test");
    Tensor t = Tensor::empty(shape, DType::f64);
    for (int64_t i = 0; i < t.numel(); ++i) t.data<double>()[i] = 2 * random.uniform_double(uint64_t(i)) - 1;
    const Tensor rounded = t.to(work_type(dtype)).to(dtype);
    host = rounded.to(work_type(dtype)).to(DType::f64);
    device = (layout == Layout::channels_last ? rounded.channels_last() : rounded).to(Device::emulated);
  }
};

inline Tensor output(const Shape& shape, DType dtype, Layout layout = Layout::contiguous) {
  Tensor t = Tensor::empty(shape, dtype, layout, Device::emulated);
  t.fill(std::nan(""));
  return t;
}
inline Tensor expected(const Shape& shape) { return Tensor::empty(shape, DType::f64); }

/// Half a unit in the last place of the result for each rounding to its type, plus the usual bound n u sum|a
/// b| of a sum of n products, whose average is 1/4 here; u is f64's for f64, else f32's.
inline double tolerance(DType dtype, double value, int64_t n, int roundings) {
  const double unit = dtype == DType::f16    ? 0x1p-11
                      : dtype == DType::bf16 ? 0x1p-8
                      : dtype == DType::f32  ? 0x1p-24
                                             : 0x1p-53;
  const double u = dtype == DType::f64 ? 0x1p-53 : 0x1p-24;
  return roundings * unit * std::abs(value) + double(n) * u * double(n) / 4;
}

/// between: what was rounded to the type on the way to the result, where anything was.
inline void expect_near(const Tensor& device, const Tensor& host, int64_t products, int roundings = 1,
                        const Tensor& between = Tensor()) {
  const DType dtype = device.dtype();
  const Tensor got = device.contiguous().to(Device::cpu).to(work_type(dtype)).to(DType::f64);
  ASSERT_EQ(got.shape(), host.shape());
  const std::vector<double> a = got.to_vector<double>(), b = host.to_vector<double>();
  const std::vector<double> c =
      between.defined() ? between.to_vector<double>() : std::vector<double>(a.size());
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_LE(std::abs(a[i] - b[i]),
              tolerance(dtype, b[i], products, roundings) + tolerance(dtype, c[i], 0, 1))
        << "element " << i << ": " << a[i] << ", reference " << b[i];
}

}  // namespace cawe::on_emulator
