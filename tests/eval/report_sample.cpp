// SPDX-License-Identifier: Apache-2.0
// Writes the made-up report to the path given: what the browser test opens.
#include <cstdio>

#include "tests/eval/made_up_report.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: report_sample OUT.html\n");
    return 2;
  }
  cawe::eval::write_report(argv[1], cawe::eval::testing::made_up_report());
  return 0;
}
