// SPDX-License-Identifier: Apache-2.0
// The profile as text for a terminal and as JSON.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "cuda/lab/report/collect.h"
#include "tensor/io/format.h"
#include "tensor/io/json.h"

namespace cawe::kernel_report {
namespace {

double percent(uint64_t ideal, uint64_t got) {
  return got == 0 ? 100.0 : 100.0 * double(ideal) / double(got);
}

/// Registers, shared bytes, spills and occupancy of a case: the worst of its kernels.
struct Worst {
  bool known = false, approximate = false;
  int registers = 0;
  int64_t shared = 0, spills = 0;
  double occupancy = 1;
};

Worst worst_of(const CaseProfile& profile) {
  Worst w;
  for (const LaunchLine& l : profile.launches) {
    w.shared = std::max<int64_t>(w.shared, int64_t(l.report.dynamic_shared));
    if (!l.resources) continue;
    w.known = true;
    w.approximate |= l.resources->approximate();
    w.registers = std::max(w.registers, l.resources->registers);
    w.shared = std::max(w.shared, l.resources->shared_bytes + int64_t(l.report.dynamic_shared));
    w.spills += l.resources->stack.spill_stores + l.resources->stack.spill_loads;
    w.occupancy = std::min(w.occupancy, l.occupancy->fraction);
  }
  return w;
}

std::string resource_columns(const Worst& w) {
  if (!w.known) return "    -     -    -     -";
  return printf_text("%s%4d %5lld %4lld %5.0f", w.approximate ? "~" : " ", w.registers,
                     static_cast<long long>(w.shared), static_cast<long long>(w.spills), 100 * w.occupancy);
}

std::string line_of(const CaseProfile& profile) {
  const simt::Counters& c = profile.result.counters;
  const uint64_t unique = c.unique_read_bytes + c.unique_written_bytes, traffic = 32 * c.global_sectors;
  return printf_text(
      "%-22.22s %-24.24s %s %8llu %9llu %5.1f %9llu %9.0f %5.2f %7llu (%llu) %5.1f %8.2f %7.1e %s\n",
      profile.name.c_str(), profile.shape.c_str(), resource_columns(worst_of(profile)).c_str(),
      static_cast<unsigned long long>(c.global_requests), static_cast<unsigned long long>(c.global_sectors),
      percent(c.global_ideal_sectors, c.global_sectors), static_cast<unsigned long long>(unique),
      profile.floor_read + profile.floor_written, unique ? double(traffic) / double(unique) : 1.0,
      static_cast<unsigned long long>(c.shared_wavefronts),
      static_cast<unsigned long long>(c.shared_ideal_wavefronts), 100 * c.simt_efficiency(), profile.bound.us,
      profile.result.error, profile.passed() ? "ok" : "FAILED");
}

std::string heading(const KernelProfiles& p) {
  return printf_text("Emulated, not measured on a GPU. Occupancy and bound are of %s (%s).\n", p.gpu->name,
                     p.gpu->arch) +
         printf_text("%-22s %-24s %5s %5s %4s %5s %8s %9s %5s %9s %9s %5s %7s %5s %8s %7s\n", "kernel",
                     "shape", "regs", "smem", "spil", "occ%", "requests", "sectors", "eff%", "unique B",
                     "floor B", "traf.", "waves (ideal)", "simt%", "bound us", "error");
}

}  // namespace

std::string table_text(const KernelProfiles& profiles) {
  std::string out = heading(profiles);
  int64_t failed = 0;
  for (const CaseProfile& each : profiles.cases) {
    out += line_of(each);
    for (const std::string& complaint : each.complaints) out += "  FAILED: " + complaint + "\n";
    if (!each.reason.empty()) out += "  above the ideal: " + each.reason + "\n";
    failed += !each.passed();
  }
  for (const CaseProfile& each : profiles.cases)
    for (const std::string& hint : hints(each, *profiles.gpu))
      out += "! " + each.name + " " + each.shape + ": " + hint + "\n";
  if (!profiles.no_resources.empty())
    out += "No registers, spills and occupancy: " + profiles.no_resources + ".\n";
  out += printf_text(
      "%zu cases, %lld failed. traf.: sectors' bytes over unique bytes. bound: a lower bound, never a "
      "time.\n",
      profiles.cases.size(), static_cast<long long>(failed));
  return out + simt::limits_text() + "\n";
}

std::string ladder_text(const KernelProfiles& profiles) {
  std::vector<const CaseProfile*> steps;
  for (const CaseProfile& each : profiles.cases) steps.push_back(&each);
  std::stable_sort(steps.begin(), steps.end(),
                   [](const CaseProfile* a, const CaseProfile* b) { return a->step < b->step; });
  std::string out = heading(profiles);
  for (const CaseProfile* each : steps) {
    out += printf_text("%d. %s\n", each->step, each->change.c_str()) + line_of(*each);
    for (const LaunchLine& l : each->launches)
      out += printf_text("     %s, grid %ux%ux%u, block %ux%ux%u\n", l.report.kernel.c_str(),
                         l.report.grid[0], l.report.grid[1], l.report.grid[2], l.report.block[0],
                         l.report.block[1], l.report.block[2]);
    for (const std::string& complaint : each->complaints) out += "     FAILED: " + complaint + "\n";
    for (const std::string& hint : hints(*each, *profiles.gpu)) out += "     ! " + hint + "\n";
  }
  return out + simt::limits_text() + "\n";
}

namespace {

/// Counts are exact, what is computed from them has six digits.
Json number(double x) { return json_rounded(x, 6); }

Json counters_json(const simt::Counters& c) {
  return {{"threads", c.threads},
          {"accesses", c.accesses},
          {"global_requests", c.global_requests},
          {"global_sectors", c.global_sectors},
          {"global_ideal_sectors", c.global_ideal_sectors},
          {"shared_requests", c.shared_requests},
          {"shared_wavefronts", c.shared_wavefronts},
          {"shared_ideal_wavefronts", c.shared_ideal_wavefronts},
          {"atomic_requests", c.atomic_requests},
          {"atomic_serial_steps", c.atomic_serial_steps},
          {"mma", c.mma},
          {"unique_read_bytes", c.unique_read_bytes},
          {"unique_written_bytes", c.unique_written_bytes},
          {"simt_efficiency", number(c.simt_efficiency())}};
}

Json site_json(const simt::Site& s) {
  return {{"file", s.file},
          {"space", s.space == simt::Space::global ? "global" : "shared"},
          {"access", s.access == simt::Access::load    ? "load"
                     : s.access == simt::Access::store ? "store"
                                                       : "atomic"},
          {"line", s.line},
          {"bytes", s.bytes},
          {"requests", s.requests},
          {"lanes", s.lanes},
          {"units", s.units},
          {"ideal_units", s.ideal_units},
          {"serial_steps", s.serial_steps}};
}

Json launch_json(const LaunchLine& l) {
  Json json{{"kernel", l.report.kernel}, {"grid", l.report.grid}, {"block", l.report.block}};
  if (l.resources)
    json.update({{"registers", l.resources->registers},
                 {"shared_bytes", uint64_t(l.resources->shared_bytes) + l.report.dynamic_shared},
                 {"spill_bytes", l.resources->stack.spill_stores + l.resources->stack.spill_loads},
                 {"occupancy", number(l.occupancy->fraction)},
                 {"arch", l.resources->arch},
                 {"compiled_for", l.resources->compiled_for}});
  Json& sites = json["sites"] = Json::array();
  for (const simt::Site& s : l.report.sites) sites.push_back(site_json(s));
  return json;
}

Json case_json(const CaseProfile& r) {
  Json launches = Json::array();
  for (const LaunchLine& l : r.launches) launches.push_back(launch_json(l));
  return {{"name", r.name},
          {"shape", r.shape},
          {"file", r.file},
          {"ladder", r.ladder},
          {"change", r.change},
          {"passed", r.passed()},
          {"step", r.step},
          {"error", number(r.result.error)},
          {"tolerance", number(r.tolerance)},
          {"floor_read", number(r.floor_read)},
          {"floor_written", number(r.floor_written)},
          {"flops", number(r.flops)},
          {"bound_us", number(r.bound.us)},
          {"counters", counters_json(r.result.counters)},
          {"complaints", Json(r.complaints)},
          {"launches", launches}};
}

}  // namespace

std::string profiles_json(const KernelProfiles& p) {
  Json cases = Json::array();
  for (const CaseProfile& each : p.cases) cases.push_back(case_json(each));
  return json_text({{"emulated", true},
                    {"gpu", p.gpu->name},
                    {"arch", p.gpu->arch},
                    {"resources", p.no_resources.empty() ? "nvcc" : p.no_resources},
                    {"limits", simt::limits_text()},
                    {"cases", cases}},
                   JsonLayout::lines) +
         "\n";
}

}  // namespace cawe::kernel_report
