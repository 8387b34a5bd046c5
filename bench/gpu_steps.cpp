// SPDX-License-Identifier: Apache-2.0
// Full-size networks on a GPU: training steps (loss, gradients, SGD) and inference, queued operator by
// operator or captured as one graph; one JSON object per line.
//   bench_gpu_steps [FILTER]           FILTER: part of "resnet50 training b8 bf16 captured"
//   bench_gpu_steps --once FILTER      one step between cudaProfilerStart and Stop, for ncu
#include <cuda_profiler_api.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "autograd/ops/elementwise.h"
#include "cuda/backend/cuda_backend.h"
#include "cuda/runtime/init.h"
#include "models/classifier.h"
#include "models/colorizer/content.h"
#include "models/colorizer/critic.h"
#include "models/colorizer/gan_losses.h"
#include "models/colorizer/generator.h"
#include "models/faster_rcnn.h"
#include "models/retinanet.h"
#include "tensor/io/json.h"
#include "tensor/primitives/optimizers.h"
#include "tensor/random.h"

namespace cawe {
namespace {

/// Prints a line, at once: a later case may lose the device.
void say(const Json& line) {
  std::printf("%s\n", json_text(line).c_str());
  std::fflush(stdout);
}

constexpr Device kGpu = Device::cuda;

struct Options {
  std::string filter;
  bool once = false;
};

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

on_cuda::CudaBackend& gpu() { return static_cast<on_cuda::CudaBackend&>(backend(kGpu)); }

/// Uniform in [-0.5, 0.5), channels-last.
Tensor images(int64_t n, int64_t side, DType dtype) {
  std::vector<float> values(size_t(n * 3 * side * side));
  const Random random(0, "bench images");
  for (size_t i = 0; i < values.size(); ++i) values[i] = random.uniform(i) - 0.5f;
  return Tensor::from(values, {n, 3, side, side}).channels_last().to(dtype).to(kGpu);
}

/// Median milliseconds of five rounds of steps. The host waits for the device once per round, so that
/// queueing may run ahead; a round takes at least 0.15 s.
void measure(const Options& options, const std::string& name, int64_t batch,
             const std::function<void()>& step) {
  step();
  step();
  gpu().synchronize();
  if (options.once) {
    cudaProfilerStart();
    step();
    gpu().synchronize();
    cudaProfilerStop();
    return;
  }
  gpu().reset_peak();
  double start = now();
  step();
  gpu().synchronize();
  const int count = int(std::clamp(0.15 / (now() - start), 1.0, 100.0));
  std::vector<double> ms;
  for (int round = 0; round < 5; ++round) {
    start = now();
    for (int i = 0; i < count; ++i) step();
    gpu().synchronize();
    ms.push_back(1000 * (now() - start) / count);
  }
  std::sort(ms.begin(), ms.end());
  say({{"case", name},
       {"batch", int(batch)},
       {"median_ms", json_fixed(ms[2], 3)},
       {"min_ms", json_fixed(ms.front(), 3)},
       {"max_ms", json_fixed(ms.back(), 3)},
       {"peak_mb", json_fixed(double(gpu().statistics().peak_bytes) / 1048576, 0)}});
}

class Sgd {
 public:
  void step(nn::Module& net) {
    std::vector<Tensor> values, gradients;
    for (const auto& p : net.parameters()) {
      if (!p.variable->grad().defined()) continue;
      values.push_back(p.variable->value());
      gradients.push_back(p.variable->grad());
    }
    if (velocity_.empty())
      for (const Tensor& v : values) {
        velocity_.push_back(Tensor::like(v));
        velocity_.back().fill(0);
      }
    primitives::sgd_steps(values, gradients, velocity_, Tensor(), {0.001, 0.9, 0, false});
  }

