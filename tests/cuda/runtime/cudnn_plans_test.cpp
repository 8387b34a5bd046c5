// SPDX-License-Identifier: Apache-2.0
// Plans of convolutions by the vendor's cuDNN, on a machine with or without a GPU: the library makes them for
// a device by its description. Nothing runs; cuda/runtime's own code asks.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "cuda/runtime/convolution_plan.h"
#include "cuda/runtime/graph_descriptor.h"
#include "tests/cuda/emulator/vendor/described_device.h"

namespace cawe::on_cuda {
namespace {

struct Case {
  const char* name;
  int64_t n, c, side, o, kernel, stride, padding, dilation, groups;
};
const Case kCases[] = {
    {"stem", 32, 3, 224, 64, 7, 2, 3, 1, 1},          {"three by three", 32, 64, 56, 64, 3, 1, 1, 1, 1},
    {"one by one", 32, 256, 56, 64, 1, 1, 0, 1, 1},   {"strided", 32, 128, 28, 128, 3, 2, 1, 1, 1},
    {"dilated", 8, 64, 28, 64, 3, 1, 2, 2, 1},        {"303 channels", 2, 303, 64, 303, 3, 1, 1, 1, 1},
    {"304 channels", 2, 304, 64, 304, 3, 1, 1, 1, 1}, {"groups", 8, 64, 28, 64, 3, 1, 1, 1, 4}};

ConvolutionProblem problem(const Case& c, Number number, bool channels_last, ConvolutionPass pass,
                           Epilogue epilogue) {
  const int64_t out = (c.side + 2 * c.padding - c.dilation * (c.kernel - 1) - 1) / c.stride + 1;
  return {pass,
          epilogue,
          number,
          channels_last,
          {c.n, c.c, c.side, c.side},
          {c.o, c.c / c.groups, c.kernel, c.kernel},
          {c.n, c.o, out, out},
          {c.stride, c.padding, c.dilation, c.groups}};
}

class CudnnPlans : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string text = described_device();
    device_ = std::make_unique<GraphDescriptor>(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
    cudnnBackendSetAttribute(device_->get(), CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
                             int64_t(text.size()), text.data());
    try {
      device_->finalize();
    } catch (const GraphRefusal& refusal) {
      GTEST_SKIP() << "this cuDNN makes no plans from the description of a device: " << refusal.reason;
    }
  }
  /// All choices, best first.
  std::vector<ConvolutionChoice> choices(const ConvolutionProblem& p, bool tf32 = false,
                                         size_t workspace = size_t{16} << 30) {
    Settings settings;
    settings.tf32 = tf32;
    settings.workspace_bytes = workspace;
    const auto plan = graph_plan(p, {nullptr, device_->get()}, settings);
    std::vector<ConvolutionChoice> all;
    while (const ConvolutionChoice* choice = plan->choice(all.size())) all.push_back(*choice);
    refusal_ = plan->refusal();
    return all;
  }
  template <class Body>
  void for_all_problems(Body body) {
    for (const Case& c : kCases)
      for (const Number number : {Number::f32, Number::f64, Number::f16, Number::bf16})
        for (const bool channels_last : {false, true})
          for (int kind = 0; kind < 5; ++kind) {
            const auto pass = kind < 3 ? ConvolutionPass::forward : ConvolutionPass(kind - 2);
            const auto epilogue = kind < 3 ? Epilogue(kind) : Epilogue::none;
            SCOPED_TRACE(::testing::Message()
                         << c.name << ", number " << int(number) << (channels_last ? " nhwc" : " nchw")
                         << ", pass " << int(pass) << ", epilogue " << int(epilogue));
            body(problem(c, number, channels_last, pass, epilogue));
          }
  }
  std::unique_ptr<GraphDescriptor> device_;
  std::string refusal_;
};

std::vector<std::string> names_of(const std::vector<ConvolutionChoice>& choices) {
  std::vector<std::string> names;
  for (const ConvolutionChoice& c : choices) names.push_back(c.name);
  return names;
}

/// An engine is a choice once, though the library names it with many configs.
TEST_F(CudnnPlans, ExistForEveryProblem) {
  for_all_problems([&](const ConvolutionProblem& p) {
    const auto names = names_of(choices(p));
    EXPECT_FALSE(names.empty()) << refusal_;
    EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  });
}

TEST_F(CudnnPlans, AreTheSameEachTime) {
  for_all_problems(
      [&](const ConvolutionProblem& p) { EXPECT_EQ(names_of(choices(p)), names_of(choices(p))); });
}

/// The library puts engines that round to TF32 first for f32.
TEST_F(CudnnPlans, RoundFloatsToTf32OnlyWhereTheyMay) {
  for (const bool channels_last : {false, true})
    for (const auto pass :
         {ConvolutionPass::forward, ConvolutionPass::grad_input, ConvolutionPass::grad_weight}) {
      const ConvolutionProblem p = problem(kCases[1], Number::f32, channels_last, pass, Epilogue::none);
      const auto exact = names_of(choices(p)), rounding = names_of(choices(p, true));
      EXPECT_LT(exact.size(), rounding.size());
      EXPECT_EQ(std::count(exact.begin(), exact.end(), rounding.front()), 0) << rounding.front();
    }
}

TEST_F(CudnnPlans, KeepToTheLimitOfTheWorkspace) {
  const ConvolutionProblem p =
      problem(kCases[5], Number::bf16, true, ConvolutionPass::forward, Epilogue::none);
  const auto all = choices(p);
  ASSERT_FALSE(all.empty());
  EXPECT_GT(all.front().workspace, size_t{1} << 20) << "303 channels are copied";
  const size_t limit = all.front().workspace - 1;
  const auto fewer = choices(p, false, limit);
  EXPECT_LT(fewer.size(), all.size());
  for (const ConvolutionChoice& c : fewer) EXPECT_LE(c.workspace, limit) << c.name;
}

/// What is wrong is said, and nothing is thrown.
TEST_F(CudnnPlans, TellWhyThereIsNone) {
  ConvolutionProblem p = problem(kCases[1], Number::f32, false, ConvolutionPass::forward, Epilogue::none);
  p.y.c = 63;
  EXPECT_TRUE(choices(p).empty());
  EXPECT_NE(refusal_.find("the graph: cudnnBackendFinalize: CUDNN_STATUS_BAD_PARAM"), std::string::npos)
      << refusal_;
}

}  // namespace
}  // namespace cawe::on_cuda
