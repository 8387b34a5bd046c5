// SPDX-License-Identifier: Apache-2.0
// Brings together what is known of each kernel case: the emulator's counts, ptxas' registers, occupancy and
// the roofline.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cuda/lab/cases/run.h"
#include "cuda/lab/profile/nvcc.h"
#include "cuda/lab/profile/occupancy.h"
#include "cuda/lab/profile/roofline.h"

namespace cawe::kernel_report {

/// One launch of a case: what the emulator counted and, with nvcc, what the chosen GPU would make of it.
struct LaunchLine {
  simt::LaunchReport report;
  std::optional<gpu::KernelResources> resources;
  std::optional<gpu::Occupancy> occupancy;
};

struct CaseProfile {
  std::string name, shape, file, ladder, change, reason;
  int step = 0;
  on_emulator::CaseResult result;       ///< seed 0, profiled
  std::vector<std::string> complaints;  ///< of all seeds
  double floor_read = 0, floor_written = 0, flops = 0, tolerance = 0;
  std::vector<LaunchLine> launches;
  gpu::LowerBound bound;
  bool passed() const { return complaints.empty(); }
};

struct Settings {
  std::string gpu = "H100";
  std::vector<uint64_t> seeds{0, 1, 7};  ///< the first one is profiled too, the others checked
  bool resources = true;                 ///< ask nvcc where there is one
  std::string source_root = ".";         ///< where the cases' files lie
};

struct KernelProfiles {
  std::vector<CaseProfile> cases;
  const gpu::Gpu* gpu = nullptr;
  std::string no_resources;  ///< why there are none: "no nvcc"
};

/// Runs the cases; `progress` gets how many are done.
KernelProfiles profile(const std::vector<const on_emulator::Case*>& cases, const Settings& settings,
                       const std::function<void(int64_t)>& progress = {});

/// Where the includes of a kernel file are looked for: in the tree and, for a file from outside (an absolute
/// path), among the workbench's headers, which no file of the tree may use.
std::vector<std::string> include_folders(const std::string& file, const std::string& source_root);

/// Registers, spills and shared memory of every kernel in `file` for each of `archs`.
gpu::Answer<gpu::ResourceReport> file_resources(const std::string& file,
                                                const std::vector<std::string>& archs,
                                                const std::string& source_root);

/// Loads and stores of global memory in PTX that move 16 bytes a thread, by kernel (short name); empty
/// without nvcc.
std::map<std::string, std::pair<int, int>> wide_accesses(const std::string& file, const std::string& arch,
                                                         const std::string& source_root);

/// What a reader should look at: lines such as "nms.cu:33 st.global x8: 32.0 sectors a request, ideal 8.0".
std::vector<std::string> hints(const CaseProfile& profile, const gpu::Gpu& gpu);

std::string table_text(const KernelProfiles& profiles);
/// Registers, occupancy and lower bound of each case on P40, V100, A100 and H100; "~": a newer architecture's
/// registers.
std::string gpus_text(const KernelProfiles& profiles, const std::string& source_root);
/// Every memory instruction of the cases with its counts.
std::string sites_text(const KernelProfiles& profiles);
/// A ladder: its steps below each other, what changed and what that did to the counts.
std::string ladder_text(const KernelProfiles& profiles);
std::string profiles_json(const KernelProfiles& profiles);
/// One page with the table and, for each memory instruction, which lane touches which sector or bank.
std::string profiles_html(const KernelProfiles& profiles);

}  // namespace cawe::kernel_report
