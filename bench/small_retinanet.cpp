// SPDX-License-Identifier: Apache-2.0
// A training step of the narrow RetinaNet of the demo: ResNet-18 shape at a quarter of the width, FPN 64, two
// convolutions a tower, 128 pixels, batch 8, AdamW.
#include "bench/steps.h"
#include "models/retinanet.h"
#include "tensor/parallel.h"

int main(int argc, char** argv) {
  using namespace cawe;
  const int64_t batch = 8, side = 128;
  set_num_threads(argc > 1 ? std::atoi(argv[1]) : 2);
  models::RetinaNetConfig config;
  config.backbone.depth = 18;
  config.backbone.width = 16;
  config.channels = 64;
  config.head_convs = 2;
  config.anchors = models::anchor_pyramid(5, 12, {1, 1.26, 1.59}, false);
  models::RetinaNet net(config);
  net.initialise(0);
  const Tensor x = bench::random_images(batch, side);
  std::vector<models::Truth> truths(static_cast<size_t>(batch));
  for (size_t i = 0; i < truths.size(); ++i) {
    truths[i].boxes = {{20, 30, 50, 64}, {70, 60, 100, 84}};
    truths[i].labels = {0, 0};
  }
  struct State {
    Tensor m, v;
  };
  std::vector<State> states;
  for (auto& p : net.parameters()) {
    states.push_back({Tensor::like(p.variable->value()), Tensor::like(p.variable->value())});
    states.back().m.fill(0);
    states.back().v.fill(0);
  }
  AdamParams adam;
  adam.decoupled = true;
  adam.weight_decay = 0.01;
  bench::measure("narrow RetinaNet, 128 px, batch 8", 20, batch, [&] {
    net.zero_grad();
    backward(net.loss(Variable(x), truths).total);
    auto parameters = net.parameters();
    for (size_t i = 0; i < parameters.size(); ++i) {
      Tensor value = parameters[i].variable->value();
      backend(Device::cpu).adam_step(value, parameters[i].variable->grad(), states[i].m, states[i].v, adam);
    }
    ++adam.step;
  });
}
