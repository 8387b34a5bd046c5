// SPDX-License-Identifier: Apache-2.0
// cawe plan power: how many patients, lesions and seeds a comparison needs, from the variances that a study measured.
#include <CLI/CLI.hpp>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/named_files.h"
#include "data/formats/table/csv.h"
#include "data/units.h"
#include "eval/power_plan.h"
#include "tensor/error.h"
#include "tensor/io/format.h"
#include "tensor/io/json.h"
#include "tensor/text.h"

namespace cawe::apps {
namespace {

/// Films of the RSNA challenge and the boxes on them (6,012 of its films have any); a fifth of both tests.
/// A smaller variance is rounding: sensitivities are shares of some thousand lesions at most.
constexpr double kLeastVariance = 1e-20;

constexpr int64_t kRsnaFilms = 26684, kRsnaBoxes = 9555, kRsnaTestFilms = 5337, kRsnaTestBoxes = 1911;

struct Options {
  std::string results, row;
  double effect = 0.02, power = 0.8, level = 0.95;
  int64_t family = 0;
  std::vector<int64_t> seeds;  ///< empty: eval::planned_seeds(), or 1 where the study had one
};

/// What a study measured of its comparisons with the plain detector, averaged over the rows that were asked for.
struct Measured {
  eval::PlanBasis basis;
  int64_t rows = 0, seeds = 0, family = 1;
  data::FilmUnit unit = data::FilmUnit::patient;  ///< what the draws are of
};

/// A whole number of a cell, from `least` on.
int64_t count_in(const data::CsvTable& table, size_t row, size_t column, int64_t least) {
  constexpr double kMost = 1e9;
  const double n = table.number(row, column);
  CAWE_CHECK(n == std::floor(n) && n >= double(least) && n <= kMost, Code::data, table.where(row), ": ",
             table.header()[column], " is ", printable(table.word(row, column), 40),
             " (expected a whole number from ", least, " on)");
  return int64_t(n);
}

/// A variance; NaN where the cell is empty, since it was not measured.
double variance_in(const data::CsvTable& table, size_t row, size_t column) {
  if (table.word(row, column).empty()) return std::nan("");
  const double v = table.number(row, column);
  CAWE_CHECK(v >= 0, Code::data, table.where(row), ": ", table.header()[column], " is ", v,
             " (expected a variance, 0 or more)");
  return v;
}

data::FilmUnit unit_in(const data::CsvTable& table, size_t row, size_t column) {
  for (const data::FilmUnit unit : {data::FilmUnit::patient, data::FilmUnit::image, data::FilmUnit::group})
    if (table.word(row, column) == data::unit_key(unit)) return unit;
  fail(Code::data, table.where(row), ": ", table.header()[column], " is ",
       printable(table.word(row, column), 40), " (expected patient, image or group)");
}

/// methods.csv of a study's folder, or the file itself.
data::CsvTable methods_of(const std::string& results) {
  std::error_code error;
  if (!std::filesystem::is_directory(results, error)) return data::CsvTable::read(results);
  const std::string inside = results + "/methods.csv";
  CAWE_CHECK(std::filesystem::exists(inside, error), Code::data, results,
             ": has no methods.csv (expected the folder of a finished study)");
  return data::CsvTable::read(inside);
}

Measured measured(const std::string& results, const std::string& wanted) {
  const data::CsvTable table = methods_of(results);
  const auto column = [&](const char* name) { return table.column(name, "a study's methods.csv has it"); };
  const size_t detector = column("detector"), enhancement = column("enhancement"), kind = column("kind"),
               seeds = column("seeds"), family = column("family"), between_seeds = column("var_seeds"),
               between_units = column("var_patients"), rest = column("var_rest"), units = column("units"),
               lesions = column("lesions"), unit = column("split_unit");
  Measured m;
  std::string names, first;
  for (size_t r = 0; r < table.rows(); ++r) {
    const std::string name = table.word(r, detector) + "/" + table.word(r, enhancement),
                      what = table.word(r, kind);
    if (what == "baseline") continue;
    names += (names.empty() ? "" : ", ") + name;
    // A/A rows and rows against their controls have variances, too: they count where they are asked for.
    if (wanted.empty() ? what == "again" || what == "against_control" : name != wanted) continue;
    const std::string size =
        table.word(r, seeds) + " seeds on " + table.word(r, units) + " " + table.word(r, unit);
    CAWE_CHECK(first.empty() || first == size, Code::data, table.where(r), ": is of ", size,
               ", another row of ", first, " (expected rows of one study; --row takes one)");
    first = size;
    ++m.rows;
    m.seeds = count_in(table, r, seeds, 1);
    if (!table.word(r, family).empty()) m.family = count_in(table, r, family, 1);
    m.basis.patients = count_in(table, r, units, 2);
    m.basis.lesions = count_in(table, r, lesions, 1);
    m.unit = unit_in(table, r, unit);
    const double of_units = variance_in(table, r, between_units);
    CAWE_CHECK(!std::isnan(of_units), Code::data, table.where(r),
               ": var_patients is empty: it was not measured (expected "
               "a study whose difference is defined)");
    m.basis.components.patients += of_units;
    m.basis.components.seeds += variance_in(table, r, between_seeds);
    m.basis.components.rest += variance_in(table, r, rest);
  }
  CAWE_CHECK(m.rows > 0, wanted.empty() ? Code::data : Code::usage, table.name(), ": no comparison",
             wanted.empty() ? std::string() : " \"" + wanted + "\"", " (expected ",
             names.empty() ? "rows beside the plain ones" : "one of " + names, ")");
  eval::VarianceComponents& c = m.basis.components;
  for (double* part : {&c.patients, &c.seeds, &c.rest}) *part /= double(m.rows);
  const double others = std::isnan(c.seeds) ? 0 : c.seeds + c.rest;
  CAWE_CHECK(c.patients + others > kLeastVariance, Code::data, table.name(),
             ": its comparisons do not vary (expected variances above 0)");
  return m;
}

/// The smallest difference that is shown on films with so many lesions. Sensitivity is a share of lesions, so it is lesions
/// that carry the variance between patients to a set with more films without any: as many of the study's patients are
/// counted as have these.
double effect_on(const Measured& m, const eval::PlanTest& test, int64_t lesions, int64_t seeds) {
  const double patients = double(lesions) * double(m.basis.patients) / double(m.basis.lesions);
  return eval::planned_effect(m.basis, test, patients, seeds);
}

/// A difference of shares of the lesions is 1 at most.
std::string effect_text(double effect) { return effect <= 1 ? fixed(effect, 4) : "none"; }
Json effect_json(double effect) { return effect <= 1 ? json_rounded(effect, 6) : Json(nullptr); }

std::string footing_text(eval::Footing footing) {
  return footing == eval::Footing::method      ? "a method"
         : footing == eval::Footing::few_seeds ? "too few seeds for a verdict"
                                               : "these weights only";
}

/// "12,345"; "none" for 0
std::string count_text(int64_t n) {
  if (n == 0) return "none";
  std::string text = std::to_string(n);
  for (int64_t at = int64_t(text.size()) - 3; at > 0; at -= 3) text.insert(size_t(at), ",");
  return text;
}

void print_plan(const Measured& m, const eval::PlanTest& test, const std::vector<eval::PlanRow>& plan) {
  const std::string units = data::unit_words(m.unit);
  const eval::VarianceComponents& c = m.basis.components;
  const std::string at =
      rounded(1 - test.level, 4) + (test.family > 1 ? " / " + std::to_string(test.family) : "");
  std::string text =
      "measured: " + std::to_string(m.rows) + (m.rows == 1 ? " comparison" : " comparisons, averaged") +
      ", " + std::to_string(m.seeds) + (m.seeds == 1 ? " seed, " : " seeds, ") +
      count_text(m.basis.patients) + " " + units + " with " + count_text(m.basis.lesions) +
      " lesions\nstandard deviation of one seed's difference: " + fixed(std::sqrt(c.patients), 4) +
      " between " + units;
  if (m.seeds > 1)
    text += ", " + fixed(std::sqrt(c.seeds), 4) + " between seeds, " + fixed(std::sqrt(c.rest), 4) +
            " of both together";
  text += "\nplan: a difference of " + rounded(test.effect, 6) + " shown in " + rounded(100 * test.power, 4) +
          " of 100 studies, two-sided, at " + at + "\n\n" + "seeds  power here  power with " + units +
          " without end  needed  lesions  speaks of\n";
  for (const eval::PlanRow& r : plan)
    text += printf_text("%5lld  %10.2f  %31.2f  %15s  %7s  %s\n", static_cast<long long>(r.seeds),
                        r.power_here, r.power_without_end, count_text(r.patients).c_str(),
                        count_text(r.lesions).c_str(), footing_text(r.footing).c_str());
  text += "needed: test " + units + " for that power; none: no number suffices, only more seeds\n";
  text += "\nat RSNA's size, the smallest difference shown so often (the variance between " + units +
          " carried over by the number of\nlesions; few seeds leave fewer degrees of freedom the less " +
          units + " vary, so more films need not show less):\nseeds  a fifth tests, " +
          count_text(kRsnaTestFilms) + " films, " + count_text(kRsnaTestBoxes) +
          " lesions  cross-validated, all " + count_text(kRsnaFilms) + ", " + count_text(kRsnaBoxes) +
          " lesions\n";
  for (const eval::PlanRow& r : plan)
    text += printf_text("%5lld  %44s  %42s\n", static_cast<long long>(r.seeds),
                        effect_text(effect_on(m, test, kRsnaTestBoxes, r.seeds)).c_str(),
                        effect_text(effect_on(m, test, kRsnaBoxes, r.seeds)).c_str());
  if (m.seeds < eval::kVerdictSeeds)
    text +=
        "\nnote: " +
        std::string(m.seeds == 1 ? "one seed measures no variance between seeds: more seeds cannot be planned"
                                 : "few seeds measure the variance between seeds badly") +
        "\n";
  else if (c.seeds <= 0)
    text +=
        "\nnote: " + counted(m.seeds, "seed") +
        " did not differ more than chance would let them, which is no proof that seeds agree: the plan may "
        "be too hopeful\n";
  print_lines(text);
}

/// A study of one seed measures what varies with these weights alone; one of several what varies with seeds, too.
std::vector<int64_t> seeds_to_plan(const Measured& m, const Options& o) {
  if (o.seeds.empty()) return m.seeds == 1 ? std::vector<int64_t>{1} : eval::planned_seeds();
  for (const int64_t seeds : o.seeds)
    CAWE_CHECK((seeds == 1) == (m.seeds == 1), Code::usage, "--seeds ", seeds, ": ", o.results,
               " was measured with ", counted(m.seeds, "seed"), " (expected ",
               m.seeds == 1 ? "1: the variance between seeds takes a study of several"
                            : "2 or more: a plan for one seed's weights takes a study of one seed",
               ")");
  return o.seeds;
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
  const std::vector<eval::PlanRow> plan = eval::power_plan(m.basis, test, seeds_to_plan(m, o));
  if (!common.json) return print_plan(m, test, plan);
  Json rows = Json::array();
  for (const eval::PlanRow& r : plan)
    rows.push_back({{"seeds", r.seeds},
                    {"speaks_of", footing_text(r.footing)},
                    {"power_here", json_rounded(r.power_here, 6)},
                    {"power_without_end", json_rounded(r.power_without_end, 6)},
                    {"patients", r.patients > 0 ? Json(r.patients) : Json(nullptr)},
                    {"lesions", r.lesions > 0 ? Json(r.lesions) : Json(nullptr)},
                    {"effect_rsna_test", effect_json(effect_on(m, test, kRsnaTestBoxes, r.seeds))},
                    {"effect_rsna_all", effect_json(effect_on(m, test, kRsnaBoxes, r.seeds))}});
  print_json({{"comparisons", m.rows},
              {"seeds", m.seeds},
              {"units", m.basis.patients},
              {"split_unit", data::unit_key(m.unit)},
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
  power
      ->add_option("--seeds", o->seeds,
                   "numbers of seeds to plan for (default: 3,5,10,20; 1 where the study had one)")
      ->delimiter(',')
      ->check(CLI::Range(int64_t(1), int64_t(10000)));
  power->callback([&common, o] { run_power(common, *o); });
}

}  // namespace cawe::apps
