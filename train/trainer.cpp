// SPDX-License-Identifier: Apache-2.0
#include "train/trainer.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

#include "models/classifier.h"
#include "tensor/backend.h"
#include "tensor/communicator.h"
#include "tensor/parallel.h"
#include "tensor/stop_signal.h"
#include "tensor/text.h"
#include "train/batch_feed.h"
#include "train/learner.h"
#include "train/run_changes.h"

namespace cawe::train {
namespace fs = std::filesystem;
namespace {

/// One network, one optimizer, one schedule.
class SingleCourse : public Course {
 public:
  SingleCourse(Task& task, data::Loader& loader, const data::Dataset& dataset, const Schedule& schedule,
               const OptimizerOptions& optimizer, const TrainerOptions& options)
      : task_(task),
        // Parts are uploaded one by one: the batch, and another ahead of it, would take the memory that parts save.
        feed_(loader, options.micro_batch > 0 ? BatchFeed::kOnHost : BatchFeed::place_pictures),
        dataset_(dataset),
        schedule_(schedule),
        learner_(task, optimizer, options.precision, options.graph, options.micro_batch) {}

  int64_t steps() const override { return schedule_.steps; }
  void seek(int64_t step) override {
    task_.module().train();
    feed_.seek(step);
  }
  LogLine one(int64_t step, const RunFolder* run) override {
    const data::Batch batch = feed_.next();
    return learner_.step(batch, schedule_.at(step), {}, {step, &dataset_, run}, [&] {
      if (step + 1 < steps()) feed_.fetch_ahead();
    });
  }
  LogLine validate() override {
    const nn::EvalMode evaluating(task_.module());
    return task_.validate();
  }
  void save(Checkpoint* c) const override {
    save_network(task_.module(), "model", c);
    learner_.save(c);
  }
  void restore(const Checkpoint& c, const std::string& source) override {
    restore_network(task_.module(), "model", c, source);
    learner_.load(c, source);
  }

 private:
  Task& task_;
  BatchFeed feed_;
  const data::Dataset& dataset_;
  Schedule schedule_;
  Learner learner_;
};

/// What best.safetensors is worth to a run that goes on.
struct BestFile {
  bool chosen = false;  ///< it is the one that the state tells of
  std::string aside;    ///< the ending that it gets where it must not be taken
  std::string problem;  ///< a sentence, where the best one must be chosen anew; it may be that there was none
};

/// The best one after an accepted change, a crash or a foreign hand. One that is newer than the checkpoint `c` stays:
/// a killed run had come so far, and comes there again.
BestFile best_file_of(const RunFolder& run, const Checkpoint& c, bool has_score) {
  const std::string file = best_path(run.dir()), anew = ", and the best checkpoint is chosen anew";
  const bool exists = fs::exists(file);
  const std::string before = exists ? ".before" : "";
  if (!exists && !has_score) return {};
  const std::vector<std::string> changes = run.changes_since(c);
  if (std::any_of(changes.begin(), changes.end(), changes_scores))
    return {false, before,
            file +
                ": was chosen by other validations than there are from here on: it is kept as FILE.before" +
                anew};
  if (!exists) return {false, "", file + ": is not there, though validations chose it" + anew};
  Checkpoint best;
  try {
    best = load_checkpoint(file);
  } catch (const Error& error) {
    if (error.code() != Code::data) throw;
    return {false, ".damaged", file + ": is damaged: it is kept as FILE.damaged" + anew};
  }
  run.check_own(best, file);
  if (has_score && is_best_of(best, c)) return {true, "", ""};
  if (best.step > c.step && changes.empty()) return {};
  return {false, before,
          detail::concat(file, ": is of step ", best.step, " and not what validations until step ", c.step,
                         " chose: it is kept as FILE.before", anew)};
}

class Loop {
 public:
  Loop(Course& course, RunFolder* run, const Checkpoint& first, const TrainerOptions& options)
      : course_(course), run_(run), carried_(first), options_(options) {}

