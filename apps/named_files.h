// SPDX-License-Identifier: Apache-2.0
// What every command asks of paths on its command line before it does anything long: a path that leads to nothing, or to
// something of another kind, is wrong usage; what a file of the right kind holds is the data's matter.
#pragma once

#include <string>

#include "tensor/error.h"

namespace cawe::apps {

/// Throw usage where `path`, which is read, is not there or of another kind. `flag`: its option or argument. A pipe or a
/// device is none of these: it would be waited for. Empty paths are passed over: nothing was named. `missing`: of a path
/// that is not there; data for commands that only look at what is in files.
void check_file(const std::string& path, const std::string& flag, Code missing = Code::usage);
void check_file_or_folder(const std::string& path, const std::string& flag, Code missing = Code::usage);

/// Throws usage where no file can be written at `path`: its folder is not there, or it is a folder itself.
void check_out_file(const std::string& path, const std::string& flag);
/// Throws usage where `path` cannot be made as a folder: it or one above it is a file, a device or a link to nothing.
void check_out_folder(const std::string& path, const std::string& flag);

}  // namespace cawe::apps
