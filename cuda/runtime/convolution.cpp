// SPDX-License-Identifier: Apache-2.0
#include "cuda/runtime/convolution.h"

#include <optional>

#include "tensor/shape.h"

namespace CAWE_DEVICE {
namespace {

/// Networks have few shapes, but images of many sizes bring many; plans are cheap to make again.
constexpr size_t kMostPlans = 2048;

enum class Interface : uint8_t { graph, legacy };

/// What the library is asked for, for errors.
struct Asked {
  const ConvolutionProblem& problem;
  const std::string* choice = nullptr;  ///< while one is tried
};

/// E.g. "x [2, 3, 7, 6], w [4, 3, 3, 3], y [2, 4, 7, 6], bf16, channels-last, with a bias, by engine 45".
std::string describe_asked(const void* of) {
  const Asked& asked = *static_cast<const Asked*>(of);
  const ConvolutionProblem& p = asked.problem;
  const auto sizes = [](const Dims4& d) { return Shape{d.n, d.c, d.h, d.w}; };
  constexpr const char* kEpilogues[] = {"", ", with a bias", ", with a bias and a ReLU"};
  return detail::concat("x ", sizes(p.x), ", w ", sizes(p.w), ", y ", sizes(p.y), ", ", name_of(p.number),
                        p.channels_last ? ", channels-last" : ", NCHW", kEpilogues[size_t(p.epilogue)],
                        asked.choice ? ", by " + *asked.choice : "");
}

}  // namespace

/// The choices of both interfaces for one problem, in a row.
struct Convolutions::Plan {
  /// Where a choice is.
  struct Place {
    Interface interface;
    size_t index;
  };

  Plan(const ConvolutionProblem& p, cudnnHandle_t h, const Settings& s)
      : problem(p), handle(h), settings(s), current{Interface::legacy, 0} {
    if (s.cudnn == CudnnInterface::legacy) return;
    graph = graph_plan(p, {handle, nullptr}, s);
    current.interface = Interface::graph;
  }

  /// The plan that `current` is in; the legacy one is made when it is needed.
  ConvolutionPlan& way() {
    if (current.interface == Interface::graph) return *graph;
    if (!legacy) legacy = legacy_plan(problem, handle, settings);
    return *legacy;
  }

  /// The choice at `current`, or the first behind it; nullptr where none is left.
  const ConvolutionChoice* choice() {
    const ConvolutionChoice* found = way().choice(current.index);
    if (found) return found;
    if (current.interface == Interface::graph) {
      current = {Interface::legacy, 0};
      return choice();
    }
    return nullptr;
  }

  /// Why none is left: what each said when it was to run, and what was left out before.
  std::string refusal() const {
    std::string text = refusals.text();
    const auto add = [&](const std::string& interface, const std::string& reason) {
      if (!reason.empty()) text += (text.empty() ? "" : "; ") + interface + reason;
    };
    if (legacy) add("", legacy->refusal());
    if (graph) add("graph interface: ", graph->refusal());
    return text;
  }

  const ConvolutionProblem problem;
  const cudnnHandle_t handle;
  const Settings settings;
  std::unique_ptr<ConvolutionPlan> graph, legacy;
  Place current;  ///< in use; earlier ones failed for this problem
  std::optional<Interface> computed_by;
  Refusals refusals;  ///< of choices that were to run
  Refusal refused;    ///< where none is left
};

Convolutions::Convolutions(Libraries& libraries, DeviceAllocator& allocator, const Settings& settings)
    : libraries_(libraries), allocator_(allocator), settings_(settings) {}
Convolutions::~Convolutions() = default;

Convolutions::Key Convolutions::key_of(const ConvolutionProblem& p) {
  return {p.pass,
          p.epilogue,
          p.number,
          p.channels_last,
          {p.x.n, p.x.c, p.x.h, p.x.w, p.w.n, p.w.c, p.w.h, p.w.w, p.y.n, p.y.c, p.y.h, p.y.w,
           p.params.stride, p.params.padding, p.params.dilation, p.params.groups}};
}

Convolutions::Plan& Convolutions::plan_of(const ConvolutionProblem& problem) {
  const Key key = key_of(problem);
  const auto known = plans_.find(key);
  if (known != plans_.end()) {
    ++statistics_.found;
    return *known->second;
  }
  if (plans_.size() >= kMostPlans) plans_.clear();
  auto plan = std::make_unique<Plan>(problem, libraries_.cudnn(), settings_);
  ++statistics_.made;
  return *(plans_[key] = std::move(plan));
}

void Convolutions::count_success(Plan& plan) {
  const Interface now = plan.current.interface;
  if (plan.computed_by == now) return;
  if (plan.computed_by) --statistics_.by_graph;  // its engines refuse from now on
  ++(now == Interface::graph ? statistics_.by_graph : statistics_.by_legacy);
  plan.computed_by = now;
}

bool Convolutions::run(const ConvolutionProblem& problem, const ConvolutionOperands& operands,
                       Refusal& refusal) {
  const std::lock_guard<std::mutex> hold(mutex_);
  Asked asked{problem};
  const OperatorScope scope(current_operator(), &asked, &describe_asked);
  Plan& plan = plan_of(problem);
  while (const ConvolutionChoice* choice = plan.choice()) {
    asked.choice = &choice->name;
    const Scratch workspace(allocator_, choice->workspace);
    // Another choice has other bits, so memory that is short now must not decide.
    if (!workspace.good()) allocator_.fail_without_workspace(choice->workspace, "cuDNN's " + choice->name);
    const cudnnStatus_t status = plan.way().run(plan.current.index, operands, workspace.data());
    if (status == CUDNN_STATUS_SUCCESS) {
      count_success(plan);
      return true;
    }
    if (!is_refusal(status)) fail_cudnn(plan.way().call(), status);
    plan.refusals.add(choice->name, describe(status));
    asked.choice = nullptr;
    ++plan.current.index;
  }
  if (!plan.refused) plan.refused = std::make_shared<const std::string>(plan.refusal());
  refusal = plan.refused;
  return false;
}

ConvolutionStatistics Convolutions::statistics() const {
  const std::lock_guard<std::mutex> hold(mutex_);
  return statistics_;
}

}  // namespace CAWE_DEVICE
