// SPDX-License-Identifier: Apache-2.0
// Runs another program and keeps what it prints.
#pragma once

#include <string>
#include <vector>

namespace cawe::gpu {

struct Finished {
  int exit_code = 0;
  std::string out, err;
};

/// arguments[0] is the program's path; no shell reads any of them. Its standard input is empty. Waits for its
/// end. Throws Error(io) where it cannot be started or a signal ended it.
Finished run_program(const std::vector<std::string>& arguments);

}  // namespace cawe::gpu
