// SPDX-License-Identifier: Apache-2.0
// Full-size networks: a training step and an inference of ResNet-50 (batch 8, 224 px), of RetinaNet and of
// Faster R-CNN (batch 2, 512 px); a step of the paper's classifier (batch 32, 320 px).
//   bench_full_size_steps [threads] [resnet|retinanet|faster_rcnn|classifier|all] [lanes]
//   default: 2 all 8
#include <cstring>

#include "autograd/ops/losses.h"
#include "bench/steps.h"
#include "models/classifier.h"
#include "models/faster_rcnn.h"
#include "models/retinanet.h"
#include "tensor/denormals.h"
#include "tensor/parallel.h"
#include "tensor/primitives/optimizers.h"

namespace {

using namespace cawe;

void sgd(nn::Module& net, std::vector<Tensor>& velocity, SgdParams& params) {
  auto parameters = net.parameters();
  params.first = velocity.empty();
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (params.first) velocity.push_back(Tensor::like(parameters[i].variable->value()));
    Tensor value = parameters[i].variable->value();
    primitives::sgd_step(value, parameters[i].variable->grad(), velocity[i], params);
  }
}

void resnet50(const std::string& name, int64_t batch, int64_t side, int steps) {
  models::Classifier net(models::ClassifierConfig{});
  net.initialise(0);
  const std::string what = ", batch " + std::to_string(batch) + ", " + std::to_string(side) + " px";
  const Tensor x = bench::random_images(batch, side), targets = Tensor::zeros({batch, 14});
  std::vector<Tensor> velocity;
  SgdParams params;
  bench::measure(name + " training" + what, steps, batch, [&] {
    net.zero_grad();
    backward(batch_mean(bce_with_logits(net.forward(Variable(x)).logits, targets)));
    sgd(net, velocity, params);
  });
  net.train(false);
  const NoGrad inference;
  bench::measure(name + " inference" + what, steps, batch, [&] { net.forward(Variable(x)); });
}

void detector(const std::string& name, models::DetectionModel& net, int steps) {
  net.initialise(0);
  const Tensor x = bench::random_images(2, 512);
  std::vector<models::Truth> truths(2);
  for (auto& t : truths) {
    t.boxes = {{100, 120, 220, 260}};
    t.labels = {0};
  }
  std::vector<Tensor> velocity;
  SgdParams params;
  bench::measure(name + " training, batch 2, 512 px", steps, 2, [&] {
    net.zero_grad();
    backward(net.loss(Variable(x), truths).total);
    sgd(net, velocity, params);
  });
  bench::measure(name + " inference, batch 2, 512 px", steps, 2, [&] { net.detect(x); });
}

}  // namespace

int main(int argc, char** argv) {
  cawe::flush_denormals();
  cawe::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 2);
  const char* only = argc > 2 ? argv[2] : "all";
  const cawe::LaneScope lanes(argc > 3 ? std::atoi(argv[3]) : 8);
  const auto wanted = [only](const char* name) {
    return std::strcmp(only, "all") == 0 || std::strcmp(only, name) == 0;
  };
  if (wanted("resnet")) resnet50("ResNet-50", 8, 224, 7);
  if (wanted("retinanet")) {
    cawe::models::RetinaNet net(cawe::models::RetinaNetConfig{});
    detector("RetinaNet", net, 5);
  }
  if (wanted("faster_rcnn")) {
    cawe::models::FasterRcnn net(cawe::models::FasterRcnnConfig{});
    detector("Faster R-CNN", net, 5);
  }
  if (wanted("classifier")) resnet50("classifier", 32, 320, 3);
}
