// SPDX-License-Identifier: Apache-2.0
// What the operator table does not say of the GAN's operators: state that changes in place, ranks, borders,
// numbers by hand, refusals.
#include <gtest/gtest.h>

#include <cmath>
#include <mutex>

#include "autograd/operator_table.h"
#include "autograd/ops/content_loss.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/linear.h"
#include "autograd/ops/reductions.h"
#include "autograd/ops/shuffle.h"
#include "autograd/ops/weight_norms.h"
#include "tensor/communicator.h"
#include "tensor/parallel.h"
#include "tensor/random.h"

namespace cawe {
namespace {

Tensor numbers(const Shape& shape, const std::string& purpose) {
  const Random random(21, purpose);
  std::vector<float> v;
  for (int64_t i = 0; i < shape.numel(); ++i) v.push_back(float(random.normal(uint64_t(i))));
  return Tensor::from(v, shape);
}

TEST(PixelShuffle, GoesBlockByBlock) {
  // Channels 0 to 3 are the corners of each 2 x 2 block, channels 4 to 7 those of the second output channel.
  const Variable y = pixel_shuffle(Variable(Tensor::from(
      std::vector<float>{0, 1, 10, 11, 20, 21, 30, 31, 40, 41, 50, 51, 60, 61, 70, 71}, {1, 8, 1, 2})));
  EXPECT_EQ(y.shape(), Shape({1, 2, 2, 4}));
  EXPECT_EQ(y.value().to_vector<float>(),
            (std::vector<float>{0, 10, 1, 11, 20, 30, 21, 31, 40, 50, 41, 51, 60, 70, 61, 71}));
  EXPECT_THROW(pixel_shuffle(Variable(Tensor::zeros({1, 6, 2, 2}))), Error);
}

TEST(Blur, RepeatsTheFirstRowAndColumn) {
  const Variable x(Tensor::from(std::vector<float>{4, 8, 12, 16, 20, 28}, {1, 1, 2, 3}), true);
  const Variable y = blur(x);
  EXPECT_EQ(y.value().to_vector<float>(), (std::vector<float>{4, 6, 10, 10, 12, 17}));
  // Of four outputs that read the corner, the first reads it four times, its neighbours twice each.
  const std::vector<float> dx = gradients(y, {x})[0].to_vector<float>();
  EXPECT_EQ(dx, (std::vector<float>{2.25f, 1.5f, 0.75f, 0.75f, 0.5f, 0.25f}));
}

TEST(SpectralNorm, MovesUAndVInTrainingAlone) {
  const Variable w(Tensor::from(std::vector<float>{3, 0, 0, 4}, {2, 2}), true);
  Tensor u = Tensor::from(std::vector<float>{0.6f, 0.8f}, {2}), v = Tensor::zeros({2});
  // v = (1.8, 3.2) / |.|, w v = (5.4, 12.8) / |(1.8, 3.2)|, u = (5.4, 12.8) / |.|, sigma = |(5.4, 12.8)| /
  // |(1.8, 3.2)|
  const Variable y = spectral_norm(w, u, v, true);
  const double right = std::hypot(1.8, 3.2), left = std::hypot(5.4, 12.8);
  EXPECT_NEAR(v.to_vector<float>()[0], 1.8 / right, 1e-6);
  EXPECT_NEAR(u.to_vector<float>()[1], 12.8 / left, 1e-6);
  EXPECT_NEAR(y.value().to_vector<float>()[3], 4 / (left / right), 1e-6);
  const Tensor u_before = u.clone(), v_before = v.clone();
  spectral_norm(w, u, v, false);
  EXPECT_TRUE(same_bytes(u, u_before));
  EXPECT_TRUE(same_bytes(v, v_before));
}

TEST(SpectralNorm, GradientTakesTheForwardPassesVectors) {
  const Variable w(numbers({5, 7}, "w"), true);
  const auto gradient = [&](bool forward_again) {
    Tensor u = numbers({5}, "u"), v = numbers({7}, "v");
    const Variable loss = sum(square(spectral_norm(w, u, v, true)));
    if (forward_again)
      for (int i = 0; i < 3; ++i) spectral_norm(w, u, v, true);
    return gradients(loss, {w})[0];
  };
  EXPECT_TRUE(same_bytes(gradient(false), gradient(true)));
}

TEST(SpectralNorm, ConvergesToTheLargestSingularValue) {
  // Orthogonal columns: the singular values are their lengths, 5 and 2.
  const Variable w(Tensor::from(std::vector<double>{3, -1.6, 4, 1.2}, {2, 2}));
  Tensor u = Tensor::from(std::vector<double>{1, 0}, {2}), v = Tensor::from(std::vector<double>{0, 1}, {2});
  Variable y;
  for (int i = 0; i < 30; ++i) y = spectral_norm(w, u, v, true);
  EXPECT_NEAR(y.value().to_vector<double>()[2], 4.0 / 5, 1e-12);
}

TEST(ContentLoss, ByHand) {
  const Variable a(Tensor::from(std::vector<float>{1, 2, 5, 7}, {2, 2}), true),
      c(Tensor::from(std::vector<float>{-1, 0.5f}, {2, 1}), true);
  const Tensor b = Tensor::from(std::vector<float>{3, 2, 4, 3}, {2, 2}),
               d = Tensor::from(std::vector<float>{-1, 1}, {2, 1});
  const Variable loss = content_loss({a, c}, {b, d}, {0.5, 2});
  EXPECT_EQ(loss.value().item(), 0.5 * (2 + 0 + 1 + 4) + 2 * (0 + 0.5));
  backward(affine(loss, 3));
  EXPECT_EQ(a.grad().to_vector<float>(), (std::vector<float>{-1.5f, 0, 1.5f, 1.5f}));
  EXPECT_EQ(c.grad().to_vector<float>(), (std::vector<float>{0, -6}));
}

TEST(ContentLoss, RefusesWhatDoesNotFit) {
  const Variable a(Tensor::zeros({2, 3}));
  EXPECT_THROW(content_loss({}, {}, {}), Error);
  EXPECT_THROW(content_loss({a}, {Tensor::zeros({2, 3})}, {1, 2}), Error);
  EXPECT_THROW(content_loss({a}, {Tensor::zeros({3, 2})}, {1}), Error);
  EXPECT_THROW(content_loss({a}, {Tensor::zeros({2, 3}, DType::f64)}, {1}), Error);
  EXPECT_THROW(content_loss({a, Variable(Tensor::zeros({1, 3}))},
                            {Tensor::zeros({2, 3}), Tensor::zeros({1, 3})}, {1, 1}),
               Error);
}

/// Loss, gradients of the weights and u after two steps' worth of forward passes on a batch of 8 that `ranks`
/// share.
struct Shared {
  std::vector<Tensor> of;
};
Shared train_on(int ranks, int threads) {
  constexpr int64_t kBatch = 8, kLanes = 8;
  const Tensor x = numbers({kBatch, 6}, "x"), target = numbers({kBatch, 300}, "target");
  Shared result;
  std::mutex mutex;
  run_in_process_ranks(ranks, threads, [&](int rank) {
    const LaneScope lanes(kLanes / ranks);
    const int64_t part = kBatch / ranks, begin = rank * part;
    const Variable w(numbers({300, 6}, "w"), true), v(numbers({300, 300}, "wn"), true),
        g(numbers({300}, "g"), true);
    for (const Variable* p : {&w, &v, &g}) p->slot()->shared_by_ranks = true;
    Tensor u = numbers({300}, "u"), right = numbers({6}, "right");
    const Variable in(x.slice(0, begin, begin + part).clone());
    const Variable normal = spectral_norm(w, u, right, true), fixed = weight_norm(v, g);
    // Both weights are used twice, so that contributions meet.
    const Variable once = linear(relu(linear(in, normal)), fixed),
                   again = linear(tanh(linear(in, normal)), fixed);
    const Variable loss =
        content_loss({add(once, again)}, {target.slice(0, begin, begin + part).clone()}, {0.01});
    backward(loss);
    const std::lock_guard<std::mutex> lock(mutex);
    if (rank == ranks - 1) result.of = {loss.value(), w.grad(), v.grad(), g.grad(), u, right};
  });
  return result;
}

TEST(GanOperators, SameBitsOnAnyNumberOfRanksAndThreads) {
  const Shared alone = train_on(1, 1);
  for (const auto& [ranks, threads] : {std::pair{1, 2}, {2, 1}, {4, 2}}) {
    const Shared shared = train_on(ranks, threads);
    for (size_t i = 0; i < alone.of.size(); ++i)
      EXPECT_TRUE(same_bytes(alone.of[i], shared.of[i])) << "tensor " << i << " on " << ranks << " ranks";
  }
}

// In f32 the loss hides how its sum was made.
TEST(ContentLoss, SumsByLanesInDouble) {
  const auto loss_on = [](int ranks) {
    double loss = 0;
    run_in_process_ranks(ranks, 2, [&](int rank) {
      const LaneScope lanes(8 / ranks);
      const auto part = [&](const Shape& shape, const std::string& purpose) {
        return numbers(shape, purpose)
            .to(DType::f64)
            .slice(0, rank * 8 / ranks, (rank + 1) * 8 / ranks)
            .clone();
      };
      const Variable y = content_loss({Variable(part({8, 41}, "a")), Variable(part({8, 3, 7, 5}, "c"))},
                                      {part({8, 41}, "b"), part({8, 3, 7, 5}, "d")}, {1.0 / 3, 1.0 / 7});
      if (rank == 0) loss = y.value().item();
    });
    return loss;
  };
  EXPECT_EQ(loss_on(2), loss_on(1));
  EXPECT_EQ(loss_on(4), loss_on(1));
}

}  // namespace
}  // namespace cawe
