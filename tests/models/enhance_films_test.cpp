// SPDX-License-Identifier: Apache-2.0
// What each enhancement promises, on real films: the fusion's bounds, monotone mappings, smooth places kept,
// the same luminance.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "data/decode.h"
#include "models/enhance/afda.h"
#include "models/enhance/enhancer.h"
#include "tests/data_dir.h"
#include "tests/models/enhance_support.h"

namespace cawe::models {
namespace {

namespace fs = std::filesystem;

struct RealFilm {
  std::string path;
  Tensor gray;                ///< [1, 1, H, W], whole gray levels
  std::vector<float> levels;  ///< 0..255
};

/// Films of four sources at their own size, DICOM of both polarities among them.
const std::vector<RealFilm>& films() {
  static const std::vector<RealFilm> all = [] {
    std::vector<RealFilm> out;
    for (const auto& [folder, step] : std::vector<std::pair<std::string, size_t>>{{"cxr_tb/images", 50},
                                                                                  {"cxr_kermany/images", 40},
                                                                                  {"cxr_nih_mass/images", 10},
                                                                                  {"dicom_cxr", 4}}) {
      std::vector<std::string> paths;
      for (const auto& entry : fs::directory_iterator(::cawe::testing::data_dir() / folder)) {
        const std::string kind = entry.path().extension().string();
        if (kind == ".dcm" || kind == ".png" || kind == ".jpg") paths.push_back(entry.path().string());
      }
      std::sort(paths.begin(), paths.end());
      for (size_t i = 0; i < paths.size(); i += step) {
        data::FloatImage image = data::decode_gray_file(paths[i]);
        RealFilm film{paths[i], {}, {}};
        for (float& v : image.pixels) {
          film.levels.push_back(std::floor(v * 255 + 0.5f));
          v = film.levels.back() / 255;
        }
        film.gray = Tensor::from(image.pixels, {1, 1, image.height, image.width});
        out.push_back(std::move(film));
      }
    }
    return out;
  }();
  return all;
}

/// level of the film -> level of the result, where every pixel agrees; -1 for levels it lacks, -2 where not.
std::array<int, 256> mapping(const RealFilm& film, const std::vector<float>& out) {
  std::array<int, 256> map;
  map.fill(-1);
  for (size_t i = 0; i < out.size(); ++i) {
    int& to = map[size_t(film.levels[i])];
    const int level = int(std::lround(out[i] * 255));
    to = to == -1 || to == level ? level : -2;
  }
  return map;
}

void expect_monotone(const RealFilm& film, const std::vector<float>& out) {
  int last = 0;
  for (const int level : mapping(film, out)) {
    EXPECT_NE(level, -2) << film.path << ": one level became two";
    if (level < 0) continue;
    EXPECT_GE(level, last) << film.path;
    last = level;
  }
}

TEST(RealFilms, MedgaIsMonotoneAndKeepsTheBackground) {
  CAWE_NEEDS_DATA("dicom_cxr");
  EnhancerOptions options;
  options.values.set("medga.generations", int64_t{20});
  const auto medga = make_enhancer("medga", options);
  size_t with_background = 0;
  for (const RealFilm& film : films()) {
    const std::vector<float> out = medga->apply(film.gray).to_vector<float>();
    expect_monotone(film, out);
    const int background = mapping(film, out)[0];
    with_background += background >= 0;
    EXPECT_LE(background, 0) << film.path;
    EXPECT_NE(out, film.gray.to_vector<float>()) << film.path << " came back as it was";
  }
  EXPECT_GT(with_background, 5u);
}

TEST(RealFilms, ClaheOfOneTileIsMonotone) {
  CAWE_NEEDS_DATA("dicom_cxr");
  EnhancerOptions options;
  options.values.set("clahe.tiles", int64_t{1});
  const auto clahe = make_enhancer("clahe", options);
  for (const RealFilm& film : films()) {
    const std::vector<float> out = clahe->apply(film.gray).to_vector<float>();
    expect_monotone(film, out);
    EXPECT_NE(out, film.gray.to_vector<float>()) << film.path;
  }
}

TEST(RealFilms, AfdaKeepsSmoothPlaces) {
  CAWE_NEEDS_DATA("dicom_cxr");
  EnhancerOptions options;
  const auto afda = make_enhancer("afda", options);
  for (const RealFilm& film : films()) {
    const int64_t rows = film.gray.dim(2), columns = film.gray.dim(3);
    const std::vector<float> out = afda->apply(film.gray).to_vector<float>();
    size_t smooth = 0, changed = 0, smooth_changed = 0;
    for (int64_t y = 1; y + 1 < rows; ++y)
      for (int64_t x = 1; x + 1 < columns; ++x) {
        float around = 0;
        for (int64_t dy = -1; dy <= 1; ++dy)
          for (int64_t dx = -1; dx <= 1; ++dx) around += film.levels[size_t((y + dy) * columns + x + dx)];
        const size_t i = size_t(y * columns + x);
        const bool differs = std::lround(out[i] * 255) != std::lround(film.levels[i]);
        const bool flat = std::fabs(9 * film.levels[i] - around) / 8 <= 2;
        smooth += flat;
        changed += differs;
        smooth_changed += flat && differs;
      }
    EXPECT_GT(smooth, 100u) << film.path;
    EXPECT_GT(changed, 100u) << film.path << ": the scale trap, all gradients below 2";
    AfdaOrders orders;
    std::vector<uint8_t> levels(film.levels.begin(), film.levels.end());
    afda_u8(levels, rows, columns, {}, &orders);
    if (orders.threshold > 2) {
      EXPECT_EQ(smooth_changed, 0u) << film.path;
    }
  }
}

TEST(RealFilms, FusionStaysWithinItsBounds) {
  CAWE_NEEDS_DATA("dicom_cxr");
  EnhancerOptions options = testing::with_classifier(96);
  options.alpha = 0.4;
  for (const char* method : {"cawe", "uniform", "centre"}) {
    const auto enhancer = make_enhancer(method, options);
    for (const RealFilm& film : films()) {
      const std::vector<float> in = film.gray.to_vector<float>(),
                               out = enhancer->apply(film.gray).to_vector<float>(),
                               map = enhancer->map(film.gray).to_vector<float>();
      for (size_t i = 0; i < in.size(); ++i) {
        ASSERT_LE(out[i], in[i]) << method << ' ' << film.path;
        ASSERT_GE(out[i], 0.4f * in[i] - 1e-7f) << method << ' ' << film.path;
        ASSERT_NEAR(out[i], in[i] * (0.4 + 0.6 * double(map[i])), 1e-6) << method << ' ' << film.path;
      }
    }
  }
}

TEST(RealFilms, ColourMapKeepsLuminance) {
  CAWE_NEEDS_DATA("dicom_cxr");
  const auto colour = make_enhancer("colormap", {});
  for (const RealFilm& film : films()) {
    const std::vector<float> out = colour->apply(film.gray).to_vector<float>();
    const size_t n = film.levels.size();
    for (size_t i = 0; i < n; ++i)
      ASSERT_NEAR(0.299 * out[i] + 0.587 * out[n + i] + 0.114 * out[2 * n + i], film.levels[i] / 255, 1e-6);
  }
}

}  // namespace
}  // namespace cawe::models
