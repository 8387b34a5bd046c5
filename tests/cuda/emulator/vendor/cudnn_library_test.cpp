// SPDX-License-Identifier: Apache-2.0
// The emulated backend interface of cuDNN beside the vendor's library, which makes plans for a device by its
// description alone, so that no GPU is needed. Without the library these tests are skipped.
#include <dlfcn.h>

#include "tests/cuda/emulator/vendor/described_device.h"
#include "tests/cuda/emulator/vendor/graph_mistakes.h"
#include "tests/cuda/emulator/vendor/support.h"

namespace cawe::emulated {
namespace {

template <class Function>
bool load(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

class CudnnLibrary : public EmulatedTest {
 protected:
  void SetUp() override {
    EmulatedTest::SetUp();
    static void* const opened = dlopen(CAWE_CUDNN_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!opened) GTEST_SKIP() << "cuDNN's library is not here: " << dlerror();
    ASSERT_TRUE(load(opened, "cudnnBackendCreateDescriptor", vendor_.create) &&
                load(opened, "cudnnBackendDestroyDescriptor", vendor_.destroy) &&
                load(opened, "cudnnBackendFinalize", vendor_.finalize) &&
                load(opened, "cudnnBackendSetAttribute", vendor_.set) &&
                load(opened, "cudnnBackendGetAttribute", vendor_.get));
    vendor_.create(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, &vendor_.device);
    const std::string text = described_device();
    vendor_.set(vendor_.device, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
                int64_t(text.size()), text.data());
    if (vendor_.finalize(vendor_.device) != CUDNN_STATUS_SUCCESS)
      GTEST_SKIP() << "this cuDNN makes no plans from the description of a device (9.8 and later do)";
    EXPECT_EQ(cudnnCreate(&handle_), CUDNN_STATUS_SUCCESS);
    emulated_.handle = handle_;
  }
  void TearDown() override {
    if (vendor_.device) vendor_.destroy(vendor_.device);
    if (handle_) cudnnDestroy(handle_);
    EmulatedTest::TearDown();
  }
  GraphLibrary vendor_{};
  GraphLibrary emulated_{cudnnBackendCreateDescriptor, cudnnBackendDestroyDescriptor, cudnnBackendFinalize,
                         cudnnBackendSetAttribute, cudnnBackendGetAttribute};

 private:
  cudnnHandle_t handle_ = nullptr;
};

TEST_F(CudnnLibrary, TakesWhatTheEmulatedOneTakes) {
  const std::vector<RecipeShape> shapes = [] {
    std::vector<RecipeShape> all;
    for (const auto type : {CUDNN_DATA_FLOAT, CUDNN_DATA_DOUBLE, CUDNN_DATA_HALF, CUDNN_DATA_BFLOAT16})
      for (const bool nhwc : {false, true}) {
        all.push_back({type, nhwc});
        all.push_back({type, nhwc, {2, 3, 13, 12}, {5, 3, 7, 7}, {2, 5, 7, 6}, 2, 3, 1});
        all.push_back({type, nhwc, {2, 8, 9, 9}, {16, 4, 3, 3}, {2, 16, 9, 9}, 1, 2, 2});
        all.push_back({type, nhwc, {1, 303, 8, 8}, {303, 303, 1, 1}, {1, 303, 8, 8}, 1, 0, 1});
      }
    return all;
  }();
  for (const RecipeShape& s : shapes) {
    SCOPED_TRACE(testing::Message() << "type " << int(s.type) << (s.nhwc ? " nhwc" : " nchw") << ", filter "
                                    << testing::PrintToString(s.w));
    for (const Recipe& r : {fused_recipe(s), gradient_recipe(true, s), gradient_recipe(false, s)}) {
      EXPECT_EQ(outcome(emulated_, r), "usable") << last_complaint();
      EXPECT_EQ(outcome(vendor_, r), "usable");
    }
  }
}

TEST_F(CudnnLibrary, RefusesWhatTheEmulatedOneRefuses) {
  for (const Mistake& m : all_mistakes()) {
    EXPECT_NE(outcome(emulated_, m.recipe), "usable") << m.name;
    const std::string found = outcome(vendor_, m.recipe);
    EXPECT_EQ(found == "usable", m.library_lets_it_pass) << m.name << ": " << found;
  }
}

TEST_F(CudnnLibrary, TakesAndRefusesPacksAlike) {
  for (const auto& [name, spoil] : pack_mistakes()) {
    Recipe pack = pack_recipe();
    spoil(pack[0]);
    const bool right = name == "right" || name == "without a workspace's address";
    EXPECT_EQ(Built(emulated_, pack).status == CUDNN_STATUS_SUCCESS, right) << name;
    EXPECT_EQ(Built(vendor_, pack).status == CUDNN_STATUS_SUCCESS, right) << name;
  }
}

}  // namespace
}  // namespace cawe::emulated
