// SPDX-License-Identifier: Apache-2.0
#include "train/checkpoint.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tensor/io/files.h"

namespace cawe::train {
namespace {
namespace fs = std::filesystem;

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

}  // namespace
}  // namespace cawe::train
