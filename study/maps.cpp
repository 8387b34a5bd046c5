// SPDX-License-Identifier: Apache-2.0
// The attention maps of the test films: do they find the lesions (measured without a detector), and how are
// lesions detected that they leave dark?
#include <algorithm>
#include <cmath>

#include "data/loader.h"
#include "eval/subgroups.h"
#include "study/study.h"
#include "tensor/io/files.h"
#include "tensor/io/format.h"
#include "train/detector_recipe.h"

namespace cawe::study {
namespace {

constexpr size_t kThirds = 3;

bool reads_the_map(const RowPlan& plan) {
  return plan.method == "none" || plan.method == "cawe" || plan.method == "color+cawe" ||
         plan.method == "uniform" || plan.method == "centre";
}

/// Assigns the boxes of all films to thirds by the map's mean inside them, 0 being the darkest; -1 where a
/// film has no map. `limits` gets the highest mean of each third.
std::vector<std::vector<int>> thirds_by_map(const StudyResult& study, const StudyMaps& maps,
                                            std::array<double, kThirds>* limits) {
  struct Lesion {
    double value;
    size_t film, box;
  };
  std::vector<Lesion> lesions;
  for (size_t i = 0; i < maps.films.size(); ++i) {
    const size_t film = maps.films[i];
    for (size_t k = 0; k < study.truth[film].boxes.size(); ++k) {
      const eval::TruthBox& b = study.truth[film].boxes[k];
      const double value = b.crowd ? std::nan("") : eval::mean_inside(maps.samples[i], b.box);
      if (!std::isnan(value)) lesions.push_back({value, film, k});
    }
  }
  std::stable_sort(lesions.begin(), lesions.end(),
                   [](const Lesion& a, const Lesion& b) { return a.value < b.value; });
  std::vector<std::vector<int>> group;
  for (const eval::TruthImage& image : study.truth) group.emplace_back(image.boxes.size(), -1);
  for (size_t i = 0; i < lesions.size(); ++i) {
    const size_t third = i * kThirds / lesions.size();
    group[lesions[i].film][lesions[i].box] = int(third);
    (*limits)[third] = lesions[i].value;
  }
  return group;
}

}  // namespace

namespace {

/// The maps of some test images that one chain makes, in their order.
void add_maps(const StudyResult& study, const std::vector<size_t>& films, StudyMaps* out) {
  if (films.empty()) return;
  data::LoaderOptions options = study.loader;
  options.enhance = {};
  options.shuffle = options.augment = false;
  options.batch = 16;
  std::vector<int64_t> samples;
  for (const size_t film : films) samples.push_back(study.test[film]);
  data::Loader loader(study.data.dataset, samples, options);
  const auto enhancer = study.map_maker(films[0]);
  const NoGrad no_history;
  for (int64_t b = 0; b < loader.steps_per_epoch(); ++b) {
    const data::Batch batch = loader.next();
    const models::AttentionMaps maps = enhancer->maps(batch.images);
    for (size_t i = 0; i < batch.samples.size(); ++i) {
      const data::Sample& sample = study.data.dataset.samples[size_t(batch.samples[i])];
      eval::MapSample m;
      m.patient = sample.patient_id;
      m.rows = maps.map.dim(2);
      m.columns = maps.map.dim(3);
      m.map = maps.map.slice(0, int64_t(i), int64_t(i) + 1).to_vector<float>();
      m.width = sample.width;
      m.height = sample.height;
      for (const Box& box : sample.boxes)
        m.boxes.push_back({double(box.x1), double(box.y1), double(box.x2), double(box.y2)});
      out->samples.push_back(std::move(m));
    }
  }
  out->films.insert(out->films.end(), films.begin(), films.end());
}

}  // namespace

StudyMaps study_maps(const StudyResult& study) {
  StudyMaps out;
  if (study.chains.count("cawe") == 0) return out;
  std::vector<std::vector<size_t>> by_chain(study.chains.at("cawe").size());
  for (size_t i = 0; i < study.test.size(); ++i)
    if (!study.data.dataset.samples[size_t(study.test[i])].boxes.empty())
      by_chain[by_chain.size() == 1 ? 0 : study.fold_of(i)].push_back(i);
  for (const std::vector<size_t>& films : by_chain) add_maps(study, films, &out);
  return out;
}

std::vector<eval::LocalisationRow> study_localisation(const StudyResult& study, const StudyMaps& maps) {
  if (maps.samples.empty()) return {};
  return eval::localisation(maps.samples, study.settings.options.draws, study.settings.options.seed);
}

void study_lesions_by_map(StudyResult& study, const StudyMaps& maps) {
  if (maps.samples.empty()) return;
  std::array<double, kThirds> limits{};
  const auto group = thirds_by_map(study, maps, &limits);
  report::ReportTable table;
  table.title = "Lesions that the map leaves dark";
  table.caption =
      "Mean of Sens@1, 2, 3, 4 among thirds of the lesions by their film's own map (its mean inside them), "
      "with intervals over " +
      data::unit_words(study.data.unit) +
      ". Fusion multiplies a film by alpha + (1 - alpha) map: lesions on dark "
      "parts of the map lose contrast. Boxes on the other thirds' lesions are neither right nor wrong.";
  table.header = {"row", "dark third, map up to " + fixed(limits[0], 2),
                  "middle, up to " + fixed(limits[1], 2), "bright, up to " + fixed(limits[2], 2)};
  std::string csv = "detector,enhancement,third,map_up_to,lesions,mean_sens,ci_low,ci_high\n";
  for (const StudyRow& row : study.rows) {
    if (!reads_the_map(row.plan)) continue;
    std::vector<const std::vector<eval::Detection>*> seeds;
    for (const auto& detections : row.detections) seeds.push_back(&detections);
    std::vector<std::string> cells{train::detector_title(row.plan.detector) + ", " +
                                   method_name(row.plan.enhancement)};
    const auto rows = eval::lesion_groups("map", {"dark", "middle", "bright"}, study.truth, group, seeds,
                                          study.settings.options);
    for (size_t g = 0; g < rows.size(); ++g) {
      const eval::Interval& m = rows[g].mean;
      cells.push_back(rows[g].lesions == 0
                          ? std::string("no lesion")
                          : fixed(m.value, 3) + " (" + fixed(m.low, 2) + " to " + fixed(m.high, 2) + ")" +
                                (rows[g].few ? ", few lesions" : ""));
      csv +=
          csv_line({row.plan.detector, row.plan.enhancement, rows[g].group, fixed(limits[g], 4),
                    std::to_string(rows[g].lesions), fixed(m.value, 6), fixed(m.low, 6), fixed(m.high, 6)});
    }
    table.rows.push_back(cells);
  }
  write_file(study.out + "/lesions_by_map.csv", csv);
  study.tables.push_back(table);
}

}  // namespace cawe::study
