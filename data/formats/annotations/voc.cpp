// SPDX-License-Identifier: Apache-2.0
// VOC annotations to samples.
#include "data/formats/annotations/voc.h"

#include <filesystem>
#include <set>
#include <unordered_map>

#include "data/dataset.h"
#include "data/folder_walk.h"
#include "data/image_files.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/text.h"

namespace cawe::data {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxXmlBytes = size_t(16) << 20;

using Classes = std::unordered_map<std::string, int>;

/// An annotation file, what it says, and the film that it is of.
struct Annotation {
  FoundFile file;
  VocAnnotation voc;
  ImageFiles::Found film = {};

  std::string own_name() const { return stem(fs::path(file.below).stem().string()); }
  bool names_agree() const { return stem(film.name) == own_name(); }
};

/// Adds the objects of one file to its sample; false where the sample was rejected.
bool add_objects(const VocAnnotation& voc, const std::string& file, const Classes& classes, Sample* sample,
                 Dataset* out) {
  std::vector<std::string> ignored_where;
  for (const auto& object : voc.objects) {
    const std::string where = detail::concat(file, ": line ", object.line);
    const auto name = classes.find(object.name);
    if (name == classes.end()) {
      out->rejected.push_back(
          {sample->path, "name", where + ": class '" + object.name + "' is not among the classes"});
      return false;
    }
    const size_t boxes = sample->boxes.size();
    if (!add_box(out, sample, object.box, name->second, where)) return false;
    if (object.difficult && sample->boxes.size() > boxes) {
      sample->ignored.push_back(sample->boxes.back());
      sample->boxes.pop_back();
      sample->box_classes.pop_back();
      if (sample->box_where.size() > boxes) {
        sample->box_where.pop_back();
        ignored_where.push_back(where);
      }
    }
  }
  sample->box_where.insert(sample->box_where.end(), ignored_where.begin(), ignored_where.end());
  return true;
}

/// The XML files of the folder and of those below, in order of name, each folder's own before those below it.
std::vector<FoundFile> xml_files(const std::string& dir, Dataset* out) {
  std::vector<FoundFile> files;
  FolderVisitor visitor = visitor_of(out, "annotations");
  visitor.file = [&](const FoundFile& found) {
    if (!ends_with(lower(found.below), ".xml")) return;
    if (found.problem.empty())
      files.push_back(found);
    else
      out->rejected.push_back({found.path, "file", found.problem});
  };
  FolderWalk(visitor).walk(dir);
  return files;
}

std::vector<Annotation> parse_files(const VocOptions& options, Dataset* out) {
  std::vector<Annotation> parsed;
  for (const FoundFile& file : xml_files(options.annotations_dir, out)) {
    try {
      parsed.push_back({file, parse_voc(read_file(file.path, kMaxXmlBytes), file.path, options.one_based)});
    } catch (const Error& error) {
      if (error.code() != Code::data) throw;
      out->rejected.push_back({file.path, "xml", error.what()});
    }
  }
  return parsed;
}

/// Finds the films that annotations are of. Tools leave <filename> as it was when files are renamed, so the picture
/// that is called as the annotation file is looked for, too, unless the options believe one name alone.
class Films {
 public:
  Films(const VocOptions& options, Dataset* out)
      : options_(options), images_({options.images_dir, options.root, options.allow_outside}), out_(out) {}

  /// Sets the film to the picture of the name that is believed, there or not. First for all annotations of a set.
  void find(Annotation* annotation) {
    const std::string& file = annotation->file.path;
    annotation->film = options_.names == VocNames::file
                           ? named(folder_of(*annotation), annotation->own_name(), file)
                           : named(folder_of(*annotation), annotation->voc.file_name, file + ": <filename>");
    if (!annotation->names_agree() && disk_.has(annotation->film.path)) other_names_are_there_ = true;
  }

  /// Then compares with the annotation file's name. False where both pictures are there and differ: rejected.
  bool compare(Annotation* annotation) {
    if (options_.names != VocNames::both || annotation->names_agree()) return true;
    if (!disk_.has(annotation->film.path)) {
      if (!other_names_are_there_) take_own(annotation);
      return true;
    }
    const std::string& path = annotation->film.path;
    const std::vector<std::string> others =
        pictures(fs::path(path).parent_path().string(), annotation->own_name());
    if (others.empty()) return true;
    out_->rejected.push_back({annotation->file.path, "filename",
                              "<filename> names " + path + ", but there is " + others[0] +
                                  ", called as this file is (expected only one of both: whose are the boxes? "
                                  "data.voc_names = \"filename\" or \"file\" believes one name alone)"});
    return false;
  }

