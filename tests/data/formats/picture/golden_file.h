// SPDX-License-Identifier: Apache-2.0
// Small picture files and what Pillow sees in them (tests/goldens/pictures.txt, made by scripts/goldens/pictures.py).
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "data/formats/picture/picture.h"

namespace cawe::data {

struct GoldenPicture {
  std::string name;
  int bits = 0, tolerance = 0, width = 0, height = 0;
  std::string file;                   ///< its bytes
  std::vector<unsigned char> values;  ///< upright: RGB, or with bits 16 gray, big-endian
};

inline std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) bytes += char(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

inline std::vector<GoldenPicture> golden_pictures() {
  std::vector<GoldenPicture> all;
  std::ifstream in("tests/goldens/pictures.txt");
  std::string line;
  while (std::getline(in, line)) {
    std::istringstream words(line);
    GoldenPicture g;
    std::string file, values;
    words >> g.name >> g.bits >> g.tolerance >> g.width >> g.height >> file >> values;
    EXPECT_FALSE(words.fail()) << g.name;
    g.file = from_hex(file);
    const std::string bytes = from_hex(values);
    g.values.assign(bytes.begin(), bytes.end());
    all.push_back(std::move(g));
  }
  return all;
}

inline GoldenPicture golden_picture(const std::string& name) {
  for (GoldenPicture& g : golden_pictures())
    if (g.name == name) return g;
  ADD_FAILURE() << "no golden picture " << name;
  return {};
}

/// The word of the refusal, or "read"; its message in `text`.
inline std::string kind_of(const std::string& bytes, const ReadOptions& options = {},
                           std::string* text = nullptr) {
  try {
    const Picture p = parse_picture(bytes, "made", options);
    if (text != nullptr) *text = p.damage;
    return "read";
  } catch (const PictureError& e) {
    EXPECT_EQ(std::string(e.what()).rfind("made: ", 0), 0u) << e.what();
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << e.what();
    if (text != nullptr) *text = e.what();
    return e.kind();
  }
}

}  // namespace cawe::data
