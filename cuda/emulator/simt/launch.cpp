// SPDX-License-Identifier: Apache-2.0
// From CAWE_LAUNCH to a report: has it checked, queues it, runs it, gives issues and sites
// their lines.
#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <tuple>

#include "cuda/emulator/simt/core.h"
#include "tensor/denormals.h"
#include "tensor/error.h"

namespace cawe::simt {

namespace core {
void run_blocks(const void* code, uint64_t seed);

namespace {

std::mutex launch_lock;
std::vector<LaunchReport> reports;
std::function<void(void*, const char*, QueuedLaunch)> submitter = [](void*, const char*,
                                                                     QueuedLaunch launch) { launch(); };

Refuser refuser = [](Refusal, const char* kernel, const std::string& why) {
  fail(Code::internal, kernel, ": ", why);
};

std::function<void(const char*)> launch_check = [](const char*) {};

/// What a launch was asked for; `code` tells the module.
struct Request {
  const char* name;
  const void* code;
  Index3 grid, block;
  size_t shared;
  void (*body)(const void*);
  std::vector<std::max_align_t> arguments;
  size_t bytes;
};

LaunchReport make_report() {
  LaunchReport r;
  const Launch& l = launch_state;
  r.kernel = kernel_name(l.module_path, l.kernel_pc, l.name);
  r.module = l.module_path;
  r.grid[0] = l.grid.x, r.grid[1] = l.grid.y, r.grid[2] = l.grid.z;
  r.block[0] = l.block.x, r.block[1] = l.block.y, r.block[2] = l.block.z;
  r.dynamic_shared = l.dynamic_shared;
  r.counters = l.counters;
  for (const auto& [key, site] : l.sites) {
    r.sites.push_back(site);
    r.sites.back().pc = key.pc;
    if (!r.sites.back().example.empty()) r.sites.back().example.pop_back();
  }
  for (const auto& [key, issue] : l.issues) {
    r.issues.push_back(issue);
    r.issues.back().pc = key.pc;
    r.issues.back().kernel = r.kernel;
  }
  return r;
}

/// Finds the places of what collect() names in all reports, with one run of addr2line a module, and has them
/// assigned.
template <class Collect, class Assign>
void resolve(const std::vector<LaunchReport*>& all, Collect&& collect, Assign&& assign) {
  std::map<std::string, std::vector<uint32_t>> wanted;
  for (const LaunchReport* r : all) collect(*r, &wanted[r->module]);
  std::map<std::string, std::map<uint32_t, Place>> places;
  for (const auto& [module, addresses] : wanted)
    if (!addresses.empty()) places[module] = find_places(module, addresses);
  for (LaunchReport* r : all) assign(*r, places[r->module]);
}

/// Issues of one kind on one line are one, however many instructions the line became.
void merge_issues(LaunchReport& r, std::map<uint32_t, Place>& places) {
  std::vector<Issue> merged;
  for (Issue& issue : r.issues) {
    const Place& place = places[issue.pc];
    issue.file = place.file;
    issue.line = place.line;
    const auto same = std::find_if(merged.begin(), merged.end(), [&](const Issue& i) {
      return i.kind == issue.kind && i.file == issue.file && i.line == issue.line;
    });
    if (same != merged.end())
      same->times += issue.times;
    else
      merged.push_back(issue);
  }
  r.issues = std::move(merged);
}

void run(const Request& request) {
  const std::lock_guard<std::mutex> hold(launch_lock);
  const HostAccess access;
  const KeepDenormals as_a_gpu_does;
  Launch& l = launch_state;
  l.name = request.name;
  l.level = options().level;
  l.log_limit = std::max(options().log_records, 4u);
  l.grid = request.grid;
  l.block = request.block;
  l.block_threads = request.block.x * request.block.y * request.block.z;
  l.padded_threads = (l.block_threads + kWarpSize - 1) / kWarpSize * kWarpSize;
  l.dynamic_shared = request.shared;
  l.body = request.body;
  l.arguments = request.arguments.data();
  l.argument_bytes = request.bytes;
  run_blocks(request.code, options().seed);
  if (l.level != Level::off) reports.push_back(make_report());
}

}  // namespace

void report_issue(const char* kind, uint32_t pc, const std::string& detail) {
  Issue& issue = launch_state.issues[{kind, pc}];
  if (issue.times++ > 0) return;
  issue.kind = kind;
  issue.detail = detail;
}

std::string describe_thread(const Thread& t) {
  const auto text = [](Index3 i) {
    return "(" + std::to_string(i.x) + "," + std::to_string(i.y) + "," + std::to_string(i.z) + ")";
  };
  return "thread " + text(t.index) + " of block " + text(launch_state.block_index);
}

}  // namespace core

std::vector<LaunchReport> take_reports() {
  const std::lock_guard<std::mutex> hold(core::launch_lock);
  std::vector<LaunchReport> taken = std::exchange(core::reports, {});
  std::vector<LaunchReport*> all;
  for (LaunchReport& r : taken) all.push_back(&r);
  core::resolve(
      all,
      [](const LaunchReport& r, std::vector<uint32_t>* addresses) {
        for (const Issue& i : r.issues) addresses->push_back(i.pc);
      },
      [](LaunchReport& r, std::map<uint32_t, core::Place>& places) { core::merge_issues(r, places); });
  return taken;
}

void resolve_sites(const std::vector<LaunchReport*>& reports) {
  const std::lock_guard<std::mutex> hold(core::launch_lock);
  core::resolve(
      reports,
      [](const LaunchReport& r, std::vector<uint32_t>* addresses) {
        for (const Site& s : r.sites) addresses->push_back(s.pc);
      },
      [](LaunchReport& r, std::map<uint32_t, core::Place>& places) {
        for (Site& s : r.sites) {
          s.file = places[s.pc].file;
          s.line = places[s.pc].line;
        }
        std::sort(r.sites.begin(), r.sites.end(), [](const Site& a, const Site& b) {
          return std::tie(a.file, a.line, a.space, a.access, a.requests) <
                 std::tie(b.file, b.line, b.space, b.access, b.requests);
        });
      });
}

void set_submitter(std::function<void(void*, const char*, QueuedLaunch)> submitter) {
  core::submitter = std::move(submitter);
}

Refuser set_refuser(Refuser refuser) { return std::exchange(core::refuser, std::move(refuser)); }

void set_launch_check(std::function<void(const char*)> check) { core::launch_check = std::move(check); }

void submit_launch(const char* name, const void* code, Index3 grid, Index3 block, size_t shared, void* stream,
                   void (*body)(const void*), const void* arguments, size_t bytes) {
  const core::LaunchRefusal refusal = core::check_launch(code, grid, block, shared);
  if (!refusal.why.empty()) {
    core::refuser(refusal.kind, name, refusal.why);
    return core::launch_check(name);
  }
  auto request = std::make_shared<core::Request>();
  *request = {name, code, grid, block, shared, body, {}, bytes};
  request->arguments.resize(bytes / sizeof(std::max_align_t) + 1);
  std::memcpy(request->arguments.data(), arguments, bytes);
  core::submitter(stream, name, [request] { core::run(*request); });
  core::launch_check(name);
}

const char* limits_text() {
  return "Emulated, not measured on a GPU. Sectors are traffic before any cache, unique bytes traffic behind "
         "an "
         "infinite one; the truth lies between. Not known here: caches, latency, scheduling and time; what "
         "ptxas "
         "merges or moves; how tensor cores round; weak memory ordering; paths that these inputs do not "
         "take.";
}

}  // namespace cawe::simt
