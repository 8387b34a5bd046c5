// SPDX-License-Identifier: Apache-2.0
// Folders that are proved to be ours, one process at a time in them.
#include "tensor/io/folder_claim.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "tensor/io/files.h"
#include "tests/tensor/io_support.h"

namespace cawe {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;
using testing::TemporaryFolder;

TEST(FolderClaim, MarksANewFolderAndLocksItWhileItLives) {
  const TemporaryFolder folder;
  const std::string dir = folder / "a/run";
  {
    const FolderClaim claim(dir, "run");
    EXPECT_EQ(folder_kind(dir), "run");
    EXPECT_TRUE(fs::exists(dir + "/.cawe-lock"));
    expect_error("usage", "another process works in this run (" + std::to_string(::getpid()),
                 [&] { FolderClaim second(dir, "run"); });
    EXPECT_TRUE(fs::exists(dir + "/.cawe-lock")) << "the refused one must not remove it";
  }
  EXPECT_FALSE(fs::exists(dir + "/.cawe-lock"));
  const FolderClaim again(dir, "run");
  expect_error("usage", "is the folder of a run", [&] { FolderClaim other(dir, "study"); });
}

TEST(FolderClaim, LeavesForeignFoldersUntouched) {
  const TemporaryFolder folder;
  // Names that look like leftovers of ours prove nothing.
  for (const char* name : {"film.png", "x.cawe-1-0.part", ".cawe.cawe-1-0.part"}) {
    const std::string dir = folder / (std::string("dir-") + name);
    fs::create_directories(dir);
    write_file(dir + "/" + name, "somebody's");
    expect_error("usage", "holds other files", [&] { FolderClaim claim(dir, "run"); });
    EXPECT_EQ(read_file(dir + "/" + name), "somebody's");
    EXPECT_EQ(std::distance(fs::directory_iterator(dir), {}), 1);
  }
  write_file(folder / "file", "x");
  expect_error("usage", "is a file", [&] { FolderClaim claim(folder / "file", "run"); });
  EXPECT_EQ(read_file(folder / "file"), "x");
}

TEST(FolderClaim, TakesOverWhatAKilledProcessBegan) {
  const TemporaryFolder folder;
  const std::string dir = folder / "run";
  fs::create_directories(dir);
  write_file(dir + "/.cawe.cawe-7-0.part", "cawe ru");
  { const FolderClaim claim(dir, "run"); }
  EXPECT_EQ(read_file(dir + "/.cawe"), "cawe run 1\n");
  EXPECT_FALSE(fs::exists(dir + "/.cawe.cawe-7-0.part"));
  write_file(dir + "/recipe.toml.cawe-7-1.part", "half");
  write_file(dir + "/notes.part", "the user's");
  { const FolderClaim claim(dir, "run"); }
  EXPECT_FALSE(fs::exists(dir + "/recipe.toml.cawe-7-1.part"));
  EXPECT_TRUE(fs::exists(dir + "/notes.part"));
}

TEST(FolderClaim, GoesThroughNoLinks) {
  const TemporaryFolder folder;
  const std::string dir = folder / "run";
  { const FolderClaim claim(dir, "run"); }
  write_file(folder / "theirs", "somebody's");
  fs::create_symlink("../theirs", dir + "/.cawe-lock");
  expect_error("usage", ".cawe-lock: is a link", [&] { FolderClaim claim(dir, "run"); });
  fs::remove(dir + "/.cawe-lock");
  fs::remove(dir + "/.cawe");
  fs::create_symlink("../theirs", dir + "/.cawe");
  expect_error("usage", "holds other files", [&] { FolderClaim claim(dir, "run"); });
  expect_error("usage", ".cawe: is a link", [&] { FolderClaim claim(dir, "run", [] { return true; }); });
  EXPECT_EQ(read_file(folder / "theirs"), "somebody's");
}

TEST(FolderClaim, WritesThroughNoLinksWhileItLives) {
  const TemporaryFolder folder;
  const std::string dir = folder / "run";
  write_file(folder / "theirs", "somebody's");
  {
    const FolderClaim claim(dir, "run");
    fs::create_symlink("../theirs", dir + "/log");
    expect_error("usage", "run/log: is a link", [&] { append_file(dir + "/log", "x"); });
    write_file(dir + "/log", "x");
    EXPECT_FALSE(fs::is_symlink(dir + "/log"));
  }
  EXPECT_EQ(read_file(folder / "theirs"), "somebody's");
}

TEST(FolderClaim, ReadsNoMoreOfAMarkerThanOneHas) {
  const TemporaryFolder folder;
  const std::string dir = folder / "run";
  fs::create_directories(dir);
  write_file(dir + "/.cawe", std::string(1 << 16, ' ') + "cawe run 1\n");
  EXPECT_EQ(folder_kind(dir), "") << "the word stands too far behind to have been read";
}

TEST(FolderClaim, KnowsFoldersFromBeforeMarkers) {
  const TemporaryFolder folder;
  write_file(folder / "recipe.toml", "x");
  const std::string dir = folder.path().string();
  expect_error("usage", "holds other files", [&] { FolderClaim claim(dir, "run", [] { return false; }); });
  const FolderClaim claim(dir, "run", [] { return true; });
  EXPECT_EQ(folder_kind(dir), "run");
}

TEST(FolderClaim, AKilledProcessLetsTheNextOneIn) {
  const TemporaryFolder folder;
  const std::string dir = folder / "run";
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const FolderClaim claim(dir, "run");
    if (::write(ready[1], "x", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  expect_error("usage", "(" + std::to_string(child) + " on ", [&] { FolderClaim claim(dir, "run"); });
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(fs::exists(dir + "/.cawe-lock")) << "nobody was there to remove it";
  const FolderClaim claim(dir, "run");
  EXPECT_EQ(parse_lock(read_file(dir + "/.cawe-lock")).process, long(::getpid()));
}

TEST(FolderLock, DecidesByTheSystemsLockAndByWhatIsWritten) {
  const LockHolder me = this_process();
  LockHolder none, same = me, container = me, elsewhere = me;
  same.process = container.process = elsewhere.process = me.process + 1;
  container.space = "pid:[1]";
  elsewhere.host = me.host + "-other";
  for (const bool alive : {false, true}) {
    for (const LockHolder& before : {none, same, container, elsewhere}) {
      EXPECT_FALSE(may_take(SystemLock::held, true, before, me, alive));
      EXPECT_FALSE(may_take(SystemLock::held, false, before, me, alive));
      EXPECT_TRUE(may_take(SystemLock::got, true, before, me, alive)) << "a local disk: the system knows";
    }
    // A network's disk.
    EXPECT_TRUE(may_take(SystemLock::got, false, none, me, alive));
    EXPECT_TRUE(may_take(SystemLock::got, false, same, me, alive));
    EXPECT_TRUE(may_take(SystemLock::got, false, container, me, alive));
    EXPECT_FALSE(may_take(SystemLock::got, false, elsewhere, me, alive))
        << "its locks may end at the machine";
    // No locks at all.
    EXPECT_TRUE(may_take(SystemLock::none, false, none, me, alive));
    EXPECT_EQ(may_take(SystemLock::none, false, same, me, alive), !alive);
    EXPECT_FALSE(may_take(SystemLock::none, false, container, me, alive)) << "its numbers mean nothing here";
    EXPECT_FALSE(may_take(SystemLock::none, false, elsewhere, me, alive));
  }
}

TEST(FolderLock, ReadsWhatItWrites) {
  const LockHolder me = this_process(), read = parse_lock(lock_text(me));
  EXPECT_EQ(read.host, me.host);
  EXPECT_EQ(read.space, me.space);
  EXPECT_EQ(read.process, me.process);
  EXPECT_EQ(read.started, me.started);
  EXPECT_FALSE(me.started.empty());
  EXPECT_EQ(read.since, me.since);
  EXPECT_EQ(parse_lock("nonsense").host, "");
  EXPECT_EQ(parse_lock("").host, "");
}

}  // namespace
}  // namespace cawe
