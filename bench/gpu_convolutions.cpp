// SPDX-License-Identifier: Apache-2.0
// cuDNN's ways to compute the convolutions of these networks, with time and workspace: every algorithm that
// the legacy heuristics propose and that runs, and whether it gives the same bits in every run; and of the
// graph interface the engines that cuda/runtime would use, best first. One JSON object per line.
//   bench_gpu_convolutions
#include <cuda_runtime_api.h>
#include <cudnn.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "cuda/runtime/convolution_plan.h"
#include "tensor/io/json.h"

namespace {

using namespace cawe::on_cuda;
using cawe::Number;

struct Shape {
  const char* name;
  int n, c, side, o, kernel, stride;
};

const Shape kShapes[] = {
    {"resnet 1x1 64-256", 32, 64, 56, 256, 1, 1},     {"resnet 1x1 1024-256", 32, 1024, 14, 256, 1, 1},
    {"resnet 3x3 64", 32, 64, 56, 64, 3, 1},          {"resnet 3x3 256", 32, 256, 14, 256, 3, 1},
    {"resnet 3x3/2 256", 32, 256, 28, 256, 3, 2},     {"resnet 7x7/2 stem", 32, 3, 224, 64, 7, 2},
    {"tower 3x3 256 of 64", 2, 256, 64, 256, 3, 1},   {"tower 3x3 256 of 64 b32", 32, 256, 64, 256, 3, 1},
    {"tower 3x3 256 of 8", 32, 256, 8, 256, 3, 1},    {"generator 3x3 303", 2, 303, 256, 303, 3, 1},
    {"generator 3x3 303 b8", 8, 303, 256, 303, 3, 1}, {"generator 3x3 304 b8", 8, 304, 256, 304, 3, 1},
    {"generator 3x3 512", 8, 512, 32, 512, 3, 1}};

template <class Answer>
void say(const Shape& s, const char* pass, const char* type, const char* layout, const char* math,
         const Answer* a, int count) {
  for (int i = 0; i < count && i < 8; ++i) {
    const cawe::Json line{{"case", s.name},
                          {"pass", pass},
                          {"type", type},
                          {"layout", layout},
                          {"math", math},
                          {"algo", int(a[i].algo)},
                          {"status", int(a[i].status)},
                          {"ms", cawe::json_fixed(double(a[i].time), 4)},
                          {"mb", cawe::json_fixed(double(a[i].memory) / 1048576, 1)},
                          {"deterministic", int(a[i].determinism == CUDNN_DETERMINISTIC)},
                          {"answer_math", int(a[i].mathType)},
                          {"place", i}};
    std::printf("%s\n", cawe::json_text(line).c_str());
  }
  std::fflush(stdout);
}

void run(cudnnHandle_t handle, const Shape& s, cudnnDataType_t type, cudnnTensorFormat_t format,
         cudnnMathType_t math, const char* math_name, void* x_data, void* w_data, void* y_data, void* space,
         size_t space_bytes) {
  cudnnTensorDescriptor_t x, y;
  cudnnFilterDescriptor_t w;
  cudnnConvolutionDescriptor_t conv;
  cudnnCreateTensorDescriptor(&x);
  cudnnCreateTensorDescriptor(&y);
  cudnnCreateFilterDescriptor(&w);
  cudnnCreateConvolutionDescriptor(&conv);
  const int pad = s.kernel / 2, out = (s.side + 2 * pad - s.kernel) / s.stride + 1;
  cudnnSetTensor4dDescriptor(x, format, type, s.n, s.c, s.side, s.side);
  cudnnSetTensor4dDescriptor(y, format, type, s.n, s.o, out, out);
  cudnnSetFilter4dDescriptor(w, type, format, s.o, s.c, s.kernel, s.kernel);
  cudnnSetConvolution2dDescriptor(conv, pad, pad, s.stride, s.stride, 1, 1, CUDNN_CROSS_CORRELATION,
                                  CUDNN_DATA_FLOAT);
  cudnnSetConvolutionMathType(conv, math);
  const char *t = type == CUDNN_DATA_FLOAT ? "f32" : "bf16",
             *l = format == CUDNN_TENSOR_NHWC ? "nhwc" : "nchw";
  int count = 0;
  cudnnConvolutionFwdAlgoPerf_t f[8];
  if (cudnnFindConvolutionForwardAlgorithmEx(handle, x, x_data, w, w_data, conv, y, y_data, 8, &count, f,
                                             space, space_bytes) == CUDNN_STATUS_SUCCESS)
    say(s, "forward find", t, l, math_name, f, count);
  if (cudnnGetConvolutionForwardAlgorithm_v7(handle, x, w, conv, y, 8, &count, f) == CUDNN_STATUS_SUCCESS)
    say(s, "forward heuristics", t, l, math_name, f, count);
  cudnnConvolutionBwdDataAlgoPerf_t d[8];
  if (cudnnFindConvolutionBackwardDataAlgorithmEx(handle, w, w_data, y, y_data, conv, x, x_data, 8, &count, d,
                                                  space, space_bytes) == CUDNN_STATUS_SUCCESS)
    say(s, "grad_input find", t, l, math_name, d, count);
  if (cudnnGetConvolutionBackwardDataAlgorithm_v7(handle, w, y, conv, x, 8, &count, d) ==
      CUDNN_STATUS_SUCCESS)
    say(s, "grad_input heuristics", t, l, math_name, d, count);
  cudnnConvolutionBwdFilterAlgoPerf_t g[8];
  if (cudnnFindConvolutionBackwardFilterAlgorithmEx(handle, x, x_data, y, y_data, conv, w, w_data, 8, &count,
                                                    g, space, space_bytes) == CUDNN_STATUS_SUCCESS)
    say(s, "grad_weight find", t, l, math_name, g, count);
  if (cudnnGetConvolutionBackwardFilterAlgorithm_v7(handle, x, y, conv, w, 8, &count, g) ==
      CUDNN_STATUS_SUCCESS)
    say(s, "grad_weight heuristics", t, l, math_name, g, count);
  cudnnDestroyTensorDescriptor(x);
  cudnnDestroyTensorDescriptor(y);
  cudnnDestroyFilterDescriptor(w);
  cudnnDestroyConvolutionDescriptor(conv);
}

/// Device memory, enough for every case.
struct Memory {
  void *x = nullptr, *w = nullptr, *y = nullptr, *space = nullptr;
};

/// Milliseconds of `calls` calls; negative where the library refuses.
double timed(ConvolutionPlan& plan, size_t choice, const Memory& m, int calls) {
  const ConvolutionOperands operands{m.x, m.w, m.w, m.y};  // the weight's first numbers for a bias
  cudaEvent_t begin, end;
  cudaEventCreate(&begin);
  cudaEventCreate(&end);
  bool done = true;
  cudaEventRecord(begin, nullptr);
  for (int i = 0; i < calls && done; ++i) done = plan.run(choice, operands, m.space) == CUDNN_STATUS_SUCCESS;
  cudaEventRecord(end, nullptr);
  cudaEventSynchronize(end);
  float ms = 0;
  cudaEventElapsedTime(&ms, begin, end);
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  return done ? double(ms) : -1;
}

/// Of one call: the first, where it takes long, else the mean of ten behind it.
double milliseconds(ConvolutionPlan& plan, size_t choice, const Memory& m) {
  constexpr double kLong = 50;
  const double first = timed(plan, choice, m, 1);
  return first < 0 || first > kLong ? first : timed(plan, choice, m, 10) / 10;
}

/// The engines of the graph interface for all passes, and for a fused bias and ReLU.
void run_graph(cudnnHandle_t handle, const Shape& s, Number number, bool channels_last, bool tf32,
               const Memory& m, size_t space_bytes) {
  const int64_t pad = s.kernel / 2, out = (s.side + 2 * pad - s.kernel) / s.stride + 1;
  Settings settings;
  settings.tf32 = tf32;
  settings.workspace_bytes = space_bytes;
  const struct {
    const char* name;
    ConvolutionPass pass;
    Epilogue epilogue;
  } passes[] = {{"forward graph", ConvolutionPass::forward, Epilogue::none},
                {"forward bias relu graph", ConvolutionPass::forward, Epilogue::bias_relu},
                {"grad_input graph", ConvolutionPass::grad_input, Epilogue::none},
                {"grad_weight graph", ConvolutionPass::grad_weight, Epilogue::none}};
  for (const auto& p : passes) {
    const ConvolutionProblem problem{p.pass,
                                     p.epilogue,
                                     number,
                                     channels_last,
                                     {s.n, s.c, s.side, s.side},
                                     {s.o, s.c, s.kernel, s.kernel},
                                     {s.n, s.o, out, out},
                                     {s.stride, pad, 1, 1}};
    const auto plan = graph_plan(problem, {handle, nullptr}, settings);
    for (size_t i = 0; i < 4; ++i) {
      const ConvolutionChoice* choice = plan->choice(i);
      if (!choice) break;
      const cawe::Json line{{"case", s.name},
                            {"pass", p.name},
                            {"type", number == Number::f32 ? "f32" : "bf16"},
                            {"layout", channels_last ? "nhwc" : "nchw"},
                            {"math", tf32                    ? "tf32"
                                     : number == Number::f32 ? "fma"
                                                             : "tensor"},
                            {"algo", choice->name},
                            {"ms", cawe::json_fixed(milliseconds(*plan, i, m), 4)},
                            {"mb", cawe::json_fixed(double(choice->workspace) / 1048576, 1)},
                            {"place", int(i)}};
      std::printf("%s\n", cawe::json_text(line).c_str());
    }
  }
  std::fflush(stdout);
}

}  // namespace

