// SPDX-License-Identifier: Apache-2.0
// All figures of one system; paired comparison of two systems.
#include "eval/evaluate.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <set>

#include "eval/films.h"
#include "eval/froc_draws.h"
#include "eval/further.h"
#include "eval/read_boxes.h"
#include "eval/subgroups.h"
#include "tensor/denormals.h"
#include "tensor/error.h"
#include "tensor/io/format.h"
#include "tensor/text.h"

namespace cawe::eval {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

const std::vector<double>& table_fps() {
  static const std::vector<double> fps = {0.125, 0.25, 0.5, 1, 2, 3, 4, 8};
  return fps;
}

/// Abscissas of the band: multiples of 1/8 up to 8, which include every point that is read off the curve.
std::vector<double> grid() {
  std::vector<double> x;
  for (int i = 0; i <= 64; ++i) x.push_back(0.125 * i);
  return x;
}
size_t grid_index(double fp) { return size_t(std::lround(fp * 8)); }

/// The mean at some rates of values on the grid, of which each stands `stride` behind the one before.
double mean_at(const double* on_grid, int64_t stride, const std::vector<double>& fps) {
  double sum = 0;
  for (double fp : fps) sum += on_grid[int64_t(grid_index(fp)) * stride];
  return sum / double(fps.size());
}

PascalAp mean_pascal(const std::vector<TruthImage>& truth, const std::vector<Detection>& detections,
                     double threshold) {
  std::set<int64_t> labels;
  for (const TruthImage& image : truth)
    for (const TruthBox& box : image.boxes)
      if (!box.crowd) labels.insert(box.label);
  PascalAp mean;
  if (labels.empty()) mean.eleven_point = mean.every_point = std::nan("");
  for (int64_t label : labels) {
    std::vector<TruthImage> of_label = truth;
    for (TruthImage& image : of_label)
      image.boxes.erase(std::remove_if(image.boxes.begin(), image.boxes.end(),
                                       [&](const TruthBox& b) { return b.label != label; }),
                        image.boxes.end());
    std::vector<Detection> kept;
    for (const Detection& d : detections)
      if (d.label == label) kept.push_back(d);
    const PascalAp ap = pascal_ap(of_label, kept, threshold);
    mean.eleven_point += ap.eleven_point / double(labels.size());
    mean.every_point += ap.every_point / double(labels.size());
  }
  return mean;
}

/// Computes intervals, the curve's band and the draws in one bootstrap.
void add_uncertainty(const FrocData& data, const Ap50& ap50, const Clusters& clusters, Evaluation* e) {
  const std::vector<double> x = grid();
  const size_t n = x.size();
  const FrocDraws froc(data, x);
  const auto statistic = [&](const DrawBlock& block, double* v) {
    froc.sens(block, v);
    for (int64_t lane = 0; lane < kDrawBlock; ++lane) {
      v[int64_t(n) * kDrawBlock + lane] = mean_at(v + lane, kDrawBlock, paper_fps());
      v[int64_t(n + 1) * kDrawBlock + lane] = mean_at(v + lane, kDrawBlock, luna_fps());
    }
    ap50.values(block, v + int64_t(n + 2) * kDrawBlock);
  };
  const std::vector<double> point = of_whole_set(clusters, int64_t(n + 3), statistic);
  const auto drawn = bootstrap_blocks(clusters, int64_t(n + 3), statistic, e->options.draws, e->options.seed);
  const auto interval = [&](size_t k) { return percentile_interval(point[k], drawn[k], e->options.level); };
  for (size_t i = 0; i < n; ++i) {
    const Interval band = interval(i);
    e->band_x.push_back(x[i]);
    e->band_low.push_back(band.low);
    e->band_high.push_back(band.high);
    e->band_value.push_back(point[i]);
    e->band_drawn.emplace_back(drawn[i].begin(),
                               drawn[i].begin() + std::min<int64_t>(kBandDraws, e->options.draws));
  }
  for (SensRow& row : e->sens) row.interval = interval(grid_index(row.at.fp));
  e->mean_paper = interval(n);
  e->mean_luna = interval(n + 1);
  e->map50 = interval(n + 2);
  for (double fp : paper_fps()) e->drawn.push_back(drawn[grid_index(fp)]);
  e->drawn.push_back(drawn[n]);
  e->drawn.push_back(drawn[n + 2]);
}

/// The six figures of a system that are compared, of the whole set and of the draws, averaged over its seeds.
struct Averaged {
  std::vector<double> value = std::vector<double>(kCompared, 0.0);
  std::vector<std::vector<double>> drawn;
};

Averaged average(const std::vector<const Evaluation*>& seeds) {
  CAWE_CHECK(!seeds.empty(), Code::internal, "compare: a system without evaluations");
  const double share = 1 / double(seeds.size());
  Averaged mean;
  for (const Evaluation* e : seeds) check_same_draws(*seeds[0], *e);
  for (size_t k = 0; k < kCompared; ++k) {
    std::vector<const std::vector<double>*> runs;
    for (const Evaluation* e : seeds) {
      mean.value[k] += share * e->compared(k);
      runs.push_back(&e->drawn[k]);
    }
    mean.drawn.push_back(mean_of_draws(runs));
  }
  return mean;
}

/// What a reader has to know of the intervals before taking them at their word.
void note_intervals(Evaluation* e) {
  if (e->options.draws < kFewDraws)
    e->notes.push_back("intervals are of " + std::to_string(e->options.draws) + " draws alone (expected " +
                       std::to_string(kFewDraws) + " or more: their ends are those of a few draws)");
  std::string none, all, other;
  for (const SensRow& row : e->sens) {
    if (!(row.interval.low == row.interval.high)) continue;
    std::string& where = row.interval.value == 0 ? none : row.interval.value == 1 ? all : other;
    where += (where.empty() ? "Sens@" : ", ") + shortest(row.at.fp);
  }
  const bool one = e->lesions == 1;
  const std::string lesions = std::to_string(e->lesions);
  const double three = std::min(1.0, 3 / double(e->lesions));
  if (!none.empty())
    e->notes.push_back(none + (one ? ": the one lesion is not" : ": none of the " + lesions + " lesions is") +
                       " found, all draws agree, and [0, 0] is no " + "interval (rule of three: up to " +
                       rounded(three, 3) + " is not excluded)");
  if (!all.empty())
    e->notes.push_back(all + (one ? ": the one lesion is" : ": all of the " + lesions + " lesions are") +
                       " found, all draws agree, and [1, 1] is no " + "interval (rule of three: down to " +
                       rounded(1 - three, 3) + " is not excluded)");
  if (!other.empty()) e->notes.push_back(other + ": all draws agree; an interval without width is none");
}

}  // namespace

