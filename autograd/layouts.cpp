// SPDX-License-Identifier: Apache-2.0
#include "autograd/layouts.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace cawe {
namespace {

// The scope of this thread.
thread_local bool active = false, values_only = false;
thread_local Placement current = Placement::contiguous;

bool is_expanded(Placement p) { return p == Placement::expanded || p == Placement::expanded_last; }

/// x in the middle of a tensor that is longer by three along `dim`. (A vector has no gaps then, only another
/// start; no view of this library gives it any.)
Tensor middle_of_longer(const Tensor& x, int dim, Layout layout) {
  Shape wide = x.shape();
  wide[dim] += 3;
  Tensor whole = Tensor::empty(wide, x.dtype(), layout, x.device());
  whole.fill(is_floating(x.dtype()) ? NAN : 0);
  Tensor middle = whole.slice(dim, 2, 2 + x.dim(dim));
  middle.copy_from(x);
  return middle;
}

Tensor reversed_in_memory(const Tensor& x) {
  Shape backwards;
  std::vector<int> axes;
  for (int d = x.rank() - 1; d >= 0; --d) {
    backwards.push_back(x.dim(d));
    axes.push_back(d);
  }
  Tensor y = Tensor::empty(backwards, x.dtype(), Layout::contiguous, x.device()).permute(axes);
  y.copy_from(x);
  return y;
}

/// The first number along `dim`, repeated.
Tensor repeated(const Tensor& x, int dim) {
  return x.slice(dim, 0, 1).contiguous().clone().expand(x.shape());
}

/// A contiguous copy of the values that x has in this placement.
Tensor values_in(const Tensor& x, Placement p) { return (is_expanded(p) ? placed(x, p) : x).contiguous(); }

}  // namespace

const char* name(Placement placement) {
  switch (placement) {
    case Placement::contiguous:
      return "contiguous";
    case Placement::channels_last:
      return "channels-last";
    case Placement::sliced:
      return "sliced";
    case Placement::sliced_channels:
      return "channel-sliced";
    case Placement::expanded:
      return "expanded";
    case Placement::expanded_last:
      return "last-expanded";
    case Placement::transposed:
      return "transposed";
  }
  return "?";
}

bool applies(Placement placement, const Shape& shape) {
  const int rank = shape.rank();
  if (rank == 0 || shape.numel() == 0) return false;
  switch (placement) {
    case Placement::contiguous:
    case Placement::sliced:
      return true;
    case Placement::channels_last:
    case Placement::sliced_channels:
      return rank == 4;
    case Placement::expanded:
      return shape[0] > 1;
    case Placement::expanded_last:
      return rank > 1 && shape[rank - 1] > 1;
    case Placement::transposed:
      return rank > 1;
  }
  return false;
}

Tensor placed(const Tensor& x, Placement placement) {
  if (!applies(placement, x.shape())) return x;
  switch (placement) {
    case Placement::contiguous:
      return x.contiguous();
    case Placement::channels_last:
      return x.channels_last();
    case Placement::sliced:
      return middle_of_longer(x, x.rank() - 1, Layout::contiguous);
    case Placement::sliced_channels:
      return middle_of_longer(x, 1, Layout::channels_last);
    case Placement::expanded:
      return repeated(x, 0);
    case Placement::expanded_last:
      return repeated(x, x.rank() - 1);
    case Placement::transposed:
      return reversed_in_memory(x);
  }
  return x;
}

PlacementScope::PlacementScope(Placement placement, bool only_values)
    : active_before_(active), values_only_before_(values_only), before_(current) {
  active = true;
  values_only = only_values;
  current = placement;
}

PlacementScope::~PlacementScope() {
  active = active_before_;
  values_only = values_only_before_;
  current = before_;
}

Tensor in_scope(const Tensor& x, Use use) {
  if (!active) return x;
  const bool gaps = current == Placement::sliced || current == Placement::sliced_channels;
  const bool forbidden = use != Use::input && (is_expanded(current) || (use == Use::dense_output && gaps));
  if (forbidden) return x.contiguous();
  return values_only ? values_in(x, current) : placed(x, current);
}

void LayoutReport::add(const LayoutReport& more) {
  runs += more.runs;
  for (const std::string& fault : more.faults)
    if (std::find(faults.begin(), faults.end(), fault) == faults.end()) faults.push_back(fault);
}

