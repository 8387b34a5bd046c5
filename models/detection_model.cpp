// SPDX-License-Identifier: Apache-2.0
#include "models/detection_model.h"

#include "models/truths.h"

namespace cawe::models {

double DetectionModel::Losses::part(const std::string& name) const {
  for (const auto& [known, value] : parts)
    if (known == name) return value.item();
  fail(Code::usage, "detector: no loss is called \"", name, "\"");
}

std::vector<Tensor> DetectionModel::targets(int64_t, int64_t, const std::vector<Truth>& truths,
                                            const std::vector<DrawKey>& draws, Device device,
                                            const std::vector<std::string>& images, int64_t least_rows) {
  for (size_t i = 0; i < truths.size(); ++i)
    check_truth(truths[i], classes(), image_name(images, int64_t(i)));
  return {packed(truths, least_rows).to(device), packed(draws).to(device)};
}

DetectionModel::Losses DetectionModel::loss(const Variable& x, const std::vector<Truth>& truths) {
  CAWE_CHECK(int64_t(truths.size()) == x.dim(0), Code::shape, "detector: ", truths.size(),
             " lists of boxes for a batch of ", x.dim(0));
  std::vector<DrawKey> draws(truths.size());
  for (size_t i = 0; i < draws.size(); ++i) draws[i].image = i;
  return loss_of(x, targets(x.dim(2), x.dim(3), truths, draws, x.device()));
}

std::vector<Detections> DetectionModel::detect(const Tensor& x, const std::vector<std::string>& images) {
  return to_host(find(x), images);
}

}  // namespace cawe::models
