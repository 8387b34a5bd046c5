// SPDX-License-Identifier: Apache-2.0
// RSNA CSV, detections CSV, patients CSV and folders of text files; COCO JSON is in read_coco.cpp.
#include "eval/read_boxes.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <sstream>
#include <tuple>

#include "data/formats/table/csv.h"
#include "eval/read_boxes_internal.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/io/format.h"

namespace cawe::eval {
namespace fs = std::filesystem;

namespace detail {

std::string stem(const std::string& name) {
  const size_t slash = name.find_last_of("/\\");
  const std::string file = slash == std::string::npos ? name : name.substr(slash + 1);
  const size_t dot = file.find_last_of('.');
  return dot == std::string::npos || dot == 0 ? file : file.substr(0, dot);
}

void add_key(TruthSet* truth, const std::string& key, int64_t image) {
  const auto [at, fresh] = truth->image_of.emplace(key, image);
  if (!fresh && at->second != image) at->second = -1;
}

void check_truth_box(const std::string& where, TruthImage* image, BoxD* box, int64_t* clipped) {
  CAWE_CHECK(std::isfinite(box->area()) && box->width() > 0 && box->height() > 0, Code::data, where,
             ": box of ", box->width(), " x ", box->height(), " (expected a positive width and height)");
  if (image->width <= 0 || image->height <= 0) return;
  const double over = std::max({-box->x1, -box->y1, box->x2 - image->width, box->y2 - image->height});
  CAWE_CHECK(over <= 1, Code::data, where, ": box [", box->x1, ", ", box->y1, ", ", box->x2, ", ", box->y2,
             "] leaves its image of ", image->width, " x ", image->height, " by ", over,
             " pixels (expected at most 1)");
  if (over <= 0) return;
  *box = {std::max(0.0, box->x1), std::max(0.0, box->y1), std::min(image->width, box->x2),
          std::min(image->height, box->y2)};
  ++*clipped;
}

std::vector<Detection> resolve_labels(const std::string& path, const std::vector<RawDetection>& raw,
                                      TruthSet* truth) {
  int64_t known = 0;
  for (const RawDetection& d : raw) known += truth->label_of.count(d.label) > 0;
  const bool one_label = truth->label_names.size() <= 1 || known == 0;
  if (truth->label_names.size() > 1 && known == 0 && !raw.empty())
    truth->notes.push_back("labels of the detections are unknown to the truth: labels are not compared");
  if (truth->label_names.size() > 1 && known == 0)
    for (TruthImage& image : truth->images)
      for (TruthBox& box : image.boxes) box.label = 0;
  std::vector<Detection> detections;
  for (const RawDetection& d : raw) {
    Detection out = d.detection;
    if (!one_label) {
      const auto at = truth->label_of.find(d.label);
      CAWE_CHECK(at != truth->label_of.end(), Code::data, path, ": ", d.where, ": label '", d.label,
                 "' is not a category of the truth (expected one of its ", truth->label_names.size(), ")");
      out.label = at->second;
    }
    detections.push_back(out);
  }
  return detections;
}

}  // namespace detail

namespace {

using detail::RawDetection;

std::string lower_extension(const std::string& path) {
  std::string extension = fs::path(path).extension().string();
  for (char& c : extension) c = char(std::tolower(static_cast<unsigned char>(c)));
  return extension;
}

void need_file(const std::string& path, const char* expected) {
  std::error_code error;
  CAWE_CHECK(fs::exists(path, error), Code::data, path, ": no such file (expected ", expected, ")");
}

TruthSet read_rsna(const std::string& path) {
  const auto table = data::CsvTable::read(path);
  const size_t id = table.column("patientId"), x = table.column("x"), y = table.column("y"),
               w = table.column("width"), h = table.column("height"), target = table.column("Target");
  TruthSet truth;
  truth.label_names = {"lesion"};
  std::set<std::tuple<int64_t, double, double, double, double>> seen;
  std::vector<int> target_of;
  int64_t duplicates = 0, clipped = 0;
  for (size_t r = 0; r < table.rows(); ++r) {
    const std::string& name = table.at(r, id);
    CAWE_CHECK(!name.empty(), Code::data, table.where(r), ": patientId is empty (expected the image's id)");
    const auto [at, fresh] = truth.image_of.emplace(name, int64_t(truth.images.size()));
    if (fresh) {
      truth.images.push_back({name, "", {}, 0, 0});
      target_of.push_back(-1);
    }
    const std::string& flag = table.at(r, target);
    CAWE_CHECK(flag == "0" || flag == "1", Code::data, table.where(r), ": Target is '", flag,
               "' (expected 0 or 1)");
    int& before = target_of[size_t(at->second)];
    CAWE_CHECK(before < 0 || before == flag[0] - '0', Code::data, table.where(r), ": image '", name,
               "' has rows with Target 0 and with Target 1 (expected one or the other)");
    before = flag[0] - '0';
    const bool empty =
        table.at(r, x).empty() && table.at(r, y).empty() && table.at(r, w).empty() && table.at(r, h).empty();
    CAWE_CHECK(empty == (before == 0), Code::data, table.where(r),
               before == 0 ? ": Target 0 with a box" : ": Target 1 without a box",
               before == 0 ? " (expected empty box fields)" : " (expected x, y, width and height)");
    if (empty) continue;
    const double left = table.number(r, x), top = table.number(r, y), width = table.number(r, w),
                 height = table.number(r, h);
    if (!seen.emplace(at->second, left, top, width, height).second) {
      ++duplicates;
      continue;
    }
    BoxD box{left, top, left + width, top + height};
    TruthImage& image = truth.images[size_t(at->second)];
    detail::check_truth_box(table.where(r), &image, &box, &clipped);
    image.boxes.push_back({box, 0, false, width * height});
  }
  const size_t images = truth.images.size();
  for (size_t i = 0; i < images; ++i) detail::add_key(&truth, detail::stem(truth.images[i].id), int64_t(i));
  if (duplicates > 0)
    truth.notes.push_back(std::to_string(duplicates) + " duplicate rows of the truth dropped");
  return truth;
}

/// Reads the lines "class [score] left top width height" of one text file.
std::vector<RawDetection> read_text_boxes(const std::string& path, bool with_score) {
  std::istringstream lines(read_file(path, size_t(1) << 28));
  std::vector<RawDetection> rows;
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    std::istringstream fields(line);
    std::vector<std::string> words;
    for (std::string word; fields >> word;) words.push_back(word);
    if (words.empty()) continue;
    const size_t expected = with_score ? 6 : 5;
    const std::string where = path + ": line " + std::to_string(number);
    std::vector<double> v(words.size());
    bool good = words.size() == expected;
    for (size_t k = 1; good && k < words.size(); ++k) good = parse_number(words[k], &v[k]);
    CAWE_CHECK(good, Code::data, where, ": '", line, "' (expected class ", with_score ? "score " : "",
               "left top width height)");
    const size_t o = with_score ? 2 : 1;
    rows.push_back({{0, {v[o], v[o + 1], v[o] + v[o + 2], v[o + 1] + v[o + 3]}, with_score ? v[1] : 0, 0},
                    words[0],
                    "line " + std::to_string(number)});
  }
  return rows;
}

std::vector<std::string> text_files(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".txt") files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  CAWE_CHECK(!files.empty(), Code::data, folder, ": no .txt files (expected one an image)");
  return files;
}

