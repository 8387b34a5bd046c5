// SPDX-License-Identifier: Apache-2.0
// Which files of a folder are boxes, and of which images.
#include "eval/read_boxes.h"
#include "tests/eval/evaluated_files.h"

namespace cawe::eval {
namespace {

class TextBoxes : public EvaluatedFiles {
 protected:
  /// A file below the folder `set`, with one lesion; as a detection where it has a score.
  void put(const std::string& name, const std::string& text = "a 0 0 10 10\n") {
    fs::create_directories((dir_ / "set" / name).parent_path());
    write("set/" + name, text);
  }
  std::string folder() const { return (dir_ / "set").string(); }
  std::string ids() {
    std::string all;
    for (const TruthImage& image : read_truth(folder()).images) all += image.id + " ";
    return all;
  }
  std::string refusal() {
    try {
      read_truth(folder());
    } catch (const Error& error) {
      EXPECT_EQ(exit_code(error.code()), 3);
      return error.what();
    }
    return "";
  }
};

TEST_F(TextBoxes, HiddenFilesAreNoImages) {
  for (const char* name : {"b.txt", "._b.txt", ".b.txt", ".git/c.txt", "notes.md"}) put(name);
  write("set/._b.txt", std::string("\0\5\x16\7", 4));
  EXPECT_EQ(ids(), "b ");
  TruthSet truth = read_truth(folder());
  EXPECT_EQ(truth.notes, std::vector<std::string>{folder() + ": 3 hidden names left out"});
  truth.notes.clear();
  put("b.txt", "a .5 0 0 10 10\n");
  EXPECT_EQ(read_detections(folder(), &truth).size(), 1u);
  EXPECT_EQ(truth.notes, std::vector<std::string>{folder() + ": 3 hidden names left out"});
}

TEST_F(TextBoxes, EndingsAreOfAnyCase) {
  for (const char* name : {"a.txt", "b.TXT", "c.x.Txt"}) put(name);
  EXPECT_EQ(ids(), "a b c.x ");
  put("a.TXT");
  EXPECT_NE(refusal().find("set/a.txt: is of the same image as " + folder() + "/a.TXT"), std::string::npos)
      << refusal();
}

TEST_F(TextBoxes, AnImageEndingMakesNoOtherFilm) {
  for (const char* name : {"p/a.txt", "q/a.png.txt", "c.png.txt"}) put(name);
  EXPECT_EQ(ids(), "c.png p/a q/a.png ");
  put("p/a.png.txt");
  const std::string one = folder() + "/p/a.png.txt", other = folder() + "/p/a.txt";
  EXPECT_EQ(refusal(), other + ": is of the same image as " + one + " (expected one text file an image)");
}

TEST_F(TextBoxes, IdsArePathsBelowTheFolder) {
  for (const char* name : {"a.txt", "p/b.txt", "q/b.txt", "q/r/c.txt"}) put(name);
  EXPECT_EQ(ids(), "a p/b q/b q/r/c ");
  TruthSet truth = read_truth(folder());
  for (const char* name : {"a.txt", "p/b.txt", "q/b.txt", "q/r/c.txt"}) put(name, "a .5 0 0 10 10\n");
  std::string found;
  for (const Detection& d : read_detections(folder(), &truth))
    found += truth.images[size_t(d.image)].id + " ";
  EXPECT_EQ(found, "a p/b q/b q/r/c ");
}

TEST_F(TextBoxes, ALinkToNothingIsNamed) {
  put("a.txt");
  fs::create_symlink("nowhere", dir_ / "set/b.txt");
  EXPECT_NE(refusal().find("set/b.txt: leads to nothing"), std::string::npos) << refusal();
}

}  // namespace
}  // namespace cawe::eval
