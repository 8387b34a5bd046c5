// SPDX-License-Identifier: Apache-2.0
// RSNA CSV, detections CSV, patients CSV and folders of text files; COCO JSON is in read_coco.cpp, labels in
// box_labels.cpp, units in box_units.cpp.
#include "eval/read_boxes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "data/dataset.h"
#include "data/folder_walk.h"
#include "data/formats/annotations/rsna.h"
#include "data/formats/table/csv.h"
#include "data/image_files.h"
#include "data/image_name.h"
#include "eval/read_boxes_internal.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/io/format.h"
#include "tensor/text.h"

namespace cawe::eval {
namespace fs = std::filesystem;

namespace detail {

void add_image(TruthSet* truth, TruthImage image, const std::string& number) {
  truth->names.add(image.id, int64_t(truth->images.size()));
  if (!number.empty()) truth->numbers.push_back(number);
  truth->images.push_back(std::move(image));
}

std::vector<int64_t> Places::meant_by(const std::string& name) const {
  const std::vector<int64_t> found = truth_.names.find(name);
  double number = 0;
  int64_t id = 0;
  if (!found.empty() || truth_.numbers.empty() || !parse_number(name, &number) ||
      !whole_number(number, &id) || std::to_string(id) != name)
    return found;
  const auto at = truth_.number_of.find(id);
  return at == truth_.number_of.end() ? found : std::vector<int64_t>{at->second};
}

int64_t Places::find(const std::string& name, const std::string& where) {
  const auto known = known_.find(name);
  if (known != known_.end()) return known->second;
  const std::vector<int64_t> found = meant_by(name);
  if (found.empty()) return -1;
  const auto id = [&](int64_t i) { return truth_.images[size_t(i)].id; };
  CAWE_CHECK(found.size() == 1, Code::data, where, ": image '", name, "' could be '", id(found[0]), "' or '",
             id(found.back()), "' of the truth (expected one: name it as the truth does, with its folders)");
  const std::string other = claims_.claim(found[0], name);
  CAWE_CHECK(other.empty(), Code::data, where, ": image '", name, "' and image '", other, "' would both be '",
             id(found[0]),
             "' of the truth (expected names in the truth that tell them apart, with their folders)");
  return known_[name] = found[0];
}

int64_t Places::of(const std::string& name, const std::string& where) {
  const int64_t at = find(name, where);
  CAWE_CHECK(at >= 0, Code::data, where, ": image '", name, "' is not in the truth (expected one of its ",
             truth_.images.size(), " images)");
  return at;
}

int64_t Places::of_number(int64_t number, const std::string& where) {
  if (truth_.number_of.empty()) return of(std::to_string(number), where);
  const auto at = truth_.number_of.find(number);
  CAWE_CHECK(at != truth_.number_of.end(), Code::data, where, ": image_id ", number,
             " is not in the truth (expected one of its ", truth_.images.size(), " images)");
  return at->second;
}

void check_truth_box(const std::string& where, const TruthImage& image, BoxD* box, int64_t* clipped) {
  std::string field, reason;
  const data::BoxCheck check = data::check_box(box, int(image.width), int(image.height), &field, &reason);
  CAWE_CHECK(check != data::BoxCheck::bad, Code::data, where, ": ", field, ": ", reason);
  *clipped += check == data::BoxCheck::clipped;
}

void note_clipped(TruthSet* truth, int64_t clipped) {
  if (clipped > 0)
    truth->notes.push_back(counted(clipped, "true box", "true boxes") + " up to a pixel outside " +
                           (clipped == 1 ? "its image was" : "their image were") + " clipped");
}

}  // namespace detail

namespace {

using detail::RawDetection;

std::string lower_extension(const std::string& path) { return lower(fs::path(path).extension().string()); }

void need_file(const std::string& path, const char* expected) {
  std::error_code error;
  CAWE_CHECK(fs::exists(path, error), Code::data, path, ": no such file (expected ", expected, ")");
}

/// A box as training compares it.
std::array<float, 4> corners(const BoxD& box) {
  return {float(box.x1), float(box.y1), float(box.x2), float(box.y2)};
}

void note_duplicates(TruthSet* truth, int64_t duplicates) {
  if (duplicates > 0) truth->notes.push_back(counted(duplicates, "duplicate row") + " of the truth dropped");
}

TruthSet read_rsna(const std::string& path) {
  TruthSet truth;
  truth.label_names = {"lesion"};
  int64_t duplicates = 0, clipped = 0;
  std::vector<data::NamedImage> named;
  for (const data::RsnaBoxes::Image& from : data::read_rsna_boxes(path).images) {
    named.push_back({from.id, from.where});
    CAWE_CHECK(from.problem.empty(), Code::data, from.problem);
    TruthImage image{from.id, "", {}, 0, 0};
    std::set<std::array<float, 4>> seen;
    for (const data::RsnaBoxes::Row& row : from.rows) {
      BoxD box = row.box;
      detail::check_truth_box(row.where, image, &box, &clipped);
      if (seen.insert(corners(box)).second)
        image.boxes.push_back({box, 0, false, row.area});
      else
        ++duplicates;
    }
    detail::add_image(&truth, std::move(image));
  }
  // Refuses "a" beside "a.png", as training does: one film would be judged in two halves.
  data::image_ids(named);
  note_duplicates(&truth, duplicates);
  detail::note_clipped(&truth, clipped);
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
                    where});
  }
  return rows;
}

