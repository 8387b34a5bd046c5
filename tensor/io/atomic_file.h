// SPDX-License-Identifier: Apache-2.0
// Files that appear whole or not at all.
#pragma once

#include <cstddef>
#include <string>

namespace cawe {

/// Writes so that a reader sees the old file or the whole new one, even after a crash: a temporary name in
/// the same folder, fsync, rename, fsync of the folder. Throws io with the path and the system's reason; then
/// the old file is untouched and no temporary one is left.
void write_file(const std::string& path, const void* data, size_t bytes);
void write_file(const std::string& path, const std::string& text);

/// Removes what write_file() had begun below `dir` when its process was killed. No other process may be
/// writing there.
void remove_unfinished(const std::string& dir);

/// The whole file. Throws io where it cannot be read, data where it is larger than `max_bytes`.
std::string read_file(const std::string& path, size_t max_bytes = size_t(1) << 40);

}  // namespace cawe
