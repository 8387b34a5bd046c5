// SPDX-License-Identifier: Apache-2.0
// Convolutions as graphs of operations: convolution, then a bias and a ReLU as pointwise operations on sums
// that are never in memory. The library's heuristics name engines, best first; what an engine's notes say
// decides whether it may be used. Its plan is finalized when it is its turn, since that may load kernels.
#include <algorithm>
#include <array>
#include <vector>

#include "cuda/runtime/convolution_plan.h"
#include "cuda/runtime/graph_descriptor.h"
#include "cuda/runtime/refusals.h"

namespace CAWE_DEVICE {
namespace {

// The names of the tensors of a graph, by which a variant pack gives their addresses.
enum : int64_t { kX = 1, kW, kY, kBias, kSums, kBiased };

/// More than a heuristic names: about 40.
constexpr int64_t kMostConfigs = 64;

using Sizes = std::vector<int64_t>;
Sizes sizes_of(const Dims4& d) { return {d.n, d.c, d.h, d.w}; }

GraphDescriptor tensor(int64_t name, cudnnDataType_t type, const Dims4& d, bool channels_last,
                       bool in_memory = true) {
  const Sizes strides =
      channels_last ? Sizes{d.h * d.w * d.c, 1, d.w * d.c, d.c} : Sizes{d.c * d.h * d.w, d.h * d.w, d.w, 1};
  constexpr int64_t kAlignment = 16;
  GraphDescriptor t(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  t.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, name);
  t.set(CUDNN_ATTR_TENSOR_DATA_TYPE, type);
  t.set(CUDNN_ATTR_TENSOR_DIMENSIONS, sizes_of(d));
  t.set(CUDNN_ATTR_TENSOR_STRIDES, strides);
  t.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, kAlignment);
  t.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, !in_memory);
  t.finalize();
  return t;
}

