// SPDX-License-Identifier: Apache-2.0
// Matching of descriptors, and the map fitted to what they say.
#include "data/duplicates/match.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace cawe::data {
namespace {

constexpr float kFarthest = 0.25f * kFeatureSide;    // films are framed alike: shifts up to a quarter
constexpr int kLevels = 2;                           // thirds of an octave by which scales may differ
constexpr double kRatio = 0.85;                      // nearest against second nearest distance
constexpr double kNear = 0.025 * kFeatureSide;       // of the first fit
constexpr double kClose = 0.0125 * kFeatureSide;     // of the last
constexpr double kMostTurn = 0.27, kMostZoom = 1.3;  // radians; and 1 / it
constexpr size_t kMany = 150;                        // pairs: with fewer the best map is found in some 3 ms

struct Pair {
  double x, y, u, v;  // (x, y) of the first film looks like (u, v) of the second
};

int32_t product(const int16_t* a, const int16_t* b) {
  int32_t sum = 0;
  for (int k = 0; k < kDescriptorValues; ++k) sum += int32_t(a[k]) * b[k];
  return sum;
}

struct Best {
  int at = -1;
  int32_t first = 1 << 30, second = 1 << 30;  // squared distances
  void see(int which, int32_t distance) {
    if (distance < first) {
      second = first;
      first = distance;
      at = which;
    } else if (distance < second) {
      second = distance;
    }
  }
};

/// Where the points of each level begin, and behind the last level the end.
std::vector<size_t> level_starts(const FilmFeatures& film, int levels) {
  std::vector<size_t> starts(size_t(levels) + 1, 0);
  for (const Keypoint& p : film.points) ++starts[size_t(p.level) + 1];
  for (size_t k = 1; k < starts.size(); ++k) starts[k] += starts[k - 1];
  return starts;
}

/// For each keypoint of two films the nearest of the other, among those that lie near enough and have about its scale.
struct Nearest {
  const FilmFeatures &a, &b;
  std::vector<Best> of_a, of_b;

  /// Points [a0, a1) of `a` against [b0, b1) of `b`; both lists go down the film.
  void compare(size_t a0, size_t a1, size_t b0, size_t b1) {
    for (size_t i = a0; i < a1; ++i) {
      const Keypoint& p = a.points[i];
      while (b0 < b1 && b.points[b0].y < p.y - kFarthest) ++b0;
      for (size_t j = b0; j < b1 && b.points[j].y <= p.y + kFarthest; ++j) {
        if (std::abs(p.x - b.points[j].x) > kFarthest) continue;
        const int32_t distance =
            a.lengths[i] + b.lengths[j] -
            2 * product(&a.descriptors[i * kDescriptorValues], &b.descriptors[j * kDescriptorValues]);
        of_a[i].see(int(j), distance);
        of_b[j].see(int(i), distance);
      }
    }
  }
};

/// Keypoints that are each other's nearest, and clearly nearer than the next.
std::vector<Pair> alike(const FilmFeatures& a, const FilmFeatures& b) {
  if (a.points.empty() || b.points.empty()) return {};
  Nearest nearest{a, b, std::vector<Best>(a.points.size()), std::vector<Best>(b.points.size())};
  const int levels = std::max(a.points.back().level, b.points.back().level) + 1;
  const std::vector<size_t> starts_a = level_starts(a, levels), starts_b = level_starts(b, levels);
  for (int k = 0; k < levels; ++k)
    for (int l = std::max(0, k - kLevels); l <= std::min(levels - 1, k + kLevels); ++l)
      nearest.compare(starts_a[size_t(k)], starts_a[size_t(k) + 1], starts_b[size_t(l)],
                      starts_b[size_t(l) + 1]);
  const std::vector<Best>&of_a = nearest.of_a, &of_b = nearest.of_b;
  std::vector<Pair> pairs;
  for (size_t i = 0; i < of_a.size(); ++i) {
    const Best& best = of_a[i];
    if (best.at < 0 || of_b[size_t(best.at)].at != int(i)) continue;
    if (double(best.first) >= kRatio * kRatio * double(std::min(best.second, of_b[size_t(best.at)].second)))
      continue;
    const Keypoint& q = b.points[size_t(best.at)];
    pairs.push_back({a.points[i].x, a.points[i].y, q.x, q.y});
  }
  return pairs;
}

/// Squared distance between where the map carries a pair's first place and its second.
double miss(const FilmMap& m, const Pair& p) {
  const double du = m.a * p.x + m.b * p.y + m.c - p.u, dv = m.d * p.x + m.e * p.y + m.f - p.v;
  return du * du + dv * dv;
}

bool fits(const FilmMap& m, const Pair& p, double tolerance) { return miss(m, p) <= tolerance * tolerance; }

/// The turned and zoomed map through two pairs; false where they are too near each other, or it turns or zooms more than
/// films of one person do.
bool through(const Pair& p, const Pair& q, FilmMap* map) {
  const double dx = q.x - p.x, dy = q.y - p.y, du = q.u - p.u, dv = q.v - p.v, length = dx * dx + dy * dy;
  if (length < kFeatureSide * kFeatureSide / 64.0) return false;
  const double a = (dx * du + dy * dv) / length, d = (dx * dv - dy * du) / length, zoom = a * a + d * d;
  if (zoom > kMostZoom * kMostZoom || zoom * kMostZoom * kMostZoom < 1 || std::abs(d) > kMostTurn * a)
    return false;
  *map = {a, -d, p.u - a * p.x + d * p.y, d, a, p.v - d * p.x - a * p.y};
  return true;
}

/// Every two pairs in turn propose a map: no chance, and most are refused at once. The one with the largest sum of what its
/// misses leave of the tolerance (P. Torr and A. Zisserman's MSAC, 2000): a count would leave it to ties.
///
/// That is cubic in the pairs, of which copies of one film have hundreds. There the first map is taken that has more than
/// half of all that the pairs could give: what it leaves cannot give another as much, and refit() makes the same of any
/// that is so near.
FilmMap best_similarity(const std::vector<Pair>& pairs, int* proposed) {
  FilmMap best, map;
  double most = 0;
  const double enough = pairs.size() < kMany ? std::numeric_limits<double>::infinity()
                                             : 0.5 * kNear * kNear * double(pairs.size());
  for (size_t i = 0; i < pairs.size(); ++i)
    for (size_t j = i + 1; j < pairs.size(); ++j) {
      if (!through(pairs[i], pairs[j], &map)) continue;
      ++*proposed;
      double sum = 0;
      for (const Pair& p : pairs) sum += std::max(0.0, kNear * kNear - miss(map, p));
      if (sum <= most) continue;
      most = sum;
      best = map;
      if (most > enough) return best;
    }
  return best;
}

/// Least squares over the pairs that `map` fits; unchanged where they do not determine an affine map.
FilmMap refit(const FilmMap& map, const std::vector<Pair>& pairs, double tolerance) {
  double n = 0, mx = 0, my = 0, mu = 0, mv = 0;
  for (const Pair& p : pairs)
    if (fits(map, p, tolerance)) {
      n += 1;
      mx += p.x;
      my += p.y;
      mu += p.u;
      mv += p.v;
    }
  if (n < 4) return map;
  mx /= n, my /= n, mu /= n, mv /= n;
  double xx = 0, xy = 0, yy = 0, xu = 0, yu = 0, xv = 0, yv = 0;
  for (const Pair& p : pairs)
    if (fits(map, p, tolerance)) {
      const double x = p.x - mx, y = p.y - my, u = p.u - mu, v = p.v - mv;
      xx += x * x, xy += x * y, yy += y * y;
      xu += x * u, yu += y * u, xv += x * v, yv += y * v;
    }
  const double det = xx * yy - xy * xy;
  if (det < 1e-3 * n * n * kFeatureSide) return map;
  FilmMap out;
  out.a = (xu * yy - yu * xy) / det;
  out.b = (yu * xx - xu * xy) / det;
  out.d = (xv * yy - yv * xy) / det;
  out.e = (yv * xx - xv * xy) / det;
  out.c = mu - out.a * mx - out.b * my;
  out.f = mv - out.d * mx - out.e * my;
  return out;
}

}  // namespace

