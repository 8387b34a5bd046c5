// SPDX-License-Identifier: Apache-2.0
// VOC annotations to samples.
#include "data/formats/annotations/voc.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <unordered_set>

#include "data/dataset.h"
#include "tensor/error.h"
#include "tensor/io/files.h"

namespace cawe::data {
namespace {

constexpr size_t kMaxXmlBytes = size_t(16) << 20;

/// Adds the objects of one file to its sample; false where the sample was rejected.
bool add_objects(const VocAnnotation& voc, const std::string& file, Sample* sample, Dataset* out) {
  for (const auto& object : voc.objects) {
    const std::string where = detail::concat(file, ": line ", object.line);
    const auto name = std::find(out->class_names.begin(), out->class_names.end(), object.name);
    if (name == out->class_names.end()) {
      out->rejected.push_back(
          {sample->path, "name", where + ": class '" + object.name + "' is not among the classes"});
      return false;
    }
    const size_t boxes = sample->boxes.size();
    if (!add_box(out, sample, object.box, int(name - out->class_names.begin()), where)) return false;
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
  for (const auto& entry : std::filesystem::directory_iterator(options.annotations_dir))
    if (entry.path().extension() == ".xml") files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());

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
  std::unordered_set<std::string> seen;
  for (const auto& [file, voc] : parsed) {
    Sample sample;
    sample.image_id = sample.patient_id = stem(voc.file_name);
    sample.source = "voc";
    sample.path = (std::filesystem::path(options.images_dir) / voc.file_name).string();
    sample.width = voc.width;
    sample.height = voc.height;
    sample.has_box_annotation = true;
    CAWE_CHECK(seen.insert(sample.image_id).second, Code::data, file, ": image '", sample.image_id,
               "' has another annotation file already");
    if (add_objects(voc, file, &sample, &out)) out.samples.push_back(std::move(sample));
  }
  count_samples(&out);
  return out;
}

}  // namespace cawe::data
