// SPDX-License-Identifier: Apache-2.0
// Reads a tree of pictures.
#include "data/formats/annotations/imagenet.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "data/dataset.h"
#include "tensor/error.h"

namespace cawe::data {
namespace {

namespace fs = std::filesystem;

bool is_picture(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return char(std::tolower(c)); });
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

/// Paths of the pictures relative to root, sorted; `others` counts the other files.
std::vector<fs::path> pictures_below(const fs::path& root, int64_t* others) {
  std::vector<fs::path> found;
  for (fs::recursive_directory_iterator it(root), end; it != end; ++it) {
    if (it->path().filename().string()[0] == '.') {
      if (it->is_directory()) it.disable_recursion_pending();
    } else if (it->is_regular_file()) {
      if (is_picture(it->path())) {
        found.push_back(it->path().lexically_relative(root));
      } else {
        ++*others;
      }
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string class_of(const fs::path& relative) {
  return relative.has_parent_path() ? relative.begin()->string() : std::string();
}

}  // namespace

Dataset read_image_folder(const ImageFolderOptions& options) {
  CAWE_CHECK(fs::is_directory(options.root), Code::data, options.root,
             ": is no folder (expected pictures in it)");
  Dataset out;
  out.patients_known = false;
  int64_t others = 0;
  const std::vector<fs::path> files = pictures_below(options.root, &others);
  std::set<std::string> classes;
  if (options.labels)
    for (const fs::path& file : files) classes.insert(class_of(file));
  CAWE_CHECK(!classes.count(""), Code::data, options.root,
             ": has pictures outside class folders (expected "
             "ROOT/CLASS/FILE for a folder with labels)");
  out.label_names.assign(classes.begin(), classes.end());
  std::set<std::string> seen;
  for (const fs::path& file : files) {
    Sample sample;
    sample.image_id = fs::path(file).replace_extension().string();
    std::replace(sample.image_id.begin(), sample.image_id.end(), '/', '_');
    sample.patient_id = sample.image_id;
    sample.path = (fs::path(options.root) / file).string();
    sample.source = fs::path(options.root).filename().string();
    if (!seen.insert(sample.image_id).second) {
      out.rejected.push_back({sample.path, "file", "another picture has the same name without extension"});
      continue;
    }
    for (const std::string& name : out.label_names)
      sample.labels.push_back(name == class_of(file) ? 1.f : 0.f);
    out.samples.push_back(std::move(sample));
  }
  out.counts["other files"] = others;
  count_samples(&out);
  return out;
}

}  // namespace cawe::data