const SensRow& Evaluation::at(double fp) const {
  for (const SensRow& row : sens)
    if (row.at.fp == fp) return row;
  fail(Code::internal, "Evaluation: no Sens@", fp);
}

double Evaluation::compared(size_t figure) const {
  if (figure < paper_fps().size()) return at(paper_fps()[figure]).interval.value;
  CAWE_CHECK(figure < kCompared, Code::internal, "Evaluation: no compared figure ", figure);
  return figure == kComparedMean ? mean_paper.value : map50.value;
}

void check_same_draws(const Evaluation& a, const Evaluation& b) {
  CAWE_CHECK(a.drawn.size() == kCompared && b.drawn.size() == kCompared &&
                 a.drawn[0].size() == b.drawn[0].size() && a.options.seed == b.options.seed &&
                 a.patients == b.patients && a.images == b.images && a.lesions == b.lesions,
             Code::internal, "compare: evaluations of different test sets or draws");
}

Evaluation evaluate(const std::vector<TruthImage>& truth, const std::vector<Detection>& detections,
                    const EvaluateOptions& options, bool patients_known) {
  const KeepDenormals exact;
  const FrocData data = judge(truth, detections, options.froc);
  Evaluation e;
  e.options = options;
  e.curve = froc_curve(data);
  e.images = int64_t(truth.size());
  e.negatives = e.curve.negatives;
  e.lesions = e.curve.lesions;
  e.detections = int64_t(detections.size());
  e.unit = patients_known ? options.unit : data::FilmUnit::image;
  e.options.unit = e.unit;
  e.patients_known = e.unit == data::FilmUnit::patient;
  Clusters clusters;
  clusters.of_item = patient_index(truth, &clusters.count);
  e.patients = clusters.count;
  for (const TruthImage& image : truth) e.without_person += image.patient.empty();
  for (double fp : table_fps())
    e.sens.push_back({sens_at(e.curve, fp), {}, sens_at(e.curve, fp, Denominator::negatives)});
  add_uncertainty(data, Ap50(truth, detections), clusters, &e);
  add_further_figures(truth, detections, data, clusters, &e);
  e.coco = coco_summary(truth, detections);
  for (double t : {0.1, 0.3, 0.5, 0.75}) e.pascal.push_back({t, mean_pascal(truth, detections, t)});
  if (e.unit == data::FilmUnit::image)
    e.notes.push_back(
        "whose the images are is not known: intervals are over images, too narrow where several show one "
        "body");
  if (e.unit == data::FilmUnit::group)
    e.notes.push_back("intervals are over groups of films that are alike (data.groups)");
  if (e.lesions == 0) e.notes.push_back("no lesion among the images: sensitivities and AP are not defined");
  if (e.negatives == 0) e.notes.push_back("no lesion-free image: that false positive rate is not defined");
  if (e.map50.skipped > 0 && e.lesions > 0)
    e.notes.push_back(std::to_string(e.map50.skipped) + " of " + std::to_string(options.draws) +
                      " draws had no lesion and " + (e.map50.skipped == 1 ? "was" : "were") + " left out");
  note_intervals(&e);
  return e;
}

