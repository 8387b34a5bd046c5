// SPDX-License-Identifier: Apache-2.0
// MedGA: numbers by hand, the fitness computed a second time from the formula, exhaustive search where the
// space is small, and what holds for any film.
#include "models/enhance/medga.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "tensor/parallel.h"
#include "tensor/random.h"

namespace cawe::models {
namespace {

using Form = MedgaSettings::Form;
using Lut = std::array<uint8_t, 256>;

LevelHistogram histogram(const std::vector<std::pair<int, int64_t>>& bins) {
  LevelHistogram h{};
  for (const auto& [level, count] : bins) h[size_t(level)] = count;
  return h;
}

/// The second computation: a list of pixels, split by comparing each, two passes for a deviation.
struct Naive {
  std::vector<int> pixels;
  explicit Naive(const LevelHistogram& h) {
    for (int g = 1; g < 256; ++g)
      for (int64_t k = 0; k < h[size_t(g)]; ++k) pixels.push_back(g);
  }
  struct Half {
    double mean = 0, deviation = 0, half_width = 0;
    bool empty = true;
  };
  Half half(int t, bool upper) const {
    std::vector<int> mine;
    for (const int g : pixels)
      if ((g > t) == upper) mine.push_back(g);
    if (mine.empty()) return {};
    long double sum = 0, squares = 0;
    for (const int g : mine) sum += g;
    const long double n = (long double)(mine.size()), mean = sum / n;
    for (const int g : mine) squares += (g - mean) * (g - mean);
    const auto [low, high] = std::minmax_element(mine.begin(), mine.end());
    return {double(mean), double(std::sqrt(squares / n)), (*high - *low) / 2.0, false};
  }
  int threshold() const {
    double mean = 0;
    for (const int g : pixels) mean += g / double(pixels.size());
    std::vector<int> path{int(std::floor(mean + 1e-9))};
    while (path.size() <= 100) {
      const Half a = half(path.back(), false), b = half(path.back(), true);
      if (a.empty || b.empty) break;
      const int moved = int(std::floor((a.mean + b.mean) / 2));
      if (moved == path.back()) break;
      path.push_back(moved);
    }
    return path.back();
  }
  double fitness(Form form) const {
    const int t = threshold();
    const Half a = half(t, false), b = half(t, true);
    if (a.empty || b.empty) return std::numeric_limits<double>::infinity();
    double sum = std::fabs(2 * t - a.mean - b.mean);
    for (const Half& c : {a, b})
      sum += form == Form::article ? std::fabs(c.half_width - 3 * c.deviation)
                                   : std::fabs(0.33 * c.half_width - c.deviation);
    return sum;
  }
};

/// A few random levels with random counts, now and then a single one.
LevelHistogram random_histogram(uint64_t number) {
  Random random(17, "medga histogram", number);
  LevelHistogram h{};
  const uint64_t levels = 1 + random.next_below(number % 3 == 0 ? 4 : 40);
  for (uint64_t i = 0; i < levels; ++i)
    h[size_t(1 + random.next_below(255))] += int64_t(1 + random.next_below(30));
  return h;
}

LevelHistogram mapped(const LevelHistogram& h, const Lut& lut) {
  LevelHistogram out{};
  for (size_t g = 1; g < 256; ++g) out[lut[g]] += h[g];
  return out;
}

TEST(Medga, GoldenOfTheSpec) {
  const LevelHistogram h = histogram({{10, 4}, {20, 4}, {200, 2}, {220, 2}});
  EXPECT_EQ(medga_threshold(h), 112);
  EXPECT_NEAR(medga_fitness(h, Form::article), 31, 1e-9);
  EXPECT_NEAR(medga_fitness(h, Form::reference), 11.05, 1e-9);
}

TEST(Medga, ThresholdGoesDownToo) {
  // Mean (90 * 10 + 10 * 200) / 100 = 29: T0 = 29. Means 10 and 200: T = 105, and it stays. From above:
  // {10: 10, 100: 1, 200: 90}: mean (100 + 100 + 18000) / 101 = 180.2; means of <= 180: 200 / 11 = 18.18, of
  // > 180: 200; T = 109; then {10, 100} and {200} again: stays. A rule that stops where T does not grow gives
  // 180.
  EXPECT_EQ(medga_threshold(histogram({{10, 90}, {200, 10}})), 105);
  EXPECT_EQ(medga_threshold(histogram({{10, 10}, {100, 1}, {200, 90}})), 109);
}

TEST(Medga, FitnessEqualsASecondComputation) {
  int infinite = 0;
  for (uint64_t number = 0; number < 300; ++number) {
    const LevelHistogram h = random_histogram(number);
    const Naive naive(h);
    EXPECT_EQ(medga_threshold(h), naive.threshold()) << number;
    for (const Form form : {Form::article, Form::reference}) {
      const double ours = medga_fitness(h, form), theirs = naive.fitness(form);
      if (std::isinf(theirs)) {
        EXPECT_EQ(ours, theirs) << number;
      } else {
        EXPECT_NEAR(ours, theirs, 1e-9) << number;
      }
      infinite += std::isinf(theirs);
    }
  }
  EXPECT_GT(infinite, 4) << "no histogram with an empty class was among them";
  EXPECT_LT(infinite, 100);
}

TEST(Medga, DeviationOfOneLevelIsNothing) {
  // Two classes of one level each: |2 T - 7 - 201| with T = 104, and no spread at all, however many pixels.
  EXPECT_EQ(medga_fitness(histogram({{7, 12345677}, {201, 7654321}}), Form::article), 0);
}

/// The least fitness over every monotone mapping of three levels, by trying all.
double best_of_all(const LevelHistogram& h, const std::vector<int>& levels, Form form) {
  double best = std::numeric_limits<double>::infinity();
  for (int a = 1; a <= levels[2]; ++a)
    for (int b = a; b <= levels[2]; ++b)
      for (int c = b; c <= levels[2]; ++c) {
        LevelHistogram m{};
        m[size_t(a)] += h[size_t(levels[0])];
        m[size_t(b)] += h[size_t(levels[1])];
        m[size_t(c)] += h[size_t(levels[2])];
        best = std::min(best, medga_fitness(m, form));
      }
  return best;
}

TEST(Medga, FindsTheBestOfASmallSpace) {
  const std::vector<int> levels{5, 17, 40};
  const LevelHistogram h = histogram({{5, 30}, {17, 11}, {40, 25}});
  for (const Form form : {Form::article, Form::reference})
    for (const auto mutation : {MedgaSettings::Mutation::uniform, MedgaSettings::Mutation::side}) {
      MedgaSettings s;
      s.form = form;
      s.mutation = mutation;
      const double best = best_of_all(h, levels, form);
      const double found = medga_fitness(mapped(h, medga_mapping(h, 1, 2, s)), form);
      EXPECT_NEAR(found, best, 1e-9) << int(form) << int(mutation);
      EXPECT_LT(found, medga_fitness(h, form)) << "better than the film as it is";
    }
}

TEST(Medga, MappingsAreMonotoneAndKeepTheBackground) {
  for (uint64_t number = 0; number < 40; ++number) {
    const LevelHistogram h = random_histogram(number);
    MedgaSettings s;
    s.generations = 5;
    s.mutation = number % 2 ? MedgaSettings::Mutation::side : MedgaSettings::Mutation::uniform;
    const Lut lut = medga_mapping(h, 3, number, s);
    EXPECT_EQ(lut[0], 0);
    size_t top = 255;
    while (h[top] == 0) --top;
    int occupied = 0;
    for (size_t g = 1; g < 256; ++g) {
      EXPECT_GE(lut[g], lut[g - 1]) << number << " at " << g;
      occupied += h[g] != 0;
    }
    if (occupied < 2) continue;
    for (size_t g = 1; g <= top; ++g)
      if (h[g] != 0) {
        EXPECT_GE(lut[g], 1) << "a tissue level became background";
        EXPECT_LE(size_t(lut[g]), top);
      }
  }
}

TEST(Medga, FewerThanTwoLevelsStay) {
  for (const auto& h : {histogram({}), histogram({{77, 9}})}) {
    const Lut lut = medga_mapping(h, 0, 0);
    for (size_t g = 0; g < 256; ++g) EXPECT_EQ(lut[g], g);
  }
}

TEST(Medga, NoChildIsWorseThanItsElite) {
  // With one more generation the best can only get better: the elite stays, and streams are keyed by
  // generation.
  const LevelHistogram h = random_histogram(7);
  double last = std::numeric_limits<double>::infinity();
  std::set<double> seen;
  for (int generations = 1; generations <= 40; generations += 3) {
    MedgaSettings s;
    s.generations = generations;
    s.population = 31;  // the last pair has one child
    s.tournament = 2;   // parents are drawn almost blindly and changed a lot: only the elite keeps the best
    s.mutation_rate = 0.05;
    const double now = medga_fitness(mapped(h, medga_mapping(h, 5, 6, s)), s.form);
    EXPECT_LE(now, last) << generations;
    seen.insert(last = now);
  }
  EXPECT_GT(seen.size(), 3u) << "the search does not move";
}

TEST(Medga, SameBitsOnAnyNumberOfThreads) {
  std::vector<float> values;
  Random random(8, "medga film");
  for (int i = 0; i < 2 * 48 * 40; ++i)
    values.push_back(float(random.next_below(i % 3 == 0 ? 60 : 200)) / 255.0f);
  const Tensor films = Tensor::from(values, {2, 1, 48, 40});
  MedgaSettings s;
  s.generations = 12;
  const int before = num_threads();
  set_num_threads(1);
  const std::vector<float> one = medga(films, 4, s).to_vector<float>();
  for (const int threads : {2, 3, 5}) {
    set_num_threads(threads);
    EXPECT_EQ(medga(films, 4, s).to_vector<float>(), one) << threads << " threads, films in parallel";
    // One film alone: now its individuals are what is spread over the threads.
    const std::vector<float> second = medga(films.slice(0, 1, 2), 4, s).to_vector<float>();
    EXPECT_TRUE(std::equal(second.begin(), second.end(), one.begin() + 48 * 40)) << threads;
  }
  set_num_threads(before);
  EXPECT_NE(medga(films, 5, s).to_vector<float>(), one) << "the seed does nothing";
}

TEST(Medga, PixelsFollowTheMapping) {
  std::vector<float> values;
  for (int i = 0; i < 256; ++i) values.push_back(float(i % 23 * 7) / 255.0f);  // 0, 7 .. 154
  MedgaSettings s;
  s.generations = 8;
  const std::vector<float> out = medga(Tensor::from(values, {1, 1, 16, 16}), 1, s).to_vector<float>();
  for (size_t i = 0; i < values.size(); ++i)
    for (size_t k = 0; k < values.size(); ++k) {
      if (values[i] == 0) {
        EXPECT_EQ(out[i], 0);
      }
      if (values[i] <= values[k]) {
        EXPECT_LE(out[i], out[k]) << i << ' ' << k;
      }
    }
}

/// The second computation of the search: one list of genes after the other, no counting sort, no parallel parts.
class NaiveSearch {
 public:
  NaiveSearch(const LevelHistogram& h, const MedgaSettings& s) : h_(h), s_(s) {
    for (int g = 1; g < 256; ++g)
      if (h[size_t(g)] > 0) levels_.push_back(g);
  }

