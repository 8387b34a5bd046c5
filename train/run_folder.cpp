// SPDX-License-Identifier: Apache-2.0
#include "train/run_folder.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "cawe_revision.h"
#include "data/formats/picture/picture.h"
#include "data/formats/table/csv.h"
#include "tensor/backend.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/io/format.h"
#include "tensor/io/json.h"
#include "tensor/text.h"
#include "train/recipe.h"
#include "train/run_changes.h"

namespace cawe::train {
namespace fs = std::filesystem;
namespace {

constexpr int kLogDigits = 9;  // as many as an f32 needs
constexpr uint64_t kMostSteps = uint64_t(1) << 53;
const std::string kAfter = "after step ";       // what the sentence of an accepted change begins with
constexpr size_t kMostJson = size_t(16) << 20;  // bytes of an environment.json: ours have some thousand

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "unknown";
}

std::string instruction_set() {
#if defined(__AVX512F__)
  return "avx512";
#elif defined(__AVX2__)
  return "avx2";
#else
  return "baseline";
#endif
}

struct LoggedLine {
  std::string text;
  Json values;
};
/// The lines of log.jsonl, without a last one that a killed process left unfinished; none where the file is lost.
/// Throws data for a line that this program did not write.
std::vector<LoggedLine> logged_lines(const std::string& path) {
  std::vector<LoggedLine> lines;
  if (!fs::exists(path)) return lines;
  CAWE_CHECK(fs::is_regular_file(path), Code::data, path, ": is no file (expected a run's log)");
  std::ifstream in(path);
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const Json values = Json::parse(line, nullptr, false);
    if (values.is_discarded() && in.eof()) break;
    bool numbers = values.is_object() && values.contains("step") && values["step"].is_number_unsigned() &&
                   values["step"].get<uint64_t>() <= kMostSteps;
    if (numbers)
      for (const auto& item : values.items()) numbers &= item.value().is_number() || item.value().is_null();
    CAWE_CHECK(numbers, Code::data, path, ":", number,
               ": is no line of a log (expected an object of numbers with a whole \"step\")");
    lines.push_back({line, values});
  }
  return lines;
}

/// How often a training has logged by both its recipes, since that may change on the way; only its first step, where
/// they cannot be read.
int64_t logged_every(const std::string& one, const std::string& other) {
  const auto every = [](const std::string& recipe) {
    return Recipe::of_checkpoint(recipe, "recipe").whole("train.log_every");
  };
  try {
    return std::lcm(every(one), every(other));
  } catch (const Error&) {
    return int64_t(kMostSteps);
  }
}

/// Whether a change is one of the program, its libraries or the machine.
bool is_of_machine(const std::string& change) {
  const std::string name = change.substr(0, change.find(": "));
  const auto facts = environment_facts({});
  return std::any_of(facts.begin(), facts.end(), [&](const auto& fact) { return fact.first == name; });
}

}  // namespace

std::vector<std::pair<std::string, std::string>> environment_facts(const Environment& e) {
  std::vector<std::pair<std::string, std::string>> facts{
      {"cawe", CAWE_VERSION},
      {"revision", CAWE_REVISION},
      {"compiler", __VERSION__},
      {"cpu", cpu_name()},
      {"instruction_set", instruction_set()},
      {"cpu_library", backend(Device::cpu).built_on()},
      {"device", name(compute_device())},
      {"device_library", backend(compute_device()).built_on()},
      {"threads", std::to_string(e.threads)},
      {"ranks", std::to_string(e.ranks)},
      {"command_line", e.command_line}};
  for (const auto& library : data::picture_libraries()) facts.push_back(library);
  for (const auto& [what, hash] : e.hashes) facts.emplace_back("sha256." + what, hash);
  return facts;
}

std::string environment_json(const Environment& environment) {
  Json facts;
  for (const auto& [key, value] : environment_facts(environment)) facts[key] = value;
  if (!environment.warnings.empty()) facts["warnings"] = environment.warnings;
  if (!environment.changes.empty()) facts["changes"] = environment.changes;
  return json_text(facts, JsonLayout::indented) + "\n";
}

Json environment_in(const std::string& dir) {
  const std::string path = dir + "/environment.json";
  std::error_code unknown;
  if (!fs::is_regular_file(path, unknown) || fs::file_size(path, unknown) > kMostJson) return nullptr;
  const Json facts = Json::parse(read_file(path), nullptr, false);
  return facts.is_object() ? facts : Json(nullptr);
}

bool is_run(const std::string& dir) { return folder_kind(dir) == "run" || is_older_folder(dir); }

bool is_older_folder(const std::string& dir) {
  const Json facts = environment_in(dir);
  return fs::is_regular_file(dir + "/recipe.toml") && facts.contains("cawe") && facts.contains("revision");
}

RunFolder::RunFolder(const std::string& dir, const std::string& recipe, const Environment& environment,
                     const Resume& resume)
    : dir_(dir),
      recipe_(recipe),
      claim_(dir, "run", [&dir] { return is_older_folder(dir); }),
      events_(dir, 0) {
  refuse_linked_folder(path("checkpoints"));
  const bool trained = !checkpoint_steps(dir).empty();
  CAWE_CHECK(resume.on || (!trained && !fs::exists(path("recipe.toml"))), Code::usage, dir,
             ": holds a run already. Add --resume to go on with it, or choose another --out.");
  if (!trained) {
    begin(environment);
    return;
  }
  GoneOn now =
      go_on(dir, recipe, environment, resume, kAfter + std::to_string(newest_checkpoint(dir).step) + ": ");
  changes_ = std::move(now.changes);
  due_ = std::move(now.files);
  remove_unfinished(path("checkpoints"));
}

