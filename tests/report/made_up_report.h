// SPDX-License-Identifier: Apache-2.0
// A report with made-up systems and drawn pictures, for tests of the page; none of its figures means
// anything.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/formats/picture/png.h"
#include "report/figures/attention.h"
#include "report/figures/froc.h"
#include "report/figures/pipeline.h"
#include "report/figures/reliability.h"
#include "report/figures/tsne.h"
#include "report/further_table.h"
#include "report/page/page.h"
#include "report/subgroup_table.h"
#include "tensor/random.h"
#include "tests/eval/made_up_system.h"

namespace cawe::report::testing {

using eval::testing::kSide;
using eval::testing::made_up_detections;
using eval::testing::made_up_truth;

inline std::vector<uint8_t> png_bytes(const FigurePicture& p) {
  const std::vector<uint16_t> values(p.pixels.begin(), p.pixels.end());
  const std::string png = data::encode_png(int(p.width), int(p.height), int(p.channels), 8, values);
  return {png.begin(), png.end()};
}

/// A chest of sorts: two dark lungs with ribs, a heart, and a bright spot at (cx, cy) of the given strength.
inline FigurePicture chest(double cx, double cy, double strength, uint64_t seed) {
  Random random(seed, "test.chest");
  std::vector<uint8_t> pixels;
  for (int y = 0; y < kSide; ++y)
    for (int x = 0; x < kSide; ++x) {
      const double u = double(x) / kSide - .5, v = double(y) / kSide - .5;
      double value = .62 - .5 * v * v - .9 * u * u * u * u;
      for (double side : {-1.0, 1.0}) {
        const double d = std::hypot((u - side * .21) / .17, (v + .03) / .36);
        value -= .42 / (1 + std::exp((d - 1) * 14));
      }
      value += .05 * std::sin(46 * (v + .5 * u * u)) +
               .2 * std::exp(-std::hypot((u - .07) / .12, (v - .16) / .16) * 2);
      value += strength * std::exp(-(std::pow(x - cx, 2) + std::pow(y - cy, 2)) / 200);
      value += .02 * random.next_normal();
      pixels.push_back(uint8_t(255 * std::min(1.0, std::max(0.0, value))));
    }
  return {kSide, kSide, 1, pixels};
}

/// A bright bump at (cx, cy), `side` pixels wide, over the whole film.
inline FigurePicture bump(int side, double cx, double cy) {
  FigurePicture map{side, side, 1, {}};
  const double step = double(kSide) / side;
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x)
      map.pixels.push_back(uint8_t(
          255 * std::exp(-(std::pow(step * (x + .5) - cx, 2) + std::pow(step * (y + .5) - cy, 2)) / 1800)));
  return map;
}

/// Grey values through a curve, for a picture that looks enhanced.
inline FigurePicture curved(const FigurePicture& grey, double gamma) {
  FigurePicture out = grey;
  for (uint8_t& v : out.pixels) v = uint8_t(255 * std::pow(v / 255.0, gamma));
  return out;
}

inline FigurePicture tinted(const FigurePicture& grey) {
  FigurePicture out{grey.width, grey.height, 3, {}};
  for (uint8_t v : grey.pixels) out.pixels.insert(out.pixels.end(), {v, uint8_t(v * .82), uint8_t(v * .66)});
  return out;
}

/// I (alpha + (1 - alpha) L) of a picture and a map of one size.
inline FigurePicture fused(const FigurePicture& picture, const FigurePicture& map, double alpha) {
  FigurePicture out = picture;
  const size_t channels = size_t(picture.channels);
  for (size_t i = 0; i < out.pixels.size(); ++i)
    out.pixels[i] =
        uint8_t(std::lround(picture.pixels[i] * (alpha + (1 - alpha) * map.pixels[i / channels] / 255.0)));
  return out;
}

struct MadeUpSystem {
  const char *detector, *enhancement, *note;
  double skill;
  bool control;
};

