// SPDX-License-Identifier: Apache-2.0
#include "apps/outputs.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "apps/commands.h"
#include "data/folder_walk.h"
#include "tensor/error.h"
#include "tensor/io/file_beginning.h"
#include "tensor/io/folder_claim.h"
#include "tensor/text.h"

namespace cawe::apps {
namespace fs = std::filesystem;
namespace {

/// False where nothing is there.
bool facts_of(const std::string& path, struct stat* facts) {
  return !path.empty() && ::stat(path.c_str(), facts) == 0;
}

/// The folder that a file of this path is written into, links followed, also one to nothing.
std::string folder_written(const std::string& out) {
  std::error_code error;
  fs::path at = fs::absolute(out, error);
  constexpr int kMostLinks = 40;  // as Linux
  for (int links = 0; links < kMostLinks && fs::is_symlink(fs::symlink_status(at, error)); ++links)
    at = at.parent_path() / fs::read_symlink(at, error);
  return fs::weakly_canonical(at, error).parent_path().string();
}

}  // namespace

ReadFiles::ReadFiles(const std::vector<std::string>& inputs) {
  data::FolderVisitor visitor;
  visitor.file = [this](const data::FoundFile& found) { add(found.path); };
  visitor.closed = [](const std::string& folder, const std::string& why) {
    warning(folder + ": " + why + ": what it holds is neither read nor kept from being written over");
  };
  data::FolderWalk folders(visitor);
  for (const std::string& input : inputs) {
    std::error_code error;
    if (fs::is_directory(input, error))
      folders.walk(input);
    else
      add(input);
  }
}

void ReadFiles::add(const std::string& file) {
  struct stat facts {};
  if (facts_of(file, &facts) && S_ISREG(facts.st_mode))
    known_.emplace(std::make_pair(uint64_t(facts.st_dev), uint64_t(facts.st_ino)), file);
}

/// The kind of the folder of this program that `folder` is or lies in; "" where there is none.
const std::string& ReadFiles::own_kind(const std::string& folder) const {
  const auto [at, fresh] = kinds_.emplace(folder, "");
  if (!fresh) return at->second;
  at->second = folder_kind(folder);
  const std::string above = fs::path(folder).parent_path().string();
  if (at->second.empty() && above != folder) at->second = own_kind(above);
  return at->second;
}

void ReadFiles::keep(const std::string& out, const std::string& flag) const {
  struct stat facts {};
  if (facts_of(out, &facts) && S_ISREG(facts.st_mode)) {
    const auto at = known_.find({uint64_t(facts.st_dev), uint64_t(facts.st_ino)});
    CAWE_CHECK(at == known_.end(), Code::usage, out, ": is the same file as ", at->second,
               ", which this command reads (expected another ", flag, ")");
  }
  const std::string kind = own_kind(folder_written(out));
  CAWE_CHECK(kind.empty(), Code::usage, out, ": lies in the folder of a ", kind,
             ", whose own files nothing else may replace (expected another ", flag, ")");
}

bool is_foreign(const std::string& path, const std::string& head) {
  struct stat facts {};
  if (!facts_of(path, &facts) || !S_ISREG(facts.st_mode)) return false;
  return read_beginning(path, head.size()) != head;
}

void check_own(const std::string& path, const std::string& head, const std::string& flag) {
  CAWE_CHECK(!is_foreign(path, head), Code::usage, path,
             ": is there and was not written by this program (expected it to begin with \"",
             printable(head, 100), "\"). Move it, or choose another ", flag);
}

std::string too_long(const std::string& path) {
  constexpr size_t kName = 255, kPath = 4095;  // NAME_MAX and PATH_MAX of Linux
  size_t longest = 0;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    longest = std::max(longest, end - begin);
    begin = end + 1;
  }
  const bool name = longest > kName;
  if (!name && path.size() <= kPath) return "";
  return detail::concat(name ? "is too long: a name of " : "is too long: a path of ",
                        name ? longest : path.size(),
                        " bytes (expected at most 255 bytes a name and 4095 a path). Choose a shorter one");
}

void check_names(const std::vector<std::string>& words) {
  for (size_t i = 1; i < words.size(); ++i) {
    const bool option = words[i].compare(0, 1, "-") == 0;
    const std::string flag = option ? words[i].substr(0, words[i].find('=')) : words[i - 1];
    if (flag == "--set" || flag.compare(0, 8, "--ablate") == 0) continue;
    const std::string value =
        option && flag.size() < words[i].size() ? words[i].substr(flag.size() + 1) : words[i];
    const std::string problem = too_long(value);
    CAWE_CHECK(problem.empty(), Code::usage, printable(value, 400), ": ", problem);
  }
}

}  // namespace cawe::apps
