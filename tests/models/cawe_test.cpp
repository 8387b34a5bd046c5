// SPDX-License-Identifier: Apache-2.0
// Class-aware attention: one worked by hand, closed form against automatic differentiation, active sets,
// batches, the constant-map guard, and the traps.
#include "models/cawe.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "autograd/ops/elementwise.h"
#include "autograd/ops/linear.h"
#include "autograd/ops/pooling.h"
#include "autograd/ops/shape.h"
#include "models/weights.h"
#include "nn/conv2d.h"
#include "tensor/parallel.h"
#include "tensor/primitives/cawe.h"
#include "tensor/random.h"
#include "tests/models/parity.h"

namespace cawe::models {
namespace {

using Values = std::vector<double>;

Tensor noise(const Shape& shape, const char* purpose, DType dtype = DType::f64, double low = -1) {
  const Random random(21, purpose);
  Values v;
  for (int64_t i = 0; i < shape.numel(); ++i)
    v.push_back(low + (1 - low) * random.uniform_double(uint64_t(i)));
  return Tensor::from(v, shape).to(dtype);
}

Variable pooled_head(const Variable& f, const Tensor& weight, const Tensor& bias) {
  return linear(global_avg_pool(f), Variable(weight, true), Variable(bias, true));
}

const Tensor kGoldenFeatures = Tensor::from(Values{1, 2, 3, 4, 4, 0, 0, 0}, {1, 2, 2, 2});
const Tensor kGoldenWeight = Tensor::from(Values{1, -1, 0.5, 2, -2, 0.1}, {3, 2});

TEST(Cawe, GoldenOfTheSpec) {
  const Tensor bias = Tensor::zeros({3}, DType::f64);
  const Variable p = sigmoid(pooled_head(Variable(kGoldenFeatures), kGoldenWeight, bias));
  const Values sigma = p.value().to_vector<double>();
  EXPECT_NEAR(sigma[0], 0.8175745, 1e-6);
  EXPECT_NEAR(sigma[1], 0.9626731, 1e-6);
  EXPECT_NEAR(sigma[2], 0.0073915, 1e-6);
  const ActiveSets active = active_sets(p.value(), {});
  EXPECT_EQ(active, (ActiveSets{{0, 1}}));
  const Values w = cawe_weights_closed_form(p.value(), kGoldenWeight, active, 4).to_vector<double>();
  EXPECT_NEAR(w[0], 0.0417783119, 1e-9);
  EXPECT_EQ(w[1], 0);
  AttentionMaps maps;
  const auto head = [&](const Variable& f) { return pooled_head(f, kGoldenWeight, bias); };
  const Tensor g = attention_gradients(head, kGoldenFeatures, active, true);
  maps.raw = attention_from_gradients(kGoldenFeatures, g, CamMethod::cawe);
  const Values l = maps.raw.to_vector<double>(), expected{0.0417783, 0.0835566, 0.1253349, 0.1671132};
  finish_maps(maps, 2, 2, {});
  const Values stretched = maps.map.to_vector<double>();
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(l[i], expected[i], 1e-6);
    EXPECT_NEAR(stretched[i], double(i) / 3, 1e-12);
  }
  EXPECT_EQ(maps.constant_count(), 0);
}

template <class T>
double largest_relative_difference(const Tensor& a, const Tensor& b) {
  const std::vector<T> x = a.to_vector<T>(), y = b.to_vector<T>();
  double scale = 0, most = 0;
  for (size_t i = 0; i < x.size(); ++i) scale = std::max(scale, std::fabs(double(y[i])));
  for (size_t i = 0; i < x.size(); ++i) most = std::max(most, std::fabs(double(x[i]) - double(y[i])));
  EXPECT_GT(scale, 0);
  return most / scale;
}

TEST(Cawe, ClosedFormEqualsDifferentiation) {
  for (DType dtype : {DType::f64, DType::f32}) {
    const Tensor f = noise({3, 24, 5, 7}, "F", dtype, 0), w = noise({6, 24}, "W", dtype),
                 b = noise({6}, "b", dtype);
    const auto head = [&](const Variable& v) { return pooled_head(v, w, b); };
    const Tensor p = sigmoid(head(Variable(f))).value();
    const ActiveSets active = active_sets(p, {});
    const Tensor closed = cawe_weights_closed_form(p, w, active, 35);
    const Tensor g = attention_gradients(head, f, active, true);
    Tensor mean = Tensor::like(closed);
    primitives::cawe_weights(g, mean);
    if (dtype == DType::f64)
      EXPECT_LE(largest_relative_difference<double>(mean, closed), 1e-12);
    else
      EXPECT_LE(largest_relative_difference<float>(mean, closed), 1e-5);
  }
}

TEST(Cawe, MeanOfReluIsNotReluOfMean) {
  // A head that looks at single cells: the gradient is (+1, -1) over the two cells of the channel.
  const Tensor g = Tensor::from(Values{1, -1}, {1, 1, 1, 2});
  Tensor w = Tensor::zeros({1, 1}, DType::f64);
  primitives::cawe_weights(g, w);
  EXPECT_EQ(w.item(), 0.5);
  const Tensor f = Tensor::from(Values{3, 4}, {1, 1, 1, 2});
  EXPECT_EQ(attention_from_gradients(f, g, CamMethod::cawe).to_vector<double>(), (Values{1.5, 2}));
  EXPECT_EQ(attention_from_gradients(f, g, CamMethod::gradcam).to_vector<double>(), (Values{0, 0}));
  EXPECT_EQ(attention_from_gradients(f, g, CamMethod::hirescam).to_vector<double>(), (Values{3, 0}));
  EXPECT_EQ(attention_from_gradients(f, g, CamMethod::layercam).to_vector<double>(), (Values{3, 0}));
}

TEST(Cawe, AnyHeadWorks) {
  const Tensor weight = noise({4, 24}, "flat");  // a linear layer on the flattened maps: no pooling
  const Tensor bias = Tensor::zeros({4}, DType::f64);
  const auto head = [&](const Variable& f) {
    return linear(reshape(f, {f.dim(0), -1}), Variable(weight), Variable(bias));
  };
  const Tensor f = noise({2, 4, 2, 3}, "F", DType::f64, 0);
  const ActiveSets active{{1}, {0, 3}};
  const Values g = attention_gradients(head, f, active, false).to_vector<double>(),
               w = weight.to_vector<double>();
  for (size_t i = 0; i < 24; ++i) {
    EXPECT_NEAR(g[i], w[24 + i], 1e-12);
    EXPECT_NEAR(g[24 + i], w[i] + w[72 + i], 1e-12);
  }
}

TEST(ActiveSet, ThresholdExclusionAndFallbacks) {
  const Tensor p = Tensor::from(std::vector<float>{0.9f, 0.5f, 0.2f, 0.6f, 0.1f, 0.3f}, {2, 3});
  CaweSettings s;
  EXPECT_EQ(active_sets(p, s), (ActiveSets{{0, 1}, {0}}));  // 0.5 is enough
  s.exclude_labels = {0};                                   // "No Finding": a normal film has no class then
  EXPECT_EQ(active_sets(p, s), (ActiveSets{{1}, {2}}));
  s.if_none = EmptySet::all;
  EXPECT_EQ(active_sets(p, s), (ActiveSets{{1}, {1, 2}}));
  s.if_none = EmptySet::zero_map;
  EXPECT_EQ(active_sets(p, s), (ActiveSets{{1}, {}}));
  for (const EmptySet rule : {EmptySet::top1, EmptySet::all, EmptySet::zero_map}) {
    s.if_none = rule;
    EXPECT_EQ(fallbacks(p, s), (std::vector<bool>{false, true})) << name(rule);
  }
  s.targets = {2};
  EXPECT_EQ(active_sets(p, s), (ActiveSets{{2}, {2}}));
  EXPECT_EQ(fallbacks(p, s), (std::vector<bool>{false, false})) << "asked for, whatever is active";
  s.targets = {3};
  EXPECT_THROW(active_sets(p, s), Error);
}

TEST(ActiveSet, WithoutAnActiveLabel) {
  // Nobody reaches the threshold: the likeliest allowed label (of equal ones the first), all allowed ones, or none.
  const Tensor p = Tensor::from(std::vector<float>{0.1f, 0.3f, 0.3f, 0.4f}, {1, 4});
  CaweSettings s;
  s.exclude_labels = {3};
  EXPECT_EQ(s.if_none, EmptySet::top1) << "the default";
  EXPECT_EQ(active_sets(p, s), (ActiveSets{{1}}));
  s.if_none = EmptySet::all;
  EXPECT_EQ(active_sets(p, s), (ActiveSets{{0, 1, 2}}));
  s.if_none = EmptySet::zero_map;
  EXPECT_EQ(active_sets(p, s), ActiveSets(1));
  s.act_threshold = 0.3f;  // as much as the f32 number is
  EXPECT_EQ(active_sets(p, s), (ActiveSets{{1, 2}}));
  s.exclude_labels = {0, 1, 2, 3};
  EXPECT_THROW(active_sets(p, s), Error);
  s.targets = {3};  // asked for: nothing need be left
  EXPECT_EQ(active_sets(p, s), (ActiveSets{{3}}));
  EXPECT_EQ(fallbacks(p, s), std::vector<bool>{false});
}

TEST(Maps, WithoutAnActiveLabelAreZeroWhateverConstantMapsAre) {
  // The map of an empty set has no weights, so it is constant; it says "nothing", not "everywhere alike".
  AttentionMaps maps;
  maps.raw = Tensor::zeros({2, 1, 2, 2}, DType::f64);
  maps.active = {{}, {0}};
  CaweSettings s;
  s.constant = ConstantMap::ones;
  finish_maps(maps, 2, 2, s);
  EXPECT_EQ(maps.map.to_vector<double>(), (Values{0, 0, 0, 0, 1, 1, 1, 1}));
  EXPECT_EQ(maps.constant_count(), 2);
}

AttentionMaps finished(const Values& raw, const Shape& shape, CaweSettings s, int64_t side) {
  AttentionMaps maps;
  maps.raw = Tensor::from(raw, shape);
  finish_maps(maps, side, side, s);
  return maps;
}

TEST(Maps, ConstantOnesAreGuardedAndCounted) {
  for (const auto& [rule, value] : {std::pair<ConstantMap, double>{ConstantMap::zeros, 0},
                                    {ConstantMap::ones, 1},
                                    {ConstantMap::half, 0.5}}) {
    CaweSettings s;
    s.constant = rule;
    const AttentionMaps maps =
        finished({7, 7, 7, 7, 0, 1, 2, 3, NAN, 1, 2, 3, 1, 1, 1, 1 + 1e-9}, {4, 1, 2, 2}, s, 4);
    EXPECT_EQ(maps.constant, (std::vector<bool>{true, false, true, true}));
    EXPECT_EQ(maps.constant_count(), 3);
    const Values m = maps.map.to_vector<double>();
    for (size_t i : {0, 15, 32, 47, 48, 63}) EXPECT_EQ(m[i], value);
    EXPECT_EQ(m[16], 0);  // the good one still reaches 0 and 1
    EXPECT_EQ(m[31], 1);
  }
}

TEST(Maps, NormalisedAfterResizingReachBothEnds) {
  const Values raw{0, 0, 0, 0, 0, 8, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1};
  const auto ends = [](const AttentionMaps& m) {
    const Values v = m.map.to_vector<double>();
    return std::pair<double, double>(*std::min_element(v.begin(), v.end()),
                                     *std::max_element(v.begin(), v.end()));
  };
  CaweSettings s;
  EXPECT_EQ(ends(finished(raw, {1, 1, 4, 4}, s, 6)), (std::pair<double, double>(0, 1)));
  s.norm_before_resize = true;
  EXPECT_LT(ends(finished(raw, {1, 1, 4, 4}, s, 6)).second, 1);
}

TEST(Maps, DividedByTheirLargestKeepTheirProportions) {
  // By hand: 2, 4 and 8 are a quarter, a half and all of 8; min-max takes the 2 away first.
  const Values raw{2, 4, 8, 4, 2, 2, 2, 2};
  CaweSettings s;
  EXPECT_EQ(finished(raw, {2, 1, 2, 2}, s, 2).map.slice(0, 0, 1).to_vector<double>(),
            (Values{0, 1. / 3, 1, 1. / 3}));
  s.norm = map_norm("max");
  const AttentionMaps maps = finished(raw, {2, 1, 2, 2}, s, 2);
  EXPECT_EQ(maps.map.slice(0, 0, 1).to_vector<double>(), (Values{0.25, 0.5, 1, 0.5}));
  EXPECT_EQ(maps.low[0], 2);
  EXPECT_EQ(maps.constant, (std::vector<bool>{false, true}));  // a constant map says nothing either way
  EXPECT_FALSE(can_enhance(s));
  EXPECT_THROW(map_norm("mimmax"), Error);
}

TEST(Maps, AsTheyAreUpToOne) {
  // A quarter and three quarters stay, 1.5 counts as 1; a map that is 0.25 everywhere stays that and is still called constant.
  const Values raw{0.25, 0.75, 1.5, 0, 0.25, 0.25, 0.25, 0.25};
  CaweSettings s;
  s.norm = map_norm("none");
  const AttentionMaps maps = finished(raw, {2, 1, 2, 2}, s, 2);
  EXPECT_EQ(maps.map.to_vector<double>(), (Values{0.25, 0.75, 1, 0, 0.25, 0.25, 0.25, 0.25}));
  EXPECT_EQ(maps.high[0], 1.5);
  EXPECT_EQ(maps.constant, (std::vector<bool>{false, true}));
  EXPECT_FALSE(can_enhance(s));
  const AttentionMaps broken = finished({0.25, NAN, 0.5, 0.5}, {1, 1, 2, 2}, s, 2);
  EXPECT_EQ(broken.map.to_vector<double>(), (Values{0, 0, 0, 0})) << "what is not finite is replaced";
}

std::unique_ptr<Classifier> narrow() {
  ClassifierConfig config;
  config.backbone.depth = 18;
  config.backbone.width = 8;
  config.backbone.output_stride = 16;
  config.labels = 5;
  auto net = std::make_unique<Classifier>(config);
  net->initialise(9);
  return net;
}

std::vector<CaweSettings> every_way() {
  std::vector<CaweSettings> all(6);
  for (size_t i = 0; i < 5; ++i) all[i].method = CamMethod(i);
  all[5].closed_form = false;
  return all;
}

std::string title(const CaweSettings& s) {
  return std::string(name(s.method)) + (s.closed_form ? "" : " by differentiation");
}

TEST(Cawe, AFilmWithoutAnActiveLabelStaysOrDarkens) {
  // A threshold that no probability reaches. zero_map: the map is 0, so fusing leaves alpha of the film; top1: the
  // map of the likeliest label alone.
  const auto net = narrow();
  const Tensor x = noise({1, 3, 64, 64}, "x", DType::f32);
  CaweSettings s;
  s.act_threshold = 1.1;
  s.if_none = EmptySet::zero_map;
  const AttentionMaps none = attention_maps(*net, x, 64, 64, s);
  EXPECT_EQ(none.active, ActiveSets(1));
  EXPECT_EQ(none.fallback, std::vector<bool>{true});
  EXPECT_EQ(none.constant_count(), 1);
  for (const float v : none.map.to_vector<float>()) ASSERT_EQ(v, 0);
  s.if_none = EmptySet::top1;
  const AttentionMaps top = attention_maps(*net, x, 64, 64, s);
  ASSERT_EQ(top.active[0].size(), 1u);
  EXPECT_EQ(top.fallback, std::vector<bool>{true});
  CaweSettings met = s;
  met.act_threshold = 0;
  EXPECT_EQ(attention_maps(*net, x, 64, 64, met).fallback, std::vector<bool>{false});
  s.targets = top.active[0];
  EXPECT_EQ(attention_maps(*net, x, 64, 64, s).map.to_vector<float>(), top.map.to_vector<float>());
  EXPECT_EQ(top.constant_count(), 0);
}

TEST(Cawe, BatchOfManyEqualsManyOfOne) {
  const auto net = narrow();
  const Tensor x = noise({5, 3, 64, 80}, "batch", DType::f32);
  for (const CaweSettings& s : every_way()) {
    const AttentionMaps all = attention_maps(*net, x, 64, 80, s);
    ASSERT_EQ(all.active.size(), 5u);
    for (int64_t i = 0; i < 5; ++i) {
      const AttentionMaps one = attention_maps(*net, x.slice(0, i, i + 1), 64, 80, s);
      EXPECT_EQ(one.active[0], all.active[size_t(i)]);
      const std::vector<float> a = one.map.to_vector<float>(),
                               b = all.map.slice(0, i, i + 1).to_vector<float>();
      for (size_t k = 0; k < a.size(); ++k) ASSERT_NEAR(a[k], b[k], 2e-6) << title(s);
    }
  }
}

TEST(Cawe, NetworkEvaluatesAndKeepsItsGradients) {
  const auto net = narrow();
  net->train();
  const Tensor x = noise({2, 3, 64, 64}, "mode", DType::f32);
  CaweSettings s;
  s.closed_form = false;
  const AttentionMaps in_training = attention_maps(*net, x, 64, 64, s);
  EXPECT_TRUE(net->training());
  for (auto& p : net->parameters()) EXPECT_FALSE(p.variable->grad().defined()) << p.name;
  for (auto& b : net->buffers()) {
    if (b.name == "bn1.num_batches_tracked") {
      EXPECT_EQ(b.tensor->item(), 0);
    }
  }
  net->train(false);
  EXPECT_EQ(attention_maps(*net, x, 64, 64, s).raw.to_vector<float>(), in_training.raw.to_vector<float>());
  s.closed_form = true;
  EXPECT_LE(largest_relative_difference<float>(attention_maps(*net, x, 64, 64, s).raw, in_training.raw),
            1e-5);
}

TEST(Cam, IsMadeWhereNothingIsRecorded) {
  const auto net = narrow();
  const Tensor x = noise({2, 3, 64, 64}, "no history", DType::f32);
  for (const CaweSettings& s : every_way()) {
    const std::vector<float> with = attention_maps(*net, x, 64, 64, s).map.to_vector<float>();
    const NoGrad no_history;
    EXPECT_EQ(attention_maps(*net, x, 64, 64, s).map.to_vector<float>(), with) << title(s);
    EXPECT_FALSE(grad_enabled()) << "as it was before";
  }
}

TEST(Cam, HasTheSameBitsOnAnyThreads) {
  const auto net = narrow();
  const Tensor x = noise({6, 3, 64, 80}, "threads", DType::f32);
  const int before = num_threads();
  for (const CaweSettings& s : every_way()) {
    set_num_threads(1);
    const std::vector<float> one = attention_maps(*net, x, 64, 80, s).map.to_vector<float>();
    set_num_threads(2);
    EXPECT_EQ(attention_maps(*net, x, 64, 80, s).map.to_vector<float>(), one) << title(s);
  }
  set_num_threads(before);
}

TEST(Cam, WorkersShareOneNetwork) {
  // As a loader's threads do, each under NoGrad, and as `cawe enhance` does: the network evaluates already.
  const auto net = narrow();
  net->train(false);
  for (const CaweSettings& s : every_way()) {
    std::vector<Tensor> films;
    std::vector<std::vector<float>> alone, found(8);
    for (int i = 0; i < 8; ++i) {
      films.push_back(noise({1, 3, 64, 64}, ("film" + std::to_string(i)).c_str(), DType::f32));
      alone.push_back(attention_maps(*net, films.back(), 64, 64, s).map.to_vector<float>());
    }
    std::vector<std::thread> workers;
    for (size_t w = 0; w < 4; ++w)
      workers.emplace_back([&, w] {
        const NoGrad no_history;
        for (size_t i = w; i < 8; i += 4)
          found[i] = attention_maps(*net, films[i], 64, 64, s).map.to_vector<float>();
      });
    for (std::thread& t : workers) t.join();
    EXPECT_EQ(found, alone) << title(s);
    for (auto& p : net->parameters()) EXPECT_FALSE(p.variable->grad().defined()) << p.name;
  }
}

TEST(Cawe, NamesAreRead) {
  EXPECT_EQ(cam_method("layercam"), CamMethod::layercam);
  EXPECT_EQ(constant_map("half"), ConstantMap::half);
  try {
    cam_method("cawwe");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::usage);
    EXPECT_NE(std::string(e.what()).find("\"cawe\""), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace cawe::models