TruthSet read_text_truth(const std::string& folder) {
  TruthSet truth;
  int64_t clipped = 0;
  for (const std::string& file : text_files(folder)) {
    TruthImage image;
    image.id = detail::stem(file);
    for (RawDetection& row : read_text_boxes(file, false)) {
      detail::check_truth_box(file + ": " + row.where, &image, &row.detection.box, &clipped);
      const auto [at, fresh] = truth.label_of.emplace(row.label, int64_t(truth.label_names.size()));
      if (fresh) truth.label_names.push_back(row.label);
      image.boxes.push_back({row.detection.box, at->second, false, row.detection.box.area()});
    }
    truth.image_of.emplace(image.id, int64_t(truth.images.size()));
    truth.images.push_back(image);
  }
  return truth;
}

void check_detection(const std::string& where, const BoxD& box, double score) {
  CAWE_CHECK(std::isfinite(score), Code::data, where, ": score ", score, " (expected a finite number)");
  CAWE_CHECK(std::isfinite(box.area()) && box.width() > 0 && box.height() > 0, Code::data, where, ": box of ",
             box.width(), " x ", box.height(), " (expected a positive width and height)");
}

std::vector<RawDetection> read_csv_detections(const std::string& path, const TruthSet& truth) {
  const auto table = data::CsvTable::read(path);
  const size_t image = table.column("image"), x = table.column("x"), y = table.column("y"),
               w = table.column("width"), h = table.column("height"), score = table.column("score");
  const bool labelled = table.has_column("label");
  const size_t label = labelled ? table.column("label") : 0;
  std::vector<RawDetection> raw;
  for (size_t r = 0; r < table.rows(); ++r) {
    const int64_t at = truth.find(table.at(r, image));
    CAWE_CHECK(at >= 0, Code::data, table.where(r), ": image '", table.at(r, image),
               "' is not in the truth (expected one of its ", truth.images.size(), " images)");
    const double left = table.number(r, x), top = table.number(r, y);
    const BoxD box{left, top, left + table.number(r, w), top + table.number(r, h)};
    const double value = table.number(r, score);
    check_detection(table.where(r), box, value);
    raw.push_back({{at, box, value, 0}, labelled ? table.at(r, label) : "", table.where(r)});
  }
  return raw;
}

