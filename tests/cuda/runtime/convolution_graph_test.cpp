// SPDX-License-Identifier: Apache-2.0
// Convolutions by (emulated) cuDNN's graph interface: which engines may be used, and what happens where none
// will. Engines of the emulated library: cuda/emulator/vendor/backend_engines.cpp.
#include "cuda/backend/packing.h"
#include "tensor/primitives/backend.h"
#include "tests/cuda/runtime/numbers.h"

namespace cawe::on_emulator {
namespace {

using emulated::Fault;
using emulated::inject;
using Names = std::vector<std::string>;

class GraphConvolution : public RuntimeTest {
 protected:
  void SetUp() override {
    const EnvironmentVariable interface("CAWE_CUDNN", "graph");
    RuntimeTest::SetUp();
  }
  void TearDown() override {
    x_ = w_ = b_ = Input();
    y_ = Tensor();
    RuntimeTest::TearDown();
  }
  static void restart_with_graph() {
    const EnvironmentVariable interface("CAWE_CUDNN", "graph");
    restart();
  }
  /// A 3x3 convolution with as many inputs as outputs.
  void prepare(DType dtype, int64_t dilation = 1) {
    params_ = {1, dilation, dilation, 1};
    const Shape shape{1, 4, 6, 6};
    const Layout layout = dtype == DType::f32 ? Layout::contiguous : Layout::channels_last;
    x_ = Input(shape, 11, dtype, layout), w_ = Input({4, 4, 3, 3}, 12, dtype), b_ = Input({4}, 13, dtype);
    y_ = output(shape, dtype, layout);
    device().synchronize();
  }
  void forward(bool with_bias = false, bool relu = false) {
    device().conv2d(x_.device, w_.device, with_bias ? b_.device : Tensor(), params_, relu, y_);
  }
  void expect_forward(bool with_bias = false, bool relu = false, int roundings = 1) {
    Tensor host = expected(y_.shape());
    cpu_reference_backend().conv2d(x_.host, w_.host, with_bias ? b_.host : Tensor(), params_, relu, host);
    expect_near(y_, host, 37, roundings);
  }
  void grad_input() { device().conv2d_grad_input(x_.device, w_.device, params_, y_); }
  static ConvolutionStatistics statistics() { return device().runtime().convolutions.statistics(); }

  /// The engines that may compute a 3x3 convolution of channels-last numbers, best first.
  Names engines(Number number, ConvolutionPass pass = ConvolutionPass::forward, const Settings& settings = {},
                Epilogue epilogue = Epilogue::none, int64_t dilation = 1) {
    const Dims4 image{1, 8, 6, 6}, weight{8, 8, 3, 3};
    const ConvolutionProblem p{pass,  epilogue, number, true,
                               image, weight,   image,  {1, dilation, dilation, 1}};
    const auto plan = graph_plan(p, {device().runtime().libraries.cudnn(), nullptr}, settings);
    Names names;
    while (const ConvolutionChoice* choice = plan->choice(names.size())) names.push_back(choice->name);
    return names;
  }

