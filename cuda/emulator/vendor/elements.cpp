// SPDX-License-Identifier: Apache-2.0
// Loops over strided elements: dimensions sorted by stride and merged where they lie one behind the other.
#include "cuda/emulator/vendor/elements.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <numeric>
#include <vector>

#include "cuda/emulator/simt/emulator.h"
#include "cuda/emulator/vendor/memory.h"
#include "tensor/parallel.h"

namespace cawe::emulated {
namespace {

/// A walk over the same elements in several memories at once; the last dimension is the row.
struct Walk {
  std::vector<int64_t> size;
  std::vector<std::vector<int64_t>> stride;  ///< of each memory
};

bool mergeable(const Walk& w, size_t outer, size_t inner) {
  return std::all_of(w.stride.begin(), w.stride.end(),
                     [&](const std::vector<int64_t>& s) { return s[outer] == s[inner] * w.size[inner]; });
}

/// The first memory decides about the order.
Walk make_walk(const Sizes& size, const std::vector<Sizes>& strides) {
  std::array<size_t, 4> order{0, 1, 2, 3};
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return strides[0][a] > strides[0][b]; });
  Walk w;
  w.stride.resize(strides.size());
  for (size_t d : order) {
    if (size[d] == 1) continue;
    w.size.push_back(size[d]);
    for (size_t m = 0; m < strides.size(); ++m) w.stride[m].push_back(strides[m][d]);
    const size_t last = w.size.size() - 1;
    if (last == 0 || !mergeable(w, last - 1, last)) continue;
    w.size[last - 1] *= w.size[last];
    w.size.pop_back();
    for (auto& s : w.stride) {
      s[last - 1] = s[last];
      s.pop_back();
    }
  }
  if (w.size.empty()) {
    w.size.push_back(1);
    for (auto& s : w.stride) s.push_back(1);
  }
  return w;
}

/// row(offsets, steps, n) for each row, long ones in pieces; all are independent and run in parallel.
template <class Row>
void for_rows(const Walk& w, const Row& row) {
  constexpr int64_t kPiece = 1 << 16, kElementsPerTask = 1 << 14;
  const size_t last = w.size.size() - 1, memories = w.stride.size();
  const int64_t n = w.size[last], pieces = (n + kPiece - 1) / kPiece;
  const int64_t rows =
      std::accumulate(w.size.begin(), w.size.end() - 1, int64_t{1}, std::multiplies<int64_t>());
  if (n == 0 || rows == 0) return;
  std::array<int64_t, 4> steps{};
  for (size_t m = 0; m < memories; ++m) steps[m] = w.stride[m][last];
  parallel_for(rows * pieces, std::max<int64_t>(1, kElementsPerTask / n), [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t first = task % pieces * kPiece;
      std::array<int64_t, 4> offsets{};
      for (size_t m = 0; m < memories; ++m) offsets[m] = first * steps[m];
      int64_t rest = task / pieces;
      for (size_t d = last; d-- > 0; rest /= w.size[d])
        for (size_t m = 0; m < memories; ++m) offsets[m] += rest % w.size[d] * w.stride[m][d];
      row(offsets, steps, std::min(kPiece, n - first));
    }
  });
}

float load(const float* p) { return *p; }
double load(const double* p) { return *p; }
float load(const Half* p) { return to_float(*p); }
float load(const BFloat16* p) { return to_float(*p); }
void store(float x, float* p) { *p = x; }
void store(double x, double* p) { *p = x; }
void store(float x, Half* p) { *p = to_half(x); }
void store(float x, BFloat16* p) { *p = to_bfloat16(x); }

/// fn(element, work) with values of the two types.
template <class Fn>
void dispatch_elements(DType dtype, Fn fn) {
  if (dtype == DType::f32) return fn(float{}, float{});
  if (dtype == DType::f64) return fn(double{}, double{});
  if (dtype == DType::f16) return fn(Half{}, float{});
  if (dtype == DType::bf16) return fn(BFloat16{}, float{});
  fail(Code::internal, "emulated library: elements of ", name(dtype));
}

/// Nearest number with 10 bits of mantissa, ties away from zero; NaN and infinity stay.
float to_tf32(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  if ((bits & 0x7f800000u) != 0x7f800000u) bits = (bits + 0x1000u) & 0xffffe000u;
  std::memcpy(&x, &bits, sizeof bits);
  return x;
}

/// fn(address, bytes) for each run of bytes without gaps.
template <class Fn>
void for_runs(const Strided& x, Fn fn) {
  const size_t element = size_of(x.dtype);
  for_rows(make_walk(x.size, {x.stride}), [&](const auto& offsets, const auto& steps, int64_t n) {
    char* p = x.p + size_t(offsets[0]) * element;
    if (steps[0] == 1) return fn(p, size_t(n) * element);
    for (int64_t i = 0; i < n; ++i) fn(p + size_t(i * steps[0]) * element, element);
  });
}

