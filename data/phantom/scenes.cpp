// SPDX-License-Identifier: Apache-2.0
// Paints scenes back to front: sky, sun, hills, ground, trees, houses, fruit.
//
// Each material has its own texture (grass: upright strokes; water: level stripes; sand: smooth; brick: a
// grid of joints; leaves: blotches; fruit: a shaded ball with a highlight) and one colour, so that its colour
// can be told from the gray picture.
#include "data/phantom/scenes.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "data/phantom/canvas.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace cawe::data {
namespace {

using Color = std::array<float, 3>;

enum Thing { kSun, kClouds, kWater, kSand, kTree, kHouse, kOrange, kApple, kThings };

Color mix(const Color& a, const Color& b, float t) {
  return {a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), a[2] + t * (b[2] - a[2])};
}
Color scaled(const Color& a, float s) { return {a[0] * s, a[1] * s, a[2] * s}; }

constexpr Color kSkyTop = {.22f, .45f, .85f}, kSkyLow = {.72f, .85f, .97f}, kWhite = {.97f, .97f, .97f};
constexpr Color kSunColor = {1.f, .93f, .45f}, kHill = {.28f, .42f, .40f}, kGrass = {.33f, .58f, .20f};
constexpr Color kWaterColor = {.15f, .42f, .58f}, kSandColor = {.87f, .76f, .52f}, kBark = {.40f, .27f, .16f};
constexpr Color kLeaves = {.16f, .42f, .13f}, kBrick = {.68f, .29f, .20f}, kJoint = {.78f, .73f, .68f};
constexpr Color kRoof = {.33f, .20f, .17f}, kGlass = {.25f, .33f, .42f}, kOrangeSkin = {.96f, .56f, .10f};
constexpr Color kAppleSkin = {.80f, .10f, .12f}, kStem = {.30f, .22f, .10f};

/// Coordinates run from 0 to 1, right and down.
class Painter {
 public:
  Painter(int size, Random* random)
      : size_(size),
        random_(random),
        image_(size, size, 3),
        labels_(size_t(kThings), 0.f),
        coarse_(value_noise(random, size, 5)),
        medium_(value_noise(random, size, 16)),
        fine_(value_noise(random, size, std::max(8, size / 3))),
        horizon_(between(.42, .6)) {}

  Scene paint() {
    sky();
    if (chance(.5)) sun();
    hills();
    ground();
    const bool land = labels_[kWater] == 0;
    for (uint64_t i = random_->next_below(3); land && i > 0; --i) tree();
    if (land && chance(.6)) house();
    for (uint64_t i = random_->next_below(4); i > 0; --i) fruit(chance(.5) ? kOrange : kApple);
    const float exposure = between(.85, 1.1);
    for (float& v : image_.pixels) v = std::round(std::clamp(v * exposure, 0.f, 1.f) * 255) / 255;
    return {std::move(image_), std::move(labels_)};
  }

 private:
  float between(double low, double high) { return float(random_->next_uniform(low, high)); }
  bool chance(double p) { return random_->next_uniform() < p; }
  size_t at(int x, int y) const { return size_t(y) * size_t(size_) + size_t(x); }

  /// Paints color(u, v, pixel) over the rectangle with opacity cover(u, v, pixel) in [0, 1].
  template <class Cover, class Paint>
  void fill(float x1, float y1, float x2, float y2, Cover cover, Paint paint) {
    const auto pixel = [&](float t) { return std::clamp(int(t * float(size_)), 0, size_); };
    for (int y = pixel(y1); y < pixel(y2 + 1.f / float(size_)); ++y)
      for (int x = pixel(x1); x < pixel(x2 + 1.f / float(size_)); ++x) {
        const float u = (float(x) + .5f) / float(size_), v = (float(y) + .5f) / float(size_);
        const float opacity = std::clamp(cover(u, v, at(x, y)), 0.f, 1.f);
        if (opacity <= 0) continue;
        const Color color = paint(u, v, at(x, y));
        for (int c = 0; c < 3; ++c) image_.at(x, y, c) += opacity * (color[size_t(c)] - image_.at(x, y, c));
      }
  }
  static float everywhere(float, float, size_t) { return 1; }
  float edge(float inside) const { return inside * float(size_); }  // one pixel wide