/// Twelve rows of the paper's kinds, not in its order, and controls.
inline std::vector<MadeUpSystem> made_up_systems() {
  const char* const map_note = "uninformative map for class “mass”";
  std::vector<MadeUpSystem> systems;
  for (const char* detector : {"retinanet", "faster_rcnn"}) {
    const double more = std::string(detector) == "retinanet" ? .15 : 0;
    const bool noted = more > 0;
    const MadeUpSystem all[] = {{detector, "none", "", .5 + more, false},
                                {detector, "color", "", .6 + more, false},
                                {detector, "afda", "", .35 + more, false},
                                {detector, "medga", "", .75 + more, false},
                                {detector, "cawe", noted ? map_note : "", .55 + more, false},
                                {detector, "color+cawe", "", 1.5 + more, false},
                                {detector, "shuffled map", "", .1 + more, true},
                                {detector, "uniform map", "", .5 + more, true},
                                {detector, "clahe", "", .6 + more, true}};
    systems.insert(systems.end(), std::begin(all), std::end(all));
  }
  return systems;
}

inline ReportPanel made_up_panel(const eval::TruthImage& truth, size_t i,
                                 const std::vector<std::vector<eval::Detection>>& detections,
                                 const eval::FrocOptions& froc) {
  ReportPanel panel;
  const bool sick = !truth.boxes.empty();
  panel.title = truth.id;
  panel.width = panel.height = kSide;
  const double cx = sick ? truth.boxes[0].box.x1 + 15 : 96, cy = sick ? truth.boxes[0].box.y1 + 15 : 96;
  const FigurePicture grey = chest(cx, cy, sick ? .3 : 0, i);
  const std::vector<uint8_t> grey_png = png_bytes(grey), colour_png = png_bytes(tinted(grey));
  panel.pictures = {{"grey", grey_png},
                    {"AFDA", png_bytes(curved(grey, .8))},
                    {"MedGA", png_bytes(curved(grey, 1.3))},
                    {"color", colour_png},
                    {"CAWE", grey_png, true},
                    {"color+CAWE", colour_png, true}};
  panel.map_png = png_bytes(bump(12, cx, cy));
  panel.classes = sick ? MapClasses{MapOf::active, {{"opacity", .93}, {"mass", .61}}}
                       : MapClasses{MapOf::fallback, {{"mass", .38}}};
  for (const eval::TruthBox& t : truth.boxes) panel.truth.push_back(t.box);
  for (const auto& of_system : detections) {
    std::vector<eval::Detection> here;
    for (const eval::Detection& d : of_system)
      if (d.image == int64_t(i)) here.push_back(d);
    panel.predictions.push_back(report_boxes(truth, here, froc));
  }
  return panel;
}

inline PipelineExample made_up_pipeline(const eval::TruthImage& truth, const ReportPanel& panel) {
  const BoxD box = truth.boxes[0].box;
  PipelineExample e;
  e.image = truth.id;
  e.grey = chest(box.x1 + 15, box.y1 + 15, .3, 2);
  e.map = bump(kSide, box.x1 + 15, box.y1 + 15);
  e.colour = tinted(e.grey);
  e.fused = fused(e.colour, e.map, .5);
  e.width = e.height = kSide;
  e.truth = panel.truth;
  for (const ReportBox& b : panel.predictions[0])
    if (e.found.size() < 3) e.found.push_back(b);
  e.detector = "RetinaNet";
  e.chosen = "drawn at random from 3 made-up films";
  e.rule = eval::describe({});
  return e;
}

