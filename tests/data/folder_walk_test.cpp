// SPDX-License-Identifier: Apache-2.0
// Every folder once, real ones before links, what cannot be read named.
#include "data/folder_walk.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/data/text_file.h"

namespace cawe::data {
namespace {

namespace fs = std::filesystem;
using cawe::testing::TempDir;
using Lines = std::vector<std::string>;

struct Heard {
  Lines files, problems, closed, again;
};

Heard walk(const Lines& tops) {
  Heard heard;
  FolderVisitor visitor;
  visitor.file = [&](const FoundFile& found) {
    (found.problem.empty() ? heard.files : heard.problems)
        .push_back(found.below + (found.problem.empty() ? "" : ": " + found.problem));
  };
  visitor.skip = [](const std::string& name) { return name[0] == '.'; };
  visitor.closed = [&](const std::string& folder, const std::string& why) {
    heard.closed.push_back(fs::path(folder).filename().string() + ": " + why);
  };
  visitor.again = [&](const std::string& folder, const std::string&) {
    heard.again.push_back(fs::path(folder).filename().string());
  };
  FolderWalk folders(visitor);
  for (const std::string& top : tops) folders.walk(top);
  return heard;
}

TEST(FolderWalk, EveryFolderOnceRealOnesFirst) {
  const TempDir dir;
  for (const char* name : {"set/b.png", "set/z/c.png", "set/a/d.png", "set/.hidden/e.png", "out/f.png"})
    dir.file(name, "x");
  fs::create_directory_symlink(dir.path("set/z"), dir.path("set/0"));
  fs::create_directory_symlink(dir.path("out"), dir.path("set/link"));
  fs::create_directory_symlink(dir.path("set"), dir.path("out/up"));
  fs::create_symlink(dir.path("nowhere"), dir.path("set/dead.png"));
  fs::create_symlink("loop2", dir.path("set/loop1"));
  fs::create_symlink("loop1", dir.path("set/loop2"));
  ASSERT_EQ(::mkfifo(dir.path("set/pipe").c_str(), 0600), 0);
  const Heard heard = walk({dir.path("set"), dir.path("set/a"), dir.path("out/")});
  EXPECT_EQ(heard.files, (Lines{"b.png", "a/d.png", "z/c.png", "link/f.png"}));
  ASSERT_EQ(heard.problems.size(), 4u);
  EXPECT_EQ(heard.problems[0].find("dead.png: leads to nothing"), 0u) << heard.problems[0];
  EXPECT_EQ(heard.problems[1].find("loop1: cannot be looked at"), 0u) << heard.problems[1];
  EXPECT_EQ(heard.problems[3], "pipe: is no regular file");
  EXPECT_EQ(heard.again, (Lines{"0", "up", "a", ""}));
  EXPECT_TRUE(heard.closed.empty());
}

TEST(FolderWalk, AFolderThatCannotBeReadIsNamedAndTheRestIsWalked) {
  const TempDir dir;
  dir.file("set/a.png", "x");
  dir.file("set/shut/b.png", "x");
  dir.file("set/z/c.png", "x");
  fs::permissions(dir.path("set/shut"), fs::perms::none);
  // Root reads everything: another user asks.
  fs::permissions(dir.path(), fs::perms::all);
  const bool root = ::geteuid() == 0;
  if (root) {
    ASSERT_EQ(::seteuid(65534), 0);
  }
  const Heard heard = walk({dir.path("set"), dir.path("gone")});
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  fs::permissions(dir.path("set/shut"), fs::perms::all);
  EXPECT_EQ(heard.files, (Lines{"a.png", "z/c.png"}));
  ASSERT_EQ(heard.closed.size(), 2u);
  EXPECT_EQ(heard.closed[0], "shut: this folder cannot be read (Permission denied)");
  EXPECT_EQ(heard.closed[1].find("gone: this folder cannot be read"), 0u);
}

}  // namespace
}  // namespace cawe::data
