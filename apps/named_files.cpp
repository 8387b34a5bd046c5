// SPDX-License-Identifier: Apache-2.0
#include "apps/named_files.h"

#include <filesystem>

#include "apps/outputs.h"
#include "tensor/error.h"

namespace cawe::apps {
namespace fs = std::filesystem;
namespace {

fs::file_status existing(const std::string& path, const std::string& flag, const char* expected, Code code) {
  CAWE_CHECK(too_long(path).empty(), Code::usage, path, ": ", too_long(path));
  std::error_code error;
  const fs::file_status there = fs::status(path, error);
  CAWE_CHECK(fs::exists(there), code, path, ": no such ", expected, " (", flag, ")",
             there.type() == fs::file_type::none ? " (" + error.message() + ")" : std::string());
  CAWE_CHECK(fs::is_directory(there) || fs::is_regular_file(there), Code::usage, path,
             ": is no regular file (expected a ", expected, ": ", flag, ")");
  return there;
}

}  // namespace

void check_file(const std::string& path, const std::string& flag, Code missing) {
  if (path.empty()) return;
  CAWE_CHECK(!fs::is_directory(existing(path, flag, "file", missing)), Code::usage, path,
             ": is a folder (expected a file: ", flag, ")");
}

void check_file_or_folder(const std::string& path, const std::string& flag, Code missing) {
  if (!path.empty()) existing(path, flag, "file or folder", missing);
}

void check_out_file(const std::string& path, const std::string& flag) {
  std::error_code error;
  const fs::path folder = fs::path(path).parent_path();
  CAWE_CHECK(folder.empty() || fs::is_directory(folder, error), Code::usage, path, ": there is no folder ",
             folder.string(), " (expected ", flag, " in a folder that is there: mkdir -p makes it)");
  CAWE_CHECK(!fs::is_directory(path, error), Code::usage, path, ": is a folder (expected a file: ", flag,
             ")");
}

void check_out_folder(const std::string& path, const std::string& flag) {
  std::error_code error;
  for (fs::path at = path; !at.empty(); at = at.parent_path()) {
    const fs::file_status there = fs::status(at, error);
    if (fs::is_directory(there)) return;
    CAWE_CHECK(!fs::exists(there) || there.type() == fs::file_type::unknown, Code::usage, at.string(),
               ": is a file (expected a folder, or a new name for ", flag, ")");
    CAWE_CHECK(!fs::is_symlink(fs::symlink_status(at, error)), Code::usage, at.string(),
               ": is a link to nothing (expected a folder, or a new name for ", flag, ")");
    if (at == at.parent_path()) return;
  }
}

}  // namespace cawe::apps
