// SPDX-License-Identifier: Apache-2.0
#include "train/classifier_task.h"

#include <chrono>
#include <cmath>
#include <map>

#include "data/formats/json/writer.h"
#include "data/leak.h"
#include "eval/auroc.h"
#include "tensor/backend.h"
#include "tensor/communicator.h"
#include "tensor/io/atomic_file.h"
#include "tensor/io/header_json.h"
#include "tensor/parallel.h"
#include "train/datasets.h"
#include "train/enhancing.h"
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

/// Writes results.json of a run: AUROC of its best checkpoint on films that were used neither for training
/// nor for choosing it, with intervals by person. Returns the mean.
double test_classifier(const RunFolder& run, const data::Dataset& dataset, const std::vector<int64_t>& test,
                       const data::LoaderOptions& loader) {
  const LoadedClassifier best = load_classifier(run.dir());
  eval::Clusters persons;
  std::map<std::string, int64_t> number;
  for (const int64_t i : test)
    persons.of_item.push_back(
        number.emplace(dataset.samples[size_t(i)].patient_id, int64_t(number.size())).first->second);
  persons.count = int64_t(number.size());
  const eval::AurocTable table =
      eval::auroc_table(dataset.label_names, classifier_scores(*best.net, dataset, test, loader),
                        known_labels(dataset, test), persons);
  data::JsonWriter json;
  const auto interval = [&](const eval::Interval& i) {
    json.object().field("value", i.value).field("ci_low", i.low).field("ci_high", i.high);
  };
  json.object().field("images", int64_t(test.size())).field("patients", persons.count);
  json.key("mean_auroc");
  interval(table.mean);
  json.end().key("auroc").object();
  for (const eval::LabelAuroc& label : table.labels) {
    json.key(label.label);
    interval(label.auroc);
    json.field("positives", label.positives).field("negatives", label.negatives).end();
  }
  json.end().key("left_out").array();  // labels of which only one class occurs
  for (const std::string& label : table.left_out) json.value(label);
  json.end().field("use", "for research use only").end();
  write_file(run.path("results.json"), json.text() + "\n");
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
  std::vector<std::vector<double>> scores(dataset.label_names.size());
  const nn::EvalMode evaluating(net);
  const NoGrad no_history;
  for (int64_t b = 0; b < loader.steps_per_epoch(); ++b) {
    const data::Batch batch = loader.next();
    const std::vector<float> logits =
        net.forward(Variable(batch.images.to(compute_device()))).logits.value().to_vector<float>();
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
  std::vector<Tensor> all{network_input(batch.images), targets.to(device), mask.to(device), scale.to(device)};
  if (!goal_.pos_weight.empty()) all.push_back(label_weights(goal_, dataset_).to(device));
  return all;
}

Task::Loss ClassifierTask::loss(const std::vector<Tensor>& inputs) {
  const Variable logits = net_.forward(Variable(inputs[0])).logits;
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
  const auto start = std::chrono::steady_clock::now();
  const uint64_t seed = uint64_t(recipe.whole("seed"));
  const Schedule schedule = schedule_from(recipe);
  const OptimizerOptions optimizer = optimizer_from(recipe);
  TrainerOptions options = trainer_from(recipe);
  data::LoaderOptions loader_options = loader_from(recipe, options.batch, seed);
  options.resume = request.resume;
  options.quiet = request.quiet;
  options.label = "classifier";
  const ClassifierGoal goal = goal_from(recipe);
  // A classifier whose body will start detectors of enhanced films may be trained on enhanced films.
  const Chain chain = chain_from(recipe);
  loader_options.enhance = enhance_callback(chain);
  const SplitData data = load_data(recipe);
  CAWE_CHECK(!data.dataset.label_names.empty(), Code::usage, recipe.source(),
             ": the data have no labels (set data.label_columns or data.finding_column)");
  CAWE_CHECK(goal.pos_weight.size() <= 1 || goal.pos_weight.size() == data.dataset.label_names.size(),
             Code::usage, recipe.where("train.pos_weight"), " holds ", goal.pos_weight.size(),
             " numbers (expected one, or one for each of the ", data.dataset.label_names.size(), " labels)");
  recipe.fill("labels", data.dataset.label_names);
  CAWE_CHECK(recipe.words("labels").size() == data.dataset.label_names.size(), Code::usage,
             recipe.where("labels"), " are ", recipe.words("labels").size(),
             " (expected as many as the data have, ", data.dataset.label_names.size(), ")");
  if (request.check_only) return "";
  const std::vector<int64_t> train_indices = fold_indices(data.split, recipe.words("data.train_folds")),
                             val_indices = fold_indices(data.split, recipe.words("data.val_folds")),
                             test_indices = fold_indices(data.split, recipe.words("data.test_folds"));
  CAWE_CHECK(!train_indices.empty(), Code::data, recipe.where("data.train_folds"),
             ": no image in these folds");

  std::string init_hash;
  {  // bad weights are found before anything is written
    models::Classifier net(classifier_from(recipe, int64_t(data.dataset.label_names.size())));
    init_hash = initialise(net, recipe, seed, false).hash;
  }
  Checkpoint first;
  first.recipe = recipe.resolved();
  first.manifest = data::manifest_text(data::trained_patients("classifier", data.dataset, train_indices));
  for (const data::TrainedPatients& before : chain.trained) first.manifest += data::manifest_text(before);
  Environment environment;
  environment.command_line = request.command_line;
  environment.threads = request.threads;
  environment.ranks = request.ranks;
  environment.hashes = {{"data", data.data_hash}, {"split", data.split_hash}};
  if (!init_hash.empty()) environment.hashes.emplace_back("init", init_hash);
  RunFolder run(request.out, first.recipe, environment, request.resume);
  data::write_split(run.path("split.csv"), data.dataset, data.split);

  TrainResult result;
  double auroc = 0;
  run_in_process_ranks(request.ranks, std::max(1, request.threads / request.ranks), [&](int rank) {
    models::Classifier net(classifier_from(recipe, int64_t(data.dataset.label_names.size())));
    const InitResult init = initialise(net, recipe, seed, false);
    data::LoaderOptions mine = loader_options;
    mine.rank = rank;
    mine.ranks = request.ranks;
    data::Loader loader(data.dataset, train_indices, mine);
    ClassifierTask task(net, data.dataset, val_indices, loader_options, goal);
    Checkpoint carried = first;
    carried.manifest += init.manifest;
    const TrainResult r = train(task, loader, data.dataset, &run, carried, schedule, optimizer, options);
    if (rank == 0) {
      result = r;
      auroc = r.best_score;
    }
  });
  run.timing("train", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  const double tested =
      test_indices.empty() ? std::nan("") : test_classifier(run, data.dataset, test_indices, loader_options);
  const auto number = [](double v) { return std::isnan(v) ? std::string("null") : data::shortest(v); };
  return detail::concat("{\"run\":", quoted(request.out), ",\"task\":\"classifier\",\"steps\":", result.steps,
                        ",\"loss\":", result.last_loss,
                        ",\"best_auroc\":", number(result.has_score ? auroc : std::nan("")),
                        ",\"test_auroc\":", number(tested), "}");
}

}  // namespace cawe::train
