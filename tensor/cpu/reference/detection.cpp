// SPDX-License-Identifier: Apache-2.0
// Detection: plain loops, images in parallel. What decides (overlaps, order) is computed in the given dtype by one
// fixed expression, with denormals kept (denormals.h).
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "tensor/box.h"
#include "tensor/box_exp.h"
#include "tensor/cpu/loops.h"
#include "tensor/cpu/ordered.h"
#include "tensor/cpu/reference_backend.h"
#include "tensor/denormals.h"
#include "tensor/philox.h"
#include "tensor/takes_part.h"

namespace cawe {
namespace {

using cpu::In;
using cpu::Out;

/// ln(1000 / 16), torchvision's limit of dw and dh: no box grows more than 62.5 times.
constexpr double kMaxLogScale = 4.135166556742356;

template <class T>
BasicBox<T> box_at(const T* boxes, int64_t i) {
  return {boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2], boxes[4 * i + 3]};
}

template <class T>
void put_box(const BasicBox<T>& box, T* boxes, int64_t i) {
  const T corners[4] = {box.x1, box.y1, box.x2, box.y2};
  std::copy_n(corners, 4, boxes + 4 * i);
}

/// Where an image's anchors begin: they may be the same for all.
int64_t anchors_begin(const Tensor& anchors, int64_t image) {
  return anchors.rank() == 3 ? image * anchors.dim(1) : 0;
}

/// Rows of a batch's truth.
constexpr int64_t kTruthWidth = 5;
template <class T>
BasicBox<T> truth_box(const T* row) {
  return {row[0], row[1], row[2], row[3]};
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

/// The larger number first; NaN last.
template <class T>
bool precedes(T a, T b) {
  return a > b || (std::isnan(b) && !std::isnan(a));
}

}  // namespace

void ReferenceBackend::top_k(const Tensor& x, const std::vector<int64_t>& sizes, int64_t k, Tensor& chosen) {
  const KeepDenormals exact;
  const int64_t width = x.dim(1), parts = int64_t(sizes.size());
  std::vector<int64_t> begins(1, 0);
  for (const int64_t size : sizes) begins.push_back(begins.back() + size);
  dispatch_floating("top_k", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const In<T> in(x);
    const Out<int64_t> out(chosen);
    parallel_tasks(x.dim(0) * parts, [&](int64_t s) {
      const int64_t size = sizes[size_t(s % parts)], begin = s / parts * width + begins[size_t(s % parts)],
                    most = std::min(k, size);
      const T* p = in.data();
      std::vector<int64_t> order(static_cast<size_t>(size));
      std::iota(order.begin(), order.end(), begin);
      std::partial_sort(order.begin(), order.begin() + most, order.end(), [&](int64_t a, int64_t b) {
        return precedes(p[a], p[b]) || (!precedes(p[b], p[a]) && a < b);
      });
      std::copy_n(order.begin(), most, out.data() + s * k);
      std::fill_n(out.data() + s * k + most, k - most, -1);
    });
  });
}

void ReferenceBackend::decode_filtered(const Tensor& scores, const Tensor& deltas, const Tensor& anchors,
                                       const Tensor& chosen, const CandidateParams& p, Tensor& boxes,
                                       Tensor& kept, Tensor& classes, Tensor& counts) {
  const KeepDenormals exact;
  const int64_t each = scores.dim(1), labels = scores.dim(2), room = boxes.dim(1);
  const int64_t candidates = chosen.defined() ? chosen.dim(1) : each * labels;
  dispatch_floating("decode_filtered", scores.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const In<T> s(scores), d(deltas), a(anchors);
    const In<int64_t> wanted(chosen);
    const Out<T> out_boxes(boxes), out_scores(kept);
    const Out<int64_t> out_classes(classes), out_counts(counts);
    parallel_tasks(scores.dim(0), [&](int64_t image) {
      const int64_t first = image * room;
      int64_t count = 0;
      for (int64_t k = 0; k < candidates && count < room; ++k) {
        const int64_t position = chosen.defined() ? wanted.data()[image * candidates + k]
                                                  : (image * each + k % each) * labels + k / each;
        if (position < 0) continue;
        const T score = s.data()[position];
        if (!(score > T(p.threshold))) continue;
        const int64_t row = position / labels, anchor = row % each;
        const BasicBox<T> box =
            decode(box_at(d.data(), deltas.dim(1) == each ? row : position),
                   box_at(a.data(), anchors.rank() == 3 ? row : anchor), p.coding, T(p.width), T(p.height));
        if (!(box.width() >= T(p.smallest) && box.height() >= T(p.smallest))) continue;
        int64_t label = p.parts.empty() ? position % labels : 0;
        for (int64_t end = 0, i = 0; i + 1 < int64_t(p.parts.size()); ++i)
          label += anchor >= (end += p.parts[size_t(i)]);
        put_box(box, out_boxes.data(), first + count);
        out_scores.data()[first + count] = score;
        out_classes.data()[first + count++] = label;
      }
      out_counts.data()[image] = count;
      std::fill_n(out_boxes.data() + 4 * (first + count), 4 * (room - count), T(0));
      std::fill_n(out_scores.data() + first + count, room - count, T(0));
      std::fill_n(out_classes.data() + first + count, room - count, 0);
    });
  });
}

