// SPDX-License-Identifier: Apache-2.0
// The one layer through which this program writes files (scripts/check-writers holds the others to it).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cawe {

/// Writes so that a reader sees the old file or the whole new one, even after a crash: a temporary name in
/// the same folder, fsync, rename, fsync of the folder. Throws io with the path and the system's reason; then
/// the old file is untouched and no temporary one is left.
/// - A file that is there gives the new one its permissions; a new one has 0666 less the umask. Another hard
///   link to the old file keeps the old text.
/// - A symbolic link stays: what it points at is written, or made where it is not there yet.
/// - What is no regular file (/dev/stdout, /dev/full, a named pipe) is written through and never replaced; it
///   may have taken a part when the rest fails. So is an open file of this process by its number (/dev/fd/3),
///   which goes on where that descriptor stands.
void write_file(const std::string& path, const void* data, size_t bytes);
void write_file(const std::string& path, std::string_view text);
/// Whether `path` names an open file of this process (/dev/stdout): write_file() adds to it and replaces nothing.
bool is_open_file(const std::string& path);

/// Adds to the end of a log, which is made where it is missing. Throws io with the path and the system's
/// reason; then a regular file is as long as before, so a log never holds half a line. Not flushed to the
/// disk: a crash of the machine may cost the last lines.
void append_file(const std::string& path, std::string_view text);

/// While it lives, no link in a folder of this program (folder_claim.h) is followed: what it leads to is somebody
/// else's. write_file() puts the file in the link's place; append_file() to a link, and everything where a link stands
/// for a folder in it, throws usage. `dir` as the paths that are written begin; it may itself be reached by links.
class OwnFolder {
 public:
  explicit OwnFolder(std::string dir);
  ~OwnFolder();
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;

 private:
  std::string dir_;
};
/// Throws usage where `dir` lies in such a folder and it, or a folder between, is a link.
void refuse_linked_folder(const std::string& dir);

/// Makes a folder and those above it. Throws io where one cannot be made or a file has its name.
void make_folders(const std::string& dir);

/// A folder that appears whole or not at all: it is filled under a temporary name beside `out`. finish() puts
/// it in place, otherwise it is removed. An empty folder that is there stays itself (it may be a link's, a
/// mounted one, the one that a shell stands in): it is filled under a temporary name inside, and finish() moves
/// what is in there up.
class NewFolder {
 public:
  /// Throws usage where `out` is empty text, a file, a link to nothing, or a folder that holds something; io
  /// where nothing can be made there.
  explicit NewFolder(const std::string& out);
  ~NewFolder();
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;
  /// Where the file `name` of the folder is written, until finish().
  std::string path(const std::string& name) const { return part_ + "/" + name; }
  void finish();

 private:
  std::string out_, part_;
  bool inside_ = false, done_ = false;
};

/// Names of what lies in a folder, sorted; none where there is no such folder. Throws io, naming the folder, where it
/// cannot be read to its end.
std::vector<std::string> names_in(const std::string& dir);

/// True for the name that a file or folder has before it is whole, "NAME.cawe-PROCESS-NUMBER.part": what is
/// left of a process that was killed.
bool is_unfinished(const std::string& name);
/// Removes such files from `dir` itself, not from folders in it, and nothing else. The caller has made sure that
/// `dir` is a folder of this program and that no other process writes there (folder_claim.h).
void remove_unfinished(const std::string& dir);

/// The whole file. Throws io where it cannot be read, data where it is larger than `max_bytes`.
std::string read_file(const std::string& path, size_t max_bytes = size_t(1) << 40);

}  // namespace cawe
