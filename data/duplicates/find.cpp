// SPDX-License-Identifier: Apache-2.0
// All films against all.
#include "data/duplicates/find.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <mutex>

#include "data/dataset.h"
#include "data/decode.h"
#include "data/fingerprint.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/stop_signal.h"
#include "tensor/text.h"

namespace cawe::data {
namespace {

struct Read {
  FilmFeatures features;
  std::string pixels, problem;
};

/// Progress that several threads report to.
class Counter {
 public:
  Counter(const std::string& label, int64_t total, bool quiet) : progress_(label, total, quiet) {}
  void add(int64_t more) {
    check_stop("data duplicates");
    const std::lock_guard<std::mutex> lock(mutex_);
    progress_.update(done_ += more);
  }

 private:
  std::mutex mutex_;
  int64_t done_ = 0;
  Progress progress_;
};

Read read_one(const Sample& sample) {
  Read read;
  try {
    const FloatImage film = decode_gray(sample);
    read.pixels = pixel_hash(film);
    read.features = film_features(film);
  } catch (const Error& error) {
    if (!rejects_one_film(error.code())) throw;
    read.problem = error.what();
  }
  return read;
}

std::vector<Read> read_all(const std::vector<Sample>& films, bool quiet) {
  std::vector<Read> read(films.size());
  Counter counter("reading films", int64_t(films.size()), quiet);
  parallel_tasks(int64_t(films.size()), [&](int64_t i) {
    read[size_t(i)] = read_one(films[size_t(i)]);
    counter.add(1);
  });
  return read;
}

constexpr int kLeastTypical = 8, kMostTypical = 25, kUsualTypical = 17;
constexpr int64_t kFewOthers = 30;

/// How often each film has how many inliers with another. Whole numbers, so that the order of counting is of no matter.
class InlierCounts {
 public:
  explicit InlierCounts(size_t films) : counts_(films * kBins) {}
  void add(size_t film, int inliers) {
    counts_[film * kBins + size_t(std::min(inliers, kBins - 1))].fetch_add(1, std::memory_order_relaxed);
  }
  std::vector<int64_t> of(size_t film) const {
    std::vector<int64_t> counts;
    for (size_t k = 0; k < kBins; ++k) counts.push_back(counts_[film * kBins + k].load());
    return counts;
  }

 private:
  static constexpr int kBins = kMostTypical + 2;
  std::vector<std::atomic<int32_t>> counts_;
};

/// Compares one film with all behind it: keeps what could be a pair, its score not known yet, and counts.
std::vector<FilmPair> compare_one(const std::vector<Read>& read, const std::vector<int64_t>& good, size_t k,
                                  const DuplicateOptions& options, InlierCounts* counts, Counter* counter) {
  constexpr size_t kReport = 256;  // pairs between two looks at the clock and the signals
  std::vector<FilmPair> pairs;
  for (size_t l = k + 1; l < good.size(); ++l) {
    const int64_t i = good[k], j = good[l];
    const Read &a = read[size_t(i)], &b = read[size_t(j)];
    if ((l - k) % kReport == 0) counter->add(kReport);
    // Two blank films are alike in saying nothing.
    if (a.pixels == b.pixels && !a.features.points.empty()) {
      pairs.push_back({i, j, PairKind::identical, std::numeric_limits<double>::quiet_NaN(), 0, 1});
      continue;
    }
    // Inliers and correlation depend a little on which film is laid over which (match.h). The films' pixels decide it, so
    // that names and order of films have no part in what is found.
    const bool swapped = b.pixels < a.pixels;
    const FilmFeatures &one = (swapped ? b : a).features, &other = (swapped ? a : b).features;
    const FilmMatch match = match_films(one, other);
    counts->add(k, match.inliers);
    counts->add(l, match.inliers);
    if (match.inliers < options.score * kLeastTypical) continue;
    const double correlation = overlay_correlation(one, other, match.map);
    const bool near = correlation >= options.near;
    pairs.push_back(
        {i, j, near ? PairKind::near_duplicate : PairKind::same_person, 0, match.inliers, correlation});
  }
  counter->add(int64_t((good.size() - 1 - k) % kReport));
  return pairs;
}

}  // namespace

const char* kind_text(PairKind kind) {
  if (kind == PairKind::identical) return "identical";
  return kind == PairKind::near_duplicate ? "near-duplicate" : "same person likely";
}

int typical_inliers(const std::vector<int64_t>& counts) {
  int64_t others = 0, seen = 0;
  for (const int64_t count : counts) others += count;
  if (others < kFewOthers) return kUsualTypical;
  int n = 0;
  while (seen += counts[size_t(n)], seen * 10 < others * 9) ++n;
  return std::clamp(n, kLeastTypical, kMostTypical);
}

FoundDuplicates find_duplicates(const std::vector<Sample>& films, const DuplicateOptions& options) {
  CAWE_CHECK(options.score >= 1, Code::usage, "data duplicates: a least score of ", options.score,
             " (expected 1 or more: below it every two chests are a pair)");
  FoundDuplicates out;
  const std::vector<Read> read = read_all(films, options.quiet);
  std::vector<int64_t> good;
  for (size_t i = 0; i < read.size(); ++i) {
    if (read[i].problem.empty())
      good.push_back(int64_t(i));
    else
      out.rejected.push_back({films[i].path, "file", read[i].problem});
  }
  // A task is a film against all behind it; the first are the longest, so threads end together.
  const auto count = int64_t(good.size());
  std::vector<std::vector<FilmPair>> of_film(good.size());
  InlierCounts counts(good.size());
  Counter counter("comparing pairs", count * (count - 1) / 2, options.quiet);
  parallel_tasks(count, [&](int64_t k) {
    of_film[size_t(k)] = compare_one(read, good, size_t(k), options, &counts, &counter);
  });
  std::vector<int> typical(films.size(), kUsualTypical);
  for (size_t k = 0; k < good.size(); ++k) typical[size_t(good[k])] = typical_inliers(counts.of(k));
  for (const std::vector<FilmPair>& pairs : of_film)
    for (FilmPair pair : pairs) {
      if (pair.kind != PairKind::identical)
        pair.score =
            double(pair.inliers) / std::max(typical[size_t(pair.first)], typical[size_t(pair.second)]);
      if (pair.kind == PairKind::identical || pair.score >= options.score) out.pairs.push_back(pair);
    }
  return out;
}

}  // namespace cawe::data
