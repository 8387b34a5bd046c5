// SPDX-License-Identifier: Apache-2.0
// Runs kernel rows on the emulator and says what is wrong with them.
#pragma once

#include "cuda/emulator/simt/emulator.h"
#include "cuda/lab/cases/case.h"

namespace cawe::on_emulator {

struct RowResult {
  const Row* row = nullptr;
  uint64_t seed = 0;
  double error = 0;
  simt::Counters counters;  ///< over all launches of the row
  std::vector<simt::LaunchReport> launches;
  std::vector<std::string> complaints;  ///< one line each; empty: the row holds
};

/// At Level::check values and findings are judged, at Level::profile the counts too.
RowResult run_row(const Row& row, uint64_t seed, simt::Level level);

/// Rows whose name, shape or ladder contains `filter`.
std::vector<const Row*> rows_matching(const std::string& filter);

}  // namespace cawe::on_emulator
