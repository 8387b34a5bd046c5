// SPDX-License-Identifier: Apache-2.0
// The subcommands of `cawe`, one file each, and what they share.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tensor/dtype.h"

namespace CLI {
class App;
}
namespace cawe::train {
class Recipe;
}

namespace cawe::apps {

/// Options that every subcommand has, and the exit status that it returns.
struct Common {
  std::string device = "cpu";  ///< cpu, cuda, cuda:N or emulated
  int threads = 0;             ///< 0: as many as the machine has
  uint64_t seed = 0;
  bool seed_given = false;
  bool json = false;
  bool quiet = false;
  std::vector<std::string> words;  ///< of the command line
  std::string command_line;
  int status = 0;

  Device device_kind() const;
  /// Checks the names on the command line, sets the number of threads and checks the device; first thing in every
  /// command.
  void begin() const;
};

/// Initialises a device; false where this build or machine lacks it, with the reason in `why`.
bool init_device(Device device, std::string* why);

/// Adds a subcommand with the common options and an example at the end of its help.
CLI::App* add_command(CLI::App& app, Common& common, const std::string& name, const std::string& what,
                      const std::string& example);

/// Prints a command's result on one line of stdout, for --json.
void print_json(const nlohmann::ordered_json& result);

/// One line on stderr, "cawe: warning: …" or "cawe: …". The text may hold names and words from files.
void warning(const std::string& text);
void note(const std::string& text);
/// Lines on stdout that may hold names and words from files.
void print_lines(const std::string& text);

/// Tells on stderr of keys that say nothing under the recipe's other choices.
void warn(const train::Recipe& recipe);

void add_phantom(CLI::App& app, Common& common);
void add_train(CLI::App& app, Common& common);
void add_enhance(CLI::App& app, Common& common);
void add_detect(CLI::App& app, Common& common);
void add_evaluate(CLI::App& app, Common& common);
void add_study(CLI::App& app, Common& common);
void add_plan(CLI::App& app, Common& common);
void add_recipe(CLI::App& app, Common& common);
void add_kernels(CLI::App& app, Common& common);
void add_convert(CLI::App& app, Common& common);
void add_data(CLI::App& app, Common& common);
void add_inspect(CLI::App& app, Common& common);
void add_doctor(CLI::App& app, Common& common);

}  // namespace cawe::apps
