// SPDX-License-Identifier: Apache-2.0
#include "models/enhance/medga.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "models/enhance/enhancer.h"
#include "models/enhance/gray_levels.h"
#include "tensor/io/json.h"
#include "tensor/parallel.h"
#include "tensor/random.h"

namespace cawe::models {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

/// Count, mean, deviation and occupied range of the levels in [from, to].
struct ClassStatistics {
  int64_t count = 0;
  double mean = 0, deviation = 0, half_width = 0;
};

/// Prefix sums over the levels, so that the statistics of any range need no loop. All sums are whole numbers
/// below 2^53 for any film of up to 2^37 pixels: exact, in any order.
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
    const double n = double(s.count);
    s.mean = (sum_[b] - sum_[a]) / n;
    s.deviation = std::sqrt(std::max(0.0, (squares_[b] - squares_[a]) / n - s.mean * s.mean));
    s.half_width = (last_[b] - first_[a + 1]) / 2.0;
    return s;
  }

 private:
  RunningSums() = default;
  std::array<int64_t, 256> count_{};
  std::array<double, 256> sum_{}, squares_{};
  std::array<int, 256> first_{}, last_{};  ///< the nearest occupied level at or above, at or below
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

using Genes = std::vector<uint8_t>;  ///< an individual: the new levels of the occupied ones, ascending

struct Individual {
  Genes genes;
  double fitness = kInfinite;
};

/// One run of the genetic algorithm on one histogram. Each pair of children has a random stream of its own,
/// keyed by image, generation and pair, so that pairs can be made in any order, on any number of threads.
class Evolution {
 public:
  Evolution(const LevelHistogram& histogram, uint64_t seed, uint64_t image, const MedgaSettings& settings)
      : settings_(settings), seed_(seed), image_(image) {
    for (int g = 1; g < 256; ++g) {
      if (histogram[size_t(g)] == 0) continue;
      levels_.push_back(g);
      counts_.push_back(histogram[size_t(g)]);
    }
  }

  size_t genes() const { return levels_.size(); }

  std::array<uint8_t, 256> run() const {
    std::vector<Individual> population(size_t(settings_.population));
    parallel_for(settings_.population, 2 * kPairsAtOnce, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        Random random = stream(0, i);
        Individual& one = population[size_t(i)];
        one.genes.resize(genes());
        for (uint8_t& gene : one.genes) gene = any_level(random);
        evaluate(&one);
      }
    });
    for (int generation = 1; generation < settings_.generations; ++generation)
      population = next(population, generation);
    return mapping_of(fittest(population).genes);
  }

 private:
  static bool fitter(const Individual& a, const Individual& b) { return a.fitness < b.fitness; }
  static const Individual& fittest(const std::vector<Individual>& population) {
    return *std::min_element(population.begin(), population.end(), fitter);
  }

  Random stream(int generation, int64_t number) const {
    return Random(seed_, "medga", image_, uint64_t(generation), uint64_t(number));
  }

  uint8_t any_level(Random& random) const { return uint8_t(1 + random.next_below(uint64_t(levels_.back()))); }

  /// Levels that the image does not have take the new level of the nearest occupied one below, so that the
  /// mapping is monotone.
  std::array<uint8_t, 256> mapping_of(const Genes& best) const {
    std::array<uint8_t, 256> lut{};
    size_t next_gene = 0;
    for (size_t g = 1; g < 256; ++g) {
      const bool occupied = next_gene < genes() && levels_[next_gene] == int(g);
      lut[g] = occupied ? best[next_gene++] : lut[g - 1];
    }
    return lut;
  }

  /// Counting sort: there are only 256 values.
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

  void evaluate(Individual* one) const {
    sort_levels(&one->genes);
    one->fitness = medga_fitness(mapped(one->genes), settings_.form);
  }

  const Individual& tournament(const std::vector<Individual>& population, Random& random) const {
    const Individual* best = nullptr;
    for (int i = 0; i < settings_.tournament; ++i) {
      const Individual& one = population[random.next_below(population.size())];
      if (best == nullptr || fitter(one, *best)) best = &one;
    }
    return *best;
  }

  /// Crossover: a run of round(n / 2) genes that ends or starts at a random place comes from a, the rest from
  /// b; `second` is the reverse.
  void cross(const Genes& a, const Genes& b, Random& random, Genes* first, Genes* second) const {
    const size_t n = genes(), length = (n + 1) / 2, at = random.next_below(n);
    const size_t begin = 2 * at >= n ? at + 1 - length : at;
    *first = b;
    *second = a;
    std::copy_n(a.begin() + long(begin), length, first->begin() + long(begin));
    std::copy_n(b.begin() + long(begin), length, second->begin() + long(begin));
  }

  void mutate(Genes* genes, Random& random) const {
    const bool by_side = settings_.mutation == MedgaSettings::Mutation::side;
    if (by_side) sort_levels(genes);  // the threshold belongs to a monotone mapping
    const int threshold = by_side ? medga_threshold(mapped(*genes)) : 0;
    for (uint8_t& gene : *genes) {
      if (random.next_uniform() >= settings_.mutation_rate) continue;
      if (by_side) {
        const int low = gene <= threshold ? 1 : threshold + 1,
                  high = gene <= threshold ? threshold : levels_.back();
        gene = uint8_t(low + int(random.next_below(uint64_t(high - low + 1))));
      } else {
        gene = any_level(random);
      }
    }
  }

  /// The fittest unchanged, then pairs of children; of the last pair the second may be one too many.
  std::vector<Individual> next(const std::vector<Individual>& population, int generation) const {
    std::vector<Individual> children(population.size());
    children[0] = fittest(population);
    const int64_t pairs = int64_t(children.size()) / 2;
    parallel_for(pairs, kPairsAtOnce, [&](int64_t begin, int64_t end) {
      for (int64_t pair = begin; pair < end; ++pair) {
        Random random = stream(generation, pair);
        const Individual& a = tournament(population, random);
        const Individual& b = tournament(population, random);
        Genes genes[2] = {a.genes, b.genes};
        if (random.next_uniform() < settings_.crossover_rate)
          cross(a.genes, b.genes, random, &genes[0], &genes[1]);
        for (size_t k = 0; k < 2 && size_t(2 * pair) + 1 + k < children.size(); ++k) {
          mutate(&genes[k], random);
          Individual& child = children[size_t(2 * pair) + 1 + k];
          child.genes = std::move(genes[k]);
          evaluate(&child);
        }
      }
    });
    return children;
  }

  static constexpr int64_t kPairsAtOnce = 10;

  MedgaSettings settings_;
  uint64_t seed_, image_;
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
  CAWE_CHECK(settings.crossover_rate >= 0 && settings.crossover_rate <= 1 && settings.mutation_rate >= 0 &&
                 settings.mutation_rate <= 1,
             Code::usage, "medga: crossover rate ", settings.crossover_rate, ", mutation rate ",
             settings.mutation_rate, " (expected 0 to 1 each)");
  CAWE_CHECK(histogram[0] == 0, Code::internal, "medga: the histogram counts the background");
  const Evolution evolution(histogram, seed, image, settings);
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
    histogram[0] = 0;  // level 0 is background and stays 0
    const std::array<uint8_t, 256> lut = medga_mapping(histogram, seed, key, settings);
    std::vector<uint8_t> out(levels.size());
    std::transform(levels.begin(), levels.end(), out.begin(), [&](uint8_t g) { return lut[g]; });
    return out;
  });
}

