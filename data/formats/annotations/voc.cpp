// SPDX-License-Identifier: Apache-2.0
// VOC annotations to samples.
#include "data/formats/annotations/voc.h"

#include <filesystem>
#include <set>
#include <unordered_map>

#include "data/dataset.h"
#include "data/image_files.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/text.h"

namespace cawe::data {
namespace {

constexpr size_t kMaxXmlBytes = size_t(16) << 20;

using Classes = std::unordered_map<std::string, int>;

/// Adds the objects of one file to its sample; false where the sample was rejected.
bool add_objects(const VocAnnotation& voc, const std::string& file, const Classes& classes, Sample* sample,
                 Dataset* out) {
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
    }
  }
  return true;
}

}  // namespace

Dataset read_voc(const VocOptions& options) {
  std::vector<std::string> files;
  CAWE_CHECK(std::filesystem::is_directory(options.annotations_dir), Code::data, options.annotations_dir,
             ": is no folder (expected one with VOC XML files)");
  for (const std::string& name : names_in(options.annotations_dir))
    if (ends_with(name, ".xml") && name[0] != '.') files.push_back(options.annotations_dir + "/" + name);

  Dataset out;
  out.patients_known = false;
  std::vector<std::pair<std::string, VocAnnotation>> parsed;
  std::set<std::string> names;
  for (const std::string& file : files) {
    try {
      parsed.emplace_back(file, parse_voc(read_file(file, kMaxXmlBytes), file, options.one_based));
    } catch (const Error& error) {
      if (error.code() != Code::data) throw;
      out.rejected.push_back({file, "xml", error.what()});
      continue;
    }
    for (const auto& object : parsed.back().second.objects) names.insert(object.name);
  }
  out.class_names = options.class_names;
  if (out.class_names.empty()) out.class_names.assign(names.begin(), names.end());
  Classes classes;
  for (size_t i = 0; i < out.class_names.size(); ++i) classes.emplace(out.class_names[i], int(i));
  ImageFiles images({options.images_dir, options.root, options.allow_outside});
  std::vector<NamedImage> named;
  std::vector<std::string> paths;
  for (const auto& [file, voc] : parsed) {
    ImageFiles::Found found = images.find(voc.file_name, "", file + ": <filename>");
    named.push_back({std::move(found.name), file});
    paths.push_back(std::move(found.path));
  }
  const std::vector<std::string> ids = image_ids(named);
  for (size_t i = 0; i < parsed.size(); ++i) {
    const auto& [file, voc] = parsed[i];
    Sample sample;
    sample.image_id = sample.patient_id = ids[i];
    sample.source = "voc";
    sample.path = paths[i];
    sample.where = file;
    sample.width = voc.width;
    sample.height = voc.height;
    sample.has_box_annotation = true;
    if (add_objects(voc, file, classes, &sample, &out)) out.samples.push_back(std::move(sample));
  }
  count_samples(&out);
  return out;
}

}  // namespace cawe::data
