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
#include "tensor/text.h"
#include "train/detector_recipe.h"

namespace cawe::study {
namespace {

constexpr size_t kThirds = 3;

bool reads_the_map(const RowPlan& plan) {
  return plan.control == "none" &&
         (plan.method == "none" || plan.method == "centre" || train::needs_classifier(plan.method));
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

/// The classes of some test images' maps, which one chain makes, and, of films with lesions, the maps, in their order.
void add_maps(const StudyResult& study, const std::vector<size_t>& films, bool with_lesions, StudyMaps* out) {
  if (films.empty()) return;
  if (with_lesions) out->films.insert(out->films.end(), films.begin(), films.end());
  data::LoaderOptions options = study.loader;
  options.enhance = {};
  options.shuffle = options.augment = false;
  options.batch = 16;
  std::vector<int64_t> samples;
  for (const size_t film : films) samples.push_back(study.test[film]);
  data::Loader loader(study.data.dataset, samples, options);
  const auto enhancer = study.map_maker(films[0]);
  const NoGrad no_history;
  size_t next = 0;
  for (int64_t b = 0; b < loader.steps_per_epoch(); ++b) {
    const data::Batch batch = loader.next();
    const models::AttentionMaps maps = enhancer->maps(batch.images);
    for (size_t i = 0; i < batch.samples.size(); ++i) {
      const size_t film = films.at(next++);
      out->classes[film] = map_classes(study, film, maps, int64_t(i));
      if (!with_lesions) continue;
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
}

}  // namespace

report::MapClasses map_classes(const StudyResult& study, size_t test_image, const models::AttentionMaps& maps,
                               int64_t i) {
  const bool asked = !study.map_maker(test_image)->cam().targets.empty();
  report::MapClasses of;
  of.kind = maps.fallback.at(size_t(i)) ? report::MapOf::fallback
            : asked                     ? report::MapOf::asked
                                        : report::MapOf::active;
  const std::vector<float> sigma = maps.probabilities.to(Device::cpu).slice(0, i, i + 1).to_vector<float>();
  for (const int64_t label : maps.active[size_t(i)])
    of.classes.emplace_back(study.chain(study.map_method(), test_image).classifier.labels[size_t(label)],
                            double(sigma[size_t(label)]));
  return of;
}

StudyMaps study_maps(const StudyResult& study) {
  StudyMaps out;
  if (study.map_method().empty()) return out;
  out.classes.resize(study.test.size());
  std::vector<std::vector<size_t>> with(study.chains.at(study.map_method()).size()), without(with.size());
  for (size_t i = 0; i < study.test.size(); ++i) {
    const bool lesions = !study.data.dataset.samples[size_t(study.test[i])].boxes.empty();
    (lesions ? with : without)[with.size() == 1 ? 0 : study.fold_of(i)].push_back(i);
  }
  for (const std::vector<size_t>& films : with) add_maps(study, films, true, &out);
  for (const std::vector<size_t>& films : without) add_maps(study, films, false, &out);
  return out;
}

namespace {

/// Films with lesions, without, and both: how many, and on how many no class is active.
struct Fallbacks {
  std::array<int64_t, 3> films{}, fallbacks{};
};

Fallbacks count_fallbacks(const StudyResult& study) {
  Fallbacks f;
  for (size_t i = 0; i < study.map_classes.size(); ++i) {
    const bool fallback = study.map_classes[i].kind == report::MapOf::fallback;
    for (const size_t group : {size_t(has_lesion(study.truth[i]) ? 0 : 1), size_t(2)}) {
      ++f.films[group];
      f.fallbacks[group] += fallback;
    }
  }
  return f;
}

std::string share(int64_t part, int64_t all) {
  return all == 0 ? "n/a" : fixed(100 * double(part) / double(all), 0) + " %";
}

/// What stands in where no class is active.
std::string stand_in(const StudyResult& study) {
  const models::EmptySet rule = study.map_maker(0)->cam().if_none;
  return rule == models::EmptySet::top1  ? "the likeliest class"
         : rule == models::EmptySet::all ? "all classes"
                                         : "no class, so that it is empty";
}

}  // namespace

bool has_lesion(const eval::TruthImage& image) {
  return std::any_of(image.boxes.begin(), image.boxes.end(),
                     [](const eval::TruthBox& b) { return !b.crowd; });
}

void study_fallbacks(StudyResult& study) {
  if (study.map_classes.empty()) return;
  std::string csv = csv_line({"image", "lesions", "map_of", "class", "sigma"});
  for (size_t i = 0; i < study.map_classes.size(); ++i) {
    const report::MapClasses& of = study.map_classes[i];
    const std::vector<std::string> film{study.truth[i].id,
                                        std::to_string(eval::count_lesions({study.truth[i]})), name(of.kind)};
    if (of.classes.empty()) csv += csv_line({film[0], film[1], film[2], "", ""});
    for (const auto& [label, sigma] : of.classes)
      csv += csv_line({film[0], film[1], film[2], label, fixed(sigma, 6)});
  }
  write_file(study.out + "/map_classes.csv", csv);
  const Fallbacks f = count_fallbacks(study);
  report::ReportTable table;
  table.title = "Maps of films on which no class is active";
  table.caption = "Where no class reaches cam.act_threshold (" +
                  shortest(study.map_maker(0)->cam().act_threshold) + "), the map is a fallback: of " +
                  stand_in(study) + " (cam.if_none). It says nothing of a finding.";
  table.header = {"test films", "n", "map is a fallback", "share"};
  const char* const groups[] = {"with a lesion", "without a lesion", "all"};
  for (size_t g = 0; g < 3; ++g)
    table.rows.push_back({groups[g], std::to_string(f.films[g]), std::to_string(f.fallbacks[g]),
                          share(f.fallbacks[g], f.films[g])});
  study.tables.push_back(table);
}

std::string fallback_finding(const StudyResult& study) {
  const Fallbacks f = count_fallbacks(study);
  if (f.fallbacks[2] == 0) return "";
  return "No class is active on " + share(f.fallbacks[0], f.films[0]) + " of the " +
         counted(f.films[0], "film") + " with a lesion and on " + share(f.fallbacks[1], f.films[1]) +
         " of the " + std::to_string(f.films[1]) + " without: there the map is a fallback, of " +
         stand_in(study) + ".";
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
      "with intervals " +
      data::over_units(study.data.unit) +
      ". Fusion multiplies a film by alpha + (1 - alpha) map: lesions on dark "
      "parts of the map lose contrast. Boxes on the other thirds' lesions are neither right nor wrong. "
      "Missed: lesions "
      "that are not found at one false positive per image (mean over seeds); what the plain detector misses "
      "in the "
      "bright third is what the map could still help to find.";
  table.header = {"row", "dark third, map up to " + fixed(limits[0], 2),
                  "middle, up to " + fixed(limits[1], 2), "bright, up to " + fixed(limits[2], 2)};
  std::string csv = "detector,enhancement,third,map_up_to,lesions,mean_sens,ci_low,ci_high,missed_at_1\n";
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
                                ", missed " + fixed(rows[g].missed, 1) + " of " +
                                std::to_string(rows[g].lesions) + (rows[g].few ? ", few lesions" : ""));
      csv += csv_line({row.plan.detector, row.plan.enhancement, rows[g].group, fixed(limits[g], 4),
                       std::to_string(rows[g].lesions), fixed(m.value, 6), fixed(m.low, 6), fixed(m.high, 6),
                       fixed(rows[g].missed, 3)});
    }
    table.rows.push_back(cells);
  }
  write_file(study.out + "/lesions_by_map.csv", csv);
  study.tables.push_back(table);
}

}  // namespace cawe::study