namespace {

class Medga : public Enhancer {
 public:
  Medga(const MedgaSettings& settings, uint64_t seed) : settings_(settings), seed_(seed) {}
  std::string name() const override { return "medga"; }
  std::string settings() const override {
    const bool article = settings_.form == MedgaSettings::Form::article;
    return json_text({{"method", "medga"},
                      {"form", article ? "article" : "reference"},
                      {"mut", settings_.mutation == MedgaSettings::Mutation::uniform ? "uniform" : "side"},
                      {"population", settings_.population},
                      {"generations", settings_.generations},
                      {"tournament", settings_.tournament},
                      {"crossover", settings_.crossover_rate},
                      {"mutation", settings_.mutation_rate},
                      {"seed", seed_}});
  }
  Tensor apply(const Tensor& gray) override {
    check_gray(gray);
    return medga(gray, seed_, settings_);
  }

 private:
  MedgaSettings settings_;
  uint64_t seed_;
};

std::unique_ptr<Enhancer> make_medga(const EnhancerOptions& o) {
  const MethodValues& v = o.values;
  MedgaSettings s;
  if (v.word("medga.form") == "reference") s.form = MedgaSettings::Form::reference;
  if (v.word("medga.mut") == "side") s.mutation = MedgaSettings::Mutation::side;
  s.population = int(v.whole("medga.population"));
  s.generations = int(v.whole("medga.generations"));
  s.tournament = int(v.whole("medga.tournament"));
  s.crossover_rate = v.number("medga.crossover_rate");
  s.mutation_rate = v.number("medga.mutation_rate");
  return std::make_unique<Medga>(s, uint64_t(v.whole("medga.seed")));
}

}  // namespace

std::vector<Method> medga_methods() {
  const MedgaSettings usual;
  const char* const open = "MedGA's \"default parameters\"";
  return {{"medga",
           "MedGA",
           make_medga,
           {},
           {word_key("medga.form", {"article", "reference"},
                     "form of the fitness, see Enhancements: `article` is recalled, not read", open),
            word_key("medga.mut", {"uniform", "side"},
                     "a mutated gene falls anywhere, or on its side of the threshold", open),
            whole_key("medga.population", usual.population, 2, 100000, "individuals of the search", open),
            whole_key("medga.generations", usual.generations, 1, 100000, "rounds of the search", open),
            whole_key("medga.tournament", usual.tournament, 1, 100000, "individuals that compete", open),
            number_key("medga.crossover_rate", usual.crossover_rate, 0, 1, "share of crossed pairs", open),
            number_key("medga.mutation_rate", usual.mutation_rate, 0, 1, "share of mutated genes", open),
            whole_key("medga.seed", 0, 0, std::numeric_limits<double>::infinity(), "seed of the search")}}};
}

}  // namespace cawe::models
