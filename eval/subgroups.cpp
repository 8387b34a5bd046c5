// SPDX-License-Identifier: Apache-2.0
// FROC and bootstrap within subgroups of the test set.
#include "eval/subgroups.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "eval/froc_draws.h"
#include "eval/further.h"
#include "tensor/error.h"

namespace cawe::eval {
namespace {

constexpr size_t kFigures = 5;  // Sens@1, 2, 3, 4 and their mean
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// The detections on the images `chosen`, with image indices into `chosen`.
std::vector<Detection> detections_on(const std::vector<size_t>& chosen, size_t images,
                                     const std::vector<Detection>& all) {
  std::vector<int64_t> place(images, -1);
  for (size_t i = 0; i < chosen.size(); ++i) place[chosen[i]] = int64_t(i);
  std::vector<Detection> out;
  for (const Detection& d : all) {
    CAWE_CHECK(d.image >= 0 && size_t(d.image) < images, Code::internal, "subgroups: a detection on image ",
               d.image, " of ", images);
    if (place[size_t(d.image)] < 0) continue;
    out.push_back(d);
    out.back().image = place[size_t(d.image)];
  }
  return out;
}

/// A row with its counts; figures are filled in later.
SubgroupRow counted(const std::string& attribute, const std::string& group,
                    const std::vector<TruthImage>& part) {
  SubgroupRow row;
  row.attribute = attribute;
  row.group = group;
  row.images = int64_t(part.size());
  patient_index(part, &row.patients);
  row.lesions = count_lesions(part);
  row.few = row.lesions < kFewLesions;
  row.sens.fill({kNaN, kNaN, kNaN, 0, 0});
  row.mean = row.sens[0];
  return row;
}

/// Judges the seeds' detections.
std::vector<FrocData> judge_all(const std::vector<TruthImage>& truth,
                                const std::vector<std::vector<Detection>>& seeds,
                                const FrocOptions& options) {
  std::vector<FrocData> judged;
  for (const auto& detections : seeds) judged.push_back(judge(truth, detections, options));
  return judged;
}

int64_t found_at(const FrocData& data, double threshold) {
  int64_t found = 0;
  for (const Judged& d : data.judged) found += d.score >= threshold ? d.found : 0;
  return found;
}

void add_figures(const std::vector<TruthImage>& part, const std::vector<FrocData>& judged,
                 const EvaluateOptions& options, SubgroupRow* row) {
  Clusters clusters;
  clusters.of_item = patient_index(part, &clusters.count);
  std::vector<FrocDraws> draws;
  for (const FrocData& data : judged) draws.emplace_back(data, paper_fps());
  const auto statistic = [&](const DrawBlock& block, double* v) {
    std::fill_n(v, kFigures * kDrawBlock, 0.0);
    std::array<double, 4 * kDrawBlock> sens;
    for (const FrocDraws& data : draws) {
      data.sens(block, sens.data());
      for (size_t k = 0; k < sens.size(); ++k) v[k] += sens[k] / double(draws.size());
    }
    for (size_t k = 0; k < sens.size(); ++k) v[sens.size() + k % kDrawBlock] += v[k] / 4;
  };
  const auto point = of_whole_set(clusters, kFigures, statistic);
  const auto drawn =
      bootstrap_blocks(clusters, kFigures, statistic, std::min(options.draws, kFurtherDraws), options.seed);
  for (size_t k = 0; k < 4; ++k) row->sens[k] = percentile_interval(point[k], drawn[k], options.level);
  row->mean = percentile_interval(point[4], drawn[4], options.level);
}

}  // namespace

std::vector<SubgroupRow> subgroups(const std::string& attribute, const std::vector<TruthImage>& truth,
                                   const std::vector<std::string>& labels,
                                   const std::vector<const std::vector<Detection>*>& seeds,
                                   const EvaluateOptions& options) {
  CAWE_CHECK(labels.size() == truth.size(), Code::internal, "subgroups: ", labels.size(), " labels for ",
             truth.size(), " images");
  CAWE_CHECK(!seeds.empty(), Code::internal, "subgroups: no detections");
  std::map<std::string, std::vector<size_t>> groups;
  for (size_t i = 0; i < labels.size(); ++i) groups[labels[i]].push_back(i);
  std::vector<std::pair<std::string, std::vector<size_t>>> ordered;
  for (const auto& group : groups)
    if (!group.first.empty()) ordered.push_back(group);
  if (ordered.empty()) return {};
  if (groups.count("") > 0) ordered.emplace_back("not stated", groups[""]);
  std::vector<SubgroupRow> rows;
  for (const auto& [name, chosen] : ordered) {
    std::vector<TruthImage> part;
    for (const size_t i : chosen) part.push_back(truth[i]);
    SubgroupRow row = counted(attribute, name, part);
    if (row.lesions > 0) {
      std::vector<std::vector<Detection>> here;
      for (const auto* detections : seeds) here.push_back(detections_on(chosen, truth.size(), *detections));
      add_figures(part, judge_all(part, here, options.froc), options, &row);
    }
    rows.push_back(row);
  }
  return rows;
}

std::vector<SubgroupRow> lesion_groups(const std::string& attribute, const std::vector<std::string>& names,
                                       const std::vector<TruthImage>& truth,
                                       const std::vector<std::vector<int>>& group,
                                       const std::vector<const std::vector<Detection>*>& seeds,
                                       const EvaluateOptions& options) {
  CAWE_CHECK(group.size() == truth.size() && !seeds.empty(), Code::internal, "lesion_groups: ", group.size(),
             " groups for ", truth.size(), " images, ", seeds.size(), " seeds");
  std::vector<std::vector<Detection>> all;
  for (const auto* detections : seeds) all.push_back(*detections);
  const std::vector<FrocData> whole = judge_all(truth, all, options.froc);
  std::vector<double> at_one;  // of each seed the score with 1 false positive per image
  for (const FrocData& data : whole) at_one.push_back(sens_at(froc_curve(data), 1).threshold);
  std::vector<SubgroupRow> rows;
  for (size_t g = 0; g < names.size(); ++g) {
    std::vector<TruthImage> part = truth;
    for (size_t i = 0; i < part.size(); ++i) {
      CAWE_CHECK(group[i].size() == part[i].boxes.size(), Code::internal, "lesion_groups: ", group[i].size(),
                 " groups for ", part[i].boxes.size(), " boxes");
      for (size_t k = 0; k < part[i].boxes.size(); ++k)
        if (group[i][k] != int(g)) part[i].boxes[k].crowd = true;
    }
    SubgroupRow row = counted(attribute, names[g], part);
    if (row.lesions > 0) {
      std::vector<FrocData> judged = judge_all(part, all, options.froc);
      // Both judgements have one order. By a rule that asks for less than half an overlap, a detection on a lesion of another
      // group need not lie in its region.
      for (size_t s = 0; s < judged.size(); ++s)
        for (size_t i = 0; i < judged[s].judged.size(); ++i)
          judged[s].judged[i].false_positive &= whole[s].judged[i].false_positive;
      add_figures(part, judged, options, &row);
      row.missed = 0;
      for (size_t s = 0; s < judged.size(); ++s)
        row.missed += double(row.lesions - found_at(judged[s], at_one[s])) / double(judged.size());
    }
    rows.push_back(row);
  }
  return rows;
}

std::string age_group(double years) {
  if (!(years >= 0)) return "";
  return years < 18 ? "0 to 17" : years < 40 ? "18 to 39" : years < 65 ? "40 to 64" : "65 and over";
}

}  // namespace cawe::eval