  Lut run(uint64_t seed, uint64_t image) const {
    std::vector<Genes> all;
    for (int i = 0; i < s_.population; ++i) {
      Random random(seed, "medga", image, 0, uint64_t(i));
      Genes genes;
      for (size_t k = 0; k < levels_.size(); ++k) genes.push_back(anywhere(random));
      all.push_back(in_order(genes));
    }
    for (int generation = 1; generation < s_.generations; ++generation) {
      std::vector<Genes> next{best(all)};
      for (uint64_t pair = 0; int(next.size()) < s_.population; ++pair) {
        Random random(seed, "medga", image, uint64_t(generation), pair);
        const Genes mother = winner(all, random), father = winner(all, random);
        std::vector<Genes> children{mother, father};
        if (random.next_uniform() < s_.crossover_rate) children = crossed(mother, father, random);
        for (const Genes& child : children)
          if (int(next.size()) < s_.population) next.push_back(in_order(mutated(child, random)));
      }
      all = next;
    }
    const Genes chosen = best(all);
    Lut lut{};
    for (size_t g = 1; g < 256; ++g) {
      lut[g] = lut[g - 1];
      for (size_t k = 0; k < levels_.size(); ++k)
        if (levels_[k] == int(g)) lut[g] = uint8_t(chosen[k]);
    }
    return lut;
  }

