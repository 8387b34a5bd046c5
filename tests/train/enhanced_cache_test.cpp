// SPDX-License-Identifier: Apache-2.0
// Which folders are taken for a cache of enhanced pictures, and removed as one.
#include "train/enhanced_cache.h"

#include <gtest/gtest.h>

#include "tensor/io/files.h"
#include "tests/data/text_file.h"

namespace cawe::train {
namespace {

namespace fs = std::filesystem;
using testing::TempDir;

/// Makes a cache in `dir` with one picture in it.
void fill_cache(const std::string& dir) {
  int enhanced = 0;
  const auto twice = [&](data::FloatImage& image, const data::Sample&) {
    for (float& p : image.pixels) p *= 2;
    ++enhanced;
  };
  const EnhanceCallback cached = cached_enhancement(twice, "twice", dir);
  for (int i = 0; i < 2; ++i) {
    data::FloatImage image(2, 1, 1);
    image.pixels = {1, 3};
    cached(image, {});
    EXPECT_EQ(image.pixels, (std::vector<float>{2, 6}));
  }
  EXPECT_EQ(enhanced, 1);
}

TEST(EnhancedCache, IsRemovedWithItsFilesAlone) {
  const TempDir dir;
  fill_cache(dir.path("cache"));
  remove_enhancement_cache(dir.path("cache"));
  EXPECT_FALSE(fs::exists(dir.path("cache")));
  fill_cache(dir.path("cache"));
  dir.file("cache/notes.txt", "the user's");
  remove_enhancement_cache(dir.path("cache"));
  EXPECT_EQ(names_in(dir.path("cache")), std::vector<std::string>{"notes.txt"});
}

TEST(EnhancedCache, NoOtherFolderIsTouched) {
  const TempDir dir;
  fs::create_directories(dir.path("empty"));
  remove_enhancement_cache(dir.path("empty"));
  EXPECT_TRUE(fs::exists(dir.path("empty"))) << "nothing proves it to be ours";
  dir.file("theirs/" + std::string(64, 'a'), "looks like a picture of ours");
  remove_enhancement_cache(dir.path("theirs"));
  EXPECT_EQ(names_in(dir.path("theirs")).size(), 1u);
  fill_cache(dir.path("another"));
  const std::vector<std::string> before = names_in(dir.path("another"));
  fs::create_directory_symlink("another", dir.path("link"));
  remove_enhancement_cache(dir.path("link"));
  EXPECT_EQ(names_in(dir.path("another")), before) << "another study's";
  remove_enhancement_cache(dir.path("nowhere"));
}

}  // namespace
}  // namespace cawe::train
