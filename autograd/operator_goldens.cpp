// SPDX-License-Identifier: Apache-2.0
#include "autograd/operator_goldens.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

#include "tensor/random.h"

namespace cawe {
namespace {

constexpr uint64_t kSeed = 2026;  // of scripts/goldens/models.py
constexpr size_t kProjections = 3, kSamples = 16, kNumbers = 2 + kProjections + kSamples;

}  // namespace

OperatorGoldens::OperatorGoldens(const std::string& path) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string key;
    words >> key;
    std::vector<double>& numbers = lines_[key];
    for (double v; words >> v;) numbers.push_back(v);
    CAWE_CHECK(numbers.size() == kNumbers, Code::data, path, ": ", key, " has ", numbers.size(),
               " numbers (expected ", kNumbers, ")");
  }
}

double OperatorGoldens::difference(const std::string& key, const Tensor& t, double least) const {
  const std::vector<double>& golden = lines_.at(key);
  // A NaN would pass the comparisons below.
  if (double(t.numel()) != golden[0] || !all_finite(t)) return std::numeric_limits<double>::infinity();
  const std::vector<double> x = t.to(DType::f64).to_vector<double>();
  const double norm = golden[1], scale = std::max(norm, least * std::sqrt(golden[0]));
  const auto relative = [](double difference, double of) {
    return difference == 0 ? 0.0 : std::fabs(difference) / of;
  };
  double squares = 0;
  for (const double v : x) squares += v * v;
  double worst = relative(std::sqrt(squares) - norm, scale);
  for (size_t a = 0; a < kProjections; ++a) {
    const Random random(kSeed, key, a + 1);
    double projection = 0;
    for (size_t i = 0; i < x.size(); ++i) projection += x[i] * (2.0 * double(random.uniform(i)) - 1.0);
    worst = std::max(worst, relative(projection - golden[2 + a], scale));
  }
  const Random random(kSeed, key);
  const double root_mean_square = scale / std::sqrt(golden[0]);
  for (uint64_t i = 0; i < kSamples; ++i) {
    const double expected = golden[2 + kProjections + i];
    worst = std::max(worst, relative(x[random.bits(i) % x.size()] - expected,
                                     std::max(root_mean_square, std::fabs(expected))));
  }
  return worst;
}

}  // namespace cawe
