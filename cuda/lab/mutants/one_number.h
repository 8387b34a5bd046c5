// SPDX-License-Identifier: Apache-2.0
// Included before a mutant's source: dispatches one type of numbers instead of four, so that a mutant compiles in
// about a third of the time. Cases of another type show nothing about it (main.cpp).
#pragma once

#include "cuda/kernels/types.h"

namespace cawe {

struct NumberLeftOut {};
[[noreturn]] void throw_number_left_out();

}  // namespace cawe

#undef CAWE_DISPATCH
#define CAWE_DISPATCH(number, T, ...)                   \
  if ((number) == ::cawe::Number::CAWE_MUTANT_NUMBER) { \
    using T = CAWE_MUTANT_TYPE;                         \
    __VA_ARGS__;                                        \
  } else {                                              \
    ::cawe::throw_number_left_out();                    \
  }