  Conv2dParams params_;
  Input x_, w_, b_;
  Tensor y_;
};

TEST_F(GraphConvolution, UsesNoEngineThatDoesNotRepeatItsBitsOrCompiles) {
  for (const Number number : {Number::f64, Number::f32, Number::f16, Number::bf16})
    for (const auto pass :
         {ConvolutionPass::forward, ConvolutionPass::grad_input, ConvolutionPass::grad_weight})
      for (const std::string& name : engines(number, pass))
        EXPECT_TRUE(name != "engine 25" && name != "engine 40") << name;
}

TEST_F(GraphConvolution, UsesTensorCoresForSixteenBitsOnly) {
  EXPECT_EQ(engines(Number::f32), (Names{"engine 28", "engine 1", "engine 0"}));
  EXPECT_EQ(engines(Number::f64), (Names{"engine 28", "engine 1", "engine 0"}));
  EXPECT_EQ(engines(Number::bf16), (Names{"engine 45", "engine 46", "engine 28", "engine 1", "engine 0"}));
  EXPECT_EQ(engines(Number::bf16), engines(Number::f16)) << "none that sums in 16 bits";
  EXPECT_EQ(engines(Number::bf16, ConvolutionPass::grad_weight),
            (Names{"engine 45", "engine 46", "engine 28", "engine 1"}));
}

TEST_F(GraphConvolution, UsesTensorCoresForFloatsWhereTheyMayBeTf32) {
  Settings settings;
  settings.tf32 = true;
  EXPECT_EQ(engines(Number::f32, ConvolutionPass::forward, settings),
            (Names{"engine 45", "engine 46", "engine 28", "engine 1", "engine 0"}))
      << "none that takes fewer bits than TF32";
}

TEST_F(GraphConvolution, LeavesOutTransformsUnlessTheyAreAllowed) {
  Settings settings;
  settings.winograd = true;
  EXPECT_EQ(engines(Number::f32, ConvolutionPass::forward, settings),
            (Names{"engine 30", "engine 31", "engine 28", "engine 1", "engine 0"}));
  EXPECT_EQ(engines(Number::bf16, ConvolutionPass::grad_input, settings),
            (Names{"engine 30", "engine 45", "engine 46", "engine 28", "engine 1"}));
}

TEST_F(GraphConvolution, KeepsToTheLimitOfTheWorkspace) {
  Settings settings;
  settings.workspace_bytes = 0;
  EXPECT_EQ(engines(Number::f32, ConvolutionPass::forward, settings), Names{"engine 0"});
  EXPECT_EQ(engines(Number::f32, ConvolutionPass::grad_input, settings), Names{});
  settings.workspace_bytes = 8 * 9 * sizeof(int32_t) + 3;  // what engines 45 and 1 need, to the byte
  EXPECT_EQ(engines(Number::bf16, ConvolutionPass::forward, settings),
            (Names{"engine 45", "engine 1", "engine 0"}));
  settings.workspace_bytes -= 1;
  EXPECT_EQ(engines(Number::bf16, ConvolutionPass::forward, settings), Names{"engine 0"});
}

TEST_F(GraphConvolution, UsesEnginesThatFuseForAnEpilogue) {
  EXPECT_EQ(engines(Number::bf16, ConvolutionPass::forward, {}, Epilogue::bias),
            (Names{"engine 45", "engine 28", "engine 0"}));
  EXPECT_EQ(engines(Number::bf16, ConvolutionPass::forward, {}, Epilogue::bias_relu, 2), Names{"engine 0"});
}

TEST_F(GraphConvolution, AsksTheSlowHeuristicOnlyWhereTheFastOneHasNothing) {
  prepare(DType::bf16);
  const uint64_t before = emulated::calls("cudnnBackendCreateDescriptor");
  forward();
  const uint64_t fast = emulated::calls("cudnnBackendCreateDescriptor") - before;
  prepare(DType::bf16, 2);  // engine 46 of the fast one takes dilation
  forward();
  EXPECT_LE(emulated::calls("cudnnBackendCreateDescriptor") - before, 2 * fast);
  EXPECT_EQ(statistics().by_graph, 2);
}

TEST_F(GraphConvolution, IsPlannedOncePerProblem) {
  prepare(DType::f32);
  forward();
  const uint64_t finalized = emulated::calls("cudnnBackendFinalize");
  for (int i = 0; i < 2; ++i) forward();
  EXPECT_EQ(emulated::calls("cudnnBackendFinalize"), finalized + 2) << "a variant pack a call, no more";
  EXPECT_EQ(emulated::calls("cudnnBackendExecute"), 3u);
  EXPECT_EQ(emulated::calls("cudnnGetConvolutionForwardAlgorithm_v7"), 0u);
  const ConvolutionStatistics s = statistics();
  EXPECT_EQ(s.made, 1);
  EXPECT_EQ(s.found, 2);
  EXPECT_EQ(s.by_graph, 1);
  EXPECT_EQ(s.by_legacy, 0);
  expect_forward();
}

TEST_F(GraphConvolution, PassesOverAnEngineThatRefuses) {
  prepare(DType::f32);
  inject(Fault::algorithm, 1, 1000, 28);  // the first choice
  forward();
  expect_forward();
  EXPECT_EQ(emulated::calls("cudnnBackendExecute"), 2u);
  forward();
  EXPECT_EQ(emulated::calls("cudnnBackendExecute"), 3u) << "it is remembered";
  prepare(DType::f32, 2);
  inject(Fault::workspace);  // of engine 1
  forward();
  expect_forward();
}

TEST_F(GraphConvolution, PassesOverAnEngineWhosePlanIsNotMade) {
  inject(Fault::plan, 1, 1, 45);
  EXPECT_EQ(engines(Number::bf16), (Names{"engine 46", "engine 28", "engine 1", "engine 0"}));
  inject(Fault::plan, 1, 1000);
  EXPECT_EQ(engines(Number::bf16), Names{});
}

/// An engine that another one follows who needs none: it would have other bits.
TEST_F(GraphConvolution, TellsThatMemoryIsOutAndTriesTheSameAgainLater) {
  prepare(DType::f32);
  inject(Fault::device_memory, 1, 2);  // and again without what was cached
  expect_error(Code::io, {"conv2d: out of device memory", "workspace of cuDNN's engine 28", "smaller batch"},
               [&] { forward(); });
  const int64_t requests = device().statistics().requests;
  forward();
  EXPECT_GT(device().statistics().requests, requests) << "engine 28 has a workspace";
  EXPECT_EQ(statistics().by_graph, 1);
  expect_forward();
}

/// A library that is broken inside, or out of memory, may choose otherwise the next time.
TEST_F(GraphConvolution, AnInternalErrorIsNotTakenForARefusal) {
  prepare(DType::f32);
  inject(Fault::internal, 1, 1, 28);
  expect_error(Code::internal, {"conv2d: cudnnBackendFinalize: CUDNN_STATUS_INTERNAL_ERROR"},
               [&] { forward(); });
  prepare(DType::f32, 2);
  inject(Fault::internal, 2, 1, 1);  // the plan is made
  expect_error(Code::internal,
               {"conv2d: cudnnBackendExecute: CUDNN_STATUS_INTERNAL_ERROR",
                "Operands: x [1, 4, 6, 6], w [4, 4, 3, 3], y [1, 4, 6, 6], f32, NCHW, by engine 1."},
               [&] { forward(); });
}

TEST_F(GraphConvolution, PassesOverAnEngineThatDoesNotTellItsNotes) {
  inject(Fault::notes, 1, 1000, 45);
  EXPECT_EQ(engines(Number::bf16), (Names{"engine 46", "engine 28", "engine 1", "engine 0"}));
}

TEST_F(GraphConvolution, PassesOverAnEngineWithoutANumber) {
  inject(Fault::answer, 1, 1, 28);
  EXPECT_EQ(engines(Number::f32), (Names{"engine 1", "engine 0"}));
}

TEST_F(GraphConvolution, PassesOverAPlanThatDoesNotTellItsWorkspace) {
  inject(Fault::answer, 4, 1, 28);  // its number and notes are told
  EXPECT_EQ(engines(Number::f32), (Names{"engine 1", "engine 0"}));
}

/// Without a workspace no engine has the gradient by the input; with transforms the legacy calls have one.
TEST_F(GraphConvolution, FallsBackToTheLegacyCalls) {
  const EnvironmentVariable none("CAWE_CUDNN_WORKSPACE_MB", "0"), transforms("CAWE_WINOGRAD", "1");
  restart_with_graph();
  prepare(DType::f32);
  grad_input();
  Tensor host = expected(y_.shape());
  cpu_reference_backend().conv2d_grad_input(x_.host, w_.host, params_, host);
  expect_near(y_, host, 36);
  forward();
  EXPECT_EQ(statistics().by_legacy, 1);
  EXPECT_EQ(statistics().by_graph, 1);
  EXPECT_EQ(emulated::calls("cudnnConvolutionBackwardData"), 1u);
}

/// A problem whose engines refuse later on is counted where it is computed.
TEST_F(GraphConvolution, MovesToTheLegacyCallsWhereItsEnginesStartToRefuse) {
  prepare(DType::f32);
  forward();
  EXPECT_EQ(statistics().by_graph, 1);
  for (const int engine : {28, 1, 0}) inject(Fault::algorithm, 1, 1, engine);
  forward();
  expect_forward();
  EXPECT_EQ(statistics().by_graph, 0);
  EXPECT_EQ(statistics().by_legacy, 1);
}

TEST_F(GraphConvolution, NamesTheOperatorAndBothInterfacesInErrors) {
  const EnvironmentVariable none("CAWE_CUDNN_WORKSPACE_MB", "0");
  restart_with_graph();
  prepare(DType::f32);
  expect_error(
      Code::unsupported,
      {"conv2d_grad_input: cuDNN has no algorithm for x [1, 4, 6, 6], w [4, 4, 3, 3], f32",
       "no deterministic algorithm within the workspace", "graph interface: engine 28: a workspace of",
       "; engine 1: a workspace of", "CAWE_CUDNN_WORKSPACE_MB"},
      [&] { grad_input(); });
}

/// Each engine and each algorithm with what it said.
TEST_F(GraphConvolution, NamesAllThatRefused) {
  prepare(DType::f32);
  inject(Fault::algorithm, 1, 1000);
  std::vector<std::string> words{"conv2d: cuDNN has no algorithm"};
  for (const char* choice : {"engine 28", "engine 1", "engine 0", "algorithm 1", "algorithm 0"})
    words.push_back(choice + std::string(": CUDNN_STATUS_NOT_SUPPORTED (3000)"));
  expect_error(Code::unsupported, words, [&] { forward(); });
}

TEST_F(GraphConvolution, AnAsynchronousFailureIsNotTakenForARefusal) {
  prepare(DType::f32);
  inject(Fault::asynchronous);
  forward();
  expect_error(Code::internal, {"cudaErrorIllegalAddress"}, [] { device().synchronize(); });
  expect_error(Code::internal, {"conv2d: cudnnBackendCreateDescriptor: CUDNN_STATUS_EXECUTION_FAILED"},
               [&] { forward(); });
}

/// Fused and in steps of its own: the same bits in f32, whose sums no step rounds.
TEST_F(GraphConvolution, FusesToTheBitsOfSingleSteps) {
  for (const bool relu : {false, true}) {
    prepare(DType::f32);
    const uint64_t launches = emulated::calls("kernel launch");
    forward(true, relu);
    expect_forward(true, relu, 2);
    EXPECT_EQ(emulated::calls("kernel launch"), launches) << "nothing beside the library's call";
    const std::vector<float> fused = y_.to_vector<float>();
    forward();
    const std::vector<float> sums = y_.to_vector<float>(), bias = b_.device.to_vector<float>();
    for (size_t i = 0; i < fused.size(); ++i) {
      const float sum = sums[i] + bias[i / 36];
      EXPECT_EQ(fused[i], relu && sum < 0 ? 0.0f : sum) << i;
    }
  }
}

/// In bf16 the sums are rounded once, behind bias and ReLU: a bias of f32 would be rounded twice.
TEST_F(GraphConvolution, RoundsOnceWhereItFuses) {
  prepare(DType::bf16);
  forward(true, true);
  expect_forward(true, true, 1);
}

TEST_F(GraphConvolution, KeepsNaN) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    prepare(dtype);
    w_.device.slice(0, 1, 2).fill(std::nan(""));
    forward(true, true);
    const std::vector<double> y =
        y_.contiguous().to(Device::cpu).to(work_type(dtype)).to(DType::f64).to_vector<double>();
    for (size_t i = 0; i < y.size(); ++i) EXPECT_EQ(std::isnan(y[i]), i / 36 == 1) << i;
  }
}

TEST_F(RuntimeTest, RefusesAnUnknownInterfaceOfCudnn) {
  close();
  const EnvironmentVariable wrong("CAWE_CUDNN", "frontend");
  expect_error(Code::usage, {"CAWE_CUDNN is 'frontend' (expected graph or legacy)"},
               [] { settings_from_environment(); });
}

}  // namespace
}  // namespace cawe::on_emulator