/// The descriptors of one problem. They refer to each other, so all live as long as the graph.
class Graph {
 public:
  Graph(const ConvolutionProblem& p, const PlanTarget& target)
      : problem_(p), graph_(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR) {
    const cudnnDataType_t type = data_type(p.number);
    const auto& x = keep(tensor(kX, type, p.x, p.channels_last));
    const auto& w = keep(tensor(kW, type, p.w, p.channels_last));
    const auto& y = keep(tensor(kY, type, p.y, p.channels_last));
    if (p.pass == ConvolutionPass::grad_input)
      add_convolution(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR, kDataNames, x, w, y);
    else if (p.pass == ConvolutionPass::grad_weight)
      add_convolution(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR, kFilterNames, x, w, y);
    else
      add_forward(x, w, y);
    if (target.handle) graph_.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, target.handle);
    graph_.link(CUDNN_ATTR_OPERATIONGRAPH_OPS, operations_);
    graph_.finalize();
  }
  const GraphDescriptor& descriptor() const { return graph_; }

 private:
  /// The attributes of a convolution's operation.
  struct Names {
    cudnnBackendAttributeName_t convolution, x, w, y, alpha, beta;
  };
  static constexpr Names kForwardNames = {
      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
  static constexpr Names kDataNames = {
      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
  static constexpr Names kFilterNames = {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                                         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                                         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                                         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
                                         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
                                         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};

  const GraphDescriptor& keep(GraphDescriptor descriptor) {
    kept_.push_back(std::make_unique<GraphDescriptor>(std::move(descriptor)));
    return *kept_.back();
  }

  const GraphDescriptor& parameters() {
    const Conv2dParams& p = problem_.params;
    constexpr int64_t kDirections = 2;
    const Sizes padding(kDirections, p.padding);
    GraphDescriptor c(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    c.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, kDirections);
    c.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, sum_type(problem_.number));
    c.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION);
    c.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, padding);
    c.set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, padding);
    c.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, Sizes(kDirections, p.stride));
    c.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, Sizes(kDirections, p.dilation));
    c.finalize();
    return keep(std::move(c));
  }

  /// The groups are in the sizes: x has as many times the channels of w.
  void add_convolution(cudnnBackendDescriptorType_t type, const Names& names, const GraphDescriptor& x,
                       const GraphDescriptor& w, const GraphDescriptor& y) {
    GraphDescriptor o(type);
    o.link(names.convolution, parameters());
    o.link(names.x, x);
    o.link(names.w, w);
    o.link(names.y, y);
    if (problem_.number == Number::f64) {
      o.set(names.alpha, 1.0);
      o.set(names.beta, 0.0);
    } else {
      o.set(names.alpha, 1.0f);
      o.set(names.beta, 0.0f);
    }
    o.finalize();
    operations_.push_back(keep(std::move(o)).get());
  }

  void add_forward(const GraphDescriptor& x, const GraphDescriptor& w, const GraphDescriptor& y) {
    const auto type = CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR;
    if (problem_.epilogue == Epilogue::none) return add_convolution(type, kForwardNames, x, w, y);
    const auto& sums = between(kSums);
    add_convolution(type, kForwardNames, x, w, sums);
    const bool relu = problem_.epilogue == Epilogue::bias_relu;
    const auto& bias =
        keep(tensor(kBias, data_type(problem_.number), {1, problem_.y.c, 1, 1}, problem_.channels_last));
    const auto& biased = relu ? between(kBiased) : y;
    add_pointwise(CUDNN_POINTWISE_ADD, sums, &bias, biased);
    if (relu) add_pointwise(CUDNN_POINTWISE_RELU_FWD, biased, nullptr, y);
  }

  /// Numbers of y's sizes that are in registers alone, not rounded.
  const GraphDescriptor& between(int64_t name) {
    return keep(tensor(name, sum_type(problem_.number), problem_.y, problem_.channels_last, false));
  }

  void add_pointwise(cudnnPointwiseMode_t mode, const GraphDescriptor& x, const GraphDescriptor* b,
                     const GraphDescriptor& y) {
    GraphDescriptor f(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    f.set(CUDNN_ATTR_POINTWISE_MODE, mode);
    f.set(CUDNN_ATTR_POINTWISE_MATH_PREC, sum_type(problem_.number));
    // ReLU must keep NaN, or a broken network looks sound.
    if (mode == CUDNN_POINTWISE_RELU_FWD) f.set(CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, CUDNN_PROPAGATE_NAN);
    f.finalize();
    GraphDescriptor o(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    o.link(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, keep(std::move(f)));
    o.link(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x);
    if (b) o.link(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *b);
    o.link(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
    o.finalize();
    operations_.push_back(keep(std::move(o)).get());
  }

  const ConvolutionProblem& problem_;
  std::vector<std::unique_ptr<GraphDescriptor>> kept_;
  std::vector<cudnnBackendDescriptor_t> operations_;
  GraphDescriptor graph_;
};

bool has(const std::vector<cudnnBackendNumericalNote_t>& notes, cudnnBackendNumericalNote_t note) {
  return std::find(notes.begin(), notes.end(), note) != notes.end();
}

/// Whether an engine keeps the same bits from run to run, and to the digits that the settings ask for.
bool is_exact_enough(const std::vector<cudnnBackendNumericalNote_t>& notes, Number number,
                     const Settings& settings) {
  if (has(notes, CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC)) return false;
  // Sums in 16 bits, and inputs in fewer bits than they have.
  if (has(notes, CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION) ||
      has(notes, CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS))
    return false;
  // Tensor cores take f32 as TF32; f64 and 16 bits they take as they are.
  if (has(notes, CUDNN_NUMERICAL_NOTE_TENSOR_CORE) && number == Number::f32 && !settings.tf32) return false;
  const bool transform = has(notes, CUDNN_NUMERICAL_NOTE_FFT) || has(notes, CUDNN_NUMERICAL_NOTE_WINOGRAD) ||
                         has(notes, CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_4x4) ||
                         has(notes, CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_6x6) ||
                         has(notes, CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13);
  return !transform || settings.winograd;
}

/// Engines that compile their kernel when a plan is finalized take seconds for each size of an image; those
/// that want reordered filters are for 8-bit integers.
bool is_ready_made(const std::vector<cudnnBackendBehaviorNote_t>& notes) {
  return std::none_of(notes.begin(), notes.end(), [](cudnnBackendBehaviorNote_t note) {
    return note == CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION ||
           note == CUDNN_BEHAVIOR_NOTE_REQUIRES_FILTER_INT8x32_REORDER ||
           note == CUDNN_BEHAVIOR_NOTE_REQUIRES_BIAS_INT8x32_REORDER;
  });
}

class GraphPlan final : public ConvolutionPlan {
 public:
  GraphPlan(const ConvolutionProblem& problem, const PlanTarget& target, const Settings& settings)
      : problem_(problem), target_(target), settings_(settings) {
    trying("the graph", [&] { graph_ = std::make_unique<Graph>(problem_, target_); });
  }

  const ConvolutionChoice* choice(size_t i) override {
    while (finalized_.size() <= i && graph_) {
      if (next_ < configs_.size())
        finalize(configs_[next_++]);
      else if (asked_ < kHeuristics.size())
        trying("a heuristic", [&] { ask(kHeuristics[asked_++]); });
      else
        break;
    }
    return i < finalized_.size() ? &finalized_[i].choice : nullptr;
  }

  cudnnStatus_t run(size_t i, const ConvolutionOperands& operands, void* workspace) override {
    std::vector<int64_t> names{kX, kW, kY};
    std::vector<void*> addresses{operands.x, operands.w, operands.y};
    if (problem_.epilogue != Epilogue::none) {
      names.push_back(kBias);
      addresses.push_back(const_cast<void*>(operands.bias));
    }
    try {
      GraphDescriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
      pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, names);
      pack.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, addresses);
      pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, workspace);
      pack.finalize();
      return cudnnBackendExecute(target_.handle, finalized_[i].plan.get(), pack.get());
    } catch (const GraphRefusal&) {
      return CUDNN_STATUS_BAD_PARAM;
    }
  }

  const char* call() const override { return "cudnnBackendExecute"; }
  std::string refusal() const override {
    return left_out_.empty() && finalized_.empty() ? "no deterministic engine within the workspace"
                                                   : left_out_.text();
  }

 private:
  using Descriptors = std::vector<cudnnBackendDescriptor_t>;
  struct Config {
    int64_t engine;  ///< its global index
    GraphDescriptor descriptor;
  };
  struct Finalized {
    ConvolutionChoice choice;
    GraphDescriptor plan;
  };

  /// The second is slow, and needed only where the engines of the first are not allowed or refuse.
  static constexpr std::array kHeuristics = {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK};

  template <class Body>
  void trying(const std::string& what, Body body) {
    try {
      body();
    } catch (const GraphRefusal& refusal) {
      left_out_.add(what, refusal.reason);
    }
  }

  /// Appends the engines that one of the library's heuristics names, as far as their notes allow them.
  void ask(cudnnBackendHeurMode_t mode) {
    GraphDescriptor heuristic(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    heuristic.link(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph_->descriptor());
    heuristic.set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
    if (target_.device) heuristic.link(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, Descriptors{target_.device});
    heuristic.finalize();
    std::vector<GraphDescriptor> configs;
    Descriptors raw;
    for (int64_t i = 0; i < kMostConfigs; ++i) {
      configs.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
      raw.push_back(configs.back().get());
    }
    const int64_t count = heuristic.fill(CUDNN_ATTR_ENGINEHEUR_RESULTS, raw);
    // One whose engine cannot be asked must not cost the ones behind it.
    for (int64_t i = 0; i < count; ++i)
      trying("an engine's config", [&] { consider(std::move(configs[size_t(i)])); });
  }

  /// Keeps the config where its engine may be used and has none yet. The library names an engine many times,
  /// its best config first, and a config takes tens of kilobytes.
  void consider(GraphDescriptor config) {
    constexpr int64_t kMostNotes = 16;
    GraphDescriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    Descriptors raw{engine.get()};
    if (config.fill(CUDNN_ATTR_ENGINECFG_ENGINE, raw) < 1) throw GraphRefusal{"it names no engine"};
    const auto index = engine.value<int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX);
    const auto same = [&](const Config& c) { return c.engine == index; };
    if (std::any_of(configs_.begin(), configs_.end(), same) ||
        !is_exact_enough(
            engine.values<cudnnBackendNumericalNote_t>(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, kMostNotes),
            problem_.number, settings_) ||
        !is_ready_made(
            engine.values<cudnnBackendBehaviorNote_t>(CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, kMostNotes)))
      return;
    configs_.push_back({index, std::move(config)});
  }

  /// The config's plan, where the library makes it and the workspace fits.
  void finalize(const Config& config) {
    const std::string name = detail::concat("engine ", config.engine);
    trying(name, [&] {
      GraphDescriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
      if (target_.handle) plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, target_.handle);
      if (target_.device) plan.link(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, Descriptors{target_.device});
      plan.link(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config.descriptor);
      plan.finalize();
      const auto bytes = size_t(plan.value<int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE));
      if (bytes <= settings_.workspace_bytes)
        finalized_.push_back({{name, bytes}, std::move(plan)});
      else
        left_out_.add(name, detail::concat("a workspace of ", bytes, " bytes is above the limit"));
    });
  }

  const ConvolutionProblem problem_;
  const PlanTarget target_;
  const Settings settings_;
  Refusals left_out_;
  std::unique_ptr<Graph> graph_;
  std::vector<Config> configs_;  ///< what may be used, best first
  size_t next_ = 0;              ///< of configs_: the first whose plan was not tried yet
  size_t asked_ = 0;             ///< of kHeuristics: how many were
  std::vector<Finalized> finalized_;
};

}  // namespace

std::unique_ptr<ConvolutionPlan> graph_plan(const ConvolutionProblem& problem, const PlanTarget& target,
                                            const Settings& settings) {
  return std::make_unique<GraphPlan>(problem, target, settings);
}

}  // namespace CAWE_DEVICE
