// SPDX-License-Identifier: Apache-2.0
#include "train/map_controls.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "data/decode.h"
#include "tensor/parallel.h"
#include "tensor/random.h"

namespace cawe::train {
namespace {

/// For every sample one of another person, or of another unit, in the same fold, chosen by the seed.
std::vector<int64_t> partners(const SplitData& data, uint64_t seed) {
  std::map<std::string, std::vector<int64_t>> folds;
  for (size_t i = 0; i < data.split.fold.size(); ++i) folds[data.split.fold[i]].push_back(int64_t(i));
  std::vector<int64_t> partner(data.split.fold.size(), -1);
  for (auto& [name, members] : folds) {
    const Random random(seed, "shuffled maps of " + name);
    const size_t n = members.size();
    for (size_t i = n; i > 1; --i) std::swap(members[i - 1], members[random.bits(i) % i]);
    for (size_t i = 0; i < n; ++i)
      for (size_t k = 1; k < n && partner[size_t(members[i])] < 0; ++k) {
        const int64_t other = members[(i + k) % n];
        if (data.dataset.samples[size_t(other)].patient_id !=
            data.dataset.samples[size_t(members[i])].patient_id)
          partner[size_t(members[i])] = other;
      }
    for (const int64_t i : members)
      CAWE_CHECK(partner[size_t(i)] >= 0, Code::data, "fold \"", name, "\": one ", data::unit_word(data.unit),
                 " only, so maps cannot be shuffled between ", data::unit_words(data.unit));
  }
  return partner;
}

/// The film as its detector's network would see it.
struct FilmSize {
  int width, height;
  data::Fit fit;
  data::Filter filter;
};

Tensor true_map(const data::Sample& sample, const FilmSize& size) {
  int width = sample.width, height = sample.height;
  if (width == 0) {  // not known where data.check_images = false
    const data::FloatImage film = data::decode_gray(sample);
    width = film.width;
    height = film.height;
  }
  const data::Geometry geometry = data::fit_geometry(width, height, size.width, size.height, size.fit);
  std::vector<Box> boxes;
  for (const Box& box : sample.boxes) boxes.push_back(geometry.to_network(box));
  return lesion_map(boxes, size.height, size.width);
}

/// q a + (1 - q) b
Tensor blend(const Tensor& a, const Tensor& b, double q) {
  Tensor out = Tensor::like(a);
  for (int64_t i = 0; i < a.numel(); ++i)
    out.data<float>()[i] =
        std::clamp(float(q * double(a.data<float>()[i]) + (1 - q) * double(b.data<float>()[i])), 0.0f, 1.0f);
  return out;
}

}  // namespace

Tensor lesion_map(const std::vector<Box>& boxes, int64_t height, int64_t width) {
  Tensor map = Tensor::full({1, 1, height, width}, 0);
  for (const Box& box : boxes) {
    const double half_x = std::max(0.5 * double(box.x2 - box.x1), 1e-6),
                 half_y = std::max(0.5 * double(box.y2 - box.y1), 1e-6);
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x) {
        const double u = (double(x) + 0.5 - 0.5 * double(box.x1 + box.x2)) / half_x;
        const double v = (double(y) + 0.5 - 0.5 * double(box.y1 + box.y2)) / half_y;
        float& at = map.data<float>()[y * width + x];
        at = std::max(at, float(std::exp(-0.5 * (u * u + v * v))));
      }
  }
  return map;
}

FilmCallback control_callback(const Recipe& recipe, const Chain& chain, const SplitData& data,
                              const data::LoaderOptions& loader, uint64_t seed) {
  const std::string control = recipe.word("control");
  if (control == "none") return {};
  const auto enhancer = std::dynamic_pointer_cast<models::CaweEnhancer>(chain.enhancer);
  CAWE_CHECK(enhancer != nullptr, Code::usage, "control = \"", control, "\": enhance.method = \"",
             chain.method,
             "\" has no attention map to put another one in place of (expected cawe or one of its forms)");
  const double quality = control == "dose" ? recipe.number("dose.quality") : 0;
  // A perfect map is drawn from the film's own boxes: it needs no other person's.
  const auto partner =
      std::make_shared<std::vector<int64_t>>(quality < 1 ? partners(data, seed) : std::vector<int64_t>());
  const data::Dataset* dataset = &data.dataset;
  const FilmSize size{loader.width, loader.height, loader.fit, loader.filter};
  return [=](data::FloatImage& image, const data::Sample& sample) {
    const NoGrad no_history;
    Tensor map;
    if (quality < 1) {
      const data::Sample& other =
          dataset->samples[size_t((*partner)[size_t(&sample - dataset->samples.data())])];
      data::Geometry geometry;
      const data::FloatImage film = data::fit_image(data::decode_gray(other), size.width, size.height,
                                                    size.fit, size.filter, &geometry);
      map = enhancer->maps(to_tensor(film)).map;
    }
    if (quality > 0) map = quality < 1 ? blend(true_map(sample, size), map, quality) : true_map(sample, size);
    image = to_image(enhancer->with_map(to_tensor(image), map));
  };
}

}  // namespace cawe::train
