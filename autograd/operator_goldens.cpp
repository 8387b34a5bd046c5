// SPDX-License-Identifier: Apache-2.0
#include "autograd/operator_goldens.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <sstream>

#include "autograd/f32_bar.h"
#include "tensor/io/files.h"
#include "tensor/random.h"

namespace cawe {
namespace {

constexpr uint64_t kSeed = 2026;  // of scripts/goldens/models.py
constexpr size_t kProjections = 3, kSamples = 16, kNumbers = 2 + kProjections + kSamples;
const std::string kPeer = ".f32";  // PyTorch's f32: Euclidean distance, and that of any one element

bool is_peer(const std::string& key) {
  return key.size() > kPeer.size() && key.compare(key.size() - kPeer.size(), kPeer.size(), kPeer) == 0;
}

/// Collects differences, each with what it is relative to and what f32 may be off.
struct Largest {
  GoldenDifference found;
  void add(double difference, double scale, double peer) {
    if (difference == 0) return;
    found.relative = std::max(found.relative, std::fabs(difference) / scale);
    const double bar = std::min(f32_bar(peer, scale), kGoldenBar * scale);
    found.of_bar = std::max(found.of_bar, std::fabs(difference) / bar);
  }
};

}  // namespace

OperatorGoldens::OperatorGoldens(const std::string& path) {
  if (!std::filesystem::exists(path)) return;
  std::istringstream in(read_file(path));
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string key;
    words >> key;
    std::vector<double>& numbers = lines_[key];
    for (double v; words >> v;) numbers.push_back(v);
    const size_t expected = is_peer(key) ? 2 : kNumbers;
    CAWE_CHECK(numbers.size() == expected, Code::data, path, ": ", key, " has ", numbers.size(),
               " numbers (expected ", expected, ")");
  }
  for (const auto& entry : lines_)
    CAWE_CHECK(is_peer(entry.first) || has(entry.first + kPeer), Code::data, path, ": no ", entry.first,
               kPeer, " (run scripts/goldens/operators.py)");
}

GoldenDifference OperatorGoldens::difference(const std::string& key, const Tensor& t, double least) const {
  const std::vector<double>&golden = lines_.at(key), &peer = lines_.at(key + kPeer);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  // A NaN would pass the comparisons below.
  if (double(t.numel()) != golden[0] || !all_finite(t)) return {kInfinity, kInfinity};
  const std::vector<double> x = t.to(DType::f64).to_vector<double>();
  const double norm = golden[1], scale = std::max(norm, least * std::sqrt(golden[0]));
  double squares = 0;
  for (const double v : x) squares += v * v;
  Largest largest;
  largest.add(std::sqrt(squares) - norm, scale, peer[0]);
  for (size_t a = 0; a < kProjections; ++a) {
    const Random random(kSeed, key, a + 1);
    double projection = 0;
    for (size_t i = 0; i < x.size(); ++i) projection += x[i] * (2.0 * double(random.uniform(i)) - 1.0);
    largest.add(projection - golden[2 + a], scale, peer[0]);
  }
  const Random random(kSeed, key);
  const double root_mean_square = scale / std::sqrt(golden[0]);
  // One of few numbers may carry the whole distance.
  const double peer_of_one = peer[t.numel() > kFewNumbers ? 1 : 0];
  for (uint64_t i = 0; i < kSamples; ++i) {
    const double expected = golden[2 + kProjections + i];
    largest.add(x[random.bits(i) % x.size()] - expected, std::max(root_mean_square, std::fabs(expected)),
                peer_of_one);
  }
  return largest.found;
}

}  // namespace cawe