/// The image of a text file: its path below the folder without ".txt", as the id of a film.
std::string image_of_text(const data::FoundFile& file) {
  return file.below.substr(0, file.below.size() - std::string(".txt").size());
}

void check_text_files(const std::vector<data::FoundFile>& files) {
  std::map<std::string, std::string> known;
  for (const data::FoundFile& file : files) {
    CAWE_CHECK(file.problem.empty(), Code::data, file.path, ": ", file.problem);
    const auto [first, fresh] = known.emplace(data::without_image_ending(image_of_text(file)), file.path);
    CAWE_CHECK(fresh, Code::data, file.path, ": is of the same image as ", first->second,
               " (expected one text file an image)");
  }
}

/// The text files of a folder and of those below, walked over as films are. Hidden ones (also macOS's "._") are none.
std::vector<data::FoundFile> text_files(const std::string& folder, std::vector<std::string>* notes) {
  std::vector<data::FoundFile> files;
  int64_t hidden = 0;
  data::FolderVisitor visitor;
  visitor.skip = [&](const std::string& name) {
    hidden += name[0] == '.';
    return name[0] == '.';
  };
  visitor.file = [&](const data::FoundFile& found) {
    if (lower_extension(found.path) == ".txt") files.push_back(found);
  };
  visitor.closed = [](const std::string& closed, const std::string& why) {
    fail(Code::data, closed, ": ", why);
  };
  data::FolderWalk(visitor).walk(folder);
  CAWE_CHECK(!files.empty(), Code::data, folder, ": no .txt files (expected one an image)");
  if (hidden > 0) notes->push_back(folder + ": " + counted(hidden, "hidden name") + " left out");
  check_text_files(files);
  return files;
}

TruthSet read_text_truth(const std::string& folder) {
  TruthSet truth;
  int64_t clipped = 0;
  for (const data::FoundFile& file : text_files(folder, &truth.notes)) {
    TruthImage image;
    image.id = image_of_text(file);
    for (RawDetection& row : read_text_boxes(file.path, false)) {
      detail::check_truth_box(row.where, image, &row.detection.box, &clipped);
      const auto [at, fresh] = truth.label_of.emplace(row.label, int64_t(truth.label_names.size()));
      if (fresh) truth.label_names.push_back(row.label);
      image.boxes.push_back({row.detection.box, at->second, false, row.detection.box.area()});
    }
    detail::add_image(&truth, std::move(image));
  }
  detail::note_clipped(&truth, clipped);
  return truth;
}

}  // namespace

void detail::check_detection(const std::string& where, const BoxD& box, double score) {
  CAWE_CHECK(std::isfinite(score), Code::data, where, ": score ", score, " (expected a finite number)");
  CAWE_CHECK(std::isfinite(box.area()) && box.width() > 0 && box.height() > 0, Code::data, where, ": box of ",
             box.width(), " x ", box.height(), " (expected a positive width and height)");
}

