// SPDX-License-Identifier: Apache-2.0
// What is remembered of a film's file, and what is read again.
#include "data/fingerprint.h"

#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>

#include "data/hash.h"
#include "tests/data/text_file.h"

namespace cawe::data {
namespace {

using cawe::testing::expect_error;
using cawe::testing::TempDir;

std::string pgm(const std::string& levels, int width) {
  return "P5\n" + std::to_string(width) + " " + std::to_string(int(levels.size()) / width) + "\n255\n" +
         levels;
}

/// Counts how often a file is opened.
class Opened {
 public:
  explicit Opened(const std::string& path) : queue_(::inotify_init1(IN_NONBLOCK)) {
    if (queue_ >= 0) ::inotify_add_watch(queue_, path.c_str(), IN_OPEN);
  }
  ~Opened() {
    if (queue_ >= 0) ::close(queue_);
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  bool works() const { return queue_ >= 0; }
  /// Since the last call.
  int count() {
    alignas(inotify_event) std::array<char, 4096> events;
    int opened = 0;
    for (ssize_t size; (size = ::read(queue_, events.data(), events.size())) > 0;)
      for (ssize_t at = 0; at < size; ++opened)
        at += ssize_t(sizeof(inotify_event) + reinterpret_cast<inotify_event*>(events.data() + at)->len);
    return opened;
  }

 private:
  int queue_;
};

TEST(Fingerprint, AnUnchangedFilmIsReadOnce) {
  const TempDir dir;
  const std::string path = dir.file("a.pgm", pgm("abcdef", 3));
  Opened opened(path);
  ASSERT_TRUE(opened.works()) << "no inotify here";
  const SizeOf facts = image_facts_with({});
  const ImageFacts first = facts(path);
  EXPECT_EQ(first.width, 3);
  EXPECT_EQ(first.height, 2);
  EXPECT_GT(opened.count(), 0);
  const ImageFacts second = facts(path), third = image_facts_with({})(path);
  EXPECT_EQ(opened.count(), 0) << "neither by the same one nor by another of the same options";
  for (const ImageFacts& again : {second, third}) {
    EXPECT_EQ(again.width, first.width);
    EXPECT_EQ(again.file_hash, first.file_hash);
    EXPECT_EQ(again.pixel_hash, first.pixel_hash);
  }
  ReadOptions damaged;
  damaged.allow_damaged = true;
  EXPECT_EQ(image_facts_with(damaged)(path).pixel_hash, first.pixel_hash);
  EXPECT_GT(opened.count(), 0) << "other options may give other pixels";
}

TEST(Fingerprint, AFilmThatChangedIsReadAgain) {
  const TempDir dir;
  const SizeOf facts = image_facts_with({});
  const std::string path = dir.file("a.pgm", pgm("abcdef", 3));
  const ImageFacts before = facts(path);
  // Written over in place: the same inode and size.
  dir.file("a.pgm", pgm("abcdeg", 3));
  const ImageFacts over = facts(path);
  EXPECT_NE(over.file_hash, before.file_hash);
  EXPECT_NE(over.pixel_hash, before.pixel_hash);
  EXPECT_EQ(over.file_hash, sha256(pgm("abcdeg", 3)));
  // Another file in its place, as most programs save.
  const std::string other = dir.file("b.pgm", pgm("abcdeh", 2));
  std::filesystem::rename(other, path);
  EXPECT_EQ(facts(path).width, 2);
  EXPECT_EQ(facts(path).file_hash, sha256(pgm("abcdeh", 2)));
  // Written over in place, with its time put back: the inode's own time tells.
  const auto time = std::filesystem::last_write_time(path);
  dir.file("a.pgm", pgm("abcdei", 2));
  std::filesystem::last_write_time(path, time);
  EXPECT_EQ(facts(path).file_hash, sha256(pgm("abcdei", 2)));
  std::filesystem::remove(path);
  EXPECT_THROW(facts(path), Error);
}

TEST(Fingerprint, AFilmIsKnownByItsPixelsAndAFileByItsBytes) {
  const TempDir dir;
  const SizeOf facts = image_facts_with({});
  const ImageFacts a = facts(dir.file("a.pgm", pgm("abcdef", 3)));
  const ImageFacts text = facts(dir.file("b.pgm", "P2 3 2 255\n97 98 99 100 101 102\n"));
  EXPECT_EQ(text.pixel_hash, a.pixel_hash);
  EXPECT_NE(text.file_hash, a.file_hash);
  // By hand: size, a line's end, the levels.
  EXPECT_EQ(a.pixel_hash, sha256("3 2\nabcdef"));
  EXPECT_NE(facts(dir.file("c.pgm", pgm("abcdef", 2))).pixel_hash, a.pixel_hash) << "another shape";
}

TEST(Fingerprint, ABadFilmIsRefusedEachTimeAndMayBeMended) {
  const TempDir dir;
  const SizeOf facts = image_facts_with({});
  const std::string path = dir.file("a.pgm", pgm("abcdef", 3).substr(0, 12));
  for (int time = 0; time < 2; ++time) expect_error(Code::data, {"a.pgm"}, [&] { facts(path); });
  dir.file("a.pgm", pgm("abcdef", 3));
  EXPECT_EQ(facts(path).width, 3);
}

}  // namespace
}  // namespace cawe::data
