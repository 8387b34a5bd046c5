// SPDX-License-Identifier: Apache-2.0
// The labels of detections and those of the truth: when they are compared, and which is which.
#include <set>

#include "eval/read_boxes_internal.h"
#include "tensor/error.h"

namespace cawe::eval::detail {
namespace {

/// -1 where the truth has no such category.
int64_t label_of(const RawDetection& d, const TruthSet& truth) {
  const auto name = truth.label_of.find(d.label);
  const auto id = truth.label_of_id.find(d.label);
  // A name may look like a number: what is written as an id is one wherever the truth has ids.
  const bool by_name = name != truth.label_of.end() && !(d.label_is_id && !truth.label_of_id.empty());
  if (by_name) return name->second;
  return id != truth.label_of_id.end() ? id->second : -1;
}

/// "expected 'x' (id 1) or 'y' (id 7)": those of the truth, or the first of many.
std::string expected_labels(const TruthSet& truth) {
  constexpr size_t kMostNamed = 5;
  std::vector<std::string> ids(truth.label_names.size());
  for (const auto& [id, label] : truth.label_of_id) ids[size_t(label)] = " (id " + id + ")";
  const size_t count = ids.size();
  std::string text = "expected ";
  for (size_t i = 0; i < count && i < kMostNamed; ++i)
    text += (i == 0 ? "'" : i + 1 == count ? " or '" : ", '") + truth.label_names[i] + "'" + ids[i];
  return count > kMostNamed ? cawe::detail::concat(text, " or another of its ", count) : text;
}

/// Why labels are not compared; "" where there is nothing to compare.
std::string not_compared(const std::vector<RawDetection>& raw, const TruthSet& truth) {
  std::set<std::string> labels;
  for (const RawDetection& d : raw)
    if (!d.label.empty()) labels.insert(d.label);
  if (truth.label_of.empty())
    return labels.size() < 2 ? ""
                             : cawe::detail::concat("the truth has no categories, the detections have ",
                                                    labels.size(), " labels: labels are not compared");
  if (!labels.empty()) return "labels of the detections are unknown to the truth: labels are not compared";
  return raw.empty() || truth.label_names.size() < 2
             ? ""
             : "the detections have no labels: labels are not compared";
}

/// FROC and mAP50 ask whether a lesion is found, COCO and Pascal VOC whether it is called by its name, too. Where there is
/// more than one name, their figures differ.
void note_several_categories(const std::vector<Detection>& detections, TruthSet* truth) {
  std::set<int64_t> labels;
  for (const Detection& d : detections) labels.insert(d.label);
  for (const TruthImage& image : truth->images)
    for (const TruthBox& box : image.boxes) labels.insert(box.label);
  if (labels.size() > 1)
    truth->notes.push_back(
        "sensitivities and mAP50 take all categories as one; the figures of COCO and Pascal VOC are by "
        "category");
}

/// Says so where all detections are of one category and the truth has lesions of others: what a detector of one class
/// writes as COCO results, whose category_id cannot be left out.
void note_single_category(const std::vector<Detection>& detections, TruthSet* truth) {
  const int64_t only = detections.front().label;
  for (const Detection& d : detections)
    if (d.label != only) return;
  int64_t others = 0;
  for (const TruthImage& image : truth->images)
    for (const TruthBox& box : image.boxes) others += box.label != only && !box.crowd;
  if (others > 0)
    truth->notes.push_back(cawe::detail::concat(
        "every detection is of category '", truth->label_names[size_t(only)], "': ", others,
        others == 1 ? " lesion of other categories counts" : " lesions of other categories count",
        " as missed in COCO's and Pascal VOC's figures (a CSV with label 'lesion' is judged without "
        "categories)"));
}

}  // namespace

std::vector<Detection> resolve_labels(const std::vector<RawDetection>& raw, TruthSet* truth) {
  bool compared = false;
  for (const RawDetection& d : raw) compared = compared || label_of(d, *truth) >= 0;
  if (!compared) {
    const std::string why = not_compared(raw, *truth);
    if (!why.empty()) truth->notes.push_back(why);
    for (TruthImage& image : truth->images)
      for (TruthBox& box : image.boxes) box.label = 0;
  }
  std::vector<Detection> detections;
  for (const RawDetection& d : raw) {
    Detection out = d.detection;
    if (compared) {
      out.label = label_of(d, *truth);
      CAWE_CHECK(out.label >= 0, Code::data, d.where, ": label '", d.label,
                 "' is not a category of the truth (", expected_labels(*truth), ")");
    }
    detections.push_back(out);
  }
  if (compared) {
    note_several_categories(detections, truth);
    note_single_category(detections, truth);
  }
  return detections;
}

}  // namespace cawe::eval::detail
