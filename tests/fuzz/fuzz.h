// SPDX-License-Identifier: Apache-2.0
// What a fuzz target may let through: an error about the data, nothing else.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tensor/error.h"

/// Stops the fuzzer where a promise is broken.
#define FUZZ_CHECK(condition)                                                      \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                \
    }                                                                              \
  } while (0)

namespace cawe::fuzz {

/// Runs `parse`; an Error of Code::data is a fine answer, any other exception goes on to the fuzzer.
template <class Parse>
void expect_result_or_data_error(Parse parse) {
  try {
    parse();
  } catch (const Error& error) {
    if (error.code() != Code::data) throw;
    FUZZ_CHECK(error.what()[0] != '\0');
  }
}

}  // namespace cawe::fuzz
