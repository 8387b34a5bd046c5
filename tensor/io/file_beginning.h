// SPDX-License-Identifier: Apache-2.0
// What kind of file it is, by its first bytes; for any path, also of somebody else's pipe.
#pragma once

#include <cstddef>
#include <string>

namespace cawe {

/// The first `bytes` of a regular file, or all where it has fewer; "" of everything else (a pipe would be waited for),
/// and of what cannot be read.
std::string read_beginning(const std::string& path, size_t bytes);

}  // namespace cawe