namespace {

std::vector<RawDetection> read_csv_detections(const std::string& path, detail::Places* places) {
  const auto table = data::CsvTable::read(path);
  const size_t image = table.column("image"), x = table.column("x"), y = table.column("y"),
               w = table.column("width"), h = table.column("height"), score = table.column("score");
  const bool labelled = table.has_column("label");
  const size_t label = labelled ? table.column("label") : 0;
  std::vector<RawDetection> raw;
  for (size_t r = 0; r < table.rows(); ++r) {
    const int64_t at = places->of(table.at(r, image), table.where(r));
    const double left = table.number(r, x), top = table.number(r, y);
    const BoxD box{left, top, left + table.number(r, w), top + table.number(r, h)};
    const double value = table.number(r, score);
    detail::check_detection(table.where(r), box, value);
    raw.push_back({{at, box, value, 0}, labelled ? table.at(r, label) : "", table.where(r)});
  }
  return raw;
}

std::vector<RawDetection> read_text_detections(const std::string& folder, detail::Places* places,
                                               std::vector<std::string>* notes) {
  std::vector<RawDetection> raw;
  for (const data::FoundFile& file : text_files(folder, notes)) {
    const int64_t at = places->of(image_of_text(file), file.path);
    for (RawDetection& row : read_text_boxes(file.path, true)) {
      detail::check_detection(row.where, row.detection.box, row.detection.score);
      row.detection.image = at;
      raw.push_back(row);
    }
  }
  return raw;
}

/// The image of the truth for each film that was looked at.
std::vector<int64_t> places_of(const std::vector<LookedAt>& films, detail::Places* places) {
  std::vector<int64_t> found;
  size_t without = 0;
  const LookedAt* first = nullptr;
  for (const LookedAt& film : films) {
    found.push_back(places->find(film.image, film.where));
    if (found.back() >= 0) continue;
    ++without;
    if (first == nullptr) first = &film;
  }
  CAWE_CHECK(without == 0, Code::data, first->where, ": film '", first->image, "' has no truth",
             without > 1 ? cawe::detail::concat(" (nor have ", without - 1, " other films of the list)")
                         : std::string(),
             " (expected every film that was looked at in the truth: lesion-free ones have a row, too)");
  return found;
}

/// Gives an image of the truth the film's size where it has none, and checks its boxes against it: RSNA's table and
/// text files know no sizes, so that boxes in the pixels of another picture would be judged all the same. Boxes that
/// clipping makes equal are one, as in training.
void take_size(const LookedAt& film, TruthImage* image, int64_t* clipped, int64_t* duplicates) {
  if (image->width > 0 || film.width <= 0) return;
  image->width = film.width;
  image->height = film.height;
  const int64_t before = *clipped;
  for (TruthBox& box : image->boxes)
    detail::check_truth_box(cawe::detail::concat(film.where, ": film '", film.image, "', a box of its truth"),
                            *image, &box.box, clipped);
  if (*clipped == before) return;
  std::set<std::pair<int64_t, std::array<float, 4>>> seen;
  std::vector<TruthBox> kept;
  for (const TruthBox& box : image->boxes)
    if (seen.insert({box.label, corners(box.box)}).second) kept.push_back(box);
  *duplicates += int64_t(image->boxes.size() - kept.size());
  image->boxes = std::move(kept);
}

/// Keeps what was looked at, in the order of the truth.
void keep_films(const std::vector<LookedAt>& films, const std::vector<int64_t>& places, TruthSet* truth,
                std::vector<RawDetection>* raw) {
  std::vector<const LookedAt*> film_of(truth->images.size(), nullptr);
  for (size_t i = 0; i < films.size(); ++i) {
    const LookedAt*& film = film_of[size_t(places[i])];
    CAWE_CHECK(film == nullptr, Code::data, films[i].where, ": film '", films[i].image, "' and film '",
               film->image, "' are both '", truth->images[size_t(places[i])].id,
               "' of the truth (expected each film once)");
    film = &films[i];
  }
  std::vector<long long> boxes(truth->images.size(), 0);
  for (const RawDetection& d : *raw) {
    const size_t at = size_t(d.detection.image);
    CAWE_CHECK(film_of[at] != nullptr, Code::data, d.where, ": a detection on '", truth->images[at].id,
               "', which is not among the films that were looked at, ",
               films[0].where.substr(0, films[0].where.rfind(": ")),
               " (expected the list that was written with these detections)");
    ++boxes[at];
    CAWE_CHECK(film_of[at]->boxes < 0 || boxes[at] <= film_of[at]->boxes, Code::data, film_of[at]->where,
               ": film '", film_of[at]->image, "' has ", film_of[at]->boxes,
               " boxes here and more in the detections (expected the list that was written with them)");
  }
  long long listed = 0;
  for (const LookedAt& film : films) listed += std::max(film.boxes, 0LL);
  if (listed > (long long)raw->size())
    truth->notes.push_back(cawe::detail::concat("the list of films counts ", listed,
                                                " boxes, the detections are ", raw->size(),
                                                ": some were taken out"));
  TruthSet kept;
  std::vector<int64_t> new_place(truth->images.size(), -1);
  int64_t sizes = 0, clipped = 0, duplicates = 0;
  std::string resized;
  for (size_t i = 0; i < truth->images.size(); ++i) {
    if (film_of[i] == nullptr) continue;
    TruthImage& image = truth->images[i];
    const LookedAt& film = *film_of[i];
    if (image.patient.empty()) image.patient = film.patient;
    truth->patients_known |= !image.patient.empty();
    take_size(film, &image, &clipped, &duplicates);
    if (image.width > 0 && film.width > 0 && (image.width != film.width || image.height != film.height)) {
      ++sizes;
      resized = image.id;
    }
    new_place[i] = int64_t(kept.images.size());
    detail::add_image(&kept, image, truth->numbers.empty() ? "" : truth->numbers[i]);
  }
  for (RawDetection& d : *raw) d.detection.image = new_place[size_t(d.detection.image)];
  note_duplicates(truth, duplicates);
  detail::note_clipped(truth, clipped);
  if (sizes > 0)
    truth->notes.push_back(
        cawe::detail::concat(sizes,
                             " films have another size in the truth than when they were looked at, "
                             "e.g. '",
                             resized, "': boxes may lie in different pixels"));
  truth->images = std::move(kept.images);
  truth->names = std::move(kept.names);
  truth->numbers = std::move(kept.numbers);
  truth->number_of.clear();
}

}  // namespace

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
  std::vector<BoxD> boxes;
  for (const TruthImage& image : truth.images)
    for (const TruthBox& box : image.boxes) boxes.push_back(box.box);
  detail::refuse_shares(path, boxes);
  return truth;
}

