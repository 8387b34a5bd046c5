// SPDX-License-Identifier: Apache-2.0
// What every command asks of a path before it writes there.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace cawe::apps {

/// What a command reads and may not write over: files, and all files in folders and those below (data/folder_walk.h).
/// Known by device and inode, whatever paths, links or second names lead there. Empty names and paths that do not exist
/// are none; a folder that cannot be listed is a warning.
class ReadFiles {
 public:
  explicit ReadFiles(const std::vector<std::string>& inputs);
  /// Throws usage where `out` is one of them, or lies among the files of a run, a study or a cache. `flag` names the
  /// option, e.g. "--out". Where nothing is there yet, or something that is no regular file (a pipe, /dev/stdout),
  /// nothing can be lost.
  void keep(const std::string& out, const std::string& flag) const;

 private:
  void add(const std::string& file);
  const std::string& own_kind(const std::string& folder) const;
  mutable std::map<std::string, std::string> kinds_;  ///< by folder: outputs are many in few folders
  std::map<std::pair<uint64_t, uint64_t>, std::string> known_;
};

/// Whether a file is there that does not begin with `head`, as every file that this program writes there does.
bool is_foreign(const std::string& path, const std::string& head);
/// Throws usage where one is: for outputs whose names the user did not choose.
void check_own(const std::string& path, const std::string& head, const std::string& flag);

/// What is wrong with a path that no file system here can have ("is too long: a name of 5000 bytes (expected …)"),
/// else "".
std::string too_long(const std::string& path);
/// Throws usage where a word of the command line is such a path; values of --set and --ablate are none.
void check_names(const std::vector<std::string>& words);

}  // namespace cawe::apps
