// SPDX-License-Identifier: Apache-2.0
#include "train/run_folder.h"

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "cawe_revision.h"
#include "data/formats/picture/picture.h"
#include "data/formats/table/csv.h"
#include "tensor/backend.h"
#include "tensor/error.h"
#include "tensor/io/atomic_file.h"
#include "tensor/io/header_json.h"

namespace cawe::train {
namespace fs = std::filesystem;
namespace {

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

std::string number(double v) {
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", v);
  return std::isfinite(v) ? text : "null";
}

/// The "step" of a line of log.jsonl.
int64_t step_of(const std::string& line) {
  return line.rfind("{\"step\":", 0) == 0 ? std::atoll(line.c_str() + 8) : 0;
}

std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
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

RunFolder::RunFolder(const std::string& dir, const std::string& recipe, const Environment& environment,
                     bool resume)
    : dir_(dir), events_(dir, 0) {
  const std::string recipe_path = path("recipe.toml");
  std::error_code e;
  if (fs::exists(recipe_path)) {
    CAWE_CHECK(resume, Code::usage, dir,
               ": holds a run already. Add --resume to go on with it, or choose another --out.");
    remove_unfinished(dir);
    CAWE_CHECK(read_file(recipe_path) == recipe, Code::usage, recipe_path,
               ": differs from the recipe given now. Resume with the same recipe, or choose another --out.");
  } else {
    CAWE_CHECK(!fs::exists(dir) || fs::is_directory(dir), Code::usage, dir,
               ": is a file (expected a folder)");
    if (resume && fs::exists(dir)) {  // killed before it wrote its recipe: there is nothing to keep
      remove_unfinished(dir);
      fs::remove(path("checkpoints"), e);  // removes it only if it is empty
    }
    CAWE_CHECK(!fs::exists(dir) || fs::is_empty(dir, e), Code::usage, dir,
               ": holds other files (expected a new or an empty folder)");
  }
  fs::create_directories(path("checkpoints"), e);
  CAWE_CHECK(!e, Code::io, dir, ": cannot be made (", e.message(), ")");
  if (fs::exists(recipe_path)) return;
  std::string json = "{";
  for (const auto& [key, value] : environment_facts(environment))
    json += (json.size() > 1 ? ",\n " : "\n ") + quoted(key) + ": " + quoted(value);
  write_file(path("environment.json"), json + "\n}\n");
  write_file(recipe_path, recipe);
}

void RunFolder::log(int64_t step, const LogLine& line) {
  std::string text = "{\"step\":" + std::to_string(step);
  for (const auto& [name, value] : line) text += "," + quoted(name) + ":" + number(value);
  std::FILE* file = std::fopen(path("log.jsonl").c_str(), "ab");
  CAWE_CHECK(file != nullptr, Code::io, path("log.jsonl"), ": cannot be written");
  text += "}\n";
  const bool whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  CAWE_CHECK((std::fclose(file) == 0) && whole, Code::io, path("log.jsonl"),
             ": cannot be written (disk full?)");
  events_.add(step, line);
}

void RunFolder::rewind(int64_t step) {
  events_ = TensorBoard(dir_, step + 1);
  if (!fs::exists(path("log.jsonl"))) return;
  std::string kept;
  for (const std::string& line : lines_of(path("log.jsonl")))
    if (!line.empty() && line.back() == '}' && step_of(line) <= step) kept += line + "\n";
  write_file(path("log.jsonl"), kept);
}

void RunFolder::write_metrics() const {
  // The log has a known form: one flat object of numbers per line.
  std::vector<std::map<std::string, std::string>> rows;
  std::set<std::string> names;
  for (const std::string& line : lines_of(path("log.jsonl"))) {
    rows.emplace_back();
    std::istringstream items(line.substr(1, line.size() - 2));
    for (std::string item; std::getline(items, item, ',');) {
      const size_t colon = item.rfind(':');
      const std::string name = item.substr(1, colon - 2), value = item.substr(colon + 1);
      rows.back()[name] = value == "null" ? "" : value;
      if (name != "step") names.insert(name);
    }
  }
  std::string out = "step";
  for (const std::string& name : names) out += "," + name;
  out += "\n";
  for (auto& row : rows) {
    out += row["step"];
    for (const std::string& name : names) out += "," + row[name];
    out += "\n";
  }
  write_file(path("metrics.csv"), out);
}

void RunFolder::timing(const std::string& stage, double seconds) const {
  const bool fresh = !fs::exists(path("timings.csv"));
  std::ofstream out(path("timings.csv"), std::ios::app);
  if (fresh) out << "stage,seconds\n";
  out << stage << "," << seconds << "\n";
  CAWE_CHECK(out.flush().good(), Code::io, path("timings.csv"), ": cannot be written");
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
