// SPDX-License-Identifier: Apache-2.0
// Phantoms and scenes as folders of files, all or nothing: the folder appears by rename.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "data/formats/dicom/film.h"
#include "data/formats/picture/png.h"
#include "data/phantom/chest.h"
#include "data/phantom/scenes.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/io/format.h"
#include "tensor/io/json.h"
#include "tensor/parallel.h"
#include "tensor/random.h"
#include "tensor/stop_signal.h"
#include "tensor/text.h"

namespace cawe::data {
namespace {

/// 12 bits, with a window and a polarity that differ from film to film, so that ignoring either is visible.
/// The windowed value of each pixel is the phantom's own value.
DicomToWrite as_dicom(const FloatImage& image, const std::string& patient, const std::string& film_id) {
  DicomToWrite film;
  film.patient_id = patient;
  film.study_key = film_id;
  film.width = image.width;
  film.height = image.height;
  const Random random(0, "phantom file " + film_id);
  film.inverted = random.uniform(0) < 0.5f;
  // Ten stored values for each gray level.
  const double low = 256 + std::floor(random.uniform(1) * 512), range = 2550;
  // DICOM's LINEAR window function: x = low is 0, x = low + range is 1.
  film.window_width = range + 1;
  film.window_centre = low + 0.5 + range / 2;
  for (const float v : image.pixels) {
    const double seen = film.inverted ? 1.0 - double(v) : double(v);
    film.values.push_back(uint16_t(std::lround(low + range * seen)));
  }
  return film;
}

constexpr int kDecimals = 2;  // of a box's pixels

/// What the tables say of one film.
struct FilmText {
  std::string labels, classes, metadata;
  Json coco_image, coco_boxes = Json::array();
};

FilmText describe(const Chest& chest, const std::string& id, const std::string& patient,
                  const std::string& file, int64_t image) {
  FilmText t;
  std::vector<int> kinds(lesion_kinds().size(), 0);
  for (size_t i = 0; i < chest.boxes.size(); ++i) {
    const Box& b = chest.boxes[i];
    std::vector<std::string> line{id};
    Json xywh = Json::array();
    for (const float v : {b.x1, b.y1, b.x2 - b.x1, b.y2 - b.y1}) {
      line.push_back(fixed(double(v), kDecimals));
      xywh.push_back(json_fixed(double(v), kDecimals));
    }
    line.push_back("1");
    t.labels += csv_line(line);
    t.classes += csv_line({id, "Lung Opacity"});
    t.coco_boxes.push_back({{"id", 0},  // counted over the whole file when it is written
                            {"image_id", image},
                            {"category_id", chest.kinds[i] + 1},
                            {"bbox", xywh},
                            {"area", json_fixed(double((b.x2 - b.x1) * (b.y2 - b.y1)), kDecimals)},
                            {"iscrowd", 0}});
    kinds[size_t(chest.kinds[i])] = 1;
  }
  if (chest.boxes.empty()) {
    t.labels = csv_line({id, "", "", "", "", "0"});
    t.classes = csv_line({id, "Normal"});
  }
  const int size = chest.image.width;
  std::vector<std::string> line{file, patient};
  for (const int k : kinds) line.push_back(std::to_string(k));
  for (int side = 0; side < 2; ++side) line.push_back(std::to_string(size));
  t.metadata = csv_line(line);
  t.coco_image = {{"id", image}, {"file_name", file}, {"width", size}, {"height", size}};
  return t;
}

void write_tables(const NewFolder& folder, std::vector<FilmText> films, const std::vector<Json>& mapping) {
  std::string labels = "patientId,x,y,width,height,Target\n", classes = "patientId,class\n";
  std::vector<std::string> header{"image", "patient"};
  Json images = Json::array(), boxes = Json::array(), categories = Json::array();
  for (size_t k = 0; k < lesion_kinds().size(); ++k) {
    header.push_back(lesion_kinds()[k]);
    categories.push_back({{"id", k + 1}, {"name", lesion_kinds()[k]}});
  }
  header.insert(header.end(), {"width", "height"});
  std::string metadata = csv_line(header);
  for (FilmText& film : films) {
    labels += film.labels;
    classes += film.classes;
    metadata += film.metadata;
    images.push_back(std::move(film.coco_image));
    for (Json& box : film.coco_boxes) {
      box["id"] = boxes.size() + 1;
      boxes.push_back(std::move(box));
    }
  }
  write_file(folder.path("stage_2_train_labels.csv"), labels);
  write_file(folder.path("stage_2_detailed_class_info.csv"), classes);
  write_file(folder.path("metadata.csv"), metadata);
  write_file(folder.path("pneumonia-challenge-dataset-mappings_2018.json"), json_text(mapping) + "\n");
  write_file(folder.path("coco.json"),
             json_text({{"images", images}, {"annotations", boxes}, {"categories", categories}}) + "\n");
}

}  // namespace

void write_phantoms(const PhantomOptions& options) {
  CAWE_CHECK(options.format == "dicom" || options.format == "png", Code::usage, "unknown format \"",
             options.format, "\" (expected dicom or png)");
  CAWE_CHECK(options.images >= 1 && options.images <= 1000000, Code::usage, "--images ", options.images,
             " (expected 1 to 1000000)");
  const std::vector<PatientView> views =
      patient_views(options.chest.seed, options.images, options.first_patient);
  make_chest(options.chest, 0, 0);  // throws for bad options before a folder is made
  NewFolder folder(options.out);
  make_folders(folder.path("images"));
  std::vector<FilmText> films(views.size());
  std::vector<Json> mapping(views.size());
  Progress progress("phantoms", options.images);
  for (size_t begin = 0; begin < views.size(); begin += 64) {
    const size_t end = std::min(views.size(), begin + 64);
    parallel_tasks(int64_t(end - begin), [&](int64_t k) {
      check_stop(options.out);
      const size_t i = begin + size_t(k);
      char patient[16], digits[16], id[24];
      std::snprintf(patient, sizeof patient, "p%05lld", static_cast<long long>(views[i].patient));
      std::snprintf(digits, sizeof digits, "%08lld", static_cast<long long>(views[i].patient));
      std::snprintf(id, sizeof id, "%s_%lld", patient, static_cast<long long>(views[i].view));
      const Chest chest = make_chest(options.chest, views[i].patient, views[i].view);
      const bool dicom = options.format == "dicom";
      const std::string file = std::string(id) + (dicom ? ".dcm" : ".png");
      if (dicom) {
        write_dicom(folder.path("images/" + file), as_dicom(chest.image, patient, id));
      } else {
        write_png(folder.path("images/" + file), chest.image);
      }
      films[i] = describe(chest, id, patient, file, int64_t(i) + 1);
      mapping[i] = {{"subset_img_id", id}, {"img_id", detail::concat(digits, "_", views[i].view, ".png")}};
    });
    progress.update(int64_t(end));
  }
  write_tables(folder, films, mapping);
  folder.finish();
}

void write_scenes(const SceneOptions& options) {
  CAWE_CHECK(options.images >= 1 && options.images <= 1000000, Code::usage, "--images ", options.images,
             " (expected 1 to 1000000)");
  make_scene(options.size, options.seed, 0);  // throws for a bad size before a folder is made
  NewFolder folder(options.out);
  make_folders(folder.path("images"));
  std::vector<std::string> rows(size_t(options.images));
  Progress progress("scenes", options.images);
  for (int64_t begin = 0; begin < options.images; begin += 64) {
    const int64_t end = std::min(options.images, begin + 64);
    parallel_tasks(end - begin, [&](int64_t k) {
      check_stop(options.out);
      const int64_t i = begin + k;
      char file[24];
      std::snprintf(file, sizeof file, "s%05lld.png", static_cast<long long>(i));
      const Scene scene = make_scene(options.size, options.seed, i);
      write_png(folder.path(std::string("images/") + file), scene.image);
      std::string& row = rows[size_t(i)];
      row = file;
      for (const float v : scene.labels) row += v > 0 ? ",1" : ",0";
      row += "," + std::to_string(options.size) + "," + std::to_string(options.size) + "\n";
    });
    progress.update(end);
  }
  std::string table = "image";
  for (const std::string& thing : scene_things()) table += "," + thing;
  table += ",width,height\n";
  for (const std::string& row : rows) table += row;
  write_file(folder.path("metadata.csv"), table);
  folder.finish();
}

}  // namespace cawe::data
