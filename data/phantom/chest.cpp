// SPDX-License-Identifier: Apache-2.0
// Draws a chest: body, lungs, heart, spine, ribs, clavicles, vessels, then lesions, noise and exposure.
//
// Coordinates run from -1 to 1 over the film; brightness 0 is air. Shapes, contrasts and sizes follow the
// public baseline's phantom so that figures on both can be set side by side.
#include "data/phantom/chest.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "data/phantom/canvas.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace cawe::data {
namespace {

struct Range {
  double low, high;
  float draw(Random* random) const { return float(random->next_uniform(low, high)); }
};

/// Peak brightness and half axes (in units of half the film's side) of each kind.
struct LesionLook {
  Range contrast, radius;
};
const LesionLook kEasy[3] = {{{.18, .40}, {.09, .16}}, {{.14, .34}, {.15, .30}}, {{.14, .32}, {.18, .34}}};
const LesionLook kHard[3] = {{{.10, .28}, {.07, .13}}, {{.09, .26}, {.14, .30}}, {{.08, .22}, {.18, .36}}};
constexpr float kEdgeSharpness[3] = {7, 6, 4};

struct Vessel {
  float angle, x, y, bend;
};

/// What all films of one patient share.
struct Anatomy {
  float centre, top, bottom, heart_width, rib_tilt;
  float lung_x[2], lung_width[2], lung_edge[2];
  int ribs;
  std::vector<float> rib_gain;  ///< front and back arc of each rib
  std::vector<Vessel> vessels[2];
};

float normal(Random* random, double mean, double deviation) {
  return float(mean + deviation * random->next_normal());
}

Anatomy draw_anatomy(uint64_t seed, int64_t patient) {
  Random random(seed, "phantom.anatomy", uint64_t(patient));
  Anatomy a;
  a.centre = normal(&random, 0, .02);
  a.top = normal(&random, -.72, .03);
  a.bottom = normal(&random, .55, .05);
  a.heart_width = std::max(.12f, normal(&random, .24, .03));
  a.rib_tilt = float(random.next_uniform(.20, .40));
  a.ribs = 8 + int(random.next_below(3));
  for (int side = 0; side < 2; ++side) {
    a.lung_x[side] = normal(&random, .44, .02);
    a.lung_width[side] = normal(&random, .31, .02);
    a.lung_edge[side] = float(random.next_uniform(6, 11));
    const int count = 5 + int(random.next_below(4));
    for (int i = 0; i < count; ++i)
      a.vessels[side].push_back({float(random.next_uniform(-1.2, 1.2)), .17f, normal(&random, 0, .06),
                                 float(random.next_uniform(-.4, .4))});
  }
  for (int i = 0; i < 2 * a.ribs; ++i) a.rib_gain.push_back(float(random.next_uniform(.7, 1.2)));
  return a;
}

/// The film being drawn. x(i), y(i) are the coordinates of a column or row relative to the patient.
class Film {
 public:
  Film(int size, const Anatomy& anatomy, Random* random)
      : size_(size),
        a_(anatomy),
        random_(random),
        value_(area()),
        lungs_(area()),
        body_(area()),
        heart_(area()) {
    const float move_x = normal(random, 0, .02), move_y = normal(random, 0, .025);
    const float scale = normal(random, 1, .02);
    for (int i = 0; i < size; ++i) {
      const float t = (float(i) + .5f) / float(size) * 2 - 1;
      xs_.push_back((t - move_x) * scale);
      ys_.push_back((t - move_y) * scale);
    }
  }

  void draw() {
    draw_masks();
    draw_soft_tissue();
    for (int rib = 0; rib < a_.ribs; ++rib) draw_rib(rib);
    for (int side = 0; side < 2; ++side) draw_clavicle(side == 0 ? -1.f : 1.f);
    for (int side = 0; side < 2; ++side)
      for (const Vessel& vessel : a_.vessels[side]) draw_vessel(side == 0 ? -1.f : 1.f, vessel);
    const std::vector<float> coarse = value_noise(random_, size_, 3), fine = value_noise(random_, size_, 12);
    for (size_t i = 0; i < value_.size(); ++i) value_[i] += (.05f * coarse[i] + .03f * fine[i]) * body_[i];
  }