std::vector<Difference> compare(const std::vector<const Evaluation*>& a,
                                const std::vector<const Evaluation*>& b) {
  const KeepDenormals exact;
  const Averaged first = average(a), second = average(b);
  check_same_draws(*a[0], *b[0]);
  std::vector<Difference> differences;
  for (size_t k = 0; k < kCompared; ++k)
    differences.push_back(paired_difference(second.value[k] - first.value[k], first.drawn[k], second.drawn[k],
                                            a[0]->options.level));
  if (a[0]->patients < 2)  // all draws are of the one patient
    for (Difference& d : differences) d.interval.low = d.interval.high = d.p = d.minimum_detectable = kNaN;
  return differences;
}

std::string films_list(const EvaluateFiles& files) {
  if (!files.films.empty()) return files.films;
  std::error_code error;
  const std::string beside = films_beside(files.detections);
  const bool folder = std::filesystem::is_directory(files.detections, error);
  return !folder && std::filesystem::exists(beside, error) ? beside : "";
}

namespace {

data::FilmUnit unit_of(const std::vector<TruthImage>& images) {
  std::vector<std::string> ids, patients;
  for (const TruthImage& image : images) {
    ids.push_back(image.id);
    patients.push_back(image.patient);
  }
  return data::film_unit(ids, patients);
}

}  // namespace

Evaluation evaluate_files(const EvaluateFiles& files, const EvaluateOptions& options) {
  TruthSet truth = read_truth(files.truth);
  LookedAtFilms looked_at{true, films_list(files)};
  std::vector<LookedAt> films;
  if (!looked_at.list.empty()) films = read_films(looked_at.list);
  const std::vector<Detection> detections =
      read_detections(files.detections, &truth, films.empty() ? nullptr : &films, &looked_at.left_out);
  for (const LookedAt& film : films) looked_at.trained += film.leak;  // all of them are judged
  if (!files.patients.empty()) read_patients(files.patients, &truth);
  CAWE_CHECK(count_lesions(truth.images) > 0, Code::data, files.truth, ": no lesion among its ",
             truth.images.size(), films.empty() ? " images" : " images that were looked at",
             " (expected at least one)");
  EvaluateOptions by_unit = options;
  by_unit.unit = unit_of(truth.images);
  Evaluation e = evaluate(truth.images, detections, by_unit, truth.patients_known);
  for (const LesionGrouping& grouping : {size_thirds(truth.images), coco_sizes(truth.images),
                                         by_lesion_label(truth.images, truth.label_names)})
    for (const SubgroupRow& row : lesion_groups(grouping, truth.images, {&detections}, by_unit))
      e.lesions_by.push_back(row);
  if (films.empty())
    truth.notes.push_back(
        "no list of the films that were looked at (--films): every film of the truth counts as looked at");
  else if (looked_at.left_out > 0)
    truth.notes.push_back(detail::concat(counted(looked_at.left_out, "film"), " of the truth ",
                                         looked_at.left_out == 1
                                             ? "is left out: it was not looked at, by "
                                             : "are left out: they were not looked at, by ",
                                         looked_at.list));
  if (looked_at.trained > 0)
    e.doubts.push_back(
        detail::concat(looked_at.trained, " of ", counted(e.images, "film"),
                       " trained the detector or a model of its chain, or their persons did (leak in ",
                       looked_at.list, "): the figures are better than on films of others"));
  if (e.without_person > 0)
    e.doubts.push_back(detail::concat(e.without_person, " of ", counted(e.images, "film"),
                                      e.without_person == 1 ? " names" : " name",
                                      " no person: whether their persons trained the detector is not known, "
                                      "and each counts for itself (--patients TABLE names persons)"));
  e.films = looked_at;
  truth.notes.insert(truth.notes.end(), e.doubts.begin(), e.doubts.end());
  e.notes.insert(e.notes.begin(), truth.notes.begin(), truth.notes.end());
  return e;
}

}  // namespace cawe::eval