  TrainResult go() {
    stop_signal();
    if (options_.resume) resume();
    course_.seek(step_);
    if (stop_is_new_) save();  // who takes the run must see that it is at its end
    const int64_t steps = course_.steps();
    Progress progress(options_.label, steps, options_.quiet || !writes());
    while (step_ < steps && !result_.stopped_early) {
      one_step();
      if (options_.eval_every > 0 && (step_ % options_.eval_every == 0 || step_ == steps)) validate();
      const bool stop = current_communicator().any(stop_signal() != 0);
      if (stop || step_ == steps || result_.stopped_early || step_ % options_.checkpoint_every == 0) save();
      progress.update(step_, note());
      if (stop && step_ < steps)
        fail(Code::interrupted, run_ != nullptr ? run_->dir() : options_.label,
             ": stopped by a signal after step ", step_, " of ", steps,
             "; the state is saved. Go on with --resume.");
    }
    if (writes()) {
      prune_checkpoints(run_->dir(), options_.keep);  // a kill may have come between saving and pruning
      if (!best_chosen_) forget_best();
      run_->write_metrics();
    }
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
    const LogLine line = course_.one(step_, run_);
    ++step_;
    result_.last_loss = line.at("loss");
    if (writes() && (step_ % options_.log_every == 0 || step_ == 1 || step_ == course_.steps()))
      run_->log(step_, line);
  }

  /// Rank 0 validates, with all lanes; the others wait for its score.
  void validate() {
    double message[2] = {0, 0};  // whether there is a score; the score
    if (current_communicator().rank() == 0) {
      const LaneScope all_lanes(options_.lanes);
      const LogLine line = course_.validate();
      const auto score = line.find("score");
      if (score != line.end()) {
        message[0] = 1;
        message[1] = score->second;
      }
      if (writes() && !line.empty()) run_->log(step_, line);
    }
    current_communicator().broadcast(message, sizeof message);
    if (message[0] == 0) return;
    if (options_.patience == 0 || course_.moves_score()) ++validations_;
    if (!result_.has_score || message[1] > result_.best_score + options_.min_delta) {
      result_.has_score = true;
      result_.best_score = message[1];
      best_at_ = validations_;
      best_chosen_ = true;
      if (writes()) save_checkpoint(best_path(run_->dir()), checkpoint());
    }
    result_.stopped_early = out_of_patience();
  }

  bool out_of_patience() const {
    return options_.patience > 0 && validations_ - best_at_ >= options_.patience;
  }

  /// At the end no file has come for the score that was best: this machine computes other last bits than the one
  /// before, and the run stands for its last checkpoint.
  void forget_best() {
    const std::string file = best_path(run_->dir());
    if (result_.has_score || fs::exists(file))
      warn_once(file +
                ": is not what validations chose, and what they chose is lost: the last checkpoint counts");
    if (fs::exists(file)) set_aside(file, ".before");
    result_.has_score = false;
    result_.best_score = 0;
  }

  Checkpoint checkpoint() {
    Checkpoint c = carried_;
    c.step = step_;
    c.state["validations"] = std::to_string(validations_);
    c.state["best_at"] = std::to_string(best_at_);
    c.state["best_score"] = result_.has_score ? exact_text(result_.best_score) : "none";
    c.state["stopped_early"] = result_.stopped_early ? "1" : "0";
    course_.save(&c);
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
    for (const std::string& w : warnings) warn_once(w);
    const std::string source = checkpoint_path(run_->dir(), c.step);
    BestFile best;
    if (c.step == 0 && fs::exists(best_path(run_->dir()))) best.aside = ".before";
    if (c.step > 0) {
      restore_state(c, source);
      best = restore_best(c);
    }
    current_communicator().barrier();  // nothing is written before every rank has read what it goes on from
    if (!writes()) return;
    run_->accept();  // before anything is removed: a resume after a kill must find the changes
    set_damaged_aside(run_->dir(), c.step);
    if (!best.aside.empty()) set_aside(best_path(run_->dir()), best.aside);
    run_->rewind(c.step);
    // A run that was finished before is at its end now, and no step will give a loss.
    if (c.step > 0) result_.last_loss = run_->last_logged("loss");
  }

  /// A machine that lost power may have kept the checkpoint and not the log: the run goes on, but says so.
  void warn_of_lost_log(const Checkpoint& c) const {
    const std::vector<std::string> steps = run_->steps_not_logged(c);
    if (!steps.empty())
      warn_once(run_->path("log.jsonl") + ": has no line of " + counted(int64_t(steps.size()), "step") +
                " that the run has logged (" + listed(steps) + "): metrics.csv will not have them, either");
  }