int main() {
  cudnnHandle_t handle = nullptr;
  if (cudnnCreate(&handle) != CUDNN_STATUS_SUCCESS) {
    std::fprintf(stderr, "no GPU, or no cuDNN\n");
    return 77;
  }
  const size_t room = size_t{4} << 30;
  Memory m;
  for (void** p : {&m.x, &m.w, &m.y, &m.space})
    if (cudaMalloc(p, p == &m.w ? room / 8 : room) != cudaSuccess) return 1;
  cudaMemset(m.x, 0x3c, room);  // small numbers in every type
  cudaMemset(m.w, 0x3c, room / 8);
  cudaMemset(m.y, 0x3c, room);
  for (const Shape& s : kShapes) {
    const auto legacy = [&](cudnnDataType_t type, cudnnTensorFormat_t format, cudnnMathType_t math,
                            const char* name) {
      run(handle, s, type, format, math, name, m.x, m.w, m.y, m.space, room);
    };
    legacy(CUDNN_DATA_FLOAT, CUDNN_TENSOR_NHWC, CUDNN_FMA_MATH, "fma");
    legacy(CUDNN_DATA_FLOAT, CUDNN_TENSOR_NCHW, CUDNN_FMA_MATH, "fma");
    legacy(CUDNN_DATA_FLOAT, CUDNN_TENSOR_NHWC, CUDNN_DEFAULT_MATH, "tf32");
    legacy(CUDNN_DATA_BFLOAT16, CUDNN_TENSOR_NHWC, CUDNN_TENSOR_OP_MATH, "tensor");
    run_graph(handle, s, Number::f32, false, false, m, room);
    run_graph(handle, s, Number::f32, true, true, m, room);
    run_graph(handle, s, Number::bf16, true, false, m, room);
  }
  return 0;
}