void RunFolder::check_own(const Checkpoint& checkpoint, const std::string& file) const {
  const auto was_accepted = [&](const std::string& name) {
    return std::any_of(changes_.begin(), changes_.end(), [&](const std::string& sentence) {
      return sentence.find(": " + name + ": ") != sentence.npos;
    });
  };
  if (was_accepted("recipe.toml")) return;  // it was lost, and what it said is not known
  std::vector<std::string> foreign;
  for (const std::string& difference : recipe_differences(checkpoint.recipe, recipe_))
    if (!was_accepted(difference.substr(0, difference.find(": ")))) foreign.push_back(difference);
  CAWE_CHECK(foreign.empty(), Code::data, file, ": is another run's checkpoint (", listed(foreign, "; "),
             "; expected one of the recipe.toml beside its folder). Remove it.");
}

std::vector<std::string> RunFolder::changes_since(const Checkpoint& checkpoint) const {
  std::vector<std::string> changes = recipe_differences(checkpoint.recipe, recipe_);
  for (const std::string& sentence : changes_) {
    if (!begins_with(sentence, kAfter) ||
        std::strtoll(sentence.c_str() + kAfter.size(), nullptr, 10) < checkpoint.step)
      continue;
    const std::string change = sentence.substr(sentence.find(": ") + 2);
    if (!is_of_machine(change)) changes.push_back(change);
  }
  return changes;
}

void RunFolder::describe(const std::string& name, const std::string& text) {
  if (due_.empty())
    write_file(path(name), text);
  else
    due_[name] = text;
}

void RunFolder::accept() {
  for (const auto& [name, text] : due_) write_file(path(name), text);
  due_.clear();
}

void RunFolder::begin(const Environment& environment) const {
  make_folders(path("checkpoints"));
  remove_unfinished(path("checkpoints"));
  remove_best(dir_);  // a killed process may have validated before its first checkpoint
  write_file(path("environment.json"), environment_json(environment));
  write_file(path("recipe.toml"), recipe_);
}

void RunFolder::log(int64_t step, const LogLine& line) {
  Json values{{"step", step}};
  for (const auto& [name, value] : line) values[name] = json_rounded(value, kLogDigits);
  append_file(path("log.jsonl"), json_text(values) + "\n");
  events_.add(step, line);
}

std::vector<std::string> RunFolder::steps_not_logged(const Checkpoint& checkpoint) const {
  std::set<int64_t> logged;
  for (const LoggedLine& line : logged_lines(path("log.jsonl")))
    logged.insert(line.values["step"].get<int64_t>());
  const bool known = fs::is_regular_file(path("recipe.toml"));
  const int64_t every =
      logged_every(checkpoint.recipe, known ? read_file(path("recipe.toml")) : checkpoint.recipe);
  std::vector<std::string> missing;
  for (int64_t step = 1; step <= checkpoint.step; step = step - step % every + every)
    if (logged.count(step) == 0) missing.push_back(std::to_string(step));
  return missing;
}

void RunFolder::rewind(int64_t step) {
  events_ = TensorBoard(dir_, step + 1);
  if (!fs::exists(path("log.jsonl"))) return;
  std::string kept;
  for (const LoggedLine& line : logged_lines(path("log.jsonl")))
    if (line.values["step"].get<int64_t>() <= step) kept += line.text + "\n";
  write_file(path("log.jsonl"), kept);
}

void RunFolder::write_metrics() const {
  const std::vector<LoggedLine> rows = logged_lines(path("log.jsonl"));
  std::set<std::string> names;
  for (const LoggedLine& row : rows)
    for (const auto& item : row.values.items())
      if (item.key() != "step") names.insert(item.key());
  std::vector<std::string> header{"step"};
  header.insert(header.end(), names.begin(), names.end());
  std::string out = csv_line(header);
  for (const LoggedLine& row : rows) {
    std::vector<std::string> cells;
    for (const std::string& name : header) {
      const Json value = row.values.value(name, Json());
      cells.push_back(value.is_null()             ? ""
                      : value.is_number_integer() ? value.dump()
                                                  : rounded(value.get<double>(), kLogDigits));
    }
    out += csv_line(cells);
  }
  write_file(path("metrics.csv"), out);
}

double RunFolder::last_logged(const std::string& name) const {
  double last = std::nan("");
  for (const LoggedLine& line : logged_lines(path("log.jsonl")))
    if (line.values.contains(name) && line.values[name].is_number()) last = line.values[name].get<double>();
  return last;
}

void RunFolder::timing(const std::string& stage, double seconds) const {
  const bool fresh = !fs::exists(path("timings.csv"));
  append_file(path("timings.csv"), (fresh ? "stage,seconds\n" : "") + csv_line({stage, rounded(seconds, 6)}));
}

double seconds_in(const std::string& dir) {
  double sum = 0;
  for (const std::string& name : names_in(dir)) {
    const std::string below = dir + "/" + name;
    if (name != "timings.csv") {
      if (fs::is_directory(below) && (name == "rows" || is_run(below))) sum += seconds_in(below);
      continue;
    }
    std::ifstream file(below);
    for (std::string line; std::getline(file, line);) {  // a killed process may have left a part of one
      double seconds = 0;
      if (const size_t comma = line.find(',');
          comma != line.npos && parse_number(line.substr(comma + 1), &seconds))
        sum += seconds;
    }
  }
  return sum;
}

}  // namespace cawe::train
