// SPDX-License-Identifier: Apache-2.0
// Goes through folders and those below: one rule for every command about links, loops and what cannot be read.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace cawe::data {

/// Something in a folder that is no folder.
struct FoundFile {
  std::string path;     ///< the given folder's path, and what leads from there to the file
  std::string below;    ///< the latter alone: "p1/view1.png"
  std::string problem;  ///< why it is no file to read ("leads to nothing (…)"), else empty
};

/// Who is told what is found. Only `file` must be given.
struct FolderVisitor {
  std::function<void(const FoundFile&)> file;
  /// Names that are passed over, of files and folders.
  std::function<bool(const std::string& name)> skip = {};
  /// A folder that cannot be listed to its end, and why. The walk goes on.
  std::function<void(const std::string& folder, const std::string& why)> closed = {};
  /// A folder that was walked already, as `first`.
  std::function<void(const std::string& folder, const std::string& first)> again = {};
};

/// Walks over folders, in each its files in order of name, then its folders in order of name. Links to folders are
/// followed when all real folders of a walk are done, so that a file that both lead to has its own folder's name. Every
/// folder is walked once, however often and in whatever way it is come upon, which ends loops, too.
class FolderWalk {
 public:
  explicit FolderWalk(FolderVisitor visitor) : visitor_(std::move(visitor)) {}
  void walk(const std::string& top);

 private:
  struct Folder {
    std::string path,
        below;  ///< below: the path below the top folder, ending with "/"; empty for that itself
  };
  void folder(const Folder& at, std::deque<Folder>* links);
  void entry(const Folder& at, const std::string& name, std::vector<Folder>* inside,
             std::deque<Folder>* links);

  FolderVisitor visitor_;
  std::map<std::pair<uint64_t, uint64_t>, std::string> walked_;  // by device and inode
};

}  // namespace cawe::data
