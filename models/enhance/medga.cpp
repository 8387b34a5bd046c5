// SPDX-License-Identifier: Apache-2.0
#include "models/enhance/medga.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "models/enhance/gray_levels.h"
#include "tensor/random.h"

namespace cawe::models {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

/// Count, mean, deviation and occupied range of the levels in [from, to].
struct ClassStatistics {
  int64_t count = 0;
  double mean = 0, deviation = 0, half_width = 0;
};

/// Running sums over the levels, so that the statistics of any range take no loop. All sums are whole numbers
/// below 2^53: exact, in any order.
class RunningSums {
 public:
  explicit RunningSums(const LevelHistogram& h) : RunningSums() {
    int below = -1;
    for (size_t g = 1; g < 256; ++g) {
      const double n = double(h[g]);
      count_[g] = count_[g - 1] + h[g];
      sum_[g] = sum_[g - 1] + double(g) * n;
      squares_[g] = squares_[g - 1] + double(g) * double(g) * n;
      if (h[g] != 0) below = int(g);
      last_[g] = below;
    }
    int above = -1;
    for (size_t g = 255; g > 0; --g) {
      if (h[g] != 0) above = int(g);
      first_[g] = above;
    }
  }

  ClassStatistics of(int from, int to) const {  // 1 <= from, to <= 255
    ClassStatistics s;
    if (from > to) return s;
    const size_t a = size_t(from) - 1, b = size_t(to);
    s.count = count_[b] - count_[a];
    if (s.count == 0) return s;
    s.mean = (sum_[b] - sum_[a]) / double(s.count);
    s.deviation = std::sqrt(std::max(0.0, (squares_[b] - squares_[a]) / double(s.count) - s.mean * s.mean));
    s.half_width = (last_[b] - first_[a + 1]) / 2.0;
    return s;
  }

 private:
  RunningSums() = default;
  std::array<int64_t, 256> count_{};
  std::array<double, 256> sum_{}, squares_{};
  std::array<int, 256> first_{}, last_{};  ///< occupied level at or above, at or below
};

int threshold_of(const RunningSums& sums) {
  int threshold = int(std::floor(sums.of(1, 255).mean));
  for (int round = 0; round < 100; ++round) {
    const ClassStatistics below = sums.of(1, threshold), above = sums.of(threshold + 1, 255);
    if (below.count == 0 || above.count == 0) break;
    const int moved = int(std::floor((below.mean + above.mean) / 2));
    if (moved == threshold) break;
    threshold = moved;
  }
  return threshold;
}

using Genes = std::vector<uint8_t>;  ///< new levels of the occupied ones, ascending

struct Individual {
  Genes genes;
  double fitness = kInfinite;
};

/// One run of the genetic algorithm on one histogram.
class Evolution {
 public:
  Evolution(const LevelHistogram& histogram, uint64_t seed, uint64_t image, const MedgaSettings& settings)
      : settings_(settings), random_(seed, "medga", image) {
    for (int g = 1; g < 256; ++g) {
      if (histogram[size_t(g)] == 0) continue;
      levels_.push_back(g);
      counts_.push_back(histogram[size_t(g)]);
    }
  }

  size_t genes() const { return levels_.size(); }

  std::array<uint8_t, 256> run() {
    std::vector<Individual> population(size_t(settings_.population));
    for (Individual& one : population) {
      one.genes.resize(genes());
      for (uint8_t& gene : one.genes) gene = any_level();
      evaluate(one);
    }
    for (int generation = 1; generation < settings_.generations; ++generation) population = next(population);
    const Genes& best = std::min_element(population.begin(), population.end(), fitter)->genes;
    std::array<uint8_t, 256> lut{};
    for (size_t i = 0; i < genes(); ++i) lut[size_t(levels_[i])] = best[i];
    // Levels that the image does not have follow the nearest occupied one below, so that the mapping is
    // monotone.
    for (size_t g = 1; g < 256; ++g)
      if (std::find(levels_.begin(), levels_.end(), int(g)) == levels_.end()) lut[g] = lut[g - 1];
    return lut;
  }

 private:
  static bool fitter(const Individual& a, const Individual& b) { return a.fitness < b.fitness; }

  uint8_t any_level() { return uint8_t(1 + random_.next_below(uint64_t(levels_.back()))); }

  /// By counting: there are 256 values only.
  static void sort_levels(Genes* genes) {
    std::array<int, 256> count{};
    for (const uint8_t gene : *genes) ++count[gene];
    size_t at = 0;
    for (size_t g = 0; g < 256; ++g)
      for (int k = 0; k < count[g]; ++k) (*genes)[at++] = uint8_t(g);
  }

  LevelHistogram mapped(const Genes& genes) const {
    LevelHistogram h{};
    for (size_t i = 0; i < genes.size(); ++i) h[genes[i]] += counts_[i];
    return h;
  }

