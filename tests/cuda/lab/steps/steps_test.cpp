// SPDX-License-Identifier: Apache-2.0
// Counted steps: numbers worked out by hand for single primitives and for ResNet-50, and the predictions' arithmetic.
#include <gtest/gtest.h>

#include <cstdlib>

#include "cuda/lab/steps/counted_device.h"
#include "cuda/lab/steps/flops.h"
#include "cuda/lab/steps/predict.h"
#include "tensor/primitives/attention.h"
#include "tensor/primitives/conv2d.h"
#include "tensor/primitives/elementwise.h"
#include "train/model_steps.h"

namespace cawe::on_emulator {
namespace {

Tensor on_device(const Shape& shape, DType dtype, Layout layout = Layout::contiguous) {
  return Tensor::empty(shape, dtype, layout, Device::emulated);
}

const PrimitiveCount* find(const StepCount& count, const std::string& name) {
  for (const PrimitiveCount& p : count.primitives)
    if (p.name == name) return &p;
  return nullptr;
}

TEST(CountedDevice, CountsOneConvolution) {
  CountedDevice device;
  const Tensor x = on_device({2, 8, 6, 5}, DType::bf16, Layout::channels_last),
               w = on_device({16, 8, 3, 3}, DType::bf16, Layout::channels_last);
  Tensor y = on_device({2, 16, 6, 5}, DType::bf16, Layout::channels_last);
  device.take();
  primitives::conv2d(x, w, Tensor(), {1, 1, 1, 1}, false, y);
  const StepCount count = device.take();
  ASSERT_EQ(count.primitives.size(), 1u);
  const PrimitiveCount& conv = count.primitives[0];
  EXPECT_EQ(conv.name, "conv2d");
  EXPECT_EQ(conv.calls, 1u);
  EXPECT_EQ(conv.vendor_calls, 1u);
  EXPECT_EQ(conv.launches(), 0u);
  EXPECT_EQ(conv.bytes, 2 * (480 + 1152 + 960));
  EXPECT_EQ(conv.flops_16, 2.0 * 960 * 72);
  EXPECT_EQ(conv.flops_32, 0);
  EXPECT_EQ(count.traffic.convolutions, 1u);
}

/// A bias and a ReLU cost no launch by cuDNN's graph interface; by its legacy calls the ReLU does, as theirs makes NaN 0.
TEST(CountedDevice, CountsAFusedConvolutionByBothInterfaces) {
  for (const char* interface : {"legacy", "graph"}) {
    setenv("CAWE_CUDNN", interface, 1);
    CountedDevice device;
    unsetenv("CAWE_CUDNN");
    const Tensor x = on_device({2, 8, 6, 5}, DType::bf16, Layout::channels_last),
                 w = on_device({16, 8, 3, 3}, DType::bf16, Layout::channels_last),
                 b = on_device({16}, DType::bf16);
    Tensor y = on_device({2, 16, 6, 5}, DType::bf16, Layout::channels_last);
    device.take();
    primitives::conv2d(x, w, b, {1, 1, 1, 1}, true, y);
    const StepCount count = device.take();
    EXPECT_EQ(count.vendor_calls(), 1u) << interface;
    const bool graph = interface == std::string("graph");
    EXPECT_EQ(count.launches(), graph ? 0u : 1u) << interface;
    EXPECT_EQ(count.traffic.convolutions, 1u) << interface;
    EXPECT_EQ(emulated::calls("cudnnBackendExecute"), graph ? 1u : 0u);
  }
}

TEST(CountedDevice, CountsWhatIsPackedOnTheWayApart) {
  CountedDevice device;
  const Tensor x = on_device({2, 8, 6, 5}, DType::f32, Layout::channels_last),
               w = on_device({16, 8, 3, 3}, DType::f32);
  Tensor y = on_device({2, 16, 6, 5}, DType::f32, Layout::channels_last);
  device.take();
  primitives::conv2d(x, w, Tensor(), {1, 1, 1, 1}, false, y);
  const StepCount count = device.take();
  const PrimitiveCount *conv = find(count, "conv2d"), *copies = find(count, "copy");
  ASSERT_TRUE(conv && copies);
  EXPECT_EQ(conv->launches(), 0u);
  EXPECT_EQ(conv->vendor_calls, 1u);
  EXPECT_EQ(copies->calls, 2u) << "x and y";
  EXPECT_EQ(copies->launches(), 2u);
  EXPECT_EQ(copies->bytes, 2 * 4 * (480 + 960));
  EXPECT_TRUE(conv->kernels.empty());
  ASSERT_EQ(copies->kernels.size(), 1u) << "both pack by one kernel";
  EXPECT_EQ(copies->kernels, count.traffic.launches);
  EXPECT_EQ(count.launches(), 2u);
}

TEST(CountedDevice, HoldsMoreThanThisMachineAndComputesNothing) {
  CountedDevice device;
  const Tensor huge = on_device({int64_t{16} << 30}, DType::f32);  // 64 GiB
  Tensor sum = on_device({1}, DType::f32);
  sum.fill(7);
  EXPECT_EQ(sum.to_vector<float>()[0], 0);
  const StepCount count = device.take();
  EXPECT_GE(count.peak_bytes, int64_t{64} << 30);
  EXPECT_EQ(count.launches(), 1u) << "the fill";
  EXPECT_EQ(count.traffic.to_host.count, 1u);
  EXPECT_EQ(count.traffic.to_host.bytes, 4u);
  EXPECT_EQ(count.host_waits, 2u) << "for the copy, and for its pinned memory";
}

/// Convolutions of f32 only: attention has no kernel of TF32.
TEST(CountedDevice, Tf32IsCountedApart) {
  setenv("CAWE_TF32", "1", 1);
  CountedDevice device;
  unsetenv("CAWE_TF32");
  EXPECT_TRUE(device.tf32());
  const Tensor x = on_device({2, 8, 6, 5}, DType::f32, Layout::channels_last),
               w = on_device({16, 8, 3, 3}, DType::f32, Layout::channels_last),
               q = on_device({2, 10, 4}, DType::f32);
  Tensor y = on_device({2, 16, 6, 5}, DType::f32, Layout::channels_last),
         z = on_device({2, 10, 4}, DType::f32), seen = on_device({2, 10}, DType::f32);
  device.take();
  primitives::conv2d(x, w, Tensor(), {1, 1, 1, 1}, false, y);
  primitives::attention(q, q, q, 1, z, seen);
  const StepCount count = device.take();
  EXPECT_EQ(find(count, "conv2d")->flops_tf32, 2.0 * 960 * 72);
  EXPECT_EQ(find(count, "conv2d")->flops_32, 0);
  EXPECT_EQ(find(count, "attention")->flops_tf32, 0);
  EXPECT_EQ(find(count, "attention")->flops_32, 2.0 * 200 * 8);
}

TEST(CountedDevice, RefusesADeviceThatHasBeenUsed) {
  CountedDevice device;
  const Tensor x = on_device({4}, DType::f32);
  EXPECT_THROW(CountedDevice(), Error);
}

TEST(Flops, ArePairsOfProductsAndSums) {
  const auto t = [](const Shape& s) { return Tensor::empty(s, DType::f32); };
  const Tensor none;
  EXPECT_EQ(flops_of("conv2d", {t({1, 4, 9, 9}), t({6, 2, 3, 3}), none, t({1, 6, 7, 7})}), 2.0 * 294 * 18);
  EXPECT_EQ(flops_of("conv2d_grad_input", {t({1, 6, 7, 7}), t({6, 2, 3, 3}), t({1, 4, 9, 9})}),
            2.0 * 294 * 18);
  EXPECT_EQ(flops_of("conv2d_grad_weight", {t({1, 4, 9, 9}), t({1, 6, 7, 7}), t({6, 2, 3, 3}), none}),
            2.0 * 294 * 18);
  EXPECT_EQ(flops_of("matmul", {t({3, 4, 5}), t({3, 5, 6}), t({3, 4, 6})}), 2.0 * 3 * 4 * 5 * 6);
  EXPECT_EQ(flops_of("linear", {t({7, 5}), t({6, 5}), none, t({7, 6})}), 2.0 * 7 * 5 * 6);
  EXPECT_EQ(flops_of("linear_grad_input", {t({7, 6}), t({6, 5}), t({7, 5})}), 2.0 * 7 * 5 * 6);
  EXPECT_EQ(flops_of("linear_grad_weight", {t({7, 5}), t({7, 6}), t({6, 5}), none}), 2.0 * 7 * 5 * 6);
  // 2 images, 10 queries, 12 keys, depth 3, 4 channels.
  const Tensor q = t({2, 10, 3}), k = t({2, 12, 3}), v = t({2, 12, 4});
  EXPECT_EQ(flops_of("attention", {q, k, v}), 2.0 * 240 * (3 + 4));
  EXPECT_EQ(flops_of("attention_grad", {q, k, v}), 2.0 * 240 * (3 * 3 + 2 * 4));
  EXPECT_EQ(flops_of("copy", {q, q}), 0);
}

/// 4,089,184,256 multiplications of a picture of 224 pixels without the last layer (torchvision's network: 4.09
/// billion); the stem's 118,013,952 have no gradient by the input.
TEST(ModelSteps, Resnet50HasThePublishedFlops) {
  CountedDevice device;
  const auto step = train::make_model_step("resnet50", 2, DType::bf16, Device::emulated);
  device.take();
  step->loss_and_gradients();
  const StepCount count = device.take();
  double convolutions = 0;
  for (const char* name : {"conv2d", "conv2d_grad_input", "conv2d_grad_weight"})
    convolutions += find(count, name)->flops_16;
  EXPECT_EQ(find(count, "conv2d")->calls, 53u);
  EXPECT_EQ(find(count, "conv2d_grad_input")->calls, 52u);
  EXPECT_EQ(find(count, "conv2d")->flops_16, 2.0 * 2 * 4087136256.0);
  EXPECT_EQ(convolutions, 2.0 * 2 * (3 * 4087136256.0 - 118013952.0));
  EXPECT_EQ(count.traffic.to_host.count, 0u) << "nothing waits inside a step";
  EXPECT_EQ(count.traffic.to_device.count, 0u);
}

/// A captured step reads the tensors that it was captured with.
TEST(ModelSteps, PreparesADetectorsTargetsInTheSameTensors) {
  for (const char* net : {"retinanet", "faster_rcnn"}) {
    CountedDevice device;
    const auto step = train::make_model_step(net, 2, DType::bf16, Device::emulated);
    device.take();
    step->prepare();
    const StepCount count = device.take();
    ASSERT_TRUE(find(count, "copy")) << net;
    EXPECT_EQ(find(count, "copy")->calls, 2u) << net << ": true boxes and keys of draws";
    EXPECT_EQ(count.traffic.to_device.count, 2u) << net;
  }
}

/// Networks of a name begin alike, the second of what was kept of the first; and one that is trained leaves what is kept.
TEST(ModelSteps, BeginAlike) {
  const auto bytes_of = [](train::ModelStep& step) {
    std::vector<float> all;
    for (const auto& [name, value] : step.module().state())
      if (value.dtype() == DType::f32)
        for (const float v : value.to_vector<float>()) all.push_back(v);
    return all;
  };
  const auto first = train::make_model_step("resnet50", 1, DType::f32, Device::cpu);
  const std::vector<float> drawn = bytes_of(*first);
  for (const auto& p : first->module().parameters()) Tensor(p.variable->value()).fill(0);
  const auto second = train::make_model_step("resnet50", 1, DType::f32, Device::cpu);
  EXPECT_TRUE(bytes_of(*second) == drawn);
  const auto other = train::make_model_step("retinanet", 1, DType::f32, Device::cpu);
  EXPECT_FALSE(bytes_of(*other) == drawn);
}

TEST(ModelSteps, AreNamed) {
  EXPECT_THROW(train::make_model_step("alexnet", 2, DType::f32, Device::cpu), Error);
  EXPECT_EQ(train::model_step_names().size(), 5u);
}

}  // namespace
}  // namespace cawe::on_emulator

