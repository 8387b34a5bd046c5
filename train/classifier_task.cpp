// SPDX-License-Identifier: Apache-2.0
#include "train/classifier_task.h"

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "data/leak.h"
#include "eval/auroc.h"
#include "eval/calibration.h"
#include "eval/evaluate.h"
#include "report/evaluation.h"
#include "tensor/backend.h"
#include "tensor/io/files.h"
#include "tensor/io/format.h"
#include "tensor/io/json.h"
#include "tensor/text.h"
#include "train/batch_feed.h"
#include "train/learner.h"
#include "train/model_recipe.h"

namespace cawe::train {
namespace {

/// Splits labels into targets and mask: a NaN label becomes target 0 with mask 0.
void targets_and_mask(const Tensor& labels, Tensor* targets, Tensor* mask) {
  *targets = labels.contiguous().clone();
  *mask = Tensor::full(labels.shape(), 1.0);
  float *t = targets->data<float>(), *m = mask->data<float>();
  for (int64_t i = 0; i < labels.numel(); ++i)
    if (std::isnan(t[i])) t[i] = m[i] = 0;
}

std::vector<std::vector<int>> known_labels(const data::Dataset& dataset,
                                           const std::vector<int64_t>& indices) {
  std::vector<std::vector<int>> out(dataset.label_names.size());
  for (size_t k = 0; k < out.size(); ++k)
    for (const int64_t i : indices) {
      const float v = dataset.samples[size_t(i)].labels[k];
      out[k].push_back(std::isnan(v) ? -1 : int(v));
    }
  return out;
}

Tensor label_weights(const ClassifierGoal& goal, const data::Dataset& dataset) {
  std::vector<float> weights(dataset.label_names.size());
  for (size_t k = 0; k < weights.size(); ++k) weights[k] = float(goal.weight_of(k));
  return Tensor::from(weights, {int64_t(weights.size())});
}

/// The training loss in f64: mean over the known labels of softplus(x) - t x, positives weighted.
double validation_loss(const std::vector<std::vector<double>>& scores,
                       const std::vector<std::vector<int>>& labels, const ClassifierGoal& goal) {
  double sum = 0, known = 0;
  for (size_t k = 0; k < scores.size(); ++k)
    for (size_t i = 0; i < scores[k].size(); ++i) {
      const int t = labels[k][i];
      if (t < 0) continue;
      const double x = t == 1 ? -scores[k][i] : scores[k][i];  // -log sigma(-x)
      sum += (t == 1 ? goal.weight_of(k) : 1) * (std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))));
      ++known;
    }
  return sum / std::max(1.0, known);
}

/// Keys train.select and train.pos_weight.
ClassifierGoal goal_from(const Recipe& recipe) {
  ClassifierGoal goal;
  goal.select = recipe.word("train.select");
  goal.pos_weight = recipe.numbers("train.pos_weight");
  return goal;
}

/// Throws usage where the recipe's keys and the data's labels do not fit together.
void check_labels(const Recipe& recipe, const data::Dataset& dataset, const ClassifierGoal& goal) {
  const size_t count = dataset.label_names.size();
  CAWE_CHECK(count > 0, Code::usage, recipe.source(),
             ": the data have no labels (set data.label_columns or data.finding_column)");
  CAWE_CHECK(goal.pos_weight.size() <= 1 || goal.pos_weight.size() == count, Code::usage,
             recipe.where("train.pos_weight"), " holds ", goal.pos_weight.size(),
             " numbers (expected one, or one for each of the ", count, " labels)");
  // A checkpoint's outputs are known by these names: other ones, or another order, would rename classes in silence.
  const Strings named = recipe.words("labels");
  CAWE_CHECK(named == dataset.label_names, Code::usage, recipe.where("labels"), " are ", listed(named),
             " (expected those of the data, in their order: ", listed(dataset.label_names),
             "; leave the key out, or change data.label_columns or data.labels)");
}

/// Are the sigmoids of a label's logits probabilities? `known`: 1, 0, or another number where the label is unknown.
Json label_calibration(const std::vector<double>& logits, const std::vector<int>& known,
                       const eval::Clusters& persons) {
  eval::ScoredOutcomes items;
  for (size_t i = 0; i < logits.size(); ++i) {
    items.scores.push_back(1 / (1 + std::exp(-logits[i])));
    items.outcomes.push_back(known[i]);
    items.image.push_back(int64_t(i));
  }
  const eval::EvaluateOptions usual;
  return report::calibration_json(eval::calibration(items, persons, usual.draws, usual.seed, usual.level));
}