  void evaluate(Individual& one) const {
    sort_levels(&one.genes);
    one.fitness = medga_fitness(mapped(one.genes), settings_.form);
  }

  const Individual& tournament(const std::vector<Individual>& population) {
    const Individual* best = nullptr;
    for (int i = 0; i < settings_.tournament; ++i) {
      const Individual& one = population[random_.next_below(population.size())];
      if (best == nullptr || fitter(one, *best)) best = &one;
    }
    return *best;
  }

  /// A run of round(n / 2) genes ending or starting at a random place comes from a, the rest from b.
  void cross(const Genes& a, const Genes& b, Genes* first, Genes* second) {
    const size_t n = genes(), length = (n + 1) / 2, at = random_.next_below(n);
    const size_t begin = 2 * at >= n ? at + 1 - std::min(length, at + 1) : at;
    const size_t end = std::min(n, 2 * at >= n ? at + 1 : at + length);
    *first = b;
    *second = a;
    std::copy(a.begin() + long(begin), a.begin() + long(end), first->begin() + long(begin));
    std::copy(b.begin() + long(begin), b.begin() + long(end), second->begin() + long(begin));
  }

  void mutate(Genes& genes) {
    const int threshold =
        settings_.mutation == MedgaSettings::Mutation::side ? medga_threshold(mapped(genes)) : 0;
    for (uint8_t& gene : genes) {
      if (random_.next_uniform() >= settings_.mutation_rate) continue;
      if (settings_.mutation == MedgaSettings::Mutation::uniform) {
        gene = any_level();
      } else {
        const int low = gene <= threshold ? 1 : threshold + 1,
                  high = gene <= threshold ? threshold : levels_.back();
        if (high >= low) gene = uint8_t(low + int(random_.next_below(uint64_t(high - low + 1))));
      }
    }
  }

  std::vector<Individual> next(const std::vector<Individual>& population) {
    std::vector<Individual> children{*std::min_element(population.begin(), population.end(), fitter)};
    while (children.size() < population.size()) {
      const Individual &a = tournament(population), &b = tournament(population);
      Individual first{a.genes, 0}, second{b.genes, 0};
      if (random_.next_uniform() < settings_.crossover_rate)
        cross(a.genes, b.genes, &first.genes, &second.genes);
      for (Individual* child : {&first, &second}) {
        if (children.size() == population.size()) break;
        mutate(child->genes);
        evaluate(*child);
        children.push_back(std::move(*child));
      }
    }
    return children;
  }

  MedgaSettings settings_;
  Random random_;
  std::vector<int> levels_;
  std::vector<int64_t> counts_;
};

}  // namespace

int medga_threshold(const LevelHistogram& h) { return threshold_of(RunningSums(h)); }

double medga_fitness(const LevelHistogram& h, MedgaSettings::Form form) {
  const RunningSums sums(h);
  const int t = threshold_of(sums);
  const ClassStatistics below = sums.of(1, t), above = sums.of(t + 1, 255);
  if (below.count == 0 || above.count == 0) return kInfinite;
  const auto spread = [form](const ClassStatistics& s) {
    return form == MedgaSettings::Form::article ? std::abs(s.half_width - 3 * s.deviation)
                                                : std::abs(0.33 * s.half_width - s.deviation);
  };
  return std::abs(2.0 * t - below.mean - above.mean) + spread(below) + spread(above);
}

std::array<uint8_t, 256> medga_mapping(const LevelHistogram& histogram, uint64_t seed, uint64_t image,
                                       const MedgaSettings& settings) {
  CAWE_CHECK(settings.population > 0 && settings.generations > 0 && settings.tournament > 0, Code::usage,
             "medga: population ", settings.population, ", generations ", settings.generations,
             ", tournament ", settings.tournament, " (expected at least 1 each)");
  Evolution evolution(histogram, seed, image, settings);
  if (evolution.genes() < 2) {
    std::array<uint8_t, 256> identity;
    std::iota(identity.begin(), identity.end(), uint8_t{0});
    return identity;
  }
  return evolution.run();
}

Tensor medga(const Tensor& gray, uint64_t seed, const MedgaSettings& settings) {
  return map_gray_levels("medga", gray, [&](int64_t, const std::vector<uint8_t>& levels, int64_t, int64_t) {
    LevelHistogram histogram{};
    uint64_t key = 0xcbf29ce484222325ull;
    for (uint8_t g : levels) {
      ++histogram[g];
      key = (key ^ g) * 0x100000001b3ull;
    }
    histogram[0] = 0;  // background stays 0
    const std::array<uint8_t, 256> lut = medga_mapping(histogram, seed, key, settings);
    std::vector<uint8_t> out(levels.size());
    std::transform(levels.begin(), levels.end(), out.begin(), [&](uint8_t g) { return lut[g]; });
    return out;
  });
}

}  // namespace cawe::models
