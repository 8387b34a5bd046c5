// SPDX-License-Identifier: Apache-2.0
// Speed of the SIMT emulator: accesses per second on one core, without checks, with checks, and with
// counting.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdio>
#include <map>

#include "cuda/emulator/simt/emulator.h"
#include "cuda/lab/cases/run.h"

namespace {

using namespace cawe;

struct Total {
  double accesses = 0, seconds = 0;
};

/// Repeats all launches of a case; making inputs and reference is not timed.
void run(benchmark::State& state, const on_emulator::Case& kernel_case, simt::Level level, Total* total) {
  const simt::Options before = simt::options();
  simt::options().level = level;
  double accesses = 0, seconds = 0;
  for (auto _ : state) {
    double spent = 0;
    on_emulator::CaseContext context;
    context.time_with([&](const std::function<void()>& launches) {
      const auto start = std::chrono::steady_clock::now();
      launches();
      spent += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    });
    kernel_case.run(context);
    state.SetIterationTime(spent);
    seconds += spent;
    for (const simt::LaunchReport& r : simt::take_reports()) accesses += double(r.counters.accesses);
  }
  state.counters["accesses/s"] = accesses / seconds;
  total->accesses += accesses / double(state.iterations());
  total->seconds += seconds / double(state.iterations());
  simt::options() = before;
}

}  // namespace

/// Of each kernel file the case with the most accesses; at the end one figure for all together.
int main(int argc, char** argv) {
  std::map<std::string, std::pair<uint64_t, const on_emulator::Case*>> chosen;
  for (const on_emulator::Case& each : on_emulator::all_cases()) {
    if (!each.ladder.empty()) continue;
    const uint64_t accesses = on_emulator::run_case(each, 0, simt::Level::check).counters.accesses;
    auto& best = chosen[each.file];
    if (accesses >= best.first) best = {accesses, &each};
  }
  Total check, profile;
  for (const auto& [file, best] : chosen)
    for (const bool profiled : {false, true}) {
      const on_emulator::Case& kernel_case = *best.second;
      const auto level = profiled ? simt::Level::profile : simt::Level::check;
      Total* total = profiled ? &profile : &check;
      benchmark::RegisterBenchmark(
          (kernel_case.name + " " + kernel_case.shape + (profiled ? " profile" : " check")).c_str(),
          [&kernel_case, level, total](benchmark::State& s) { run(s, kernel_case, level, total); })
          ->UseManualTime()
          ->MinTime(0.1)
          ->Unit(benchmark::kMillisecond);
    }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  std::printf("all %zu kernels once: %.1f M accesses/s with checks, %.1f M accesses/s counted too\n",
              chosen.size(), check.accesses / check.seconds / 1e6, profile.accesses / profile.seconds / 1e6);
  return 0;
}
