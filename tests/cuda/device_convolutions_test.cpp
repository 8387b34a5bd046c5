// SPDX-License-Identifier: Apache-2.0
// Convolutions by both interfaces of cuDNN on the device: values against the CPU, the same bits in every run,
// NaN kept.
#include <cmath>

#include "cuda/backend/cuda_backend.h"
#include "cuda/runtime/runtime.h"
#include "tensor/cpu/cpu_backend.h"
#include "tensor/random.h"
#include "tests/cuda/device.h"

namespace cawe {
namespace {

using CAWE_DEVICE::ConvolutionPass;
using CAWE_DEVICE::ConvolutionProblem;
using CAWE_DEVICE::Convolutions;
using CAWE_DEVICE::CudnnInterface;
using CAWE_DEVICE::Epilogue;
using CAWE_DEVICE::Refusal;

struct Case {
  const char* name;
  Shape x, w;
  Conv2dParams params;
};
const Case kCases[] = {{"three by three", {2, 16, 9, 10}, {24, 16, 3, 3}, {1, 1, 1, 1}},
                       {"one by one", {2, 16, 9, 10}, {24, 16, 1, 1}, {1, 0, 1, 1}},
                       {"strided stem", {2, 3, 31, 30}, {8, 3, 7, 7}, {2, 3, 1, 1}},
                       {"odd channels", {1, 19, 8, 8}, {19, 19, 3, 3}, {1, 1, 1, 1}},
                       {"dilated", {2, 8, 12, 12}, {8, 8, 3, 3}, {1, 2, 2, 1}},
                       {"groups", {2, 16, 9, 9}, {16, 4, 3, 3}, {1, 1, 1, 4}}};

DType wide(DType dtype) { return dtype == DType::f64 ? DType::f64 : DType::f32; }

/// The same numbers on the device, in the type, and on the host, in f64.
struct Operand {
  Tensor device, host;
  Operand(const Shape& shape, uint64_t seed, DType dtype, Layout layout) {
    const Random random(seed, "device_convolutions_test");
    Tensor t = Tensor::empty(shape, DType::f64);
    for (int64_t i = 0; i < t.numel(); ++i) t.data<double>()[i] = 2 * random.uniform_double(uint64_t(i)) - 1;
    const Tensor rounded = t.to(wide(dtype)).to(dtype);
    host = rounded.to(wide(dtype)).to(DType::f64);
    device = (layout == Layout::channels_last && shape.rank() == 4 ? rounded.channels_last() : rounded)
                 .to(kDevice);
  }
};

std::vector<double> values(const Tensor& t) {
  return t.contiguous().to(Device::cpu).to(wide(t.dtype())).to(DType::f64).to_vector<double>();
}

using Setting = std::tuple<CudnnInterface, DType, Layout>;
class DeviceConvolutions : public DeviceTest, public testing::WithParamInterface<Setting> {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    auto& runtime = static_cast<CAWE_DEVICE::CudaBackend&>(backend(kDevice)).runtime();
    CAWE_DEVICE::Settings settings = runtime.settings;
    settings.cudnn = std::get<0>(GetParam());
    convolutions_ = std::make_unique<Convolutions>(runtime.libraries, runtime.allocator, settings);
  }
  void TearDown() override {
    const auto s = convolutions_->statistics();
    RecordProperty("by_graph", int(s.by_graph));
    RecordProperty("by_legacy", int(s.by_legacy));
    if (std::get<0>(GetParam()) == CudnnInterface::graph) {
      EXPECT_EQ(s.by_legacy, 0) << "an engine for every problem";
    }
    DeviceTest::TearDown();
  }

  /// Into `out`, one of x, w and y; false where the interface has no choice for it.
  bool run(const Case& c, ConvolutionPass pass, Epilogue epilogue, const Tensor& x, const Tensor& w,
           const Tensor& bias, const Tensor& y) {
    const auto [interface, dtype, layout] = GetParam();
    const auto dims = [](const Tensor& t) { return Dims4{t.dim(0), t.dim(1), t.dim(2), t.dim(3)}; };
    const ConvolutionProblem problem{pass,
                                     epilogue,
                                     CAWE_DEVICE::number_of("device_convolutions_test", x),
                                     layout == Layout::channels_last,
                                     dims(x),
                                     dims(w),
                                     dims(y),
                                     c.params};
    Refusal refusal;
    const bool done = convolutions_->run(
        problem, {x.raw(), w.raw(), bias.defined() ? bias.raw() : nullptr, y.raw()}, refusal);
    EXPECT_TRUE(done || interface == CudnnInterface::legacy) << *refusal;
    return done;
  }

