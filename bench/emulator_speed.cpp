// SPDX-License-Identifier: Apache-2.0
// How fast the SIMT emulator is: accesses a second of one core, without checks, with checks, and with
// counting.
#include <benchmark/benchmark.h>

#include "cuda/rows/run.h"
#include "cuda/simt/emulator.h"

namespace {

using namespace cawe;

/// All launches of a row, again and again; inputs and reference are made once.
void run(benchmark::State& state, const on_emulator::Row& row, simt::Level level) {
  const simt::Options before = simt::options();
  simt::options().level = level;
  uint64_t accesses = 0;
  for (auto _ : state) {
    state.PauseTiming();
    on_emulator::RowContext context;
    context.time_with([&](const std::function<void()>& launches) {
      state.ResumeTiming();
      launches();
      state.PauseTiming();
    });
    row.run(context);
    for (const simt::LaunchReport& r : simt::take_reports()) accesses += r.counters.accesses;
    state.ResumeTiming();
  }
  state.counters["accesses/s"] = benchmark::Counter(double(accesses), benchmark::Counter::kIsRate);
  simt::options() = before;
}

}  // namespace

int main(int argc, char** argv) {
  const std::pair<const char*, simt::Level> levels[] = {{"check", simt::Level::check},
                                                        {"profile", simt::Level::profile}};
  for (const on_emulator::Row& row : on_emulator::all_rows())
    for (const auto& [name, level] : levels)
      benchmark::RegisterBenchmark((row.name + " " + row.shape + " " + name).c_str(),
                                   [&row, chosen = level](benchmark::State& s) { run(s, row, chosen); });
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
