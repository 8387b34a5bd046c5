// SPDX-License-Identifier: Apache-2.0
// What attention on tensor cores costs in accuracy, beside the kernel on CUDA cores: both are compared with f64.
#include <gtest/gtest.h>

#include <cmath>
#include <tuple>

#include "cuda/emulator/simt/emulator.h"
#include "cuda/kernels/attention.h"
#include "tensor/backend.h"
#include "tensor/denormals.h"
#include "tensor/primitives/attention.h"
#include "tensor/random.h"
#include "tests/cuda/device_buffer.h"

namespace cawe::on_emulator {
namespace {

constexpr AttentionSizes kSizes{1, 64, 256, 32, 64, 0.2};

Tensor numbers(const Shape& shape, const std::string& purpose, DType dtype) {
  const Random random(3, purpose);
  std::vector<float> values;
  for (int64_t i = 0; i < shape.numel(); ++i) values.push_back(float(random.normal(uint64_t(i))));
  return Tensor::from(values, shape).to(dtype);
}

/// y, dq, dk, dv.
using Results = std::array<Tensor, 4>;

struct Inputs {
  Tensor q, k, v, dy;
};

Results in_f64(const Inputs& x) {
  const ReferenceScope plain;
  const Tensor q = x.q.to(DType::f64), k = x.k.to(DType::f64), v = x.v.to(DType::f64),
               dy = x.dy.to(DType::f64);
  Results r{Tensor::like(dy), Tensor::like(q), Tensor::like(k), Tensor::like(v)};
  Tensor seen = Tensor::empty({kSizes.images, kSizes.queries, 2}, DType::f64);
  primitives::attention(q, k, v, kSizes.scale, r[0], seen);
  primitives::attention_grad(q, k, v, r[0], seen, dy, kSizes.scale, r[1], r[2], r[3]);
  return r;
}

/// Both launch functions with tensors of one type, results rounded to `stored`; the gradient is given y as it was stored.
Results on_device(const Inputs& x, DType stored) {
  const DType dtype = x.q.dtype();
  const Number number = dtype == DType::f32 ? Number::f32 : dtype == DType::f16 ? Number::f16 : Number::bf16;
  const auto bytes = [](const Tensor& t) {
    const auto* begin = static_cast<const char*>(t.raw());
    return std::vector<char>(begin, begin + t.numel() * int64_t(size_of(t.dtype())));
  };
  const auto room = [&](const Tensor& like) { return simt::DeviceBuffer<char>(bytes(like)); };
  const auto back = [&](const simt::DeviceBuffer<char>& from, const Tensor& like) {
    Tensor t = Tensor::like(like);
    const std::vector<char> host = from.to_host();
    std::memcpy(t.raw(), host.data(), host.size());
    return t.to(stored);
  };
  const simt::DeviceBuffer<char> q(bytes(x.q)), k(bytes(x.k)), v(bytes(x.v)), dy(bytes(x.dy));
  const simt::DeviceBuffer<float> seen(size_t(2 * kSizes.queries)), terms(size_t(3 * kSizes.queries));
  const simt::DeviceBuffer<char> y = room(x.dy), dq = room(x.q), dk = room(x.k), dv = room(x.v);
  attention(number, kSizes, q.get(), k.get(), v.get(), y.get(), seen.get(), nullptr);
  const Tensor stored_y = back(y, x.dy);
  const simt::DeviceBuffer<char> given(bytes(stored_y.to(dtype)));
  attention_grad(number, kSizes,
                 {q.get(), k.get(), v.get(), given.get(), seen.get(), dy.get(), terms.get(), dq.get(),
                  dk.get(), dv.get()},
                 nullptr);
  return {stored_y, back(dq, x.q), back(dk, x.k), back(dv, x.v)};
}

double rms(const Tensor& a, const Tensor& b) {
  const std::vector<double> x = a.to(DType::f64).to_vector<double>(),
                            y = b.to(DType::f64).to_vector<double>();
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum += (x[i] - y[i]) * (x[i] - y[i]);
  return std::sqrt(sum / double(x.size()));
}

// The kernel on CUDA cores keeps everything in f32 and rounds what it stores, whether its inputs are stored in 16 bits or
// 32. With tensor cores each weight and slope is rounded once more. y is a sum of weights times values of either sign: of
// its terms' roundings about as much is left, in the root of the mean of squares, as of the terms, which is y. Two such
// errors of one size are the root of two times one; the rest to 1.7 is for what a draw adds.
void compare(DType dtype) {
  ASSERT_TRUE(attention_mma_takes(dtype == DType::f16 ? Number::f16 : Number::bf16, kSizes));
  const KeepDenormals exact;
  const Inputs x{numbers({1, kSizes.queries, kSizes.depth}, "q", dtype),
                 numbers({1, kSizes.keys, kSizes.depth}, "k", dtype),
                 numbers({1, kSizes.keys, kSizes.channels}, "v", dtype),
                 numbers({1, kSizes.queries, kSizes.channels}, "dy", dtype)};
  const Results truth = in_f64(x), on_tensor_cores = on_device(x, dtype),
                on_cuda_cores = on_device(
                    {x.q.to(DType::f32), x.k.to(DType::f32), x.v.to(DType::f32), x.dy.to(DType::f32)}, dtype);
  const char* const what[] = {"y", "dq", "dk", "dv"};
  for (size_t i = 0; i < truth.size(); ++i) {
    const double ours = rms(on_tensor_cores[i], truth[i]), other = rms(on_cuda_cores[i], truth[i]);
    EXPECT_LT(ours, 1.7 * other) << what[i] << ": " << ours << " beside " << other;
    EXPECT_GT(ours, 1.05 * other) << what[i] << ": nothing was rounded? " << ours << " beside " << other;
  }
}

TEST(Attention, OnTensorCoresCostsOneMoreRoundingInF16) { compare(DType::f16); }
TEST(Attention, OnTensorCoresCostsOneMoreRoundingInBf16) { compare(DType::bf16); }

TEST(Attention, GoesToTensorCoresWhereRowsAreWholePieces) {
  for (const Number number : {Number::f16, Number::bf16}) {
    EXPECT_TRUE(attention_mma_takes(number, {1, 5, 7, 128, 8, 1}));
    EXPECT_TRUE(attention_mma_takes(number, {1, 5, 7, 8, 520, 1}));
    EXPECT_FALSE(attention_mma_takes(number, {1, 5, 7, 136, 8, 1}));
    EXPECT_FALSE(attention_mma_takes(number, {1, 5, 7, 4, 8, 1}));
    EXPECT_FALSE(attention_mma_takes(number, {1, 5, 7, 8, 12, 1}));
    EXPECT_FALSE(attention_mma_takes(number, {1, 5, 7, 8, 0, 1}));
  }
  EXPECT_FALSE(attention_mma_takes(Number::f32, {1, 5, 7, 32, 64, 1}));
  EXPECT_FALSE(attention_mma_takes(Number::f64, {1, 5, 7, 32, 64, 1}));
}

/// The device stays one with tensor cores: code of an older architecture has no products on it either.
class OlderCode : public ::testing::Test {
 protected:
  void TearDown() override {
    simt::options() = simt::Options{};
    simt::take_reports();
  }
};

TEST_F(OlderCode, GoesToCudaCores) {
  for (const auto& [architecture, f16, bf16] :
       {std::tuple(70, false, false), std::tuple(75, true, false), std::tuple(80, true, true)}) {
    simt::options().architecture = architecture;
    for (const int64_t depth : {8, 32, 40, 128}) {
      EXPECT_EQ(attention_mma_takes(Number::f16, {1, 5, 7, depth, 8, 1}), f16) << architecture;
      EXPECT_EQ(attention_mma_takes(Number::bf16, {1, 5, 7, depth, 8, 1}), bf16) << architecture;
    }
  }
}

/// The choice and the kernels together: y is computed, by the kernel that has no need of products.
TEST_F(OlderCode, ComputesTheSame) {
  const Inputs x{numbers({1, kSizes.queries, kSizes.depth}, "q", DType::bf16),
                 numbers({1, kSizes.keys, kSizes.depth}, "k", DType::bf16),
                 numbers({1, kSizes.keys, kSizes.channels}, "v", DType::bf16),
                 numbers({1, kSizes.queries, kSizes.channels}, "dy", DType::bf16)};
  const Results truth = in_f64(x);
  simt::options().architecture = 75;
  simt::options().level = simt::Level::profile;
  const Results found = on_device(x, DType::bf16);
  for (const simt::LaunchReport& launch : simt::take_reports())
    EXPECT_EQ(launch.counters.mma, 0u) << launch.kernel;
  for (size_t i = 0; i < truth.size(); ++i) EXPECT_LT(rms(found[i], truth[i]), 0.01) << i;
}

/// Whoever launches the kernel all the same is stopped, not given what lay in y.
TEST_F(OlderCode, StopsAtAProductThatItDoesNotHave) {
  simt::options().level = simt::Level::check;
  simt::options().architecture = 75;
  const simt::DeviceBuffer<uint16_t> q(std::vector<uint16_t>(8 * 32)), k(std::vector<uint16_t>(8 * 32)),
      v(std::vector<uint16_t>(8 * 32)), y(size_t(8 * 32));
  const simt::DeviceBuffer<float> seen(size_t(2 * 8));
  const AttentionSizes sizes{1, 8, 8, 32, 32, 1};
  attention_mma(Number::bf16, sizes, q.get(), k.get(), v.get(), y.get(), seen.get(), nullptr);
  const std::vector<simt::LaunchReport> reports = simt::take_reports();
  ASSERT_EQ(reports.size(), 1u);
  ASSERT_FALSE(reports[0].issues.empty());
  EXPECT_EQ(reports[0].issues[0].kind, "trap");
}

}  // namespace
}  // namespace cawe::on_emulator
