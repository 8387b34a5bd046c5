// SPDX-License-Identifier: Apache-2.0
// What a study holds while it runs, asked for by row, film and method.
#include "study/study.h"

namespace cawe::study {

const StudyRow& StudyResult::baseline(const StudyRow& row) const {
  for (const StudyRow& r : rows)
    if (r.plan.detector == row.plan.detector && r.is_baseline()) return r;
  fail(Code::internal, "study without a baseline row");
}

size_t StudyResult::fold_of(size_t test_image) const {
  return settings.folds > 0 ? size_t(std::stoul(data.split.fold[size_t(test[test_image])])) : 0;
}

const train::Chain& StudyResult::chain(const std::string& method, size_t test_image) const {
  const std::vector<train::Chain>& all = chains.at(method);
  return all.size() == 1 ? all[0] : all[fold_of(test_image)];
}

std::shared_ptr<models::CaweEnhancer> StudyResult::map_maker(size_t test_image) const {
  const std::string method = map_method();
  if (method.empty()) return nullptr;
  return std::dynamic_pointer_cast<models::CaweEnhancer>(chain(method, test_image).enhancer);
}

std::string StudyResult::map_method() const {
  if (chains.count("cawe") > 0) return "cawe";
  for (const auto& [method, all] : chains)
    if (std::dynamic_pointer_cast<models::CaweEnhancer>(all[0].enhancer)) return method;
  return "";
}

}  // namespace cawe::study