 private:
  std::vector<Tensor> velocity_;
};

/// Measures a training step operator by operator and, with `graph`, with loss and gradients as one graph.
void train(const Options& options, const std::string& name, int64_t batch, nn::Module& net, bool graph,
           const std::function<void()>& gradients) {
  Sgd sgd;
  const auto step = [&] {
    net.zero_grad();
    gradients();
    sgd.step(net);
  };
  const auto wanted = [&](const std::string& n) { return n.find(options.filter) != std::string::npos; };
  if (wanted(name + " plain")) measure(options, name + " plain", batch, step);
  if (!graph || !wanted(name + " captured")) return;
  step();
  step();
  net.zero_grad();
  const std::unique_ptr<CapturedWork> work = backend(kGpu).capture(gradients);
  CAWE_CHECK(work != nullptr, Code::internal, "the step was not captured");
  measure(options, name + " captured", batch, [&] {
    work->launch();
    sgd.step(net);
  });
}

void infer(const Options& options, const std::string& name, int64_t batch, nn::Module& net,
           const std::function<void()>& forward) {
  if (name.find(options.filter) == std::string::npos) return;
  net.train(false);
  const NoGrad inference;
  measure(options, name, batch, forward);
  net.train(true);
}

/// Runs a case; if it fails, says why and goes on with the next.
void guarded(const std::string& name, const std::function<void()>& run) {
  try {
    run();
  } catch (const std::exception& e) {
    say({{"case", name}, {"failed", e.what()}});
  }
  gpu().trim();
}

std::string title(const char* net, const char* what, int64_t batch, DType dtype) {
  return std::string(net) + " " + what + " b" + std::to_string(batch) + " " + cawe::name(dtype);
}

bool any(const Options& o, const std::string& net) {
  return o.filter.empty() || net.find(o.filter.substr(0, o.filter.find(' '))) != std::string::npos;
}

void resnet50(const Options& o, int64_t batch, DType dtype) {
  models::Classifier net(models::ClassifierConfig{});
  net.initialise(0);
  net.to(kGpu);
  const Tensor x = images(batch, 224, dtype), targets = Tensor::zeros({batch, 14}).to(kGpu);
  train(o, title("resnet50", "training", batch, dtype), batch, net, true,
        [&] { backward(models::multilabel_loss(net.forward(Variable(x)).logits, targets)); });
  infer(o, title("resnet50", "inference", batch, dtype), batch, net, [&] { net.forward(Variable(x)); });
}

void detector(const Options& o, const char* what, models::DetectionModel& net, int64_t batch, DType dtype) {
  net.initialise(0);
  net.to(kGpu);
  const Tensor x = images(batch, 512, dtype);
  std::vector<models::Truth> truths(static_cast<size_t>(batch));
  std::vector<models::DrawKey> draws(static_cast<size_t>(batch));
  for (size_t i = 0; i < truths.size(); ++i) {
    truths[i].boxes = {{100, 120, 220, 260}};
    truths[i].labels = {0};
    draws[i].image = i;
  }
  const std::vector<Tensor> targets = net.targets(512, 512, truths, draws, kGpu);
  train(o, title(what, "training", batch, dtype), batch, net, true,
        [&] { backward(net.loss_of(Variable(x), targets).total); });
  train(o, title(what, "training_with_targets", batch, dtype), batch, net, false,
        [&] { backward(net.loss_of(Variable(x), net.targets(512, 512, truths, draws, kGpu)).total); });
  infer(o, title(what, "detect", batch, dtype), batch, net, [&] { net.detect(x); });
}

void colorizer(const Options& o, int64_t batch, DType dtype) {
  models::Generator generator({});
  models::Critic critic({});
  models::ContentLoss content(models::content_config(models::Phi::resnet34));
  generator.initialise(0);
  critic.initialise(0);
  models::ResNetConfig c;
  c.depth = 34;
  models::ResNet body(c);
  body.initialise(1);
  content.load(models::state_of(body), "random");
  generator.to(kGpu);
  critic.to(kGpu);
  content.to(kGpu);
  const Tensor gray = images(batch, 256, dtype), color = images(batch, 256, dtype);
  train(o, title("generator", "training", batch, dtype), batch, generator, true, [&] {
    const nn::EvalMode evaluating(critic);
    critic.set_requires_grad(false);
    const Variable made = generator.forward(Variable(gray));
    backward(models::generator_loss(content.forward(made, color, batch),
                                    models::adversarial_loss(critic.forward(made))));
    critic.set_requires_grad(true);
  });
  infer(o, title("generator", "inference", batch, dtype), batch, generator,
        [&] { generator.forward(Variable(gray)); });
  const Tensor made = images(batch, 256, dtype);
  train(o, title("critic", "training", batch, dtype), batch, critic, true, [&] {
    backward(models::critic_loss(critic.forward(Variable(color)), critic.forward(Variable(made))));
  });
}

int run(const Options& o) {
  std::string why;
  if (!on_cuda::init(&why)) {
    std::fprintf(stderr, "no GPU: %s\n", why.c_str());
    return 77;
  }
  set_compute_device(kGpu);
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16}) {
    for (const int64_t batch : {2, 32}) {
      const auto text = [&](const char* net) { return title(net, "", batch, dtype); };
      if (dtype == DType::f16 && batch == 2) continue;
      if (any(o, "resnet50")) guarded(text("resnet50"), [&] { resnet50(o, batch, dtype); });
      if (any(o, "retinanet"))
        guarded(text("retinanet"), [&] {
          models::RetinaNet net(models::RetinaNetConfig{});
          detector(o, "retinanet", net, batch, dtype);
        });
      if (any(o, "faster_rcnn"))
        guarded(text("faster_rcnn"), [&] {
          models::FasterRcnn net(models::FasterRcnnConfig{});
          detector(o, "faster_rcnn", net, batch, dtype);
        });
      if (any(o, "generator critic"))
        guarded(text("colorizer"), [&] { colorizer(o, batch == 2 ? 2 : 8, dtype); });
    }
  }
  return 0;
}

}  // namespace
}  // namespace cawe

int main(int argc, char** argv) {
  cawe::Options options;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--once") == 0)
      options.once = true;
    else
      options.filter = argv[i];
  }
  return cawe::run(options);
}
