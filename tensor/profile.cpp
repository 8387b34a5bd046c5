// SPDX-License-Identifier: Apache-2.0
#include "tensor/profile.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <map>
#include <mutex>

#include "tensor/arena.h"

namespace cawe {
namespace {

std::atomic<bool> on{false};
std::mutex mutex;
std::map<std::string, ProfileRow>& rows() {
  static std::map<std::string, ProfileRow> table;
  return table;
}
thread_local ProfileScope* innermost = nullptr;

int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

void set_profiling(bool enable) { on = enable; }
bool profiling() { return on.load(std::memory_order_relaxed); }

ProfileScope::ProfileScope(const char* name, double flops, double bytes)
    : name_(name), flops_(flops), bytes_(bytes) {
  if (!profiling()) return;
  parent_ = innermost;
  innermost = this;
  start_ = now();
}

ProfileScope::~ProfileScope() {
  if (start_ < 0) return;
  const double seconds = double(now() - start_) * 1e-9;
  innermost = parent_;
  if (parent_ != nullptr) parent_->children_ += seconds;
  const int64_t live = Arena::cpu().statistics().live_bytes;
  std::lock_guard<std::mutex> lock(mutex);
  ProfileRow& row = rows()[name_];
  row.name = name_;
  ++row.calls;
  row.seconds += seconds - children_;
  row.flops += flops_;
  row.bytes += bytes_;
  row.peak_bytes = std::max(row.peak_bytes, live);
}

std::vector<ProfileRow> take_profile() {
  std::lock_guard<std::mutex> lock(mutex);
  std::vector<ProfileRow> out;
  for (auto& [name, row] : rows()) out.push_back(row);
  rows().clear();
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
  return out;
}

std::string format_profile(const std::vector<ProfileRow>& profile) {
  double total = 0;
  for (const auto& row : profile) total += row.seconds;
  std::string out = "operator                       calls   time ms  share  GFLOP/s     GB/s  live MB\n";
  char line[160];
  for (const auto& row : profile) {
    std::snprintf(line, sizeof line, "%-28s %7lld %9.2f %5.1f%% %8.1f %8.2f %8.1f\n", row.name.c_str(),
                  static_cast<long long>(row.calls), row.seconds * 1e3,
                  total > 0 ? 100 * row.seconds / total : 0.0,
                  row.seconds > 0 ? row.flops / row.seconds * 1e-9 : 0.0,
                  row.seconds > 0 ? row.bytes / row.seconds * 1e-9 : 0.0, double(row.peak_bytes) / 1048576.0);
    out += line;
  }
  return out;
}

}  // namespace cawe
