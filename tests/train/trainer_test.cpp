// SPDX-License-Identifier: Apache-2.0
// The training loop on a course whose scores are given: when it validates, saves and stops, and what its log holds.
#include "train/trainer.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tensor/io/files.h"
#include "tests/data/text_file.h"
#include "tests/train/given_course.h"
#include "train/learner.h"

namespace cawe::train {
namespace {

namespace fs = std::filesystem;
using testing::TempDir;

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

TEST(Patience, WaitsWhileNoStepMovesTheScore) {
  // Steps 7 to 12 train something else: validations 8, 10 and 12 do not count, 14 and 16 do.
  const TempDir dir;
  for (const int64_t patience : {0, 2}) {
    GivenCourse course = twenty();
    course.idle_from = 6;
    course.idle_to = 12;
    const std::string place = dir.path(std::to_string(patience));
    const TrainResult result = run(place, course, options(patience));
    EXPECT_EQ(result.steps, patience == 2 ? 16 : 20);
    const Checkpoint last = load_checkpoint(checkpoint_path(place, result.steps));
    EXPECT_EQ(state_number(last, "validations", "c"), patience == 2 ? 5 : 10) << "without patience as ever";
  }
}

TEST(RunFolder, ALostLogIsNoRow) {
  const TempDir dir;
  RunFolder folder(dir.path("run"), "task = \"test\"\n", {}, Resume());
  folder.write_metrics();
  EXPECT_EQ(read_file(dir.path("run/metrics.csv")), "step\n");
  fs::create_directories(dir.path("run/log.jsonl"));
  testing::expect_error("data", "log.jsonl: is no file", [&] { folder.write_metrics(); });
}

TEST(RunFolder, MissesOnlyLinesThatWereWritten) {
  // Every fourth step was logged, then, from the checkpoint on, every step: recipe.toml says the former.
  const auto every = [](int steps) {
    return "task = \"retinanet\"\ntrain.log_every = " + std::to_string(steps) + "\n";
  };
  const TempDir dir;
  RunFolder folder(dir.path("run"), every(4), {}, Resume());
  for (const int64_t step : {1, 8, 9, 10}) folder.log(step, {{"loss", 1}});
  Checkpoint c;
  c.step = 10;
  c.recipe = every(1);
  EXPECT_EQ(folder.steps_not_logged(c), std::vector<std::string>{"4"});
  c.recipe = every(4);
  EXPECT_EQ(folder.steps_not_logged(c), std::vector<std::string>{"4"});
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
