// SPDX-License-Identifier: Apache-2.0
// cuDNN's backend interface as it is emulated: right use computes, wrong use is refused. What the vendor's
// library says to the same: cudnn_library_test.cpp.
#include <cmath>
#include <memory>

#include "tests/cuda/emulator/vendor/graph_mistakes.h"
#include "tests/cuda/emulator/vendor/support.h"

namespace cawe::emulated {
namespace {

constexpr int64_t kTensorCores = 45, kPlain = 28, kNoWorkspace = 0;

/// The forward convolution of graph_recipe.h, of ones, with a bias of -60 and ReLU: 8 * 9 - 60 inside, less
/// at the border.
class EmulatedCudnnGraph : public EmulatedTest {
 protected:
  void SetUp() override {
    EmulatedTest::SetUp();
    EXPECT_EQ(cudnnCreate(&handle_), CUDNN_STATUS_SUCCESS);
    library_.handle = handle_;
    data_ = std::make_unique<DeviceArray<float>>(std::vector<float>(8192, 1.0f));
    x_ = data_->get(), w_ = x_ + 512, y_ = x_ + 2048, bias_ = x_ + 3072, workspace_ = x_ + 4096;
    write(bias_, std::vector<float>(16, -60.0f));
  }
  void TearDown() override {
    for (const cudnnBackendDescriptor_t d : made_) cudnnBackendDestroyDescriptor(d);
    built_.clear();
    EXPECT_EQ(cudnnDestroy(handle_), CUDNN_STATUS_SUCCESS);
    data_.reset();
    EmulatedTest::TearDown();
  }
  void write(float* to, const std::vector<float>& values) {
    EXPECT_EQ(cudaMemcpy(to, values.data(), values.size() * sizeof(float), cudaMemcpyHostToDevice),
              cudaSuccess);
  }
  std::vector<float> result() {
    std::vector<float> y(2 * 16 * 6 * 5);
    EXPECT_EQ(cudaMemcpy(y.data(), y_, y.size() * sizeof(float), cudaMemcpyDeviceToHost), cudaSuccess)
        << last_complaint();
    return y;
  }
  cudnnBackendDescriptor_t graph(const Recipe& recipe = fused_recipe()) {
    built_.push_back(std::make_unique<Built>(library_, recipe));
    EXPECT_EQ(built_.back()->where, "built") << last_complaint();
    return built_.back()->get("graph");
  }
  int64_t engine_of(cudnnBackendDescriptor_t config) {
    cudnnBackendDescriptor_t engine = fresh(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    int64_t index = -1, count = 0;
    cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count,
                             &engine);
    cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &count, &index);
    return index;
  }
  cudnnBackendDescriptor_t fresh(cudnnBackendDescriptorType_t type) {
    cudnnBackendDescriptor_t d = nullptr;
    EXPECT_EQ(cudnnBackendCreateDescriptor(type, &d), CUDNN_STATUS_SUCCESS) << last_complaint();
    made_.push_back(d);
    return d;
  }
  cudnnBackendDescriptor_t plan(int64_t engine, const Recipe& recipe = fused_recipe()) {
    const cudnnBackendDescriptor_t of = graph(recipe);
    cudnnBackendDescriptor_t found = nullptr;
    for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
      std::vector<cudnnBackendDescriptor_t> configs;
      EXPECT_EQ(engine_configs(library_, of, mode, configs), CUDNN_STATUS_SUCCESS) << last_complaint();
      for (const cudnnBackendDescriptor_t config : configs)
        if (!found && engine_of(config) == engine) {
          EXPECT_EQ(make_plan(library_, config, found), CUDNN_STATUS_SUCCESS) << last_complaint();
        }
      made_.insert(made_.end(), configs.begin(), configs.end());
    }
    EXPECT_NE(found, nullptr) << "engine " << engine;
    made_.push_back(found);
    return found;
  }
  cudnnBackendDescriptor_t pack(const std::vector<int64_t>& ids, const std::vector<void*>& pointers,
                                void* workspace) {
    const cudnnBackendDescriptor_t d = fresh(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    cudnnBackendSetAttribute(d, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, int64_t(ids.size()),
                             ids.data());
    cudnnBackendSetAttribute(d, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR,
                             int64_t(pointers.size()), pointers.data());
    cudnnBackendSetAttribute(d, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
    EXPECT_EQ(cudnnBackendFinalize(d), CUDNN_STATUS_SUCCESS) << last_complaint();
    return d;
  }
  cudnnBackendDescriptor_t pack() { return pack({1, 2, 3, 4}, {x_, w_, y_, bias_}, workspace_); }
  cudnnStatus_t run(int64_t engine, const Recipe& recipe = fused_recipe()) {
    return cudnnBackendExecute(handle_, plan(engine, recipe), pack());
  }
  void refused(cudnnStatus_t status, const std::string& words) {
    EXPECT_NE(status, CUDNN_STATUS_SUCCESS);
    EXPECT_TRUE(complained(words));
  }

  cudnnHandle_t handle_ = nullptr;
  GraphLibrary library_{cudnnBackendCreateDescriptor, cudnnBackendDestroyDescriptor, cudnnBackendFinalize,
                        cudnnBackendSetAttribute, cudnnBackendGetAttribute};
  std::vector<std::unique_ptr<Built>> built_;
  std::vector<cudnnBackendDescriptor_t> made_;
  std::unique_ptr<DeviceArray<float>> data_;
  float *x_ = nullptr, *w_ = nullptr, *y_ = nullptr, *bias_ = nullptr, *workspace_ = nullptr;
};

TEST_F(EmulatedCudnnGraph, ComputesConvolutionBiasAndReLU) {
  for (const int64_t engine : {kTensorCores, kPlain, kNoWorkspace}) {
    ASSERT_EQ(run(engine), CUDNN_STATUS_SUCCESS) << last_complaint();
    const std::vector<float> y = result();
    for (size_t i = 0; i < y.size(); ++i) {
      const size_t row = i / 5 % 6, column = i % 5;
      const bool edge = row == 0 || row == 5 || column == 0 || column == 4;
      EXPECT_EQ(y[i], edge ? 0.0f : 12.0f) << "engine " << engine << ", element " << i;
    }
  }
  EXPECT_EQ(complaints(), 0u) << last_complaint();
  EXPECT_EQ(calls("cudnnBackendExecute"), 3u);
  EXPECT_EQ(take_traffic().convolutions, 3u);
}

TEST_F(EmulatedCudnnGraph, ComputesGradients) {
  for (const bool by_input : {true, false}) {
    const cudnnBackendDescriptor_t p = plan(kPlain, gradient_recipe(by_input));
    ASSERT_EQ(cudnnBackendExecute(handle_, p, pack({1, 2, 3}, {x_, w_, y_}, workspace_)),
              CUDNN_STATUS_SUCCESS)
        << last_complaint();
    float middle = 0;
    const float* at = by_input ? x_ + 6 : w_ + 4;
    EXPECT_EQ(cudaMemcpy(&middle, at, sizeof middle, cudaMemcpyDeviceToHost), cudaSuccess);
    // 16 outputs by 9 taps; then images and cells of products of one and that.
    EXPECT_EQ(middle, by_input ? 144.0f : 2 * (12 * 144.0f + 4 * 64 + (2 * 4 + 2 * 3) * 96)) << by_input;
  }
}

TEST_F(EmulatedCudnnGraph, ReLUKeepsNaNWhereItIsAskedTo) {
  for (const bool keep : {true, false}) {
    write(x_, std::vector<float>(480, std::nanf("")));
    Recipe r = fused_recipe();
    if (!keep) replace(r, "relu", CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, int(CUDNN_NOT_PROPAGATE_NAN));
    ASSERT_EQ(run(kPlain, r), CUDNN_STATUS_SUCCESS) << last_complaint();
    EXPECT_EQ(std::isnan(result()[7]), keep);
  }
}

TEST_F(EmulatedCudnnGraph, TensorCoresRoundFloatsToTf32) {
  write(w_, std::vector<float>(16 * 8 * 9, 1.0f + 0x1p-12f));
  ASSERT_EQ(run(kTensorCores), CUDNN_STATUS_SUCCESS) << last_complaint();
  EXPECT_EQ(result()[6], 12.0f);
  ASSERT_EQ(run(kPlain), CUDNN_STATUS_SUCCESS) << last_complaint();
  EXPECT_GT(result()[6], 12.0f);
}

TEST_F(EmulatedCudnnGraph, RefusesEveryMistakeWithAText) {
  EXPECT_EQ(outcome(library_, fused_recipe()), "usable") << last_complaint();
  for (const Mistake& m : all_mistakes()) {
    const uint64_t before = complaints();
    EXPECT_NE(outcome(library_, m.recipe), "usable") << m.name;
    EXPECT_GT(complaints(), before) << m.name;
  }
  for (const auto& [name, spoil] : pack_mistakes()) {
    Recipe r = pack_recipe();
    spoil(r[0]);
    const Built built(library_, r);
    const bool right = name == "right" || name == "without a workspace's address";
    EXPECT_EQ(built.status == CUDNN_STATUS_SUCCESS, right) << name;
  }
}

TEST_F(EmulatedCudnnGraph, KnowsFinalizedFromUnfinalized) {
  const cudnnBackendDescriptor_t whole = graph();
  const cudnnBackendDescriptor_t x = built_[0]->get("x"), open = fresh(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  const int64_t id = 9;
  refused(cudnnBackendSetAttribute(x, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &id),
          "it takes no attribute");
  refused(cudnnBackendFinalize(whole), "finalized already");
  int64_t count = 0, bytes = 0;
  const cudnnBackendDescriptor_t p = fresh(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  refused(cudnnBackendGetAttribute(p, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &count,
                                   &bytes),
          "not finalized");
  refused(cudnnBackendExecute(handle_, p, pack()), "both finalized");
  refused(cudnnBackendFinalize(open), "was not set");
  refused(cudnnBackendCreateDescriptor(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, &made_[0]),
          "none of the emulator's");
}

TEST_F(EmulatedCudnnGraph, WantsAHandleAndLiveDescriptors) {
  library_.handle = nullptr;
  const cudnnBackendDescriptor_t without = graph();
  std::vector<cudnnBackendDescriptor_t> configs;
  refused(engine_configs(library_, without, CUDNN_HEUR_MODE_A, configs), "has no handle");
  Recipe r = fused_recipe();
  r.pop_back();
  const Built parts(library_, r);
  cudnnBackendDescriptor_t w = nullptr;
  {
    const Built dead(library_, {fused_recipe()[1]});
    w = dead.get("w");
  }
  const cudnnBackendDescriptor_t operation = fresh(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
  for (const auto& [name, to] :
       {std::pair{CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, parts.get("conv")},
        std::pair{CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, parts.get("x")},
        std::pair{CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, w},
        std::pair{CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, parts.get("sums")}})
    cudnnBackendSetAttribute(operation, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &to);
  refused(cudnnBackendFinalize(operation), "cuDNN backend descriptor");
}

TEST_F(EmulatedCudnnGraph, FillsFreshDescriptorsOfTheRightType) {
  const cudnnBackendDescriptor_t of = graph();
  std::vector<cudnnBackendDescriptor_t> configs;
  ASSERT_EQ(engine_configs(library_, of, CUDNN_HEUR_MODE_A, configs), CUDNN_STATUS_SUCCESS);
  made_.insert(made_.end(), configs.begin(), configs.end());
  int64_t count = 0;
  cudnnBackendDescriptor_t wrong = fresh(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
  refused(cudnnBackendGetAttribute(configs[0], CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
                                   &count, &wrong),
          "expected a fresh");
  refused(cudnnBackendFinalize(wrong), "from a heuristic only");
}

TEST_F(EmulatedCudnnGraph, WantsAnAddressForEachTensorAsItsDescriptorSays) {
  const cudnnBackendDescriptor_t p = plan(kPlain);
  const auto execute = [&](const std::vector<int64_t>& ids, const std::vector<void*>& pointers,
                           void* workspace) {
    return cudnnBackendExecute(handle_, p, pack(ids, pointers, workspace));
  };
  refused(execute({1, 2, 3}, {x_, w_, y_}, workspace_), "no pointer for tensor 4");
  refused(execute({1, 2, 3, 4, 5}, {x_, w_, y_, bias_, x_}, workspace_), "a pointer for tensor 5");
  refused(execute({1, 2, 3, 4}, {x_, nullptr, y_, bias_}, workspace_), "tensor 2 is nullptr");
  refused(execute({1, 2, 3, 4}, {x_ + 1, w_, y_, bias_}, workspace_), "not aligned to 16 bytes");
  refused(execute({1, 2, 3, 4}, {x_, w_, x_ + 4, bias_}, workspace_), "the output");
  refused(execute({1, 2, 3, 4}, {x_, w_, y_, bias_}, nullptr), "the workspace");
  refused(execute({1, 2, 3, 4}, {x_, w_, y_, bias_}, y_), "the workspace");
  EXPECT_EQ(execute({4, 3, 2, 1}, {bias_, y_, w_, x_}, workspace_), CUDNN_STATUS_SUCCESS) << "in any order";
  const cudnnBackendDescriptor_t without = plan(kNoWorkspace);
  EXPECT_EQ(cudnnBackendExecute(handle_, without, pack({1, 2, 3, 4}, {x_, w_, y_, bias_}, nullptr)),
            CUDNN_STATUS_SUCCESS)
      << last_complaint();
}

TEST_F(EmulatedCudnnGraph, FailsWhereAFaultIsInjected) {
  inject(Fault::algorithm, 1, 1, int(kPlain));
  refused(run(kPlain), "an injected fault: the engine");
  inject(Fault::workspace);
  refused(run(kPlain), "an injected fault: the workspace");
  EXPECT_EQ(run(kPlain), CUDNN_STATUS_SUCCESS) << last_complaint();
}

}  // namespace
}  // namespace cawe::emulated
