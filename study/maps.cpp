// SPDX-License-Identifier: Apache-2.0
// The attention maps of the test films: do they find the lesions (measured without a detector), and how are
// lesions detected that they leave dark?
#include <algorithm>
#include <cmath>
#include <limits>

#include "data/loader.h"
#include "eval/subgroups.h"
#include "report/page/parts.h"
#include "study/frame.h"
#include "study/study.h"
#include "tensor/io/files.h"
#include "tensor/io/format.h"
#include "tensor/text.h"

namespace cawe::study {
namespace {

constexpr size_t kThirds = 3;

bool reads_the_map(const RowPlan& plan) {
  return plan.control == "none" &&
         (plan.method == "none" || plan.method == "centre" || train::needs_classifier(plan.method));
}

/// Assigns the boxes of all films to thirds by the map's mean inside them, 0 being the darkest; -1 where the map has no place
/// for them. `limits` gets the highest mean of each third, NaN where none is in it.
std::vector<std::vector<int>> thirds_by_map(const StudyMaps& maps, const std::vector<eval::TruthImage>& truth,
                                            std::array<double, kThirds>* limits) {
  struct Lesion {
    double value;
    size_t film, box;
  };
  std::vector<Lesion> lesions;
  for (size_t i = 0; i < maps.films.size(); ++i) {
    const eval::MapSample& sample = maps.samples[i];
    for (size_t k = 0; k < sample.boxes.size(); ++k) {
      const double value = eval::mean_inside(sample, sample.boxes[k]);
      if (!std::isnan(value)) lesions.push_back({value, maps.films[i], k});
    }
  }
  std::stable_sort(lesions.begin(), lesions.end(),
                   [](const Lesion& a, const Lesion& b) { return a.value < b.value; });
  limits->fill(std::numeric_limits<double>::quiet_NaN());
  std::vector<std::vector<int>> group;
  for (const eval::TruthImage& image : truth) group.emplace_back(image.boxes.size(), -1);
  for (size_t i = 0; i < lesions.size(); ++i) {
    const size_t third = i * kThirds / lesions.size();
    group[lesions[i].film][lesions[i].box] = int(third);
    (*limits)[third] = lesions[i].value;
  }
  return group;
}

/// Keeps the map of a film, maps' i-th, where something of its lesions is in the frame.
void add_map(const StudyResult& study, size_t film, const Tensor& maps, int64_t i, const Frame& frame,
             StudyMaps* out) {
  eval::MapSample m;
  m.patient = study.truth[film].patient;
  m.rows = maps.dim(2);
  m.columns = maps.dim(3);
  m.width = frame.width;
  m.height = frame.height;
  m.boxes = lesions_in(frame, study.truth[film]);
  if (seen(m.boxes).empty()) return;
  m.map = maps.slice(0, i, i + 1).to_vector<float>();
  out->films.push_back(film);
  out->samples.push_back(std::move(m));
}

/// The classes of some test images' maps, which one chain makes, and, of films with lesions, the maps, in their order.
void add_maps(const StudyResult& study, const std::vector<size_t>& films, bool with_lesions, StudyMaps* out) {
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
  size_t next = 0;
  for (int64_t b = 0; b < loader.steps_per_epoch(); ++b) {
    const data::Batch batch = loader.next();
    const models::AttentionMaps maps = enhancer->maps(batch.images);
    for (size_t i = 0; i < batch.samples.size(); ++i) {
      const size_t film = films.at(next++);
      out->classes[film] = map_classes(study, film, maps, int64_t(i));
      const Frame frame{batch.geometry[i], double(options.width), double(options.height)};
      if (with_lesions) add_map(study, film, maps.map, int64_t(i), frame, out);
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

std::string share(const Fallbacks& f, size_t group) {
  return percent(double(f.fallbacks[group]), double(f.films[group]));
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
    table.rows.push_back(
        {groups[g], std::to_string(f.films[g]), std::to_string(f.fallbacks[g]), share(f, g)});
  study.tables.push_back(table);
}

std::string fallback_finding(const StudyResult& study) {
  const Fallbacks f = count_fallbacks(study);
  if (f.fallbacks[2] == 0) return "";
  const std::string without =
      f.films[1] == 0 ? "" : " and on " + share(f, 1) + " of the " + std::to_string(f.films[1]) + " without";
  return "No class is active on " + share(f, 0) + " of the " + counted(f.films[0], "film") +
         " with a lesion" + without + ": there the map is a fallback, of " + stand_in(study) + ".";
}

std::vector<eval::LocalisationRow> study_localisation(const StudyResult& study, const StudyMaps& maps) {
  if (maps.samples.empty()) return {};
  return eval::localisation(maps.samples, study.settings.options.draws, study.settings.options.seed);
}

bool judged(const eval::LocalisationRow& row) {
  // What the verdict goes by: not defined without another unit's map.
  return !std::isnan(row.pointing.value) && !std::isnan(row.pointing_over_shuffled.interval.low);
}

namespace {

report::ReportTable lesions_table(const StudyResult& study, const std::array<double, kThirds>& limits) {
  report::ReportTable table;
  table.title = "Lesions that the map leaves dark";
  table.caption =
      "Mean of Sens@1, 2, 3, 4 among thirds of the lesions by their film's own map (its mean inside them), "
      "with intervals " +
      data::over_units(study.data.unit) +
      ". Eq. 7's product multiplies a film by alpha + (1 - alpha) map: lesions on dark parts of the map lose "
      "contrast; a lift darkens nothing. Boxes on the other thirds' lesions are neither right nor wrong. "
      "Missed: lesions that are not found at one false positive per image (mean over seeds); what the plain "
      "detector misses in the bright third is what the map could still help to find.";
  if (study.loader.fit == data::Fit::crop)
    table.caption += " Lesions that image.fit = \"crop\" cuts off are in no third.";
  const auto up_to = [&](size_t third, const char* words) {
    return std::isnan(limits[third]) ? "" : words + fixed(limits[third], 2);
  };
  table.header = {"row", "dark third" + up_to(0, ", map up to "), "middle" + up_to(1, ", up to "),
                  "bright" + up_to(2, ", up to ")};
  return table;
}

std::string lesions_cell(const eval::SubgroupRow& row) {
  using report::page::fixed_or_dash;
  if (row.lesions == 0) return "no lesion";
  return fixed_or_dash(row.mean.value, 3) + " (" + fixed_or_dash(row.mean.low, 2) + " to " +
         fixed_or_dash(row.mean.high, 2) + "), missed " + fixed(row.missed, 1) + " of " +
         std::to_string(row.lesions) + (row.few ? ", few lesions" : "");
}

std::string lesions_line(const RowPlan& plan, const eval::SubgroupRow& row, double limit) {
  const auto cell = [](double value, int digits) { return std::isnan(value) ? "" : fixed(value, digits); };
  return csv_line({plan.detector, plan.enhancement, row.group, cell(limit, 4), std::to_string(row.lesions),
                   cell(row.mean.value, 6), cell(row.mean.low, 6), cell(row.mean.high, 6),
                   cell(row.missed, 3)});
}

}  // namespace

void study_lesions_by_map(StudyResult& study, const StudyMaps& maps) {
  if (maps.samples.empty()) return;
  std::array<double, kThirds> limits{};
  const auto group = thirds_by_map(maps, study.truth, &limits);
  report::ReportTable table = lesions_table(study, limits);
  std::string csv = "detector,enhancement,third,map_up_to,lesions,mean_sens,ci_low,ci_high,missed_at_1\n";
  for (const StudyRow& row : study.rows) {
    if (!reads_the_map(row.plan)) continue;
    std::vector<const std::vector<eval::Detection>*> seeds;
    for (const auto& detections : row.detections) seeds.push_back(&detections);
    std::vector<std::string> cells{full_name(row.plan)};
    const auto rows = eval::lesion_groups("map", {"dark", "middle", "bright"}, study.truth, group, seeds,
                                          study.settings.options);
    for (size_t g = 0; g < rows.size(); ++g) {
      cells.push_back(lesions_cell(rows[g]));
      csv += lesions_line(row.plan, rows[g], limits[g]);
    }
    table.rows.push_back(cells);
  }
  write_file(study.out + "/lesions_by_map.csv", csv);
  study.tables.push_back(table);
}

}  // namespace cawe::study
