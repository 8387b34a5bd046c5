// SPDX-License-Identifier: Apache-2.0
// Every row of the operator table with tensors that lie in memory otherwise (autograd/layouts.h), on the CPU;
// and the check itself against operators that read raw memory. tests/cuda/device_operators_test.cpp does the
// same on the emulated device.
#include "autograd/layouts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "autograd/ops/conv2d.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/shape.h"
#include "autograd/rows/rows.h"
#include "tensor/cpu/cpu_backend.h"
#include "tensor/primitives/backend.h"

namespace cawe {
namespace {

template <class Row>
std::vector<std::string> names_of(const std::vector<Row>& rows) {
  std::vector<std::string> names;
  for (const Row& row : rows) names.push_back(row.name);
  return names;
}

class Layouts : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(, Layouts, ::testing::ValuesIn(names_of(operator_rows())),
                         [](const auto& i) { return i.param; });

TEST_P(Layouts, DoNotChangeANumber) {
  for (const OperatorRow& row : operator_rows()) {
    if (row.name != GetParam()) continue;
    for (size_t i = 0; i < row.cases.size(); ++i)
      for (const DType dtype : {DType::f64, DType::f32}) {
        const LayoutReport r = check_layouts(row.cases[i], dtype);
        EXPECT_TRUE(r.passed()) << name(dtype) << " case " << i << layout_faults_text(r.faults);
      }
  }
}

class PrimitiveLayouts : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(, PrimitiveLayouts, ::testing::ValuesIn(names_of(primitive_rows())),
                         [](const auto& i) { return i.param; });

TEST_P(PrimitiveLayouts, DoNotChangeANumber) {
  for (const PrimitiveRow& row : primitive_rows()) {
    if (row.name != GetParam()) continue;
    const LayoutReport fast = check_layouts(row, cpu_backend()),
                       reference = check_layouts(row, cpu_reference_backend());
    EXPECT_TRUE(fast.passed()) << layout_faults_text(fast.faults);
    EXPECT_TRUE(reference.passed()) << layout_faults_text(reference.faults);
  }
}

/// The gradients' sums, which the operator keeps to itself in one order of memory, lie in any. The images are dense, or the
/// fast backend would leave the work to the reference.
std::vector<Tensor> batch_norm_gradients(PrimitiveBackend& b, int64_t variant) {
  const Layout layout = layout_of(variant);
  const Shape shape{3, 5, 7, 6};
  const Tensor dy = numbers(b, shape, "bn dy").in_layout(layout),
               x = numbers(b, shape, "bn x").in_layout(layout), mean = numbers(b, {5}, "bn mean"),
               invstd = numbers(b, {5}, "bn invstd", 0.5, 2), w = numbers(b, {5}, "bn w"), none;
  Tensor sums = room(b, {2, 5}, DType::f64), dx = Tensor::like(x), no_residual;
  b.batch_norm_grad_sums(dy, x, none, none, none, mean, invstd, false, sums);
  const Tensor total = in_scope(sums.clone());
  b.batch_norm_grad_input(dy, x, none, none, none, mean, invstd, w, total, 3 * 7 * 6, false, dx, no_residual);
  return {sums, dx};
}

TEST(BatchNormLayouts, SumsOfTheGradientLieInAnyOrder) {
  const PrimitiveRow row{"batch_norm_gradients", batch_norm_gradients, 2};
  for (PrimitiveBackend* backend : {&cpu_backend(), &cpu_reference_backend()}) {
    const LayoutReport report = check_layouts(row, *backend);
    EXPECT_TRUE(report.passed()) << layout_faults_text(report.faults);
  }
}

/// Numbers of x in the order of memory, whatever its strides: the mistake that the check is for.
Tensor read_raw(const Tensor& x) {
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  const auto bytes = std::min(size_t(x.numel()) * size_of(x.dtype()), x.storage().bytes());
  std::copy_n(static_cast<const char*>(x.raw()), bytes - size_t(x.offset()) * size_of(x.dtype()),
              static_cast<char*>(y.raw()));
  return y;
}

/// y = 2x; reads the strides or not, forward and back.
OperatorCase twice(bool raw, bool raw_gradient) {
  const auto call = [=](const std::vector<Variable>& in) {
    const auto doubled = [](const Tensor& t) { return affine(Variable(t), 2).value().contiguous(); };
    const Tensor x = in[0].value();
    return record("twice", {in[0]}, doubled(raw ? read_raw(x) : x),
                  [=](const Tensor& dy) -> Grads { return {doubled(raw_gradient ? read_raw(dy) : dy)}; });
  };
  return {{{{2, 3, 4, 5}}}, call};
}

std::vector<std::string> all_of(const std::string& target) {
  std::vector<std::string> faults;
  for (const Placement p : kPlacements)
    if (p != Placement::contiguous) faults.push_back(std::string(name(p)) + " " + target);
  return faults;
}

TEST(LayoutCheck, NamesWhatAnOperatorReadsWithoutItsStrides) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    EXPECT_TRUE(check_layouts(twice(false, false), dtype).passed());
    EXPECT_EQ(check_layouts(twice(true, false), dtype).faults, all_of("x"));
    EXPECT_EQ(check_layouts(twice(false, true), dtype).faults, all_of("dy"));
  }
}