void read_patients(const std::string& path, TruthSet* truth) {
  need_file(path, "a patients .csv");
  std::vector<std::string> ids;
  for (const TruthImage& image : truth->images) ids.push_back(image.id);
  const std::vector<std::string> persons =
      data::persons_from_table(path, ids, truth->numbers, "every image of the truth");
  for (size_t i = 0; i < persons.size(); ++i) truth->images[i].patient = persons[i];
  truth->patients_known = true;
}

std::vector<Detection> read_detections(const std::string& path, TruthSet* truth,
                                       const std::vector<LookedAt>* films, int64_t* left_out) {
  need_file(path, "detections: .csv, COCO results .json or a folder of .txt");
  detail::Places places(*truth);
  std::vector<int64_t> looked_at;
  if (films != nullptr) looked_at = places_of(*films, &places);
  std::vector<RawDetection> raw;
  if (fs::is_directory(path)) {
    raw = read_text_detections(path, &places, &truth->notes);
  } else if (lower_extension(path) == ".csv") {
    raw = read_csv_detections(path, &places);
  } else if (lower_extension(path) == ".json") {
    raw = detail::read_coco_detections(path, &places);
  } else {
    fail(Code::usage, path,
         ": unknown kind of detections (expected .csv, COCO results .json or a folder of .txt)");
  }
  std::vector<BoxD> boxes;
  for (const RawDetection& d : raw) boxes.push_back(d.detection.box);
  detail::refuse_shares(path, boxes);
  if (films != nullptr) {
    const size_t before = truth->images.size();
    keep_films(*films, looked_at, truth, &raw);
    if (left_out != nullptr) *left_out = int64_t(before - truth->images.size());
  }
  detail::note_outside(raw, truth);
  return detail::resolve_labels(raw, truth);
}

}  // namespace cawe::eval
