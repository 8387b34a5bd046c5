// SPDX-License-Identifier: Apache-2.0
// What a TOML text may be, found out before the parser sees it: parser and tables go as deep on the stack as a
// text is nested, and recipes come out of strangers' checkpoints too.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cawe::train {

/// A recipe's deepest key has three parts ("phase.first.steps") and its largest text some tens of kilobytes.
constexpr int kMostTomlDepth = 32;
constexpr size_t kMostTomlBytes = size_t(1) << 20;

/// The first line where a table lies deeper than `most` levels, or 0. Every part of a [header], every part of a
/// dotted key and every bracket that is open is a level. Right up to the first mistake in the text, which is as
/// far as a parser goes.
int line_nested_deeper(std::string_view text, int most = kMostTomlDepth);

/// What is wrong with the text's size or depth as the end of a message (":12: is nested …"); "" where nothing is.
std::string toml_excess(std::string_view text);

}  // namespace cawe::train
