// SPDX-License-Identifier: Apache-2.0
// A folder that a command works in for long (a run, a study, a cache). A marker file proves that it is this
// program's, so nothing of anybody else's is ever replaced or removed; a lock lets one process at a time in.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "tensor/io/files.h"

namespace cawe {

class FolderClaim {
 public:
  /// Makes DIR where it is missing, marks it by DIR/.cawe ("cawe KIND 1") and locks it by DIR/.cawe-lock until
  /// destruction. A process that was killed leaves a lock that the next one takes over. Then what killed
  /// processes left half-written in DIR itself is removed. Until destruction links in DIR are not followed
  /// (OwnFolder).
  ///
  /// Throws usage, before anything is touched, where DIR is a file, holds something and bears no such marker
  /// (`older`, where given, recognises folders from before there were markers), is of another kind, or is in use
  /// by another process; io where it cannot be made or written.
  FolderClaim(const std::string& dir, const std::string& kind, const std::function<bool()>& older = {});
  ~FolderClaim();
  FolderClaim(const FolderClaim&) = delete;
  FolderClaim& operator=(const FolderClaim&) = delete;

 private:
  void lock(const std::string& kind);
  std::string dir_, path_;
  std::optional<OwnFolder> own_;
  int fd_ = -1;
};

/// Makes and marks DIR as the constructor does, without a lock: for a folder inside one that is locked.
void mark_folder(const std::string& dir, const std::string& kind, const std::function<bool()>& older = {});
/// The kind that DIR's marker says: "run"; "" where it has none.
std::string folder_kind(const std::string& dir);
constexpr const char* kFolderMarker = ".cawe";
constexpr const char* kFolderLock = ".cawe-lock";

/// What a lock file says of the process that wrote it.
struct LockHolder {
  std::string host, space;  ///< machine, and the process numbers' name space (a container has its own)
  long process = 0;
  std::string started;  ///< of the process, as the system counts it: a number that is used again differs
  std::string since;    ///< for people
};
std::string lock_text(const LockHolder& holder);
/// Empty host where the text is no lock's.
LockHolder parse_lock(std::string_view text);
/// This process.
LockHolder this_process();

/// Whether a lock may be taken. The system's own lock (flock) decides where the folder lies on this machine's
/// disk. On a network's, which may keep such locks for one machine only or not at all, what is written in the file
/// counts, too: another machine's holder is believed, one of this machine is looked for.
enum class SystemLock { got, held, none };
bool may_take(SystemLock system, bool local_disk, const LockHolder& before, const LockHolder& me, bool alive);

}  // namespace cawe
