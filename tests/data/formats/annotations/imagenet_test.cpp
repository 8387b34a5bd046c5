// SPDX-License-Identifier: Apache-2.0
// Folders of pictures: classes, links, names.
#include "data/formats/annotations/imagenet.h"

#include <gtest/gtest.h>

#include "tests/data/text_file.h"

namespace cawe::data {
namespace {

using cawe::testing::expect_error;
using cawe::testing::TempDir;

TEST(Folder, PicturesWithAndWithoutClasses) {
  const TempDir dir;
  for (const char* name : {"cat/a.JPG", "cat/b.png", "dog/a.jpeg", "dog/readme.txt", ".git/x.png"})
    dir.file(name, "x");
  const Dataset data = read_image_folder({dir.path(), true});
  ASSERT_EQ(data.samples.size(), 3u);
  EXPECT_EQ(data.label_names, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(data.samples[2].image_id, "dog_a");
  EXPECT_EQ(data.samples[2].labels, (std::vector<float>{0, 1}));
  EXPECT_EQ(data.counts.at("other files"), 1);
  dir.file("top.png", "x");
  EXPECT_EQ(read_image_folder({dir.path(), false}).samples.size(), 4u);
  expect_error(Code::data, {"outside class folders"}, [&] { read_image_folder({dir.path(), true}); });
  expect_error(Code::data, {"is no folder"}, [&] { read_image_folder({dir.path("none"), true}); });
}

TEST(Folder, EveryKindOfPictureAndWhatIsLeftOut) {
  const TempDir dir;
  for (const char* name : {"ill/a.bmp", "ill/b.PGM", "ill/c.dcm", "ill/d.DICOM", "ill/e.tif", "ill/.f.tif",
                           "well/g.ppm", "well/h.pbm", "well/i.pnm", "scans/j.tif", "scans/k.jfif"})
    dir.file(name, "x");
  std::filesystem::create_directory(dir.path("void"));
  ImageFolderOptions options{dir.path(), true};
  Dataset data = read_image_folder(options);
  EXPECT_EQ(data.label_names, (std::vector<std::string>{"ill", "well"}));
  std::vector<std::string> ids;
  for (const Sample& sample : data.samples) ids.push_back(sample.image_id);
  EXPECT_EQ(ids,
            (std::vector<std::string>{"ill_a", "ill_b", "ill_c", "ill_d", "well_g", "well_h", "well_i"}));
  EXPECT_EQ(data.counts.at("other files"), 3);
  ASSERT_EQ(data.warnings.size(), 2u);
  EXPECT_EQ(data.warnings[0],
            dir.path() + ": 3 files of other kinds left out (first: " + dir.path("ill/e.tif") +
                "; expected .dcm, .dicom, .png, .jpg, .jpeg, .bmp, " + ".pbm, .pgm, .ppm, .pnm)");
  EXPECT_EQ(data.warnings[1], dir.path() +
                                  ": no film in the class folders scans, void (expected films in each: a "
                                  "class without any is no label)");
  options.labels = false;
  options.color = true;
  data = read_image_folder(options);
  EXPECT_EQ(data.samples.size(), 5u) << "no DICOM in colour";
  ASSERT_EQ(data.warnings.size(), 1u) << "and no class folders";
  EXPECT_EQ(data.warnings[0].find(dir.path() +
                                  ": 5 files of other kinds left out (first: " + dir.path("ill/c.dcm")),
            0u)
      << data.warnings[0];
}

// A download's DICOM and a preview may lie beside the PNG that was always read, and a montage beside the classes.
TEST(Folder, PngAndJpegGoFirst) {
  const TempDir dir;
  for (const char* name : {"ill/a.png", "ill/a.dcm", "ill/a.bmp", "ill/b.JPEG", "ill/b.pgm", "ill/c.pgm",
                           "well/a.bmp", "montage.bmp", "ill/sub/c.png"})
    dir.file(name, "x");
  std::filesystem::create_symlink(dir.path("nowhere"), dir.path("ill/b.dcm"));
  ImageFolderOptions options{dir.path(), true};
  Dataset data = read_image_folder(options);
  std::vector<std::string> read;
  for (const Sample& sample : data.samples) read.push_back(sample.path.substr(dir.path().size()));
  EXPECT_EQ(read, (std::vector<std::string>{"ill/a.png", "ill/b.JPEG", "ill/c.pgm", "ill/sub/c.png",
                                            "well/a.bmp"}));
  EXPECT_TRUE(data.rejected.empty());
  EXPECT_EQ(data.counts.at("other files"), 5);
  EXPECT_EQ(data.label_names, (std::vector<std::string>{"ill", "well"}));
  ASSERT_EQ(data.warnings.size(), 1u);
  EXPECT_EQ(data.warnings[0].find(dir.path() + ": 5 files of other kinds left out (first: " +
                                  dir.path("montage.bmp") + ", in no class folder; expected .dcm"),
            0u)
      << data.warnings[0];
  options.labels = false;
  data = read_image_folder(options);
  EXPECT_EQ(data.samples.size(), 6u) << "the montage, too";
  EXPECT_NE(data.warnings.at(0).find("4 files of other kinds left out (first: " + dir.path("ill/a.bmp") +
                                     ", beside a PNG or JPEG of the same name;"),
            std::string::npos)
      << data.warnings[0];
}

TEST(Folder, TwoOfOneNameThatAreBothUsualOrNeither) {
  const TempDir dir;
  for (const char* name : {"a.png", "a.jpg", "a.dcm", "b.bmp", "b.dcm"}) dir.file(name, "x");
  const Dataset data = read_image_folder({dir.path(), false});
  ASSERT_EQ(data.rejected.size(), 2u);
  EXPECT_EQ(data.rejected[0].reason, "a.jpg has the same name without ending");
  EXPECT_EQ(data.rejected[1].reason, "b.bmp has the same name without ending");
  EXPECT_EQ(data.counts.at("other files"), 1) << "a.dcm";
}

TEST(Folder, NothingButFilmsOutsideClassFolders) {
  const TempDir dir;
  dir.file("a.dcm", "x");
  expect_error(Code::data, {"outside class folders"}, [&] { read_image_folder({dir.path(), true}); });
}

TEST(Folder, LinksAreFollowedOnceAndNamesStayApart) {
  const TempDir dir;
  dir.file("set/real/a.png", "x");
  dir.file("elsewhere/b.png", "x");
  std::filesystem::create_directory_symlink(dir.path("elsewhere"), dir.path("set/linked"));
  std::filesystem::create_directory_symlink(dir.path("set/real"), dir.path("set/again"));
  std::filesystem::create_directory_symlink(dir.path("set"), dir.path("elsewhere/loop"));
  std::filesystem::create_symlink(dir.path("nowhere.png"), dir.path("set/broken.png"));
  Dataset data = read_image_folder({dir.path("set"), false});
  ASSERT_EQ(data.samples.size(), 2u);
  EXPECT_EQ(data.samples[0].image_id, "linked_b");
  EXPECT_EQ(data.samples[1].image_id, "real_a") << "by its own folder, not by the link";
  ASSERT_EQ(data.warnings.size(), 2u);
  EXPECT_NE(data.warnings[0].find("again: leads to the same folder as"), std::string::npos)
      << data.warnings[0];
  EXPECT_NE(data.warnings[1].find("loop: leads to the same folder as"), std::string::npos)
      << data.warnings[1];
  ASSERT_EQ(data.rejected.size(), 1u);
  EXPECT_NE(data.rejected[0].reason.find("leads to nothing"), std::string::npos);

  dir.file("flat/a_b/c.png", "x");
  dir.file("flat/a/b_c.png", "x");
  dir.file("flat/a/1.2.99.png", "x");
  data = read_image_folder({dir.path("flat"), false});
  ASSERT_EQ(data.samples.size(), 3u);
  EXPECT_EQ(data.samples[0].image_id, "a/1.2.99");
  EXPECT_EQ(data.samples[1].image_id, "a/b_c");
  EXPECT_EQ(data.samples[2].image_id, "a_b/c");
  dir.file("flat/a/b_c.jpg", "x");
  data = read_image_folder({dir.path("flat"), false});
  ASSERT_EQ(data.rejected.size(), 1u);
  EXPECT_NE(data.rejected[0].reason.find("a/b_c.jpg has the same name"), std::string::npos)
      << data.rejected[0].reason;
}

}  // namespace
}  // namespace cawe::data
