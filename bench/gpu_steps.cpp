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
#include <cstdlib>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "cuda/backend/cuda_backend.h"
#include "cuda/runtime/init.h"
#include "cuda/runtime/runtime.h"
#include "tensor/io/json.h"
#include "tensor/primitives/optimizers.h"
#include "train/model_steps.h"

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

/// Median milliseconds of five rounds of steps. The host waits for the device once per round, so that
/// queueing may run ahead; a round takes at least 0.1 s.
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
  const int count = int(std::clamp(0.1 / (now() - start), 1.0, 100.0));
  std::vector<double> ms;
  for (int round = 0; round < 5; ++round) {
    start = now();
    for (int i = 0; i < count; ++i) step();
    gpu().synchronize();
    ms.push_back(1000 * (now() - start) / count);
  }
  std::sort(ms.begin(), ms.end());
  const on_cuda::ConvolutionStatistics planned = gpu().runtime().convolutions.statistics();
  say({{"case", name},
       {"batch", int(batch)},
       {"median_ms", json_fixed(ms[2], 3)},
       {"min_ms", json_fixed(ms.front(), 3)},
       {"max_ms", json_fixed(ms.back(), 3)},
       {"peak_mb", json_fixed(double(gpu().statistics().peak_bytes) / 1048576, 0)},
       // Problems so far, by the interface of cuDNN that computed them.
       {"by_graph", planned.by_graph},
       {"by_legacy", planned.by_legacy}});
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

bool wanted(const Options& options, const std::string& name) {
  return name.find(options.filter) != std::string::npos;
}

/// Measures `queue`, which brings nothing to the host, operator by operator, and as one graph; `after` follows it.
/// `before` makes ready for another queue().
void both_ways(const Options& options, const std::string& name, int64_t batch,
               const std::function<void()>& before, const std::function<void()>& queue,
               const std::function<void()>& after) {
  const auto step = [&] {
    before();
    queue();
    after();
  };
  if (wanted(options, name + " plain")) measure(options, name + " plain", batch, step);
  if (!wanted(options, name + " captured")) return;
  step();
  step();
  before();
  const std::unique_ptr<CapturedWork> work = backend(kGpu).capture(queue);
  CAWE_CHECK(work != nullptr, Code::internal, "the step was not captured");
  measure(options, name + " captured", batch, [&] {
    work->launch();
    after();
  });
}

/// f32 is called tf32 where it may be computed so.
std::string type_name(DType dtype) {
  const char* tf32 = std::getenv("CAWE_TF32");
  return dtype == DType::f32 && tf32 && std::strcmp(tf32, "1") == 0 ? "tf32" : cawe::name(dtype);
}

void run_model(const Options& o, const std::string& net, int64_t batch, DType dtype) {
  const auto title = [&](const std::string& what) {
    return detail::concat(net, " ", what, " b", batch, " ", type_name(dtype));
  };
  const std::unique_ptr<train::ModelStep> step = train::make_model_step(net, batch, dtype, kGpu);
  Sgd sgd;
  const auto forget = [&] { step->module().zero_grad(); };
  const auto gradients = [&] { step->loss_and_gradients(); };
  const auto update = [&] { sgd.step(step->module()); };
  both_ways(o, title("training"), batch, forget, gradients, update);
  // As training does it: the next batch's films are uploaded behind the step, whose loss the host then waits for.
  if (dtype == DType::bf16 && net != "generator" && net != "critic") {
    Variable loss;
    both_ways(
        o, title("training_with_films"), batch, forget, [&] { loss = step->loss_and_gradients(); },
        [&] {
          step->upload();
          loss.value().item();
          update();
        });
  }
  const auto nothing = [] {};
  const auto infer = [&] { step->infer_on_device(); };
  if (!step->prepares()) return both_ways(o, title(step->inference()), batch, nothing, infer, nothing);
  // As in training and in `cawe detect`: true boxes go to the device, detections come from it.
  if (wanted(o, title("training_with_targets") + " plain"))
    measure(o, title("training_with_targets") + " plain", batch, [&] {
      forget();
      step->prepare();
      gradients();
      update();
    });
  both_ways(o, title(step->inference()), batch, nothing, infer, [&] { step->bring_to_host(); });
}

/// Runs a case; if it fails, says why and goes on with the next.
void guarded(const Options& o, const std::string& net, int64_t batch, DType dtype) {
  // A filter that begins with a network's name spares the others' making.
  const std::string key = o.filter.substr(0, o.filter.find(' '));
  const auto begins = [&](const std::string& name) { return name.rfind(key, 0) == 0; };
  const auto& names = train::model_step_names();
  if (!begins(net) && std::any_of(names.begin(), names.end(), begins)) return;
  try {
    run_model(o, net, batch, dtype);
  } catch (const std::exception& e) {
    say({{"case", detail::concat(net, " b", batch, " ", type_name(dtype))}, {"failed", e.what()}});
  }
  gpu().trim();
}

int run(const Options& o) {
  std::string why;
  if (!on_cuda::init(&why)) {
    std::fprintf(stderr, "no GPU: %s\n", why.c_str());
    return 77;
  }
  set_compute_device(kGpu);
  // Most wanted first: a run may be cut.
  struct Size {
    DType dtype;
    int64_t batch;
  };
  for (const Size& size :
       {Size{DType::bf16, 32}, Size{DType::bf16, 2}, Size{DType::f32, 32}, Size{DType::f32, 2},
        Size{DType::bf16, 8}, Size{DType::f16, 32}, Size{DType::f32, 8}})
    for (const std::string& net : train::model_step_names()) {
      // 32 images are too many for the colorizer, which has its 8 then and not once more.
      const bool colorizer = net == "generator" || net == "critic";
      if (!colorizer || size.batch != 8)
        guarded(o, net, colorizer && size.batch == 32 ? 8 : size.batch, size.dtype);
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
