// SPDX-License-Identifier: Apache-2.0
#include "tensor/text.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <numeric>

namespace cawe {
namespace {

size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
    }
  }
  return row[b.size()];
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

std::string nearest_name(const std::string& name, const std::vector<std::string>& candidates) {
  std::string best;
  size_t distance = SIZE_MAX;
  for (const std::string& candidate : candidates) {
    const size_t d = edit_distance(name, candidate);
    if (d < distance && d <= std::max(name.size(), candidate.size()) / 3 + 2) {
      distance = d;
      best = candidate;
    }
  }
  return best;
}

std::string format_duration(double seconds) {
  char text[48];
  const long whole = long(seconds + 0.5);
  if (seconds < 59.5)
    std::snprintf(text, sizeof text, seconds < 10 ? "%.1f s" : "%.0f s", seconds);
  else if (whole < 3600)
    std::snprintf(text, sizeof text, "%ld min %02ld s", whole / 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%ld h %02ld min", whole / 3600, whole % 3600 / 60);
  return text;
}

Progress::Progress(std::string label, int64_t total, bool quiet)
    : label_(std::move(label)),
      total_(total),
      quiet_(quiet),
      terminal_(isatty(2) == 1),
      start_(now()),
      last_(start_) {}

Progress::~Progress() {
  if (drawn_ && terminal_) std::fprintf(stderr, "\r\033[K");
}

void Progress::update(int64_t done, const std::string& note) {
  if (quiet_) return;
  const double t = now();
  if (t - start_ < 2.0 || t - last_ < (terminal_ ? 0.2 : 10.0)) return;
  last_ = t;
  drawn_ = true;
  const double share = total_ > 0 ? double(done) / double(total_) : 0;
  const std::string eta = share > 0 ? format_duration((t - start_) * (1 - share) / share) : "?";
  constexpr int kWidth = 24;
  std::string bar(size_t(kWidth), '.');
  std::fill(bar.begin(), bar.begin() + std::min(kWidth, int(share * kWidth)), '#');
  std::fprintf(stderr, "%s%s [%s] %lld/%lld, %s left%s%s%s", terminal_ ? "\r\033[K" : "", label_.c_str(),
               bar.c_str(), static_cast<long long>(done), static_cast<long long>(total_), eta.c_str(),
               note.empty() ? "" : ", ", note.c_str(), terminal_ ? "" : "\n");
  std::fflush(stderr);
}

}  // namespace cawe