std::vector<RawDetection> read_text_detections(const std::string& folder, const TruthSet& truth) {
  std::vector<RawDetection> raw;
  for (const std::string& file : text_files(folder)) {
    const int64_t at = truth.find(file);
    CAWE_CHECK(at >= 0, Code::data, file, ": this image is not in the truth (expected one of its ",
               truth.images.size(), " images)");
    for (RawDetection& row : read_text_boxes(file, true)) {
      check_detection(file + ": " + row.where, row.detection.box, row.detection.score);
      row.detection.image = at;
      raw.push_back(row);
    }
  }
  return raw;
}

}  // namespace

int64_t TruthSet::find(const std::string& name) const {
  auto at = image_of.find(name);
  if (at == image_of.end()) at = image_of.find(detail::stem(name));
  return at == image_of.end() ? -1 : at->second;
}

TruthSet read_truth(const std::string& path) {
  need_file(path, "the truth: RSNA .csv, COCO .json or a folder of .txt");
  TruthSet truth;
  if (fs::is_directory(path)) {
    truth = read_text_truth(path);
  } else if (lower_extension(path) == ".csv") {
    truth = read_rsna(path);
  } else if (lower_extension(path) == ".json") {
    truth = detail::read_coco_truth(path);
  } else {
    fail(Code::usage, path, ": unknown kind of truth (expected RSNA .csv, COCO .json or a folder of .txt)");
  }
  CAWE_CHECK(!truth.images.empty(), Code::data, path, ": no image in the truth (expected at least one)");
  return truth;
}

void read_patients(const std::string& path, TruthSet* truth) {
  need_file(path, "a patients .csv");
  std::vector<std::string> found(truth->images.size());
  for (const data::PatientLine& line : data::read_patient_lines(path)) {
    const int64_t at = truth->find(line.image);
    if (at < 0) continue;
    CAWE_CHECK(found[size_t(at)].empty() || found[size_t(at)] == line.patient, Code::data, line.where,
               ": image '", line.image, "' has two patients, '", found[size_t(at)], "' and '", line.patient,
               "' (expected one)");
    found[size_t(at)] = line.patient;
  }
  for (size_t i = 0; i < found.size(); ++i) {
    CAWE_CHECK(!found[i].empty(), Code::data, path, ": no row for image '", truth->images[i].id,
               "' (expected every image of the truth)");
    truth->images[i].patient = found[i];
  }
  truth->patients_known = true;
}

std::vector<Detection> read_detections(const std::string& path, TruthSet* truth) {
  need_file(path, "detections: .csv, COCO results .json or a folder of .txt");
  std::vector<RawDetection> raw;
  if (fs::is_directory(path)) {
    raw = read_text_detections(path, *truth);
  } else if (lower_extension(path) == ".csv") {
    raw = read_csv_detections(path, *truth);
  } else if (lower_extension(path) == ".json") {
    raw = detail::read_coco_detections(path, *truth);
  } else {
    fail(Code::usage, path,
         ": unknown kind of detections (expected .csv, COCO results .json or a folder of .txt)");
  }
  return detail::resolve_labels(path, raw, truth);
}

}  // namespace cawe::eval
