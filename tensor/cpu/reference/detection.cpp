// SPDX-License-Identifier: Apache-2.0
// Detection: plain loops. What decides (overlaps, order) is computed in the given dtype by one fixed
// expression, with denormals kept (denormals.h).
#include <algorithm>
#include <cmath>
#include <numeric>

#include "tensor/box.h"
#include "tensor/box_exp.h"
#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"
#include "tensor/denormals.h"

namespace cawe {
namespace {

/// ln(1000 / 16), torchvision's limit of dw and dh: no box grows more than 62.5 times.
constexpr double kMaxLogScale = 4.135166556742356;

template <class T>
BasicBox<T> box_at(const Tensor& boxes, int64_t i) {
  const T* p = boxes.data<T>() + i * boxes.stride(0);
  const int64_t s = boxes.stride(1);
  return {p[0], p[s], p[2 * s], p[3 * s]};
}

template <class T>
void put_box(const BasicBox<T>& box, Tensor& boxes, int64_t i) {
  T* out = boxes.data<T>() + i * boxes.stride(0);
  const int64_t s = boxes.stride(1);
  out[0] = box.x1;
  out[s] = box.y1;
  out[2 * s] = box.x2;
  out[3 * s] = box.y2;
}

/// The box that `d` codes relative to anchor `a`, clipped to the image.
template <class T>
BasicBox<T> decode(const BasicBox<T>& d, const BasicBox<T>& a, const BoxCoding& p, T width, T height) {
  const T w = a.width(), h = a.height();
  const T cx = a.x1 + w * T(0.5) + d.x1 / T(p.wx) * w, cy = a.y1 + h * T(0.5) + d.y1 / T(p.wy) * h;
  const T half_w = box_exp(std::min(d.x2 / T(p.ww), T(kMaxLogScale))) * w * T(0.5);
  const T half_h = box_exp(std::min(d.y2 / T(p.wh), T(kMaxLogScale))) * h * T(0.5);
  return {std::clamp(cx - half_w, T(0), width), std::clamp(cy - half_h, T(0), height),
          std::clamp(cx + half_w, T(0), width), std::clamp(cy + half_h, T(0), height)};
}

}  // namespace

void ReferenceBackend::decode_boxes(const Tensor& deltas, const Tensor& anchors, const BoxCoding& p,
                                    double width, double height, Tensor& boxes) {
  const KeepDenormals exact;
  dispatch_floating("decode_boxes", deltas.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (int64_t i = 0; i < anchors.dim(0); ++i)
      put_box(decode(box_at<T>(deltas, i), box_at<T>(anchors, i), p, T(width), T(height)), boxes, i);
  });
}

int64_t ReferenceBackend::decode_filtered(const Tensor& scores, const Tensor& deltas, const Tensor& anchors,
                                          const Tensor& chosen, const BoxCoding& p, double width,
                                          double height, double threshold, double smallest, Tensor& boxes,
                                          Tensor& kept, Tensor& classes) {
  const KeepDenormals exact;
  int64_t count = 0;
  dispatch_floating("decode_filtered", scores.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (int64_t k = 0; k < chosen.dim(0); ++k) {
      const int64_t position = chosen.data<int64_t>()[k * chosen.stride(0)];
      if (position < 0) continue;
      const int64_t row = position / scores.dim(1), label = position % scores.dim(1);
      const T score = scores.data<T>()[row * scores.stride(0) + label * scores.stride(1)];
      if (!(score > T(threshold))) continue;
      const BasicBox<T> box = decode(box_at<T>(deltas, row), box_at<T>(anchors, row), p, T(width), T(height));
      if (!(box.width() >= T(smallest) && box.height() >= T(smallest))) continue;
      put_box(box, boxes, count);
      kept.data<T>()[count * kept.stride(0)] = score;
      classes.data<int64_t>()[count++ * classes.stride(0)] = label;
    }
  });
  return count;
}

void ReferenceBackend::match_anchors(const Tensor& anchors, const Tensor& boxes, const MatchParams& p,
                                     Tensor& matched) {
  const KeepDenormals exact;
  dispatch_floating("match_anchors", anchors.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const int64_t count = anchors.dim(0), truths = boxes.dim(0);
    int64_t* out = matched.data<int64_t>();
    std::vector<T> best_of_truth(size_t(truths), T(0)), best(size_t(count), T(-1));
    std::vector<int64_t> argmax(size_t(count), -1);
    for (int64_t a = 0; a < count; ++a) {
      const BasicBox<T> anchor = box_at<T>(anchors, a);
      for (int64_t g = 0; g < truths; ++g) {
        const T overlap = iou(anchor, box_at<T>(boxes, g));
        best_of_truth[size_t(g)] = std::max(best_of_truth[size_t(g)], overlap);
        if (overlap > best[size_t(a)]) {
          best[size_t(a)] = overlap;
          argmax[size_t(a)] = g;
        }
      }
      const T overlap = best[size_t(a)];
      out[a] = truths == 0 || overlap < T(p.low) ? -1 : (overlap >= T(p.high) ? argmax[size_t(a)] : -2);
    }
    if (!p.low_quality) return;
    // The anchors that overlap a box most are given back their own best box, which need not be this one.
    for (int64_t a = 0; a < count; ++a)
      for (int64_t g = 0; g < truths && out[a] < 0; ++g) {
        const T most = best_of_truth[size_t(g)];
        if (most > T(0) && iou(box_at<T>(anchors, a), box_at<T>(boxes, g)) == most)
          out[a] = argmax[size_t(a)];
      }
  });
}

std::vector<int64_t> ReferenceBackend::nms(const Tensor& boxes, const Tensor& scores, const Tensor& classes,
                                           double threshold) {
  const KeepDenormals exact;
  std::vector<int64_t> kept;
  dispatch_floating("nms", boxes.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor sc = scores.contiguous();
    const int64_t count = boxes.dim(0);
    std::vector<int64_t> order(static_cast<size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    const T* s = sc.data<T>();
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return s[a] > s[b]; });
    const auto class_of = [&](int64_t i) {
      return classes.defined() ? classes.data<int64_t>()[i * classes.stride(0)] : 0;
    };
    for (int64_t i : order) {
      const BasicBox<T> box = box_at<T>(boxes, i);
      const bool covered = std::any_of(kept.begin(), kept.end(), [&](int64_t k) {
        return class_of(k) == class_of(i) && iou(box_at<T>(boxes, k), box) > T(threshold);
      });
      if (!covered) kept.push_back(i);
    }
  });
  return kept;
}

std::vector<int64_t> ReferenceBackend::top_k(const Tensor& x, int64_t k) {
  const KeepDenormals exact;
  std::vector<int64_t> order(static_cast<size_t>(x.numel()));
  std::iota(order.begin(), order.end(), 0);
  k = std::min(k, x.numel());
  dispatch_floating("top_k", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor in = x.contiguous();
    const T* p = in.data<T>();
    std::partial_sort(order.begin(), order.begin() + k, order.end(),
                      [&](int64_t a, int64_t b) { return p[a] != p[b] ? p[a] > p[b] : a < b; });
  });
  order.resize(size_t(k));
  return order;
}

}  // namespace cawe
