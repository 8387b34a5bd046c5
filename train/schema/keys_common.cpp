// SPDX-License-Identifier: Apache-2.0
// Keys of every task, and those of training: schedule, optimizer, checkpoints.
#include <algorithm>

#include "train/recipe.h"
#include "train/schema/table.h"

namespace cawe::train {
namespace {

constexpr TaskBits kOneNetwork = kClassifier | kDetectors;  ///< trained by one schedule and one optimizer

/// Steps of the whole training; nothing where only the data tell a phase's.
std::optional<Value> all_steps(const Recipe& r) {
  if (r.task() != "colorizer") return Value(r.whole("train.steps"));
  if (!r.has("phases")) return std::nullopt;
  int64_t sum = 0;
  for (const std::string& phase : r.words("phases")) {
    const std::optional<Value> steps = r.value("phase." + phase + ".steps");
    if (!steps) return std::nullopt;
    sum += std::get<int64_t>(*steps);
  }
  return Value(sum);
}

std::optional<Value> checkpoint_every(const Recipe& r, const std::string&) {
  const std::optional<Value> steps = all_steps(r);
  if (!steps) return std::nullopt;
  return Value(std::clamp<int64_t>(std::get<int64_t>(*steps), 1, 200));
}

std::optional<Value> smallest_batch(const Recipe& r, const std::string&) {
  std::optional<int64_t> least;
  for (const std::string& phase : active_phases(r)) {
    const int64_t batch = r.whole("phase." + phase + ".batch");
    if (!least || batch < *least) least = batch;
  }
  return least ? std::optional<Value>(*least) : std::nullopt;
}

}  // namespace

void common_keys(Table& t) {
  t.group("Every task");
  t.word("task")
      .on(
          kTrained | kStudy, [](const Recipe& r, const std::string&) { return Value(r.task()); },
          "classifier; study for `cawe study`")
      .one_of([] {
        Strings names;
        for (const RecipeTask& task : recipe_tasks())
          if (task.in_recipes) names.push_back(task.name);
        return names;
      })
      .help("what is trained; `study`: the whole table, by `cawe study`");
  t.whole("seed").on(kTrained, 0).from(0, kMost).help("seed of everything random");
  t.whole("lanes")
      .on(kTrained, 8)
      .one_of({"1", "2", "4", "8", "16", "32", "64", "128", "256", "512", "1024"})
      .help("parts of a batch whose sums have one order: the same bits on any number of threads and ranks");
  t.word("init")
      .file()
      .on(kTrained, "random")
      .open("weights that training starts from")
      .help(
          "`random`, a `.safetensors` or torchvision `.pth` file, or a run; a classifier's body fits into a "
          "detector, and is a colorizer's encoder");
  t.words("init_skip")
      .on(kOneNetwork, Strings())
      .except("init", {"random"})
      .unlisted()
      .help("beginnings of names that may be missing or not fit in `init`: they keep their random start");
  t.flag("allow_leak")
      .on(kTrained | kStudy, false)
      .help("go on although a test person trained a model of the chain, and say so (`--allow-leak`)");
  t.words("labels")
      .later(kClassifier, "the data's")
      .help("names of the labels, written by training: an `init` and an attention map need their order");
  t.words("classes")
      .on(kDetectors, Strings{"lesion"})
      .items(1, 1)
      .help("what a box is called in detections.csv; detectors have one class");
}

namespace {

/// How much is trained.
void length_keys(Table& t) {
  t.whole("train.steps")
      .on(kOneNetwork, 1000)
      .from(1, 1e8)
      .unit("steps")
      .open("length of the training")
      .help("length of the training");
  t.whole("train.batch")
      .on(kClassifier, 32)
      .on(kDetectors, 8)
      .on(kColorizer, smallest_batch, "the smallest batch of the phases")
      .from(1, 65536)
      .unit("images")
      .paper("32 an iteration (detectors)")
      .help("images of a step, of all ranks together; colorizer: what the lanes are cut from");
  t.whole("train.micro_batch")
      .on(kTrained, 0)
      .from(0, 65536)
      .unit("images")
      .help(
          "a batch in parts of so many, gradients gathered: less memory; live batch norm sees the parts. Not "
          "with several ranks, not for a colorizer. 0: whole");
}

/// The learning rate over the steps.
void rate_keys(Table& t) {
  t.number("train.lr")
      .on(kClassifier, 2e-3)
      .on(kDetectors, 1e-3)
      .from(0, 100)
      .paper("detectors 0.02; classifier Adam's \"initial parameters\" (1e-3)")
      .help("highest learning rate");
  t.number("train.warmup")
      .on(kOneNetwork, 0.1)
      .from(0, 1e8)
      .unit("steps, or below 1 a share of them")
      .open("warm-up")
      .help("length of the rate's linear rise");
  t.number("train.warmup_factor")
      .on(kOneNetwork, 0)
      .from(0, 1)
      .except("train.warmup", {"0.0"})
      .open("warm-up")
      .help("share of the rate at which warm-up begins");
  t.word("train.decay")
      .on(kOneNetwork, "cosine")
      .one_of({"constant", "cosine", "steps"})
      .open("decay of the rate")
      .help("how the rate falls: `steps`: by `train.gamma` at each of `train.milestones`");
  t.numbers("train.milestones")
      .on(kOneNetwork, Numbers())
      .from(0, 1e8)
      .only("train.decay", {"steps"})
      .unit("steps")
      .open("decay of the rate")
      .help("steps at which the rate falls");
  t.number("train.gamma")
      .on(kOneNetwork, 0.1)
      .from(0, 1)
      .only("train.decay", {"steps"})
      .open("decay of the rate")
      .help("what the rate is multiplied by at a milestone");
}

void optimizer_keys(Table& t) {
  t.word("train.optimizer")
      .on(kOneNetwork, "adamw")
      .one_of({"sgd", "adam", "adamw"})
      .paper("Adam (classifier), SGD (detectors)")
      .help("`adamw` decays weights apart from the gradient; a colorizer's phases have AdamW");
  t.number("train.momentum")
      .on(kOneNetwork, 0.9)
      .from(0, 1)
      .only("train.optimizer", {"sgd"})
      .help("SGD's momentum");
  const auto adam = [&](const char* name, double value, double low, double high, const char* help) {
    t.number(name)
        .on(kOneNetwork, value)
        .from(low, high)
        .only("train.optimizer", {"adam", "adamw"})
        .paper("Adam's \"initial parameters\"")
        .help(help);
  };
  constexpr double kBelowOne = 0.9999999;  // at 1 a moment never moves, and Adam divides by 1 - beta
  adam("train.beta1", 0.9, 0, kBelowOne, "share of Adam's mean gradient that a step keeps");
  adam("train.beta2", 0.999, 0, kBelowOne, "share of Adam's mean squared gradient that a step keeps");
  adam("train.eps", 1e-8, 1e-30, 1, "added to the root that Adam divides by");
  t.number("train.weight_decay")
      .on(
          kOneNetwork,
          [](const Recipe& r, const std::string&) {
            return Value(r.word("train.optimizer") == "adamw" ? 0.01 : 0.0);
          },
          "adamw: 0.01, others: 0")
      .on(kColorizer, 1e-3)
      .from(0, 10)
      .open("weight decay")
      .help("colorizer: decoupled, in every phase");
  t.number("train.clip")
      .on(kOneNetwork, 10)
      .on(kColorizer, 0)
      .from(0, 1e9)
      .open("limit on the gradients")
      .help("largest norm of all gradients; 0: no limit");
}

/// What the loss and its gradients are computed in, and what counts in it.
void loss_keys(Table& t) {
  t.word("train.precision")
      .on(kTrained, "f32")
      .one_of({"f32", "bf16", "f16"})
      .help("on a GPU networks may compute in 16 bits; parameters, losses and optimizer stay f32");
  t.number("train.loss_scale")
      .on(kTrained, 65536)
      .from(1, 1e12)
      .only("train.precision", {"f16"})
      .help("f16: the loss is scaled by this; a step that overflows is left out and halves it");
  t.whole("train.loss_scale_interval")
      .on(kTrained, 2000)
      .from(1, 1e9)
      .only("train.precision", {"f16"})
      .unit("steps")
      .help("f16: so many good steps double the scale");
  t.flag("train.graph")
      .on(kTrained, true)
      .help("on a GPU a step is captured once and launched as a whole (CUDA graph)");
  t.numbers("train.pos_weight")
      .on(kClassifier, Numbers())
      .above(0, 1e6)
      .open("weight of rare labels")
      .help("how much more positives count in the loss: one number for all labels or one for each");
}

/// What a run writes on its way.
void checkpoint_keys(Table& t) {
  t.whole("train.log_every")
      .decides_nothing()
      .on(kTrained, 10)
      .from(1, 1e6)
      .unit("steps")
      .help("steps between lines of the log");
  t.whole("train.checkpoint_every")
      .decides_nothing()
      .on(kTrained, checkpoint_every, "all steps, at most 200")
      .from(1, 1e8)
      .unit("steps")
      .help("steps between checkpoints");
  t.whole("train.keep")
      .decides_nothing()
      .on(kTrained, 2)
      .from(1, 1e6)
      .help("checkpoints that are kept besides the best");
}

/// Validations, the checkpoint that they choose, and when they end the training.
void validation_keys(Table& t) {
  t.whole("train.eval_every")
      .on(kTrained, 0)
      .from(0, 1e8)
      .unit("steps")
      .open("early stopping")
      .help("steps between validations on `data.val_folds`; 0: none, the last checkpoint is used");
  t.word("train.select")
      .on(kClassifier, "auroc")
      .one_of({"auroc", "loss", "last"})
      .on(kDetectors, "mean_sens")
      .one_of({"mean_sens", "map50", "last"})
      .on(kColorizer, "chroma")
      .one_of({"chroma", "last"})
      .except("train.eval_every", {"0"})
      .open("which checkpoint is used")
      .help(
          "what chooses the checkpoint that a run is judged by and gives away: mean AUROC, mean of "
          "Sens@1..4, "
          "chroma error, or the one named");
  t.number("train.min_delta")
      .on(kTrained, 0)
      .from(0, 1e9)
      .except("train.eval_every", {"0"})
      .except("train.select", {"last"})
      .open("early stopping")
      .help("a score counts as better from this gain on");
  t.whole("train.patience")
      .on(kTrained, 0)
      .from(0, 1e6)
      .unit("validations")
      .except("train.eval_every", {"0"})
      .except("train.select", {"last"})
      .open("early stopping")
      .help("training stops after so many without a better score; 0: never");
  t.whole("train.val_images")
      .on(kColorizer, 64)
      .from(1, 1e6)
      .except("train.eval_every", {"0"})
      .unit("images")
      .help("images of a validation; its score is minus the chroma error");
}

}  // namespace

void training_keys(Table& t) {
  t.group("Training");
  length_keys(t);
  rate_keys(t);
  optimizer_keys(t);
  loss_keys(t);
  checkpoint_keys(t);
  validation_keys(t);
}

}  // namespace cawe::train
