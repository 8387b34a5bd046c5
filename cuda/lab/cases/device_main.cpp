// SPDX-License-Identifier: Apache-2.0
// Kernel cases on a GPU: values against the CPU, and times. scripts/gpu-check runs it; a JSON object a line.
//   cawe_device_cases [--once] [--fresh] [--skip N] [FILTER...]
//     --once    each case a single time, each in an NVTX range of its name (under compute-sanitizer and ncu)
//     --fresh   memory that nobody wrote stays as it is (for compute-sanitizer's initcheck)
//     --list F  the cases that file F names, each line a case's "name shape"
//     --skip N  without the first N cases that match
//     --count   only says how many match; needs no GPU
//     FILTER    part of a case's "name shape"; cases that match one of them
// Exit codes: 0 all hold, 1 some do not, 9 the device is lost since the last case printed (go on with
// --skip), 77 no GPU. A case that hangs for 40 s ends the program by SIGALRM, but not with --once.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include <unistd.h>

#include <nvtx3/nvToolsExt.h>

#include "cuda/lab/cases/case.h"
#include "cuda/lab/cases/case_context_cuda.h"
#include "cuda/runtime/device.h"
#include "cuda/runtime/errors.h"
#include "tensor/io/json.h"

namespace cawe::on_cuda {
namespace {

class Timer {
 public:
  Timer() {
    CAWE_CUDA(cudaEventCreate(&begin_));
    CAWE_CUDA(cudaEventCreate(&end_));
  }
  ~Timer() {
    cudaEventDestroy(begin_);
    cudaEventDestroy(end_);
  }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  double microseconds(const std::function<void()>& launches) {
    CAWE_CUDA(cudaEventRecord(begin_, nullptr));
    launches();
    CAWE_CUDA(cudaEventRecord(end_, nullptr));
    CAWE_CUDA(cudaEventSynchronize(end_));
    float ms = 0;
    CAWE_CUDA(cudaEventElapsedTime(&ms, begin_, end_));
    return 1000.0 * double(ms);
  }

 private:
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
};

/// Median and least of 50 launches after 5 to warm up; the values of this run are not looked at, since
/// kernels that work in place have by then run many times.
std::pair<double, double> time_case(const Case& kernel_case) {
  Timer timer;
  std::vector<double> times;
  CaseContext context;
  context.time_with([&](const std::function<void()>& launches) {
    for (int i = 0; i < 5; ++i) launches();
    for (int i = 0; i < 50; ++i) times.push_back(timer.microseconds(launches));
  });
  kernel_case.run(context);
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times.front()};
}

/// Longer than any case takes, with the CPU's values.
constexpr unsigned kHangs = 40;  // seconds

struct Options {
  bool once = false, count = false;
  int skip = 0;
  std::vector<std::string> filters;
  std::set<std::string> titles;  ///< if any, these alone
};

bool wanted(const Case& kernel_case, const Options& options) {
  const std::string title = kernel_case.name + " " + kernel_case.shape;
  if (!options.titles.empty() && options.titles.count(title) == 0) return false;
  return options.filters.empty() ||
         std::any_of(options.filters.begin(), options.filters.end(),
                     [&](const std::string& f) { return title.find(f) != std::string::npos; });
}

/// Prints the case's line; false where it does not hold.
bool run_case(const Case& kernel_case, bool once) {
  double error = INFINITY;
  std::string message, worst;  // worst: of the run whose values are looked at
  std::pair<double, double> time{0, 0};
  nvtxRangePushA((kernel_case.name + " | " + kernel_case.shape).c_str());
  try {
    {
      CaseContext context;
      forget_worst();
      error = kernel_case.run(context);
      if (!(error <= kernel_case.tolerance)) worst = worst_of_run();
    }
    if (!once) time = time_case(kernel_case);
  } catch (const Error& e) {
    message = e.what();
  }
  nvtxRangePop();
  const bool passed = message.empty() && error <= kernel_case.tolerance;
  const Json line{{"name", kernel_case.name},
                  {"shape", kernel_case.shape},
                  {"passed", passed},
                  {"error", json_rounded(error, 3)},
                  {"tolerance", json_rounded(kernel_case.tolerance, 3)},
                  {"median_us", json_fixed(time.first, 3)},
                  {"min_us", json_fixed(time.second, 3)},
                  {"message", message.empty() ? worst : message}};
  std::printf("%s\n", json_text(line).c_str());
  std::fflush(stdout);
  return passed;
}

void read_titles(const char* file, std::set<std::string>& titles) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) titles.insert(line);
  CAWE_CHECK(!titles.empty(), Code::usage, file, ": no case is named in it");
}

int run(const Options& options) {
  if (options.count) {
    const auto& cases = all_cases();
    std::printf("%d\n", int(std::count_if(cases.begin(), cases.end(),
                                          [&](const Case& each) { return wanted(each, options); })));
    return 0;
  }
  DeviceInfo device;
  std::string why;
  if (!find_device(device, why)) {
    std::fprintf(stderr, "no GPU: %s\n", why.c_str());
    return 77;
  }
  int failed = 0, seen = 0;
  for (const Case& each : all_cases()) {
    if (!wanted(each, options) || ++seen <= options.skip) continue;
    if (!options.once) alarm(kHangs);
    failed += !run_case(each, options.once);
    // After an illegal access every further call fails.
    if (cudaDeviceSynchronize() != cudaSuccess) return 9;
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace cawe::on_cuda

int main(int argc, char** argv) {
  cawe::on_cuda::Options options;
  try {
    for (int i = 1; i < argc; ++i) {
      if (std::strcmp(argv[i], "--once") == 0)
        options.once = true;
      else if (std::strcmp(argv[i], "--fresh") == 0)
        cawe::on_cuda::leave_fresh_memory(true);
      else if (std::strcmp(argv[i], "--count") == 0)
        options.count = true;
      else if (std::strcmp(argv[i], "--list") == 0 && i + 1 < argc)
        cawe::on_cuda::read_titles(argv[++i], options.titles);
      else if (std::strcmp(argv[i], "--skip") == 0 && i + 1 < argc)
        options.skip = std::atoi(argv[++i]);
      else
        options.filters.push_back(argv[i]);
    }
    return cawe::on_cuda::run(options);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "cawe_device_cases: %s\n", e.what());
    return 1;
  }
}
