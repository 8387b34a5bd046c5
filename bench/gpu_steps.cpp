// SPDX-License-Identifier: Apache-2.0
// Full-size networks on a GPU: training steps (loss, gradients, SGD) and inference, queued operator by
// operator or captured as one graph; one JSON object per line.
//   bench_gpu_steps [--from N] [FILTER]   FILTER: part of "resnet50 training b8 bf16 captured"; without the
//                                         first N types and batches
//   bench_gpu_steps --once FILTER         one step between cudaProfilerStart and Stop, for ncu
// Exit codes: 0 done, 77 no GPU, 100 + N: in the Nth type and batch the device was lost (go on with --from N + 1).
#include <cuda_profiler_api.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
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
  int from = 0;
  bool once = false;
  bool done = false;  ///< the one step was made; what follows is slow under ncu
};

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

on_cuda::CudaBackend& gpu() { return static_cast<on_cuda::CudaBackend&>(backend(kGpu)); }

/// Median milliseconds of five rounds of steps, of three where a step takes more than 0.2 s. The host waits for
/// the device once per round, so that queueing may run ahead; a round takes at least 0.05 s.
void measure(Options& options, const std::string& name, int64_t batch, const std::function<void()>& step) {
  step();
  step();
  gpu().synchronize();
  if (options.once) {
    cudaProfilerStart();
    step();
    gpu().synchronize();
    cudaProfilerStop();
    options.done = true;
  }
  gpu().reset_peak();
  double start = now();
  step();
  gpu().synchronize();
  const double seconds = now() - start;
  const int count = int(std::clamp(0.05 / seconds, 1.0, 100.0));
  const int rounds = seconds > 0.2 ? 3 : 5;
  std::vector<double> ms;
  for (int round = 0; round < rounds; ++round) {
    start = now();
    for (int i = 0; i < count; ++i) step();
    gpu().synchronize();
    ms.push_back(1000 * (now() - start) / count);
  }
  std::sort(ms.begin(), ms.end());
  const on_cuda::ConvolutionStatistics planned = gpu().runtime().convolutions.statistics();
  say({{"case", name},
       {"batch", int(batch)},
       {"median_ms", json_fixed(ms[size_t(rounds) / 2], 3)},
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

bool wanted(Options& options, const std::string& name) {
  return !options.done && name.find(options.filter) != std::string::npos;
}

/// Measures `queue`, which brings nothing to the host, operator by operator, and as one graph; `after` follows it.
/// `before` makes ready for another queue().
void both_ways(Options& options, const std::string& name, int64_t batch, const std::function<void()>& before,
               const std::function<void()>& queue, const std::function<void()>& after) {
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

void run_model(Options& o, const std::string& net, int64_t batch, DType dtype) {
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

struct Size {
  DType dtype;
  int64_t batch;
};

/// Whether a case of it may be wanted, since making a network takes seconds: the filter's words that name a
/// network, a batch or a type name this one.
bool may_be_wanted(Options& o, const std::string& net, const Size& size) {
  const std::string batch = "b" + std::to_string(size.batch), type = type_name(size.dtype);
  const auto& networks = train::model_step_names();
  std::istringstream words(o.filter);
  for (std::string word; words >> word;) {
    const bool of_networks = std::find(networks.begin(), networks.end(), word) != networks.end();
    const bool of_batches = word.size() > 1 && word[0] == 'b' && std::isdigit(word[1]) != 0;
    const bool of_types = word == "f32" || word == "tf32" || word == "f16" || word == "bf16";
    if ((of_networks && word != net) || (of_batches && word != batch) || (of_types && word != type))
      return false;
  }
  return true;
}

/// Runs its cases; if one fails, says why and goes on with the next network or size.
void guarded(Options& o, const std::string& net, const Size& size) {
  if (o.done || !may_be_wanted(o, net, size)) return;
  try {
    run_model(o, net, size.batch, size.dtype);
  } catch (const std::exception& e) {
    say({{"case", detail::concat(net, " b", size.batch, " ", type_name(size.dtype))}, {"failed", e.what()}});
  }
}

int run(Options& o) {
  std::string why;
  if (!on_cuda::init(&why)) {
    std::fprintf(stderr, "no GPU: %s\n", why.c_str());
    return 77;
  }
  set_compute_device(kGpu);
  // Most wanted first: a run may be cut. By the place of a batch among a network's (train::timed_batches).
  constexpr struct {
    DType dtype;
    size_t batch;
  } kSizes[] = {{DType::bf16, 0}, {DType::f32, 0}, {DType::bf16, 1}, {DType::f32, 1},
                {DType::bf16, 2}, {DType::f32, 2}, {DType::f16, 0}};
  for (size_t i = size_t(o.from); i < std::size(kSizes); ++i)
    for (const std::string& net : train::model_step_names()) {
      const std::vector<int64_t> batches = train::timed_batches(net);
      if (kSizes[i].batch >= batches.size()) continue;
      guarded(o, net, {kSizes[i].dtype, batches[kSizes[i].batch]});
      // What follows would fail, too; so would taking this process down in order.
      if (cudaDeviceSynchronize() != cudaSuccess) std::_Exit(100 + int(i));
      gpu().trim();
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
    else if (std::strcmp(argv[i], "--from") == 0 && i + 1 < argc)
      options.from = std::atoi(argv[++i]);
    else
      options.filter = argv[i];
  }
  return cawe::run(options);
}