  /// Adds one lesion inside the lungs and returns its box; nothing where it came out too small or its IoU
  /// with another one is 0.1 or more.
  std::optional<Box> add_lesion(int kind, const LesionLook& look, const std::vector<Box>& others);

  FloatImage expose() {
    const float noise = float(random_->next_uniform(.012, .03)),
                gamma = float(random_->next_uniform(.8, 1.25));
    FloatImage image(size_, size_, 1);
    for (size_t i = 0; i < value_.size(); ++i) {
      const float noisy = value_[i] + noise * float(random_->next_normal());
      const float film = std::pow(std::clamp((noisy - .02f) / .95f, 0.f, 1.f), gamma);
      image.pixels[i] = std::round(film * 255) / 255;
    }
    return image;
  }

 private:
  size_t area() const { return size_t(size_) * size_t(size_); }
  size_t index(int x, int y) const { return size_t(y) * size_t(size_) + size_t(x); }
  float x(int i) const { return xs_[size_t(i)] - a_.centre; }
  float y(int i) const { return ys_[size_t(i)]; }
  /// Rows whose y lies in [low, high].
  std::pair<int, int> rows_between(float low, float high) const {
    return {int(std::lower_bound(ys_.begin(), ys_.end(), low) - ys_.begin()),
            int(std::upper_bound(ys_.begin(), ys_.end(), high) - ys_.begin())};
  }

  float lung_at(int side, float px, float py) const {
    const float sign = side == 0 ? -1.f : 1.f;
    const float half = (a_.bottom - a_.top) / 2, v = (py - (a_.top + a_.bottom) / 2) / half;
    const float upper = std::clamp(-v, 0.f, 1.f);
    const float across = std::abs((px - sign * a_.lung_x[side] - sign * .06f * v) /
                                  (a_.lung_width[side] * (1 - .35f * upper * upper)));
    const float along = v + .15f * sign * (px - sign * a_.lung_x[side]);
    if (across > 3 || std::abs(along) > 2) return 0;
    const float inside = 1 - std::pow(across, 2.3f) - along * along * along * along;
    return soft_step(inside * a_.lung_edge[side]);
  }

  void draw_masks() {
    for (int j = 0; j < size_; ++j) {
      const float waist = .93f + .1f * std::cos(3 * y(j));
      for (int i = 0; i < size_; ++i) {
        const size_t at = index(i, j);
        const float across = (x(i) - .13f) / a_.heart_width, along = (y(j) - .28f) / .27f;
        heart_[at] = bell(across * across + along * along);
        const float lung = lung_at(x(i) < 0 ? 0 : 1, x(i), y(j));
        lungs_[at] = lung * (1 - .9f * heart_[at]);
        body_[at] = soft_step((waist - std::abs(x(i))) * 18);
      }
    }
  }

  void draw_soft_tissue() {
    const float air = float(random_->next_uniform(.36, .48));
    std::vector<float> spine;
    for (int i = 0; i < size_; ++i) spine.push_back(.12f * bell(x(i) / .09f));
    for (int j = 0; j < size_; ++j)
      for (int i = 0; i < size_; ++i) {
        const size_t at = index(i, j);
        value_[at] =
            .08f + body_[at] * (.62f + .08f * y(j) + spine[size_t(i)]) - lungs_[at] * air + .10f * heart_[at];
      }
  }

  /// A bright band along y = centre(x), `height` bright, `width` wide.
  template <class Curve>
  void draw_band(Curve centre, float height, float width, float from_x, float to_x) {
    for (int i = 0; i < size_; ++i) {
      if (x(i) < from_x || x(i) > to_x) continue;
      const float middle = centre(x(i));
      const auto [begin, end] = rows_between(middle - 3 * width, middle + 3 * width);
      for (int j = begin; j < end; ++j)
        value_[index(i, j)] += height * bell((y(j) - middle) / width) * body_[index(i, j)];
    }
  }

