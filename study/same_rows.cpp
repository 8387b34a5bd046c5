// SPDX-License-Identifier: Apache-2.0
#include "study/same_rows.h"

#include <algorithm>
#include <map>

#include "models/enhance/enhancer.h"
#include "tensor/error.h"
#include "tensor/text.h"

namespace cawe::study {

void check_same_films(const RowData& first, const RowData& row, const std::string& whose) {
  train::Strings others;
  const auto &before = first.data.hashes.parts, &now = row.data.hashes.parts;
  for (size_t i = 0; i < now.size(); ++i)
    if (now[i] != before[i]) others.push_back(now[i].first);
  if (row.data.split_hash != first.data.split_hash) others.emplace_back("split");
  if (row.test != first.test) others.emplace_back("test films");
  CAWE_CHECK(others.empty(), Code::usage, whose,
             " gives other films or another split than the other rows have: its ", listed(others),
             " differ (expected the same test set, since rows are compared on it)");
}

void check_same_pictures(const train::Recipe& first, const train::Recipe& row) {
  train::Strings sections = models::enhancer_needs(row.word("enhance.method")).sections;
  sections.emplace_back("image");
  std::map<std::string, std::string> before = first.resolved_values(), now = row.resolved_values();
  train::Strings others;
  for (const auto& [key, value] : now) {
    const std::string section = key.substr(0, key.find('.'));
    if (std::count(sections.begin(), sections.end(), section) > 0 && before[key] != value)
      others.push_back(key + " is " + value + ", there " +
                       (before[key].empty() ? "it is not given" : before[key]));
  }
  CAWE_CHECK(others.empty(), Code::usage, row.source(), ": makes other pictures of a film than ",
             first.source(), ": ", listed(others, "; "),
             " (expected the same values: the report shows one picture, with one map, for all detectors)");
}

}  // namespace cawe::study