/// One complaint for all of x; runs are looked at in parallel.
void note_unwritten(const char* what, const Strided& x) {
  constexpr size_t kNone = ~size_t{0};
  std::atomic<size_t> first{kNone};
  for_runs(x, [&](const char* p, size_t bytes) {
    const void* hole = first_unwritten(p, bytes);
    const size_t byte = hole ? size_t(static_cast<const char*>(hole) - x.p) : kNone;
    size_t seen = first;
    while (byte < seen && !first.compare_exchange_weak(seen, byte)) {
    }
  });
  if (first != kNone) complain_unwritten(what, first, x.bytes());
}

Sizes dense_strides(const Shape& shape, Layout layout) {
  const Shape s = strides_of(shape, layout);
  return {s[0], s[1], s[2], s[3]};
}

template <class Work>
Work activate(Work x, Activation how) {
  if (how == Activation::relu) return x < Work(0) ? Work(0) : x;
  if (how == Activation::relu_without_nan) return x > Work(0) ? x : Work(0);
  return x;
}

}  // namespace

size_t Strided::bytes() const {
  if (count() == 0) return 0;
  int64_t last = 0;
  for (size_t d = 0; d < 4; ++d) last += (size[d] - 1) * stride[d];
  return size_t(last + 1) * size_of(dtype);
}

bool check_elements(const char* what, const Strided& x) {
  if (!check_device_range(what, x.p, x.bytes())) return false;
  if (reinterpret_cast<uintptr_t>(x.p) % size_of(x.dtype) == 0) return true;
  complain(detail::concat(what, " is not aligned to its elements of ", size_of(x.dtype), " bytes"));
  return false;
}

void gather(const char* what, const Strided& from, bool tf32, const Tensor& to, const Sizes& to_stride) {
  note_unwritten(what, from);
  dispatch_elements(from.dtype, [&](auto element, auto work) {
    using Element = decltype(element);
    using Work = decltype(work);
    const auto* source = reinterpret_cast<const Element*>(from.p);
    Work* target = to.data<Work>();
    for_rows(make_walk(from.size, {from.stride, to_stride}),
             [&](const auto& offset, const auto& step, int64_t n) {
               const Element* s = source + offset[0];
               Work* t = target + offset[1];
               for (int64_t i = 0; i < n; ++i) t[i * step[1]] = load(s + i * step[0]);
               if (tf32 && from.dtype == DType::f32)
                 for (int64_t i = 0; i < n; ++i) t[i * step[1]] = Work(to_tf32(float(t[i * step[1]])));
             });
  });
}

Tensor gather(const char* what, const Strided& from, bool tf32, Layout layout) {
  const Shape shape{from.size[0], from.size[1], from.size[2], from.size[3]};
  Tensor to = Tensor::empty(shape, work_type(from.dtype), layout);
  gather(what, from, tf32, to, dense_strides(shape, layout));
  return to;
}

void scatter(const Tensor& result, const Sizes& result_stride, const Epilogue& e, const Strided& to) {
  dispatch_elements(to.dtype, [&](auto element, auto work) {
    using Element = decltype(element);
    using Work = decltype(work);
    const Sizes none{}, along_rows{0, 1, 0, 0};
    const Work alpha = Work(e.alpha), beta = Work(e.beta), zero = 0;
    auto* target = reinterpret_cast<Element*>(to.p);
    const Work *source = result.data<Work>(), *bias = e.bias.defined() ? e.bias.data<Work>() : &zero;
    const auto* old = reinterpret_cast<const Element*>(beta != Work(0) ? e.old.p : nullptr);
    const Walk walk = make_walk(
        to.size, {to.stride, result_stride, old ? e.old.stride : none, e.bias.defined() ? along_rows : none});
    for_rows(walk, [&](const auto& offset, const auto& step, int64_t n) {
      for (int64_t i = 0; i < n; ++i) {
        Work x = alpha * source[offset[1] + i * step[1]];
        if (old) x += beta * load(old + offset[2] + i * step[2]);
        x += bias[offset[3] + i * step[3]];
        store(activate(x, e.activation), target + offset[0] + i * step[0]);
      }
    });
  });
  for_runs(to, [](char* p, size_t bytes) { simt::mark_written(p, bytes); });
}

void overwrite(const Strided& x) {
  for_runs(x, [](char* p, size_t bytes) {
    std::memset(p, 0xFF, bytes);
    simt::mark_written(p, bytes);
  });
}

Tensor& reused_weight(const Shape& shape, DType dtype) {
  constexpr size_t kMost = 256;
  using Key = std::pair<DType, std::vector<int64_t>>;
  static auto& kept = *new std::map<Key, Tensor>;
  if (kept.size() >= kMost) kept.clear();
  Tensor& weight = kept[Key(dtype, std::vector<int64_t>(shape.begin(), shape.end()))];
  if (!weight.defined()) weight = Tensor::empty(shape, dtype);
  weight.storage().touch();
  return weight;
}

}  // namespace cawe::emulated