// y = a + b by an operator that takes b to lie as a does: right where all inputs lie alike.
TEST(LayoutCheck, SeesInputsThatLieOtherwiseThanEachOther) {
  const auto call = [](const std::vector<Variable>& in) {
    const Tensor a = in[0].value(), b = in[1].value();
    Tensor like_a = Tensor::like(a, b.dtype());
    if (a.is_dense() && b.is_dense())
      std::memcpy(like_a.raw(), b.raw(), size_t(b.numel()) * size_of(b.dtype()));
    else
      like_a.copy_from(b);
    return record("sum", in, add(Variable(a), Variable(like_a)).value(), [](const Tensor& dy) -> Grads {
      return {dy, dy};
    });
  };
  const std::vector<std::string> expected{"channels-last input 0", "transposed input 0",
                                          "channels-last input 1", "transposed input 1"};
  EXPECT_EQ(check_layouts({{{{2, 3, 4, 5}}, {{2, 3, 4, 5}}}, call}, DType::f32).faults, expected);
}

/// A primitive row that copies raw memory, or asks for the strides.
PrimitiveRow copying(bool raw, bool decides) {
  const auto run = [raw](PrimitiveBackend&, int64_t) {
    const Tensor x = in_scope(Tensor::from(std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3}));
    return std::vector<Tensor>{raw ? read_raw(x) : x.contiguous()};
  };
  return {"copying", run, 1, decides};
}

TEST(LayoutCheck, NamesThePlacementsOfAPrimitive) {
  for (const bool decides : {false, true}) {
    EXPECT_TRUE(check_layouts(copying(false, decides), cpu_backend()).passed());
    EXPECT_EQ(check_layouts(copying(true, decides), cpu_backend()).faults,
              (std::vector<std::string>{"sliced", "expanded", "last-expanded", "transposed"}));
  }
}

TEST(LayoutCheck, TheReportsOfDoctorNameIt) {
  OperatorReport cpu;
  cpu.name = "twice";
  cpu.covered = true;
  EXPECT_TRUE(cpu.passed());
  cpu.layout_faults = {"expanded x", "sliced x", "transposed x", "sliced dy"};
  EXPECT_FALSE(cpu.passed());
  EXPECT_NE(operators_text({cpu}).find("NO FAILED: expanded x, sliced x, transposed x and 1 more"),
            std::string::npos);
  DeviceReport device;
  device.name = "twice";
  device.cases = 1;
  EXPECT_TRUE(device.passed());
  EXPECT_NE(device_operators_json(Device::cpu, {device}).find("\"layouts\":true,\"layout_faults\":[]"),
            std::string::npos);
  device.layout_faults = {"expanded x"};
  EXPECT_FALSE(device.passed());
  EXPECT_NE(device_operators_text(Device::cpu, {device}).find("FAILED: expanded x"), std::string::npos);
  EXPECT_NE(device_operators_json(Device::cpu, {device}).find("\"layout_faults\":[\"expanded x\"]"),
            std::string::npos);
}

TEST(Placements, KeepTheValues) {
  const Tensor x = Tensor::from(std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8}, {2, 2, 1, 2});
  for (const Placement p : kPlacements) {
    const Tensor y = placed(x, p);
    EXPECT_EQ(y.shape(), x.shape()) << name(p);
    if (p == Placement::expanded)
      EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{1, 2, 3, 4, 1, 2, 3, 4}));
    else if (p == Placement::expanded_last)
      EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{1, 1, 3, 3, 5, 5, 7, 7}));
    else
      EXPECT_EQ(y.to_vector<float>(), x.to_vector<float>()) << name(p);
    EXPECT_EQ(y.is_contiguous(), p == Placement::contiguous) << name(p);
  }
}

// The fast backend caches packed weights: two views of one storage must not share an entry.
TEST(PackedWeights, ViewsOfOneStorageAreNotMixedUp) {
  const OperatorCase both{{{{2, 4, 5, 6}}, {{4, 4, 3, 3}}}, [](const std::vector<Variable>& in) {
                            const Conv2dParams p{1, 1, 1, 1};
                            const Variable turned = permute(in[1], {1, 0, 2, 3});
                            const Variable flipped = permute(in[1], {0, 1, 3, 2});
                            return conv2d(conv2d(conv2d(in[0], in[1], {}, p), turned, {}, p), flipped, {}, p);
                          }};
  const CaseResult fast = run_case(both, DType::f32), truth = run_case(both, DType::f64);
  EXPECT_LE(relative_difference(fast.y, truth.y), 1e-5);
  for (size_t i = 0; i < 2; ++i)
    EXPECT_LE(relative_difference(fast.gradients[i], truth.gradients[i]), 1e-5) << i;
}

TEST(PackedWeights, FollowTheWeight) {
  const Tensor x = Tensor::full({1, 3, 4, 4}, 1);
  Variable w(Tensor::full({5, 3, 1, 1}, 2));
  EXPECT_EQ(conv2d(Variable(x), w).value().to_vector<float>()[0], 6);
  w.set_value(Tensor::full({5, 3, 1, 1}, 3));
  EXPECT_EQ(conv2d(Variable(x), w).value().to_vector<float>()[0], 9);
}

}  // namespace
}  // namespace cawe
