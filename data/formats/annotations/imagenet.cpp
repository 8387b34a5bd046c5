// SPDX-License-Identifier: Apache-2.0
// Reads a tree of pictures.
#include "data/formats/annotations/imagenet.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "data/dataset.h"
#include "data/folder_walk.h"
#include "data/image_name.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/text.h"

namespace cawe::data {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxClasses = 10000;

/// Whether a file is read, by its name. A DICOM film has no colours.
bool is_picture(const std::string& name, bool color) {
  const std::string ending = image_ending(name);
  return !ending.empty() && !(color && (ending == ".dcm" || ending == ".dicom"));
}

/// PNG and JPEG, which are what folders of pictures hold: files of other kinds never stand in their way.
bool is_usual(const std::string& name) {
  const std::string ending = image_ending(name);
  return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
}

/// The pictures of a tree, by their paths below its root, in order.
struct Tree {
  std::vector<fs::path> pictures;
  int64_t others = 0;
  std::string first_other;  ///< with the reason, where it is a picture by its ending
  bool outside = false;     ///< a picture that is not PNG or JPEG was left out since it is in no class folder

  void leave_out(const std::string& file) {
    if (others++ == 0) first_other = file;
  }
};

/// Which pictures are read. One that is no PNG or JPEG is left out beside such a file of its name, and outside class
/// folders where these count.
Tree walk(const ImageFolderOptions& options, Dataset* out) {
  Tree tree;
  std::vector<FoundFile> found_pictures;
  std::set<std::string> usual;  // names without ending
  FolderVisitor visitor = visitor_of(out, "pictures");
  visitor.file = [&](const FoundFile& found) {
    if (!is_picture(found.below, options.color)) return tree.leave_out(found.path);
    found_pictures.push_back(found);
    if (is_usual(found.below)) usual.insert(without_image_ending(found.below));
  };
  FolderWalk(visitor).walk(options.root);
  for (const FoundFile& found : found_pictures) {
    const bool may_stay_out = !is_usual(found.below);
    if (may_stay_out && usual.count(without_image_ending(found.below))) {
      tree.leave_out(found.path + ", beside a PNG or JPEG of the same name");
    } else if (may_stay_out && options.labels && found.below.find('/') == std::string::npos) {
      tree.outside = true;
      tree.leave_out(found.path + ", in no class folder");
    } else if (found.problem.empty()) {
      tree.pictures.push_back(found.below);
    } else {
      out->rejected.push_back({found.path, "file", found.problem});
    }
  }
  std::sort(tree.pictures.begin(), tree.pictures.end());
  return tree;
}

/// Ids with '_' between folders; with '/' where two pictures would share one.
std::vector<std::string> ids_of(const std::vector<fs::path>& files) {
  std::vector<std::string> flat, whole;
  std::map<std::string, std::string> by_flat;
  bool clash = false;
  for (const fs::path& file : files) {
    whole.push_back(without_image_ending(file.string()));
    flat.push_back(whole.back());
    std::replace(flat.back().begin(), flat.back().end(), '/', '_');
    const auto [at, fresh] = by_flat.emplace(flat.back(), whole.back());
    clash = clash || (!fresh && at->second != whole.back());
  }
  return clash ? whole : flat;
}

std::string class_of(const fs::path& relative) {
  return relative.has_parent_path() ? relative.begin()->string() : std::string();
}

/// Says what of the folder is not read: files of other kinds, and class folders that have nothing else.
void warn_of_left_out(const ImageFolderOptions& options, const Tree& tree,
                      const std::set<std::string>& classes, Dataset* out) {
  if (tree.others > 0)
    out->warnings.push_back(detail::concat(options.root, ": ", counted(tree.others, "file"),
                                           " of other kinds left out (first: ", tree.first_other,
                                           "; expected ", listed(image_endings(), ", ", 20),
                                           options.color ? ", in colour no DICOM)" : ")"));
  if (!options.labels) return;
  std::vector<std::string> empty;
  std::error_code unknown;
  for (const std::string& name : names_in(options.root))
    if (name[0] != '.' && !classes.count(name) && fs::is_directory(fs::path(options.root) / name, unknown))
      empty.push_back(name);
  if (!empty.empty())
    out->warnings.push_back(options.root + ": no film in the class folder" +
                            (empty.size() == 1 ? " " : "s ") + listed(empty) +
                            " (expected films in each: a class without any is no label)");
}

}  // namespace

Dataset read_image_folder(const ImageFolderOptions& options) {
  CAWE_CHECK(fs::is_directory(options.root), Code::data, options.root,
             ": is no folder (expected pictures in it)");
  Dataset out;
  out.patients_known = false;
  const Tree tree = walk(options, &out);
  const std::vector<fs::path>& files = tree.pictures;
  std::set<std::string> classes;
  if (options.labels)
    for (const fs::path& file : files) classes.insert(class_of(file));
  CAWE_CHECK(!classes.count("") && !(classes.empty() && tree.outside), Code::data, options.root,
             ": has pictures outside class folders (expected "
             "ROOT/CLASS/FILE for a folder with labels)");
  CAWE_CHECK(classes.size() <= kMaxClasses, Code::data, options.root, ": has ", classes.size(),
             " class folders (expected at most ", kMaxClasses, ")");
  out.label_names.assign(classes.begin(), classes.end());
  warn_of_left_out(options, tree, classes, &out);
  const std::vector<std::string> ids = ids_of(files);
  std::map<std::string, std::string> seen;
  for (size_t i = 0; i < files.size(); ++i) {
    const fs::path& file = files[i];
    Sample sample;
    sample.image_id = sample.patient_id = ids[i];
    sample.path = (fs::path(options.root) / file).string();
    sample.source = fs::path(options.root).filename().string();
    const auto [at, fresh] = seen.emplace(sample.image_id, file.string());
    if (!fresh) {
      out.rejected.push_back({sample.path, "file", at->second + " has the same name without ending"});
      continue;
    }
    for (const std::string& name : out.label_names)
      sample.labels.push_back(name == class_of(file) ? 1.f : 0.f);
    out.samples.push_back(std::move(sample));
  }
  out.counts["other files"] = tree.others;
  count_samples(&out);
  return out;
}

}  // namespace cawe::data