  void sky() {
    fill(0, 0, 1, 1, everywhere, [&](float, float v, size_t) { return mix(kSkyTop, kSkyLow, v / horizon_); });
    if (!chance(.6)) return;
    labels_[kClouds] = 1;
    const float amount = between(-.1, .5);
    fill(
        0, 0, 1, horizon_,
        [&](float, float v, size_t i) {
          return (coarse_[i] + .35f * medium_[i] - amount) * 1.6f * (1 - v * .6f);
        },
        [&](float, float, size_t i) { return scaled(kWhite, .97f + .05f * medium_[i]); });
  }

  void sun() {
    labels_[kSun] = 1;
    const float x = between(.1, .9), y = between(.06, horizon_ * .6), r = between(.04, .08);
    const auto distance = [=](float u, float v) { return std::hypot(u - x, v - y); };
    const auto color = [](float, float, size_t) { return kSunColor; };
    fill(
        0, 0, 1, horizon_, [&](float u, float v, size_t) { return .55f * bell(distance(u, v) / (2.2f * r)); },
        color);
    fill(
        x - r, y - r, x + r, y + r, [&](float u, float v, size_t) { return edge(r - distance(u, v)); },
        [](float, float, size_t) { return mix(kSunColor, kWhite, .25f); });
  }

  void hills() {
    const float phase = between(0, 6.28), height = between(.03, .12), waves = between(4, 9);
    const auto crest = [=](float u) {
      return horizon_ - height * (.6f + .4f * std::sin(waves * u + phase) + .2f * std::sin(2.3f * waves * u));
    };
    fill(
        0, horizon_ - 2 * height, 1, horizon_, [&](float u, float v, size_t) { return edge(v - crest(u)); },
        [&](float, float, size_t i) { return scaled(kHill, 1 + .10f * medium_[i]); });
  }

  void ground() {
    const float kind = random_->next_uniform();
    const auto depth = [&](float v) { return (v - horizon_) / (1 - horizon_); };
    if (kind < .3f) {
      labels_[kWater] = 1;
      fill(0, horizon_, 1, 1, everywhere, [&](float, float v, size_t i) {
        const float wave = std::sin(130 * std::sqrt(depth(v) + .02f) + 1.5f * coarse_[i]);
        return mix(kWaterColor, kSkyLow, .18f + .16f * wave);
      });
    } else if (kind < .5f) {
      labels_[kSand] = 1;
      fill(0, horizon_, 1, 1, everywhere, [&](float, float v, size_t i) {
        return scaled(kSandColor, .9f + .1f * depth(v) + .03f * coarse_[i]);
      });
    } else {
      fill(0, horizon_, 1, 1, everywhere, [&](float u, float v, size_t i) {
        const float stroke = std::sin(float(size_) * 1.3f * u + 4 * medium_[i]);
        return scaled(kGrass, .75f + .25f * depth(v) + .16f * stroke + .10f * fine_[i]);
      });
    }
  }

  void tree() {
    labels_[kTree] = 1;
    const float x = between(.1, .9), base = between(horizon_ + .05, .85), height = between(.2, .4);
    const float trunk = height * .07f, radius = height * .38f, middle = base - height * .7f;
    fill(x - trunk, middle, x + trunk, base, everywhere, [&](float u, float, size_t i) {
      return scaled(kBark, .9f + .35f * std::sin((u - x) / trunk * 9) + .1f * fine_[i]);
    });
    fill(
        x - 1.3f * radius, middle - 1.3f * radius, x + 1.3f * radius, middle + 1.3f * radius,
        [&](float u, float v, size_t i) {
          return edge(radius * (1 + .22f * medium_[i]) - std::hypot(u - x, v - middle)) * .5f;
        },
        [&](float u, float v, size_t i) {
          const float light = 1 - .5f * (v - middle + .5f * (u - x)) / radius;
          return scaled(kLeaves, std::max(.3f, light + .38f * fine_[i]));
        });
  }

