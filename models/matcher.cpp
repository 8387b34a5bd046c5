// SPDX-License-Identifier: Apache-2.0
#include "models/matcher.h"

#include "models/box_coding.h"
#include "tensor/denormals.h"
#include "tensor/parallel.h"
#include "tensor/primitives/detection.h"

namespace cawe::models {
namespace {

static_assert(sizeof(Box) == 4 * sizeof(float), "a Box is four floats");

Tensor boxes_tensor(const std::vector<Box>& boxes, Device device) {
  std::vector<float> values;
  for (const Box& b : boxes) values.insert(values.end(), {b.x1, b.y1, b.x2, b.y2});
  return Tensor::from(values, {int64_t(boxes.size()), 4}).to(device);
}

}  // namespace

namespace {

std::vector<int64_t> match_boxes(const Tensor& anchors, const std::vector<Box>& boxes,
                                 const MatchParams& match) {
  const int64_t count = anchors.dim(0);
  if (boxes.empty()) return std::vector<int64_t>(size_t(count), -1);
  Tensor matched = Tensor::empty({count}, DType::i64, Layout::contiguous, anchors.device());
  primitives::match_anchors(anchors, boxes_tensor(boxes, anchors.device()), match, matched);
  return matched.to_vector<int64_t>();
}

}  // namespace

Anchors::Anchors(const Tensor& tensor)
    : on_device(tensor),
      on_host(tensor.to(Device::cpu).contiguous()),
      boxes(reinterpret_cast<const Box*>(on_host.data<float>())) {}

std::vector<int64_t> match_image(const Anchors& anchors, const Truth& truth, const MatchParams& match) {
  std::vector<int64_t> matched = match_boxes(anchors.on_device, truth.boxes, match);
  if (truth.ignored.empty()) return matched;
  const std::vector<int64_t> near = match_boxes(anchors.on_device, truth.ignored, match);
  const Box* boxes = anchors.boxes;
  for (size_t a = 0; a < matched.size(); ++a) {
    if (matched[a] != -1) continue;
    bool out = near[a] != -1;
    for (size_t r = 0; r < truth.ignored.size() && !out; ++r)
      out = intersection(boxes[a], truth.ignored[r]) >= 0.5f * boxes[a].area();
    if (out) matched[a] = -2;
  }
  return matched;
}

std::string image_name(const std::vector<std::string>& images, int64_t i) {
  return size_t(i) < images.size() ? images[size_t(i)] : "image " + std::to_string(i);
}

AnchorTargets make_targets(const Tensor& anchors, const std::vector<Truth>& truths, int64_t classes,
                           const MatchParams& match, const BoxCoding& coding,
                           const std::vector<std::string>& images) {
  const KeepDenormals exact;
  const int64_t n = int64_t(truths.size()), count = anchors.dim(0);
  AnchorTargets t;
  t.classes = Tensor::zeros({n, count * classes});
  t.deltas = Tensor::zeros({n, count, 4});
  t.foreground = Tensor::zeros({n, count});
  t.counts.assign(size_t(n), 0);
  const Anchors copied(anchors);
  parallel_tasks(n, [&](int64_t i) {
    const Truth& truth = truths[size_t(i)];
    check_truth(truth, classes, image_name(images, i));
    const std::vector<int64_t> matched = match_image(copied, truth, match);
    float* cls = t.classes.data<float>() + i * count * classes;
    float* deltas = t.deltas.data<float>() + i * count * 4;
    float* foreground = t.foreground.data<float>() + i * count;
    for (int64_t a = 0; a < count; ++a) {
      const int64_t g = matched[size_t(a)];
      if (g == -2) std::fill(cls + a * classes, cls + (a + 1) * classes, -1.0f);
      if (g < 0) continue;
      cls[a * classes + truth.labels[size_t(g)]] = 1.0f;
      foreground[a] = 1.0f;
      const auto code = encode_box(truth.boxes[size_t(g)], copied.boxes[a], coding);
      std::copy(code.begin(), code.end(), deltas + a * 4);
      ++t.counts[size_t(i)];
    }
  });
  const Device device = anchors.device();
  t.classes = t.classes.to(device);
  t.deltas = t.deltas.to(device);
  t.foreground = t.foreground.to(device);
  return t;
}

}  // namespace cawe::models