 private:
  using Genes = std::vector<int>;

  int anywhere(Random& random) const { return 1 + int(random.next_below(uint64_t(levels_.back()))); }
  static Genes in_order(Genes genes) {
    std::sort(genes.begin(), genes.end());
    return genes;
  }
  LevelHistogram histogram_of(const Genes& genes) const {
    LevelHistogram out{};
    for (size_t k = 0; k < genes.size(); ++k) out[size_t(genes[k])] += h_[size_t(levels_[k])];
    return out;
  }
  double fitness(const Genes& genes) const { return medga_fitness(histogram_of(genes), s_.form); }
  const Genes& best(const std::vector<Genes>& all) const {
    size_t at = 0;
    for (size_t i = 1; i < all.size(); ++i)
      if (fitness(all[i]) < fitness(all[at])) at = i;
    return all[at];
  }
  const Genes& winner(const std::vector<Genes>& all, Random& random) const {
    size_t at = random.next_below(all.size());
    for (int i = 1; i < s_.tournament; ++i) {
      const size_t other = random.next_below(all.size());
      if (fitness(all[other]) < fitness(all[at])) at = other;
    }
    return all[at];
  }
  /// Half of the genes, rounded up, change sides: from the drawn place on where it lies in the first half, up to
  /// it where it lies in the second; the middle one of an odd number is the last of the first half, the one behind
  /// the middle of an even number the first of the second.
  static std::vector<Genes> crossed(const Genes& a, const Genes& b, Random& random) {
    const int n = int(a.size()), half = (n + 1) / 2, at = int(random.next_below(uint64_t(n)));
    const int from = at < half ? at : at - half + 1;
    Genes first, second;
    for (int k = 0; k < n; ++k) {
      const bool inside = k >= from && k < from + half;
      first.push_back(inside ? a[size_t(k)] : b[size_t(k)]);
      second.push_back(inside ? b[size_t(k)] : a[size_t(k)]);
    }
    return {first, second};
  }
  Genes mutated(Genes genes, Random& random) const {
    const bool side = s_.mutation == MedgaSettings::Mutation::side;
    if (side) genes = in_order(genes);
    const int t = side ? medga_threshold(histogram_of(genes)) : 0;
    for (int& gene : genes) {
      if (!(random.next_uniform() < s_.mutation_rate)) continue;
      if (!side)
        gene = anywhere(random);
      else if (gene <= t)
        gene = 1 + int(random.next_below(uint64_t(t)));
      else
        gene = t + 1 + int(random.next_below(uint64_t(levels_.back() - t)));
    }
    return genes;
  }