inline AttentionExample made_up_attention(const PipelineExample& from) {
  AttentionExample e;
  e.image = from.image;
  e.chosen = from.chosen;
  e.film = from.grey;
  e.map = from.map;
  e.width = from.width;
  e.height = from.height;
  e.truth = from.truth;
  const char* const names[] = {"opacity", "mass", "nodule", "effusion", "cardiomegaly", "edema", "fracture"};
  Random random(7, "test.report.attention");
  for (size_t k = 0; k < 7; ++k) {
    e.classes.push_back({names[k], k < 2 ? .93 - .3 * double(k) : .3 / double(k), k < 2, {}});
    for (int c = 0; k < 2 && c < 128; ++c) e.classes[k].gradients.push_back(.01 * random.next_normal());
  }
  for (int k = 0; k < 8; ++k)
    e.channels.push_back(
        {11 * k + 3, .03 - .002 * k, bump(16, random.next_uniform(40, 150), random.next_uniform(40, 150))});
  return e;
}

inline TsneExample made_up_tsne() {
  TsneExample e;
  e.dim = 8;
  e.enhancement = "Color + CAWE";
  e.options.iterations = 400;
  Random random(3, "test.report.tsne");
  const auto add = [&](FeatureSet* set, double shift) {
    for (int k = 0; k < 40; ++k) {
      set->images.push_back("image" + std::to_string(k));
      for (int c = 0; c < 8; ++c) set->features.push_back(float(random.next_normal() + (c < 2 ? shift : 0)));
    }
  };
  add(&e.normal, 0);
  add(&e.abnormal, 2);
  add(&e.enhanced_normal, 5);
  add(&e.enhanced_abnormal, 8);
  return e;
}

inline ReportTable made_up_subgroups(const std::vector<eval::TruthImage>& truth,
                                     const std::vector<eval::Detection>& detections,
                                     const eval::EvaluateOptions& options) {
  std::vector<std::string> sex, age;
  for (size_t i = 0; i < truth.size(); ++i) {
    sex.push_back(i % 7 == 0 ? "" : i % 4 < 2 ? "female" : "male");
    age.push_back(eval::age_group(double(i * 13 % 90)));
  }
  std::vector<eval::SubgroupRow> rows = eval::subgroups("sex", truth, sex, {&detections}, options);
  for (const eval::SubgroupRow& row : eval::subgroups("age", truth, age, {&detections}, options))
    rows.push_back(row);
  return subgroup_table("RetinaNet with Color + CAWE", rows);
}

inline ReportTable made_up_lesion_groups(const std::vector<eval::TruthImage>& truth,
                                         const std::vector<const std::vector<eval::Detection>*>& systems,
                                         const eval::EvaluateOptions& options) {
  std::vector<std::string> findings;
  for (size_t i = 0; i < truth.size(); ++i) findings.push_back(i % 3 == 0 ? "mass" : "opacity");
  std::vector<std::vector<eval::SubgroupRow>> rows;
  for (const auto* detections : systems)
    rows.push_back(eval::lesion_groups(eval::by_film_label(truth, findings), truth, {detections}, options));
  return lesion_group_table("RetinaNet", {"Plain", "CAWE"}, rows);
}

/// The curve of each seed, by row.
using SeedCurves = std::vector<std::vector<std::vector<eval::FrocPoint>>>;