std::string layout_faults_text(const std::vector<std::string>& faults) {
  constexpr size_t kShown = 3;
  std::string text;
  for (size_t i = 0; i < std::min(faults.size(), kShown); ++i) text += (i > 0 ? ", " : ": ") + faults[i];
  if (faults.size() > kShown) text += " and " + std::to_string(faults.size() - kShown) + " more";
  return text;
}

double layout_bar(DType dtype) { return dtype == DType::f64 ? 1e-13 : 5e-6; }

namespace {

/// Which tensors of a case lie otherwise; the others are contiguous.
struct Target {
  std::string name;
  int input;  ///< its number, kOutputGradient, or kEveryInput: all of them, and the case's constants
};
constexpr int kEveryInput = -2;

bool moves(const Target& target, int input) {
  return target.input == input || (target.input == kEveryInput && input != kOutputGradient);
}

CaseResult run_placed(const OperatorCase& c, DType dtype, Device device, const Target& target, Placement p,
                      bool only_values) {
  const Arrange arrange = [&](const Tensor& t, int input) {
    if (!moves(target, input)) return t.contiguous();
    return only_values ? values_in(t, p) : placed(t, p);
  };
  if (target.input != kEveryInput) {
    const PlacementScope constants(Placement::contiguous);
    return run_case(c, dtype, device, DType::f32, arrange);
  }
  const PlacementScope constants(p, only_values);
  return run_case(c, dtype, device, DType::f32, arrange);
}

bool agrees(const CaseResult& a, const CaseResult& b, double cancelling, DType dtype) {
  bool same = relative_difference(a.y, b.y) <= layout_bar(dtype) && a.gradients.size() == b.gradients.size();
  for (size_t i = 0; same && i < b.gradients.size(); ++i)
    same = relative_difference(a.gradients[i], b.gradients[i], cancelling) <= layout_bar(dtype);
  return same;
}

/// All inputs at once, dy, and each input alone: an operator may be right only where all of them lie alike.
std::vector<Target> targets_of(const OperatorCase& c) {
  std::vector<Target> targets{{c.inputs.size() == 1 ? "x" : "inputs", kEveryInput}, {"dy", kOutputGradient}};
  if (c.inputs.size() > 1)
    for (size_t i = 0; i < c.inputs.size(); ++i) targets.push_back({"input " + std::to_string(i), int(i)});
  return targets;
}

bool applies_to(const Target& target, const OperatorCase& c, const Tensor& y, Placement p) {
  if (target.input == kOutputGradient) return applies(p, y.shape());
  if (target.input >= 0) return applies(p, c.inputs[size_t(target.input)].shape);
  return true;  // to a constant, if to no input
}

}  // namespace

LayoutReport check_layouts(const OperatorCase& c, DType dtype, Device device) {
  LayoutReport report;
  const CaseResult plain =
      run_placed(c, dtype, device, {"", kEveryInput}, Placement::contiguous, /*only_values=*/true);
  for (const Target& target : targets_of(c))
    for (const Placement p : kPlacements) {
      if (p == Placement::contiguous || !applies_to(target, c, plain.y, p)) continue;
      bool same = false;
      try {
        const CaseResult expected = is_expanded(p) ? run_placed(c, dtype, device, target, p, true) : plain;
        same = agrees(run_placed(c, dtype, device, target, p, false), expected, c.cancelling, dtype);
      } catch (const Error&) {
      }
      ++report.runs;
      if (!same) report.add({0, {std::string(name(p)) + " " + target.name}});
    }
  return report;
}

LayoutReport check_layouts(const PrimitiveRow& row, PrimitiveBackend& backend) {
  LayoutReport report;
  const auto run = [&](int64_t variant, Placement p, bool only_values) {
    const PlacementScope scope(p, only_values);
    return row.run(backend, variant);
  };
  for (int64_t v = 0; v < row.variants; ++v)
    for (const Placement p : kPlacements) {
      if (p == Placement::contiguous) continue;
      bool same = false;
      try {
        const std::vector<Tensor> ours = run(v, p, false), expected = run(v, p, true);
        same = ours.size() == expected.size();
        for (size_t i = 0; same && i < ours.size(); ++i)
          same = row.decides ? same_bytes(ours[i], expected[i])
                             : relative_difference(ours[i], expected[i]) <= layout_bar(DType::f32);
      } catch (const Error&) {
      }
      ++report.runs;
      if (!same) report.add({0, {name(p)}});
    }
  return report;
}

}  // namespace cawe
