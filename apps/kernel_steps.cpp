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
  std::string type;  ///< f32 is called tf32 where it may be computed so
  std::string name() const { return detail::concat(net, " ", what, " b", batch, " ", type); }
};

std::vector<NamedStep> all_steps(bool tf32) {
  std::vector<NamedStep> steps;
  for (const std::string& net : train::model_step_names())
    for (const DType dtype : {DType::f32, DType::bf16})
      for (const int64_t batch : {2, 8, 32})
        for (const char* what : {"training", "inference"})
          steps.push_back(
              {net, what, batch, dtype, dtype == DType::f32 && tf32 ? "tf32" : cawe::name(dtype)});
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
    const auto measured = optimizer.measure(1, {model->loss_and_gradients().value()}, {});
    optimizer.step(0.001);
    train::Optimizer::told(*measured);
  }
  return device.take();
}

std::vector<const gpu::Gpu*> predicted_gpus() {
  std::vector<const gpu::Gpu*> chosen;
  for (const char* name : {"P40", "A100-80", "H100", "H200"}) chosen.push_back(&gpu::find_gpu(name));
  return chosen;
}

unsigned long long whole(uint64_t n) { return n; }

Json json_of(const PrimitiveCount& p) {
  Json j{{"name", p.name},
         {"calls", p.calls},
         {"launches", p.launches()},
         {"kernels", p.kernels},
         {"vendor_calls", p.vendor_calls},
         {"bytes", p.bytes},
         {"flops", p.flops()},
         {"predicted_ms", Json::object()}};
  for (const gpu::Gpu* each : predicted_gpus())
    j["predicted_ms"][each->name] = json_fixed(predicted_ms(*each, p), 4);
  return j;
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
         {"host_waits", c.host_waits},
         {"bytes", c.bytes()},
         {"floor_bytes", gpu::floor_bytes(c)},
         {"flops", c.flops()},
         {"peak_bytes", c.peak_bytes},
         {"primitives", Json::array()},
         {"predicted_ms", Json::object()}};
  for (const PrimitiveCount& p : c.primitives) j["primitives"].push_back(json_of(p));
  for (const gpu::Gpu* each : predicted_gpus()) {
    const gpu::StepPrediction p = predict(*each, c);
    j["predicted_ms"][each->name] = {{"captured", json_fixed(p.captured(), 3)},
                                     {"plain", json_fixed(p.plain(), 3)}};
  }
  return j;
}

void print_row(const NamedStep& step, const StepCount& c) {
  std::string row = printf_text(
      "%-32s %6llu %5llu %4llu %4llu %5llu %8.2f %5.2f %8.3f", step.name().c_str(), whole(c.launches()),
      whole(c.vendor_calls()), whole(c.traffic.to_device.count), whole(c.traffic.to_host.count),
      whole(c.host_waits), c.bytes() * 1e-9, c.bytes() / gpu::floor_bytes(c), c.flops() * 1e-12);
  for (const gpu::Gpu* each : predicted_gpus()) row += printf_text(" %9.2f", predict(*each, c).captured());
  std::printf("%s\n", row.c_str());
  std::fflush(stdout);
}

/// The primitives of one step, longest first on an H100, each with its kernels.
void print_primitives(const StepCount& c) {
  const gpu::Gpu& h100 = gpu::find_gpu("H100");
  std::vector<PrimitiveCount> sorted = c.primitives;
  std::stable_sort(sorted.begin(), sorted.end(), [&](const PrimitiveCount& a, const PrimitiveCount& b) {
    return predicted_ms(h100, a) > predicted_ms(h100, b);
  });
  std::printf("\n%-52s %5s %6s %5s %8s %8s", "primitive, and the kernels it launches", "calls", "launch",
              "lib", "GB", "GFLOP");
  for (const gpu::Gpu* each : predicted_gpus()) std::printf(" %9s", each->name);
  std::printf("\n");
  for (const PrimitiveCount& p : sorted) {
    std::printf("%-52s %5llu %6llu %5llu %8.3f %8.1f", p.name.c_str(), whole(p.calls), whole(p.launches()),
                whole(p.vendor_calls), p.bytes * 1e-9, p.flops() * 1e-9);
    for (const gpu::Gpu* each : predicted_gpus()) std::printf(" %9.3f", predicted_ms(*each, p));
    std::printf("\n");
    for (const auto& [kernel, times] : p.kernels)
      std::printf("  %-50s       %6llu\n", kernel.c_str(), whole(times));
  }
}

}  // namespace

void print_steps(const std::string& filter, const Common& common) {
  CountedDevice device;
  const std::vector<NamedStep> all = all_steps(device.tf32());
  std::vector<NamedStep> steps = all;
  steps.erase(std::remove_if(steps.begin(), steps.end(),
                             [&](const NamedStep& s) { return s.name().find(filter) == std::string::npos; }),
              steps.end());
  CAWE_CHECK(!steps.empty(), Code::usage, "no step's name has '", filter, "' (one is called \"",
             all.front().name(), "\")");
  Json counted = Json::array();
  if (!common.json)
    std::printf(
        "Counted on the emulated device, nothing measured. GB: each primitive's operands once; x floor: as "
        "if all but "
        "products\nand optimizer were fused into them. Of GPUs: ms, predicted for a captured step.\n\n"
        "%-32s %6s %5s %4s %4s %5s %8s %5s %8s %9s %9s %9s %9s\n",
        "step", "launch", "lib", "up", "down", "waits", "GB", "floor", "TFLOP", "P40", "A100-80", "H100",
        "H200");
  // Rows tell on a terminal how far it is.
  Progress progress("steps", int64_t(steps.size()), common.quiet || (!common.json && isatty(STDOUT_FILENO)));
  int64_t done = 0;
  for (const NamedStep& step : steps) {
    const StepCount c = count(device, step);
    progress.update(++done, step.name());
    if (common.json)
      counted.push_back(json_of(step, c));
    else
      print_row(step, c);
    if (!common.json && steps.size() == 1) print_primitives(c);
  }
  if (common.json) std::printf("%s\n", json_text({{"steps", counted}}, JsonLayout::lines).c_str());
}

}  // namespace cawe::apps