/// Writes results.json of a run: AUROC of `net` on films that were used neither for training nor for choosing
/// it, and calibration of each label, with intervals by person, or by what stands for one (`unit`). Returns the mean
/// AUROC.
double test_classifier(models::Classifier& net, const RunFolder& run, const data::Dataset& dataset,
                       data::FilmUnit unit, const std::vector<int64_t>& test,
                       const data::LoaderOptions& loader) {
  eval::Clusters persons;
  std::map<std::string, int64_t> number;
  for (const int64_t i : test)
    persons.of_item.push_back(
        number.emplace(dataset.samples[size_t(i)].patient_id, int64_t(number.size())).first->second);
  persons.count = int64_t(number.size());
  const auto scores = classifier_scores(net, dataset, test, loader);
  const auto known = known_labels(dataset, test);
  const eval::AurocTable table = eval::auroc_table(dataset.label_names, scores, known, persons);
  const auto interval = [](const eval::Interval& i) {
    return Json{{"value", i.value}, {"ci_low", i.low}, {"ci_high", i.high}};
  };
  Json labels = Json::object();
  for (const eval::LabelAuroc& label : table.labels) {
    Json& one = labels[label.label] = interval(label.auroc);
    one.update({{"positives", label.positives}, {"negatives", label.negatives}});
  }
  Json calibrations = Json::object();
  for (size_t k = 0; k < scores.size(); ++k)
    calibrations[dataset.label_names[k]] = label_calibration(scores[k], known[k], persons);
  const Json json{{"images", test.size()},
                  {"patients", unit == data::FilmUnit::patient ? Json(persons.count) : Json(nullptr)},
                  {"split_unit", data::unit_key(unit)},
                  {"units", persons.count},
                  {"mean_auroc", interval(table.mean)},
                  {"auroc", labels},
                  {"left_out", table.left_out},  // labels of which only one class occurs
                  {"calibration", calibrations},
                  {"use", "for research use only"}};
  write_file(run.path("results.json"), json_text(json) + "\n");
  return table.mean.value;
}

}  // namespace

std::vector<std::vector<double>> classifier_scores(models::Classifier& net, const data::Dataset& dataset,
                                                   const std::vector<int64_t>& indices,
                                                   data::LoaderOptions options) {
  options.shuffle = options.augment = false;
  options.rank = 0;
  options.ranks = 1;
  options.batch = 32;
  data::Loader loader(dataset, indices, options);
  BatchFeed feed(loader);
  std::vector<std::vector<double>> scores(dataset.label_names.size());
  const nn::EvalMode evaluating(net);
  const NoGrad no_history;
  for (int64_t b = 0; b < loader.steps_per_epoch(); ++b) {
    const data::Batch batch = feed.next();
    const Variable y = net.forward(Variable(models::normalised_films(batch.images))).logits;
    if (b + 1 < loader.steps_per_epoch()) feed.fetch_ahead();
    const std::vector<float> logits = y.value().to_vector<float>();
    for (size_t i = 0; i < logits.size(); ++i) scores[i % scores.size()].push_back(double(logits[i]));
  }
  return scores;
}

ClassifierTask::ClassifierTask(models::Classifier& net, const data::Dataset& dataset,
                               std::vector<int64_t> validation, const data::LoaderOptions& loader,
                               ClassifierGoal goal)
    : net_(net),
      dataset_(dataset),
      validation_(std::move(validation)),
      loader_(loader),
      goal_(std::move(goal)) {}

std::vector<Tensor> ClassifierTask::inputs(const data::Batch& batch) {
  CAWE_CHECK(batch.labels.defined(), Code::data,
             "the data set has no labels (name label_columns or finding_column in the recipe)");
  Tensor targets, mask;
  targets_and_mask(batch.labels, &targets, &mask);
  const Tensor scale = Tensor::full({1}, models::multilabel_scale(mask.shape(), mask));
  const Device device = compute_device();
  std::vector<Tensor> all{batch.images.to(device), targets.to(device), mask.to(device), scale.to(device)};
  if (!goal_.pos_weight.empty()) all.push_back(label_weights(goal_, dataset_).to(device));
  return all;
}

