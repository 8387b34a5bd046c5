// SPDX-License-Identifier: Apache-2.0
#include "apps/inputs.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <set>

#include "data/dataset.h"
#include "data/formats/dicom/film.h"
#include "data/formats/picture/picture.h"
#include "data/formats/table/csv.h"
#include "tensor/io/files.h"
#include "tensor/io/format.h"
#include "tensor/parallel.h"
#include "tensor/text.h"

namespace cawe::apps {
namespace fs = std::filesystem;
namespace {

/// A file name's ending if it names a format (".dcm", …), in lower case, else "": UIDs used as names have
/// dots, too.
std::string ending(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = char(std::tolower(static_cast<unsigned char>(c)));
  for (const char* known : {".dcm", ".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".ppm", ".pnm"})
    if (extension == known) return extension;
  return "";
}

bool begins_as_dicom(const fs::path& path) {
  char head[132] = {};
  std::ifstream file(path, std::ios::binary);
  file.read(head, sizeof head);
  return file.gcount() == sizeof head && std::string(head + 128, 4) == "DICM";
}

std::vector<std::string> files_below(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  std::set<std::string> known;  // a file given twice, or alone and in its folder, counts once
  const auto add = [&](const std::string& file) {
    if (known.insert(fs::weakly_canonical(file).string()).second) files.push_back(file);
  };
  for (const std::string& path : paths) {
    CAWE_CHECK(fs::exists(path), Code::usage, path, ": no such file or folder (--input)");
    if (!fs::is_directory(path)) {
      add(path);
      continue;
    }
    std::vector<std::string> inside;
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
      if (!entry.is_regular_file()) continue;
      const std::string kind = ending(entry.path());
      const bool picture = kind == ".dcm" || kind == ".png" || kind == ".jpg" || kind == ".jpeg";
      if (picture || (kind.empty() && begins_as_dicom(entry.path()))) inside.push_back(entry.path().string());
    }
    std::sort(inside.begin(), inside.end());
    for (const std::string& file : inside) add(file);
  }
  CAWE_CHECK(!files.empty(), Code::usage, paths.empty() ? "--input" : paths[0],
             ": no image (expected .dcm, .png, .jpg or .jpeg)");
  return files;
}

/// An image id that no earlier film has.
std::string unused_id(const std::string& file, std::set<std::string>* taken) {
  const fs::path path(file);
  const std::string name = ending(path).empty() ? path.filename().string() : path.stem().string();
  std::string id = name;
  for (int n = 2; !taken->insert(id).second; ++n) id = name + "_" + std::to_string(n);
  return id;
}

struct Input {
  data::Sample sample;
  std::string problem;  ///< why it is rejected
  bool burned_in = false;
};

/// Decodes the file, so that bad pixels are known before anything is written. With a single input (`only`)
/// its error is thrown.
Input read_input(const std::string& file, bool only, bool allow_damaged) {
  Input input;
  data::Sample& s = input.sample;
  data::ReadOptions options;
  s.allow_damaged = options.allow_damaged = allow_damaged;
  s.path = file;
  s.source = "input";
  try {
    const std::string bytes = read_file(file, size_t(2) << 30);
    if (data::picture_format(bytes) == data::PictureFormat::dicom) {
      const data::Film film = data::parse_film(bytes, file, options);
      s.damage = film.damage;
      s.width = film.image.width;
      s.height = film.image.height;
      s.patient_id = film.tags.patient_id;
      s.sex = film.tags.sex;
      s.age = film.tags.age;
      s.view = film.tags.view;
      input.burned_in = film.tags.burned_in;
    } else {
      const data::Picture p = data::parse_picture(bytes, file, options);
      s.damage = p.damage;
      s.width = p.columns;
      s.height = p.rows;
    }
  } catch (const Error& error) {
    if (only || (error.code() != Code::data && error.code() != Code::io)) throw;
    input.problem = error.what();
  }
  return input;
}

}  // namespace

data::Dataset read_inputs(const std::vector<std::string>& paths, bool quiet, bool allow_damaged) {
  const std::vector<std::string> files = files_below(paths);
  std::vector<Input> inputs(files.size());
  std::mutex mutex;
  int64_t done = 0;
  Progress progress("reading", int64_t(files.size()), quiet);
  parallel_tasks(int64_t(files.size()), [&](int64_t i) {
    inputs[size_t(i)] = read_input(files[size_t(i)], files.size() == 1, allow_damaged);
    const std::lock_guard<std::mutex> lock(mutex);
    progress.update(++done);
  });
  data::Dataset dataset;
  std::set<std::string> taken;
  for (Input& input : inputs) {
    if (!input.problem.empty()) {
      dataset.rejected.push_back(rejected_file(input.sample.path, input.problem));
      continue;
    }
    data::Sample& s = input.sample;
    s.image_id = unused_id(s.path, &taken);
    if (s.patient_id.empty()) s.patient_id = s.image_id;
    if (input.burned_in)
      std::fprintf(stderr,
                   "cawe: warning: %s: says it has text burned into its pixels, which may name the patient\n",
                   s.path.c_str());
    dataset.samples.push_back(std::move(s));
  }
  CAWE_CHECK(!dataset.samples.empty(), Code::data, dataset.rejected[0].file, ": ", dataset.rejected[0].reason,
             " (and no other input can be read)");
  return dataset;
}

void name_patients(data::Dataset* dataset, const std::string& path) {
  std::map<std::string, std::string> patient_of;
  for (const data::PatientLine& line : data::read_patient_lines(path)) {
    const auto [known, fresh] = patient_of.emplace(line.image, line.patient);
    CAWE_CHECK(fresh || known->second == line.patient, Code::data, line.where, ": image '", line.image,
               "' has two patients, '", known->second, "' and '", line.patient, "' (expected one)");
  }
  for (data::Sample& s : dataset->samples) {
    auto found = patient_of.find(s.image_id);
    if (found == patient_of.end()) found = patient_of.find(fs::path(s.path).filename().string());
    CAWE_CHECK(found != patient_of.end(), Code::data, path, ": no row for image '", s.image_id,
               "' (expected every input)");
    s.patient_id = found->second;
  }
}

data::Rejected rejected_file(const std::string& file, std::string reason) {
  if (reason.rfind(file + ": ", 0) == 0) reason = reason.substr(file.size() + 2);
  return {file, "file", reason};
}

size_t report_damaged(const data::Dataset& dataset, const std::string& out_dir) {
  std::string text = "file,damage\n";
  size_t count = 0;
  for (const data::Sample& s : dataset.samples) {
    if (s.damage.empty()) continue;
    const std::string line = s.path + ": damaged, read all the same: " + s.damage;
    std::fprintf(stderr, "cawe: warning: %s\n", printable(line).c_str());
    text += csv_line({s.path, s.damage});
    ++count;
  }
  if (count > 0) write_file((out_dir.empty() ? std::string(".") : out_dir) + "/damaged.csv", text);
  return count;
}

int report_rejected(const data::Dataset& dataset, const std::string& out_dir, bool allow) {
  if (dataset.rejected.empty()) return 0;
  for (const data::Rejected& r : dataset.rejected)
    std::fprintf(stderr, "cawe: error: %s: %s\n", r.file.c_str(), r.reason.c_str());
  data::write_rejected((out_dir.empty() ? std::string(".") : out_dir) + "/rejected.csv", dataset.rejected);
  return allow ? 0 : 3;
}

}  // namespace cawe::apps