  /// Says how many were found by the annotation files' names alone.
  void report() const {
    if (by_own_name_ > 0)
      out_->warnings.push_back(
          detail::concat(first_,
                         ": <filename> names no picture that is there: the one that is called as the "
                         "annotation file is read instead (",
                         counted(by_own_name_, "file"), " in all)"));
  }

 private:
  static std::string folder_of(const Annotation& annotation) {
    return fs::path(annotation.file.below).parent_path().string();
  }

  /// The picture of this name in the folder that lies below the images as the annotation's does below the annotations,
  /// else the one that the name alone means.
  ImageFiles::Found named(const std::string& folder, const std::string& name, const std::string& where) {
    if (!folder.empty()) {
      ImageFiles::Found found = images_.find((fs::path(folder) / name).string(), "", where);
      if (disk_.has(found.path)) return found;
    }
    return images_.find(name, "", where);
  }

  /// Sets the film to the one picture that is called as the annotation file is, where there is one.
  void take_own(Annotation* annotation) {
    const std::string& file = annotation->file.path;
    for (const fs::path& below : {fs::path(folder_of(*annotation)), fs::path()}) {
      const std::vector<std::string> found =
          pictures((options_.images_dir / below).string(), annotation->own_name());
      if (found.size() != 1) continue;
      annotation->film = images_.find((below / fs::path(found[0]).filename()).string(), "", file);
      if (by_own_name_++ == 0) first_ = file;
      return;
    }
  }

  /// Paths of a folder's pictures that are called `own`, whatever their ending.
  std::vector<std::string> pictures(const std::string& folder, const std::string& own) {
    const fs::path path = fs::path(folder) / own;
    std::vector<std::string> out;
    if (disk_.has(path.string())) out.push_back(path.string());
    for (const std::string& name : disk_.with_ending(path.string()))
      out.push_back((fs::path(folder) / name).string());
    return out;
  }

  const VocOptions& options_;
  ImageFiles images_;
  FolderNames disk_;
  Dataset* out_;
  bool other_names_are_there_ = false;  // a <filename> that differs from its file's name names a picture
  int64_t by_own_name_ = 0;
  std::string first_;
};

/// Names the classes: the given ones, else all that occur.
Classes name_classes(const std::vector<Annotation>& annotations, const VocOptions& options, Dataset* out) {
  std::set<std::string> names;
  for (const Annotation& annotation : annotations)
    for (const auto& object : annotation.voc.objects) names.insert(object.name);
  out->class_names = options.class_names;
  if (out->class_names.empty()) out->class_names.assign(names.begin(), names.end());
  Classes classes;
  for (size_t i = 0; i < out->class_names.size(); ++i) classes.emplace(out->class_names[i], int(i));
  return classes;
}

}  // namespace

Dataset read_voc(const VocOptions& options) {
  CAWE_CHECK(fs::is_directory(options.annotations_dir), Code::data, options.annotations_dir,
             ": is no folder (expected one with VOC XML files)");
  Dataset out;
  out.patients_known = false;
  std::vector<Annotation> annotations = parse_files(options, &out);
  const Classes classes = name_classes(annotations, options, &out);
  Films films(options, &out);
  std::vector<const Annotation*> used;
  std::vector<NamedImage> named;
  for (Annotation& annotation : annotations) films.find(&annotation);
  for (Annotation& annotation : annotations) {
    if (!films.compare(&annotation)) continue;
    used.push_back(&annotation);
    named.push_back({annotation.film.name, annotation.file.path});
  }
  films.report();
  const std::vector<std::string> ids = image_ids(named);
  for (size_t i = 0; i < used.size(); ++i) {
    const auto& [file, voc, film] = *used[i];
    Sample sample;
    sample.image_id = sample.patient_id = ids[i];
    sample.source = "voc";
    sample.path = film.path;
    sample.where = file.path;
    sample.width = voc.width;
    sample.height = voc.height;
    sample.has_box_annotation = true;
    if (add_objects(voc, file.path, classes, &sample, &out)) out.samples.push_back(std::move(sample));
  }
  count_samples(&out);
  return out;
}

}  // namespace cawe::data
