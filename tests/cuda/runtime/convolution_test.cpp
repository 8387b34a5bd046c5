// SPDX-License-Identifier: Apache-2.0
// Convolutions through (emulated) cuDNN against the CPU's reference loops, and the choice of an algorithm.
#include "cuda/backend/packing.h"
#include "tensor/primitives/backend.h"
#include "tests/cuda/runtime/numbers.h"

namespace cawe::on_emulator {
namespace {

using emulated::Fault;
using emulated::inject;

struct ConvolutionCase {
  const char* name;
  Shape x, w;
  Conv2dParams params;
};
const ConvolutionCase kConvolutions[] = {
    {"three by three", {2, 3, 7, 6}, {4, 3, 3, 3}, {1, 1, 1, 1}},
    {"one by one", {2, 4, 6, 5}, {6, 4, 1, 1}, {1, 0, 1, 1}},
    {"one by one, stride", {2, 4, 6, 5}, {6, 4, 1, 1}, {2, 0, 1, 1}},
    {"seven by seven, stride", {1, 3, 13, 12}, {5, 3, 7, 7}, {2, 3, 1, 1}},
    {"dilation and groups", {2, 4, 8, 7}, {6, 2, 3, 3}, {1, 2, 2, 2}},
    {"a group a channel", {1, 4, 5, 5}, {4, 1, 3, 3}, {1, 1, 1, 4}},
    {"one cell", {3, 5, 1, 1}, {4, 5, 1, 1}, {1, 0, 1, 1}},
};

Shape output_shape(const ConvolutionCase& c) {
  const auto side = [&](int i) {
    return (c.x[i] + 2 * c.params.padding - c.params.dilation * (c.w[i] - 1) - 1) / c.params.stride + 1;
  };
  return {c.x[0], c.w[0], side(2), side(3)};
}

/// The interface of cuDNN is a value of CAWE_CUDNN.
using Setting = std::tuple<DType, Layout, const char*>;
class Convolution : public RuntimeTest, public ::testing::WithParamInterface<Setting> {
 protected:
  void SetUp() override {
    const EnvironmentVariable interface("CAWE_CUDNN", std::get<2>(GetParam()));
    RuntimeTest::SetUp();
  }
  /// All problems were computed by the interface that was asked for.
  void TearDown() override {
    const ConvolutionStatistics s = device().runtime().convolutions.statistics();
    const bool graph = std::get<2>(GetParam()) == std::string("graph");
    EXPECT_EQ(graph ? s.by_legacy : s.by_graph, 0);
    EXPECT_GT(graph ? s.by_graph : s.by_legacy, 0);
    RuntimeTest::TearDown();
  }
};
std::string name_of(const ::testing::TestParamInfo<Setting>& test) {
  const auto [dtype, layout, interface] = test.param;
  return std::string(name(dtype)) + (layout == Layout::channels_last ? "_nhwc_" : "_nchw_") + interface;
}
INSTANTIATE_TEST_SUITE_P(Types, Convolution,
                         ::testing::Combine(::testing::Values(DType::f32, DType::f64, DType::f16,
                                                              DType::bf16),
                                            ::testing::Values(Layout::contiguous, Layout::channels_last),
                                            ::testing::Values("legacy", "graph")),
                         name_of);

/// The sums, where they are rounded before a kernel of ours adds the bias: the one algorithm of cuDNN's
/// legacy calls that fuses a bias takes no dilation in NCHW, and f64 is always in NCHW.
Tensor rounded_sums(const ConvolutionCase& c, const Setting& setting, const Input& x, const Input& w) {
  const auto [dtype, layout, interface] = setting;
  const bool nchw = layout == Layout::contiguous || dtype == DType::f64;
  if (interface == std::string("graph") || !nchw || c.params.dilation == 1) return Tensor();
  Tensor sums = expected(output_shape(c));
  cpu_reference_backend().conv2d(x.host, w.host, Tensor(), c.params, false, sums);
  return sums;
}

TEST_P(Convolution, ForwardEqualsTheReference) {
  const auto [dtype, layout, interface] = GetParam();
  for (const ConvolutionCase& c : kConvolutions)
    for (const bool with_bias : {false, true})
      for (const bool relu : {false, true}) {
        SCOPED_TRACE(detail::concat(c.name, with_bias ? ", bias" : "", relu ? ", relu" : ""));
        const Input x(c.x, 1, dtype, layout), w(c.w, 2, dtype, layout);
        const Input bias = with_bias ? Input({c.w[0]}, 3, dtype) : Input();
        Tensor y = output(output_shape(c), dtype, layout), host = expected(y.shape());
        device().conv2d(x.device, w.device, bias.device, c.params, relu, y);
        cpu_reference_backend().conv2d(x.host, w.host, bias.host, c.params, relu, host);
        expect_near(y, host, c.w[1] * c.w[2] * c.w[3] + 1, 1,
                    with_bias ? rounded_sums(c, GetParam(), x, w) : Tensor());
      }
  EXPECT_EQ(emulated::complaints(), 0u) << emulated::last_complaint();
}

TEST_P(Convolution, GradientByTheInputEqualsTheReference) {
  const auto [dtype, layout, interface] = GetParam();
  for (const ConvolutionCase& c : kConvolutions) {
    SCOPED_TRACE(c.name);
    const Input dy(output_shape(c), 4, dtype, layout), w(c.w, 5, dtype);
    Tensor dx = output(c.x, dtype, layout), host = expected(c.x);
    device().conv2d_grad_input(dy.device, w.device, c.params, dx);
    cpu_reference_backend().conv2d_grad_input(dy.host, w.host, c.params, host);
    expect_near(dx, host, c.w[0] * c.w[2] * c.w[3]);
  }
  EXPECT_EQ(emulated::complaints(), 0u) << emulated::last_complaint();
}

TEST_P(Convolution, GradientByTheWeightEqualsTheReference) {
  const auto [dtype, layout, interface] = GetParam();
  for (const ConvolutionCase& c : kConvolutions)
    for (const bool with_bias : {false, true}) {
      SCOPED_TRACE(detail::concat(c.name, with_bias ? ", bias" : ""));
      const Shape y = output_shape(c);
      const Input x(c.x, 6, dtype, layout), dy(y, 7, dtype, layout);
      Tensor dw = output(c.w, dtype), db, host = expected(c.w), host_db;
      if (with_bias) db = output({c.w[0]}, dtype), host_db = expected({c.w[0]});
      device().conv2d_grad_weight(x.device, dy.device, c.params, dw, db);
      cpu_reference_backend().conv2d_grad_weight(x.host, dy.host, c.params, host, host_db);
      expect_near(dw, host, y[0] * y[2] * y[3]);
      if (with_bias) expect_near(db, host_db, y[0] * y[2] * y[3]);
    }
  EXPECT_EQ(emulated::complaints(), 0u) << emulated::last_complaint();
}

/// x and y of different layouts, operands with gaps, operands that begin in the middle of 16 bytes.
TEST_P(Convolution, TakesAnyStrides) {
  const auto [dtype, layout, interface] = GetParam();
  const ConvolutionCase& c = kConvolutions[0];
  const Shape wide_x{2, 3, 7, 8}, wide_y{2, 4, 7, 8};
  const Input x(wide_x, 8, dtype, layout), bias({5}, 9, dtype);
  const Input w(c.w, 10, dtype, layout == Layout::contiguous ? Layout::channels_last : Layout::contiguous);
  const Tensor x_part = x.device.slice(3, 1, 7), bias_part = bias.device.slice(0, 1, 5);
  Tensor y = output(wide_y, dtype, layout), y_part = y.slice(3, 2, 8), host = expected(y_part.shape());
  device().conv2d(x_part, w.device, bias_part, c.params, true, y_part);
  cpu_reference_backend().conv2d(x.host.slice(3, 1, 7), w.host, bias.host.slice(0, 1, 5), c.params, true,
                                 host);
  expect_near(y_part, host, 28);
  const Tensor edge = y.slice(3, 0, 2).contiguous().to(Device::cpu).to(work_type(dtype)).to(DType::f64);
  for (double outside : edge.to_vector<double>())
    EXPECT_TRUE(std::isnan(outside)) << "written beside the result";
  Tensor other = output(y_part.shape(), dtype,
                        layout == Layout::contiguous ? Layout::channels_last : Layout::contiguous);
  device().conv2d(x_part, w.device, bias_part, c.params, true, other);
  expect_near(other, host, 28);
  EXPECT_EQ(emulated::complaints(), 0u) << emulated::last_complaint();
}

class ConvolutionChoice : public RuntimeTest {
 protected:
  /// A 3x3 convolution of f32 in NCHW with two groups: of the emulated library's deterministic algorithms,
  /// forward has 0 (no workspace) and 1, each gradient has 1 alone; 1 needs a workspace.
  void prepare(int64_t groups = 2) {
    c_ = {"", {1, 4, 6, 6}, {4, 4 / groups, 3, 3}, {1, 1, 1, groups}};
    x_ = Input(c_.x, 11, DType::f32), w_ = Input(c_.w, 12, DType::f32), b_ = Input({4}, 13, DType::f32);
    y_ = output(output_shape(c_), DType::f32);
    device().synchronize();
  }
  void TearDown() override {
    x_ = w_ = b_ = Input();
    y_ = Tensor();
    RuntimeTest::TearDown();
  }
  void forward(bool with_bias = false, bool relu = false) {
    device().conv2d(x_.device, w_.device, with_bias ? b_.device : Tensor(), c_.params, relu, y_);
  }
  void restart_without_tensors() {
    x_ = w_ = b_ = Input();
    y_ = Tensor();
    restart();
  }
  void grad_input() { device().conv2d_grad_input(x_.device, w_.device, c_.params, y_); }
  void expect_forward(bool with_bias = false, bool relu = false) {
    Tensor host = expected(y_.shape());
    cpu_reference_backend().conv2d(x_.host, w_.host, with_bias ? b_.host : Tensor(), c_.params, relu, host);
    expect_near(y_, host, 37, 2);
  }
  void expect_grad_input() {
    Tensor host = expected(y_.shape());
    cpu_reference_backend().conv2d_grad_input(x_.host, w_.host, c_.params, host);
    expect_near(y_, host, 36);
  }
  ConvolutionCase c_;
  Input x_, w_, b_;
  Tensor y_;
};

TEST_F(ConvolutionChoice, IsMadeOncePerProblem) {
  prepare();
  for (int i = 0; i < 3; ++i) forward();
  EXPECT_EQ(emulated::calls("cudnnGetConvolutionForwardAlgorithm_v7"), 1u);
  EXPECT_EQ(device().runtime().convolutions.statistics().made, 1);
  EXPECT_EQ(device().runtime().convolutions.statistics().found, 2);
  grad_input();
  prepare(1);
  forward();
  EXPECT_EQ(device().runtime().convolutions.statistics().made, 3) << "another pass, another weight";
}

TEST_F(ConvolutionChoice, IsNchwForDoubles) {
  for (const Layout layout : {Layout::contiguous, Layout::channels_last}) {
    const Input x({1, 2, 4, 4}, 14, DType::f64, layout), w({3, 2, 3, 3}, 15, DType::f64, layout);
    Tensor y = output({1, 3, 2, 2}, DType::f64, layout);
    device().conv2d(x.device, w.device, Tensor(), {}, false, y);
  }
  EXPECT_EQ(device().runtime().convolutions.statistics().made, 1);
}

/// The layout of the plan that a 3x3 convolution of channels-last tensors makes.
TEST_F(ConvolutionChoice, IsNchwForFloatsUnlessTheyMayBeTf32) {
  const auto plans = [&](DType dtype) {
    for (const Layout layout : {Layout::contiguous, Layout::channels_last}) {
      const Input x({1, 8, 4, 4}, 14, dtype, layout), w({3, 8, 3, 3}, 15, dtype, layout);
      Tensor y = output({1, 3, 2, 2}, dtype, layout);
      device().conv2d(x.device, w.device, Tensor(), {}, false, y);
    }
    return device().runtime().convolutions.statistics().made;
  };
  EXPECT_EQ(plans(DType::f32), 1);
  EXPECT_EQ(plans(DType::bf16), 3);
  const EnvironmentVariable tf32("CAWE_TF32", "1");
  restart();
  EXPECT_EQ(plans(DType::f32), 2);
}

/// Without groups and workspace, the emulated library has a transform alone for the gradient by the input.
TEST_F(ConvolutionChoice, LeavesOutTransformsUnlessTheyAreAllowed) {
  const EnvironmentVariable none("CAWE_CUDNN_WORKSPACE_MB", "0");
  restart();
  prepare(1);
  expect_error(Code::unsupported, {"conv2d_grad_input: cuDNN has no algorithm"}, [&] { grad_input(); });
  const EnvironmentVariable allowed("CAWE_WINOGRAD", "1");
  x_ = w_ = b_ = Input();
  y_ = Tensor();
  restart();
  prepare(1);
  grad_input();
  expect_grad_input();
}

TEST_F(ConvolutionChoice, LeavesOutWhatDoesNotRepeatItsBits) {
  prepare();
  inject(Fault::algorithm, 1, 1000, CUDNN_CONVOLUTION_BWD_DATA_ALGO_0);  // first on the library's lists
  grad_input();
  expect_grad_input();
  EXPECT_EQ(emulated::complaints(), 0u) << emulated::last_complaint();
}

TEST_F(ConvolutionChoice, PassesOverAnAlgorithmThatRefuses) {
  prepare();
  inject(Fault::workspace, 1, 1000);  // of algorithm 1, the first choice; the other one has none
  forward();
  expect_forward();
  EXPECT_EQ(emulated::calls("cudnnConvolutionForward"), 2u);
  forward();
  EXPECT_EQ(emulated::calls("cudnnConvolutionForward"), 3u) << "it is remembered";
  expect_forward();
}

TEST_F(ConvolutionChoice, KeepsToTheLimitOfTheWorkspace) {
  const EnvironmentVariable none("CAWE_CUDNN_WORKSPACE_MB", "0");
  restart();
  prepare();
  const int64_t requests = device().statistics().requests;
  forward();
  EXPECT_EQ(device().statistics().requests, requests) << "no workspace";
  expect_forward();
  expect_error(Code::unsupported,
               {"conv2d_grad_input: cuDNN has no algorithm for x [1, 4, 6, 6], w [4, 2, 3, 3], f32",
                "(NCHW: no deterministic algorithm within the workspace (", "algorithm 0: not deterministic",
                "algorithm 1: a workspace of ", " bytes is above the limit",
                "; channels-last: no deterministic", "CAWE_CUDNN_WORKSPACE_MB"},
               [&] { grad_input(); });
}

/// Without groups, the emulated library has an algorithm without workspace in NCHW alone.
TEST_F(ConvolutionChoice, TriesTheOtherLayout) {
  const EnvironmentVariable none("CAWE_CUDNN_WORKSPACE_MB", "0"), tf32("CAWE_TF32", "1"),
      transforms("CAWE_WINOGRAD", "1");
  emulated::options().tf32 = false;  // a GPU that knows no TF32
  restart();
  prepare(1);
  const Tensor dy = x_.device.channels_last();
  Tensor dx = output(y_.shape(), DType::f32, Layout::channels_last), host = expected(y_.shape());
  device().conv2d_grad_input(dy, w_.device, c_.params, dx);
  cpu_reference_backend().conv2d_grad_input(x_.host, w_.host, c_.params, host);
  expect_near(dx, host, 36);
}

/// Another algorithm needs less, but has other bits: free memory must not decide which of them computes.
TEST_F(ConvolutionChoice, TellsThatMemoryIsOutAndTriesTheSameAgainLater) {
  for (const bool with_bias : {false, true}) {
    prepare();
    inject(Fault::device_memory, 1, 2);  // and again without what was cached
    expect_error(
        Code::io,
        {"conv2d: out of device memory: 1 MiB wanted for the workspace of cuDNN's algorithm 1",
         with_bias ? "x [1, 4, 6, 6], w [4, 2, 3, 3], y [1, 4, 6, 6], f32, NCHW, with a bias, by algorithm 1"
                   : "x [1, 4, 6, 6], w [4, 2, 3, 3], y [1, 4, 6, 6], f32, NCHW, by algorithm 1",
         "smaller batch", "same bits, CAWE_CUDNN_WORKSPACE_MB=0, which admits only"},
        [&] { forward(with_bias); });
    const char* call = with_bias ? "cudnnConvolutionBiasActivationForward" : "cudnnConvolutionForward";
    const int64_t made = device().runtime().convolutions.statistics().made;
    const int64_t requests = device().statistics().requests;
    forward(with_bias);
    EXPECT_GT(device().statistics().requests, requests) << "a workspace";
    EXPECT_EQ(emulated::calls(call), 1u) << "none but the first choice";
    EXPECT_EQ(device().runtime().convolutions.statistics().made, made);
    expect_forward(with_bias);
    restart_without_tensors();
  }
}

TEST_F(ConvolutionChoice, TriesAgainWithoutTheCacheBeforeMemoryIsOut) {
  prepare();
  inject(Fault::device_memory);
  grad_input();
  expect_grad_input();
}

TEST_F(ConvolutionChoice, AnInternalErrorIsNotTakenForARefusal) {
  prepare();
  inject(Fault::internal);
  expect_error(Code::internal,
               {"conv2d: cudnnConvolutionForward: CUDNN_STATUS_INTERNAL_ERROR",
                "Operands: x [1, 4, 6, 6], w [4, 2, 3, 3], y [1, 4, 6, 6], f32, NCHW, by algorithm 1."},
               [&] { forward(); });
}

/// No ReLU of the library's legacy calls keeps NaN, so it is a kernel of ours, in place; the bias is the library's.
TEST_F(ConvolutionChoice, FusesTheBiasAndClipsItself) {
  prepare();
  const auto launches = [] { return emulated::calls("kernel launch"); };
  uint64_t before = launches();
  const int64_t requests = device().statistics().requests;
  forward(true, true);
  EXPECT_EQ(launches() - before, 1u) << "the ReLU";
  EXPECT_EQ(emulated::calls("cudnnConvolutionBiasActivationForward"), 1u) << "nothing is asked for in vain";
  EXPECT_EQ(device().statistics().requests - requests, 1) << "the workspace: no other memory";
  expect_forward(true, true);
  before = launches();
  forward(false, true);
  EXPECT_EQ(launches() - before, 1u);
  EXPECT_EQ(emulated::calls("cudnnConvolutionForward"), 1u);
  expect_forward(false, true);
  EXPECT_EQ(emulated::complaints(), 0u) << emulated::last_complaint();
}

TEST_F(ConvolutionChoice, AddsTheBiasItselfWhereTheLibraryCannot) {
  for (const bool relu : {false, true}) {
    prepare();
    inject(Fault::algorithm);  // the only one that fuses a bias
    forward(true, relu);
    expect_forward(true, relu);
    const uint64_t launches = emulated::calls("kernel launch"), blocks = driver_allocations();
    forward(true, relu);
    expect_forward(true, relu);
    EXPECT_EQ(emulated::calls("kernel launch") - launches, 1u) << "the ones are not filled again";
    EXPECT_EQ(driver_allocations(), blocks);
    restart_without_tensors();
  }
}

/// What a captured step is the first to ask for is no part of the step.
TEST_F(ConvolutionChoice, ConstantsOfACapturedStepAreThereForAll) {
  prepare();
  inject(Fault::algorithm);  // the only one that fuses a bias
  const std::unique_ptr<CapturedWork> step = device().capture([&] { forward(true, true); });
  forward(true, true);
  expect_forward(true, true);
  y_.fill(0);
  step->launch();
  expect_forward(true, true);
}

TEST_F(ConvolutionChoice, NamesTheOperatorInErrorsOfTheLibrary) {
  prepare();
  inject(Fault::algorithm, 1, 1000);
  expect_error(Code::unsupported,
               {"conv2d: cuDNN has no algorithm", "(NCHW: algorithm 1: CUDNN_STATUS_NOT_SUPPORTED (3000)",
                "; algorithm 0: CUDNN_STATUS_NOT_SUPPORTED (3000)",
                "; channels-last: algorithm 1: CUDNN_STATUS_NOT_SUPPORTED (3000)"},
               [&] { forward(); });
}

TEST_F(ConvolutionChoice, AnAsynchronousFailureIsNotTakenForARefusal) {
  prepare();
  inject(Fault::asynchronous);
  forward();
  expect_error(Code::internal, {"cudaErrorIllegalAddress"}, [] { device().synchronize(); });
  expect_error(Code::internal, {"conv2d: cudnnConvolutionForward: CUDNN_STATUS_EXECUTION_FAILED"},
               [&] { forward(); });
}

TEST_F(RuntimeTest, PackedTensorsAreAligned) {
  const Tensor x = Input({9}, 16, DType::f32).device, part = x.slice(0, 1, 9);
  EXPECT_EQ(packed(x, Layout::contiguous).raw(), x.raw());
  const Tensor copy = packed(part, Layout::contiguous);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(copy.raw()) % 16, 0u);
  EXPECT_EQ(copy.to_vector<float>(), part.contiguous().to_vector<float>());
  EXPECT_NE(packed_output(part, Layout::contiguous).raw(), part.raw());
}

TEST_F(RuntimeTest, ReluKeepsNaN) {
  const Tensor x = Tensor::full({1, 1, 1, 2}, std::nan("")).to(Device::emulated);
  const Tensor w = Tensor::full({1, 1, 1, 1}, 1).to(Device::emulated),
               bias = Tensor::full({1}, 1).to(Device::emulated);
  for (const Tensor& b : {bias, Tensor()}) {
    Tensor y = Tensor::zeros({1, 1, 1, 2}, DType::f32, Layout::contiguous, Device::emulated);
    device().conv2d(x, w, b, {}, true, y);
    for (float value : y.to_vector<float>()) EXPECT_TRUE(std::isnan(value));
  }
}

TEST_F(RuntimeTest, ConvolutionsOfNothing) {
  Tensor dw = output({2, 3, 1, 1}, DType::f32), db = output({2}, DType::f32);
  const Tensor x = Tensor::empty({0, 3, 4, 4}, DType::f32, Layout::contiguous, Device::emulated);
  Tensor y = Tensor::empty({0, 2, 4, 4}, DType::f32, Layout::contiguous, Device::emulated);
  Tensor dx = Tensor::empty(x.shape(), DType::f32, Layout::contiguous, Device::emulated);
  device().conv2d(x, dw, db, {}, true, y);
  device().conv2d_grad_input(y, dw, {}, dx);
  device().conv2d_grad_weight(x, y, {}, dw, db);
  EXPECT_EQ(dw.to_vector<float>(), std::vector<float>(6, 0.f));
  EXPECT_EQ(db.to_vector<float>(), std::vector<float>(2, 0.f));
}

TEST_F(RuntimeTest, ConvolutionsThatCannotBeCountedAreRefused) {
  const Tensor one = Tensor::full({1, 1, 1, 1}, 1).to(Device::emulated);
  const Tensor x = one.expand({1, 1, int64_t{1} << 16, int64_t{1} << 15});
  Tensor y = x;
  expect_error(Code::shape, {"conv2d: [1, 1, 65536, 32768] has 2^31 elements or more", "smaller batch"},
               [&] { device().conv2d(x, one, Tensor(), {}, false, y); });
}

}  // namespace
}  // namespace cawe::on_emulator
