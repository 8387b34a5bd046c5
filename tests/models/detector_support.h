// SPDX-License-Identifier: Apache-2.0
// What the tests of both detectors share: random pictures, true boxes, and what any detector must do.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "models/detection_model.h"
#include "tensor/random.h"

namespace cawe::models::testing {

/// Uniform in [-0.5, 0.5), channels-last, a stream for each purpose.
inline Tensor noise(const Shape& s, const char* purpose = "x") {
  const Random random(3, purpose);
  std::vector<float> v;
  for (int64_t i = 0; i < s.numel(); ++i) v.push_back(random.uniform(uint64_t(i)) - 0.5f);
  return Tensor::from(v, s).channels_last();
}

const Truth kOne{{{10, 12, 40, 44}}, {0}};
const Truth kTwo{{{5, 5, 20, 18}, {30, 30, 62, 60}}, {0, 0}};

/// Two images without boxes: no box loss (its parts are named), some class loss, a finite gradient for every
/// parameter.
inline void expect_trains_without_boxes(DetectionModel& net, const std::vector<std::string>& box_parts) {
  const DetectionModel::Losses losses = net.loss(Variable(noise({2, 3, 64, 64})), {{}, {}});
  for (const std::string& part : box_parts) EXPECT_EQ(losses.part(part), 0) << part;
  EXPECT_GT(losses.part("class"), 0);
  backward(losses.total);
  for (auto& p : net.parameters()) {
    ASSERT_TRUE(p.variable->grad().defined()) << p.name;
    EXPECT_TRUE(all_finite(p.variable->grad())) << p.name;
  }
}

/// An image that is ignored as a whole gives no loss, and no gradient but zeros; an ignored region changes
/// the loss of an image.
inline void expect_ignored_regions_count(DetectionModel& net) {
  net.train(false);  // running statistics: images do not meet
  const Variable x(noise({1, 3, 64, 64}));
  const DetectionModel::Losses nothing =
      net.loss(x, {{{}, {}, {{0, 0, 64, 64}, {-4000, -4000, 4000, 4000}}}});
  EXPECT_EQ(nothing.total.value().item(), 0);
  backward(nothing.total);
  for (auto& p : net.parameters())
    if (p.variable->grad().defined()) {
      for (const float g : p.variable->grad().contiguous().to_vector<float>()) ASSERT_EQ(g, 0) << p.name;
    }
  const double background = net.loss(x, {{}}).total.value().item(),
               left_out = net.loss(x, {{{}, {}, {{10, 12, 40, 44}}}}).total.value().item();
  EXPECT_NE(left_out, background);
  EXPECT_GT(left_out, 0);
}

inline std::vector<std::vector<float>> gradients_of(DetectionModel& net) {
  std::vector<std::vector<float>> all;
  for (auto& p : net.parameters())
    all.push_back(p.variable->grad().defined() ? p.variable->grad().contiguous().to_vector<float>()
                                               : std::vector<float>{});
  return all;
}

/// Losses and gradients have the same bits however many empty rows lie behind the true boxes.
inline void expect_empty_rows_change_nothing(DetectionModel& net) {
  net.train(false);  // running statistics: a step does not change the next
  const Variable x(noise({3, 3, 64, 64}));
  const std::vector<DrawKey> draws{{1, 2, 3}, {1, 2, 4}, {1, 2, 5}};
  std::vector<std::vector<float>> fewest;
  double loss = 0;
  for (const int64_t rows : {8, 16, 64}) {
    const std::vector<Tensor> targets = net.targets(
        64, 64, {kOne, {}, {kTwo.boxes, kTwo.labels, {{40, 2, 60, 20}}}}, draws, Device::cpu, {}, rows);
    ASSERT_EQ(targets[0].dim(1), rows);
    const DetectionModel::Losses losses = net.loss_of(x, targets);
    net.zero_grad();
    backward(losses.total);
    if (rows == 8) {
      fewest = gradients_of(net);
      loss = losses.total.value().item();
      continue;
    }
    EXPECT_EQ(losses.total.value().item(), loss) << rows << " rows";
    EXPECT_TRUE(gradients_of(net) == fewest) << rows << " rows";
  }
}

/// Offsets of background enter no loss; that the weight they come from is not finite shows in the gradients.
inline void expect_gradients_show(DetectionModel& net, const std::string& weight) {
  for (auto& p : net.parameters())
    if (p.name == weight) Tensor(p.variable->value()).fill(INFINITY);
  const DetectionModel::Losses losses = net.loss(Variable(noise({2, 3, 64, 64})), {{}, {}});
  EXPECT_TRUE(std::isfinite(losses.total.value().item()));
  backward(losses.total);
  bool finite = true;
  for (auto& p : net.parameters()) finite = finite && all_finite(p.variable->grad());
  EXPECT_FALSE(finite);
}

/// NaN in the second of two images is an error that names it.
inline void expect_bad_image_is_named(DetectionModel& net) {
  const Tensor x = noise({2, 3, 64, 64});
  x.slice(0, 1, 2).fill(NAN);
  try {
    net.detect(x, {"good.png", "bad.png"});
    FAIL() << "NaN became detections";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::numeric);
    EXPECT_EQ(std::string(e.what()).rfind("bad.png", 0), 0u) << e.what();
  }
}

}  // namespace cawe::models::testing
