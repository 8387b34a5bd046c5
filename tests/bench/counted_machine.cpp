// SPDX-License-Identifier: Apache-2.0
// In place of a GPU a device that computes nothing: each case is queued at its full size, and what it asked of the device
// stands in its line.
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <thread>

#include "bench/machine.h"
#include "cuda/lab/steps/counted_device.h"

namespace cawe::bench {
namespace {

class Counted final : public Machine {
 public:
  Device device() const override { return Device::emulated; }

  std::vector<double> microseconds(int count, const std::function<void()>& launch) override {
    device_.take();
    launch();
    count_ = device_.take();
    return std::vector<double>(size_t(count), 1);
  }
  int most_steps() const override { return 1; }
  int64_t take_peak() override {
    // In place of a step that takes so many seconds: this is asked for between the first steps and those that are timed.
    if (const char* slow = std::getenv("CAWE_SLOW"))
      std::this_thread::sleep_for(std::chrono::duration<double>(std::atof(slow)));
    return device_.take().peak_bytes;
  }
  void profile(bool) override {}
  void trim() override {}
  bool lost() override {
    const char* nth = std::getenv("CAWE_LOST");  // how often it is asked until it is
    return nth && ++asked_ == std::atoi(nth);
  }

  void tell(Json* line) override {
    Json& calls = (*line)["calls"] = Json::object();
    double bytes = 0;
    for (const on_emulator::PrimitiveCount& p : count_.primitives) {
      calls[p.name] = p.calls;
      if (p.name != "copy" || count_.primitives.size() == 1) bytes += p.bytes;
    }
    (*line)["operand_bytes"] = json_fixed(bytes, 0);
  }

 private:
  static size_t memory() {
    const char* mb = std::getenv("CAWE_MEMORY_MB");
    return size_t(mb ? std::atoi(mb) : 144384) << 20;
  }
  on_emulator::CountedDevice device_{memory()};
  on_emulator::StepCount count_;
  int asked_ = 0;
};

}  // namespace

std::unique_ptr<Machine> machine(std::string*) { return std::make_unique<Counted>(); }

}  // namespace cawe::bench