  void house() {
    labels_[kHouse] = 1;
    const float w = between(.2, .35), h = w * between(.6, .8), x = between(.05, .95 - w);
    const float base = between(horizon_ + .06, .85), top = base - h, rows = h / 9, bricks = w / 9;
    fill(x, top, x + w, base, everywhere, [&](float u, float v, size_t i) {
      const float row = (v - top) / rows, shift = int(row) % 2 ? .5f : 0.f, column = (u - x) / bricks + shift;
      const bool joint = row - std::floor(row) < .16f || column - std::floor(column) < .10f;
      return joint ? kJoint : scaled(kBrick, .95f + .12f * fine_[i]);
    });
    const float roof = h * .6f;
    fill(
        x - .05f, top - roof, x + w + .05f, top,
        [&](float u, float v, size_t) {
          return edge((w / 2 + .04f) * (v - top + roof) / roof - std::abs(u - x - w / 2));
        },
        [&](float, float v, size_t) { return scaled(kRoof, 1 + .25f * std::sin((top - v) / roof * 40)); });
    for (const float place : {.2f, .65f}) window(x + w * place, top + h * .3f, w * .17f, h * .28f);
  }

  void window(float x, float y, float w, float h) {
    fill(x, y, x + w, y + h, everywhere, [&](float u, float v, size_t) {
      const float a = (u - x) / w, b = (v - y) / h;
      const bool frame = std::min({a, b, 1 - a, 1 - b, std::abs(a - .5f), std::abs(b - .5f)}) < .08f;
      return frame ? kWhite : mix(kGlass, kSkyLow, .5f * (1 - b));
    });
  }

  /// A ball lit from the upper left. Oranges are round and dimpled; apples are smooth, with a dent and a
  /// stem.
  void fruit(Thing thing) {
    labels_[thing] = 1;
    const bool apple = thing == kApple;
    const float r = between(.05, .1), x = between(.1, .9), y = between(std::max(.7, horizon_ + .12), .92);
    const auto radius_at = [=](float u, float v) {
      const float dent = apple && v < y ? .30f * r * bell((u - x) / (.35f * r)) : 0.f;
      return r - dent;
    };
    fill(
        x - r, y - r, x + r, y + r,
        [&](float u, float v, size_t) { return edge(radius_at(u, v) - std::hypot(u - x, v - y)); },
        [&](float u, float v, size_t i) {
          const float dx = (u - x) / r, dy = (v - y) / r;
          const float shade =
              std::clamp(.95f - .35f * (dx + dy) * .7f - .25f * (dx * dx + dy * dy), .25f, 1.1f);
          const float spark = bell(std::hypot(dx + .38f, dy + .42f) / .2f);
          const float skin = apple ? 1.f : 1 + .10f * fine_[i];
          return mix(scaled(apple ? kAppleSkin : kOrangeSkin, shade * skin), kWhite, .7f * spark);
        });
    if (apple)
      fill(x - .012f, y - 1.15f * r, x + .012f, y - .6f * r, everywhere,
           [](float, float, size_t) { return kStem; });
  }

  int size_;
  Random* random_;
  FloatImage image_;
  std::vector<float> labels_, coarse_, medium_, fine_;
  float horizon_;
};

}  // namespace

const std::vector<std::string>& scene_things() {
  static const std::vector<std::string> things = {"sun",  "clouds", "water",  "sand",
                                                  "tree", "house",  "orange", "apple"};
  return things;
}

Scene make_scene(int size, uint64_t seed, int64_t image) {
  CAWE_CHECK(size >= 16 && size <= 4096, Code::usage, "scenes: size ", size, " (expected 16 to 4096)");
  Random random(seed, "scene", uint64_t(image));
  return Painter(size, &random).paint();
}

}  // namespace cawe::data
