// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace cawe::apps {

struct Common;
/// Counts the steps whose name contains `filter` and prints a line each; of a single one also its primitives and
/// kernels. Throws Code::usage where none matches.
void print_steps(const std::string& filter, const Common& common);

}  // namespace cawe::apps
