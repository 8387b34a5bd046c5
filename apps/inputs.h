// SPDX-License-Identifier: Apache-2.0
// Many input files: folders opened, each file read, the bad ones listed in rejected.csv.
#pragma once

#include <string>
#include <vector>

#include "data/sample.h"

namespace cawe::apps {

/// Every file of the given files and folders (recursively, sorted), with its size known. Bad ones are in
/// `rejected`. Throws usage where a path does not exist or nothing was found, data where the only input is
/// bad.
data::Dataset read_inputs(const std::vector<std::string>& paths);

/// Reports rejected files on stderr and in OUT_DIR/rejected.csv; returns the exit status (0 or 3).
int report_rejected(const data::Dataset& dataset, const std::string& out_dir, bool allow);

}  // namespace cawe::apps
