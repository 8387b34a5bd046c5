// SPDX-License-Identifier: Apache-2.0
#include "train/run_folder.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "cawe_revision.h"
#include "data/formats/picture/picture.h"
#include "data/formats/table/csv.h"
#include "tensor/backend.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/io/format.h"
#include "tensor/io/json.h"

namespace cawe::train {
namespace fs = std::filesystem;
namespace {

constexpr int kLogDigits = 9;  // as many as an f32 needs

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
/// The lines of log.jsonl, without one that a killed process left unfinished. Throws data for a line that this
/// program did not write.
std::vector<LoggedLine> logged_lines(const std::string& path) {
  std::vector<LoggedLine> lines;
  std::ifstream in(path);
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const Json values = Json::parse(line, nullptr, false);
    if (values.is_discarded()) continue;
    bool numbers = values.is_object() && values.contains("step") && values["step"].is_number_unsigned();
    if (numbers)
      for (const auto& item : values.items()) numbers &= item.value().is_number() || item.value().is_null();
    CAWE_CHECK(numbers, Code::data, path, ":", number,
               ": is no line of a log (expected an object of numbers with a whole \"step\")");
    lines.push_back({line, values});
  }
  return lines;
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
  return json_text(facts, JsonLayout::indented) + "\n";
}

namespace {

/// True where a folder holds nothing but what a run writes before its recipe.toml: it was killed there. Only
/// then may a folder without that file be taken over, and what is half-written in it be removed.
bool only_begun(const std::string& dir) {
  for (const fs::directory_entry& entry : fs::directory_iterator(dir)) {
    const std::string name = entry.path().filename().string();
    const bool ours = is_unfinished(name) || (name == "checkpoints" && fs::is_empty(entry.path())) ||
                      (name == "environment.json" && entry.is_regular_file() &&
                       Json::parse(read_file(entry.path().string()), nullptr, false).contains("cawe"));
    if (!ours) return false;
  }
  return true;
}

}  // namespace

RunFolder::RunFolder(const std::string& dir, const std::string& recipe, const Environment& environment,
                     bool resume)
    : dir_(dir), events_(dir, 0) {
  const std::string recipe_path = path("recipe.toml");
  if (fs::exists(recipe_path)) {
    CAWE_CHECK(resume, Code::usage, dir,
               ": holds a run already. Add --resume to go on with it, or choose another --out.");
    CAWE_CHECK(read_file(recipe_path) == recipe, Code::usage, recipe_path,
               ": differs from the recipe given now. Resume with the same recipe, or choose another --out.");
    remove_unfinished(dir);
    return;
  }
  CAWE_CHECK(!fs::exists(dir) || fs::is_directory(dir), Code::usage, dir, ": is a file (expected a folder)");
  CAWE_CHECK(!fs::exists(dir) || fs::is_empty(dir) || (resume && only_begun(dir)), Code::usage, dir,
             ": holds other files (expected a new or an empty folder)");
  make_folders(path("checkpoints"));
  remove_unfinished(dir);
  write_file(path("environment.json"), environment_json(environment));
  write_file(recipe_path, recipe);
}

void RunFolder::log(int64_t step, const LogLine& line) {
  Json values{{"step", step}};
  for (const auto& [name, value] : line) values[name] = json_rounded(value, kLogDigits);
  append_file(path("log.jsonl"), json_text(values) + "\n");
  events_.add(step, line);
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

void RunFolder::timing(const std::string& stage, double seconds) const {
  const bool fresh = !fs::exists(path("timings.csv"));
  append_file(path("timings.csv"), (fresh ? "stage,seconds\n" : "") + csv_line({stage, rounded(seconds, 6)}));
}

double seconds_in(const std::string& dir) {
  double sum = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(dir)) {
    if (entry.path().filename() != "timings.csv") continue;
    const data::CsvTable table = data::CsvTable::read(entry.path().string());
    for (size_t r = 0; r < table.rows(); ++r) sum += table.number(r, table.column("seconds"));
  }
  return sum;
}

}  // namespace cawe::train
