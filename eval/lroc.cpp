// SPDX-License-Identifier: Apache-2.0
#include "eval/lroc.h"

#include <algorithm>
#include <cmath>

#include "tensor/text.h"

namespace cawe::eval {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::string why_undefined(const FrocData& data) {
  int64_t several = 0, lesions = 0;
  for (const int64_t n : data.lesions) {
    several += n > 1;
    lesions += n;
  }
  if (several > 0) return counted(several, "film") + (several == 1 ? " has" : " have") + " several lesions";
  return lesions == 0 ? "no film has a lesion" : "";
}

}  // namespace

Lroc::Lroc(const FrocData& data) : undefined_(why_undefined(data)), area_({}, {}) {
  if (!undefined_.empty()) return;
  const double none = RatedFilm().rating;
  std::vector<double> hit(data.lesions.size(), none), miss = hit;
  for (const Judged& d : data.judged) {
    double& best = d.found > 0 ? hit[size_t(d.image)] : miss[size_t(d.image)];
    if (d.found > 0 || d.false_positive) best = std::max(best, d.score);
  }
  // A reading that is not right loses against every film, also against one without a mark: that film rates
  // above minus infinity in this area.
  const double unmarked = std::numeric_limits<double>::lowest();
  std::vector<RatedLesion> right;
  std::vector<RatedFilm> against;
  for (size_t i = 0; i < data.lesions.size(); ++i) {
    const int64_t image = int64_t(i);
    if (data.lesions[i] == 0) {
      lesion_free_.push_back({miss[i], image});
      against.push_back({std::max(miss[i], unmarked), image});
      continue;
    }
    const double share = hit[i] == none || hit[i] < miss[i] ? 0 : hit[i] == miss[i] ? 0.5 : 1;
    diseased_.push_back({image, hit[i], share});
    right.push_back({hit[i], image, share});
    right.push_back({none, image, 1 - share});
  }
  area_ = AfrocArea(right, against);
}

double Lroc::area(const std::vector<int32_t>& image_weights) const {
  return undefined_.empty() ? area_.value(image_weights) : kNaN;
}

double Lroc::correct_localisation(const std::vector<int32_t>& image_weights) const {
  double right = 0;
  int64_t films = 0;
  for (const Reading& r : diseased_) {
    right += image_weights[size_t(r.image)] * r.right;
    films += image_weights[size_t(r.image)];
  }
  return films > 0 ? right / double(films) : kNaN;
}

std::vector<LrocPoint> Lroc::curve() const {
  std::vector<LrocPoint> marks;  // what each film adds where the threshold reaches its rating
  for (const Reading& r : diseased_)
    if (r.right > 0) marks.push_back({r.rating, r.right / double(diseased_.size()), 0});
  for (const RatedFilm& f : lesion_free_)
    if (!std::isinf(f.rating)) marks.push_back({f.rating, 0, 1 / double(lesion_free_.size())});
  std::stable_sort(marks.begin(), marks.end(),
                   [](const LrocPoint& a, const LrocPoint& b) { return a.threshold > b.threshold; });
  std::vector<LrocPoint> points;
  LrocPoint running{0, 0, lesion_free_.empty() ? kNaN : 0};
  for (size_t i = 0; i < marks.size(); ++i) {
    running.threshold = marks[i].threshold;
    running.localised += marks[i].localised;
    running.false_positive += marks[i].false_positive;
    if (i + 1 == marks.size() || marks[i + 1].threshold != marks[i].threshold) points.push_back(running);
  }
  return points;
}

}  // namespace cawe::eval
