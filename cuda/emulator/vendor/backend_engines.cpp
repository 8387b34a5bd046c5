// SPDX-License-Identifier: Apache-2.0
// The engines of a made-up device, with notes as the library's have them, and its heuristics.
#include <algorithm>

#include "cuda/emulator/vendor/backend_descriptor.h"

namespace cawe::emulated {
namespace {

enum : unsigned { kF16 = 1, kBf16 = 2, kF32 = 4, kF64 = 8, kHalves = kF16 | kBf16, kAllTypes = 15 };
enum class Form : uint8_t {
  any,
  undilated,
  dense,       ///< stride and dilation 1, no groups
  dense_three  ///< 3x3, too
};
enum class Memory : uint8_t { nothing, offsets, patches, transforms };

struct Engine {
  int64_t index;
  unsigned types;
  Form form;
  Memory memory;
  bool fuses;      ///< takes pointwise operations behind the convolution
  bool gradients;  ///< computes more than the forward direction
  std::vector<cudnnBackendNumericalNote_t> notes;
  std::vector<cudnnBackendBehaviorNote_t> behaviour;
};

const std::vector<Engine>& engines() {
  static const std::vector<Engine> all{
      {25, kAllTypes, Form::any, Memory::nothing, true, true, {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC}, {}},
      {40,
       kHalves | kF32,
       Form::any,
       Memory::nothing,
       true,
       true,
       {CUDNN_NUMERICAL_NOTE_TENSOR_CORE},
       {CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION}},
      {30,
       kHalves | kF32,
       Form::dense_three,
       Memory::transforms,
       false,
       true,
       {CUDNN_NUMERICAL_NOTE_WINOGRAD, CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_4x4},
       {}},
      {31, kF16 | kF32, Form::dense, Memory::transforms, false, true, {CUDNN_NUMERICAL_NOTE_FFT}, {}},
      {21,
       kF32,
       Form::any,
       Memory::nothing,
       true,
       true,
       {CUDNN_NUMERICAL_NOTE_TENSOR_CORE, CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS},
       {}},
      {22,
       kHalves,
       Form::any,
       Memory::nothing,
       true,
       true,
       {CUDNN_NUMERICAL_NOTE_TENSOR_CORE, CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION},
       {}},
      {45,
       kHalves | kF32,
       Form::undilated,
       Memory::offsets,
       true,
       true,
       {CUDNN_NUMERICAL_NOTE_TENSOR_CORE},
       {}},
      {46, kHalves | kF32, Form::any, Memory::patches, false, true, {CUDNN_NUMERICAL_NOTE_TENSOR_CORE}, {}},
      {28, kAllTypes, Form::undilated, Memory::patches, true, true, {}, {}},
      {1, kAllTypes, Form::any, Memory::offsets, false, true, {}, {}},
      {0, kAllTypes, Form::any, Memory::nothing, true, false, {CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP}, {}},
  };
  return all;
}

// As the library, they name an engine more than once, with other knobs.
constexpr int64_t kFast[] = {25, 40, 30, 31, 21, 22, 45, 45, 46, 28};
constexpr int64_t kFallback[] = {25, 1, 0};

const Engine& engine_of(int64_t index) {
  return *std::find_if(engines().begin(), engines().end(), [&](const Engine& e) { return e.index == index; });
}

unsigned type_bit(DType dtype) {
  return dtype == DType::f64 ? kF64 : dtype == DType::f32 ? kF32 : dtype == DType::bf16 ? kBf16 : kF16;
}

bool has_form(const Engine& e, const Convolution& c) {
  const Conv2dParams& p = c.params;
  const bool dense = p.stride == 1 && p.dilation == 1 && p.groups == 1;
  switch (e.form) {
    case Form::undilated:
      return p.dilation == 1;
    case Form::dense:
      return dense;
    case Form::dense_three:
      return dense && c.w.size[2] == 3 && c.w.size[3] == 3;
    default:
      return true;
  }
}

/// All three lie without gaps, in one of the two orders.
bool has_layouts(const Convolution& c) {
  for (const bool nhwc : {false, true})
    if (has_packed_items(c.x, nhwc) && has_packed_items(c.w, nhwc) && has_packed_items(c.y, nhwc))
      return true;
  return false;
}

bool can_compute(const Engine& e, const GraphMeaning& g) {
  const bool fused = g.has_bias || g.activation != Activation::none;
  return (e.types & type_bit(g.c.x.dtype)) && has_form(e, g.c) && has_layouts(g.c) && (e.fuses || !fused) &&
         (e.gradients || g.direction == Direction::forward);
}

/// How much the library takes is its secret; this much an engine of the kind would need.
size_t bytes_of(Memory memory, const Convolution& c) {
  const int64_t taps = c.w.size[1] * c.w.size[2] * c.w.size[3];
  switch (memory) {
    case Memory::offsets:
      return size_t(taps) * sizeof(int32_t) + 3;  // the library's sizes are no multiples of anything
    case Memory::patches:
      return size_t(taps * c.y.size[2] * c.y.size[3]) * size_of(c.x.dtype);
    case Memory::transforms:
      return size_t(4 * (c.x.count() + c.w.count() + c.y.count())) * sizeof(float);
    default:
      return 0;
  }
}

}  // namespace

std::vector<int64_t> ask_heuristic(cudnnBackendHeurMode_t mode, const GraphMeaning& g) {
  const bool fallback = mode == CUDNN_HEUR_MODE_FALLBACK;
  std::vector<int64_t> answer(fallback ? std::begin(kFallback) : std::begin(kFast),
                              fallback ? std::end(kFallback) : std::end(kFast));
  answer.erase(
      std::remove_if(answer.begin(), answer.end(), [&](int64_t i) { return !can_compute(engine_of(i), g); }),
      answer.end());
  return answer;
}

std::vector<cudnnBackendNumericalNote_t> numerical_notes(int64_t engine) { return engine_of(engine).notes; }
std::vector<cudnnBackendBehaviorNote_t> behaviour_notes(int64_t engine) {
  return engine_of(engine).behaviour;
}

size_t engine_workspace(int64_t engine, const GraphMeaning& g) {
  return bytes_of(engine_of(engine).memory, g.c);
}

}  // namespace cawe::emulated
