// SPDX-License-Identifier: Apache-2.0
// A study's result as it is before maps, tables and figures are made: films of noise in files, one detector's plain row and its
// row with maps, a classifier of random weights.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/formats/picture/png.h"
#include "study/study.h"
#include "tensor/random.h"
#include "tests/models/enhance_support.h"
#include "train/detector_task.h"

namespace cawe::study::testing {

constexpr int kSide = 64;  ///< of the network's picture

inline train::Chain chain_with_maps() {
  const models::EnhancerOptions options = models::testing::with_classifier(kSide);
  train::Chain chain;
  chain.method = "cawe";
  chain.enhancer = models::make_enhancer("cawe", options);
  chain.classifier.net = options.classifier;
  chain.classifier.labels = {"nodule", "mass", "edema"};
  return chain;
}

inline StudyRow row_of(const std::string& method) {
  StudyRow row;
  row.plan = {"retinanet", method, method, RowKind::paper};
  row.plan.seeds = {0};
  row.detections.emplace_back();
  return row;
}

/// Without films yet; its files are written into `out`.
inline StudyResult result_in(const std::string& out, data::Fit fit = data::Fit::stretch) {
  StudyResult study;
  study.out = out;
  study.settings.seeds = {0};
  study.settings.options.draws = 20;
  study.alpha = 0.5;
  study.rows = {row_of("none"), row_of("cawe")};
  study.loader.width = study.loader.height = kSide;
  study.loader.fit = fit;
  study.loader.workers = 0;
  train::Chain plain;
  plain.enhancer = models::make_enhancer("none", {});
  study.chains["none"] = {plain};
  study.chains["cawe"] = {chain_with_maps()};
  return study;
}

inline data::FloatImage noise(int width, int height, const std::string& name) {
  Random random(5, name);
  data::FloatImage film(width, height, 1);
  for (float& v : film.pixels) v = float(random.next_uniform());
  return film;
}

/// A test film of a person of its own, in fold "test"; every lesion is found by both rows.
inline void add_film(StudyResult* study, const std::string& name, const data::FloatImage& film,
                     const std::vector<Box>& lesions) {
  data::Sample s;
  s.image_id = name;
  s.patient_id = "person of " + name;
  s.path = study->out + "/" + name + ".png";
  s.width = film.width;
  s.height = film.height;
  s.boxes = lesions;
  s.box_classes.assign(lesions.size(), 0);
  s.has_box_annotation = true;
  data::write_png(s.path, film);
  study->test.push_back(int64_t(study->data.dataset.samples.size()));
  study->data.dataset.samples.push_back(std::move(s));
  study->data.split.fold.emplace_back("test");
  study->truth = train::truth_of(study->data.dataset, study->test);
  for (StudyRow& row : study->rows)
    for (const Box& b : lesions)
      row.detections[0].push_back({int64_t(study->truth.size()) - 1,
                                   {double(b.x1), double(b.y1), double(b.x2), double(b.y2)},
                                   0.9,
                                   0});
}

/// What a study knows of its rows when figures are drawn.
inline void evaluate(StudyResult* study) {
  for (StudyRow& row : study->rows)
    row.seeds = {std::make_shared<eval::Evaluation>(
        eval::evaluate(study->truth, row.detections[0], study->settings.options))};
  compare_rows(*study);
}

}  // namespace cawe::study::testing
