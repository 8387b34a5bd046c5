// SPDX-License-Identifier: Apache-2.0
// Where tests find the real images and label files, and what they do where there are none.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace cawe::testing {

/// $CAWE_DATA, or ../shared/data beside the project (tests run in the source folder).
inline std::filesystem::path data_dir() {
  const char* set = std::getenv("CAWE_DATA");
  return set != nullptr && *set != '\0' ? std::filesystem::path(set)
                                        : std::filesystem::path("../shared/data");
}

inline bool data_required() {
  const char* set = std::getenv("CAWE_REQUIRE_DATA");
  return set != nullptr && std::string(set) == "1";
}

}  // namespace cawe::testing

/// First line of a test that reads `part` of the data: skips where it is absent, fails where it is required.
#define CAWE_NEEDS_DATA(part)                                                               \
  do {                                                                                      \
    if (!std::filesystem::exists(::cawe::testing::data_dir() / (part))) {                   \
      if (::cawe::testing::data_required()) FAIL() << "data missing: " << (part);           \
      GTEST_SKIP() << "no " << (::cawe::testing::data_dir() / (part)) << "; set CAWE_DATA"; \
    }                                                                                       \
  } while (0)
