// SPDX-License-Identifier: Apache-2.0
// A report with made-up systems and drawn pictures, for tests of the page; none of its figures means
// anything.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "eval/report.h"
#include "tensor/random.h"

namespace cawe::eval::testing {

/// A PNG of 8-bit grey (channels 1) or RGB (channels 3) pixels, stored without compression.
inline std::vector<uint8_t> stored_png(const std::vector<uint8_t>& pixels, uint32_t width, uint32_t height,
                                       uint32_t channels) {
  std::vector<uint8_t> png = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  const auto put32 = [](std::vector<uint8_t>* to, uint32_t v) {
    for (int shift = 24; shift >= 0; shift -= 8) to->push_back(uint8_t(v >> shift));
  };
  const auto chunk = [&](const std::string& type, const std::vector<uint8_t>& body) {
    put32(&png, uint32_t(body.size()));
    std::vector<uint8_t> checked(type.begin(), type.end());
    checked.insert(checked.end(), body.begin(), body.end());
    uint32_t crc = 0xffffffffu;
    for (uint8_t byte : checked) {
      crc ^= byte;
      for (int k = 0; k < 8; ++k) crc = crc & 1 ? 0xedb88320u ^ (crc >> 1) : crc >> 1;
    }
    png.insert(png.end(), checked.begin(), checked.end());
    put32(&png, ~crc);
  };
  std::vector<uint8_t> header;
  put32(&header, width);
  put32(&header, height);
  header.insert(header.end(), {8, uint8_t(channels == 3 ? 2 : 0), 0, 0, 0});
  std::vector<uint8_t> raw;
  const size_t row = size_t(width) * channels;
  for (uint32_t y = 0; y < height; ++y) {
    raw.push_back(0);
    raw.insert(raw.end(), pixels.begin() + long(y * row), pixels.begin() + long((y + 1) * row));
  }
  std::vector<uint8_t> z = {0x78, 0x01};
  uint32_t a = 1, b = 0;
  for (size_t at = 0; at < raw.size(); at += 65535) {
    const size_t n = std::min<size_t>(65535, raw.size() - at);
    z.push_back(at + n == raw.size());
    for (size_t v : {n, ~n}) {
      z.push_back(uint8_t(v));
      z.push_back(uint8_t(v >> 8));
    }
    z.insert(z.end(), raw.begin() + long(at), raw.begin() + long(at + n));
  }
  for (uint8_t byte : raw) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  put32(&z, b << 16 | a);
  chunk("IHDR", header);
  chunk("IDAT", z);
  chunk("IEND", {});
  return png;
}

constexpr int kSide = 192;

/// A chest of sorts: two dark lungs with ribs, a heart, and a bright spot at (cx, cy) of the given strength.
inline std::vector<uint8_t> chest(double cx, double cy, double strength, uint64_t seed) {
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
  return pixels;
}

/// Test images with lesions at random and a system that finds them with the given skill.
inline std::vector<TruthImage> made_up_truth() {
  Random random(11, "test.report.truth");
  std::vector<TruthImage> truth;
  for (int i = 0; i < 140; ++i) {
    TruthImage image{"image" + std::to_string(i), "p" + std::to_string(i / 2), {}, kSide, kSide};
    for (uint64_t k = i % 5 < 2 ? 0 : 1 + random.next_below(2); k > 0; --k) {
      const double x = random.next_uniform(25, 130), y = random.next_uniform(30, 130);
      image.boxes.push_back({{x, y, x + 30, y + 30}, 0, false, 900});
    }
    truth.push_back(image);
  }
  return truth;
}

inline std::vector<Detection> made_up_detections(const std::vector<TruthImage>& truth, double skill,
                                                 uint64_t seed) {
  Random random(seed, "test.report.detections");
  std::vector<Detection> detections;
  const auto logistic = [](double v) { return 1 / (1 + std::exp(-v)); };
  for (size_t i = 0; i < truth.size(); ++i) {
    for (const TruthBox& t : truth[i].boxes) {
      const double dx = 5 * random.next_normal(), dy = 5 * random.next_normal();
      detections.push_back({int64_t(i),
                            {t.box.x1 + dx, t.box.y1 + dy, t.box.x2 + dx, t.box.y2 + dy},
                            logistic(skill + 1.5 * random.next_normal()),
                            0});
    }
    for (int k = 0; k < 9; ++k) {
      const double x = random.next_uniform(5, 150), y = random.next_uniform(5, 150);
      detections.push_back(
          {int64_t(i), {x, y, x + 30, y + 30}, logistic(-1.5 + 1.4 * random.next_normal()), 0});
    }
  }
  return detections;
}

inline Report made_up_report() {
  Report report;
  report.title = "Does class-aware attention help a detector find lung opacities?";
  report.subtitle =
      "Made-up figures for a test of this page: two detectors, four enhancements, one seed each.";
  report.demonstration = true;
  report.findings = {
      "The classifier tells films with opacities from others better than chance (AUROC 0.94, 0.91 to 0.97).",
      "Its map points at the opacity in 68 % of the films, 3.6 times as often as a shuffled map.",
      "Neither detector finds more lesions with the map than without it, as far as 140 films can tell."};
  const std::vector<TruthImage> truth = made_up_truth();
  struct System {
    const char *detector, *enhancement, *note;
    double skill;
    bool control;
  };
  const std::vector<System> systems = {
      {"Faster R-CNN", "none", "", .3, false},
      {"Faster R-CNN", "CAWE", "", .45, false},
      {"Faster R-CNN", "Color + CAWE", "", .6, false},
      {"Faster R-CNN", "CAWE, shuffled", "", .1, true},
      {"RetinaNet", "none", "", .5, false},
      {"RetinaNet", "CAWE", "uninformative map for class “mass”", .55, false},
      {"RetinaNet", "Color + CAWE", "", .9, false},
      {"RetinaNet", "CAWE, shuffled", "", .2, true}};
  EvaluateOptions options;
  options.draws = 400;
  std::vector<std::vector<Detection>> detections;
  std::vector<std::unique_ptr<Evaluation>> evaluations;
  std::vector<double> p;
  const Evaluation* baseline = nullptr;
  for (const System& s : systems) {
    detections.push_back(made_up_detections(truth, s.skill, 5));
    evaluations.push_back(std::make_unique<Evaluation>(evaluate(truth, detections.back(), options)));
    const bool first = std::string(s.enhancement) == "none";
    if (first) baseline = evaluations.back().get();
    ReportRow row =
        report_row(s.detector, s.enhancement, {evaluations.back().get()},
                   first ? std::vector<const Evaluation*>{} : std::vector<const Evaluation*>{baseline});
    row.seeds = "0";
    row.control = s.control;
    row.note = s.note;
    p.push_back(first ? std::nan("") : row.delta_mean.p);
    if (!first) report.minimum_detectable = row.delta_mean.minimum_detectable;
    report.rows.push_back(row);
  }
  const std::vector<double> corrected = holm(p);
  for (size_t i = 0; i < p.size(); ++i) report.rows[i].p_holm = corrected[i];
  const Evaluation& e = *evaluations[0];
  report.froc_rule = describe(e.options.froc);
  report.facts = {{"test images", std::to_string(e.images)},
                  {"patients", std::to_string(e.patients)},
                  {"lesions", std::to_string(e.lesions)},
                  {"lesion-free", std::to_string(e.negatives)},
                  {"bootstrap draws", std::to_string(options.draws)},
                  {"seeds", "1"}};
  report.table_notes = {"Sensitivities are of made-up detections."};
  report.threshold = .5;
  for (size_t i : {size_t{2}, size_t{3}, size_t{4}, size_t{5}}) {
    ReportPanel panel;
    panel.title = truth[i].id + (truth[i].boxes.empty() ? " (no lesion)" : "");
    panel.width = panel.height = kSide;
    const bool sick = !truth[i].boxes.empty();
    const double cx = sick ? truth[i].boxes[0].box.x1 + 15 : 96,
                 cy = sick ? truth[i].boxes[0].box.y1 + 15 : 96;
    const std::vector<uint8_t> grey = chest(cx, cy, sick ? .3 : 0, i);
    std::vector<uint8_t> map, colour;
    for (int y = 0; y < 12; ++y)
      for (int x = 0; x < 12; ++x)
        map.push_back(
            uint8_t(255 * std::exp(-(std::pow(16 * x + 8 - cx, 2) + std::pow(16 * y + 8 - cy, 2)) / 1800)));
    for (uint8_t v : grey) colour.insert(colour.end(), {v, uint8_t(v * .82), uint8_t(v * .66)});
    panel.pictures = {{"grey", stored_png(grey, kSide, kSide, 1)},
                      {"colour", stored_png(colour, kSide, kSide, 3)}};
    panel.map_png = stored_png(map, 12, 12, 1);
    panel.classes = {{"opacity", .93}, {"mass", .61}};
    for (const TruthBox& t : truth[i].boxes) panel.truth.push_back(t.box);
    for (const auto& of_system : detections) {
      std::vector<Detection> here;
      for (const Detection& d : of_system)
        if (d.image == int64_t(i)) here.push_back(d);
      panel.predictions.push_back(report_boxes(truth[i], here, options.froc));
    }
    report.panels.push_back(panel);
  }
  report.tables = {
      {"Does the map find lesions?",
       "Pointing: share of maps whose maximum lies in a true box. Energy: share of the map inside boxes.",
       {"Map", "Pointing", "Energy", "Verdict"},
       {{"CAWE, opacity", "0.68 (0.60 to 0.76)", "0.19", "informative"},
        {"shuffled", "0.19", "0.11", "–"},
        {"centre", "0.07", "0.13", "–"}}}};
  std::vector<ScatterGroup> groups = {{"normal", "#d64545", {}}, {"abnormal", "#3a9a50", {}}};
  Random random(3, "test.report.scatter");
  for (size_t g = 0; g < 2; ++g)
    for (int k = 0; k < 60; ++k)
      groups[g].points.push_back({random.next_normal() + 3 * double(g), random.next_normal()});
  report.figures = {
      {"Features of the classifier", "t-SNE of pooled features; distances between groups mean little.",
       scatter_svg({"t-SNE of pooled features", "Two groups of points, partly apart."}, groups)},
      {"AUROC by class", "Held-out films.",
       bar_svg({"AUROC by class", "Three bars."},
               {{"opacity", {.94, .91, .97, 1, 0}}, {"mass", {.81, .72, .9, 1, 0}}})}};
  report.recipe = "seed = 0\n[train]\nsteps = 320\n";
  report.environment = {
      {"program", "cawe 0.1.0"}, {"instruction set", "AVX2"}, {"bootstrap", "400 draws, seed 0"}};
  return report;
}

}  // namespace cawe::eval::testing