  void draw_rib(int rib) {
    const float start = a_.top + .02f + float(rib) * (a_.bottom - a_.top + .25f) / float(a_.ribs);
    const auto arc = [&](float tilt) { return [=](float px) { return start + tilt * (px * px - .2f); }; };
    const float front = a_.rib_gain[size_t(2 * rib)], back = a_.rib_gain[size_t(2 * rib + 1)];
    for (const auto& [from, to] : {std::pair(-2.f, -.1f), std::pair(.1f, 2.f)}) {
      draw_band(arc(a_.rib_tilt), .055f * front, .018f, from, to);
      draw_band(arc(-1.3f * a_.rib_tilt), .03f * back, .014f, from, to);
    }
  }

  void draw_clavicle(float side) {
    const auto line = [&](float px) { return a_.top + .08f - .18f * side * px; };
    draw_band(line, .09f, .03f, side < 0 ? -2.f : .08f, side < 0 ? -.08f : 2.f);
  }

  void draw_vessel(float side, const Vessel& vessel) {
    const float cosine = std::cos(vessel.angle), sine = std::sin(vessel.angle);
    for (int j = 0; j < size_; ++j)
      for (int i = 0; i < size_; ++i) {
        const float dx = (x(i) - side * vessel.x) * side, dy = y(j) - vessel.y;
        const float along = dx * cosine + dy * sine;
        if (along < -.2f || along > 1.f || lungs_[index(i, j)] < .01f) continue;
        const float across = -dx * sine + dy * cosine - vessel.bend * along * along;
        const float width = .022f * std::clamp(1 - along, .15f, 1.f);
        if (std::abs(across) > 3 * width) continue;
        value_[index(i, j)] +=
            .09f * bell(across / width) * soft_step(along * 40) * bell(along / .38f) * lungs_[index(i, j)];
      }
  }

  std::vector<float> lesion_field(int kind, const LesionLook& look, int centre);
  std::optional<Box> box_around(const std::vector<float>& field) const;

