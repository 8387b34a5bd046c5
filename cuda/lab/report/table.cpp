// SPDX-License-Identifier: Apache-2.0
// The profile as text for a terminal and as JSON.
#include <algorithm>
#include <cstdio>

#include "cuda/lab/report/collect.h"
#include "tensor/io/header_json.h"

namespace cawe::kernel_report {
namespace {

template <class... Values>
std::string text(const char* format, Values... values) {
  char line[700];
  std::snprintf(line, sizeof line, format, values...);
  return line;
}

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
  return text("%s%4d %5lld %4lld %5.0f", w.approximate ? "~" : " ", w.registers,
              static_cast<long long>(w.shared), static_cast<long long>(w.spills), 100 * w.occupancy);
}

std::string line_of(const CaseProfile& profile) {
  const simt::Counters& c = profile.result.counters;
  const uint64_t unique = c.unique_read_bytes + c.unique_written_bytes, traffic = 32 * c.global_sectors;
  return text("%-22.22s %-24.24s %s %8llu %9llu %5.1f %9llu %9.0f %5.2f %7llu (%llu) %5.1f %8.2f %7.1e %s\n",
              profile.name.c_str(), profile.shape.c_str(), resource_columns(worst_of(profile)).c_str(),
              static_cast<unsigned long long>(c.global_requests),
              static_cast<unsigned long long>(c.global_sectors),
              percent(c.global_ideal_sectors, c.global_sectors), static_cast<unsigned long long>(unique),
              profile.floor_read + profile.floor_written, unique ? double(traffic) / double(unique) : 1.0,
              static_cast<unsigned long long>(c.shared_wavefronts),
              static_cast<unsigned long long>(c.shared_ideal_wavefronts), 100 * c.simt_efficiency(),
              profile.bound.us, profile.result.error, profile.passed() ? "ok" : "FAILED");
}

std::string heading(const KernelProfiles& p) {
  return text("Emulated, not measured on a GPU. Occupancy and bound are of %s (%s).\n", p.gpu->name,
              p.gpu->arch) +
         text("%-22s %-24s %5s %5s %4s %5s %8s %9s %5s %9s %9s %5s %7s %5s %8s %7s\n", "kernel", "shape",
              "regs", "smem", "spil", "occ%", "requests", "sectors", "eff%", "unique B", "floor B", "traf.",
              "waves (ideal)", "simt%", "bound us", "error");
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
  out += text(
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
    out += text("%d. %s\n", each->step, each->change.c_str()) + line_of(*each);
    for (const LaunchLine& l : each->launches)
      out +=
          text("     %s, grid %ux%ux%u, block %ux%ux%u\n", l.report.kernel.c_str(), l.report.grid[0],
               l.report.grid[1], l.report.grid[2], l.report.block[0], l.report.block[1], l.report.block[2]);
    for (const std::string& complaint : each->complaints) out += "     FAILED: " + complaint + "\n";
    for (const std::string& hint : hints(*each, *profiles.gpu)) out += "     ! " + hint + "\n";
  }
  return out + simt::limits_text() + "\n";
}

namespace {

std::string number(double x) { return std::isfinite(x) ? text("%.6g", x) : "null"; }
std::string number(uint64_t x) { return std::to_string(x); }

template <class T>
void field(std::string* out, const char* name, T value) {
  *out += (out->back() == '{' ? "\"" : ",\"") + std::string(name) + "\":" + number(value);
}

std::string counters_json(const simt::Counters& c) {
  std::string out = "{";
  field(&out, "threads", c.threads);
  field(&out, "accesses", c.accesses);
  field(&out, "global_requests", c.global_requests);
  field(&out, "global_sectors", c.global_sectors);
  field(&out, "global_ideal_sectors", c.global_ideal_sectors);
  field(&out, "shared_requests", c.shared_requests);
  field(&out, "shared_wavefronts", c.shared_wavefronts);
  field(&out, "shared_ideal_wavefronts", c.shared_ideal_wavefronts);
  field(&out, "atomic_requests", c.atomic_requests);
  field(&out, "atomic_serial_steps", c.atomic_serial_steps);
  field(&out, "unique_read_bytes", c.unique_read_bytes);
  field(&out, "unique_written_bytes", c.unique_written_bytes);
  field(&out, "simt_efficiency", c.simt_efficiency());
  return out + "}";
}

std::string site_json(const simt::Site& s) {
  std::string out = "{\"file\":" + quoted(s.file) + ",\"space\":\"" +
                    (s.space == simt::Space::global ? "global" : "shared") + "\",\"access\":\"" +
                    (s.access == simt::Access::load    ? "load"
                     : s.access == simt::Access::store ? "store"
                                                       : "atomic") +
                    "\"";
  field(&out, "line", uint64_t(s.line));
  field(&out, "bytes", uint64_t(s.bytes));
  field(&out, "requests", s.requests);
  field(&out, "lanes", s.lanes);
  field(&out, "units", s.units);
  field(&out, "ideal_units", s.ideal_units);
  field(&out, "serial_steps", s.serial_steps);
  return out + "}";
}

std::string launch_json(const LaunchLine& l) {
  std::string out = "{\"kernel\":" + quoted(l.report.kernel);
  out += text(",\"grid\":[%u,%u,%u],\"block\":[%u,%u,%u]", l.report.grid[0], l.report.grid[1],
              l.report.grid[2], l.report.block[0], l.report.block[1], l.report.block[2]);
  if (l.resources) {
    field(&out, "registers", uint64_t(l.resources->registers));
    field(&out, "shared_bytes", uint64_t(l.resources->shared_bytes) + l.report.dynamic_shared);
    field(&out, "spill_bytes", uint64_t(l.resources->stack.spill_stores + l.resources->stack.spill_loads));
    field(&out, "occupancy", l.occupancy->fraction);
    out +=
        ",\"arch\":" + quoted(l.resources->arch) + ",\"compiled_for\":" + quoted(l.resources->compiled_for);
  }
  out += ",\"sites\":[";
  for (size_t i = 0; i < l.report.sites.size(); ++i) out += (i ? "," : "") + site_json(l.report.sites[i]);
  return out + "]}";
}

std::string case_json(const CaseProfile& r) {
  std::string out = "{\"name\":" + quoted(r.name) + ",\"shape\":" + quoted(r.shape) +
                    ",\"file\":" + quoted(r.file) + ",\"ladder\":" + quoted(r.ladder) +
                    ",\"change\":" + quoted(r.change) + ",\"passed\":" + (r.passed() ? "true" : "false");
  field(&out, "step", uint64_t(r.step));
  field(&out, "error", r.result.error);
  field(&out, "tolerance", r.tolerance);
  field(&out, "floor_read", r.floor_read);
  field(&out, "floor_written", r.floor_written);
  field(&out, "flops", r.flops);
  field(&out, "bound_us", r.bound.us);
  out += ",\"counters\":" + counters_json(r.result.counters) + ",\"complaints\":[";
  for (size_t i = 0; i < r.complaints.size(); ++i) out += (i ? "," : "") + quoted(r.complaints[i]);
  out += "],\"launches\":[";
  for (size_t i = 0; i < r.launches.size(); ++i) out += (i ? "," : "") + launch_json(r.launches[i]);
  return out + "]}";
}

}  // namespace

std::string profiles_json(const KernelProfiles& p) {
  std::string out = "{\"emulated\":true,\"gpu\":" + quoted(p.gpu->name) + ",\"arch\":" + quoted(p.gpu->arch) +
                    ",\"resources\":" + quoted(p.no_resources.empty() ? "nvcc" : p.no_resources) +
                    ",\"limits\":" + quoted(simt::limits_text()) + ",\"cases\":[";
  for (size_t i = 0; i < p.cases.size(); ++i) out += (i ? ",\n" : "\n") + case_json(p.cases[i]);
  return out + "\n]}\n";
}

}  // namespace cawe::kernel_report
