// SPDX-License-Identifier: Apache-2.0
// Content loss over several pairs of feature maps with its gradient, and factors for many tensors in place.
#include <algorithm>
#include <cstring>
#include <type_traits>
#include <vector>

#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"

namespace cawe {
namespace {

constexpr int64_t kChunk = 16384;  // numbers of one item that a task takes

/// A pair of maps whose numbers lie in the same order, item after item.
template <class T>
struct Pair {
  const T *a, *b;
  T* da;  ///< null: no gradient
  double weight;
  T slope;
  int64_t size;  ///< of an item
};

// Four numbers at a time, as an explicit vector type: the compiler does not vectorise a sum of doubles beside
// a store.
using Float4 = float __attribute__((vector_size(16)));
using Double4 = double __attribute__((vector_size(32)));

/// sum |a - b| over [begin, end), in eight interleaved sums in double; writes the gradient in the same pass.
template <class T>
double absolute_difference(const Pair<T>& m, int64_t begin, int64_t end) {
  using V = std::conditional_t<std::is_same_v<T, double>, Double4, Float4>;
  const V zero{}, up = zero + m.slope, down = zero - m.slope;
  Double4 sums[2] = {};
  const int64_t whole = begin + (end - begin) / 8 * 8;
  for (int64_t i = begin; i < whole; i += 8)
    for (int half = 0; half < 2; ++half) {
      V a, b;
      std::memcpy(&a, m.a + i + 4 * half, sizeof a);
      std::memcpy(&b, m.b + i + 4 * half, sizeof b);
      const V d = a - b, size = d < zero ? -d : d;
      sums[half] += __builtin_convertvector(size, Double4);
      const V grad = d > zero ? up : d < zero ? down : zero;
      if (m.da != nullptr) std::memcpy(m.da + i + 4 * half, &grad, sizeof grad);
    }
  const Double4 both = sums[0] + sums[1];
  double sum = (both[0] + both[1]) + (both[2] + both[3]);
  for (int64_t i = whole; i < end; ++i) {
    const T d = m.a[i] - m.b[i];
    sum += double(d < T(0) ? -d : d);
    if (m.da != nullptr) m.da[i] = d > T(0) ? m.slope : d < T(0) ? -m.slope : T(0);
  }
  return sum;
}

/// A part of an item of one map.
struct Part {
  size_t map;
  int64_t begin, end;
};

/// All parts of all maps of item n, in order.
template <class T>
std::vector<Part> parts_of(const std::vector<Pair<T>>& maps, int64_t n) {
  std::vector<Part> parts;
  for (size_t m = 0; m < maps.size(); ++m)
    for (int64_t at = 0; at < maps[m].size; at += kChunk)
      parts.push_back({m, n * maps[m].size + at, n * maps[m].size + std::min(maps[m].size, at + kChunk)});
  return parts;
}

/// The loss of every item. Parts are shared out to threads and added in order.
template <class T>
std::vector<double> item_losses(const std::vector<Pair<T>>& maps, int64_t items) {
  std::vector<Part> parts;
  std::vector<size_t> first;
  for (int64_t n = 0; n < items; ++n) {
    first.push_back(parts.size());
    const std::vector<Part> more = parts_of(maps, n);
    parts.insert(parts.end(), more.begin(), more.end());
  }
  first.push_back(parts.size());
  std::vector<double> sums(parts.size());
  parallel_tasks(int64_t(parts.size()), [&](int64_t i) {
    const Part& p = parts[size_t(i)];
    sums[size_t(i)] = maps[p.map].weight * absolute_difference(maps[p.map], p.begin, p.end);
  });
  std::vector<double> losses(size_t(items), 0.0);
  for (size_t n = 0; n < losses.size(); ++n)
    for (size_t i = first[n]; i < first[n + 1]; ++i) losses[n] += sums[i];
  return losses;
}

bool same_order(const Tensor& a, const Tensor& b) {
  return (a.is_contiguous() && b.is_contiguous()) || (a.is_channels_last() && b.is_channels_last());
}

}  // namespace

void ReferenceBackend::content_loss(const std::vector<Tensor>& a, const std::vector<Tensor>& b,
                                    const std::vector<double>& weights, const std::vector<double>& slopes,
                                    Tensor& loss, const std::vector<Tensor>& da) {
  dispatch_floating("content_loss", a[0].dtype(), [&](auto zero) {
    using T = decltype(zero);
    const int64_t items = a[0].dim(0);
    std::vector<Pair<T>> maps;
    std::vector<Tensor> keep, grads = da;
    for (size_t m = 0; m < a.size(); ++m) {
      const bool is_plain = same_order(a[m], b[m]) && (da.empty() || same_order(a[m], da[m]));
      const Tensor p = is_plain ? a[m] : a[m].contiguous(), q = is_plain ? b[m] : b[m].contiguous();
      keep.insert(keep.end(), {p, q});
      if (!da.empty() && !is_plain) grads[m] = Tensor::empty(p.shape(), p.dtype());
      maps.push_back({p.data<T>(), q.data<T>(), da.empty() ? nullptr : grads[m].data<T>(), weights[m],
                      da.empty() ? T(0) : T(slopes[m]), items == 0 ? 0 : p.numel() / items});
    }
    const std::vector<double> losses = item_losses(maps, items);
    double sum = 0;
    if (items > 0)
      lane_sum<double>(lane_plan(items), 1, &sum, [&](int64_t, int64_t begin, int64_t end, double* partial) {
        *partial = 0;
        for (int64_t n = begin; n < end; ++n) *partial += losses[size_t(n)];
      });
    *loss.data<double>() = sum;
    for (size_t m = 0; m < da.size(); ++m)
      if (grads[m].raw() != da[m].raw()) Tensor(da[m]).copy_from(grads[m]);
  });
}

void ReferenceBackend::scale_each(const std::vector<double>& factors, const Tensor& scale,
                                  const std::vector<Tensor>& x) {
  for (size_t m = 0; m < x.size(); ++m) {
    const double factor = factors[m] * scale.item();
    if (factor == 1) continue;
    CAWE_CHECK(x[m].is_dense(), Code::internal, "scale_each: tensor ", m, " has gaps");
    dispatch_floating("scale_each", x[m].dtype(), [&](auto zero) {
      using T = decltype(zero);
      T* p = x[m].data<T>();
      parallel_for(x[m].numel(), kChunk, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) p[i] *= T(factor);
      });
    });
  }
}

}  // namespace cawe