/// `panels` films of the viewer. `curves`, where given, receives what rows are made from.
inline Report made_up_report(size_t panels = 5, SeedCurves* curves = nullptr) {
  SeedCurves unused;
  if (curves == nullptr) curves = &unused;
  Report report;
  report.title = "Does class-aware attention help a detector find lung opacities?";
  report.subtitle =
      "Made-up figures for a test of this page: two detectors, six enhancements, controls, one seed or "
      "five.";
  report.demonstration = true;
  report.findings = {
      "The classifier tells films with opacities from others better than chance (AUROC 0.94, 0.91 to 0.97).",
      "Its map points at the opacity in 68 % of the films, 3.6 times as often as a shuffled map."};
  const std::vector<eval::TruthImage> truth = made_up_truth();
  eval::EvaluateOptions options;
  options.draws = 1000;
  std::vector<std::vector<eval::Detection>> detections;
  std::vector<std::unique_ptr<eval::Evaluation>> evaluations;
  std::vector<double> p;
  std::vector<const eval::Evaluation*> baseline;
  std::vector<FurtherLine> further;
  std::vector<ReliabilityPanel> reliability;
  for (const MadeUpSystem& s : made_up_systems()) {
    // RetinaNet's rows have five seeds: their verdicts are about methods, Faster R-CNN's about weights.
    const bool several = std::string(s.detector) == "retinanet";
    std::vector<const eval::Evaluation*> seeds;
    detections.push_back(made_up_detections(truth, s.skill, 5));
    for (uint64_t seed = 5; seed < (several ? 10u : 6u); ++seed) {
      evaluations.push_back(std::make_unique<eval::Evaluation>(
          eval::evaluate(truth, made_up_detections(truth, s.skill, seed), options)));
      seeds.push_back(evaluations.back().get());
    }
    const bool first = std::string(s.enhancement) == "none";
    if (first) baseline = seeds;
    const std::string name = several ? "RetinaNet" : "Faster R-CNN";
    further.push_back({s.detector, s.enhancement, name + ", " + s.enhancement, seeds, {}});
    if (first)
      reliability.push_back(
          {name + ", plain, seed 0", "boxes", seeds[0]->calibration.width, seeds[0]->calibration.undefined});
    ReportRow row = report_row(s.detector, s.enhancement, seeds,
                               first ? std::vector<const eval::Evaluation*>{} : baseline,
                               int64_t(made_up_systems().size()) - 2);
    row.seeds = several ? "0, 1, 2, 3, 4" : "0";
    curves->emplace_back();
    for (const eval::Evaluation* e : seeds) curves->back().push_back(e->curve.points);
    row.control = s.control;
    row.note = s.note;
    row.paper = paper_figures(s.detector, s.enhancement);
    p.push_back(first ? std::nan("") : row.delta_mean.p);
    report.rows.push_back(row);
  }
  const std::vector<double> corrected = eval::holm(p);
  for (size_t i = 0; i < p.size(); ++i) report.rows[i].p_holm = corrected[i];
  const eval::Evaluation& e = *evaluations[0];
  report.froc_rule = eval::describe(e.options.froc);
  report.facts = {{"test images", std::to_string(e.images)},
                  {"patients", std::to_string(e.patients)},
                  {"lesions", std::to_string(e.lesions)},
                  {"lesion-free", std::to_string(e.negatives)},
                  {"bootstrap draws", std::to_string(options.draws)},
                  {"seeds", "1 or 5"}};
  report.table_notes = {"Sensitivities are of made-up detections."};
  report.threshold = .5;
  for (size_t k = 0; k < panels; ++k) {
    const size_t i = 2 + k % (truth.size() - 2);
    report.panels.push_back(made_up_panel(truth[i], i, detections, options.froc));
  }
  report.tables = {
      {"Does the map find lesions?",
       "Pointing: share of maps whose maximum lies in a true box. Energy: share of the map inside boxes.",
       {"Map", "Pointing", "Energy", "Verdict"},
       {{"CAWE, opacity", "0.68 (0.60 to 0.76)", "0.19", "informative"},
        {"shuffled", "0.19", "0.11", "–"},
        {"centre", "0.07", "0.13", "–"}}},
      made_up_subgroups(truth, detections[5], options),
      further_table(further, ScoresAre::given),
      made_up_lesion_groups(truth, {&detections[0], &detections[4]}, options)};
  const PipelineExample pipeline =
      made_up_pipeline(truth[2], made_up_panel(truth[2], 2, detections, options.froc));
  report.figures = {figure_pipeline({pipeline}), figure_attention(made_up_attention(pipeline)),
                    figure_tsne(made_up_tsne()), figure_froc(report.rows),
                    figure_reliability(reliability, "A box is right where it finds a lesion.")};
  report.recipe = "seed = 0\n[train]\nsteps = 320\n";
  report.environment = {
      {"program", "cawe 0.1.0"}, {"instruction set", "AVX2"}, {"bootstrap", "1000 draws, seed 0"}};
  return report;
}

}  // namespace cawe::report::testing
