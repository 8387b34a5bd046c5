// SPDX-License-Identifier: Apache-2.0
// Kernel rows on a GPU: values against the CPU, and times. scripts/gpu-check runs it; a JSON object a line.
//   cawe_device_rows [--once] [FILTER]     --once: each row a single time (under compute-sanitizer and ncu)
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "cuda/rows/row.h"
#include "cuda/runtime/device.h"
#include "cuda/runtime/errors.h"

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
std::pair<double, double> time_row(const Row& row) {
  Timer timer;
  std::vector<double> times;
  RowContext context;
  context.time_with([&](const std::function<void()>& launches) {
    for (int i = 0; i < 5; ++i) launches();
    for (int i = 0; i < 50; ++i) times.push_back(timer.microseconds(launches));
  });
  row.run(context);
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times.front()};
}

int run(bool once, const std::string& filter) {
  DeviceInfo device;
  std::string why;
  if (!find_device(device, why)) {
    std::fprintf(stderr, "no GPU: %s\n", why.c_str());
    return 77;
  }
  int failed = 0;
  for (const Row& row : all_rows()) {
    if ((row.name + " " + row.shape).find(filter) == std::string::npos) continue;
    double error = INFINITY;
    std::string message;
    std::pair<double, double> time{0, 0};
    try {
      {
        RowContext context;
        error = row.run(context);
      }
      if (!once) time = time_row(row);
    } catch (const Error& e) {
      message = e.what();
    }
    const bool passed = message.empty() && error <= row.tolerance;
    failed += !passed;
    std::printf(
        "{\"name\":\"%s\",\"shape\":\"%s\",\"passed\":%s,\"error\":%.3g,\"tolerance\":%.3g,\"median_us\":%."
        "3f,"
        "\"min_us\":%.3f,\"message\":\"%s\"}\n",
        row.name.c_str(), row.shape.c_str(), passed ? "true" : "false", std::isfinite(error) ? error : 1e308,
        row.tolerance, time.first, time.second, message.c_str());
    std::fflush(stdout);
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace cawe::on_cuda

int main(int argc, char** argv) {
  bool once = false;
  std::string filter;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--once") == 0)
      once = true;
    else
      filter = argv[i];
  }
  try {
    return cawe::on_cuda::run(once, filter);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "cawe_device_rows: %s\n", e.what());
    return 1;
  }
}
