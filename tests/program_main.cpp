// SPDX-License-Identifier: Apache-2.0
// main() of the tests: in the floating-point mode of apps/main.cpp, so that what they show holds in the
// program.
#include <gtest/gtest.h>

#include "tensor/denormals.h"

int main(int argc, char** argv) {
  cawe::flush_denormals();
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
