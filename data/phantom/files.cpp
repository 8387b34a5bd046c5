// SPDX-License-Identifier: Apache-2.0
// Phantoms and scenes as folders of files, all or nothing: the folder appears by rename.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>

#include "data/formats/dicom/film.h"
#include "data/formats/picture/png.h"
#include "data/phantom/chest.h"
#include "data/phantom/scenes.h"
#include "tensor/error.h"
#include "tensor/io/atomic_file.h"
#include "tensor/io/header_json.h"
#include "tensor/parallel.h"
#include "tensor/random.h"
#include "tensor/text.h"

namespace cawe::data {
namespace fs = std::filesystem;
namespace {

/// A folder under a temporary name; finish() renames it to `out`, otherwise it is removed.
class NewFolder {
 public:
  explicit NewFolder(const std::string& out) : out_(out), part_(out + ".part") {
    CAWE_CHECK(!out.empty(), Code::usage, "no output folder given (--out DIR)");
    std::error_code e;
    CAWE_CHECK(!fs::exists(out) || (fs::is_directory(out) && fs::is_empty(out, e)), Code::usage, out,
               ": is there already (expected a new or an empty folder)");
    fs::remove_all(part_, e);
    CAWE_CHECK(fs::create_directories(part_ + "/images", e), Code::io, out, ": cannot be made (", e.message(),
               ")");
  }
  ~NewFolder() {
    std::error_code e;
    if (!done_) fs::remove_all(part_, e);
  }
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;
  std::string path(const std::string& name) const { return part_ + "/" + name; }
  void finish() {
    std::error_code e;
    fs::remove(out_, e);  // if it exists, it is empty
    fs::rename(part_, out_, e);
    CAWE_CHECK(!e, Code::io, out_, ": cannot be put in place (", e.message(), ")");
    done_ = true;
  }

 private:
  std::string out_, part_;
  bool done_ = false;
};

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

std::string number(float v) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", double(v));
  return text;
}

struct FilmText {
  std::string labels, classes, metadata, coco_image, coco_boxes;
  int boxes = 0;
};

FilmText describe(const Chest& chest, const std::string& id, const std::string& patient,
                  const std::string& file, int64_t image) {
  FilmText t;
  std::vector<int> kinds(lesion_kinds().size(), 0);
  for (size_t i = 0; i < chest.boxes.size(); ++i) {
    const Box& b = chest.boxes[i];
    const std::string xywh =
        number(b.x1) + "," + number(b.y1) + "," + number(b.x2 - b.x1) + "," + number(b.y2 - b.y1);
    t.labels += id + "," + xywh + ",1\n";
    t.classes += id + ",Lung Opacity\n";
    t.coco_boxes += std::string(t.boxes++ > 0 ? "," : "") +
                    "{\"id\":@,\"image_id\":" + std::to_string(image) +
                    ",\"category_id\":" + std::to_string(chest.kinds[i] + 1) + ",\"bbox\":[" + xywh +
                    "],\"area\":" + number((b.x2 - b.x1) * (b.y2 - b.y1)) + ",\"iscrowd\":0}";
    kinds[size_t(chest.kinds[i])] = 1;
  }
  if (chest.boxes.empty()) {
    t.labels = id + ",,,,,0\n";
    t.classes = id + ",Normal\n";
  }
  const std::string size = std::to_string(chest.image.width);
  t.metadata = file + "," + patient;
  for (const int k : kinds) t.metadata += "," + std::to_string(k);
  t.metadata += "," + size + "," + size + "\n";
  t.coco_image = "{\"id\":" + std::to_string(image) + ",\"file_name\":" + quoted(file) +
                 ",\"width\":" + size + ",\"height\":" + size + "}";
  return t;
}

/// Replaces each "@" by the box's number, counted over the whole file.
void append_boxes(const std::string& boxes, int64_t* next, std::string* out) {
  if (boxes.empty()) return;
  if (*next > 1) *out += ",";
  for (const char c : boxes) *out += c == '@' ? std::to_string((*next)++) : std::string(1, c);
}

void write_tables(const NewFolder& folder, const std::vector<FilmText>& films,
                  const std::vector<std::string>& mapping) {
  std::string labels = "patientId,x,y,width,height,Target\n", classes = "patientId,class\n",
              metadata = "image,patient", images, boxes, map;
  std::string categories;
  for (size_t k = 0; k < lesion_kinds().size(); ++k) {
    metadata += "," + lesion_kinds()[k];
    categories += std::string(k ? "," : "") + "{\"id\":" + std::to_string(k + 1) +
                  ",\"name\":" + quoted(lesion_kinds()[k]) + "}";
  }
  metadata += ",width,height\n";
  int64_t next = 1;
  for (size_t i = 0; i < films.size(); ++i) {
    labels += films[i].labels;
    classes += films[i].classes;
    metadata += films[i].metadata;
    images += (i ? "," : "") + films[i].coco_image;
    append_boxes(films[i].coco_boxes, &next, &boxes);
    map += (i ? "," : "") + mapping[i];
  }
  write_file(folder.path("stage_2_train_labels.csv"), labels);
  write_file(folder.path("stage_2_detailed_class_info.csv"), classes);
  write_file(folder.path("metadata.csv"), metadata);
  write_file(folder.path("pneumonia-challenge-dataset-mappings_2018.json"), "[" + map + "]\n");
  write_file(folder.path("coco.json"), "{\"images\":[" + images + "],\"annotations\":[" + boxes +
                                           "],\"categories\":[" + categories + "]}\n");
}

}  // namespace

void write_phantoms(const PhantomOptions& options) {
  CAWE_CHECK(options.format == "dicom" || options.format == "png", Code::usage, "unknown format \"",
             options.format, "\" (expected dicom or png)");
  CAWE_CHECK(options.images >= 1 && options.images <= 1000000, Code::usage, "--images ", options.images,
             " (expected 1 to 1000000)");
  const std::vector<PatientView> views = patient_views(options.chest.seed, options.images);
  make_chest(options.chest, 0, 0);  // throws for bad options before a folder is made
  NewFolder folder(options.out);
  std::vector<FilmText> films(views.size());
  std::vector<std::string> mapping(views.size());
  Progress progress("phantoms", options.images);
  for (size_t begin = 0; begin < views.size(); begin += 64) {
    const size_t end = std::min(views.size(), begin + 64);
    parallel_tasks(int64_t(end - begin), [&](int64_t k) {
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
      mapping[i] = "{\"subset_img_id\":" + quoted(id) + ",\"img_id\":" +
                   quoted(digits + std::string("_") + std::to_string(views[i].view) + ".png") + "}";
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
  std::vector<std::string> rows(size_t(options.images));
  Progress progress("scenes", options.images);
  for (int64_t begin = 0; begin < options.images; begin += 64) {
    const int64_t end = std::min(options.images, begin + 64);
    parallel_tasks(end - begin, [&](int64_t k) {
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
