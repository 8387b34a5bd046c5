// SPDX-License-Identifier: Apache-2.0
#include "report/active_classes.h"

#include "tensor/io/format.h"
#include "tensor/text.h"

namespace cawe::report {

const char* name(MapOf kind) {
  return kind == MapOf::active ? "active" : kind == MapOf::fallback ? "fallback" : "asked";
}

std::string describe(const MapClasses& of) {
  std::vector<std::string> named;
  for (const auto& [name, probability] : of.classes) named.push_back(name + " " + fixed(probability, 2));
  const std::string list = listed(named, ", ", named.size());
  if (of.kind == MapOf::fallback)
    return "no class is active (fallback: " +
           (named.empty()       ? "an empty map"
            : named.size() == 1 ? "the likeliest, " + list
                                : "all classes, " + list) +
           ")";
  if (named.empty()) return "";
  return (of.kind == MapOf::asked ? "classes asked for: " : "active classes: ") + list;
}

}  // namespace cawe::report
