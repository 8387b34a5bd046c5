// SPDX-License-Identifier: Apache-2.0
#include "apps/input_files.h"

#include <filesystem>
#include <set>
#include <unordered_map>

#include "apps/named_files.h"
#include "data/folder_walk.h"
#include "data/formats/dicom/structure.h"
#include "data/formats/picture/picture.h"
#include "data/image_name.h"
#include "tensor/error.h"
#include "tensor/io/file_beginning.h"

namespace cawe::apps {
namespace fs = std::filesystem;
namespace {

constexpr const char* kMacOs = "of macOS";
constexpr const char* kHidden = "hidden";
constexpr const char* kDicomDir = "DICOMDIR";
constexpr const char* kNoImage = "DICOM without an image";
constexpr const char* kOther = "of other kinds";

/// Whether it is a DICOM file, and of which class its object is, where its first 4 KB say that.
bool begins_as_dicom(const std::string& path, std::string* sop_class) {
  const std::string head = read_beginning(path, 4096);
  if (data::picture_format(head) != data::PictureFormat::dicom) return false;
  *sop_class = std::string(data::media_sop_class(head));
  return true;
}

/// Walks over the given paths, each folder of all of them once.
class Search {
 public:
  InputFiles take() { return std::move(found_); }

  void file(const std::string& path, const std::string& id) {
    if (known_.insert(fs::weakly_canonical(path).string()).second) found_.films.push_back({path, id});
  }

  void tree(const std::string& top) { walk_.walk(top); }

 private:
  data::FolderVisitor visitor() {
    data::FolderVisitor v;
    v.file = [this](const data::FoundFile& found) { one(found); };
    v.skip = [this](const std::string& name) { return is_hidden(name); };
    v.closed = [this](const std::string& folder, const std::string& why) {
      found_.rejected.push_back({folder, "file", why});
    };
    return v;
  }

  bool is_hidden(const std::string& name) {
    const bool mac = name.compare(0, 2, "._") == 0 || name == ".DS_Store" || name == "__MACOSX" ||
                     name == ".AppleDouble" || name == ".Spotlight-V100" || name == ".Trashes";
    if (mac || name[0] == '.') ++found_.left_out[mac ? kMacOs : kHidden];
    return mac || name[0] == '.';
  }

  void one(const data::FoundFile& found) {
    const std::string name = fs::path(found.path).filename().string();
    const bool ending = !data::image_ending(name).empty();
    if (!found.problem.empty()) {
      if (ending)
        found_.rejected.push_back({found.path, "file", found.problem});
      else
        ++found_.left_out[kOther];
      return;
    }
    std::string sop_class;
    const bool dicom = begins_as_dicom(found.path, &sop_class);
    if (dicom && (sop_class == data::kDicomDirClass || (sop_class.empty() && name == "DICOMDIR")))
      ++found_.left_out[kDicomDir];
    else if (dicom && data::is_no_image(sop_class))
      ++found_.left_out[kNoImage];
    else if (ending || dicom)
      file(found.path, data::without_image_ending(found.below));
    else
      ++found_.left_out[kOther];
  }

  InputFiles found_;
  std::set<std::string> known_;  // a file given twice, or alone and in its folder, counts once
  data::FolderWalk walk_{visitor()};
};

void check_ids(const InputFiles& inputs) {
  std::unordered_map<std::string, const InputFile*> known;
  for (const InputFile& film : inputs.films) {
    const auto [at, fresh] = known.emplace(film.id, &film);
    CAWE_CHECK(fresh, Code::usage, "--input: ", at->second->path, " and ", film.path,
               " would both be called '", film.id, "' in the outputs (expected one film a name). ",
               fs::path(film.path).parent_path() == fs::path(at->second->path).parent_path()
                   ? "Rename one of them, or give only one"
                   : "Give the folder above both, so that ids carry their folders, or rename one");
  }
}

}  // namespace

InputFiles list_inputs(const std::vector<std::string>& paths) {
  Search search;
  for (const std::string& path : paths) {
    check_file_or_folder(path, "--input");
    if (fs::is_directory(path))
      search.tree(path);
    else
      search.file(path, data::without_image_ending(fs::path(path).filename().string()));
  }
  InputFiles found = search.take();
  const std::string first = paths.empty() ? "--input" : paths[0];
  const std::string left = left_out_text(found);
  CAWE_CHECK(
      !found.films.empty() || !found.rejected.empty(), Code::usage, first,
      ": no image (expected .dcm, .png, .jpg, .jpeg, .bmp, .pbm, .pgm, .ppm or .pnm, or DICOM with any name)",
      left.empty() ? "" : "; ", left);
  check_ids(found);
  return found;
}

std::string left_out_text(const InputFiles& inputs) {
  int64_t files = 0;
  std::string kinds;
  for (const auto& [kind, count] : inputs.left_out) {
    files += count;
    kinds += (kinds.empty() ? "" : ", ") + std::to_string(count) + " " + kind;
  }
  if (files == 0) return "";
  return std::to_string(files) + (files == 1 ? " file that is no film" : " files that are no films") +
         " left out: " + kinds;
}

}  // namespace cawe::apps
