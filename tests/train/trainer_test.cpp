// SPDX-License-Identifier: Apache-2.0
// The training loop on a course whose scores are given: when it validates, saves, stops, and that a run which was
// killed or stopped at any step and resumed leaves the same bytes as one that was not.
#include "train/trainer.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "tensor/io/files.h"
#include "tensor/stop_signal.h"
#include "tests/data/text_file.h"
#include "tests/tensor/io_support.h"

namespace cawe::train {
namespace {

namespace fs = std::filesystem;
using testing::TempDir;

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
  void save(Checkpoint* c) const override { c->tensors["model.value"] = Tensor::scalar(value_, DType::f64); }
  void restore(const Checkpoint& c, const std::string&) override {
    value_ = c.tensors.at("model.value").item();
    done_ = c.step;
  }

  std::vector<int64_t> validated;                 ///< steps after which it was asked for a score
  std::function<void(int64_t step)> before_step;  ///< called before the step is done

 private:
  int64_t steps_, done_ = 0;
  double value_ = 1;
  std::map<int64_t, double> scores_;
};

/// 20 steps with a validation after every second: the best score is that of step 6; step 10's is equal.
GivenCourse twenty() {
  return {
      20,
      {{2, .25}, {4, .5}, {6, .75}, {8, .5}, {10, .75}, {12, .625}, {14, .5}, {16, .5}, {18, .5}, {20, 1}}};
}

TrainerOptions options(int64_t patience) {
  TrainerOptions o;
  o.eval_every = 2;
  o.patience = patience;
  o.log_every = 1;
  o.checkpoint_every = 5;
  o.keep = 1;
  o.quiet = true;
  return o;
}

TrainResult run(const std::string& dir, GivenCourse& course, TrainerOptions o, bool resume = false) {
  Resume how;
  how.on = resume;
  RunFolder folder(dir, "task = \"test\"\n", {}, how);
  o.resume = resume;
  Checkpoint first;
  first.recipe = "task = \"test\"\n";
  first.manifest = std::string(64, 'a') + "\n";
  return train(course, &folder, first, o);
}

TEST(Patience, StopsAtExactlyThatValidationWithoutABetterOne) {
  // After the best, step 6: validations 8, 10 (equal: not better), 12, 14, 16, 18 bring nothing; 20 does.
  const std::map<int64_t, std::pair<int64_t, bool>> ends{{1, {8, true}},  {2, {10, true}}, {3, {12, true}},
                                                         {4, {14, true}}, {6, {18, true}}, {7, {20, false}},
                                                         {0, {20, false}}};
  for (const auto& [patience, end] : ends) {
    const TempDir dir;
    GivenCourse course = twenty();
    const TrainResult result = run(dir.path("run"), course, options(patience));
    EXPECT_EQ(result.steps, end.first) << "patience " << patience;
    EXPECT_EQ(result.stopped_early, end.second) << "patience " << patience;
    EXPECT_EQ(course.validated.back(), end.first);
    EXPECT_EQ(course.validated.size(), size_t(end.first / 2));
    EXPECT_EQ(load_checkpoint(checkpoint_path(dir.path("run"), end.first)).step, end.first);
    EXPECT_EQ(result.best_score, end.second ? .75 : 1);
    EXPECT_EQ(load_checkpoint(best_path(dir.path("run"))).step, end.second ? 6 : 20);
  }
}

TEST(Patience, EveryBetterScoreStartsItAgain) {
  // Better after 4 and 8: never two validations in a row without, but three at the end.
  const TempDir dir;
  GivenCourse course(20, {{2, .5}, {4, .75}, {6, .5}, {8, .875}, {10, .5}, {12, .5}, {14, .5}, {16, 1}});
  const TrainResult result = run(dir.path("run"), course, options(3));
  EXPECT_EQ(result.steps, 14);
  EXPECT_EQ(result.best_score, .875);
}

TEST(Best, AnEqualScoreDoesNotReplaceIt) {
  const TempDir dir;
  GivenCourse course(8, {{2, .5}, {4, .75}, {6, .75}, {8, .75}});
  const TrainResult result = run(dir.path("run"), course, options(0));
  EXPECT_EQ(result.best_score, .75);
  EXPECT_EQ(load_checkpoint(best_path(dir.path("run"))).step, 4);
  EXPECT_EQ(load_checkpoint(best_path(dir.path("run"))).manifest, std::string(64, 'a') + "\n");
}

TEST(Best, IsBetterByMoreThanMinDelta) {
  // .5 + 1/4 is not more than 1/4 better, 13/16 is; 15/16 is no quarter above that. Negative scores count as well.
  for (const double below : {0.0, 4.0}) {
    const TempDir dir;
    GivenCourse course(8, {{2, .5 - below}, {4, .75 - below}, {6, .8125 - below}, {8, .9375 - below}});
    TrainerOptions o = options(0);
    o.min_delta = .25;
    const TrainResult result = run(dir.path("run"), course, o);
    EXPECT_EQ(result.best_score, .8125 - below);
    EXPECT_EQ(load_checkpoint(best_path(dir.path("run"))).step, 6);
  }
}

TEST(Loop, ValidatesLogsAndSavesWhereItSays) {
  const TempDir dir;
  GivenCourse course(11, {{3, .5}, {6, .5}, {9, .5}, {11, .5}});
  TrainerOptions o = options(0);
  o.eval_every = 3;
  o.log_every = 4;
  o.keep = 2;
  const TrainResult result = run(dir.path("run"), course, o);
  EXPECT_EQ(result.steps, 11);
  EXPECT_EQ(course.validated, (std::vector<int64_t>{3, 6, 9, 11})) << "every third, and the last";
  EXPECT_EQ(checkpoint_steps(dir.path("run")), (std::vector<int64_t>{11, 10})) << "of 5, 10 and the last two";
  // Losses of step 1, of every fourth and of the last; scores of the validations. By hand: .75 v + step from 1 on.
  double value = 1;
  std::string expected;
  for (int step = 0; step < 11; ++step) {
    value = .75 * value + step;
    const std::string at = "{\"step\":" + std::to_string(step + 1) + ",";
    char loss[40];
    std::snprintf(loss, sizeof loss, "%.9g", value);
    if (step == 0 || step % 4 == 3 || step == 10) expected += at + "\"loss\":" + loss + "}\n";
    if (step % 3 == 2 || step == 10) expected += at + "\"score\":0.5}\n";
  }
  EXPECT_EQ(read_file(dir.path("run/log.jsonl")), expected);
  EXPECT_DOUBLE_EQ(result.last_loss, value);
}

/// What must be the same however often a run was interrupted.
std::string bytes_of(const std::string& dir, int64_t last) {
  std::string all;
  for (const std::string& path :
       {dir + "/log.jsonl", dir + "/metrics.csv", best_path(dir), checkpoint_path(dir, last)})
    all += path.substr(dir.size()) + "\n" + read_file(path) + "\n";
  for (const int64_t step : checkpoint_steps(dir)) all += std::to_string(step) + " ";
  return all;
}

enum class End { killed, stopped };

/// Trains in a process of its own, which a signal ends or asks to stop in the middle of step `at`.
void interrupt(const std::string& dir, const TrainerOptions& o, int64_t at, End end, bool resume) {
  const pid_t child = fork();
  if (child == 0) {
    stop_signal();  // from here on signals are recorded
    GivenCourse course = twenty();
    course.before_step = [&](int64_t step) {
      if (step == at) raise(end == End::killed ? SIGKILL : SIGTERM);
    };
    try {
      run(dir, course, o, resume);
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

int64_t last_logged(const std::string& dir) {
  if (!fs::exists(dir + "/log.jsonl")) return 0;
  const std::string log = read_file(dir + "/log.jsonl");
  const size_t at = log.rfind("\"step\":");
  return at == log.npos ? 0 : std::stoll(log.substr(at + 7));
}

TEST(Resume, AnInterruptedRunEndsWithTheSameBytes) {
  for (const int64_t patience : {0, 3}) {
    const TempDir dir;
    const TrainerOptions o = options(patience);
    GivenCourse undisturbed = twenty();
    const TrainResult right = run(dir.path("right"), undisturbed, o);
    ASSERT_EQ(right.steps, patience == 3 ? 12 : 20);
    int rewound = 0;
    for (const End end : {End::killed, End::stopped})
      for (int64_t at = 0; at < right.steps; at += patience == 3 ? 1 : 4) {
        const std::string place = dir.path(std::to_string(at) + (end == End::killed ? "killed" : "stopped"));
        interrupt(place, o, at, end, false);
        const std::vector<int64_t> saved = checkpoint_steps(place);
        const int64_t from = saved.empty() ? 0 : saved.front();
        EXPECT_EQ(from, end == End::stopped ? at + 1 : at / 5 * 5) << "the newest checkpoint";
        rewound += last_logged(place) > from;
        GivenCourse course = twenty();
        const TrainResult result = run(place, course, o, true);
        EXPECT_EQ(result.steps, right.steps) << "interrupted in step " << at;
        EXPECT_EQ(result.stopped_early, right.stopped_early);
        EXPECT_EQ(result.best_score, right.best_score);
        EXPECT_TRUE(bytes_of(place, right.steps) == bytes_of(dir.path("right"), right.steps))
            << (end == End::killed ? "killed" : "stopped") << " in step " << at << ", patience " << patience
            << "\n"
            << read_file(place + "/log.jsonl") << "\n"
            << read_file(dir.path("right/log.jsonl"));
      }
    EXPECT_GE(rewound, patience == 3 ? 6 : 3) << "the log was never ahead of a checkpoint";
  }
}

TEST(Resume, InterruptedAgainAndAgain) {
  const TempDir dir;
  const TrainerOptions o = options(3);
  GivenCourse undisturbed = twenty();
  run(dir.path("right"), undisturbed, o);
  const std::string place = dir.path("often");
  bool resume = false;
  for (const auto& [at, end] : std::vector<std::pair<int64_t, End>>{{3, End::killed},
                                                                    {4, End::stopped},
                                                                    {5, End::killed},
                                                                    {6, End::stopped},
                                                                    {9, End::killed},
                                                                    {11, End::killed}}) {
    interrupt(place, o, at, end, resume);
    resume = true;
  }
  GivenCourse course = twenty();
  EXPECT_EQ(run(place, course, o, true).steps, 12);
  EXPECT_TRUE(bytes_of(place, 12) == bytes_of(dir.path("right"), 12));
}

TEST(Resume, ARunThatStoppedEarlyStaysStopped) {
  const TempDir dir;
  GivenCourse course = twenty();
  run(dir.path("run"), course, options(3));
  const std::string before = bytes_of(dir.path("run"), 12);
  GivenCourse again = twenty();
  const TrainResult result = run(dir.path("run"), again, options(3), true);
  EXPECT_EQ(result.steps, 12);
  EXPECT_TRUE(result.stopped_early && result.has_score);
  EXPECT_EQ(result.best_score, .75);
  EXPECT_TRUE(again.validated.empty());
  EXPECT_TRUE(bytes_of(dir.path("run"), 12) == before);
}

TEST(Resume, TheLogGoesBackToTheCheckpoint) {
  const TempDir dir;
  RunFolder folder(dir.path("run"), "task = \"test\"\n", {}, Resume());
  for (int64_t step = 1; step <= 6; ++step) {
    folder.log(step, {{"loss", double(step) / 4}});
    if (step % 2 == 0) folder.log(step, {{"score", double(step)}});
  }
  const std::string whole = read_file(dir.path("run/log.jsonl"));
  append_file(dir.path("run/log.jsonl"), "{\"step\":7,\"lo");  // killed in the middle of a line
  folder.rewind(6);
  EXPECT_EQ(read_file(dir.path("run/log.jsonl")), whole);
  folder.rewind(4);
  const std::string four =
      "{\"step\":1,\"loss\":0.25}\n{\"step\":2,\"loss\":0.5}\n{\"step\":2,\"score\":2}\n"
      "{\"step\":3,\"loss\":0.75}\n{\"step\":4,\"loss\":1}\n{\"step\":4,\"score\":4}\n";
  EXPECT_EQ(read_file(dir.path("run/log.jsonl")), four);
  folder.log(5, {{"loss", 1.25}});
  EXPECT_EQ(read_file(dir.path("run/log.jsonl")), four + "{\"step\":5,\"loss\":1.25}\n");
  folder.rewind(0);
  EXPECT_EQ(read_file(dir.path("run/log.jsonl")), "");
}

TEST(Resume, ALineThatNobodyWroteIsRefusedAndStays) {
  const TempDir dir;
  RunFolder folder(dir.path("run"), "task = \"test\"\n", {}, Resume());
  for (const char* line :
       {"{\"step\":1,\"loss\":NaN}", "{\"step\":1", "[1]", "{\"step\":-1}", "{\"loss\":\"low\"}", ""}) {
    const std::string log = line + std::string("\n{\"step\":2,\"loss\":0.5}\n");
    write_file(dir.path("run/log.jsonl"), log);
    testing::expect_error("data", "log.jsonl:1: is no line of a log", [&] { folder.rewind(2); });
    EXPECT_THROW(folder.write_metrics(), Error) << line;
    EXPECT_EQ(read_file(dir.path("run/log.jsonl")), log);
  }
}

}  // namespace
}  // namespace cawe::train
