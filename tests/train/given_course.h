// SPDX-License-Identifier: Apache-2.0
// A course whose scores are given, trained in a folder, also by a process that is killed or stopped on the way.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tensor/io/files.h"
#include "tensor/stop_signal.h"
#include "tests/tensor/io_support.h"
#include "train/trainer.h"

namespace cawe::train {

/// A number that every step changes, and the score of each validation by its step.
class GivenCourse : public Course {
 public:
  GivenCourse(int64_t steps, std::map<int64_t, double> scores) : steps_(steps), scores_(std::move(scores)) {}
  int64_t steps() const override { return steps_; }
  void seek(int64_t step) override { EXPECT_EQ(step, done_) << "the course was restored to another step"; }
  LogLine one(int64_t step, const RunFolder*) override {
    EXPECT_EQ(step, done_);
    if (before_step) before_step(step);
    value_ = 0.75 * value_ + double(step);
    ++done_;
    return {{"loss", value_}};
  }
  LogLine validate() override {
    validated.push_back(done_);
    return {{"score", scores_.at(done_)}};
  }
  bool moves_score() const override { return done_ <= idle_from || done_ > idle_to; }
  void save(Checkpoint* c) const override { c->tensors["model.value"] = Tensor::scalar(value_, DType::f64); }
  void restore(const Checkpoint& c, const std::string&) override {
    value_ = c.tensors.at("model.value").item();
    done_ = c.step;
  }

  int64_t idle_from = 0, idle_to = 0;             ///< steps after the one, until the other change no score
  std::vector<int64_t> validated;                 ///< steps after which it was asked for a score
  std::function<void(int64_t step)> before_step;  ///< called before the step is done

 private:
  int64_t steps_, done_ = 0;
  double value_ = 1;
  std::map<int64_t, double> scores_;
};

/// 20 steps with a validation after every second: the best score is that of step 6; step 10's is equal.
inline GivenCourse twenty() {
  return {
      20,
      {{2, .25}, {4, .5}, {6, .75}, {8, .5}, {10, .75}, {12, .625}, {14, .5}, {16, .5}, {18, .5}, {20, 1}}};
}

inline TrainerOptions options(int64_t patience) {
  TrainerOptions o;
  o.eval_every = 2;
  o.patience = patience;
  o.log_every = 1;
  o.checkpoint_every = 5;
  o.keep = 1;
  o.quiet = true;
  return o;
}

/// How a run is gone on with, where anything but that it is.
struct Given {
  std::string recipe = "task = \"retinanet\"\n";
  std::map<std::string, std::string> chain;
};

/// With resume all changes are accepted.
inline TrainResult run(const std::string& dir, GivenCourse& course, TrainerOptions o, bool resume = false,
                       const Given& given = {}) {
  Resume how;
  how.on = how.accept_changes = how.quiet = resume;
  RunFolder folder(dir, given.recipe, {}, how);
  o.resume = resume;
  Checkpoint first;
  first.recipe = given.recipe;
  first.manifest = std::string(64, 'a') + "\n";
  first.chain = given.chain;
  return train(course, &folder, first, o);
}

/// What must be the same however often a run was interrupted.
inline std::string bytes_of(const std::string& dir, int64_t last) {
  std::string all;
  for (const std::string& path :
       {dir + "/log.jsonl", dir + "/metrics.csv", best_path(dir), checkpoint_path(dir, last)})
    all += path.substr(dir.size()) + "\n" + read_file(path) + "\n";
  for (const int64_t step : checkpoint_steps(dir)) all += std::to_string(step) + " ";
  return all;
}

enum class End { killed, stopped };

/// Trains in a process of its own, which a signal ends or asks to stop in the middle of step `at`.
inline void interrupt(const std::string& dir, const TrainerOptions& o, int64_t at, End end, bool resume,
                      const Given& given = {}) {
  const pid_t child = fork();
  if (child == 0) {
    stop_signal();  // from here on signals are recorded
    GivenCourse course = twenty();
    course.before_step = [&](int64_t step) {
      if (step == at) raise(end == End::killed ? SIGKILL : SIGTERM);
    };
    try {
      run(dir, course, o, resume, given);
    } catch (const Error& error) {
      _exit(error.code() == Code::interrupted ? 55 : 1);
    }
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (end == End::killed) {
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  } else {
    EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 55) << "stopped by a signal at step " << at;
  }
}

}  // namespace cawe::train
