// SPDX-License-Identifier: Apache-2.0
// `cawe kernels --steps`: what whole steps of the networks ask of a device, counted on the emulated device, and how
// long they should take on GPUs.
#include "apps/kernel_steps.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include <unistd.h>

#include "apps/commands.h"
#include "cuda/lab/steps/counted_device.h"
#include "cuda/lab/steps/predict.h"
#include "tensor/backend.h"
#include "tensor/error.h"
#include "tensor/io/format.h"
#include "tensor/io/json.h"
#include "tensor/text.h"
#include "train/model_steps.h"
#include "train/optimizer.h"

namespace cawe::apps {
namespace {

using on_emulator::CountedDevice;
using on_emulator::PrimitiveCount;
using on_emulator::StepCount;

struct NamedStep {
  std::string net, what;
  int64_t batch;
  DType dtype;
  std::string name() const { return detail::concat(net, " ", what, " b", batch, " ", cawe::name(dtype)); }
};

/// Batches of 2 and 32, and 8 where that is the largest that is timed.
std::vector<int64_t> counted_batches(const std::string& net) {
  const int64_t largest = train::timed_batches(net).front();
  return largest < 32 ? std::vector<int64_t>{2, largest, 32} : std::vector<int64_t>{2, 32};
}

std::vector<NamedStep> all_steps() {
  std::vector<NamedStep> steps;
  for (const std::string& net : train::model_step_names())
    for (const DType dtype : {DType::f32, DType::bf16})
      for (const int64_t batch : counted_batches(net))
        for (const char* what : {"training", "inference"}) steps.push_back({net, what, batch, dtype});
  return steps;
}

/// A training step of one network, or a forward pass, each with the upload of its pictures. Of what a trainer does it lacks:
/// uploads of a classifier's targets and mask; in the critic's step the gray pictures, the generator's pass that makes fakes
/// of them (here they are given), and the dropout masks. Optimizers are SGD, also the colorizer's, which trains by AdamW.
/// The first two are not counted: libraries and the allocator prepare themselves in them.
StepCount count(CountedDevice& device, const NamedStep& step) {
  const std::unique_ptr<train::ModelStep> model =
      train::make_model_step(step.net, step.batch, step.dtype, Device::emulated);
  train::OptimizerOptions sgd;
  sgd.kind = train::OptimizerOptions::Kind::sgd;
  train::Optimizer optimizer(model->module(), sgd);
  for (int i = 0; i < 3; ++i) {
    backend(Device::emulated).synchronize();
    device.take();
    model->upload();
    if (step.what == "inference") {
      model->infer_on_device();
      model->bring_to_host();
      continue;
    }
    model->prepare();
    optimizer.clip_gradients(1, {model->loss_and_gradients().value()});
    optimizer.step(0.001);
  }
  return device.take();
}

std::vector<const gpu::Gpu*> predicted_gpus() {
  std::vector<const gpu::Gpu*> chosen;
  for (const char* name : {"P40", "A100-80", "H100", "H200"}) chosen.push_back(&gpu::find_gpu(name));
  return chosen;
}

Json json_of(const NamedStep& step, const StepCount& c) {
  const auto copies = [](const emulated::Traffic::Copies& k) {
    return Json{{"count", k.count}, {"bytes", k.bytes}};
  };
  Json j{{"step", step.name()},
         {"launches", c.launches()},
         {"vendor_calls", c.vendor_calls()},
         {"fills", c.traffic.fills},
         {"to_device", copies(c.traffic.to_device)},
         {"to_host", copies(c.traffic.to_host)},
         {"bytes", c.bytes()},
         {"floor_bytes", gpu::floor_bytes(c)},
         {"flops", c.flops()},
         {"peak_bytes", c.peak_bytes},
         {"primitives", Json::array()},
         {"predicted_ms", Json::object()}};
  for (const PrimitiveCount& p : c.primitives)
    j["primitives"].push_back({{"name", p.name},
                               {"calls", p.calls},
                               {"launches", p.launches},
                               {"vendor_calls", p.vendor_calls},
                               {"bytes", p.bytes},
                               {"flops", p.flops_16 + p.flops_32}});
  for (const gpu::Gpu* each : predicted_gpus()) {
    const gpu::StepPrediction p = predict(*each, c);
    j["predicted_ms"][each->name] = {{"captured", json_fixed(p.captured(), 3)},
                                     {"plain", json_fixed(p.plain(), 3)}};
  }
  return j;
}

void print_row(const NamedStep& step, const StepCount& c) {
  std::string row = printf_text("%-32s %6llu %5llu %4llu %4llu %8.2f %5.2f %8.3f", step.name().c_str(),
                                static_cast<unsigned long long>(c.launches()),
                                static_cast<unsigned long long>(c.vendor_calls()),
                                static_cast<unsigned long long>(c.traffic.to_device.count),
                                static_cast<unsigned long long>(c.traffic.to_host.count), c.bytes() * 1e-9,
                                c.bytes() / gpu::floor_bytes(c), c.flops() * 1e-12);
  for (const gpu::Gpu* each : predicted_gpus()) row += printf_text(" %9.2f", predict(*each, c).captured());
  std::printf("%s\n", row.c_str());
  std::fflush(stdout);
}

/// The primitives of one step, longest first on an H100.
void print_primitives(const StepCount& c) {
  const gpu::Gpu& h100 = gpu::find_gpu("H100");
  std::vector<PrimitiveCount> sorted = c.primitives;
  std::stable_sort(sorted.begin(), sorted.end(), [&](const PrimitiveCount& a, const PrimitiveCount& b) {
    return predicted_ms(h100, a) > predicted_ms(h100, b);
  });
  std::printf("\n%-26s %6s %8s %7s %9s %9s %9s\n", "primitive", "calls", "launches", "library", "GB", "GFLOP",
              "H100 ms");
  for (const PrimitiveCount& p : sorted)
    std::printf("%-26s %6llu %8llu %7llu %9.3f %9.1f %9.3f\n", p.name.c_str(),
                static_cast<unsigned long long>(p.calls), static_cast<unsigned long long>(p.launches),
                static_cast<unsigned long long>(p.vendor_calls), p.bytes * 1e-9,
                (p.flops_16 + p.flops_32) * 1e-9, predicted_ms(h100, p));
  std::printf("\n%-58s %8s\n", "kernel", "launches");
  std::vector<std::pair<std::string, uint64_t>> kernels(c.traffic.launches.begin(), c.traffic.launches.end());
  std::stable_sort(kernels.begin(), kernels.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  for (const auto& [kernel, times] : kernels)
    std::printf("%-58s %8llu\n", kernel.c_str(), static_cast<unsigned long long>(times));
}

}  // namespace

void print_steps(const std::string& filter, const Common& common) {
  std::vector<NamedStep> steps = all_steps();
  steps.erase(std::remove_if(steps.begin(), steps.end(),
                             [&](const NamedStep& s) { return s.name().find(filter) == std::string::npos; }),
              steps.end());
  CAWE_CHECK(!steps.empty(), Code::usage, "no step's name has '", filter, "' (one is called \"",
             all_steps().front().name(), "\")");
  CountedDevice device;
  Json all = Json::array();
  if (!common.json)
    std::printf(
        "Counted on the emulated device, nothing measured. GB: each primitive's operands once; x floor: as "
        "if all but "
        "products\nand optimizer were fused into them. ms: predicted for a captured step.\n\n"
        "%-32s %6s %5s %4s %4s %8s %5s %8s %9s %9s %9s %9s\n",
        "step", "launch", "lib", "up", "down", "GB", "floor", "TFLOP", "P40", "A100-80", "H100", "H200");
  // Rows tell on a terminal how far it is.
  Progress progress("steps", int64_t(steps.size()), common.quiet || (!common.json && isatty(STDOUT_FILENO)));
  int64_t done = 0;
  for (const NamedStep& step : steps) {
    const StepCount c = count(device, step);
    progress.update(++done, step.name());
    if (common.json)
      all.push_back(json_of(step, c));
    else
      print_row(step, c);
    if (!common.json && steps.size() == 1) print_primitives(c);
  }
  if (common.json) std::printf("%s\n", json_text({{"steps", all}}, JsonLayout::lines).c_str());
}

}  // namespace cawe::apps
