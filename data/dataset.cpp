// SPDX-License-Identifier: Apache-2.0
// Box rules and joins over Dataset.
#include "data/dataset.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <mutex>
#include <set>
#include <unordered_set>

#include "data/film_names.h"
#include "data/formats/annotations/rsna.h"
#include "data/image_files.h"
#include "data/image_name.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/io/format.h"
#include "tensor/parallel.h"
#include "tensor/text.h"

namespace cawe::data {

constexpr int kMaxSide = 16384;
constexpr size_t kMaxBoxes = 10000;

namespace {

/// Whether a box still has a width and a height as 32-bit numbers, which it is trained on.
bool has_width(const BoxD& box) { return float(box.x2) > float(box.x1); }
bool has_height(const BoxD& box) { return float(box.y2) > float(box.y1); }

}  // namespace

BoxCheck check_box(BoxD* box, int width, int height, std::string* field, std::string* reason) {
  const auto bad = [&](const char* name, const auto&... parts) {
    *field = name;
    *reason = detail::concat(parts...);
    return BoxCheck::bad;
  };
  if (!std::isfinite(box->x1) || !std::isfinite(box->x2)) return bad("x", "not a finite number");
  if (!std::isfinite(box->y1) || !std::isfinite(box->y2)) return bad("y", "not a finite number");
  const auto no_side = [&](const char* name, double side) {
    return bad(name, "is ", side,
               side > 0 ? " (expected more: it is 0 in 32-bit numbers)" : " (expected > 0)");
  };
  if (!has_width(*box)) return no_side("width", box->width());
  if (!has_height(*box)) return no_side("height", box->height());
  const double w = width > 0 ? width : std::numeric_limits<float>::max();
  const double h = height > 0 ? height : std::numeric_limits<float>::max();
  if (box->x1 < -kBoxSlack || box->x2 > w + kBoxSlack)
    return bad("x", "box from ", box->x1, " to ", box->x2, " leaves the image (", width, " px wide)");
  if (box->y1 < -kBoxSlack || box->y2 > h + kBoxSlack)
    return bad("y", "box from ", box->y1, " to ", box->y2, " leaves the image (", height, " px high)");
  const BoxD clipped{std::max(0.0, box->x1), std::max(0.0, box->y1), std::min(w, box->x2),
                     std::min(h, box->y2)};
  if (!has_width(clipped) || !has_height(clipped)) return bad("x", "box lies outside the image");
  const bool same =
      clipped.x1 == box->x1 && clipped.y1 == box->y1 && clipped.x2 == box->x2 && clipped.y2 == box->y2;
  *box = clipped;
  return same ? BoxCheck::ok : BoxCheck::clipped;
}

bool add_box(Dataset* dataset, Sample* sample, BoxD box, int box_class, const std::string& where) {
  std::string field, reason;
  const BoxCheck check = check_box(&box, sample->width, sample->height, &field, &reason);
  if (check == BoxCheck::bad) {
    dataset->rejected.push_back({sample->path, field, detail::concat(where, ": ", reason)});
    return false;
  }
  if (check == BoxCheck::clipped)
    dataset->warnings.push_back(detail::concat(where, ": box reached over the edge by up to 1 px; clipped"));
  const Box b{float(box.x1), float(box.y1), float(box.x2), float(box.y2)};
  for (size_t i = 0; i < sample->boxes.size(); ++i) {
    const Box& other = sample->boxes[i];
    if (other.x1 == b.x1 && other.y1 == b.y1 && other.x2 == b.x2 && other.y2 == b.y2 &&
        sample->box_classes[i] == box_class) {
      dataset->warnings.push_back(detail::concat(where, ": the same box came before; dropped"));
      return true;
    }
  }
  if (sample->boxes.size() >= kMaxBoxes) {
    dataset->rejected.push_back(
        {sample->path, "boxes", detail::concat(where, ": more than ", kMaxBoxes, " boxes in one image")});
    return false;
  }
  sample->boxes.push_back(b);
  sample->box_classes.push_back(box_class);
  if (sample->width == 0) sample->box_where.push_back(where);
  return true;
}

bool rejects_one_film(Code code) {
  return code == Code::data || code == Code::io || code == Code::unsupported;
}

void drop_samples(Dataset* dataset, const std::vector<std::string>& gone) {
  if (gone.empty()) return;
  const std::unordered_set<std::string> names(gone.begin(), gone.end());
  auto& samples = dataset->samples;
  samples.erase(std::remove_if(samples.begin(), samples.end(),
                               [&](const Sample& sample) { return names.count(sample.image_id) > 0; }),
                samples.end());
}

namespace {

/// A sample's file as it was found.
struct LookedUp {
  bool missing = false;
  ImageFacts facts;
  std::string problem;  ///< why there are no facts
};

LookedUp look_up(const std::string& path, const SizeOf& size_of) {
  LookedUp found;
  std::error_code unknown;
  found.missing = !std::filesystem::exists(path, unknown);
  if (found.missing) return found;
  try {
    found.facts = size_of(path);
  } catch (const Error& error) {
    if (!rejects_one_film(error.code())) throw;
    found.problem = error.what();
  }
  return found;
}

/// Checks the boxes against the size that is known now; the answer as problem_of()'s. What is wrong is wrong in the
/// file that names the box, which need not be the one that names the film.
Rejected problem_of_boxes(Dataset* dataset, Sample* sample) {
  const std::vector<std::string> places = std::move(sample->box_where);
  sample->box_where.clear();
  size_t next = 0;
  for (std::vector<Box>* boxes : {&sample->boxes, &sample->ignored})
    for (Box& box : *boxes) {
      BoxD wide{box.x1, box.y1, box.x2, box.y2};
      std::string field, reason;
      const BoxCheck check = check_box(&wide, sample->width, sample->height, &field, &reason);
      const bool named = next < places.size();
      const std::string where = named ? places[next] : sample->where;
      ++next;
      if (check == BoxCheck::bad)
        return {sample->path, field, where.empty() ? reason : where + ": " + reason};
      if (check == BoxCheck::ok) continue;
      dataset->warnings.push_back((named ? where : sample->path) +
                                  ": box reached over the edge by up to 1 px; clipped");
      box = {float(wide.x1), float(wide.y1), float(wide.x2), float(wide.y2)};
    }
  return {};
}

/// Why a sample must be rejected, as field and reason; an empty field where it need not.
Rejected problem_of(Dataset* dataset, Sample* sample, const LookedUp& found, int min_side,
                    FolderNames* folders) {
  const auto no = [&](const char* field, const std::string& reason) {
    return Rejected{sample->path, field, sample->where.empty() ? reason : sample->where + ": " + reason};
  };
  if (found.missing) {
    const std::string near = folders->near(sample->path);
    return no("file", near.empty() ? "does not exist"
                                   : "does not exist (there is '" + near + "': expected the same letters)");
  }
  if (!found.problem.empty()) return no("file", found.problem);
  const ImageFacts& facts = found.facts;
  const int width = facts.width, height = facts.height;
  const std::string stated = detail::concat(width, " x ", height, " px");
  if (width > kMaxSide || height > kMaxSide) return no("size", stated + " (expected at most 16384 a side)");
  if (std::min(width, height) < std::max(1, min_side))
    return no("size", detail::concat(stated, " (expected at least ", std::max(1, min_side), " a side)"));
  if (sample->width > 0 && (sample->width != width || sample->height != height))
    return no("size", detail::concat(
                          stated, facts.orientation == 1 ? "" : " when turned upright as its EXIF data say",
                          " (the label file says ", sample->width, " x ", sample->height, ")"));
  if (!facts.damage.empty()) {
    sample->damage = facts.damage;
    dataset->warnings.push_back(sample->path + ": damaged, read all the same: " + facts.damage);
  }
  sample->width = width;
  sample->height = height;
  sample->file_hash = facts.file_hash;
  sample->pixel_hash = facts.pixel_hash;
  if (sample->sex.empty()) sample->sex = facts.sex;
  if (sample->view.empty()) sample->view = facts.view;
  if (std::isnan(sample->age)) sample->age = facts.age;
  return problem_of_boxes(dataset, sample);
}

}  // namespace

void resolve_images(Dataset* dataset, const SizeOf& size_of, int min_side, bool quiet) {
  std::vector<Sample>& samples = dataset->samples;
  std::vector<LookedUp> found(samples.size());
  std::mutex mutex;
  int64_t done = 0;
  Progress progress("reading films", int64_t(samples.size()), quiet);
  parallel_tasks(int64_t(samples.size()), [&](int64_t i) {
    found[size_t(i)] = look_up(samples[size_t(i)].path, size_of);
    const std::lock_guard<std::mutex> lock(mutex);
    progress.update(++done);
  });
  std::vector<std::string> gone;
  FolderNames folders;
  for (size_t i = 0; i < samples.size(); ++i) {
    Rejected problem = problem_of(dataset, &samples[i], found[i], min_side, &folders);
    if (problem.field.empty()) continue;
    gone.push_back(samples[i].image_id);
    dataset->rejected.push_back(std::move(problem));
  }
  drop_samples(dataset, gone);
}

void attach_rsna_boxes(Dataset* dataset, const std::string& csv, const std::string& class_name) {
  const RsnaBoxes boxes = read_rsna_boxes(csv);
  FilmNames rows;
  for (size_t r = 0; r < boxes.images.size(); ++r) rows.add(boxes.images[r].id, int64_t(r));
  FilmClaims claims;
  std::vector<const RsnaBoxes::Image*> boxes_of;
  std::vector<char> used(boxes.images.size(), false);
  for (const Sample& sample : dataset->samples) {
    // By its path: an id may leave out folders that tell it from a film of the table which is not here.
    const std::vector<int64_t> found = rows.find(sample.path);
    boxes_of.push_back(found.empty() ? nullptr : &boxes.images[size_t(found[0])]);
    if (found.empty()) continue;
    const RsnaBoxes::Image& image = *boxes_of.back();
    if (found.size() > 1) {
      const RsnaBoxes::Image& other = boxes.images[size_t(found[1])];
      fail(Code::data, other.where, ": patientId '", other.id, "' and '", image.id, "' (", image.where,
           ") are both ", sample.path, " (expected one spelling)");
    }
    const std::string taken = claims.claim(found[0], sample.path);
    CAWE_CHECK(taken.empty(), Code::data, image.where, ": patientId '", image.id, "' could be ", taken,
               " or ", sample.path, " (expected names with their folders)");
    used[size_t(found[0])] = true;
  }
  dataset->class_names = {class_name};
  std::vector<std::string> gone;
  int64_t unlabelled = 0;
  for (size_t i = 0; i < boxes_of.size(); ++i) {
    Sample& sample = dataset->samples[i];
    if (boxes_of[i] == nullptr)
      ++unlabelled;
    else if (!apply_rsna_boxes(dataset, &sample, *boxes_of[i]))
      gone.push_back(sample.image_id);
  }
  drop_samples(dataset, gone);
  for (size_t r = 0; r < used.size(); ++r)
    if (!used[r])
      dataset->rejected.push_back(
          {boxes.images[r].id, "patientId", boxes.images[r].where + ": no such image in the data set"});
  dataset->counts["images without box annotation"] = unlabelled;
  count_samples(dataset);
}

bool is_share(const BoxD& box) {
  return std::max({std::abs(box.x1), std::abs(box.y1), box.width(), box.height()}) <= 1;
}

namespace {

/// Warns where every box there is has corners and sides of at most a pixel. No lesion is that small, and boxes in shares
/// of the film are.
void warn_of_shares(Dataset* dataset) {
  int64_t count = 0;
  std::string first;
  for (const Sample& sample : dataset->samples)
    for (const std::vector<Box>* boxes : {&sample.boxes, &sample.ignored})
      for (const Box& box : *boxes) {
        if (!is_share({box.x1, box.y1, box.x2, box.y2})) return;
        if (count++ == 0) first = sample.box_where.empty() ? sample.where : sample.box_where[0];
      }
  if (count > 0)
    dataset->warnings.push_back(detail::concat(
        first, first.empty() ? "" : ": ", count == 1 ? "the only box lies" : "this box and all others lie",
        " within one pixel (", counted(count, "box", "boxes"),
        "): are they shares of the film's width and height? (expected pixels)"));
}

}  // namespace

void count_samples(Dataset* dataset) {
  std::set<std::string> patients;
  int64_t boxes = 0, with_boxes = 0, annotated = 0;
  std::vector<int64_t> positives(dataset->label_names.size(), 0);
  for (const Sample& sample : dataset->samples) {
    patients.insert(sample.patient_id);
    boxes += int64_t(sample.boxes.size());
    with_boxes += !sample.boxes.empty();
    annotated += sample.has_box_annotation;
    for (size_t i = 0; i < positives.size() && i < sample.labels.size(); ++i)
      positives[i] += sample.labels[i] == 1;
  }
  auto& counts = dataset->counts;
  counts["images"] = int64_t(dataset->samples.size());
  counts["patients"] = int64_t(patients.size());
  counts["boxes"] = boxes;
  counts["images with boxes"] = with_boxes;
  counts["images with box annotation"] = annotated;
  for (size_t i = 0; i < positives.size(); ++i) counts["positive " + dataset->label_names[i]] = positives[i];
  warn_of_shares(dataset);
}

void keep_labels(Dataset* dataset, const std::vector<size_t>& kept) {
  std::vector<std::string> names;
  std::map<std::string, int64_t> positives;
  for (const std::string& name : dataset->label_names) dataset->counts.erase("positive " + name);
  for (const size_t k : kept) names.push_back(dataset->label_names.at(k));
  for (Sample& sample : dataset->samples) {
    std::vector<float> labels;
    for (const size_t k : kept) labels.push_back(sample.labels.at(k));
    sample.labels = std::move(labels);
    for (size_t k = 0; k < names.size(); ++k) positives[names[k]] += sample.labels[k] == 1;
  }
  for (const auto& [name, count] : positives) dataset->counts["positive " + name] = count;
  dataset->label_names = std::move(names);
}

FolderVisitor visitor_of(Dataset* dataset, const std::string& things) {
  FolderVisitor visitor;
  visitor.skip = [](const std::string& name) { return name[0] == '.'; };
  visitor.closed = [dataset](const std::string& folder, const std::string& why) {
    dataset->rejected.push_back({folder, "file", why});
  };
  visitor.again = [dataset, things](const std::string& folder, const std::string& first) {
    dataset->warnings.push_back(folder + ": leads to the same folder as " + first + ", whose " + things +
                                " are read already; left out");
  };
  return visitor;
}

std::string stem(const std::string& file_name) {
  return without_image_ending(std::filesystem::path(file_name).filename().string());
}

void write_rejected(const std::string& path, const std::vector<Rejected>& rejected) {
  std::string text = kRejectedHeader;
  for (const Rejected& item : rejected) text += csv_line({item.file, item.field, item.reason});
  write_file(path, text);
}

}  // namespace cawe::data
