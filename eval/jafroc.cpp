// SPDX-License-Identifier: Apache-2.0
#include "eval/jafroc.h"

#include <algorithm>
#include <cmath>

#include "tensor/error.h"

namespace cawe::eval {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Each lesion by the score that found it; the others rate minus infinity. `by_film`: a film's lesions weigh 1 together.
std::vector<RatedLesion> rated_lesions(const FrocData& data, bool by_film) {
  std::vector<RatedLesion> lesions;
  std::vector<int64_t> left = data.lesions;
  const auto add = [&](int64_t image, double rating, int64_t count) {
    const double weight = by_film ? 1 / double(data.lesions[size_t(image)]) : 1;
    for (int64_t k = 0; k < count; ++k) lesions.push_back({rating, image, weight});
  };
  for (const Judged& d : data.judged) {
    add(d.image, d.score, d.found);
    left[size_t(d.image)] -= d.found;
  }
  for (size_t i = 0; i < left.size(); ++i) add(int64_t(i), RatedLesion().rating, left[i]);
  return lesions;
}

/// The highest false positive of each film, or of each lesion-free one.
std::vector<RatedFilm> rated_films(const FrocData& data, bool lesion_free_only) {
  std::vector<double> highest(data.lesions.size(), RatedFilm().rating);
  for (const Judged& d : data.judged)
    if (d.false_positive) highest[size_t(d.image)] = std::max(highest[size_t(d.image)], d.score);
  std::vector<RatedFilm> films;
  for (size_t i = 0; i < highest.size(); ++i)
    if (!lesion_free_only || data.lesions[i] == 0) films.push_back({highest[i], int64_t(i)});
  return films;
}

}  // namespace

AfrocArea::AfrocArea(const std::vector<RatedLesion>& lesions, const std::vector<RatedFilm>& films) {
  for (const RatedLesion& l : lesions) {
    CAWE_CHECK(!std::isnan(l.rating) && l.weight >= 0, Code::internal, "AFROC: a lesion of rating ", l.rating,
               " and weight ", l.weight);
    entries_.push_back({l.rating, l.image, l.weight, 0});
  }
  for (const RatedFilm& f : films) {
    CAWE_CHECK(!std::isnan(f.rating), Code::internal, "AFROC: a film without a rating");
    entries_.push_back({f.rating, f.image, 0, 1});
  }
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.rating < b.rating; });
}

double AfrocArea::value(const std::vector<int32_t>& image_weights) const {
  double wins = 0, lesions = 0;
  int64_t films = 0;
  for (size_t begin = 0; begin < entries_.size();) {
    double tied_lesions = 0;
    int64_t tied_films = 0;
    size_t end = begin;
    for (; end < entries_.size() && entries_[end].rating == entries_[begin].rating; ++end) {
      const int32_t w = image_weights[size_t(entries_[end].image)];
      tied_lesions += w * entries_[end].lesion;
      tied_films += w * entries_[end].film;
    }
    wins += tied_lesions * (double(films) + 0.5 * double(tied_films));
    lesions += tied_lesions;
    films += tied_films;
    begin = end;
  }
  return lesions > 0 && films > 0 ? wins / (lesions * double(films)) : kNaN;
}

Jafroc::Jafroc(const FrocData& data)
    : jafroc(rated_lesions(data, false), rated_films(data, true)),
      wafroc(rated_lesions(data, true), rated_films(data, true)),
      jafroc1(rated_lesions(data, false), rated_films(data, false)),
      wafroc1(rated_lesions(data, true), rated_films(data, false)) {}

const std::vector<double>& froc_area_limits() {
  static const std::vector<double> limits = {4, 8};
  return limits;
}

void froc_area(const FrocData& data, const std::vector<int32_t>& image_weights,
               const std::vector<double>& limits, double* out) {
  int64_t images = 0, lesions = 0;
  for (size_t i = 0; i < data.lesions.size(); ++i) {
    images += image_weights[i];
    lesions += image_weights[i] * data.lesions[i];
  }
  if (lesions == 0) {
    std::fill_n(out, limits.size(), kNaN);
    return;
  }
  int64_t found = 0, false_positives = 0, found_at_point = 0;
  double area = 0, from = 0;  // of lesions found, not yet a share, up to the last point
  size_t k = 0;
  const auto finish = [&] {
    out[k] = (area + double(found_at_point) * (limits[k] - from)) / (limits[k] * double(lesions));
    ++k;
  };
  for (size_t i = 0; i < data.judged.size() && k < limits.size(); ++i) {
    const Judged& d = data.judged[i];
    const int32_t w = image_weights[size_t(d.image)];
    found += int64_t(w) * d.found;
    false_positives += d.false_positive ? w : 0;
    if (i + 1 < data.judged.size() && data.judged[i + 1].score == d.score) continue;
    const double x = double(false_positives) / double(images);
    while (k < limits.size() && x > limits[k]) finish();
    area += double(found_at_point) * (x - from);
    from = x;
    found_at_point = found;
  }
  while (k < limits.size()) finish();
}

}  // namespace cawe::eval