void ReferenceBackend::nms(const Tensor& boxes, const Tensor& scores, const Tensor& classes,
                           const Tensor& counts, double threshold, Tensor& kept) {
  const KeepDenormals exact;
  const int64_t room = boxes.dim(1), wanted = kept.dim(1);
  dispatch_floating("nms", boxes.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const In<T> b(boxes), all_scores(scores);
    const In<int64_t> c(classes), sizes(counts);
    const Out<int64_t> out(kept);
    parallel_tasks(boxes.dim(0), [&](int64_t image) {
      std::vector<int64_t> order(size_t(counts.defined() ? sizes.data()[image] : room)), best;
      std::iota(order.begin(), order.end(), image * room);
      const T* s = all_scores.data();
      std::stable_sort(order.begin(), order.end(),
                       [&](int64_t i, int64_t j) { return precedes(s[i], s[j]); });
      const auto class_of = [&](int64_t i) { return classes.defined() ? c.data()[i] : 0; };
      for (const int64_t i : order) {
        if (int64_t(best.size()) == wanted) break;
        const BasicBox<T> box = box_at(b.data(), i);
        const bool covered = std::any_of(best.begin(), best.end(), [&](int64_t k) {
          return class_of(k) == class_of(i) && iou(box_at(b.data(), k), box) > T(threshold);
        });
        if (!covered) best.push_back(i);
      }
      best.resize(size_t(wanted), -1);
      std::copy(best.begin(), best.end(), out.data() + image * wanted);
    });
  });
}

namespace {

/// Boxes of one image with their rows in its truth.
template <class T>
struct Labelled {
  std::vector<BasicBox<T>> boxes;
  std::vector<int64_t> rows;
};

/// The rows whose label is at least 0, or with `ignored` those with -2.
template <class T>
Labelled<T> labelled(const T* truth, int64_t rows, bool ignored) {
  Labelled<T> found;
  for (int64_t g = 0; g < rows; ++g) {
    const T* row = truth + g * kTruthWidth;
    if (ignored ? row[4] != T(-2) : !(row[4] >= T(0))) continue;
    found.boxes.push_back(truth_box(row));
    found.rows.push_back(g);
  }
  return found;
}

/// out[a] for each of `count` anchors: the row of its box, -1 or -2, as torchvision's Matcher has it of the anchors that
/// take part.
template <class T>
void match_image(const T* anchors, int64_t count, const Labelled<T>& truth, const MatchParams& p,
                 int64_t* out) {
  const size_t truths = truth.boxes.size();
  for (int64_t a = 0; a < count; ++a) out[a] = takes_part(box_at(anchors, a), p) ? -1 : -2;
  if (truths == 0) return;
  std::vector<T> best_of_truth(truths, T(0));
  std::vector<size_t> argmax(size_t(count), 0);
  for (int64_t a = 0; a < count; ++a) {
    if (out[a] == -2) continue;
    const BasicBox<T> anchor = box_at(anchors, a);
    T best = -1;
    for (size_t g = 0; g < truths; ++g) {
      const T overlap = iou(anchor, truth.boxes[g]);
      best_of_truth[g] = std::max(best_of_truth[g], overlap);
      if (!(overlap > best)) continue;
      best = overlap;
      argmax[size_t(a)] = g;
    }
    out[a] = best < T(p.low) ? -1 : (best >= T(p.high) ? truth.rows[argmax[size_t(a)]] : -2);
  }
  if (!p.low_quality) return;
  // The anchors that overlap a box most are given back their own best box, which need not be this one.
  for (int64_t a = 0; a < count; ++a) {
    const BasicBox<T> anchor = box_at(anchors, a);
    for (size_t g = 0; g < truths && out[a] < 0 && takes_part(anchor, p); ++g) {
      const T most = best_of_truth[g];
      if (most > T(0) && iou(anchor, truth.boxes[g]) == most) out[a] = truth.rows[argmax[size_t(a)]];
    }
  }
}

/// Leaves out the background that lies on ignored regions.
template <class T>
void leave_out_ignored(const T* anchors, int64_t count, const Labelled<T>& regions, const MatchParams& p,
                       int64_t* matched) {
  std::vector<int64_t> near(static_cast<size_t>(count));
  match_image(anchors, count, regions, p, near.data());
  for (int64_t a = 0; a < count; ++a) {
    if (matched[a] != -1) continue;
    const BasicBox<T> anchor = box_at(anchors, a);
    bool out = near[size_t(a)] != -1;
    for (size_t r = 0; r < regions.boxes.size() && !out; ++r)
      out = intersection(anchor, regions.boxes[r]) >= T(0.5) * anchor.area();
    if (out) matched[a] = -2;
  }
}

}  // namespace

