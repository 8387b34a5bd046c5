// SPDX-License-Identifier: Apache-2.0
// cawe doctor: what this build and machine have.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/named_files.h"
#include "autograd/operator_table.h"
#include "models/enhance/enhancer.h"
#include "tensor/backend.h"
#include "tensor/io/json.h"
#include "tensor/parallel.h"
#include "train/datasets.h"
#include "train/run_folder.h"

namespace cawe::apps {
namespace {

void print_operators(Common& common, const std::string& filter, const std::string& goldens) {
  if (std::filesystem::exists(goldens)) check_file(goldens, "--goldens");
  if (const Device device = common.device_kind(); device != Device::cpu) {
    const std::vector<DeviceReport> reports = check_operators_on(device, filter, goldens);
    std::fputs(
        (common.json ? device_operators_json(device, reports) + "\n" : device_operators_text(device, reports))
            .c_str(),
        stdout);
    for (const DeviceReport& r : reports)
      if (!r.passed()) common.status = 1;
    return;
  }
  const std::vector<OperatorReport> reports = check_operators(filter, goldens);
  CAWE_CHECK(!reports.empty(), Code::usage, "--filter ", filter, ": no operator has this in its name");
  std::fputs((common.json ? operators_json(reports) + "\n" : operators_text(reports)).c_str(), stdout);
  for (const OperatorReport& r : reports)
    if (!r.passed()) common.status = 1;
}

void print_machine(const Common& common) {
  train::Environment e;
  e.command_line = common.command_line;
  e.threads = num_threads();
  auto facts = train::environment_facts(e);
  facts.emplace_back("backend", backend(Device::cpu).name());
  for (const Device device : {Device::cuda, Device::emulated}) {
    std::string why;
    facts.emplace_back(name(device), init_device(device, &why) ? backend(device).built_on() : "no: " + why);
  }
  std::string enhancers;
  for (const std::string& name : models::enhancer_names())
    enhancers += (enhancers.empty() ? "" : ", ") + name;
  facts.emplace_back("enhancers", enhancers);
  const std::string data = train::expand_root("$CAWE_DATA");
  facts.emplace_back("data",
                     std::filesystem::is_directory(data) ? data : data + " (not found; set CAWE_DATA)");
  if (!common.json) {
    for (const auto& [key, value] : facts) std::printf("%-16s %s\n", key.c_str(), value.c_str());
    return;
  }
  Json json;
  for (const auto& [key, value] : facts) json[key] = value;
  print_json(json);
}

}  // namespace

void add_doctor(CLI::App& app, Common& common) {
  auto operators = std::make_shared<bool>(false);
  auto filter = std::make_shared<std::string>();
  auto goldens = std::make_shared<std::string>("tests/goldens/operators.txt");
  CLI::App* sub =
      add_command(app, common, "doctor", "What this build and machine have; check every operator.",
                  "cawe doctor --operators --json");
  sub->add_flag("--operators", *operators, "gradient check and fast-against-reference of every operator");
  sub->add_option("--filter", *filter, "only operators whose name contains this");
  sub->add_option("--goldens", *goldens, "PyTorch's numbers; without the file that column is empty")
      ->capture_default_str();
  sub->callback([&common, operators, filter, goldens] {
    common.begin();
    if (*operators)
      print_operators(common, *filter, *goldens);
    else
      print_machine(common);
  });
}

}  // namespace cawe::apps
