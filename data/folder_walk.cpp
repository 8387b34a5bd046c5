// SPDX-License-Identifier: Apache-2.0
#include "data/folder_walk.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace cawe::data {
namespace fs = std::filesystem;

void FolderWalk::walk(const std::string& top) {
  std::deque<Folder> links;
  folder({top, ""}, &links);
  while (!links.empty()) {
    const Folder next = links.front();
    links.pop_front();
    folder(next, &links);
  }
}

void FolderWalk::folder(const Folder& at, std::deque<Folder>* links) {
  struct stat facts {};
  if (::stat(at.path.c_str(), &facts) == 0) {
    const auto [first, fresh] =
        walked_.emplace(std::make_pair(uint64_t(facts.st_dev), uint64_t(facts.st_ino)), at.path);
    if (!fresh) {
      if (visitor_.again) visitor_.again(at.path, first->second);
      return;
    }
  }
  std::error_code error;
  std::vector<std::string> names;
  fs::directory_iterator it(at.path, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error))
    names.push_back(it->path().filename().string());
  if (error && visitor_.closed)
    visitor_.closed(at.path, "this folder cannot be read (" + error.message() + ")");
  std::sort(names.begin(), names.end());
  std::vector<Folder> inside;
  for (const std::string& name : names)
    if (!visitor_.skip || !visitor_.skip(name)) entry(at, name, &inside, links);
  for (const Folder& below : inside) folder(below, links);
}

void FolderWalk::entry(const Folder& at, const std::string& name, std::vector<Folder>* inside,
                       std::deque<Folder>* links) {
  const std::string path = at.path + (at.path.back() == '/' ? "" : "/") + name;
  std::error_code error, unknown;
  const fs::file_status to = fs::status(path, error);
  if (fs::is_directory(to)) {
    const Folder below{path, at.below + name + "/"};
    if (fs::is_symlink(fs::symlink_status(path, unknown)))
      links->push_back(below);
    else
      inside->push_back(below);
    return;
  }
  FoundFile found{path, at.below + name, ""};
  if (to.type() == fs::file_type::not_found)
    found.problem = "leads to nothing (" + error.message() + ")";
  else if (to.type() == fs::file_type::none)
    found.problem = "cannot be looked at (" + error.message() + ")";
  else if (!fs::is_regular_file(to))
    found.problem = "is no regular file";
  visitor_.file(found);
}

}  // namespace cawe::data
