// SPDX-License-Identifier: Apache-2.0
#include "train/detector_task.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "data/leak.h"
#include "eval/films.h"
#include "report/evaluation.h"
#include "tensor/io/files.h"
#include "tensor/io/json.h"
#include "train/detector_recipe.h"
#include "train/enhanced_cache.h"
#include "train/learner.h"
#include "train/map_controls.h"
#include "train/model_recipe.h"

namespace cawe::train {

DetectorTask::DetectorTask(std::shared_ptr<models::DetectionModel> net, const data::Dataset& dataset,
                           std::vector<int64_t> validation, Chain chain, const data::LoaderOptions& loader,
                           DetectorGoal goal)
    : net_(net),
      dataset_(dataset),
      seed_(loader.seed),
      validation_(std::move(validation)),
      shares_device_(chain.classifier.net != nullptr || chain.colorizer.net != nullptr),
      goal_(std::move(goal)),
      detector_(net, std::move(chain), loader, Strings(size_t(net->classes()), "lesion")) {}

std::vector<Tensor> DetectorTask::inputs(const data::Batch& batch) {
  std::vector<models::Truth> truths;
  std::vector<models::DrawKey> draws;
  std::vector<std::string> names;
  for (size_t i = 0; i < batch.boxes.size(); ++i) {
    // All boxes get one class: lesion.
    truths.push_back({batch.boxes[i], std::vector<int64_t>(batch.boxes[i].size(), 0)});
    if (i < batch.ignored.size()) truths.back().ignored = batch.ignored[i];
    draws.push_back({seed_, uint64_t(batch.step), uint64_t(batch.samples[i])});
    names.push_back(dataset_.samples[size_t(batch.samples[i])].path);
  }
  const Tensor films = batch.images.to(compute_device());
  std::vector<Tensor> all{films};
  for (Tensor& t :
       net_->targets(films.dim(2), films.dim(3), truths, draws, films.device(), names, truth_rows_))
    all.push_back(t);
  truth_rows_ = all[1].dim(1);
  return all;
}

Task::Loss DetectorTask::loss(const std::vector<Tensor>& inputs) {
  const models::DetectionModel::Losses losses =
      net_->loss_of(Variable(network_input(inputs[0])), {inputs.begin() + 1, inputs.end()});
  Loss loss{losses.total, {}};
  for (const auto& [name, value] : losses.parts) loss.parts.emplace_back("loss." + name, value);
  return loss;
}

LogLine DetectorTask::validate() {
  if (validation_.empty()) return {};
  eval::EvaluateOptions options;
  options.froc = goal_.froc;
  options.draws = 1;  // no interval is needed
  const eval::Evaluation e =
      eval::evaluate(truth_of(dataset_, validation_), detections_of(detector_.detect(dataset_, validation_)),
                     options, dataset_.patients_known);
  LogLine line;
  for (const double n : {1.0, 2.0, 3.0, 4.0})
    line["val.sens@" + std::to_string(int(n))] = e.at(n).at.sensitivity;
  line["val.mean_sens"] = e.mean_paper.value;
  line["val.map50"] = e.map50.value;
  const bool scored = goal_.select != "last" && !std::isnan(line["val." + goal_.select]);
  if (scored) line["score"] = line["val." + goal_.select];  // none without a lesion: then nothing is the best
  return line;
}

std::vector<int64_t> box_annotated(const data::Dataset& dataset, std::vector<int64_t> indices) {
  const auto unknown = [&](int64_t i) { return !dataset.samples[size_t(i)].has_box_annotation; };
  indices.erase(std::remove_if(indices.begin(), indices.end(), unknown), indices.end());
  return indices;
}

std::vector<eval::TruthImage> truth_of(const data::Dataset& dataset, const std::vector<int64_t>& indices) {
  std::vector<eval::TruthImage> truth;
  for (const int64_t i : indices) {
    const data::Sample& s = dataset.samples[size_t(i)];
    eval::TruthImage image;
    image.id = s.image_id;
    image.patient = s.patient_id;
    image.width = s.width;
    image.height = s.height;
    const auto add = [&](const Box& b, bool crowd) {
      eval::TruthBox box;
      box.box = {double(b.x1), double(b.y1), double(b.x2), double(b.y2)};
      box.crowd = crowd;
      box.area = (box.box.x2 - box.box.x1) * (box.box.y2 - box.box.y1);
      image.boxes.push_back(box);
    };
    for (const Box& b : s.boxes) add(b, false);
    for (const Box& b : s.ignored) add(b, true);
    truth.push_back(std::move(image));
  }
  return truth;
}

std::vector<eval::Detection> detections_of(const std::vector<std::vector<FoundBox>>& found) {
  std::vector<eval::Detection> out;
  for (size_t i = 0; i < found.size(); ++i)
    for (const FoundBox& b : found[i]) {
      eval::Detection d;
      d.image = int64_t(i);
      d.box = {b.x, b.y, b.x + b.width, b.y + b.height};
      d.score = b.score;
      out.push_back(d);
    }
  return out;
}

namespace {

/// Fixes the score threshold by the validation films, where there are any: these chose the checkpoint, but are not the
/// test's.
void fix_threshold(Detector& detector, const RunSetup& s, const RunRequest& request,
                   eval::EvaluateOptions* options) {
  if (s.validation.empty()) return;
  const auto found = detector.detect(s.data.dataset, s.validation, request.quiet,
                                     request.out + " (its steps are done; --resume tests it)");
  const eval::ThresholdChoice choice = eval::choose_threshold(
      eval::judge(truth_of(s.data.dataset, s.validation), detections_of(found), options->froc));
  options->threshold = choice.threshold;
  options->threshold_from = eval::describe(choice, int64_t(s.validation.size()));
}

/// Detects on the test films into detections.csv, evaluates, and adds the results to the summary. `trained`: who
/// trained the detector and its chain.
void test_detector(Detector& detector, const RunSetup& s, const RunRequest& request, const DetectorGoal& goal,
                   const std::vector<data::TrainedPatients>& trained, const std::string& title,
                   Json* summary) {
  const data::Dataset& dataset = s.data.dataset;
  eval::EvaluateOptions options;
  options.froc = goal.froc;
  fix_threshold(detector, s, request,
                &options);  // first: a run that is stopped here has no files of its test
  const auto found = detector.detect(dataset, s.test, request.quiet,
                                     request.out + " (its steps are done; --resume tests it)");
  std::vector<FilmSeen> seen = films_seen(dataset, s.test, found);
  if (!dataset.patients_known && s.data.unit == data::FilmUnit::image)
    for (FilmSeen& film : seen) film.patient.clear();
  for (const data::Leak& leak : data::find_leaks(dataset, s.test, trained))
    for (const int64_t i : leak.films) seen[size_t(i)].leak = true;
  const std::string detections = request.out + "/detections.csv";
  write_file(eval::films_beside(detections), films_csv(seen));
  write_file(detections, detections_csv(found));
  if (request.found) *request.found = found;
  options.unit = s.data.unit;
  const eval::Evaluation e = eval::evaluate(truth_of(dataset, s.test), detections_of(found), options);
  report::write_evaluation(e, request.out, title);
  for (const int n : {1, 2, 3, 4})
    (*summary)["sens@" + std::to_string(n)] = json_rounded(e.at(n).at.sensitivity, 6);
  (*summary)["mean_sens"] = json_rounded(e.mean_paper.value, 6);
  if (options.threshold_from.empty()) return;
  const eval::OperatingPoint& fixed = e.at_threshold;
  (*summary)["at_threshold"] = {{"threshold", json_rounded(fixed.threshold, 9)},
                                {"sensitivity", json_rounded(fixed.sensitivity.value, 6)},
                                {"fp_per_image", json_rounded(fixed.fp_per_image.value, 6)},
                                {"chosen", options.threshold_from}};
}

/// A chain as the loader applies it: with other maps for a control, through the cache of a study.
FilmCallback enhancement_of(const Recipe& recipe, const Chain& chain, const RunSetup& s,
                            const RunRequest& request) {
  if (FilmCallback control = control_callback(recipe, chain, s.data, s.loader, s.seed)) return control;
  if (request.cache_dir.empty()) return enhance_callback(chain);
  return cached_enhancement(enhance_callback(chain), chain_identity(chain), request.cache_dir);
}

}  // namespace

std::string train_detector(Recipe& recipe, const RunRequest& request) {
  const DetectorGoal goal{recipe.word("train.select"), froc_from(recipe)};
  check_detector(recipe);
  RunSetup s = set_up(recipe, request);
  const data::Dataset& dataset = s.data.dataset;
  for (std::vector<int64_t>* fold : {&s.train, &s.validation, &s.test}) *fold = box_annotated(dataset, *fold);
  CAWE_CHECK(!s.train.empty(), Code::data, recipe.where("data.train_folds"), ": no image in these folds");
  data::LoaderOptions tested = s.loader;  // of films that are looked at, not learnt from
  tested.enhance = enhancement_of(recipe, s.chain, s, request);
  s.loader.enhance = enhancement_of(recipe, in_training(s.chain, s.seed), s, request);
  // Throws for bad weights before anything is written.
  auto beginning = detector_from(recipe, 1);
  const InitResult begun = first_weights(*beginning, recipe, s.seed, true, request);
  std::vector<data::TrainedPatients> trained = s.chain.trained;
  trained.push_back(data::parse_manifest("init (" + recipe.word("init") + ")", begun.manifest));
  const std::string leak = leak_warning(dataset, s.test, trained, s.allow_leak);
  if (!leak.empty()) s.data.warnings.push_back(leak);
  for (const std::string& own : own_leaks(recipe, dataset, s.train, s.validation, s.test))
    s.data.warnings.push_back(own);
  Checkpoint first = first_checkpoint(recipe, s, "detector");
  if (s.chain.classifier.net) first.chain["classifier"] = s.chain.classifier.bytes;
  if (s.chain.colorizer.net) first.chain["colorizer"] = s.chain.colorizer.bytes;
  if (request.check_only) {
    check_continues(request, *beginning);
    give_hashes(request, recipe, hashes_of_run(s.data, first, begun.hash));
    return "";
  }
  beginning.reset();  // every rank has its own
  const auto run = open_run(request, s, first, begun.hash);
  std::shared_ptr<models::DetectionModel> net;
  const TrainResult result = train_on_ranks(request, s, first, run.get(), [&](int rank) {
    const std::shared_ptr<models::DetectionModel> mine = detector_from(recipe, 1);
    if (rank == 0) net = mine;
    const InitResult init = initialise(*mine, recipe, s.seed, true);
    return RankTask{mine, std::make_unique<DetectorTask>(mine, dataset, s.validation, s.chain, tested, goal),
                    init.manifest};
  });
  use_best(*net, *run, result.has_score);
  net->train(false);
  Json summary{{"run", request.out},
               {"task", recipe.task()},
               {"steps", result.steps},
               {"loss", json_rounded(result.last_loss, 6)}};
  if (!s.test.empty()) {
    Detector detector(net, s.chain, tested, recipe.words("classes"));
    if (s.allow_leak)  // else there is none
      trained.push_back(data::parse_manifest("the run", newest_checkpoint(run->dir()).manifest));
    test_detector(detector, s, request, goal, trained, detector_title(recipe.task()), &summary);
  }
  say_leak({run->dir()}, &summary);
  return json_text(summary);
}

}  // namespace cawe::train
