// SPDX-License-Identifier: Apache-2.0
// The writer of files: whole or not at all, through devices, pipes and links; logs; folders; leftovers.
#include "tensor/io/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tensor/io/file_beginning.h"
#include "tests/tensor/io_support.h"

namespace cawe {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;
using testing::TemporaryFolder;

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return names;
}

mode_t mode_of(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0);
  return info.st_mode & 07777;
}

/// Runs `fn` in a child process, where limits may be set for good; its exit status.
int in_child(const std::function<int()>& fn) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(fn());
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
}

void limit_files_to(rlim_t bytes) {
  const rlimit limit{bytes, bytes};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, SIG_IGN);
}

TEST(WriteFile, ReplacesAndLeavesNothingElse) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.txt";
  write_file(path, "old");
  write_file(path, std::string("new\0text", 8));
  EXPECT_EQ(read_file(path), std::string("new\0text", 8));
  write_file(path, "");
  EXPECT_EQ(read_file(path), "");
  EXPECT_EQ(folder.files(), std::vector<std::string>{"a.txt"});
}

TEST(WriteFile, ALeftoverOfAKilledProcessDoesNotBlock) {
  const TemporaryFolder folder;
  // Whatever serial number comes next, its name is taken.
  for (int i = 0; i < 100; ++i)
    std::ofstream(folder / ("a.cawe-" + std::to_string(::getpid()) + "-" + std::to_string(i) + ".part"))
        << "x";
  write_file(folder / "a", "text");
  EXPECT_EQ(read_file(folder / "a"), "text");
  EXPECT_EQ(folder.files().size(), 101u);
}

TEST(WriteFile, NamesWhatCannotBeReadOrWritten) {
  const TemporaryFolder folder;
  expect_error("io", folder / "no/a.txt: cannot be written (No such file or directory)",
               [&] { write_file(folder / "no/a.txt", "text"); });
  expect_error("io", "cannot be read (No such file or directory)", [&] { read_file(folder / "absent"); });
  expect_error("io", "is a folder (expected a file)", [&] { read_file(folder.path().string()); });
  expect_error("io", "is no regular file", [&] { read_file("/dev/null"); });
  write_file(folder / "a", "four");
  EXPECT_EQ(read_file(folder / "a", 4), "four");
  expect_error("data", "4 bytes (expected at most 3)", [&] { read_file(folder / "a", 3); });
  expect_error("io", "a/b: cannot be written (Not a directory)", [&] { write_file(folder / "a/b", "text"); });
  fs::create_directory(folder / "taken");
  expect_error("io", "cannot be written (it is a folder)", [&] { write_file(folder / "taken", "text"); });
  EXPECT_EQ(folder.files().size(), 2u);
}