FilmMatch match_films(const FilmFeatures& first, const FilmFeatures& second) {
  FilmMatch match;
  const std::vector<Pair> pairs = alike(first, second);
  match.alike = int(pairs.size());
  if (pairs.size() < 4) return match;
  match.map = best_similarity(pairs, &match.proposed);
  for (const double tolerance : {kNear, (kNear + kClose) / 2, kClose, kClose})
    match.map = refit(match.map, pairs, tolerance);
  for (const Pair& p : pairs) match.inliers += fits(match.map, p, kClose);
  return match;
}

double overlay_correlation(const FilmFeatures& first, const FilmFeatures& second, const FilmMap& m) {
  const FloatImage &a = first.flat, &b = second.flat;
  const double share_a = double(first.width) / a.width, share_b = double(second.width) / b.width;
  double n = 0, sa = 0, sb = 0, aa = 0, bb = 0, ab = 0;
  for (int y = 0; y < a.height; ++y)
    for (int x = 0; x < a.width; ++x) {
      const double px = (x + .5) * share_a, py = (y + .5) * share_a;
      const double u = (m.a * px + m.b * py + m.c) / share_b - .5,
                   v = (m.d * px + m.e * py + m.f) / share_b - .5;
      const int i = int(std::floor(u)), j = int(std::floor(v));
      if (i < 0 || j < 0 || i + 1 >= b.width || j + 1 >= b.height) continue;
      const double fu = u - i, fv = v - j;
      const double q = (1 - fv) * ((1 - fu) * double(b.at(i, j)) + fu * double(b.at(i + 1, j))) +
                       fv * ((1 - fu) * double(b.at(i, j + 1)) + fu * double(b.at(i + 1, j + 1)));
      const double p = double(a.at(x, y));
      n += 1, sa += p, sb += q, aa += p * p, bb += q * q, ab += p * q;
    }
  if (n * 4 < double(a.width) * a.height) return 0;
  const double spread = (aa - sa * sa / n) * (bb - sb * sb / n);
  return spread > 0 ? (ab - sa * sb / n) / std::sqrt(spread) : 0;
}

}  // namespace cawe::data
