// SPDX-License-Identifier: Apache-2.0
#include "train/trainer.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "tensor/backend.h"
#include "tensor/communicator.h"
#include "tensor/parallel.h"
#include "tensor/text.h"
#include "train/step_runner.h"

namespace cawe::train {
namespace {

volatile std::sig_atomic_t asked_to_stop = 0;
void remember(int signal) { asked_to_stop = signal; }

std::string exact(double v) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", v);
  return text;
}

std::string files_of(const data::Dataset& dataset, const data::Batch& batch) {
  std::string out;
  for (const int64_t i : batch.samples) out += (out.empty() ? "" : ", ") + dataset.samples[size_t(i)].path;
  return out;
}

class Loop {
 public:
  Loop(Task& task, data::Loader& loader, const data::Dataset& dataset, RunFolder* run,
       const Checkpoint& first, const Schedule& schedule, const OptimizerOptions& optimizer,
       const TrainerOptions& options)
      : task_(task),
        loader_(loader),
        dataset_(dataset),
        run_(run),
        carried_(first),
        schedule_(schedule),
        options_(options),
        optimizer_(task.module(), optimizer),
        scale_(options.precision),
        runner_(task, options.graph) {
    task_.compute_in(options.precision.dtype);
  }

  TrainResult go() {
    stop_signal();
    if (options_.resume) resume();
    task_.module().train();
    loader_.seek(step_);
    Progress progress(options_.label, schedule_.steps, options_.quiet || !writes());
    while (step_ < schedule_.steps && !result_.stopped_early) {
      one_step();
      if (options_.eval_every > 0 && (step_ % options_.eval_every == 0 || step_ == schedule_.steps))
        validate();
      const bool stop = current_communicator().any(stop_signal() != 0);
      if (stop || step_ == schedule_.steps || result_.stopped_early || step_ % options_.checkpoint_every == 0)
        save();
      progress.update(step_, note());
      if (stop && step_ < schedule_.steps)
        fail(Code::interrupted, run_ != nullptr ? run_->dir() : options_.label,
             ": stopped by a signal after step ", step_, " of ", schedule_.steps,
             "; the state is saved. Go on with --resume.");
    }
    if (writes()) run_->write_metrics();
    result_.steps = step_;
    return result_;
  }

 private:
  bool writes() const { return run_ != nullptr && current_communicator().rank() == 0; }

  std::string note() const {
    char text[64];
    std::snprintf(text, sizeof text, "loss %.4f", result_.last_loss);
    return text;
  }

  void one_step() {
    const data::Batch batch = loader_.next();
    LogLine line;
    const double scale = scale_.value();
    const Task::Loss loss = runner_.run(task_.inputs(batch), scale);
    const double value = loss.total.value().item();
    if (current_communicator().any(!std::isfinite(value))) explain(batch);
    for (const auto& [name, part] : loss.parts) line[name] = part.item();
    const double norm = optimizer_.clip_gradients(scale), rate = schedule_.at(step_);
    if (accept(std::isfinite(norm), batch))
      optimizer_.step(rate);
    else
      optimizer_.skip();
    ++step_;
    result_.last_loss = value;
    if (writes() && (step_ % options_.log_every == 0 || step_ == 1 || step_ == schedule_.steps)) {
      line["loss"] = value;
      line["lr"] = rate;
      line["grad_norm"] = norm;
      if (options_.precision.dtype == DType::f16) line["loss_scale"] = scale;
      run_->log(step_, line);
    }
  }

  bool accept(bool finite, const data::Batch& batch) {
    try {
      return scale_.accept(finite);
    } catch (const Error& error) {
      fail(Code::numeric, "step ", step_, ": ", error.what(), ". Files: ", files_of(dataset_, batch),
           ". Checkpoint before: ", checkpoint_before());
    }
  }

  std::string checkpoint_before() const {
    if (run_ == nullptr) return "none";
    const std::vector<int64_t> steps = checkpoint_steps(run_->dir());
    return steps.empty() ? "none" : checkpoint_path(run_->dir(), steps.front());
  }

  /// Runs the batch again with every operator watched, to name the one that went wrong first.
  [[noreturn]] void explain(const data::Batch& batch) {
    std::string first = "not found when the batch was run again";
    try {
      const CheckFinite watching;
      task_.loss(task_.inputs(batch));
    } catch (const Error& error) {
      first = error.what();
    }
    fail(Code::numeric, "step ", step_, ": the loss is not finite: ", first,
         ". Files: ", files_of(dataset_, batch), ". Checkpoint before: ", checkpoint_before());
  }

  /// Rank 0 alone, on all lanes; the others wait for the score.
  void validate() {
    double message[2] = {0, 0};  // has a score; the score
    if (current_communicator().rank() == 0) {
      const LaneScope all_lanes(options_.lanes);
      LogLine line;
      {
        const nn::EvalMode evaluating(task_.module());
        line = task_.validate();
      }
      const auto score = line.find("score");
      if (score != line.end()) {
        message[0] = 1;
        message[1] = score->second;
      }
      if (writes() && !line.empty()) run_->log(step_, line);
    }
    current_communicator().broadcast(message, sizeof message);
    if (message[0] == 0) return;
    ++validations_;
    if (!result_.has_score || message[1] > result_.best_score) {
      result_.has_score = true;
      result_.best_score = message[1];
      best_at_ = validations_;
      if (writes()) save_checkpoint(best_path(run_->dir()), checkpoint());
    }
    result_.stopped_early = options_.patience > 0 && validations_ - best_at_ >= options_.patience;
  }