TEST(WriteFile, AFullDiskLeavesTheOldFile) {
  const TemporaryFolder folder;
  const std::string path = folder / "checkpoint";
  write_file(path, "old");
  const int status = in_child([&] {
    limit_files_to(4096);
    const std::string message = testing::message_of([&] { write_file(path, std::string(100000, 'x')); });
    return message == "io: " + path + ": cannot be written (File too large)" ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(folder.files(), std::vector<std::string>{"checkpoint"});
}

TEST(WriteFile, AReadOnlyFolderLeavesTheOldFile) {
  const TemporaryFolder folder;
  const std::string path = folder / "checkpoint";
  write_file(path, "old");
  fs::permissions(folder.path(), fs::perms(0555));
  const int status = in_child([&] {
    if (::getuid() == 0 && ::setuid(65534) != 0) return 2;  // root may write anywhere
    const std::string message = testing::message_of([&] { write_file(path, "new"); });
    return message == "io: " + path + ": cannot be written (Permission denied)" ? 0 : 1;
  });
  fs::permissions(folder.path(), fs::perms(0755));
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(folder.files(), std::vector<std::string>{"checkpoint"});
}

TEST(WriteFile, AKilledProcessLeavesTheOldFileAndARecognisableName) {
  const TemporaryFolder folder;
  write_file(folder / "a", "old");
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit limit{4096, 4096};  // the signal comes in the middle of the text, as a kill would
    ::setrlimit(RLIMIT_FSIZE, &limit);
    std::signal(SIGXFSZ, SIG_DFL);
    write_file(folder / "a", std::string(100000, 'x'));
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(read_file(folder / "a"), "old");
  ASSERT_EQ(folder.files().size(), 2u);
  EXPECT_TRUE(is_unfinished(sorted(folder.files())[1]));
  remove_unfinished(folder.path().string());
  EXPECT_EQ(folder.files(), std::vector<std::string>{"a"});
}

TEST(WriteFile, PermissionsAreKeptAndNewFilesFollowTheUmask) {
  const TemporaryFolder folder;
  const mode_t before = ::umask(027);
  write_file(folder / "new", "text");
  ::umask(before);
  EXPECT_EQ(mode_of(folder / "new"), 0640u);
  fs::permissions(folder / "new", fs::perms(0604));
  write_file(folder / "new", "other");
  EXPECT_EQ(mode_of(folder / "new"), 0604u);
}

TEST(WriteFile, ALinkStaysAndWhatItPointsAtIsWritten) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "real");
  write_file(folder / "real/a", "old");
  fs::create_symlink("real/a", folder / "link");
  fs::create_symlink("link", folder / "link-to-link");
  write_file(folder / "link-to-link", "new");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_TRUE(fs::is_symlink(folder / "link-to-link"));
  EXPECT_EQ(read_file(folder / "real/a"), "new");
  fs::create_symlink(folder / "real/b", folder / "dangling");
  write_file(folder / "dangling", "made");
  EXPECT_EQ(read_file(folder / "real/b"), "made");
  fs::create_symlink("round", folder / "round");
  expect_error("io", "round: cannot be written (Too many levels of symbolic links)",
               [&] { write_file(folder / "round", "x"); });
}

TEST(WriteFile, DevicesAreWrittenThrough) {
  write_file("/dev/null", "text");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_FALSE(fs::exists("/dev/null.part"));
  expect_error("io", "/dev/full: cannot be written (No space left on device)",
               [] { write_file("/dev/full", "text"); });
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

TEST(WriteFile, ANamedPipeIsWrittenThrough) {
  const TemporaryFolder folder;
  const std::string path = folder / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] {
    std::ifstream in(path);
    got.assign(std::istreambuf_iterator<char>(in), {});
  });
  const std::string text(200000, 'x');  // more than a pipe holds
  write_file(path, text);
  reader.join();
  EXPECT_EQ(got, text);
  EXPECT_TRUE(fs::is_fifo(path));
  EXPECT_EQ(folder.files(), std::vector<std::string>{"pipe"});
}

TEST(ReadBeginning, WaitsForNoPipe) {
  const TemporaryFolder folder;
  write_file(folder / "a", "four");
  EXPECT_EQ(read_beginning(folder / "a", 2), "fo");
  EXPECT_EQ(read_beginning(folder / "a", 9), "four");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  for (const char* other : {"pipe", "absent", "."}) EXPECT_EQ(read_beginning(folder / other, 9), "") << other;
}

TEST(WriteFile, AnOpenDescriptorGoesOnWhereItStands) {
  const TemporaryFolder folder;
  const std::string path = folder / "shell";  // as `cawe … --out /dev/fd/3 3>shell`
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT, 0600);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(::write(fd, "before ", 7), 7);
  write_file("/dev/fd/" + std::to_string(fd), "ours ");
  append_file("/proc/self/fd/" + std::to_string(fd), "log ");
  ASSERT_EQ(::write(fd, "after", 5), 5);
  ::close(fd);
  EXPECT_EQ(read_file(path), "before ours log after");
  EXPECT_EQ(folder.files(), std::vector<std::string>{"shell"});
  expect_error("io", "cannot be written (", [&] { write_file("/dev/fd/987", "x"); });
}

