// SPDX-License-Identifier: Apache-2.0
// cawe kernels: lists, checks and profiles the CUDA kernels on the emulator; no GPU is needed.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "apps/commands.h"
#include "apps/named_files.h"
#include "apps/outputs.h"
#include "tensor/error.h"
#include "tensor/text.h"
#ifdef CAWE_HAVE_EMULATOR
#include "apps/kernel_steps.h"
#include "cuda/lab/report/collect.h"
#include "cuda/lab/workbench/outside.h"
#include "tensor/io/files.h"
#include "tensor/io/json.h"
#endif

namespace cawe::apps {
namespace {

struct KernelsOptions {
  std::string file, filter, ladder, html, gpu = "H100", template_file;
  std::vector<uint64_t> seeds{0, 1, 7};
  std::vector<std::string> archs;
  bool profile = false, sites = false, no_nvcc = false, steps = false;
  std::vector<const CLI::Option*> with_values_of_their_own;  ///< so that what was not given is not empty
};

#ifdef CAWE_HAVE_EMULATOR

namespace report = kernel_report;
using on_emulator::Case;

std::vector<const Case*> chosen_cases(const KernelsOptions& o) {
  std::vector<const Case*> cases;
  std::set<std::string> ladders;
  for (const Case* each : on_emulator::cases_matching(o.filter)) {
    if (!each->ladder.empty()) ladders.insert(each->ladder);
    if (o.ladder.empty() ? each->ladder.empty() : each->ladder == o.ladder) cases.push_back(each);
  }
  const std::string wanted = o.ladder.empty() ? o.filter : o.ladder;
  CAWE_CHECK(
      !cases.empty(), Code::usage, o.ladder.empty() ? "no kernel case's name has '" : "no ladder '", wanted,
      "' (", o.ladder.empty() ? "`cawe kernels` lists them" : "there are",
      [&] {
        std::string names;
        if (!o.ladder.empty())
          for (const std::string& name : ladders) names += " " + name;
        return names;
      }(),
      ")");
  return cases;
}

void list_cases(const std::vector<const Case*>& cases, bool json) {
  if (json) {
    Json list = Json::array();
    for (const Case* each : cases)
      list.push_back({{"name", each->name}, {"shape", each->shape}, {"file", each->file}});
    std::printf("%s\n", json_text({{"cases", list}}, JsonLayout::lines).c_str());
    return;
  }
  std::string out;
  for (const Case* each : cases)
    out += detail::concat(
        each->name, std::string(each->name.size() < 26 ? 26 - each->name.size() : 1, ' '), each->shape,
        std::string(each->shape.size() < 30 ? 30 - each->shape.size() : 1, ' '), each->file, "\n");
  out += std::to_string(cases.size()) + " cases. `cawe kernels --profile` runs them.\n";
  std::fputs(out.c_str(), stdout);
}

/// Prints registers and spills of the cases' files for several architectures.
void print_resources(const std::vector<const Case*>& cases, const KernelsOptions& o, Common& common) {
  std::set<std::string> files;
  for (const Case* each : cases) files.insert(each->file);
  int64_t in_local_memory = 0;
  for (const std::string& file : files) {
    const auto answer = report::file_resources(file, o.archs, report::source_root());
    CAWE_CHECK(answer.value.has_value(), Code::unsupported, "registers are not known: ", answer.reason);
    if (file == *files.begin())  // not before an architecture can be refused
      std::printf("%-44s %-8s %5s %6s %7s %6s %6s %6s\n", "kernel", "arch", "regs", "smem B", "spill B",
                  "stack", "16B ld", "16B st");
    auto wide = report::wide_accesses(file, o.archs.back(), report::source_root());
    for (const gpu::KernelResources& k : answer.value->kernels) {
      const int64_t spills = k.stack.spill_stores + k.stack.spill_loads;
      const std::string name = simt::short_kernel_name(k.name);
      std::printf("%-44.44s %s%-7s %5d %6lld %7lld %6lld %6d %6d\n", name.c_str(),
                  k.approximate() ? "~" : " ", k.arch.c_str(), k.registers,
                  static_cast<long long>(k.shared_bytes), static_cast<long long>(spills),
                  static_cast<long long>(k.stack.frame), wide[name].first, wide[name].second);
      in_local_memory += spills + k.stack.frame > 0;
    }
  }
  if (in_local_memory == 0) return;
  common.status = 1;
  note(counted(in_local_memory, "kernel") + " with registers or arrays in local memory (expected none)");
}

void run_profile(const std::vector<const Case*>& cases, const KernelsOptions& o, Common& common) {
  if (!o.html.empty()) {
    std::vector<std::string> read{o.file};
    for (const Case* each : cases) read.push_back(report::source_root() + "/" + each->file);
    ReadFiles(read).keep(o.html, "--html");
  }
  report::Settings settings;
  const bool all_gpus = o.gpu == "all";
  if (!all_gpus) settings.gpu = o.gpu;
  settings.seeds = o.seeds;
  settings.resources = !o.no_nvcc;
  settings.source_root = report::source_root();
  Progress progress("kernels", int64_t(cases.size()), common.quiet);
  const report::KernelProfiles profiles =
      report::profile(cases, settings, [&](int64_t done) { progress.update(done); });
  std::string out = common.json         ? report::profiles_json(profiles)
                    : !o.ladder.empty() ? report::ladder_text(profiles)
                                        : report::table_text(profiles);
  if (o.sites && !common.json) out += report::sites_text(profiles);
  if (all_gpus && !common.json) out += report::gpus_text(profiles, settings.source_root);
  std::fputs(out.c_str(), stdout);
  if (!o.html.empty()) {
    write_file(o.html, report::profiles_html(profiles));
    if (!common.quiet) note("page: " + o.html);
  }
  for (const report::CaseProfile& each : profiles.cases)
    if (!each.passed()) common.status = 1;
}

using Given = std::vector<std::pair<std::string, bool>>;

/// Throws where one of these is given beside an option that would not look at it.
void refuse_beside(const std::string& option, const char* what_it_does, const Given& others) {
  for (const auto& [other, given] : others)
    CAWE_CHECK(!given, Code::usage, option, " and ", other, " (expected one of them: ", option, " ",
               what_it_does, ")");
}

/// What only a profile looks at.
Given of_profiles(const KernelsOptions& o) {
  Given given{{"--profile", o.profile},
              {"--sites", o.sites},
              {"--no-nvcc", o.no_nvcc},
              {"--html", !o.html.empty()},
              {"--template", !o.template_file.empty()}};
  for (const CLI::Option* option : o.with_values_of_their_own)
    given.push_back({option->get_name(), option->count() > 0});
  return given;
}

/// --steps looks at no kernel file and at no case, and predicts for the GPUs of its table; --arch runs no case, but that of
/// a file of one's own.
void check_options(const KernelsOptions& o, bool json) {
  Given others = of_profiles(o);
  if (o.steps) {
    others.insert(others.end(),
                  {{"FILE", !o.file.empty()}, {"--ladder", !o.ladder.empty()}, {"--arch", !o.archs.empty()}});
    refuse_beside("--steps", "counts whole steps", others);
  } else if (!o.archs.empty() && o.file.empty()) {
    others.push_back({"--json", json});
    refuse_beside("--arch", "prints a table of registers", others);
  }
}

void run(const KernelsOptions& o, Common& common) {
  check_options(o, common.json);
  if (o.steps) return print_steps(o.filter, common);
  if (!o.html.empty()) check_out_file(o.html, "--html");
  if (!o.template_file.empty()) {
    check_out_file(o.template_file, "--template");
    report::write_template(o.template_file);
    print_lines(o.template_file + ": change it, then `cawe kernels " + o.template_file + " --profile`");
    return;
  }
  if (!o.file.empty()) {
    const report::OutsideKernel outside(o.file);
    if (!o.archs.empty()) print_resources({&outside.kernel_case()}, o, common);
    run_profile({&outside.kernel_case()}, o, common);
    return;
  }
  const std::vector<const Case*> cases = chosen_cases(o);
  if (!o.archs.empty())
    print_resources(cases, o, common);
  else if (o.profile || !o.ladder.empty() || !o.html.empty() || o.sites)
    run_profile(cases, o, common);
  else
    list_cases(cases, common.json);
}

#else

void run(const KernelsOptions&, Common&) {
  fail(Code::unsupported,
       "kernels: this build has no SIMT emulator (expected GCC and libboost-context when it was configured)");
}

#endif

}  // namespace

void add_kernels(CLI::App& app, Common& common) {
  auto o = std::make_shared<KernelsOptions>();
  CLI::App* sub =
      add_command(app, common, "kernels", "List, check and profile the CUDA kernels; no GPU needed.",
                  "cawe kernels --profile --filter nms\n  cawe kernels --ladder softmax\n"
                  "  cawe kernels --steps --filter \"resnet50 training b32 bf16\"\n"
                  "  cawe kernels --template my.cuh && cawe kernels my.cuh --profile --html my.html");
  sub->add_option("FILE", o->file, "a kernel file of your own (start from --template)");
  sub->add_flag("--profile", o->profile,
                "run the cases: values, races, bad accesses, counts, occupancy, roofline");
  sub->add_option("--filter", o->filter, "only cases whose name or shape contains this");
  sub->add_flag("--steps", o->steps,
                "whole steps of the full-size networks: launches, copies, bytes, predicted times on GPUs");
  sub->add_option("--ladder", o->ladder, "the steps from a naive kernel to the final one");
  sub->add_flag("--sites", o->sites, "every memory instruction with its counts");
  sub->add_option("--html", o->html, "also write a page that draws the access patterns");
  const CLI::Option* seeds =
      sub->add_option("--seeds", o->seeds, "orders of threads and blocks (0: in order)")
          ->delimiter(',')
          ->capture_default_str();
  const CLI::Option* gpu =
      sub->add_option("--gpu", o->gpu,
                      "P40, V100, T4, A100-80, H100 or H200: whose occupancy and bound; all: a table of four")
          ->capture_default_str();
  o->with_values_of_their_own = {seeds, gpu};
  sub->add_option("--arch", o->archs, "registers and spills for these architectures, e.g. sm_75,sm_90")
      ->delimiter(',');
  sub->add_flag("--no-nvcc", o->no_nvcc, "do not ask nvcc for registers");
  sub->add_option("--template", o->template_file, "write a kernel file to start from");
  sub->callback([&common, o] {
    common.begin();
    run(*o, common);
  });
}

}  // namespace cawe::apps
