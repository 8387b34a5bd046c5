// SPDX-License-Identifier: Apache-2.0
// Writes the made-up report to the path given, with as many films as asked: what the browser test opens.
#include <cstdio>
#include <cstdlib>

#include "tests/eval/made_up_report.h"

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::fprintf(stderr, "usage: report_sample OUT.html [FILMS]\n");
    return 2;
  }
  cawe::eval::write_report(argv[1],
                           cawe::eval::testing::made_up_report(argc == 3 ? size_t(std::atoi(argv[2])) : 5));
  return 0;
}
