// SPDX-License-Identifier: Apache-2.0
// Reductions: a sum over any dimensions of a dense tensor as a chain of sums over rows and over columns.
#include "cuda/kernels/reductions.h"

#include <algorithm>

#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/packing.h"
#include "cuda/backend/reductions.h"
#include "cuda/backend/views.h"
#include "cuda/kernels/memory.h"

namespace CAWE_DEVICE {
namespace {

/// The type of partial sums between launches.
DType sum_type(Number number) { return number == Number::f64 ? DType::f64 : DType::f32; }
Number sum_number(Number number) { return number == Number::f64 ? Number::f64 : Number::f32; }

Tensor on_device(const CudaBackend& backend, int64_t n, DType dtype) {
  return Tensor::empty({n}, dtype, Layout::contiguous, backend.device());
}

/// One dimension of x, or several adjacent ones that are all summed or all kept.
struct Run {
  int64_t size;
  bool summed;
};

/// The runs of a dense x in memory order, slowest first, and where the kept dimensions go in y.
struct SumPlan {
  std::vector<Run> runs;
  /// Kept dimensions, slowest first: their strides in the array of sums, and in y.
  StridedView kept{}, target{};
};

SumPlan plan_of(const Tensor& x, const Tensor& y) {
  const StridedView to = view_of(y, x.shape());  // a stride of 0, where y repeats, marks a summed dimension
  const int lead = x.rank() - y.rank();
  std::vector<int> order;
  for (int d = 0; d < x.rank(); ++d)
    if (x.dim(d) != 1) order.push_back(d);
  std::sort(order.begin(), order.end(), [&](int a, int b) { return x.stride(a) > x.stride(b); });
  SumPlan plan;
  for (const int d : order) {
    const bool summed = d < lead || y.dim(d - lead) == 1;
    if (!plan.runs.empty() && plan.runs.back().summed == summed)
      plan.runs.back().size *= x.dim(d);
    else
      plan.runs.push_back({x.dim(d), summed});
    if (summed) continue;
    plan.kept.size[plan.kept.rank++] = x.dim(d);
    plan.target.size[plan.target.rank] = x.dim(d);
    plan.target.stride[plan.target.rank++] = to.stride[d];
  }
  int64_t step = 1;
  for (int d = plan.kept.rank - 1; d >= 0; --d) {
    plan.kept.stride[d] = step;
    step *= plan.kept.size[d];
  }
  return plan;
}

bool same_strides(const StridedView& a, const StridedView& b) {
  return std::equal(a.stride, a.stride + a.rank, b.stride);
}

int64_t product(const std::vector<Run>& runs, size_t begin, size_t end) {
  int64_t n = 1;
  for (size_t i = begin; i < end; ++i) n *= runs[i].size;
  return n;
}

/// Removes a summed run; its two neighbours, which are kept, become one run.
void remove(std::vector<Run>& runs, size_t at) {
  runs.erase(runs.begin() + std::ptrdiff_t(at));
  if (at == 0 || at == runs.size()) return;
  runs[at - 1].size *= runs[at].size;
  runs.erase(runs.begin() + std::ptrdiff_t(at));
}

/// True where the items x[i] are dense and follow each other in memory.
bool items_follow(const Tensor& x) {
  return x.is_dense() && (x.dim(0) <= 1 || x.stride(0) == x.numel() / x.dim(0));
}

}  // namespace

void sum_middle(const CudaBackend& backend, Numbers x, int64_t outer, int64_t size, int64_t inner, Number out,
                void* y, double divisor) {
  const auto launch = [&](Number to, void* result, double over) {
    if (inner == 1)
      sum_rows(x.number, to, x.data, result, outer, size, over, backend.stream());
    else
      sum_columns(x.number, to, x.data, result, outer, size, inner, over, backend.stream());
  };
  for (;;) {
    const int64_t pieces = inner == 1 ? row_pieces(size) : column_pieces(size, inner);
    if (pieces == 1) return launch(out, y, divisor);
    const Tensor partial = on_device(backend, outer * pieces * inner, sum_type(x.number));
    launch(sum_number(x.number), partial.raw(), 1);
    x = {sum_number(x.number), partial.raw(), partial};
    size = pieces;
  }
}

void CudaBackend::sum_to(const Tensor& x, Tensor& y) {
  const Number number = common_number("sum_to", x, y);
  if (x.numel() == 0 || y.numel() == 0) return fill(y, 0);
  const Tensor in = x.is_dense() ? x : x.contiguous();
  SumPlan plan = plan_of(in, y);
  const auto last_summed = [&] {
    size_t at = plan.runs.size();
    while (at > 0 && !plan.runs[at - 1].summed) --at;
    return at;  // one more than its index; 0: there is none
  };
  Numbers sums{number, in.raw(), in};
  const bool in_place = same_strides(plan.kept, plan.target);
  while (const size_t at = last_summed()) {
    const int64_t outer = product(plan.runs, 0, at - 1), size = plan.runs[at - 1].size,
                  inner = product(plan.runs, at, plan.runs.size());
    remove(plan.runs, at - 1);
    const bool last = last_summed() == 0;
    const Number out = last ? number : sum_number(number);
    const Tensor result =
        last && in_place ? y : on_device(*this, outer * inner, last ? y.dtype() : sum_type(number));
    sum_middle(*this, sums, outer, size, inner, out, result.raw(), 1);
    sums = {out, result.raw(), result};
  }
  if (sums.data == y.raw()) return;
  const bool nothing_summed = sums.data == in.raw();
  CAWE_DEVICE::copy(int(size_of(y.dtype())), sums.data, nothing_summed ? view_of(in) : plan.kept, y.raw(),
                    nothing_summed ? view_of(y, in.shape()) : plan.target, stream());
}

void CudaBackend::argmax_rows(const Tensor& x, Tensor& y) {
  const Tensor in = x.contiguous();
  Tensor out = packed_output(y, Layout::contiguous);
  CAWE_DEVICE::argmax_rows(number_of("argmax_rows", x), in.raw(), in.dim(0), in.dim(1), out.data<int64_t>(),
                           stream());
  if (out.raw() != y.raw()) y.copy_from(out);
}

void CudaBackend::min_max(const Tensor& x, Tensor& low, Tensor& high) {
  const Number number = common_number("min_max", x, low, high);
  const int64_t items = x.dim(0);
  if (items == 0) return;
  const int64_t length = x.numel() / items;
  CAWE_CHECK(length > 0, Code::shape, "min_max: x ", x.shape(),
             " has items without elements (expected at least one)");
  check_countable("min_max", x.shape(), length);
  const Tensor in = items_follow(x) ? x : x.contiguous();
  const Tensor item = in.slice(0, 0, 1);
  Tensor least = packed_output(low, Layout::contiguous), most = packed_output(high, Layout::contiguous);
  const Tensor scratch = on_device(*this, min_max_scratch(number, items, length), DType::u8);
  CAWE_DEVICE::min_max(number, in.raw(), view_of(item), items, least.raw(), most.raw(), scratch.raw(),
                       stream());
  if (least.raw() != low.raw()) low.copy_from(least);
  if (most.raw() != high.raw()) high.copy_from(most);
}

}  // namespace CAWE_DEVICE