  const LevelHistogram& h_;
  const MedgaSettings& s_;
  std::vector<int> levels_;
};

TEST(Medga, SearchEqualsASecondComputation) {
  for (uint64_t number = 0; number < 60; ++number) {
    const LevelHistogram h = random_histogram(number);
    if (std::count_if(h.begin(), h.end(), [](int64_t n) { return n > 0; }) < 2) continue;
    MedgaSettings s;
    s.population = 4 + int(number % 5);
    s.generations = 1 + int(number % 7);
    s.tournament = 1 + int(number % 3);
    s.crossover_rate = number % 4 == 0 ? 1 : 0.6;
    s.mutation_rate = number % 5 == 0 ? 0 : 0.15;
    s.mutation = number % 2 ? MedgaSettings::Mutation::side : MedgaSettings::Mutation::uniform;
    EXPECT_EQ(medga_mapping(h, 9, number, s), NaiveSearch(h, s).run(9, number)) << "histogram " << number;
  }
}

TEST(Medga, RatesOfNothingAndOfAll) {
  // Without crossover and mutation children are their parents: the best stays the best of the first generation.
  const LevelHistogram h = random_histogram(7);
  MedgaSettings s;
  s.population = 20;
  s.crossover_rate = s.mutation_rate = 0;
  s.generations = 1;
  const Lut first = medga_mapping(h, 5, 6, s);
  s.generations = 25;
  EXPECT_EQ(medga_mapping(h, 5, 6, s), first);
  s.mutation_rate = 0.05;
  EXPECT_NE(medga_mapping(h, 5, 6, s), first) << "a gene in twenty finds something better";
}

TEST(Medga, RefusesSettingsWithoutMeaning) {
  const LevelHistogram h = random_histogram(1);
  MedgaSettings s;
  s.population = 0;
  EXPECT_THROW(medga_mapping(h, 0, 0, s), Error);
  s = {};
  s.mutation_rate = 1.5;
  EXPECT_THROW(medga_mapping(h, 0, 0, s), Error);
}

}  // namespace
}  // namespace cawe::models
