// SPDX-License-Identifier: Apache-2.0
// The operands of bench_gpu_kernels, on the CPU: what a kernel has to do may depend on them.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "bench/gpu_kernels/kernels.h"

namespace cawe::bench {
namespace {

/// Nothing is launched.
class Cpu final : public Machine {
 public:
  Device device() const override { return Device::cpu; }
  std::vector<double> microseconds(int count, const std::function<void()>&) override {
    return std::vector<double>(size_t(count), 1);
  }
  int64_t take_peak() override { return 0; }
  void profile(bool) override {}
  void trim() override {}
  bool lost() override { return false; }
  void tell(Json*) override {}
};

/// The share of a's numbers for which holds(a's, b's).
template <class Holds>
double share(const Tensor& a, const Tensor& b, Holds holds) {
  const std::vector<float> x = a.to(DType::f32).to_vector<float>(), y = b.to(DType::f32).to_vector<float>();
  size_t count = 0;
  for (size_t i = 0; i < x.size(); ++i) count += holds(x[i], y[i]);
  return double(count) / double(x.size());
}

double share_below(const Tensor& a, float least) {
  return share(a, a, [&](float x, float) { return x < least; });
}

TEST(GpuNumbers, DifferBetweenTensorsAndAreUniform) {
  Cpu cpu;
  Kernels k(cpu);
  k.begin_part();
  const Shape shape{3, 32, 256, 256};  // more than the block that is repeated
  const Tensor first = k.numbers(shape);
  const Tensor a = k.numbers(shape, DType::bf16, Layout::channels_last), b = k.numbers(shape);
  // As smooth_l1 with beta 0.1 wants it: both of its branches.
  for (const auto& [x, y] : {std::pair{first, a}, {first, b}, {a, b}}) {
    const auto near = [](float p, float q) { return std::abs(p - q) < 0.1f; };
    EXPECT_NEAR(share(x, y, near), 0.19, 0.01);
    EXPECT_LT(share(x, y, [](float p, float q) { return p == q; }), 0.01);
  }
  for (const Tensor& x : {first, a, b}) {
    EXPECT_NEAR(share_below(x, 0.5f), 0.5, 0.01);
    EXPECT_EQ(share_below(x, 0), 0);
  }
  const Tensor c = k.centred(shape);
  EXPECT_NEAR(share_below(c, 0), 0.5, 0.01);
  EXPECT_NEAR(share_below(c, -0.5f), 0.25, 0.01);
  k.begin_part();
  const auto same = [](float p, float q) { return p == q; };
  EXPECT_EQ(share(first, k.numbers(shape), same), 1);
}

}  // namespace
}  // namespace cawe::bench