Task::Loss ClassifierTask::loss(const std::vector<Tensor>& inputs) {
  const Variable logits = net_.forward(Variable(network_input(inputs[0]))).logits;
  const Tensor pos_weight = inputs.size() > 4 ? inputs[4] : Tensor();
  return {models::multilabel_loss_scaled(logits, inputs[1], inputs[2], inputs[3], pos_weight), {}};
}

LogLine ClassifierTask::validate() {
  if (validation_.empty()) return {};
  const auto scores = classifier_scores(net_, dataset_, validation_, loader_);
  const auto labels = known_labels(dataset_, validation_);
  LogLine line;
  double sum = 0;
  int counted = 0;
  for (size_t k = 0; k < scores.size(); ++k) {
    const double a = eval::auroc(scores[k], labels[k]);
    line["auroc." + dataset_.label_names[k]] = a;
    if (std::isnan(a)) continue;
    sum += a;
    ++counted;
  }
  if (counted > 0) line["auroc"] = sum / counted;
  line["val.loss"] = validation_loss(scores, labels, goal_);
  if (goal_.select == "auroc" && counted > 0) line["score"] = line["auroc"];
  if (goal_.select == "loss") line["score"] = -line["val.loss"];
  return line;
}

std::string train_classifier(Recipe& recipe, const RunRequest& request) {
  const ClassifierGoal goal = goal_from(recipe);
  RunSetup s = set_up(recipe, request);
  const data::Dataset& dataset = s.data.dataset;
  recipe.fill("labels", dataset.label_names);
  check_labels(recipe, dataset, goal);
  const data::LoaderOptions tested = s.loader;  // of films that are looked at, not learnt from
  s.loader.enhance = enhance_callback(in_training(s.chain, s.seed));
  CAWE_CHECK(!s.train.empty(), Code::data, recipe.where("data.train_folds"), ": no image in these folds");
  const auto make_network = [&](InitResult* init) {
    const int64_t labels = int64_t(dataset.label_names.size());
    auto net = std::make_shared<models::Classifier>(classifier_from(recipe, labels));
    *init = first_weights(*net, recipe, s.seed, false, request);
    return net;
  };
  InitResult begun;
  auto beginning = make_network(&begun);  // throws for bad weights before anything is written
  std::vector<data::TrainedPatients> trained_before = s.chain.trained;
  trained_before.push_back(data::parse_manifest("init (" + recipe.word("init") + ")", begun.manifest));
  const std::string leak = leak_warning(dataset, s.test, trained_before, s.allow_leak);
  if (!leak.empty()) s.data.warnings.push_back(leak);
  for (const std::string& own : own_leaks(recipe, dataset, s.train, s.validation, s.test))
    s.data.warnings.push_back(own);
  Checkpoint first = first_checkpoint(recipe, s, "classifier");
  for (const data::TrainedPatients& before : s.chain.trained) first.manifest += data::manifest_text(before);
  if (request.check_only) {
    check_continues(request, *beginning);
    give_hashes(request, recipe, hashes_of_run(s.data, first, begun.hash));
    if (request.stand_in == nullptr) return "";
    first.manifest += begun.manifest;
    save_network(*beginning, "model", &first);
    *request.stand_in = checkpoint_bytes(first);
    return "";
  }
  beginning.reset();  // every rank has its own
  const auto run = open_run(request, s, first, begun.hash);
  std::shared_ptr<models::Classifier> trained;
  const TrainResult result = train_on_ranks(request, s, first, run.get(), [&](int rank) {
    InitResult init;
    const auto net = make_network(&init);
    if (rank == 0) trained = net;
    return RankTask{net, std::make_unique<ClassifierTask>(*net, dataset, s.validation, tested, goal),
                    init.manifest};
  });
  use_best(*trained, *run, result.has_score);
  const double auroc =
      s.test.empty() ? std::nan("") : test_classifier(*trained, *run, dataset, s.data.unit, s.test, tested);
  Json summary{{"run", request.out},
               {"task", "classifier"},
               {"steps", result.steps},
               {"loss", json_rounded(result.last_loss, 6)},
               {goal.select == "auroc" ? "best_auroc" : "best_score",
                result.has_score ? Json(result.best_score) : Json(nullptr)},
               {"test_auroc", auroc}};
  say_leak({run->dir()}, &summary);
  return json_text(summary);
}

}  // namespace cawe::train