  int size_;
  const Anatomy& a_;
  Random* random_;
  std::vector<float> xs_, ys_, value_, lungs_, body_, heart_;
};

/// Height 0 to about 1 of a lesion around pixel `centre`.
std::vector<float> Film::lesion_field(int kind, const LesionLook& look, int centre) {
  const float cx = xs_[size_t(centre % size_)], cy = ys_[size_t(centre / size_)];
  const float rx = look.radius.draw(random_);
  const float ry = kind == 0 ? rx * float(random_->next_uniform(.85, 1.15)) : look.radius.draw(random_);
  const float angle = float(random_->next_uniform(0, 3.14159265358979));
  const float cosine = std::cos(angle), sine = std::sin(angle);
  const std::vector<float> edge = kind == 0 ? std::vector<float>() : value_noise(random_, size_, 8);
  const std::vector<float> patches = kind == 2 ? value_noise(random_, size_, 24) : std::vector<float>();
  std::vector<float> field(area(), 0.f);
  const float reach = 2.5f * std::max(rx, ry);
  const auto [first, last] = rows_between(cy - reach, cy + reach);
  for (int j = first; j < last; ++j)
    for (int i = 0; i < size_; ++i) {
      const float dx = xs_[size_t(i)] - cx, dy = ys_[size_t(j)] - cy;
      if (std::abs(dx) > reach) continue;
      const size_t at = index(i, j);
      const float u = (dx * cosine + dy * sine) / rx, v = (dy * cosine - dx * sine) / ry;
      const float radius = std::sqrt(u * u + v * v) * (edge.empty() ? 1.f : 1 + .22f * edge[at]);
      float f = soft_step((1 - radius) * kEdgeSharpness[kind]);
      if (!patches.empty()) f *= std::clamp(.65f + .55f * patches[at], 0.f, 1.6f);
      field[at] = kind == 0 ? f : f * (.15f + .85f * lungs_[at]);
    }
  return field;
}

std::optional<Box> Film::box_around(const std::vector<float>& field) const {
  int left = size_, top = size_, right = -1, bottom = -1;
  int64_t count = 0;
  for (int j = 0; j < size_; ++j)
    for (int i = 0; i < size_; ++i) {
      if (!(field[index(i, j)] > .4f)) continue;
      ++count;
      left = std::min(left, i);
      right = std::max(right, i);
      top = std::min(top, j);
      bottom = j;
    }
  const float smallest = .05f * float(size_);
  if (double(count) < 12.0 * double(area()) / (128.0 * 128.0)) return std::nullopt;
  const Box box{float(left), float(top), float(right + 1), float(bottom + 1)};
  if (box.width() < smallest || box.height() < smallest) return std::nullopt;
  return box;
}

std::optional<Box> Film::add_lesion(int kind, const LesionLook& look, const std::vector<Box>& others) {
  std::vector<int> places;
  for (size_t i = 0; i < lungs_.size(); ++i)
    if (lungs_[i] > .6f) places.push_back(int(i));
  if (places.empty()) return std::nullopt;
  const std::vector<float> field = lesion_field(kind, look, places[random_->next_below(places.size())]);
  const std::optional<Box> box = box_around(field);
  if (!box) return std::nullopt;
  for (const Box& other : others)
    if (iou(*box, other) >= .1f) return std::nullopt;
  const float height = look.contrast.draw(random_);
  for (size_t i = 0; i < value_.size(); ++i) value_[i] += height * field[i];
  return box;
}

int lesion_count(Random* random, double lesion_free) {
  if (random->next_uniform() < lesion_free) return 0;
  const float u = random->next_uniform();
  return u < .5f ? 1 : u < .83f ? 2 : 3;
}

}  // namespace

const std::vector<std::string>& lesion_kinds() {
  static const std::vector<std::string> kinds = {"nodule", "consolidation", "infiltrate"};
  return kinds;
}

Chest make_chest(const ChestOptions& options, int64_t patient, int64_t view) {
  CAWE_CHECK(options.size >= 16 && options.size <= 4096, Code::usage, "phantom: size ", options.size,
             " (expected 16 to 4096)");
  CAWE_CHECK(options.lesion_free >= 0 && options.lesion_free <= 1, Code::usage, "phantom: lesion_free ",
             options.lesion_free, " (expected 0 to 1)");
  const Anatomy anatomy = draw_anatomy(options.seed, patient);
  Random random(options.seed, "phantom.film", uint64_t(patient), uint64_t(view));
  Film film(options.size, anatomy, &random);
  film.draw();
  Chest chest;
  const LesionLook* looks = options.difficulty == Difficulty::easy ? kEasy : kHard;
  const int wanted = lesion_count(&random, options.lesion_free);
  for (int lesion = 0; lesion < wanted; ++lesion)
    for (int attempt = 0; attempt < 8; ++attempt) {
      const int kind = int(random.next_below(3));
      const std::optional<Box> box = film.add_lesion(kind, looks[kind], chest.boxes);
      if (!box) continue;
      chest.boxes.push_back(*box);
      chest.kinds.push_back(kind);
      break;
    }
  chest.image = film.expose();
  return chest;
}

std::vector<PatientView> patient_views(uint64_t seed, int64_t images, int64_t first_patient) {
  std::vector<PatientView> out;
  for (int64_t patient = first_patient; int64_t(out.size()) < images; ++patient) {
    const float u = Random(seed, "phantom.views", uint64_t(patient)).uniform(0);
    const int64_t views = u < .6f ? 1 : u < .85f ? 2 : 3;
    for (int64_t view = 0; view < views && int64_t(out.size()) < images; ++view)
      out.push_back({patient, view});
  }
  return out;
}

}  // namespace cawe::data
