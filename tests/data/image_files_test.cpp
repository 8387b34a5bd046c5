// SPDX-License-Identifier: Apache-2.0
// Which file a table means, what it may not mean, and what images are called.
#include "data/image_files.h"

#include <gtest/gtest.h>

#include "tests/data/text_file.h"

namespace cawe::data {
namespace {

namespace fs = std::filesystem;
using cawe::testing::expect_error;
using cawe::testing::TempDir;

TEST(ImageFiles, FindsWhatIsCalledALittleOtherwise) {
  const TempDir dir;
  for (const char* name :
       {"images/a.png", "images/p1/b.DCM", "images/1.2.3", "images/1.2.3.99.dcm", "images/two.png",
        "images/two.dcm", "images/sub.png", "images/c\\d.png", "images/sub/x.png"})
    dir.file(name, "x");
  ImageFiles files({dir.path("images"), dir.path()});
  const auto path = [&](const std::string& name, const std::string& extension = "") {
    return fs::path(files.find(name, extension, "t.csv: line 2").path)
        .lexically_relative(dir.path())
        .string();
  };
  EXPECT_EQ(path("a.png"), "images/a.png");
  EXPECT_EQ(path("./a.png"), "images/a.png");
  EXPECT_EQ(path("images/a.png"), "images/a.png") << "from the root";
  EXPECT_EQ(path("images\\p1\\b.DCM"), "images/p1/b.DCM");
  EXPECT_EQ(path("p1\\b"), "images/p1/b.DCM");
  EXPECT_EQ(path("c\\d.png"), "images/c\\d.png") << "there is a file that is called so";
  EXPECT_EQ(path(dir.path("images/a.png")), "images/a.png") << "an absolute path inside";
  EXPECT_EQ(path("a"), "images/a.png");
  EXPECT_EQ(path("a", ".png"), "images/a.png");
  EXPECT_EQ(path("a.png", ".dcm"), "images/a.png") << "a name with an ending keeps it";
  EXPECT_EQ(path("1.2.3"), "images/1.2.3");
  EXPECT_EQ(path("1.2.3.99"), "images/1.2.3.99.dcm") << "a UID has no ending";
  EXPECT_EQ(path("1.2.3.99", ".dcm"), "images/1.2.3.99.dcm");
  EXPECT_EQ(path("x.jp2", ".jp2"), "images/x.jp2");
  EXPECT_EQ(path("sub"), "images/sub.png") << "a folder is no image";
  EXPECT_EQ(path("gone.png"), "images/gone.png") << "where it should be";
  expect_error(Code::data, {"t.csv: line 2", "'two' may be two.dcm or two.png"}, [&] { path("two"); });
  for (const char* folder : {"p1/", ".", "..", "../images/.."})
    expect_error(Code::data, {"t.csv: line 2", "names a folder"}, [&] { path(folder); });
  expect_error(Code::data, {"t.csv: line 2", "no name before its ending"}, [&] { path("p1/", ".png"); });
  expect_error(Code::data, {"t.csv: line 2", "no name before its ending"}, [&] { path(".png"); });
}

TEST(ImageFiles, BlanksAroundANameAreAFilesOnlyWhereItIsCalledSo) {
  const TempDir dir;
  dir.file(" a.png", "x");
  dir.file("b.png", "x");
  dir.file("c .png", "x");
  ImageFiles files(dir.path().c_str());
  const auto name = [&](const std::string& given) { return files.find(given, ".png", "t.csv: line 2").name; };
  EXPECT_EQ(name(" a.png"), " a.png");
  EXPECT_EQ(name(" b.png "), "b.png");
  EXPECT_EQ(name(" b"), "b.png");
  EXPECT_EQ(name("c .png"), "c .png");
  EXPECT_EQ(name(" gone "), "gone.png");
  expect_error(Code::data, {"outside"}, [&] { name(" ../b.png"); });
}

TEST(ImageFiles, WhoWroteTheTableMayNotLeaveTheFolder) {
  const TempDir dir;
  dir.file("set/images/a.png", "x");
  dir.file("set/other/b.png", "x");
  dir.file("outside/c.png", "x");
  fs::create_directory_symlink(dir.path("outside"), dir.path("set/images/link"));
  fs::create_directory_symlink(dir.path("set"), dir.path("same"));
  ImageFiles files({dir.path("set/images"), dir.path("set")});
  const auto path = [&](const std::string& name) {
    return files.find(name, "", "t.csv: line 7: image").path;
  };
  EXPECT_EQ(path("../other/b.png"), dir.path("set/other/b.png")) << "still below the root";
  EXPECT_EQ(path("link/c.png"), dir.path("set/images/link/c.png")) << "whoever owns the folder made the link";
  EXPECT_EQ(path("link/../a.png"), dir.path("set/images/a.png")) << "'..' never climbs through a link";
  for (const std::string& name :
       {std::string("../../outside/c.png"), dir.path("outside/c.png"), std::string("/etc/hostname"),
        std::string("..\\..\\outside\\c.png"), std::string("C:\\films\\c.png"),
        dir.path("set/../outside/c.png"), dir.path("set2/c.png"), std::string("link/../../../outside/c.png")})
    expect_error(Code::data,
                 {"t.csv: line 7: image", "'" + name + "'", "outside the data folder", "data.allow_outside"},
                 [&] { path(name); });
  expect_error(Code::data, {"NUL"}, [&] { path(std::string("a\0/../..", 8)); });
  ImageFiles anywhere({dir.path("set/images"), dir.path("set"), true});
  EXPECT_EQ(anywhere.find("../../outside/c.png", "", "t").path, dir.path("outside/c.png"));
  EXPECT_EQ(anywhere.find(dir.path("outside/c.png"), "", "t").path, dir.path("outside/c.png"));
  // A root that is a link: its own name and the real one are the same folder.
  ImageFiles linked({dir.path("same/images"), dir.path("same")});
  EXPECT_EQ(linked.find(dir.path("set/images/a.png"), "", "t").path, dir.path("set/images/a.png"));
  // The recipe may put the images elsewhere: then they are there.
  ImageFiles apart({dir.path("outside"), dir.path("set")});
  EXPECT_EQ(apart.find("c.png", "", "t").path, dir.path("outside/c.png"));
}

TEST(ImageFiles, NearNamesForMessages) {
  const TempDir dir;
  dir.file("Name.PNG", "x");
  dir.file("film", "x");
  FolderNames folders;
  EXPECT_EQ(folders.near(dir.path("name.png")), "Name.PNG");
  EXPECT_EQ(folders.near(dir.path("name.dcm")), "Name.PNG");
  EXPECT_EQ(folders.near(dir.path("film.dcm")), "film");
  EXPECT_EQ(folders.near(dir.path("other.png")), "");
  EXPECT_EQ(folders.near(dir.path("none/a.png")), "");
  EXPECT_FALSE(folders.has(dir.path("name.png")));
}

TEST(ImageIds, NamesWherePossibleElsePaths) {
  const auto ids = [](std::vector<std::string> names) {
    std::vector<NamedImage> images;
    for (const std::string& name : names)
      images.push_back({name, "line " + std::to_string(images.size() + 2)});
    return image_ids(images);
  };
  using Ids = std::vector<std::string>;
  EXPECT_EQ(ids({"a.png", "p1/b.dcm", "1.2.3.99", "1.2.3"}), (Ids{"a", "b", "1.2.3.99", "1.2.3"}));
  EXPECT_EQ(ids({"p1/v.png", "p2/v.png", "a.png"}), (Ids{"p1/v", "p2/v", "a"}));
  expect_error(Code::data, {"line 3", "'a' has a row already", "line 2 names 'a.png'", "this one 'a.dcm'"},
               [&] {
                 ids({"a.png", "a.dcm"});
               });
  expect_error(Code::data, {"line 4", "'p/a' has a row already", "line 2 names 'p/a.png'"}, [&] {
    ids({"p/a.png", "q/a.png", "p/a.png"});
  });
}

}  // namespace
}  // namespace cawe::data