void ReferenceBackend::match_anchors(const Tensor& anchors, const Tensor& counts, const Tensor& truth,
                                     const MatchParams& p, Tensor& matched) {
  const KeepDenormals exact;
  const int64_t all = matched.dim(1), rows = truth.dim(1);
  dispatch_floating("match_anchors", anchors.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const In<T> boxes(anchors), truths(truth);
    const In<int64_t> sizes(counts);
    const Out<int64_t> out(matched);
    parallel_tasks(truth.dim(0), [&](int64_t image) {
      const int64_t count = counts.defined() ? sizes.data()[image] : all;
      const T* mine = boxes.data() + 4 * anchors_begin(anchors, image);
      const T* of_image = truths.data() + image * rows * kTruthWidth;
      int64_t* to = out.data() + image * all;
      match_image(mine, count, labelled(of_image, rows, false), p, to);
      const Labelled<T> ignored = labelled(of_image, rows, true);
      if (!ignored.boxes.empty()) leave_out_ignored(mine, count, ignored, p, to);
      std::fill(to + count, to + all, -2);
    });
  });
}

namespace {

/// The `most` candidates with the smallest random numbers, ascending; a candidate's index is its counter.
std::vector<int64_t> drawn_of(std::vector<int64_t> candidates, int64_t most, const PhiloxStream& stream) {
  if (int64_t(candidates.size()) <= most) return candidates;
  std::vector<std::pair<uint32_t, int64_t>> order;
  for (const int64_t i : candidates)
    order.emplace_back(philox_block(stream, uint64_t(i) >> 2).word[i & 3], i);
  std::nth_element(order.begin(), order.begin() + most, order.end());
  candidates.clear();
  for (int64_t k = 0; k < most; ++k) candidates.push_back(order[size_t(k)].second);
  std::sort(candidates.begin(), candidates.end());
  return candidates;
}

}  // namespace

void ReferenceBackend::sample_matches(const Tensor& matched, const Tensor& draws, const SampleParams& p,
                                      Tensor& drawn, Tensor& chosen) {
  const int64_t all = matched.dim(1);
  const In<int64_t> in(matched), keys(draws);
  const Out<int64_t> out_drawn(drawn), out_chosen(chosen);
  parallel_tasks(matched.dim(0), [&](int64_t image) {
    const int64_t *mine = in.data() + image * all, *key = keys.data() + 3 * image;
    std::vector<int64_t> foreground, background;
    for (int64_t i = 0; i < all; ++i) {
      if (mine[i] >= 0) foreground.push_back(i);
      if (mine[i] == -1) background.push_back(i);
    }
    const PhiloxStream stream = philox_stream(fnv_text(p.purpose.data(), p.purpose.size()), uint64_t(key[0]),
                                              uint64_t(key[1]), uint64_t(key[2]), 0);
    foreground = drawn_of(std::move(foreground), p.foreground, stream);
    background = drawn_of(std::move(background), p.count - int64_t(foreground.size()), stream);
    if (drawn.defined()) std::fill_n(out_drawn.data() + image * all, all, -2);
    int64_t k = image * p.count;
    for (const std::vector<int64_t>* part : {&foreground, &background})
      for (const int64_t i : *part) {
        if (drawn.defined()) out_drawn.data()[image * all + i] = mine[i];
        if (chosen.defined()) out_chosen.data()[k++] = image * all + i;
      }
    if (chosen.defined()) std::fill(out_chosen.data() + k, out_chosen.data() + (image + 1) * p.count, -1);
  });
}

