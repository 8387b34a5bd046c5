// SPDX-License-Identifier: Apache-2.0
#include "train/detector.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "data/decode.h"
#include "models/classifier.h"
#include "models/detection_runner.h"
#include "models/weights.h"
#include "tensor/backend.h"
#include "tensor/error.h"
#include "tensor/io/format.h"
#include "tensor/io/json.h"
#include "tensor/stop_signal.h"
#include "tensor/text.h"
#include "train/batch_feed.h"
#include "train/datasets.h"
#include "train/detector_recipe.h"
#include "train/model_recipe.h"

namespace cawe::train {
namespace {

/// Boxes are written to a thousandth of a pixel, scores as exactly as f32 has them.
std::string pixels(double v) { return fixed(v, 3); }
std::string score(double v) { return rounded(v, 9); }

/// The number that a reader of a file gets.
double as_written(const std::string& text) {
  double read = 0;
  parse_number(text, &read);
  return read;
}

using Decode = std::function<data::FloatImage(const data::Sample&)>;

/// Decodes films that can be lost one by one: such a film is blank in its batch, whose other films do not notice, and
/// why is in `problem`.
Decode losing_films(const data::Dataset& dataset, Decode decode, std::vector<std::string>* problem) {
  problem->assign(dataset.samples.size(), "");
  return [&dataset, decode, problem](const data::Sample& sample) {
    try {
      return decode(sample);
    } catch (const Error& error) {
      if (!data::rejects_one_film(error.code())) throw;
      (*problem)[size_t(&sample - dataset.samples.data())] = error.what();
      return data::FloatImage(sample.width, sample.height, 1);
    }
  };
}

}  // namespace

Detector::Detector(const std::string& path) {
  const Checkpoint c = load_run_or_file(path);
  Recipe recipe = Recipe::of_checkpoint(c.recipe, path + " (its recipe)");
  CAWE_CHECK(is_detector(recipe.task()), Code::data, path, ": a checkpoint of task \"", recipe.task(),
             "\" (expected a detector)");
  CAWE_CHECK(recipe.word("control") == "none", Code::usage, path, ": a control (", recipe.word("control"),
             ") that looks at other films' maps or at true boxes (expected a detector that can run on its "
             "own)");
  classes_ = recipe.words("classes");
  net_ = with_weights(c.model(), path, [&] { return detector_from(recipe, int64_t(classes_.size())); });
  net_->to(compute_device());
  net_->train(false);
  chain_ = chain_from(recipe, c.chain);
  loader_ = loader_from(recipe, 8, 0);
  trained_ = chain_.trained;
  trained_.push_back(data::parse_manifest("detector " + path, c.manifest));
}

Detector::Detector(std::shared_ptr<models::DetectionModel> net, Chain chain, data::LoaderOptions loader,
                   Strings classes)
    : net_(std::move(net)),
      chain_(std::move(chain)),
      loader_(std::move(loader)),
      classes_(std::move(classes)) {
  trained_ = chain_.trained;
}

std::vector<std::vector<FoundBox>> Detector::detect(const data::Dataset& dataset,
                                                    const std::vector<int64_t>& indices, bool quiet,
                                                    const std::string& stoppable,
                                                    std::vector<std::string>* problem) {
  data::LoaderOptions options = loader_;
  options.shuffle = options.augment = false;
  options.rank = 0;
  options.ranks = 1;
  options.batch = 8;
  options.cache_bytes = 0;
  if (!options.enhance) options.enhance = enhance_callback(chain_);
  if (problem != nullptr)
    options.decode = losing_films(dataset, options.decode ? options.decode : data::decode_gray, problem);
  data::Loader loader(dataset, indices, options);
  BatchFeed feed(loader);
  Progress progress("detecting", int64_t(indices.size()), quiet);
  // Loading a batch may explain or colour films on the device, meanwhile.
  const bool alone = chain_.classifier.net == nullptr && chain_.colorizer.net == nullptr;
  models::DetectionRunner runner(*net_, alone);
  std::vector<std::vector<FoundBox>> all;
  for (int64_t b = 0; b < loader.steps_per_epoch(); ++b) {
    if (!stoppable.empty()) check_stop(stoppable);
    const data::Batch batch = feed.next();
    std::vector<std::string> names;
    for (const int64_t i : batch.samples) names.push_back(dataset.samples[size_t(i)].path);
    const auto meanwhile = [&] {
      if (b + 1 < loader.steps_per_epoch()) feed.fetch_ahead();
    };
    const std::vector<models::Detections> found =
        runner.detect(models::normalised_films(batch.images), names, meanwhile);
    for (size_t i = 0; i < found.size(); ++i) {
      const data::Sample& sample = dataset.samples[size_t(batch.samples[i])];
      std::vector<FoundBox> boxes;
      const bool bad = problem != nullptr && !(*problem)[size_t(batch.samples[i])].empty();
      for (const models::Detection& d : bad ? models::Detections() : found[i]) {
        Box box = batch.geometry[i].to_original(d.box);
        box.x1 = std::clamp(box.x1, 0.0f, float(sample.width));
        box.x2 = std::clamp(box.x2, 0.0f, float(sample.width));
        box.y1 = std::clamp(box.y1, 0.0f, float(sample.height));
        box.y2 = std::clamp(box.y2, 0.0f, float(sample.height));
        const double width = as_written(pixels(double(box.x2) - double(box.x1)));
        const double height = as_written(pixels(double(box.y2) - double(box.y1)));
        if (width <= 0 || height <= 0) continue;  // a sliver at the edge: no reader of the file would take it
        boxes.push_back({sample.image_id, sample.patient_id, classes_[size_t(d.label)],
                         as_written(pixels(double(box.x1))), as_written(pixels(double(box.y1))), width,
                         height, as_written(score(double(d.score)))});
      }
      all.push_back(std::move(boxes));
    }
    progress.update(int64_t(all.size()));
  }
  return all;
}

std::vector<FilmSeen> films_seen(const data::Dataset& dataset, const std::vector<int64_t>& indices,
                                 const std::vector<std::vector<FoundBox>>& found) {
  std::vector<FilmSeen> films;
  for (size_t i = 0; i < indices.size(); ++i) {
    const data::Sample& s = dataset.samples[size_t(indices[i])];
    films.push_back({s.image_id, s.patient_id, s.width, s.height, int64_t(found[i].size())});
  }
  return films;
}

std::string films_csv(const std::vector<FilmSeen>& films) {
  const bool leaks = std::any_of(films.begin(), films.end(), [](const FilmSeen& f) { return f.leak; });
  std::string out = kFilmsCsvHead + std::string(leaks ? ",leak\n" : "\n");
  for (const FilmSeen& f : films) {
    Strings row{f.image, f.patient, std::to_string(f.width), std::to_string(f.height),
                std::to_string(f.boxes)};
    if (leaks) row.push_back(f.leak ? "1" : "0");
    out += csv_line(row);
  }
  return out;
}

std::string films_json(const std::vector<FilmSeen>& films, const Strings& classes) {
  Json images = Json::array(), categories = Json::array();
  for (const FilmSeen& f : films) {
    images.push_back({{"id", f.image},
                      {"file_name", f.image},
                      {"patient", f.patient.empty() ? Json(nullptr) : Json(f.patient)},
                      {"width", f.width},
                      {"height", f.height},
                      {"boxes", f.boxes}});
    if (f.leak) images.back()["leak"] = true;
  }
  for (size_t i = 0; i < classes.size(); ++i) categories.push_back({{"id", i + 1}, {"name", classes[i]}});
  const Json info{{"description", "films that cawe detect looked at"}};
  return json_text({{"info", info}, {"images", images}, {"categories", categories}}, JsonLayout::indented) +
         "\n";
}

std::string detections_csv(const std::vector<std::vector<FoundBox>>& found) {
  std::string out = csv_line({"image", "patient", "x", "y", "width", "height", "score", "label"});
  for (const auto& image : found)
    for (const FoundBox& b : image)
      out += csv_line({b.image, b.patient, pixels(b.x), pixels(b.y), pixels(b.width), pixels(b.height),
                       score(b.score), b.label});
  return out;
}

std::string detections_json(const std::vector<std::vector<FoundBox>>& found, const Strings& classes) {
  Json list = Json::array();
  for (const auto& image : found)
    for (const FoundBox& b : image) {
      const auto category = std::find(classes.begin(), classes.end(), b.label) - classes.begin() + 1;
      Json box = Json::array();
      for (const double v : {b.x, b.y, b.width, b.height}) box.push_back(json_fixed(v, 3));
      list.push_back({{"image_id", b.image},
                      {"category_id", category},
                      {"bbox", box},
                      {"score", json_rounded(b.score, 9)}});
    }
  return json_text(list, JsonLayout::lines) + "\n";
}

}  // namespace cawe::train
