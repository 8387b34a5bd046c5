// SPDX-License-Identifier: Apache-2.0
// Whole steps of narrow detectors on the device beside the CPU, and what they detect.
#include <gtest/gtest.h>

#include <cstring>

#include "models/detection_runner.h"
#include "models/faster_rcnn.h"
#include "models/retinanet.h"
#include "tests/cuda/training_step.h"
#include "tests/models/matched_detections.h"
#if !defined(CAWE_ON_CUDA)
#include "cuda/emulator/vendor/control.h"
#endif

namespace cawe::models {
namespace {

using DetectorStep = DeviceTest;

RetinaNetConfig narrow_retinanet() {
  RetinaNetConfig c;
  c.backbone.depth = 18;
  c.backbone.width = 8;
  c.channels = 16;
  c.head_convs = 2;
  c.postprocess.score_threshold = 0.001;
  c.anchors = anchor_pyramid(5, 12, {1, 1.26, 1.59}, false);
  return c;
}

TEST_F(DetectorStep, RetinaNetAgreesInF64) {
  RetinaNet cpu(narrow_retinanet()), device(narrow_retinanet());
  fresh_weights(cpu, device, DType::f64);
  const std::vector<Truth> truths{{{{10, 12, 40, 44}, {50, 60, 90, 88}}, {0, 0}}, {}};
  const Tensor x = noise({2, 3, 96, 96}, "films", DType::f64);
  const RetinaNet::Losses ours = device.loss(Variable(x.to(kDevice)), truths),
                          truth = cpu.loss(Variable(x), truths);
  EXPECT_NEAR(ours.part("class"), truth.part("class"), 1e-10 * truth.part("class"));
  EXPECT_NEAR(ours.part("box"), truth.part("box"), 1e-10 * truth.part("box"));
  backward(ours.total);
  backward(truth.total);
  expect_same_step(cpu, device, 1e-8, 1e-8);
}

FasterRcnnConfig narrow_faster_rcnn() {
  FasterRcnnConfig c;
  c.backbone.depth = 18;
  c.backbone.width = 8;
  c.channels = 16;
  c.classes = 2;
  c.rpn.anchors = anchor_pyramid(5, 8, {1}, false);
  c.rpn.anchors.ratios = {1};
  c.rpn.sampling.count = 64;
  c.rpn.train = c.rpn.test = {60, 30};
  c.roi.sampling.count = 16;
  c.roi.hidden = 32;
  c.roi.canonical_size = 28;
  c.postprocess.score_threshold = 0.001;
  return c;
}

/// No choice among proposals: rounding may order them otherwise, and what a choice of them shows is another
/// loss.
FasterRcnnConfig every_proposal() {
  FasterRcnnConfig c = narrow_faster_rcnn();
  c.rpn.train = {1000, 1000};
  c.rpn.nms_iou = 1;
  c.roi.sampling = {400, 1};
  c.roi.pooled = 3;
  return c;
}

/// As initialised in f32.
void place(nn::Module& net, Device device, DType dtype) {
  net.initialise(3);
  net.to(dtype);
  net.to(device);
}

const std::vector<Truth> kTruths{{{{10, 12, 40, 44}, {30, 20, 60, 55}}, {0, 1}}, {}};

DetectionModel::Losses step(FasterRcnn& net, const Tensor& x) {
  const DetectionModel::Losses losses = net.loss(Variable(x), kTruths);
  backward(losses.total);
  return losses;
}

constexpr const char* kParts[] = {"objectness", "proposal", "class", "box"};

void expect_parts(const DetectionModel::Losses& ours, const DetectionModel::Losses& truth, double bar) {
  for (const char* part : kParts) {
    EXPECT_GT(truth.part(part), 0) << part;
    EXPECT_NEAR(ours.part(part), truth.part(part), bar * truth.part(part)) << part;
  }
}

TEST_F(DetectorStep, FasterRcnnAgreesInF64) {
  std::vector<double> objectness;
  for (const CrossBoundary rule : {CrossBoundary::keep, CrossBoundary::ignore}) {
    FasterRcnnConfig config = narrow_faster_rcnn();
    config.rpn.cross_boundary = rule;
    FasterRcnn cpu(config), device(config);
    fresh_weights(cpu, device, DType::f64);
    const Tensor x = noise({2, 3, 64, 64}, "films", DType::f64);
    const DetectionModel::Losses ours = step(device, x.to(kDevice));
    expect_parts(ours, step(cpu, x), 1e-10);
    expect_same_step(cpu, device, 1e-8, 1e-8);
    objectness.push_back(ours.part("objectness"));
  }
  EXPECT_NE(objectness[0], objectness[1]) << "other anchors train";
}

TEST_F(DetectorStep, FasterRcnnAgreesInF32) {
  expect_f32_step([](Device device, DType dtype) {
    FasterRcnn net(every_proposal());
    place(net, device, dtype);
    const DetectionModel::Losses losses = step(net, noise({2, 3, 64, 64}, "films", dtype).to(device));
    Numbers parts;
    for (const char* part : kParts) parts.push_back(losses.part(part));
    return Step{parts, gradients_of(net)};
  });
}

// Parameters stay f32. What 16 bits cost, not whether each kernel is right, which the operators' rows tell:
// losses to some roundings (2^-11, 2^-8), and gradients that point the same way.
TEST_F(DetectorStep, FasterRcnnIsCloseIn16Bits) {
  for (const DType narrow : {DType::f16, DType::bf16}) {
    FasterRcnn cpu(every_proposal()), device(every_proposal());
    fresh_weights(cpu, device, DType::f32);
    const Tensor x = noise({2, 3, 64, 64}, "films", DType::f32);
    expect_parts(step(device, x.to(narrow).to(kDevice)), step(cpu, x), narrow == DType::f16 ? 5e-3 : 4e-2);
    expect_gradients_alike(cpu, device, 0.5);
  }
}

/// The device's f32 beside the CPU's, by what f64 detects.
template <class Net, class Config>
void expect_same_detections(const Config& config) {
  const auto of = [&](Device device, DType dtype) {
    Net net(config);
    place(net, device, dtype);
    return net.detect(noise({2, 3, 96, 96}, "films", dtype).to(device));
  };
  const auto ours = of(kDevice, DType::f32), truth = of(Device::cpu, DType::f64),
             fast = of(Device::cpu, DType::f32);
  const ReferenceScope plain;
  const auto slow = of(Device::cpu, DType::f32);
  for (size_t i = 0; i < truth.size(); ++i) {
    ASSERT_GT(truth[i].size(), 10u);
    double largest = 0;
    for (const Detection& d : truth[i]) largest = std::max(largest, std::fabs(testing::logit_of(d)));
    const testing::DetectionBars a = testing::distance(fast[i], truth[i]),
                                 b = testing::distance(slow[i], truth[i]);
    const testing::DetectionBars bars{f32_bar(std::max(a.logit, b.logit), largest),
                                      f32_bar(std::max(a.side, b.side), 96)};
    testing::expect_same_detections(ours[i], truth[i], bars, "image " + std::to_string(i));
  }
}

#if !defined(CAWE_ON_CUDA)

/// What was asked of the device since the last call, which is printed.
emulated::Traffic traffic(const char* what) {
  emulated::Traffic t = emulated::take_traffic();
  uint64_t launches = 0;
  for (const auto& [kernel, times] : t.launches) launches += times;
  std::printf("[   counts ] %s: %d to the host, %d to the device, %d launches of kernels\n", what,
              int(t.to_host.count), int(t.to_device.count), int(launches));
  return t;
}

/// A step after the first, in which anchors went to the device.
template <class Net, class Config>
void expect_no_copy_to_host(const char* what, const Config& config, int64_t n) {
  Net net(config);
  place(net, kDevice, DType::f32);
  const Variable x(noise({n, 3, 64, 64}, "films", DType::f32).to(kDevice));
  const std::vector<Truth> truths(size_t(n),
                                  Truth{{{10, 12, 40, 44}, {30, 20, 60, 55}}, {0, 0}, {{0, 0, 20, 20}}});
  const std::vector<DrawKey> draws(static_cast<size_t>(n));
  for (int round = 0; round < 2; ++round) {
    net.zero_grad();
    emulated::take_traffic();
    backward(net.loss_of(x, net.targets(64, 64, truths, draws, kDevice)).total);
    const emulated::Traffic t = traffic(what);
    if (round == 0) continue;
    EXPECT_EQ(t.to_host.count, 0u) << what;
    EXPECT_EQ(t.to_device.count, 2u) << what << ": the true boxes, and the keys of draws";
  }
}

TEST_F(DetectorStep, TrainingBringsNothingToTheHost) {
  for (const int64_t n : {1, 2, 5}) {
    expect_no_copy_to_host<RetinaNet>("RetinaNet's step", narrow_retinanet(), n);
    expect_no_copy_to_host<FasterRcnn>("Faster R-CNN's step", narrow_faster_rcnn(), n);
  }
}

template <class Net, class Config>
void expect_one_copy_to_host(const char* what, const Config& config) {
  Net net(config);
  place(net, kDevice, DType::f32);
  for (const int64_t n : {1, 1, 2, 5}) {
    const Tensor x = noise({n, 3, 64, 64}, "films", DType::f32).to(kDevice);
    emulated::take_traffic();
    const std::vector<Detections> found = net.detect(x);
    EXPECT_GT(found[0].size(), 0u);
    EXPECT_EQ(traffic(what).to_host.count, 1u) << what << " of " << n;
  }
}

// What is done meanwhile finds the work still queued, as nothing has waited for it; captured or not.
template <class Net, class Config>
void expect_work_queued_meanwhile(const Config& config) {
  Net net(config);
  place(net, kDevice, DType::f32);
  DetectionRunner runner(net, true);
  const Tensor x = noise({2, 3, 64, 64}, "meanwhile", DType::f32).to(kDevice);
  for (const bool captured : {false, true}) {
    int calls = 0;
    runner.detect(x, {}, [&] {
      EXPECT_GT(emulated::pending(), 0u);
      ++calls;
    });
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(emulated::pending(), 0u) << "the detections are here";
    EXPECT_EQ(runner.captured(), captured);
  }
}

TEST_F(DetectorStep, WorkIsQueuedMeanwhile) {
  expect_work_queued_meanwhile<RetinaNet>(narrow_retinanet());
  expect_work_queued_meanwhile<FasterRcnn>(narrow_faster_rcnn());
}

TEST_F(DetectorStep, DetectionsComeToTheHostOnce) {
  expect_one_copy_to_host<RetinaNet>("RetinaNet's detections", narrow_retinanet());
  expect_one_copy_to_host<FasterRcnn>("Faster R-CNN's detections", narrow_faster_rcnn());
}

#endif

bool same(const std::vector<Detections>& a, const std::vector<Detections>& b) {
  bool equal = a.size() == b.size();
  for (size_t i = 0; i < a.size() && equal; ++i) {
    equal = a[i].size() == b[i].size();
    for (size_t k = 0; k < a[i].size() && equal; ++k)
      equal = std::memcmp(&a[i][k].box, &b[i][k].box, sizeof(Box)) == 0 && a[i][k].score == b[i][k].score &&
              a[i][k].label == b[i][k].label;
  }
  return equal;
}

template <class Net, class Config>
void expect_captured_detections(const Config& config) {
  Net net(config);
  place(net, kDevice, DType::f32);
  DetectionRunner runner(net, true), plain(net, false);
  const char* kFilms[] = {"first", "second", "third", "fourth", "fifth"};
  for (int i = 0; i < 5; ++i) {
    const int64_t n = i == 3 ? 1 : 2;  // a short batch, and then the first shape anew
    const Tensor x = noise({n, 3, 64, 64}, kFilms[i], DType::f32).to(kDevice);
    const std::vector<Detections> found = runner.detect(x, {});
    EXPECT_GT(found[0].size(), 0u);
    EXPECT_TRUE(same(found, plain.detect(x, {}))) << kFilms[i];
    EXPECT_EQ(runner.captured(), i == 1 || i == 2) << kFilms[i];
    EXPECT_FALSE(plain.captured());
  }
  Tensor bad = noise({2, 3, 64, 64}, "bad", DType::f32);
  bad.slice(0, 1, 2).fill(std::nan(""));
  EXPECT_FALSE(runner.captured());
  runner.detect(noise({2, 3, 64, 64}, "sixth", DType::f32).to(kDevice), {});
  ASSERT_TRUE(runner.captured());
  try {
    runner.detect(bad.to(kDevice), {"good.png", "bad.png"});
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("bad.png"), std::string::npos) << error.what();
  }
}

TEST_F(DetectorStep, CapturedDetectionsAreThePlainOnes) {
  expect_captured_detections<RetinaNet>(narrow_retinanet());
  expect_captured_detections<FasterRcnn>(narrow_faster_rcnn());
}

TEST_F(DetectorStep, RetinaNetDetectsAlike) { expect_same_detections<RetinaNet>(narrow_retinanet()); }
TEST_F(DetectorStep, FasterRcnnDetectsAlike) { expect_same_detections<FasterRcnn>(narrow_faster_rcnn()); }

}  // namespace
}  // namespace cawe::models