namespace {

/// `box` as offsets from an anchor, each times its weight: between the centres in sides of the anchor, and ln of the
/// sides' ratio. Both need an area.
template <class T>
BasicBox<T> encode(const BasicBox<T>& box, const BasicBox<T>& anchor, const BoxCoding& p) {
  const T aw = anchor.width(), ah = anchor.height(), gw = box.width(), gh = box.height();
  const T ax = anchor.x1 + T(0.5) * aw, ay = anchor.y1 + T(0.5) * ah;
  const T gx = box.x1 + T(0.5) * gw, gy = box.y1 + T(0.5) * gh;
  return {T(p.wx) * (gx - ax) / aw, T(p.wy) * (gy - ay) / ah, T(p.ww) * std::log(gw / aw),
          T(p.wh) * std::log(gh / ah)};
}

}  // namespace

void ReferenceBackend::match_targets(const Tensor& matched, const Tensor& chosen, const Tensor& anchors,
                                     const Tensor& truth, const BoxCoding& p, int64_t outputs,
                                     Tensor& foreground, Tensor& deltas, Tensor& counted, Tensor& classes,
                                     Tensor& rows) {
  const KeepDenormals exact;
  const int64_t all = matched.dim(1), slots = foreground.dim(1), truths = truth.dim(1);
  const int64_t labels = classes.defined() ? classes.dim(2) : 0;
  dispatch_floating("match_targets", anchors.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const In<int64_t> m(matched), wanted(chosen);
    const In<T> boxes(anchors), true_rows(truth);
    const Out<T> fore(foreground), code(deltas), count(counted), cls(classes);
    const Out<int64_t> place(rows);
    parallel_tasks(matched.dim(0), [&](int64_t image) {
      for (int64_t k = 0; k < slots; ++k) {
        const int64_t slot = image * slots + k, at = chosen.defined() ? wanted.data()[slot] : slot,
                      g = at < 0 ? -2 : m.data()[at];
        const T* row = true_rows.data() +
                       (std::max<int64_t>(at, 0) / all * truths + std::max<int64_t>(g, 0)) * kTruthWidth;
        const int64_t label = g < 0 ? -1 : int64_t(row[4]);
        BasicBox<T> offsets{};
        if (g >= 0)
          offsets = encode(truth_box(row), box_at(boxes.data(), anchors.rank() == 3 ? at : at % all), p);
        put_box(offsets, code.data(), slot);
        fore.data()[slot] = T(g >= 0);
        if (counted.defined()) count.data()[slot] = T(g != -2);
        for (int64_t c = 0; c < labels; ++c) cls.data()[slot * labels + c] = g == -2 ? T(-1) : T(c == label);
        if (rows.defined()) place.data()[slot] = slot * outputs + label + 1;
      }
    });
  });
}

void ReferenceBackend::join_boxes(const Tensor& boxes, const Tensor& kept, const Tensor& truth,
                                  Tensor& regions, Tensor& counts) {
  const int64_t wanted = kept.dim(1), rows = truth.defined() ? truth.dim(1) : 0, room = regions.dim(1);
  dispatch_floating("join_boxes", boxes.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const In<T> from(boxes), truths(truth);
    const In<int64_t> positions(kept);
    const Out<T> to(regions);
    const Out<int64_t> sizes(counts);
    for (int64_t image = 0; image < kept.dim(0); ++image) {
      int64_t count = 0;
      const auto add = [&](const BasicBox<T>& box) { put_box(box, to.data(), image * room + count++); };
      for (int64_t k = 0; k < wanted; ++k)
        if (const int64_t at = positions.data()[image * wanted + k]; at >= 0) add(box_at(from.data(), at));
      for (int64_t g = 0; g < rows; ++g) {
        const T* row = truths.data() + (image * rows + g) * kTruthWidth;
        if (row[4] >= T(0)) add(truth_box(row));
      }
      sizes.data()[image] = count;
      std::fill_n(to.data() + 4 * (image * room + count), 4 * (room - count), T(0));
    }
  });
}

void ReferenceBackend::place_regions(const Tensor& boxes, const Tensor& chosen,
                                     const std::vector<double>& sides, Tensor& place) {
  const KeepDenormals exact;
  const int64_t slots = chosen.dim(1);
  dispatch_floating("place_regions", boxes.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const In<T> in(boxes);
    const In<int64_t> used(chosen);
    const Out<int32_t> out(place);
    for (int64_t r = 0; r < chosen.numel(); ++r) {
      const T side = std::sqrt(box_at(in.data(), r).area());
      int32_t level = used.data()[r] < 0 ? -1 : 0;
      for (const double least : sides) level += level >= 0 && side >= T(least);
      out.data()[2 * r] = int32_t(r / slots);
      out.data()[2 * r + 1] = level;
    }
  });
}

}  // namespace cawe