TEST(AppendFile, AddsLinesAndNeverHalfOfOne) {
  const TemporaryFolder folder;
  const std::string path = folder / "log";
  append_file(path, "one\n");
  append_file(path, "two\n");
  EXPECT_EQ(read_file(path), "one\ntwo\n");
  const int status = in_child([&] {
    limit_files_to(4096);
    const std::string message = testing::message_of([&] { append_file(path, std::string(100000, 'x')); });
    return message == "io: " + path + ": cannot be written (File too large)" ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read_file(path), "one\ntwo\n");
  expect_error("io", "no/log: cannot be written (No such file or directory)",
               [&] { append_file(folder / "no/log", "x"); });
}

TEST(Folders, AreMadeOrNamed) {
  const TemporaryFolder folder;
  make_folders(folder / "a/b/c");
  make_folders(folder / "a/b/c");
  EXPECT_TRUE(fs::is_directory(folder / "a/b/c"));
  write_file(folder / "file", "x");
  expect_error("io", "file/below: this folder cannot be made (Not a directory)",
               [&] { make_folders(folder / "file/below"); });
  expect_error("io", "file: ", [&] { make_folders(folder / "file"); });
}

TEST(Folders, ANewOneAppearsWholeOrNotAtAll) {
  const TemporaryFolder folder;
  {
    NewFolder films(folder / "films/");
    write_file(films.path("a"), "x");
    EXPECT_FALSE(fs::exists(folder / "films"));
    films.finish();
  }
  EXPECT_EQ(read_file(folder / "films/a"), "x");
  fs::create_directory(folder / "other.part");  // no business of ours
  {
    NewFolder other(folder / "other");
    write_file(other.path("a"), "x");
  }
  EXPECT_EQ(sorted(folder.files()), (std::vector<std::string>{"films", "other.part"}));
  expect_error("usage", "films: is there already", [&] { NewFolder(folder / "films"); });
  expect_error("usage", "no output folder", [] { NewFolder(""); });
}

// It may be what a link, a mount or a shell holds on to.
TEST(Folders, AnEmptyOneThatIsThereStaysItself) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "real");
  fs::create_directory_symlink("real", folder / "link");
  {
    NewFolder films(folder / "link");
    make_folders(films.path("images"));
    write_file(films.path("images/a"), "x");
    EXPECT_FALSE(fs::exists(folder / "real/images"));
    films.finish();
  }
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(read_file(folder / "real/images/a"), "x");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder / "real"), {}), 1);
  fs::create_directory_symlink("nowhere", folder / "dangling");
  expect_error("usage", "dangling: is a link to nothing", [&] { NewFolder(folder / "dangling"); });
  fs::create_directory_symlink("loop", folder / "loop");
  expect_error("io", "loop: cannot be made", [&] { NewFolder(folder / "loop"); });
}

TEST(WriteFile, TakesNamesAsLongAsTheFileSystem) {
  const TemporaryFolder folder;
  const std::string name(255, 'x');
  write_file(folder / name, "x");
  EXPECT_EQ(read_file(folder / name), "x");
  expect_error("usage", "without a name", [] { write_file("", "x"); });
  expect_error("usage", "without a name", [] { make_folders(""); });
}

TEST(Leftovers, OnlyOurNamesAreRemoved) {
  for (const char* name : {"a.cawe-1-0.part", "b.cawe-12-34.part", "x.part.cawe-1-2.part"})
    EXPECT_TRUE(is_unfinished(name)) << name;
  for (const char* name :
       {"film.part", "a.123.0.part", "a.cawe-.part", "a.cawe-1.part", "a.cawe--1.part", "cawe-1-2.part",
        "a.cawe-1-2.part2", ".cawe-1-2.part", "a.cawe-x-2.part", ".part", ""})
    EXPECT_FALSE(is_unfinished(name)) << name;
  const TemporaryFolder folder;
  fs::create_directories(folder / "below");
  for (const char* name : {"keep.part", "below/keep.txt", "a.cawe-1-0.part", "below/b.cawe-1-1.part"})
    write_file(folder / name, "x");
  remove_unfinished(folder.path().string());
  EXPECT_EQ(sorted(folder.files()), (std::vector<std::string>{"below", "keep.part"}));
  EXPECT_TRUE(fs::exists(folder / "below/keep.txt"));
  EXPECT_TRUE(fs::exists(folder / "below/b.cawe-1-1.part")) << "what lies deeper may be another's";
}

