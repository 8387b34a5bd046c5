// SPDX-License-Identifier: Apache-2.0
#include "cuda/lab/report/collect.h"

#include <algorithm>

#include "tensor/io/format.h"

namespace cawe::kernel_report {
namespace {

using Resources = std::map<std::string, gpu::KernelResources>;  // by short name

LaunchLine launch_line(const simt::LaunchReport& report, const Resources& known, const gpu::Gpu& gpu) {
  LaunchLine line{report, {}, {}};
  const auto found = known.find(report.kernel);
  if (found == known.end()) return line;
  line.resources = found->second;
  gpu::LaunchNeeds needs;
  needs.threads_per_block = int(report.block[0] * report.block[1] * report.block[2]);
  needs.registers_per_thread = found->second.registers;
  needs.static_shared_bytes = found->second.shared_bytes;
  needs.dynamic_shared_bytes = int64_t(report.dynamic_shared);
  needs.block_barriers = std::max(found->second.barriers, 0);
  line.occupancy = gpu::occupancy(gpu, needs);
  return line;
}

void judge_resources(CaseProfile* p) {
  std::set<std::string> said;
  for (const LaunchLine& l : p->launches) {
    if (!l.resources || !said.insert(l.report.kernel).second) continue;
    const gpu::StackUse& stack = l.resources->stack;
    if (stack.spill_stores + stack.spill_loads + stack.frame > 0)
      p->complaints.push_back(l.report.kernel + " on " + l.resources->arch + ": " +
                              std::to_string(stack.spill_stores + stack.spill_loads) +
                              " B of spills, stack frame of " + std::to_string(stack.frame) +
                              " B (expected none)");
  }
}

/// Device functions that nvcc did not inline keep their spills apart from the kernels that call them.
std::vector<std::string> functions_on_stack(const gpu::ResourceReport& report) {
  std::vector<std::string> out;
  for (const gpu::FunctionResources& f : report.functions)
    if (f.stack.spill_stores + f.stack.spill_loads + f.stack.frame > 0)
      out.push_back("device function " + f.name + " is not inlined and uses the stack (expected none)");
  return out;
}

/// Complaints of all seeds; what several have in common is said once.
std::vector<std::string> merged(const std::vector<std::pair<uint64_t, std::string>>& complaints) {
  std::vector<std::string> texts, seeds;
  for (const auto& [seed, text] : complaints) {
    const size_t at = size_t(std::find(texts.begin(), texts.end(), text) - texts.begin());
    if (at == texts.size()) {
      texts.push_back(text);
      seeds.push_back("seed " + std::to_string(seed));
    } else {
      seeds[at] += ", " + std::to_string(seed);
    }
  }
  for (size_t i = 0; i < texts.size(); ++i) texts[i] = seeds[i] + ": " + texts[i];
  return texts;
}

CaseProfile run(const on_emulator::Case& kernel_case, const Settings& settings) {
  CaseProfile p;
  std::vector<std::pair<uint64_t, std::string>> complaints;
  for (size_t i = 0; i < settings.seeds.size(); ++i) {
    const auto level = i == 0 ? simt::Level::profile : simt::Level::check;
    on_emulator::CaseResult result = on_emulator::run_case(kernel_case, settings.seeds[i], level);
    for (const std::string& c : result.complaints) complaints.emplace_back(settings.seeds[i], c);
    if (i == 0) p.result = std::move(result);
  }
  p.complaints = merged(complaints);
  // Only now: a file from outside states its floors while it runs.
  p.name = kernel_case.name, p.shape = kernel_case.shape, p.file = kernel_case.file;
  p.ladder = kernel_case.ladder, p.step = kernel_case.step, p.change = kernel_case.change,
  p.reason = kernel_case.reason;
  p.floor_read = kernel_case.floor_read, p.floor_written = kernel_case.floor_written;
  p.flops = kernel_case.flops, p.tolerance = kernel_case.tolerance;
  return p;
}

bool is_outside(const std::string& file) { return !file.empty() && file[0] == '/'; }

gpu::CudaSource cuda_source(const std::string& file, const std::string& source_root) {
  gpu::CudaSource source;
  source.file = file.empty() || is_outside(file) ? file : source_root + "/" + file;
  source.include = include_folders(file, source_root);
  return source;
}

}  // namespace

std::vector<std::string> include_folders(const std::string& file, const std::string& source_root) {
  std::vector<std::string> folders = {source_root};
  if (is_outside(file)) folders.push_back(source_root + "/cuda/lab/workbench/include");
  return folders;
}

gpu::Answer<gpu::ResourceReport> file_resources(const std::string& file,
                                                const std::vector<std::string>& archs,
                                                const std::string& source_root) {
  return gpu::resource_usage(cuda_source(file, source_root), archs);
}

std::map<std::string, std::pair<int, int>> wide_accesses(const std::string& file, const std::string& arch,
                                                         const std::string& source_root) {
  std::map<std::string, std::pair<int, int>> wide;
  const auto answer = gpu::ptx_counts(cuda_source(file, source_root), arch);
  if (!answer.value) return wide;
  for (const gpu::PtxCounts& k : *answer.value)
    wide[simt::short_kernel_name(k.name)] = {k.load_global.bytes16, k.store_global.bytes16};
  return wide;
}

KernelProfiles profile(const std::vector<const on_emulator::Case*>& cases, const Settings& settings,
                       const std::function<void(int64_t)>& progress) {
  KernelProfiles all;
  all.gpu = &gpu::find_gpu(settings.gpu);
  std::map<std::string, Resources> of_file;
  std::map<std::string, std::vector<std::string>> unlined;  // by file: device functions that use the stack
  if (!settings.resources) all.no_resources = "not asked for";
  for (size_t i = 0; i < cases.size(); ++i) {
    const std::string& file = cases[i]->file;
    if (settings.resources && all.no_resources.empty() && of_file.count(file) == 0) {
      const auto answer = file_resources(file, {all.gpu->arch}, settings.source_root);
      all.no_resources = answer.reason;
      if (answer.value) unlined[file] = functions_on_stack(*answer.value);
      if (answer.value)
        for (const gpu::KernelResources& k : answer.value->kernels)
          of_file[file][simt::short_kernel_name(k.name)] = k;
    }
    CaseProfile p = run(*cases[i], settings);
    for (const simt::LaunchReport& report : p.result.launches)
      p.launches.push_back(launch_line(report, of_file[file], *all.gpu));
    judge_resources(&p);
    for (const std::string& function : unlined[file]) p.complaints.push_back(function);
    const simt::Counters& c = p.result.counters;
    p.bound = gpu::lower_bound(*all.gpu, double(c.unique_read_bytes + c.unique_written_bytes), p.flops,
                               double(c.mma) * simt::kFlopsOfMma);
    all.cases.push_back(std::move(p));
    if (progress) progress(int64_t(i) + 1);
  }
  std::vector<simt::LaunchReport*> reports;
  for (CaseProfile& p : all.cases)
    for (LaunchLine& l : p.launches) reports.push_back(&l.report);
  simt::resolve_sites(reports);
  return all;
}

namespace {

const char* access_name(const simt::Site& s) {
  if (s.space == simt::Space::global)
    return s.access == simt::Access::load    ? "ld.global"
           : s.access == simt::Access::store ? "st.global"
                                             : "atom.global";
  return s.access == simt::Access::load    ? "ld.shared"
         : s.access == simt::Access::store ? "st.shared"
                                           : "atom.shared";
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

std::vector<std::string> hints(const CaseProfile& profile, const gpu::Gpu& gpu) {
  std::vector<std::string> out;
  for (const LaunchLine& l : profile.launches) {
    for (const simt::Site& s : l.report.sites) {
      const double units = double(s.units) / double(s.requests),
                   ideal = double(s.ideal_units) / double(s.requests);
      if (units > 1.25 * ideal)
        out.push_back(printf_text("%s:%d %s of %d B: %.1f %s a request, ideal %.1f",
                                  base_name(s.file).c_str(), s.line, access_name(s), s.bytes, units,
                                  s.space == simt::Space::global ? "sectors" : "wavefronts (bank conflicts)",
                                  ideal));
      if (s.access == simt::Access::atomic && s.serial_steps > 2 * s.requests)
        out.push_back(printf_text("%s:%d atomics meet: %.1f lanes one after another",
                                  base_name(s.file).c_str(), s.line,
                                  double(s.serial_steps) / double(s.requests)));
    }
    if (l.occupancy && l.occupancy->fraction < 0.5)
      out.push_back(printf_text("%s: occupancy %.0f %% of %s, limited by %s", l.report.kernel.c_str(),
                                100 * l.occupancy->fraction, gpu.name,
                                gpu::limit_names(l.occupancy->limited_by).c_str()));
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::string sites_text(const KernelProfiles& profiles) {
  std::string out;
  for (const CaseProfile& each : profiles.cases)
    for (const LaunchLine& l : each.launches) {
      out += printf_text("%s %s: %s, grid %ux%ux%u, block %ux%ux%u\n", each.name.c_str(), each.shape.c_str(),
                         l.report.kernel.c_str(), l.report.grid[0], l.report.grid[1], l.report.grid[2],
                         l.report.block[0], l.report.block[1], l.report.block[2]);
      for (const simt::Site& s : l.report.sites)
        out += printf_text(
            "  %-28s %-11s %2d B %9llu requests, %4.1f lanes, %5.2f %s each (ideal %.2f)%s\n",
            (base_name(s.file) + ":" + std::to_string(s.line)).c_str(), access_name(s), s.bytes,
            static_cast<unsigned long long>(s.requests), double(s.lanes) / double(s.requests),
            double(s.units) / double(s.requests), s.space == simt::Space::global ? "sectors" : "wavefronts",
            double(s.ideal_units) / double(s.requests),
            s.access == simt::Access::atomic
                ? printf_text(", %.1f steps", double(s.serial_steps) / double(s.requests)).c_str()
                : "");
    }
  return out;
}

std::string gpus_text(const KernelProfiles& profiles, const std::string& source_root) {
  const std::vector<std::string> wanted = {"P40", "V100", "A100-80", "H100"};
  std::vector<std::string> archs;
  for (const std::string& name : wanted) archs.push_back(gpu::find_gpu(name).arch);
  std::map<std::string, std::map<std::string, Resources>> known;  // file, then architecture
  std::string out = printf_text("%-22s %-24s", "kernel", "shape");
  for (const std::string& name : wanted)
    out += printf_text(" | %-7s %4s %5s %9s", name.c_str(), "regs", "occ%", "bound us");
  out += "\n";
  for (const CaseProfile& each : profiles.cases) {
    if (known.count(each.file) == 0) {
      auto& of_file = known[each.file];
      const auto answer = file_resources(each.file, archs, source_root);
      if (answer.value)
        for (const gpu::KernelResources& k : answer.value->kernels)
          of_file[k.arch][simt::short_kernel_name(k.name)] = k;
    }
    out += printf_text("%-22.22s %-24.24s", each.name.c_str(), each.shape.c_str());
    for (const std::string& name : wanted) {
      const gpu::Gpu& gpu = gpu::find_gpu(name);
      int registers = 0;
      double occupied = 2;
      bool approximate = false;
      for (const LaunchLine& l : each.launches) {
        const LaunchLine there = launch_line(l.report, known[each.file][gpu.arch], gpu);
        if (!there.resources) continue;
        registers = std::max(registers, there.resources->registers);
        approximate |= there.resources->approximate();
        occupied = std::min(occupied, there.occupancy->fraction);
      }
      const simt::Counters& c = each.result.counters;
      const double bound = gpu::lower_bound(gpu, double(c.unique_read_bytes + c.unique_written_bytes),
                                            each.flops, double(c.mma) * simt::kFlopsOfMma)
                               .us;
      out += occupied <= 1 ? printf_text(" | %7s %s%3d %5.0f %9.2f", "", approximate ? "~" : " ", registers,
                                         100 * occupied, bound)
                           : printf_text(" | %7s %4s %5s %9.2f", "", "-", "-", bound);
    }
    out += "\n";
  }
  return out +
         "bound: a lower bound, never a time. ~: registers of the oldest architecture that this nvcc "
         "knows.\n";
}

}  // namespace cawe::kernel_report