  Checkpoint checkpoint() {
    Checkpoint c = carried_;
    c.step = step_;
    c.state["optimizer_steps"] = std::to_string(optimizer_.steps());
    c.state["validations"] = std::to_string(validations_);
    c.state["best_at"] = std::to_string(best_at_);
    c.state["best_score"] = result_.has_score ? exact(result_.best_score) : "none";
    if (options_.precision.dtype == DType::f16) c.state["loss_scale"] = scale_.state();
    c.state["stopped_early"] = result_.stopped_early ? "1" : "0";
    for (const auto& [name, t] : task_.module().state()) c.tensors["model." + name] = t;
    optimizer_.save(&c.tensors);
    return c;
  }

  void save() {
    if (!writes()) return;
    save_checkpoint(checkpoint_path(run_->dir(), step_), checkpoint());
    prune_checkpoints(run_->dir(), options_.keep);
  }

  void resume() {
    std::vector<std::string> warnings;
    const Checkpoint c = newest_checkpoint(run_->dir(), &warnings);
    for (const std::string& w : warnings)
      if (writes()) std::fprintf(stderr, "cawe: warning: %s\n", w.c_str());
    current_communicator().barrier();
    if (writes()) run_->rewind(c.step);
    if (c.step == 0) return;
    const std::string source = checkpoint_path(run_->dir(), c.step);
    for (auto& [name, t] : task_.module().state()) {
      const auto found = c.tensors.find("model." + name);
      CAWE_CHECK(found != c.tensors.end() && found->second.shape() == t.shape() &&
                     found->second.dtype() == t.dtype(),
                 Code::data, source, ": model.", name, " is missing or has another shape");
      Tensor into = t;
      into.copy_from(found->second);
      into.storage().touch();
    }
    const auto word = [&](const char* key) {
      const auto found = c.state.find(key);
      CAWE_CHECK(found != c.state.end(), Code::data, source, ": state has no ", key);
      return found->second;
    };
    const auto number = [&](const char* key) {
      char* end = nullptr;
      const std::string text = word(key);
      const long long value = std::strtoll(text.c_str(), &end, 10);
      CAWE_CHECK(!text.empty() && *end == '\0', Code::data, source, ": ", key, " is \"", text,
                 "\" (expected a whole number)");
      return int64_t(value);
    };
    optimizer_.load(c.tensors, number("optimizer_steps"), source);
    step_ = c.step;
    validations_ = number("validations");
    best_at_ = number("best_at");
    result_.has_score = word("best_score") != "none";
    if (result_.has_score) result_.best_score = std::strtod(word("best_score").c_str(), nullptr);
    result_.stopped_early = word("stopped_early") == "1";
    if (options_.precision.dtype == DType::f16) scale_.restore(word("loss_scale"), source);
  }

  Task& task_;
  data::Loader& loader_;
  const data::Dataset& dataset_;
  RunFolder* run_;
  Checkpoint carried_;
  Schedule schedule_;
  TrainerOptions options_;
  Optimizer optimizer_;
  LossScale scale_;
  StepRunner runner_;
  TrainResult result_;
  int64_t step_ = 0, validations_ = 0, best_at_ = 0;
};

}  // namespace

Tensor Task::network_input(const Tensor& images) const {
  return images.to(compute_device()).to(compute_dtype_);
}

int stop_signal() {
  static const bool installed = [] {
    struct sigaction action {};
    action.sa_handler = remember;
    action.sa_flags = int(SA_RESETHAND);  // a second one kills at once
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    return true;
  }();
  (void)installed;
  return asked_to_stop;
}

TrainerOptions trainer_from(Recipe& recipe, int64_t steps, int64_t batch) {
  TrainerOptions o;
  o.lanes = recipe.whole("lanes", 8, 1, 1024);
  CAWE_CHECK((o.lanes & (o.lanes - 1)) == 0, Code::usage, recipe.where("lanes"), " is ", o.lanes,
             " (expected a power of two)");
  o.batch = recipe.whole("train.batch", batch, 1, 65536);
  o.log_every = recipe.whole("train.log_every", 10, 1, 1000000);
  o.checkpoint_every = recipe.whole("train.checkpoint_every",
                                    std::max<int64_t>(1, std::min<int64_t>(steps, 200)), 1, 100000000);
  o.keep = recipe.whole("train.keep", 2, 1, 1000000);
  o.eval_every = recipe.whole("train.eval_every", 0, 0, 100000000);
  o.patience = recipe.whole("train.patience", 0, 0, 1000000);
  o.precision = precision_from(recipe);
  o.graph = recipe.flag("train.graph", true);
  return o;
}

TrainResult train(Task& task, data::Loader& loader, const data::Dataset& dataset, RunFolder* run,
                  const Checkpoint& first, const Schedule& schedule, const OptimizerOptions& optimizer,
                  const TrainerOptions& options) {
  const int64_t ranks = current_communicator().size(), lanes = effective_lanes(options.lanes, options.batch);
  CAWE_CHECK(lanes % ranks == 0, Code::usage, ranks, " ranks do not share ", lanes,
             " lanes (expected a power of two, at most the lanes)");
  const LaneScope local_lanes(lanes / ranks);
  return Loop(task, loader, dataset, run, first, schedule, optimizer, options).go();
}

}  // namespace cawe::train
