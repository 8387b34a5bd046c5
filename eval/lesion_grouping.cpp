// SPDX-License-Identifier: Apache-2.0
// Groups of lesions: by size, by label of the lesion or of its film.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "eval/subgroups.h"
#include "tensor/error.h"
#include "tensor/io/format.h"

namespace cawe::eval {
namespace {

/// Sorts each lesion by `place` (of image i, box k), -1 for none.
LesionGrouping grouped(const std::string& attribute, const std::vector<TruthImage>& truth,
                       const std::function<int(size_t, size_t)>& place) {
  LesionGrouping out;
  out.attribute = attribute;
  for (size_t i = 0; i < truth.size(); ++i) {
    out.group.emplace_back(truth[i].boxes.size(), -1);
    for (size_t k = 0; k < truth[i].boxes.size(); ++k) {
      if (truth[i].boxes[k].crowd) continue;
      out.group[i][k] = place(i, k);
      out.left_out += out.group[i][k] < 0;
    }
  }
  return out;
}

/// Mean side as a share of the film's; NaN where the film's size is unknown.
double relative_size(const TruthImage& image, const TruthBox& box) {
  const double film = image.width * image.height;
  return film > 0 ? std::sqrt(box.box.area() / film) : std::nan("");
}

/// True where at least two groups have a lesion.
bool tells_apart(const LesionGrouping& grouping) {
  std::set<int> seen;
  for (const auto& image : grouping.group)
    for (const int g : image)
      if (g >= 0) seen.insert(g);
  return seen.size() > 1;
}

}  // namespace

LesionGrouping size_thirds(const std::vector<TruthImage>& truth) {
  std::vector<double> sizes;
  for (const TruthImage& image : truth)
    for (const TruthBox& box : image.boxes) {
      const double size = box.crowd ? std::nan("") : relative_size(image, box);
      if (!std::isnan(size)) sizes.push_back(size);
    }
  std::sort(sizes.begin(), sizes.end());
  const auto limit = [&](size_t third) { return sizes[(third * sizes.size() + 2) / 3 - 1]; };
  std::vector<double> limits;
  if (!sizes.empty()) limits = {limit(1), limit(2)};
  LesionGrouping out = grouped("lesion size", truth, [&](size_t i, size_t k) {
    const double size = relative_size(truth[i], truth[i].boxes[k]);
    return std::isnan(size) ? -1 : int(size > limits[0]) + int(size > limits[1]);
  });
  if (sizes.empty()) return out;
  const std::string low = fixed(limits[0], 3), high = fixed(limits[1], 3);
  out.names = {"up to " + low, low + " to " + high, "above " + high};
  out.limits = limits;
  return out;
}

LesionGrouping coco_sizes(const std::vector<TruthImage>& truth) {
  const std::vector<double> limits = {32.0 * 32.0, 96.0 * 96.0};
  LesionGrouping out = grouped("lesion area (COCO)", truth, [&](size_t i, size_t k) {
    const double area = truth[i].boxes[k].area;
    return area < limits[0] ? 0 : area <= limits[1] ? 1 : 2;
  });
  if (!tells_apart(out)) return out;
  out.names = {"small, below 32 x 32 px", "medium, up to 96 x 96 px", "large"};
  out.limits = limits;
  return out;
}

LesionGrouping by_lesion_label(const std::vector<TruthImage>& truth, const std::vector<std::string>& names) {
  LesionGrouping out = grouped("finding", truth, [&](size_t i, size_t k) {
    const int64_t label = truth[i].boxes[k].label;
    return label >= 0 && label < int64_t(names.size()) ? int(label) : -1;
  });
  if (tells_apart(out) && out.left_out == 0) out.names = names;
  return out;
}

LesionGrouping by_film_label(const std::vector<TruthImage>& truth, const std::vector<std::string>& labels) {
  CAWE_CHECK(labels.size() == truth.size(), Code::internal, "by_film_label: ", labels.size(), " labels for ",
             truth.size(), " images");
  std::map<std::string, int> index;
  for (size_t i = 0; i < truth.size(); ++i)
    if (!labels[i].empty() && count_lesions({truth[i]}) > 0) index[labels[i]] = 0;
  std::vector<std::string> names;
  for (auto& [name, at] : index) {
    at = int(names.size());
    names.push_back(name);
  }
  LesionGrouping out = grouped("finding of the film", truth, [&](size_t i, size_t) {
    return labels[i].empty() ? -1 : index.at(labels[i]);
  });
  out.names = names;
  return out;
}

std::vector<SubgroupRow> lesion_groups(const LesionGrouping& grouping, const std::vector<TruthImage>& truth,
                                       const std::vector<const std::vector<Detection>*>& seeds,
                                       const EvaluateOptions& options) {
  if (grouping.names.empty()) return {};
  return lesion_groups(grouping.attribute, grouping.names, truth, grouping.group, seeds, options);
}

}  // namespace cawe::eval
