// SPDX-License-Identifier: Apache-2.0
#include "models/truths.h"

#include <algorithm>
#include <cmath>

namespace cawe::models {
namespace {

constexpr float kEmptyRow = -1, kIgnoredRow = -2;
constexpr size_t kFewestRows = 8;

}  // namespace

Tensor packed(const std::vector<Truth>& truths, int64_t least_rows) {
  size_t rows = kFewestRows;
  while (int64_t(rows) < least_rows) rows *= 2;
  for (const Truth& t : truths)
    while (rows < t.boxes.size() + t.ignored.size()) rows *= 2;
  Tensor all = Tensor::full({int64_t(truths.size()), int64_t(rows), 5}, kEmptyRow);
  for (size_t i = 0; i < truths.size(); ++i) {
    float* row = all.data<float>() + i * rows * 5;
    const auto put = [&](const Box& box, float label) {
      std::copy_n(&box.x1, 4, row);
      row[4] = label;
      row += 5;
    };
    for (size_t k = 0; k < truths[i].boxes.size(); ++k) put(truths[i].boxes[k], float(truths[i].labels[k]));
    for (const Box& box : truths[i].ignored) put(box, kIgnoredRow);
  }
  return all;
}

Tensor packed(const std::vector<DrawKey>& draws) {
  std::vector<int64_t> keys;
  for (const DrawKey& d : draws)
    keys.insert(keys.end(), {int64_t(d.seed), int64_t(d.step), int64_t(d.image)});
  return Tensor::from(keys, {int64_t(draws.size()), 3});
}

std::string image_name(const std::vector<std::string>& images, int64_t i) {
  return size_t(i) < images.size() ? images[size_t(i)] : "image " + std::to_string(i);
}

void check_truth(const Truth& truth, int64_t classes, const std::string& image) {
  CAWE_CHECK(truth.labels.size() == truth.boxes.size(), Code::data, image, ": ", truth.boxes.size(),
             " boxes with ", truth.labels.size(), " labels");
  for (size_t i = 0; i < truth.boxes.size(); ++i) {
    const Box& b = truth.boxes[i];
    const bool finite =
        std::isfinite(b.x1) && std::isfinite(b.y1) && std::isfinite(b.x2) && std::isfinite(b.y2);
    CAWE_CHECK(finite && b.x2 > b.x1 && b.y2 > b.y1, Code::data, image, ": box ", i, " is (", b.x1, ", ",
               b.y1, ", ", b.x2, ", ", b.y2, ") (expected finite corners and an area)");
    CAWE_CHECK(truth.labels[i] >= 0 && truth.labels[i] < classes, Code::data, image, ": box ", i,
               " has label ", truth.labels[i], " (expected 0 to ", classes - 1, ")");
  }
}

}  // namespace cawe::models
