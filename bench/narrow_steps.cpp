// SPDX-License-Identifier: Apache-2.0
// A training step of the demonstration's narrow detectors: ResNet-18 at a quarter of its width, FPN with 64
// channels, 128 px, batch 8, AdamW.
//   bench_narrow_steps [threads] [retinanet|faster_rcnn]     (default 2, both)
#include <cstring>

#include "bench/steps.h"
#include "models/faster_rcnn.h"
#include "models/retinanet.h"
#include "tensor/denormals.h"
#include "tensor/parallel.h"
#include "tensor/primitives/optimizers.h"

namespace {

using namespace cawe;

models::ResNetConfig narrow_body() {
  models::ResNetConfig c;
  c.depth = 18;
  c.width = 16;
  return c;
}

models::RetinaNetConfig retinanet_config() {
  models::RetinaNetConfig c;
  c.backbone = narrow_body();
  c.channels = 64;
  c.head_convs = 2;
  c.anchors = models::anchor_pyramid(5, 12, {1, 1.26, 1.59}, false);
  return c;
}

models::FasterRcnnConfig faster_rcnn_config() {
  models::FasterRcnnConfig c;
  c.backbone = narrow_body();
  c.channels = 64;
  c.rpn.anchors.sizes = {{10}, {18}, {34}, {64}, {110}};
  c.rpn.sampling.count = 128;
  c.rpn.train = c.rpn.test = {100, 50};
  c.roi.sampling.count = 32;
  c.roi.hidden = 256;
  c.roi.canonical_size = 56;
  return c;
}

void training_steps(const std::string& name, models::DetectionModel& net) {
  const int64_t batch = 8, side = 128;
  net.initialise(0);
  const Tensor x = bench::random_images(batch, side);
  std::vector<models::Truth> truths(static_cast<size_t>(batch));
  for (auto& t : truths) {
    t.boxes = {{20, 30, 50, 64}, {70, 60, 100, 84}};
    t.labels = {0, 0};
  }
  std::vector<Tensor> m, v;
  for (auto& p : net.parameters()) {
    m.push_back(Tensor::zeros(p.variable->shape()));
    v.push_back(Tensor::zeros(p.variable->shape()));
  }
  AdamParams adam;
  adam.decoupled = true;
  adam.weight_decay = 0.01;
  bench::measure(name + ", 128 px, batch 8", 20, batch, [&] {
    net.zero_grad();
    backward(net.loss(Variable(x), truths).total);
    std::vector<Tensor> values, gradients;
    for (auto& p : net.parameters()) {
      values.push_back(p.variable->value());
      gradients.push_back(p.variable->grad());
    }
    primitives::adam_steps(values, gradients, m, v, {}, adam);
    ++adam.step;
  });
}

}  // namespace

int main(int argc, char** argv) {
  cawe::flush_denormals();
  cawe::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 2);
  const char* only = argc > 2 ? argv[2] : "";
  if (std::strcmp(only, "faster_rcnn") != 0) {
    cawe::models::RetinaNet net(retinanet_config());
    training_steps("narrow RetinaNet", net);
  }
  if (std::strcmp(only, "retinanet") != 0) {
    cawe::models::FasterRcnn net(faster_rcnn_config());
    training_steps("narrow Faster R-CNN", net);
  }
}