  void restore_state(const Checkpoint& c, const std::string& source) {
    run_->check_own(c, source);
    warn_of_lost_log(c);
    course_.restore(c, source);
    step_ = c.step;
    keep_manifest(c.manifest_with_chain(source, carried_.chain));
    validations_ = state_number(c, "validations", source);
    best_at_ = state_number(c, "best_at", source);
    const std::string best = state_word(c, "best_score", source);
    result_.has_score = best != "none";
    if (result_.has_score) result_.best_score = std::strtod(best.c_str(), nullptr);
    result_.stopped_early = out_of_patience();  // by what the patience is now
    stop_is_new_ = result_.stopped_early && state_word(c, "stopped_early", source) != "1";
  }

  BestFile restore_best(const Checkpoint& c) {
    const BestFile best = best_file_of(*run_, c, result_.has_score);
    best_chosen_ = best.chosen;
    if (best.problem.empty()) return best;
    warn_once(best.problem);
    validations_ = best_at_ = 0;
    result_.has_score = result_.stopped_early = stop_is_new_ = false;
    result_.best_score = 0;
    return best;
  }

  /// Persons who trained the run before its data changed, or a model of its chain that is another now, stay in its
  /// manifest.
  void keep_manifest(const std::string& before) {
    std::set<std::string> known;
    std::istringstream now(carried_.manifest), lines(before);
    for (std::string line; std::getline(now, line);) known.insert(line);
    for (std::string line; std::getline(lines, line);)
      if (known.insert(line).second) carried_.manifest += line + "\n";
  }

  Course& course_;
  RunFolder* run_;
  Checkpoint carried_;
  TrainerOptions options_;
  TrainResult result_;
  int64_t step_ = 0, validations_ = 0, best_at_ = 0;
  bool best_chosen_ = false;  ///< best.safetensors is what result_.best_score is of
  bool stop_is_new_ = false;  ///< a shorter patience than before has ended the run where it goes on
};

}  // namespace

Tensor Task::network_input(const Tensor& films) const {
  return models::normalised_films(films, compute_dtype_);
}

TrainerOptions trainer_from(const Recipe& recipe) {
  TrainerOptions o;
  o.lanes = recipe.whole("lanes");
  o.batch = recipe.whole("train.batch");
  o.micro_batch = recipe.whole("train.micro_batch");
  if (o.micro_batch >= o.batch) o.micro_batch = 0;
  o.log_every = recipe.whole("train.log_every");
  o.checkpoint_every = recipe.whole("train.checkpoint_every");
  o.keep = recipe.whole("train.keep");
  o.eval_every = recipe.whole("train.eval_every");
  o.min_delta = recipe.number("train.min_delta");
  o.patience = recipe.whole("train.patience");
  o.precision = precision_from(recipe);
  o.graph = recipe.flag("train.graph");
  return o;
}

TrainResult train(Course& course, RunFolder* run, const Checkpoint& first, const TrainerOptions& options) {
  const int64_t ranks = current_communicator().size(),
                at_once = options.micro_batch > 0 ? options.micro_batch : options.batch;
  CAWE_CHECK(options.micro_batch == 0 || ranks == 1, Code::usage, "train.micro_batch with ", ranks,
             " ranks: parts would be added in another order (expected one of the two)");
  const int64_t lanes = effective_lanes(options.lanes, at_once);
  CAWE_CHECK(lanes % ranks == 0, Code::usage, ranks, " ranks do not share ", lanes,
             " lanes (expected a power of two, at most the lanes)");
  const LaneScope local_lanes(lanes / ranks);
  return Loop(course, run, first, options).go();
}

TrainResult train(Task& task, data::Loader& loader, const data::Dataset& dataset, RunFolder* run,
                  const Checkpoint& first, const Schedule& schedule, const OptimizerOptions& optimizer,
                  const TrainerOptions& options) {
  SingleCourse course(task, loader, dataset, schedule, optimizer, options);
  return train(course, run, first, options);
}

}  // namespace cawe::train
