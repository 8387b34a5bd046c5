// SPDX-License-Identifier: Apache-2.0
// Time, FLOP/s, bytes/s and memory by operator: what `--profile` prints.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cawe {

/// The totals of one operator while profiling was on.
struct ProfileRow {
  std::string name;
  int64_t calls = 0;
  double seconds = 0;      ///< wall time inside the operator, its own children excluded
  double flops = 0;        ///< multiply and add counted as two
  double bytes = 0;        ///< read and written once each
  int64_t peak_bytes = 0;  ///< most memory live (in the whole arena) while it ran
};

void set_profiling(bool on);
bool profiling();
/// Rows so far, most time first; clears them.
std::vector<ProfileRow> take_profile();
std::string format_profile(const std::vector<ProfileRow>& rows);

/// Names the operator that runs on this thread while it lives. Costs two loads when profiling is off.
class ProfileScope {
 public:
  explicit ProfileScope(const char* name, double flops = 0, double bytes = 0);
  ~ProfileScope();
  ProfileScope(const ProfileScope&) = delete;
  ProfileScope& operator=(const ProfileScope&) = delete;

 private:
  const char* name_;
  double flops_, bytes_;
  int64_t start_ = -1;
  double children_ = 0;
  ProfileScope* parent_ = nullptr;
};

}  // namespace cawe