namespace cawe::gpu {
namespace {

on_emulator::PrimitiveCount primitive(const char* name, double bytes, double f16, double f32,
                                      uint64_t launches) {
  on_emulator::PrimitiveCount p;
  p.name = name;
  p.bytes = bytes, p.flops_16 = f16, p.flops_32 = f32, p.kernels["k"] = launches;
  return p;
}

TEST(Predictions, AreTheSlowestOfBytesProductsAndLaunches) {
  const Gpu& h100 = find_gpu("H100");  // 3350 GB/s, 66.9 and 989.4 TFLOP/s
  Rates rates;
  rates.bandwidth = rates.f32 = rates.f16 = 0.5;
  rates.least_us = 2, rates.launch_us = 10, rates.library_us = 20;
  EXPECT_NEAR(predicted_ms(h100, primitive("copy", 1.675e9, 0, 0, 1), rates), 1.0, 1e-12);
  EXPECT_NEAR(predicted_ms(h100, primitive("conv2d", 1, 4.947e11, 0, 1), rates), 1.0, 1e-12);
  EXPECT_NEAR(predicted_ms(h100, primitive("conv2d", 1, 0, 3.345e10, 1), rates), 1.0, 1e-12);
  EXPECT_NEAR(predicted_ms(h100, primitive("fill", 1, 0, 0, 50), rates), 0.1, 1e-12);
  // TF32: half of 16 bits on tensor cores; a V100's (15.7 TFLOP/s in f32) have none.
  on_emulator::PrimitiveCount tf32 = primitive("conv2d", 1, 0, 0, 1);
  tf32.flops_tf32 = 4.947e11;
  EXPECT_NEAR(predicted_ms(h100, tf32, rates), 2.0, 1e-12);
  EXPECT_NEAR(predicted_ms(find_gpu("V100"), tf32, rates), 494.7 / 7.85, 1e-9);

  on_emulator::StepCount step;
  step.primitives = {primitive("copy", 1.675e9, 0, 0, 1), primitive("conv2d", 1, 4.947e11, 0, 1),
                     primitive("sgd_steps", 3.35e8, 0, 0, 50)};
  step.traffic.launches["k"] = 900;
  step.traffic.convolutions = 100;
  const StepPrediction p = predict(h100, step, rates);
  EXPECT_NEAR(p.memory, 1.2, 1e-12);
  EXPECT_NEAR(p.products, 1.0, 1e-12);
  EXPECT_NEAR(p.small, 0, 1e-12);
  EXPECT_NEAR(p.captured(), 2.2, 1e-12);
  EXPECT_NEAR(p.host, 11.0, 1e-12);
  EXPECT_NEAR(p.plain(), 11.0, 1e-12);
  EXPECT_EQ(floor_bytes(step), 1 + 3.35e8);
}

}  // namespace
}  // namespace cawe::gpu