  std::unique_ptr<Convolutions> convolutions_;
};

std::string name_of(const testing::TestParamInfo<Setting>& test) {
  const auto [interface, dtype, layout] = test.param;
  return std::string(interface == CudnnInterface::graph ? "graph_" : "legacy_") + name(dtype) +
         (layout == Layout::channels_last ? "_nhwc" : "_nchw");
}
INSTANTIATE_TEST_SUITE_P(, DeviceConvolutions,
                         testing::Combine(testing::Values(CudnnInterface::legacy, CudnnInterface::graph),
                                          testing::Values(DType::f32, DType::f64, DType::f16, DType::bf16),
                                          testing::Values(Layout::contiguous, Layout::channels_last)),
                         name_of);

/// `n` products a sum; the result is rounded to its type once, and sums have the usual bound.
void expect_near(const Tensor& device, const Tensor& host, int64_t n) {
  const DType dtype = device.dtype();
  const double unit = dtype == DType::f16    ? 0x1p-11
                      : dtype == DType::bf16 ? 0x1p-8
                      : dtype == DType::f32  ? 0x1p-24
                                             : 0x1p-53;
  const double u = dtype == DType::f64 ? 0x1p-53 : 0x1p-24;
  const std::vector<double> a = values(device), b = host.to_vector<double>();
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_LE(std::abs(a[i] - b[i]), unit * std::abs(b[i]) + double(n) * u * double(n) / 4)
        << "element " << i;
}

Shape output_shape(const Case& c) {
  const auto side = [&](int i) {
    return (c.x[i] + 2 * c.params.padding - c.params.dilation * (c.w[i] - 1) - 1) / c.params.stride + 1;
  };
  return {c.x[0], c.w[0], side(2), side(3)};
}

TEST_P(DeviceConvolutions, AgreeWithTheCpuAndRepeatTheirBits) {
  const auto [interface, dtype, layout] = GetParam();
  const auto fresh = [&, type = dtype, order = layout](const Shape& shape) {
    Tensor t = Tensor::empty(shape, type, order, kDevice);
    t.fill(std::nan(""));
    return t;
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const Operand x(c.x, 1, dtype, layout), w(c.w, 2, dtype, layout), bias({c.w[0]}, 3, dtype, layout);
    const Operand dy(output_shape(c), 4, dtype, layout);
    const int64_t taps = c.w[1] * c.w[2] * c.w[3];
    for (const Epilogue e : {Epilogue::none, Epilogue::bias, Epilogue::bias_relu}) {
      SCOPED_TRACE(int(e));
      const Tensor y = fresh(dy.device.shape()), again = fresh(y.shape());
      const Tensor b = e == Epilogue::none ? Tensor() : bias.device;
      if (!run(c, ConvolutionPass::forward, e, x.device, w.device, b, y)) continue;
      Tensor host = Tensor::empty(y.shape(), DType::f64);
      cpu_reference_backend().conv2d(x.host, w.host, b.defined() ? bias.host : Tensor(), c.params,
                                     e == Epilogue::bias_relu, host);
      expect_near(y, host, taps + 1);
      run(c, ConvolutionPass::forward, e, x.device, w.device, b, again);
      EXPECT_EQ(values(y), values(again));
    }
    const Tensor dx = fresh(c.x), dw = fresh(c.w), dx2 = fresh(c.x), dw2 = fresh(c.w);
    Tensor host_dx = Tensor::empty(c.x, DType::f64), host_dw = Tensor::empty(c.w, DType::f64), none;
    if (run(c, ConvolutionPass::grad_input, Epilogue::none, dx, w.device, Tensor(), dy.device)) {
      cpu_reference_backend().conv2d_grad_input(dy.host, w.host, c.params, host_dx);
      expect_near(dx, host_dx, c.w[0] * c.w[2] * c.w[3]);
      run(c, ConvolutionPass::grad_input, Epilogue::none, dx2, w.device, Tensor(), dy.device);
      EXPECT_EQ(values(dx), values(dx2));
    }
    if (run(c, ConvolutionPass::grad_weight, Epilogue::none, x.device, dw, Tensor(), dy.device)) {
      cpu_reference_backend().conv2d_grad_weight(x.host, dy.host, c.params, host_dw, none);
      expect_near(dw, host_dw, dy.host.numel() / c.w[0]);
      run(c, ConvolutionPass::grad_weight, Epilogue::none, x.device, dw2, Tensor(), dy.device);
      EXPECT_EQ(values(dw), values(dw2));
    }
  }
}

TEST_P(DeviceConvolutions, KeepNaN) {
  const auto [interface, dtype, layout] = GetParam();
  const Case& c = kCases[0];
  const Operand x(c.x, 5, dtype, layout), w(c.w, 6, dtype, layout), bias({c.w[0]}, 7, dtype, layout);
  w.device.slice(0, 1, 2).fill(std::nan(""));
  for (const Epilogue e : {Epilogue::none, Epilogue::bias, Epilogue::bias_relu}) {
    const Tensor y = Tensor::empty(output_shape(c), dtype, layout, kDevice);
    if (!run(c, ConvolutionPass::forward, e, x.device, w.device, e == Epilogue::none ? Tensor() : bias.device,
             y))
      continue;
    const std::vector<double> found = values(y);
    const size_t cells = size_t(y.dim(2) * y.dim(3)), channels = size_t(y.dim(1));
    for (size_t i = 0; i < found.size(); ++i)
      ASSERT_EQ(std::isnan(found[i]), i / cells % channels == 1)
          << "epilogue " << int(e) << ", element " << i;
  }
}

}  // namespace
}  // namespace cawe
