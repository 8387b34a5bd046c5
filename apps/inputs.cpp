// SPDX-License-Identifier: Apache-2.0
#include "apps/inputs.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>

#include "data/dataset.h"
#include "data/dicom.h"
#include "data/picture.h"
#include "tensor/io/atomic_file.h"

namespace cawe::apps {
namespace fs = std::filesystem;
namespace {

std::vector<std::string> files_below(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    CAWE_CHECK(fs::exists(path), Code::usage, path, ": no such file or folder (--input)");
    if (!fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::string> inside;
    for (const auto& entry : fs::recursive_directory_iterator(path))
      if (entry.is_regular_file()) {
        std::string extension = entry.path().extension().string();
        for (char& c : extension) c = char(std::tolower(static_cast<unsigned char>(c)));
        if (extension == ".dcm" || extension == ".png" || extension == ".jpg" || extension == ".jpeg")
          inside.push_back(entry.path().string());
      }
    std::sort(inside.begin(), inside.end());
    files.insert(files.end(), inside.begin(), inside.end());
  }
  CAWE_CHECK(!files.empty(), Code::usage, paths.empty() ? "--input" : paths[0],
             ": no image (expected .dcm, .png, .jpg or .jpeg)");
  return files;
}

}  // namespace

data::Dataset read_inputs(const std::vector<std::string>& paths) {
  data::Dataset dataset;
  const std::vector<std::string> files = files_below(paths);
  std::map<std::string, int> seen;
  for (const std::string& file : files) {
    try {
      const std::string bytes = read_file(file, size_t(2) << 30);
      const bool dicom = data::picture_format(bytes) == data::PictureFormat::dicom;
      data::Sample s;
      s.path = file;
      s.source = "input";
      s.image_id = data::stem(file);
      if (seen[s.image_id]++ > 0) s.image_id += "_" + std::to_string(seen[s.image_id]);
      s.patient_id = s.image_id;
      if (dicom) {
        const data::Film film = data::parse_film(bytes, file);
        s.width = film.image.width;
        s.height = film.image.height;
        if (!film.tags.patient_id.empty()) s.patient_id = film.tags.patient_id;
        if (film.tags.burned_in)
          std::fprintf(
              stderr,
              "cawe: warning: %s: says it has text burned into its pixels, which may name the patient\n",
              file.c_str());
      } else {
        const data::Picture p = data::parse_picture(bytes, file);
        s.width = p.columns;
        s.height = p.rows;
      }
      dataset.samples.push_back(s);
    } catch (const Error& error) {
      if (files.size() == 1 || (error.code() != Code::data && error.code() != Code::io)) throw;
      std::string reason = error.what();
      if (reason.rfind(file + ": ", 0) == 0) reason = reason.substr(file.size() + 2);
      dataset.rejected.push_back({file, "file", reason});
    }
  }
  CAWE_CHECK(!dataset.samples.empty(), Code::data, dataset.rejected[0].file, ": ", dataset.rejected[0].reason,
             " (and no other input can be read)");
  return dataset;
}

int report_rejected(const data::Dataset& dataset, const std::string& out_dir, bool allow) {
  if (dataset.rejected.empty()) return 0;
  for (const data::Rejected& r : dataset.rejected)
    std::fprintf(stderr, "cawe: error: %s: %s\n", r.file.c_str(), r.reason.c_str());
  data::write_rejected((out_dir.empty() ? std::string(".") : out_dir) + "/rejected.csv", dataset.rejected);
  return allow ? 0 : 3;
}

}  // namespace cawe::apps
