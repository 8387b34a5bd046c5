// SPDX-License-Identifier: Apache-2.0
// Softmax attention beyond its table row: numbers by hand, scores far beyond exp(), tiles and parts at the
// sizes of a network, memory, bad shapes.
#include "autograd/ops/attention.h"

#include <gtest/gtest.h>

#include <cmath>

#include "autograd/operator_table.h"
#include "tensor/arena.h"
#include "tensor/parallel.h"

namespace cawe {
namespace {

Variable of(const std::vector<float>& values, const Shape& shape) {
  return Variable(Tensor::from(values, shape), true);
}

// Scores 0 and ln 3: weights 1/4 and 3/4. y = 1/4 * 8 + 3/4 * 4 = 5. For dy = 1: dv = weights; a score's
// slope is weight * (v - y) = (3/4, -3/4); dq = 3/4 * 0 - 3/4 * ln 3; dk = slope * q.
TEST(Attention, NumbersByHand) {
  const float ln3 = std::log(3.0f);
  const Variable q = of({1}, {1, 1, 1}), k = of({0, ln3}, {1, 2, 1}), v = of({8, 4}, {1, 2, 1});
  const Variable y = attention(q, k, v);
  EXPECT_NEAR(y.value().item(), 5, 1e-6);
  const std::vector<Tensor> g = gradients(y, {q, k, v});
  EXPECT_NEAR(g[0].item(), -0.75 * std::log(3.0), 1e-6);
  EXPECT_NEAR(g[1].to_vector<float>()[0], 0.75, 1e-6);
  EXPECT_NEAR(g[1].to_vector<float>()[1], -0.75, 1e-6);
  EXPECT_NEAR(g[2].to_vector<float>()[0], 0.25, 1e-6);
  EXPECT_NEAR(g[2].to_vector<float>()[1], 0.75, 1e-6);
}

// Scores 1000, 999 and -1000 are whole numbers, so f32 holds them exactly: weights e / (e + 1), 1 / (e + 1),
// 0. Further keys, of which the best comes last, make the running maximum move between tiles.
TEST(Attention, HugeScoresStayExact) {
  std::vector<float> keys(600, -1000);
  keys[3] = 999;
  keys[599] = 1000;
  std::vector<float> values(600, 0);
  values[3] = 1;
  const Variable q = of({1, -1}, {1, 2, 1}), k = of(keys, {1, 600, 1}), v = of(values, {1, 600, 1});
  const Variable y = attention(q, k, v);
  // The second query's scores are 1000 (598 times), -999 and -1000.
  EXPECT_NEAR(y.value().to_vector<float>()[0], 1 / (std::exp(1.0) + 1), 1e-6);
  EXPECT_EQ(y.value().to_vector<float>()[1], 0);
  const std::vector<Tensor> g = gradients(y, {q, k, v}, Tensor::from(std::vector<float>{1, 0}, {1, 2, 1}));
  const double w = 1 / (std::exp(1.0) + 1), slope = w * (1 - w);  // of keys 3 and, negative, 599
  EXPECT_NEAR(g[0].to_vector<float>()[0], slope * (999 - 1000), 5e-5) << "differences of numbers near 200";
  EXPECT_NEAR(g[1].to_vector<float>()[3], slope, 1e-6);
  EXPECT_NEAR(g[1].to_vector<float>()[599], -slope, 1e-6);
  EXPECT_NEAR(g[2].to_vector<float>()[3], w, 1e-6);
  EXPECT_NEAR(g[2].to_vector<float>()[599], 1 - w, 1e-6);
  EXPECT_EQ(g[1].to_vector<float>()[4], 0);
}

TEST(Attention, ANumberThatIsNoneShows) {
  // A NaN whose low bits an exp() without branches would carry into the exponent of its result.
  const float odd = std::nanf("0x101");
  const Variable q = of({1, odd}, {1, 2, 1}), k = of({1, 2}, {1, 2, 1}), v = of({1, 2}, {1, 2, 1});
  const std::vector<float> y = attention(q, k, v).value().to_vector<float>();
  EXPECT_TRUE(std::isfinite(y[0]));
  EXPECT_TRUE(std::isnan(y[1]));
}

OperatorCase network_case(int64_t n) {
  return {{{{n, 200, 12}}, {{n, 1100, 12}}, {{n, 1100, 96}}},
          [](const std::vector<Variable>& in) { return attention(in[0], in[1], in[2]); }};
}

// Two tiles of queries, five of keys, four parts of 320 keys, which are two tiles each; the last ones are not
// full.
TEST(Attention, TilesAgreeWithTheDefinition) {
  const CaseResult fast = run_case(network_case(1), DType::f32),
                   truth = run_case(network_case(1), DType::f64);
  EXPECT_LE(relative_difference(fast.y, truth.y), 2e-6);
  for (size_t i = 0; i < 3; ++i)
    EXPECT_LE(relative_difference(fast.gradients[i], truth.gradients[i]), 5e-6) << i;
}

TEST(Attention, SameBitsOnAnyThreadsAndInAnyBatch) {
  const int before = num_threads();
  set_num_threads(1);
  const CaseResult one = run_case(network_case(2), DType::f32);
  set_num_threads(2);
  const CaseResult two = run_case(network_case(2), DType::f32);
  const CaseResult alone = run_case(network_case(1), DType::f32);
  set_num_threads(before);
  EXPECT_TRUE(same_bytes(one.y, two.y));
  for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(same_bytes(one.gradients[i], two.gradients[i])) << i;
  EXPECT_TRUE(same_bytes(two.y.slice(0, 0, 1), alone.y)) << "the first image alone";
  for (size_t i = 0; i < 3; ++i)
    EXPECT_TRUE(same_bytes(two.gradients[i].slice(0, 0, 1), alone.gradients[i])) << i;
}

// 2048 x 2048 scores are 16 MiB. Inputs, outputs and gradients are 2048 x (8 + 8 + 16) x 4 bytes twice: 0.5
// MiB.
TEST(Attention, DoesNotStoreTheScores) {
  const OperatorCase c{{{{1, 2048, 8}}, {{1, 2048, 8}}, {{1, 2048, 16}}},
                       [](const std::vector<Variable>& in) { return attention(in[0], in[1], in[2]); }};
  const int64_t before = Arena::cpu().statistics().live_bytes;
  Arena::cpu().reset_peak();
  run_case(c, DType::f32);
  EXPECT_LT(Arena::cpu().statistics().peak_bytes - before, int64_t{3} << 20);
}

TEST(Attention, RefusesWhatDoesNotFit) {
  const auto refused = [](const Shape& q, const Shape& k, const Shape& v, const std::string& says) {
    try {
      attention(Variable(Tensor::zeros(q)), Variable(Tensor::zeros(k)), Variable(Tensor::zeros(v)));
      ADD_FAILURE() << q << k << v << " passed";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::shape);
      EXPECT_NE(std::string(e.what()).find(says), std::string::npos) << e.what();
    }
  };
  refused({2, 3, 4}, {2, 5, 3}, {2, 5, 6}, "[N, S, D]");
  refused({2, 3, 4}, {2, 5, 4}, {2, 4, 6}, "[N, S, C]");
  refused({2, 3, 4}, {1, 5, 4}, {1, 5, 6}, "[N, P, D]");
  refused({3, 4}, {5, 4}, {5, 6}, "[N, P, D]");
  refused({2, 3, 4}, {2, 0, 4}, {2, 0, 6}, "at least one key");
}

}  // namespace
}  // namespace cawe
