// SPDX-License-Identifier: Apache-2.0
// Whether the attention map finds the lesions, asked on the test films before any detection.
#include "data/loader.h"
#include "train/study.h"

namespace cawe::train {

std::vector<eval::LocalisationRow> study_localisation(const StudyResult& study) {
  const auto enhancer = study.map_maker();
  if (!enhancer) return {};
  data::LoaderOptions options = study.loader;
  options.enhance = {};
  options.shuffle = options.augment = options.normalise = false;
  options.channels = 1;
  options.batch = 16;
  std::vector<int64_t> with_boxes;
  for (const int64_t i : study.test)
    if (!study.data.dataset.samples[size_t(i)].boxes.empty()) with_boxes.push_back(i);
  if (with_boxes.empty()) return {};
  data::Loader loader(study.data.dataset, with_boxes, options);
  std::vector<eval::MapSample> samples;
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
      samples.push_back(std::move(m));
    }
  }
  return eval::localisation(samples, study.settings.options.draws, study.settings.options.seed);
}

}  // namespace cawe::train
