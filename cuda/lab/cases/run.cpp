// SPDX-License-Identifier: Apache-2.0
#include "cuda/lab/cases/run.h"

#include "tensor/denormals.h"
#include "tensor/io/format.h"

namespace cawe::on_emulator {
namespace {

void add(simt::Counters& total, const simt::Counters& c) {
  total.threads += c.threads;
  total.accesses += c.accesses;
  total.global_requests += c.global_requests;
  total.global_sectors += c.global_sectors;
  total.global_ideal_sectors += c.global_ideal_sectors;
  total.global_bytes += c.global_bytes;
  total.shared_requests += c.shared_requests;
  total.shared_wavefronts += c.shared_wavefronts;
  total.shared_ideal_wavefronts += c.shared_ideal_wavefronts;
  total.atomic_requests += c.atomic_requests;
  total.atomic_serial_steps += c.atomic_serial_steps;
  total.mma += c.mma;
  total.unique_read_bytes += c.unique_read_bytes;
  total.unique_written_bytes += c.unique_written_bytes;
  total.block_groups += c.block_groups;
  total.block_lanes += c.block_lanes;
}

void judge_ratio(CaseResult& r, const char* what, double got, double stated, double allowance) {
  if (stated > 0 && got > stated * allowance)
    r.complaints.push_back(printf_text("%s: %.0f, stated %.0f (x%.2f, allowed x%.2f)", what, got, stated,
                                       got / stated, allowance));
}

void judge_counts(const Case& stated, CaseResult& r) {
  const simt::Counters& c = r.counters;
  judge_ratio(r, "sectors", double(c.global_sectors), double(stated.sectors), stated.sector_allowance);
  judge_ratio(r, "shared wavefronts", double(c.shared_wavefronts), double(stated.wavefronts),
              stated.wavefront_allowance);
  judge_ratio(r, "unique bytes read", double(c.unique_read_bytes), stated.floor_read,
              stated.unique_allowance);
  judge_ratio(r, "unique bytes written", double(c.unique_written_bytes), stated.floor_written,
              stated.unique_allowance);
  // Fewer bytes than the floor: the floor or the kernel is wrong.
  if (double(c.unique_read_bytes) < 0.99 * stated.floor_read)
    r.complaints.push_back(printf_text("unique bytes read: %.0f, below the stated floor of %.0f",
                                       double(c.unique_read_bytes), stated.floor_read));
  if (double(c.unique_written_bytes) < 0.99 * stated.floor_written)
    r.complaints.push_back(printf_text("unique bytes written: %.0f, below the stated floor of %.0f",
                                       double(c.unique_written_bytes), stated.floor_written));
  if (c.mma != stated.mma)
    r.complaints.push_back(
        printf_text("products on tensor cores: %.0f, stated %.0f", double(c.mma), double(stated.mma)));
  if (c.simt_efficiency() < stated.min_simt)
    r.complaints.push_back(
        printf_text("SIMT efficiency %.3f, stated at least %.3f", c.simt_efficiency(), stated.min_simt));
  const bool loose =
      stated.sector_allowance > 1.1 || stated.unique_allowance > 1.05 || stated.wavefront_allowance > 1.1;
  if (loose && stated.reason.empty()) r.complaints.push_back("an allowance without a reason");
}

/// Puts the options back, whatever the case does. Launches that no device would run are complaints.
class Settings {
 public:
  Settings(uint64_t seed, simt::Level level, std::vector<std::string>& complaints)
      : before_(simt::options()),
        refuser_(simt::set_refuser([&](simt::Refusal, const char* kernel, const std::string& why) {
          complaints.push_back(std::string("refused launch of ") + kernel + ": " + why);
        })) {
    simt::options().seed = seed;
    simt::options().level = level;
    simt::take_reports();
  }
  ~Settings() {
    simt::options() = before_;
    simt::set_refuser(refuser_);
  }
  Settings(const Settings&) = delete;
  Settings& operator=(const Settings&) = delete;

 private:
  simt::Options before_;
  simt::Refuser refuser_;
};

}  // namespace

CaseResult run_case(const Case& kernel_case, uint64_t seed, simt::Level level) {
  CaseResult r;
  r.seed = seed;
  const Settings settings(seed, level, r.complaints);
  const KeepDenormals exact;  // of the reference; the emulator keeps them anyway
  CaseContext context;
  forget_worst();
  r.error = kernel_case.run(context);
  r.launches = simt::take_reports();
  for (const simt::LaunchReport& launch : r.launches) {
    add(r.counters, launch.counters);
    for (const simt::Issue& i : launch.issues)
      r.complaints.push_back(i.kind + " in " + i.kernel + " at " + i.file + ":" + std::to_string(i.line) +
                             ", " + std::to_string(i.times) + " times: " + i.detail);
  }
  if (r.launches.empty() && r.complaints.empty()) r.complaints.push_back("nothing was launched");
  if (!(r.error <= kernel_case.tolerance))
    r.complaints.push_back(
        printf_text("error %.3g against the reference (allowed %.3g)", r.error, kernel_case.tolerance) +
        (worst_of_run().empty() ? "" : ", the worst: " + worst_of_run()));
  if (level == simt::Level::profile) judge_counts(kernel_case, r);
  return r;
}

std::vector<const Case*> cases_matching(const std::string& filter) {
  std::vector<const Case*> found;
  for (const Case& each : all_cases())
    if ((each.name + " " + each.shape + " " + each.ladder).find(filter) != std::string::npos)
      found.push_back(&each);
  return found;
}

}  // namespace cawe::on_emulator
