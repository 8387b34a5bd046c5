// SPDX-License-Identifier: Apache-2.0
// Reads a tree of pictures.
#include "data/formats/annotations/imagenet.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "data/dataset.h"
#include "data/image_name.h"
#include "tensor/error.h"

namespace cawe::data {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxClasses = 10000;

bool is_picture(const fs::path& path) {
  const std::string ending = image_ending(path.filename().string());
  return ending == ".jpg" || ending == ".jpeg" || ending == ".png";
}

/// Goes through a tree of folders, those below before links to others.
class Tree {
 public:
  Tree(const fs::path& root, Dataset* out) : root_(root), out_(out) {
    walk(root);
    // Links come last, in order, so that a film that is here twice keeps the name of its own folder.
    for (size_t i = 0; i < links_.size(); ++i) walk(links_[i]);
    std::sort(found_.begin(), found_.end());
  }

  std::vector<fs::path> found_;  ///< relative to root, sorted
  int64_t others_ = 0;

 private:
  void walk(const fs::path& top) {
    std::vector<fs::path> open{top}, links;
    while (!open.empty()) {
      const fs::path folder = open.back();
      open.pop_back();
      std::error_code error;
      const auto [at, fresh] = seen_.emplace(fs::canonical(folder, error).string(), folder.string());
      if (!fresh) {
        out_->warnings.push_back(folder.string() + ": leads to the same folder as " + at->second +
                                 ", whose pictures are read already; left out");
        continue;
      }
      fs::directory_iterator it(folder, error);
      for (const fs::directory_iterator end; !error && it != end; it.increment(error))
        look_at(*it, &open, &links);
      if (error) out_->rejected.push_back({folder.string(), "file", "cannot be listed: " + error.message()});
    }
    std::sort(links.begin(), links.end());
    links_.insert(links_.end(), links.begin(), links.end());
  }

  void look_at(const fs::directory_entry& entry, std::vector<fs::path>* open, std::vector<fs::path>* links) {
    const fs::path& path = entry.path();
    std::error_code broken;
    if (path.filename().string()[0] == '.') return;
    if (entry.is_directory(broken)) {
      (entry.is_symlink(broken) ? links : open)->push_back(path);
    } else if (!is_picture(path)) {
      ++others_;
    } else if (entry.is_regular_file(broken)) {
      found_.push_back(path.lexically_relative(root_));
    } else {
      out_->rejected.push_back({path.string(), "file", "is no file (a link to nothing, or a device)"});
    }
  }

  fs::path root_;
  Dataset* out_;
  std::map<std::string, std::string> seen_;
  std::vector<fs::path> links_;
};

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

}  // namespace

Dataset read_image_folder(const ImageFolderOptions& options) {
  CAWE_CHECK(fs::is_directory(options.root), Code::data, options.root,
             ": is no folder (expected pictures in it)");
  Dataset out;
  out.patients_known = false;
  const Tree tree(options.root, &out);
  const std::vector<fs::path>& files = tree.found_;
  std::set<std::string> classes;
  if (options.labels)
    for (const fs::path& file : files) classes.insert(class_of(file));
  CAWE_CHECK(!classes.count(""), Code::data, options.root,
             ": has pictures outside class folders (expected "
             "ROOT/CLASS/FILE for a folder with labels)");
  CAWE_CHECK(classes.size() <= kMaxClasses, Code::data, options.root, ": has ", classes.size(),
             " class folders (expected at most ", kMaxClasses, ")");
  out.label_names.assign(classes.begin(), classes.end());
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
  out.counts["other files"] = tree.others_;
  count_samples(&out);
  return out;
}

}  // namespace cawe::data
