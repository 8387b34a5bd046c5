// SPDX-License-Identifier: Apache-2.0
// Networks lie on the device as its convolutions want them: nothing is packed between them.
#include "autograd/ops/elementwise.h"
#include "autograd/ops/reductions.h"
#include "nn/conv2d.h"
#include "nn/precision.h"
#include "tensor/backend.h"
#include "tensor/random.h"
#include "tests/cuda/device.h"

namespace cawe {
namespace {

using NetworkLayout = DeviceTest;

uint64_t copies_of(const emulated::Traffic& traffic) {
  uint64_t copies = traffic.within.count;
  for (const auto& [kernel, times] : traffic.launches)
    if (kernel.find("copy") != std::string::npos) copies += times;
  return copies;
}

TEST_F(NetworkLayout, NothingIsPackedBetweenLayers) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    nn::Conv2d first(nn::same_conv(8, 16, 3)), second(nn::same_conv(16, 8, 1));
    for (nn::Conv2d* layer : {&first, &second}) {
      layer->initialise(1);
      layer->to(kDevice, dtype);
    }
    const Layout layout = backend(kDevice).convolution_layout(dtype);
    EXPECT_EQ(layout == Layout::channels_last, dtype == DType::bf16);
    const Variable x(Tensor::full({2, 8, 6, 6}, 0.5).in_layout(layout).to(dtype).to(kDevice), true);
    emulated::take_traffic();
    backward(sum(square(nn::at_least_f32(second.forward(first.forward(x))))));
    // The one is of sum's gradient, a number that stands for all.
    EXPECT_EQ(copies_of(emulated::take_traffic()), 1u) << name(dtype);
    // The other order costs copies, or this would see none anywhere.
    first.to(kDevice, dtype == DType::f32 ? DType::bf16 : DType::f32);
    emulated::take_traffic();
    first.forward(x);
    EXPECT_GT(copies_of(emulated::take_traffic()), 0u) << name(dtype);
  }
}

}  // namespace
}  // namespace cawe
