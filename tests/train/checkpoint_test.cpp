// SPDX-License-Identifier: Apache-2.0
#include "train/checkpoint.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tensor/io/files.h"
#include "tests/data/text_file.h"
#include "train/run_changes.h"
#include "train/run_folder.h"
#include "train/run_setup.h"

namespace cawe::train {
namespace {
namespace fs = std::filesystem;
namespace testing = cawe::testing;

Checkpoint sample(int64_t step) {
  Checkpoint c;
  c.step = step;
  c.recipe = "task = \"classifier\"\nname = \"a \\\"quoted\\\" word\"\n";
  c.state["best_score"] = "0.5";
  c.manifest = std::string(64, 'a') + "\n";
  c.chain["classifier"] = std::string("\0binary\xff", 8);
  c.tensors["model.w"] = Tensor::from(std::vector<float>{1, 2, 3, 4}, {2, 2});
  c.tensors["optimizer.w.m"] = Tensor::from(std::vector<float>{0, -0.0f, 1e-30f, 4}, {2, 2});
  return c;
}

TEST(Checkpoint, GoesRoundByteByByte) {
  const std::string bytes = checkpoint_bytes(sample(5));
  const Checkpoint back = parse_checkpoint(bytes, "memory");
  EXPECT_EQ(back.step, 5);
  EXPECT_EQ(back.recipe, sample(5).recipe);
  EXPECT_EQ(back.state.at("best_score"), "0.5");
  EXPECT_EQ(back.chain.at("classifier"), std::string("\0binary\xff", 8));
  EXPECT_EQ(back.model().count("w"), 1u);
  EXPECT_EQ(checkpoint_bytes(back), bytes);
}

TEST(Checkpoint, TheModelAlone) {
  Checkpoint whole = sample(5);
  whole.tensors["critic.w"] = Tensor::from(std::vector<float>{1}, {1});
  const Checkpoint alone = parse_checkpoint(checkpoint_bytes(whole.model_alone()), "memory");
  EXPECT_EQ(alone.tensors.size(), 1u);
  EXPECT_EQ(alone.model().at("w").to_vector<float>(), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(alone.manifest, whole.manifest);
  EXPECT_EQ(whole.tensors.size(), 3u);
}

TEST(Checkpoint, EveryChangedByteIsSeen) {
  const std::string good = checkpoint_bytes(sample(5));
  for (size_t i = 0; i < good.size(); i += 3) {
    std::string bad = good;
    bad[i] = char(bad[i] ^ 4);
    EXPECT_THROW(parse_checkpoint(bad, "memory"), Error) << "byte " << i;
  }
  for (size_t i = 0; i < good.size(); i += 7)
    EXPECT_THROW(parse_checkpoint(good.substr(0, i), "memory"), Error);
  EXPECT_THROW(parse_checkpoint(good + "x", "memory"), Error);
}

TEST(Checkpoint, ADamagedNewestOneIsNamedAndTheOneBeforeIsUsed) {
  const std::string run = ::testing::TempDir() + "cawe_checkpoint_run";
  fs::remove_all(run);
  fs::create_directories(run + "/checkpoints");
  for (const int64_t step : {2, 4, 6}) save_checkpoint(checkpoint_path(run, step), sample(step));
  std::string bytes = read_file(checkpoint_path(run, 6));
  write_file(checkpoint_path(run, 6), bytes.substr(0, bytes.size() / 2));
  std::vector<std::string> warnings;
  EXPECT_EQ(newest_checkpoint(run, &warnings).step, 4);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].rfind(checkpoint_path(run, 6), 0), 0u) << warnings[0];
  prune_checkpoints(run, 2);
  EXPECT_EQ(checkpoint_steps(run), (std::vector<int64_t>{6, 4}));
  fs::remove_all(run);
}

TEST(Checkpoint, OnlyDamageMakesTheOneBeforeBeUsed) {
  const testing::TempDir dir;
  const std::string run = dir.path();
  fs::create_directories(run + "/checkpoints");
  for (const int64_t step : {2, 4}) save_checkpoint(checkpoint_path(run, step), sample(step));
  // A newest one that cannot be read at all is no damaged file: the disk or the mount may be back in a minute, and
  // going on from step 4 would overwrite it.
  const auto fails = [&](const std::string& what) {
    std::vector<std::string> warnings;
    testing::expect_error(Code::io, {"step-00000006.safetensors"},
                          [&] { newest_checkpoint(run, &warnings); });
    EXPECT_TRUE(warnings.empty()) << what;
  };
  fs::create_directories(checkpoint_path(run, 6));
  fails("a folder in its place");
  fs::remove(checkpoint_path(run, 6));
  fs::create_symlink(run + "/nowhere", checkpoint_path(run, 6));
  fails("a link to nothing");
  fs::remove(checkpoint_path(run, 6));
  // Damage of every kind: cut off, empty, another program's, one whose bytes were changed.
  std::string changed = checkpoint_bytes(sample(6));
  changed.back() = char(changed.back() ^ 1);
  for (const std::string& bytes :
       {changed, changed.substr(0, 40), std::string(), std::string("no checkpoint")}) {
    write_file(checkpoint_path(run, 6), bytes);
    std::vector<std::string> warnings;
    EXPECT_EQ(newest_checkpoint(run, &warnings).step, 4);
    EXPECT_EQ(warnings.size(), 1u);
  }
  write_file(checkpoint_path(run, 4), "damaged too");
  std::vector<std::string> warnings;
  EXPECT_EQ(newest_checkpoint(run, &warnings).step, 2);
  EXPECT_EQ(warnings.size(), 2u);
  write_file(checkpoint_path(run, 2), "and this");
  warnings.clear();
  EXPECT_EQ(newest_checkpoint(run, &warnings).step, 0);
  ASSERT_EQ(warnings.size(), 3u);
  EXPECT_NE(warnings[1].find("Going on from the one before."), std::string::npos) << warnings[1];
  EXPECT_NE(warnings[2].find("None is left: the run begins anew."), std::string::npos) << warnings[2];
}

TEST(Checkpoint, TheBestIsKnownByItsValidationAndScore) {
  const auto state = [](int64_t step, const char* validations, const char* at, const char* score) {
    Checkpoint c = sample(step);
    c.state = {{"validations", validations}, {"best_at", at}, {"best_score", score}};
    return c;
  };
  const Checkpoint best = state(6, "3", "3", "0.75");
  EXPECT_TRUE(is_best_of(best, state(6, "3", "3", "0.75")));
  EXPECT_TRUE(is_best_of(best, state(10, "5", "3", "0.75")));
  for (const char* score : {"0.5", "0.75"})
    EXPECT_FALSE(is_best_of(best, state(5, "3", "3", score))) << "it came later";
  EXPECT_FALSE(is_best_of(best, state(10, "5", "4", "0.75")));
  EXPECT_FALSE(is_best_of(best, state(10, "5", "3", "0.5")));
  EXPECT_FALSE(is_best_of(state(8, "4", "3", "0.75"), state(10, "5", "3", "0.75")))
      << "no best when it was saved";
}

TEST(Changes, WhichLetScoresNotCompare) {
  for (const char* change : {"train.select: auroc before, loss now", "train.eval_every: 2 before, 0 now",
                             "data.val_folds: a before, b now", "data_films: 0 before, 1 now",
                             "split: 0 before, 1 now", "classifier: 0 before, 1 now",
                             "image.size: 64 before, 32 now", "train.val_images: 64 before, 32 now"})
    EXPECT_TRUE(changes_scores(change)) << change;
  for (const char* change :
       {"train.steps: 6 before, 8 now", "train.lr: 1 before, 2 now", "seed: 0 before, 1 now",
        "train.patience: 2 before, 0 now", "data.train_folds: a before, b now",
        "data_persons: 0 before, 1 now", "data.age_column: age before, years now",
        "cpu_library: a before, b now", "recipe.toml: not there"})
    EXPECT_FALSE(changes_scores(change)) << change;
}

TEST(Checkpoint, PersonsOfItsChainTrainedTheRunToo) {
  const testing::TempDir dir;
  data::Dataset dataset;
  for (const char* person : {"a", "b", "c"}) {
    dataset.samples.emplace_back();
    dataset.samples.back().image_id = dataset.samples.back().patient_id = person;
  }
  const auto trained_by = [&](int64_t person) {
    Checkpoint c = sample(2);
    c.manifest = data::manifest_text(data::trained_patients("model", dataset, {person}));
    return c;
  };
  Checkpoint run = trained_by(0);
  run.chain["classifier"] = checkpoint_bytes(trained_by(1));
  EXPECT_EQ(run.manifest_with_chain("run", run.chain), run.manifest);
  fs::create_directories(dir.path("checkpoints"));
  save_checkpoint(checkpoint_path(dir.path(), 2), run);
  for (const int64_t person : {0, 1})
    testing::expect_error(Code::leak, {"until now was trained on"},
                          [&] { check_trained_until_now(dir.path(), dataset, {person}, false); });
  EXPECT_EQ(check_trained_until_now(dir.path(), dataset, {2}, false), "");
}

TEST(Checkpoint, OneOfAnotherStepThanItsNameSaysIsRefused) {
  const testing::TempDir dir;
  const std::string run = dir.path();
  fs::create_directories(run + "/checkpoints");
  save_checkpoint(checkpoint_path(run, 2), sample(2));
  save_checkpoint(checkpoint_path(run, 4), sample(2));
  std::vector<std::string> warnings;
  testing::expect_error(Code::data, {"step-00000004.safetensors: is the checkpoint of step 2"},
                        [&] { newest_checkpoint(run, &warnings); });
}

TEST(Checkpoint, AnotherRunsIsRefused) {
  const testing::TempDir dir;
  const std::string folder = dir.path("run");
  const auto recipe = [](int seed, const char* more = "") {
    return "task = \"retinanet\"\nseed = " + std::to_string(seed) + "\ndata.root = \"d\"\n" + more;
  };
  Checkpoint mine = sample(2), other = sample(2), third = sample(2);
  mine.recipe = recipe(0);
  other.recipe = recipe(1);
  third.recipe = recipe(0, "train.lr = 0.5\n");
  const auto refused = [](const RunFolder& run, const Checkpoint& checkpoint, const char* difference) {
    testing::expect_error(Code::data, {"f.safetensors: is another run's checkpoint (", difference},
                          [&] { run.check_own(checkpoint, "f.safetensors"); });
  };
  {
    const RunFolder run(folder, recipe(0), {}, {});
    run.check_own(mine, "f");
    refused(run, other, "seed: 1 before, 0 now");
    save_checkpoint(checkpoint_path(folder, 2), mine);
  }
  // Changes that were accepted on the way: older checkpoints say what was before them.
  Resume resume;
  resume.on = resume.accept_changes = resume.quiet = true;
  RunFolder run(folder, recipe(1), {}, resume);
  run.check_own(mine, "f");
  run.check_own(other, "f");
  refused(run, third, "train.lr");
}

TEST(RunFolder, WhatBeginsAnewHasNoBest) {
  const testing::TempDir dir;
  const std::string folder = dir.path("run");
  { const RunFolder run(folder, "seed = 0\n", {}, {}); }
  save_checkpoint(best_path(folder), sample(2));  // and was killed before its first checkpoint
  Resume resume;
  resume.on = true;
  const RunFolder run(folder, "seed = 1\n", {}, resume);
  EXPECT_FALSE(fs::exists(best_path(folder)));
  EXPECT_EQ(read_file(run.path("recipe.toml")), "seed = 1\n");
}

TEST(RunFolder, ChangesAreToldByTheCheckpointGoneOnFrom) {
  const testing::TempDir dir;
  const std::string folder = dir.path("run");
  const auto recipe = [](int seed) { return "task = \"retinanet\"\nseed = " + std::to_string(seed) + "\n"; };
  { const RunFolder run(folder, recipe(0), {}, {}); }
  Checkpoint c = sample(2);
  c.recipe = recipe(0);
  save_checkpoint(checkpoint_path(folder, 2), c);
  write_file(checkpoint_path(folder, 8), "damaged");
  Resume resume;
  resume.on = resume.accept_changes = resume.quiet = true;
  RunFolder run(folder, recipe(1), {}, resume);
  run.accept();
  EXPECT_EQ(kept_sentences(folder, "changes"),
            std::vector<std::string>{"after step 2: seed: 0 before, 1 now"});
  EXPECT_EQ(run.changes_since(c).size(), 2u) << "by its recipe, and by the sentence";
  c.recipe = recipe(1);
  c.step = 4;
  EXPECT_TRUE(run.changes_since(c).empty());
}

TEST(RunFolder, ChangesAreWrittenWhenTheyAreGoneOnWith) {
  const testing::TempDir dir;
  const std::string folder = dir.path("run"), before = "task = \"retinanet\"\nseed = 0\n",
                    now = "task = \"retinanet\"\nseed = 1\n";
  {
    RunFolder run(folder, before, {}, {});
    run.describe("split.csv", "one");
    EXPECT_EQ(read_file(run.path("split.csv")), "one");
    Checkpoint first = sample(2);
    first.recipe = before;
    save_checkpoint(checkpoint_path(folder, 2), first);
  }
  const std::string environment = read_file(folder + "/environment.json");
  Resume resume;
  resume.on = resume.accept_changes = resume.quiet = true;
  RunFolder run(folder, now, {}, resume);
  run.describe("split.csv", "two");
  EXPECT_EQ(read_file(run.path("recipe.toml")), before);
  EXPECT_EQ(read_file(run.path("environment.json")), environment);
  EXPECT_EQ(read_file(run.path("split.csv")), "one");
  run.accept();
  EXPECT_EQ(read_file(run.path("recipe.toml")), now);
  EXPECT_NE(read_file(run.path("environment.json")).find("after step 2: seed: 0 before, 1 now"),
            std::string::npos);
  EXPECT_EQ(read_file(run.path("split.csv")), "two");
}

TEST(Checkpoint, NewestFirstWhateverTheFolderHolds) {
  const testing::TempDir dir;
  const std::string run = dir.path();
  for (const char* other : {"best.safetensors", "step-00000008.safetensors.cawe-1-1.part",
                            "step-x0000009.safetensors", "note.txt", "stop-00000007.safetensors"})
    dir.file(std::string("checkpoints/") + other, "");
  for (const int64_t step : {3, 20, 100}) save_checkpoint(checkpoint_path(run, step), sample(step));
  EXPECT_EQ(checkpoint_steps(run), (std::vector<int64_t>{100, 20, 3}));
  prune_checkpoints(run, 0);  // one always stays
  EXPECT_EQ(checkpoint_steps(run), (std::vector<int64_t>{100}));
  EXPECT_TRUE(fs::exists(run + "/checkpoints/note.txt"));
  EXPECT_TRUE(fs::exists(best_path(run)));
}

TEST(Checkpoint, OfAFolderTheBestIsTakenAndElseTheNewest) {
  const testing::TempDir dir;
  const std::string run = dir.path();
  fs::create_directories(run + "/checkpoints");
  testing::expect_error(Code::data, {"no checkpoint"}, [&] { load_run_or_file(run); });
  for (const int64_t step : {2, 4}) save_checkpoint(checkpoint_path(run, step), sample(step));
  EXPECT_EQ(load_run_or_file(run).step, 4);
  save_checkpoint(best_path(run), sample(2));
  EXPECT_EQ(load_run_or_file(run).step, 2);
  EXPECT_EQ(load_run_or_file(checkpoint_path(run, 4)).step, 4);
}

}  // namespace
}  // namespace cawe::train