TEST(Leftovers, AFolderThatCannotBeReadIsNamed) {
  const TemporaryFolder folder;
  write_file(folder / "file", "x");
  expect_error("io", "file: this folder cannot be read (Not a directory)",
               [&] { names_in(folder / "file"); });
  expect_error("io", "file: this folder cannot be read", [&] { remove_unfinished(folder / "file"); });
  EXPECT_EQ(names_in(folder / "nowhere"), std::vector<std::string>{});
  fs::create_directories(folder / "b");
  EXPECT_EQ(names_in(folder.path().string()), (std::vector<std::string>{"b", "file"}));
}

/// A folder "run" of ours with links to "theirs", where a text and a leftover lie.
class OwnFolderWithLinks : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_ / "run/below");
    fs::create_directories(folder_ / "theirs");
    write_file(folder_ / "theirs/text", "theirs");
    write_file(folder_ / "theirs/x.cawe-1-0.part", "theirs");
    fs::create_symlink("../theirs/text", folder_ / "run/file");
    fs::create_symlink("../theirs/new", folder_ / "run/dangling");
    fs::create_directory_symlink("../theirs", folder_ / "run/linked");
  }
  void TearDown() override {
    EXPECT_EQ(read_file(folder_ / "theirs/text"), "theirs");
    EXPECT_EQ(sorted(names_in(folder_ / "theirs")), (std::vector<std::string>{"text", "x.cawe-1-0.part"}));
  }
  TemporaryFolder folder_;
};

TEST_F(OwnFolderWithLinks, AFileTakesALinksPlace) {
  const OwnFolder own(folder_ / "run");
  for (const char* name : {"run/file", "run/dangling"}) {
    write_file(folder_ / name, "ours");
    EXPECT_FALSE(fs::is_symlink(folder_ / name));
    EXPECT_EQ(read_file(folder_ / name), "ours");
  }
}

TEST_F(OwnFolderWithLinks, NothingIsAppendedThroughALink) {
  const OwnFolder own(folder_ / "run");
  for (const char* name : {"run/file", "run/dangling"})
    expect_error("usage", std::string(name) + ": is a link", [&] { append_file(folder_ / name, "ours"); });
  append_file(folder_ / "run/log", "ours");
  EXPECT_EQ(read_file(folder_ / "run/log"), "ours");
}

TEST_F(OwnFolderWithLinks, NoLinkStandsForAFolder) {
  const OwnFolder own(folder_ / "run");
  const std::string linked = folder_ / "run/linked";
  for (const auto& call : std::vector<std::function<void()>>{
           [&] { write_file(linked + "/text", "ours"); }, [&] { append_file(linked + "/text", "ours"); },
           [&] { write_file(linked + "/new/x", "ours"); }, [&] { make_folders(linked); },
           [&] { make_folders(linked + "/new"); }, [&] { remove_unfinished(linked); }})
    expect_error("usage", "run/linked: is a link (expected a folder", call);
  write_file(folder_ / "run/below/file", "ours");
}

TEST_F(OwnFolderWithLinks, OtherFoldersLinksAreFollowedAsBefore) {
  { const OwnFolder own(folder_ / "run"); }
  const OwnFolder another(folder_ / "ru");
  fs::create_symlink("run/below/file", folder_ / "outside");
  write_file(folder_ / "outside", "a");
  append_file(folder_ / "outside", "b");
  EXPECT_TRUE(fs::is_symlink(folder_ / "outside"));
  EXPECT_EQ(read_file(folder_ / "run/below/file"), "ab");
  const OwnFolder inner(folder_ / "run/below"), outer(folder_ / "run");
  expect_error("usage", "run/linked: is a link", [&] { make_folders(folder_ / "run/linked/a"); });
}

}  // namespace
}  // namespace cawe
