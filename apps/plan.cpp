// SPDX-License-Identifier: Apache-2.0
// cawe plan power: how many patients, lesions and seeds a comparison needs, from the variances that a study measured.
#include <CLI/CLI.hpp>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/named_files.h"
#include "data/formats/table/csv.h"
#include "eval/power_plan.h"
#include "tensor/error.h"
#include "tensor/io/format.h"
#include "tensor/io/json.h"

namespace cawe::apps {
namespace {

/// Films of the RSNA challenge; a fifth of its persons tests, about a fifth of its films.
constexpr int64_t kRsnaFilms = 26684, kRsnaTestFilms = 5337;

struct Options {
  std::string results, row;
  double effect = 0.02, power = 0.8, level = 0.95;
  int64_t family = 0;
  std::vector<int64_t> seeds{1, 3, 5, 10, 20};
};

/// What a study measured of its comparisons with the plain detector, averaged over the rows that were asked for.
struct Measured {
  eval::PlanBasis basis;
  int64_t rows = 0, seeds = 0, family = 1;
};

/// A cell that may be empty, which is NaN.
double number_or_none(const data::CsvTable& table, size_t row, size_t column) {
  return table.word(row, column).empty() ? std::nan("") : table.number(row, column);
}

Measured measured(const std::string& results, const std::string& wanted) {
  std::error_code error;
  const std::string path = std::filesystem::is_directory(results, error) ? results + "/methods.csv" : results;
  const data::CsvTable table = data::CsvTable::read(path);
  const auto column = [&](const char* name) { return table.column(name, "a study's methods.csv has it"); };
  const size_t detector = column("detector"), enhancement = column("enhancement"), kind = column("kind"),
               seeds = column("seeds"), family = column("family"), low = column("patients_low"),
               high = column("patients_high"), between_seeds = column("var_seeds"),
               between_patients = column("var_patients"), rest = column("var_rest"),
               patients = column("patients"), lesions = column("lesions");
  Measured m;
  std::string names;
  for (size_t r = 0; r < table.rows(); ++r) {
    const std::string name = table.word(r, detector) + "/" + table.word(r, enhancement);
    if (table.word(r, kind) == "baseline") continue;
    names += (names.empty() ? "" : ", ") + name;
    // A/A rows compare nothing, but their variances are those of a comparison: they count where they are asked for.
    const std::string what = table.word(r, kind);
    if (wanted.empty() ? what == "again" || what == "against_control" : name != wanted) continue;
    ++m.rows;
    m.seeds = int64_t(table.number(r, seeds));
    if (!table.word(r, family).empty()) m.family = int64_t(table.number(r, family));
    m.basis.patients = int64_t(table.number(r, patients));
    m.basis.lesions = int64_t(table.number(r, lesions));
    double of_patients = number_or_none(table, r, between_patients);
    if (m.seeds == 1) {  // the interval over patients is all that there is
      const double half = 0.5 * (number_or_none(table, r, high) - number_or_none(table, r, low));
      of_patients = half * half / (1.959963984540054 * 1.959963984540054);
    }
    m.basis.components.patients += of_patients;
    m.basis.components.seeds += number_or_none(table, r, between_seeds);
    m.basis.components.rest += number_or_none(table, r, rest);
  }
  CAWE_CHECK(m.rows > 0, wanted.empty() ? Code::data : Code::usage, path, ": no comparison",
             wanted.empty() ? std::string() : " \"" + wanted + "\"", " (expected ",
             names.empty() ? "rows beside the plain ones" : "one of " + names, ")");
  m.basis.components.patients /= double(m.rows);
  m.basis.components.seeds /= double(m.rows);
  m.basis.components.rest /= double(m.rows);
  const double between = std::isnan(m.basis.components.seeds) ? 0 : m.basis.components.seeds;
  CAWE_CHECK(m.basis.components.patients + between > 0, Code::data, path,
             ": its comparisons do not vary (expected variances above 0)");
  return m;
}

std::string footing_text(eval::Footing footing) {
  return footing == eval::Footing::method      ? "a method"
         : footing == eval::Footing::few_seeds ? "too few seeds for a verdict"
                                               : "these weights only";
}

/// "12,345", or "no number"
std::string count_text(int64_t n) {
  if (n == 0) return "none";
  std::string text = std::to_string(n);
  for (int64_t at = int64_t(text.size()) - 3; at > 0; at -= 3) text.insert(size_t(at), ",");
  return text;
}

void print_plan(const Measured& m, const eval::PlanTest& test, const std::vector<eval::PlanRow>& plan) {
  const eval::VarianceComponents& c = m.basis.components;
  const std::string at =
      fixed(1 - test.level, 2) + (test.family > 1 ? " / " + std::to_string(test.family) : "");
  std::string text =
      "measured: " + std::to_string(m.rows) + (m.rows == 1 ? " comparison" : " comparisons, averaged") +
      ", " + std::to_string(m.seeds) + (m.seeds == 1 ? " seed, " : " seeds, ") +
      count_text(m.basis.patients) + " patients with " + count_text(m.basis.lesions) +
      " lesions\nstandard deviation of one seed's difference: " + fixed(std::sqrt(c.patients), 3) +
      " between patients";
  if (m.seeds > 1)
    text += ", " + fixed(std::sqrt(c.seeds), 3) + " between seeds, " + fixed(std::sqrt(c.rest), 3) +
            " of both together";
  text += "\nplan: a difference of " + fixed(test.effect, 3) + " shown in " + fixed(100 * test.power, 0) +
          " of 100 studies, two-sided, at " + at + "\n\n" +
          "seeds  power here  power with patients without end  patients needed  lesions  speaks of\n";
  for (const eval::PlanRow& r : plan)
    text += printf_text("%5lld  %10.2f  %31.2f  %15s  %7s  %s\n", static_cast<long long>(r.seeds),
                        r.power_here, r.power_without_end, count_text(r.patients).c_str(),
                        count_text(r.lesions).c_str(), footing_text(r.footing).c_str());
  text +=
      "\nat RSNA's size, the smallest difference shown so often (each film counted as a patient of its own, "
      "as if no\n"
      "person had two):\nseeds  a fifth tests, " +
      count_text(kRsnaTestFilms) + " films  cross-validated, all " + count_text(kRsnaFilms) + "\n";
  for (const eval::PlanRow& r : plan)
    text += printf_text("%5lld  %29.4f  %27.4f\n", static_cast<long long>(r.seeds),
                        eval::planned_effect(m.basis, test, double(kRsnaTestFilms), r.seeds),
                        eval::planned_effect(m.basis, test, double(kRsnaFilms), r.seeds));
  if (m.seeds < eval::kVerdictSeeds)
    text +=
        "\nnote: " +
        std::string(m.seeds == 1 ? "one seed measures no variance between seeds; more seeds cannot be planned"
                                 : "few seeds measure the variance between seeds badly") +
        "\n";
  print_lines(text);
}

void run_power(Common& common, const Options& o) {
  common.begin();
  check_file_or_folder(o.results, "RESULTS", Code::data);
  const Measured m = measured(o.results, o.row);
  eval::PlanTest test;
  test.effect = o.effect;
  test.power = o.power;
  test.level = o.level;
  test.family = o.family > 0 ? o.family : m.family;
  const std::vector<eval::PlanRow> plan =
      eval::power_plan(m.basis, test, m.seeds == 1 ? std::vector<int64_t>{1} : o.seeds);
  if (!common.json) return print_plan(m, test, plan);
  Json rows = Json::array();
  for (const eval::PlanRow& r : plan)
    rows.push_back({{"seeds", r.seeds},
                    {"speaks_of", footing_text(r.footing)},
                    {"power_here", json_rounded(r.power_here, 6)},
                    {"power_without_end", json_rounded(r.power_without_end, 6)},
                    {"patients", r.patients > 0 ? Json(r.patients) : Json(nullptr)},
                    {"lesions", r.lesions > 0 ? Json(r.lesions) : Json(nullptr)},
                    {"effect_rsna_test",
                     json_rounded(eval::planned_effect(m.basis, test, double(kRsnaTestFilms), r.seeds), 6)},
                    {"effect_rsna_all",
                     json_rounded(eval::planned_effect(m.basis, test, double(kRsnaFilms), r.seeds), 6)}});
  print_json({{"comparisons", m.rows},
              {"seeds", m.seeds},
              {"patients", m.basis.patients},
              {"lesions", m.basis.lesions},
              {"var_patients", json_rounded(m.basis.components.patients, 9)},
              {"var_seeds", json_rounded(m.basis.components.seeds, 9)},
              {"var_rest", json_rounded(m.basis.components.rest, 9)},
              {"effect", test.effect},
              {"power", test.power},
              {"level", test.level},
              {"family", test.family},
              {"plan", rows}});
}

}  // namespace

void add_plan(CLI::App& app, Common& common) {
  auto o = std::make_shared<Options>();
  CLI::App* plan = app.add_subcommand("plan", "How large a study has to be.");
  plan->require_subcommand(1);
  plan->footer("Example:\n  cawe plan power runs/study --effect 0.02");
  CLI::App* power =
      add_command(*plan, common, "power",
                  "Patients, lesions and seeds that a comparison needs, from a study's variances.",
                  "cawe plan power runs/study --effect 0.02");
  power->add_option("results", o->results, "a study's folder, or its methods.csv")->required();
  power->add_option("--effect", o->effect, "true difference of the mean of Sens@1..4 that shall be shown")
      ->check(CLI::Range(1e-6, 1.0))
      ->capture_default_str();
  power->add_option("--power", o->power, "share of such studies that shall show it")
      ->check(CLI::Range(0.5, 0.999))
      ->capture_default_str();
  power->add_option("--level", o->level, "1 - the error of the first kind")
      ->check(CLI::Range(0.5, 0.9999))
      ->capture_default_str();
  power
      ->add_option("--family", o->family,
                   "comparisons that Holm corrects together (default: as many as in the study)")
      ->check(CLI::Range(int64_t(1), int64_t(100000)));
  power->add_option(
      "--row", o->row,
      "DETECTOR/ENHANCEMENT whose variances are taken (default: the mean over all comparisons)");
  power->add_option("--seeds", o->seeds, "numbers of seeds to plan for")
      ->delimiter(',')
      ->check(CLI::Range(int64_t(1), int64_t(10000)))
      ->capture_default_str();
  power->callback([&common, o] { run_power(common, *o); });
}

}  // namespace cawe::apps
