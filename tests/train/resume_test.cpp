// SPDX-License-Identifier: Apache-2.0
// A run that was killed or stopped at any step and resumed leaves the same bytes as one that was not; what it makes of
// changes, of a best checkpoint that is not its state's, and of damage.
#include <gtest/gtest.h>

#include <filesystem>

#include "tensor/io/files.h"
#include "tests/data/text_file.h"
#include "tests/train/given_course.h"

namespace cawe::train {
namespace {

namespace fs = std::filesystem;
using testing::TempDir;

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

TEST(Resume, APatienceThatChangedCountsFromTheBest) {
  for (const auto& [patience, steps] : std::map<int64_t, int64_t>{{0, 20}, {3, 12}, {4, 14}, {6, 18}}) {
    const TempDir dir;
    GivenCourse course = twenty(), again = twenty();
    ASSERT_EQ(run(dir.path("run"), course, options(3)).steps, 12);
    const TrainResult result = run(dir.path("run"), again, options(patience), true);
    EXPECT_EQ(result.steps, steps) << "patience " << patience;
    EXPECT_EQ(result.stopped_early, steps < 20);
  }
  const TempDir dir;  // a shorter one, for which it is already too far
  interrupt(dir.path("run"), options(0), 12, End::stopped, false);
  GivenCourse course = twenty();
  EXPECT_EQ(run(dir.path("run"), course, options(2), true).steps, 13);
  EXPECT_EQ(newest_checkpoint(dir.path("run")).state.at("stopped_early"), "1");
}

TEST(Resume, ScoresOfOtherValidationsDoNotCompare) {
  // Stopped after step 10; the best was .75 at step 6. What comes is .625, thrice .5, then 1.
  const Given other{"task = \"retinanet\"\ntrain.select = \"map50\"\n", {}};
  const TempDir dir;
  const auto begun = [&](const std::string& name) {
    interrupt(dir.path(name), options(3), 9, End::stopped, false);
    EXPECT_EQ(load_checkpoint(best_path(dir.path(name))).step, 6);
    return dir.path(name);
  };
  const std::string right = begun("right");
  GivenCourse course = twenty();
  const TrainResult result = run(right, course, options(3), true, other);
  EXPECT_EQ(result.steps, 18) << "patience counts from the first score of the new kind";
  EXPECT_EQ(result.best_score, .625);
  EXPECT_EQ(load_checkpoint(best_path(right)).step, 12);
  for (const int64_t at :
       {10, 11, 12, 13, 16}) {  // killed before and after the new best, and after a checkpoint
    const std::string place = begun(std::to_string(at));
    interrupt(place, options(3), at, End::killed, true, other);
    GivenCourse again = twenty();
    run(place, again, options(3), true, other);
    EXPECT_TRUE(bytes_of(place, 18) == bytes_of(right, 18)) << "killed in step " << at;
  }
  const std::string accepted =
      begun("accepted");  // killed when the change was written down, and nothing else
  {
    Resume how;
    how.on = how.accept_changes = how.quiet = true;
    RunFolder(accepted, other.recipe, {}, how).accept();
  }
  GivenCourse again = twenty();
  run(accepted, again, options(3), true, other);
  EXPECT_TRUE(bytes_of(accepted, 18) == bytes_of(right, 18));
  // Without any validation from there on nothing chooses: the run stands for its last checkpoint.
  const std::string none = begun("none");
  TrainerOptions o = options(0);
  o.eval_every = 0;
  GivenCourse last = twenty();
  EXPECT_FALSE(run(none, last, o, true, {"task = \"retinanet\"\ntrain.eval_every = 2\n", {}}).has_score);
  EXPECT_EQ(load_run_or_file(none).step, 20);
}

TEST(Resume, AChangeThatLeavesScoresKeepsTheBest) {
  const TempDir dir;
  interrupt(dir.path("run"), options(0), 9, End::stopped, false);
  GivenCourse course(14, {{12, .625}, {14, .5}});
  const TrainResult result =
      run(dir.path("run"), course, options(0), true, {"task = \"retinanet\"\ntrain.lr = 0.5\n", {}});
  EXPECT_EQ(result.best_score, .75);
  EXPECT_EQ(load_checkpoint(best_path(dir.path("run"))).step, 6);
}

TEST(Resume, ABestOfAnotherStateIsNotTaken) {
  // As above, and goes on to step 14: without the best of step 6 the next best is that of step 12.
  const TempDir dir;
  interrupt(dir.path("early"), options(0), 2, End::stopped, false);  // its best is that of step 2
  const auto gone_on = [&](const std::string& name, const std::function<void(const std::string&)>& change) {
    const std::string place = dir.path(name), best = best_path(place);
    interrupt(place, options(0), 9, End::stopped, false);
    change(best);
    GivenCourse course(14, {{12, .625}, {14, .5}});
    const TrainResult result = run(place, course, options(0), true);
    EXPECT_TRUE(result.has_score);
    EXPECT_EQ(result.best_score, .625) << name;
    EXPECT_EQ(load_checkpoint(best).step, 12) << name;
    return best;
  };
  gone_on("older",
          [&](const std::string& best) { write_file(best, read_file(best_path(dir.path("early")))); });
  gone_on("none", [](const std::string& best) { fs::remove(best); });
  const std::string best = gone_on("damaged", [](const std::string& file) { write_file(file, "half"); });
  EXPECT_EQ(read_file(best + ".damaged"), "half");
}

TEST(Resume, ABestThatIsNotReachedAgainIsNotTaken) {
  // Killed in step 8: goes on from step 5, whose best is that of step 4, and has the file of step 6.
  for (const char* what : {"", "recipe", "machine"}) {
    SCOPED_TRACE(what);
    const bool changed = what == std::string("recipe");
    const TempDir dir;
    const std::string place = dir.path("run");
    interrupt(place, options(0), 7, End::killed, false);
    ASSERT_EQ(load_checkpoint(best_path(place)).step, 6);
    if (what == std::string("machine")) {
      std::string facts = read_file(place + "/environment.json");
      const size_t at = facts.find("\"revision\": \"");
      ASSERT_NE(at, facts.npos);
      write_file(place + "/environment.json", facts.insert(at + 13, "an older "));
    }
    GivenCourse course(10, {{6, .125}, {8, .25}, {10, .25}});  // another machine's scores, all below .5
    const char* recipe = changed ? "task = \"retinanet\"\ntrain.lr = 0.5\n" : "task = \"retinanet\"\n";
    const TrainResult result = run(place, course, options(0), true, {recipe, {}});
    EXPECT_EQ(result.has_score, changed) << "a known change lets the choice begin anew";
    EXPECT_EQ(load_run_or_file(place).step, changed ? 8 : 10);
    EXPECT_EQ(load_checkpoint(best_path(place) + ".before").step, 6) << "it is the user's";
  }
}

TEST(Resume, PersonsOfAFormerChainStayInTheManifest) {
  const auto model = [](char person) {
    Checkpoint c;
    c.recipe = "task = \"classifier\"\n";
    c.manifest = std::string(64, person) + "\n";
    return checkpoint_bytes(c);
  };
  const TempDir dir;
  const Given before{Given().recipe, {{"classifier", model('b')}, {"colorizer", model('c')}}},
      now{Given().recipe, {{"classifier", model('d')}, {"colorizer", model('c')}}};
  interrupt(dir.path("run"), options(0), 9, End::stopped, false, before);
  GivenCourse course = twenty();
  run(dir.path("run"), course, options(0), true, now);
  EXPECT_EQ(load_run_or_file(dir.path("run")).manifest,
            std::string(64, 'a') + "\n" + std::string(64, 'b') + "\n");
}

TEST(Resume, WhatIsSavedStaysBesideADamagedNewerOne) {
  const TempDir dir;
  const std::string place = dir.path("run"), damaged = checkpoint_path(place, 19);
  interrupt(place, options(0), 9, End::stopped, false);
  write_file(damaged, "half");
  interrupt(place, options(0), 11, End::stopped, true);
  EXPECT_EQ(checkpoint_steps(place), (std::vector<int64_t>{12})) << "keep is 1";
  EXPECT_EQ(read_file(damaged + ".damaged"), "half");
  // None is left: the run begins anew, and its best goes.
  write_file(checkpoint_path(place, 12), "half");
  interrupt(place, options(0), 0, End::stopped, true);
  EXPECT_EQ(checkpoint_steps(place), (std::vector<int64_t>{1}));
  EXPECT_FALSE(fs::exists(best_path(place)));
  EXPECT_EQ(load_checkpoint(best_path(place) + ".before").step, 6);
}

}  // namespace
}  // namespace cawe::train
