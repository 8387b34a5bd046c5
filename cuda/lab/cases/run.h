// SPDX-License-Identifier: Apache-2.0
// Runs kernel cases on the emulator and says what is wrong with them.
#pragma once

#include "cuda/emulator/simt/emulator.h"
#include "cuda/lab/cases/case.h"

namespace cawe::on_emulator {

struct CaseResult {
  uint64_t seed = 0;
  double error = 0;
  simt::Counters counters;  ///< over all launches of the case
  std::vector<simt::LaunchReport> launches;
  std::vector<std::string> complaints;  ///< one line each; empty: the case holds
};

/// At Level::check values and findings are judged, at Level::profile the counts too.
CaseResult run_case(const Case& kernel_case, uint64_t seed, simt::Level level);

/// Cases whose name, shape or ladder contains `filter`.
std::vector<const Case*> cases_matching(const std::string& filter);

}  // namespace cawe::on_emulator
