// SPDX-License-Identifier: Apache-2.0
// cawe data duplicates: films of one person, and copies of films, across folds and sources.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "apps/commands.h"
#include "apps/film_tables.h"
#include "apps/input_files.h"
#include "apps/inputs.h"
#include "apps/named_files.h"
#include "apps/outputs.h"
#include "data/duplicates/find.h"
#include "data/groups.h"
#include "data/units.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/io/format.h"
#include "tensor/io/json.h"
#include "tensor/text.h"

namespace cawe::apps {
namespace {

constexpr const char* kGroupsHeader = "image,group\n";

struct Options {
  std::vector<std::string> input, set;
  std::string recipe, split, out;
  double score = data::DuplicateOptions().score;
  bool allow_rejects = false;
  std::optional<bool> untrusted;
};

FilmTable read_films(Common& common, const Options& o) {
  CAWE_CHECK(
      o.input.empty() != o.recipe.empty(), Code::usage,
      o.input.empty()
          ? "--input or --recipe is missing (expected folders or tables of films, or a recipe with them)"
          : "--input and --recipe: both name films (expected one of them)");
  CAWE_CHECK(o.set.empty() || !o.recipe.empty(), Code::usage, "--set: there is no --recipe to change");
  CAWE_CHECK(o.split.empty() || !o.input.empty(), Code::usage,
             "--split: a recipe has its own split (expected --input, or --set data.split_file=…)");
  for (const std::string& path : o.input) check_file_or_folder(path, "--input");
  check_file(o.recipe, "--recipe");
  check_file(o.split, "--split");
  if (!o.recipe.empty()) return films_of_recipe(o.recipe, o.set, common.quiet);
  choose_decoding(o.input, o.untrusted);
  FilmTable films = films_of_paths(o.input);
  if (!o.split.empty()) films.split = split_of(o.split, films.dataset);
  return films;
}

/// "train/test", "train", "" where there are no folds.
std::string both(const std::string& a, const std::string& b) { return a == b ? a : a + "/" + b; }

/// What a pair means, beside how alike the films are.
struct PairFacts {
  std::string folds, sources;
  bool across_folds = false, across_sources = false;
  enum class Table { silent, one, two } persons = Table::silent;  ///< whose the films are by their table
};

PairFacts facts_of(const FilmTable& films, const data::FilmPair& pair) {
  const data::Sample &a = films.dataset.samples[size_t(pair.first)],
                     &b = films.dataset.samples[size_t(pair.second)];
  PairFacts f;
  if (!films.split.fold.empty()) {
    const std::string &x = films.split.fold[size_t(pair.first)], &y = films.split.fold[size_t(pair.second)];
    f.folds = both(x, y);
    f.across_folds = x != y;
  }
  f.sources = both(a.source, b.source);
  f.across_sources = a.source != b.source;
  const std::string &one = films.persons[size_t(pair.first)], &other = films.persons[size_t(pair.second)];
  // Numbers of two sources say nothing of each other.
  if (a.source == b.source && !one.empty() && !other.empty())
    f.persons = one == other ? PairFacts::Table::one : PairFacts::Table::two;
  return f;
}

/// Pairs of films of one person by the table, where it names persons, and how many of them were found.
struct KnownPersons {
  bool known = false;
  int64_t pairs = 0, found = 0, others = 0;  ///< others: found pairs of two persons
};

KnownPersons known_persons(const FilmTable& films, const std::vector<data::FilmPair>& pairs) {
  KnownPersons k;
  std::map<std::string, int64_t> count;
  for (const std::string& person : films.persons) {
    if (person.empty()) continue;
    k.known = true;
    k.pairs += count[person]++;
  }
  for (const data::FilmPair& pair : pairs) {
    const PairFacts::Table persons = facts_of(films, pair).persons;
    k.found += persons == PairFacts::Table::one;
    k.others += persons == PairFacts::Table::two;
  }
  return k;
}

struct Summary {
  int64_t identical = 0, near = 0, person = 0, across_folds = 0, across_sources = 0, groups = 0, grouped = 0;
  int64_t compared = 0;        ///< films that could be read
  std::vector<int64_t> group;  ///< of each film
};

Summary summary_of(const FilmTable& films, const std::vector<data::FilmPair>& pairs) {
  Summary s;
  std::vector<std::pair<int64_t, int64_t>> links;
  for (const data::FilmPair& pair : pairs) {
    links.emplace_back(pair.first, pair.second);
    ++(pair.kind == data::PairKind::identical        ? s.identical
       : pair.kind == data::PairKind::near_duplicate ? s.near
                                                     : s.person);
    const PairFacts facts = facts_of(films, pair);
    s.across_folds += facts.across_folds;
    s.across_sources += facts.across_sources;
  }
  s.group = data::connected(int64_t(films.dataset.samples.size()), links);
  std::map<int64_t, int64_t> sizes;
  for (const int64_t g : s.group) ++sizes[g];
  for (const auto& [g, size] : sizes) {
    s.groups += size > 1;
    s.grouped += size > 1 ? size : 0;
  }
  return s;
}

Json json_of(const FilmTable& films, const std::vector<data::FilmPair>& pairs, const Summary& s,
             const KnownPersons& known) {
  Json list = Json::array();
  for (const data::FilmPair& pair : pairs) {
    const PairFacts f = facts_of(films, pair);
    Json one{{"first", films.dataset.samples[size_t(pair.first)].image_id},
             {"second", films.dataset.samples[size_t(pair.second)].image_id},
             {"kind", data::kind_text(pair.kind)},
             {"score", json_fixed(pair.score, 2)},
             {"inliers", pair.inliers},
             {"correlation", json_fixed(pair.correlation, 3)},
             {"folds", f.folds.empty() ? Json(nullptr) : Json(f.folds)},
             {"sources", f.sources}};
    if (f.persons != PairFacts::Table::silent)
      one["one_person_by_table"] = f.persons == PairFacts::Table::one;
    list.push_back(std::move(one));
  }
  const int64_t count = s.compared;
  Json json{{"films", count},
            {"pairs_compared", count * (count - 1) / 2},
            {"identical", s.identical},
            {"near_duplicates", s.near},
            {"same_person_likely", s.person},
            {"groups", s.groups},
            {"grouped_films", s.grouped},
            {"across_folds", films.split.fold.empty() ? Json(nullptr) : Json(s.across_folds)},
            {"across_sources", s.across_sources}};
  if (known.known)
    json["by_table"] = {
        {"pairs_of_one_person", known.pairs}, {"found", known.found}, {"found_of_two_persons", known.others}};
  json["rejected"] = films.dataset.rejected.size();
  json["pairs"] = list;
  return json;
}

void print_pairs(const FilmTable& films, const std::vector<data::FilmPair>& pairs) {
  if (pairs.empty()) return;
  print_lines(printf_text("%-19s %5s %7s %11s  %s", "kind", "score", "inliers", "correlation", "films"));
  for (const data::FilmPair& pair : pairs) {
    const PairFacts f = facts_of(films, pair);
    std::string notes;
    if (!f.folds.empty()) notes += (f.across_folds ? ", across folds " : ", fold ") + f.folds;
    if (f.across_sources) notes += ", across sources " + f.sources;
    if (f.persons != PairFacts::Table::silent)
      notes +=
          f.persons == PairFacts::Table::one ? ", one person by the table" : ", two persons by the table";
    const std::string score = std::isnan(pair.score) ? "-" : fixed(pair.score, 1);
    print_lines(printf_text("%-19s %5s %7d %11.3f  ", data::kind_text(pair.kind), score.c_str(), pair.inliers,
                            pair.correlation) +
                films.dataset.samples[size_t(pair.first)].image_id + " " +
                films.dataset.samples[size_t(pair.second)].image_id + notes);
  }
}

void print_summary(const FilmTable& films, const Summary& s, const KnownPersons& known) {
  const int64_t count = s.compared;
  std::string text = counted(count, "film") + ", " + counted(count * (count - 1) / 2, "pair") + ": " +
                     std::to_string(s.identical) + " identical, " + std::to_string(s.near) +
                     " near-duplicate, " + std::to_string(s.person) + " likely of one person; " +
                     counted_units(s.groups, data::FilmUnit::group) + " with " + counted(s.grouped, "film");
  if (!films.split.fold.empty()) text += "; " + counted(s.across_folds, "pair") + " across folds";
  if (s.across_sources > 0) text += "; " + counted(s.across_sources, "pair") + " across sources";
  print_lines(text);
  if (known.known)
    print_lines("by the table: " + std::to_string(known.found) + " of " + counted(known.pairs, "pair") +
                " of films of one person found, and " + counted(known.others, "pair") +
                " of films of two persons");
}

/// What to tell of tables and folders before the long part: what is no film, what was read otherwise than meant.
void say_what_was_read(const FilmTable& films) {
  InputFiles files;
  files.left_out = films.left_out;
  if (const std::string text = left_out_text(files); !text.empty()) note(text);
  for (const std::string& text : films.dataset.warnings) warning(text);
}

void run_duplicates(Common& common, const Options& o) {
  common.begin();
  if (!o.out.empty()) {
    check_out_file(o.out, "--out");
    check_own(o.out, kGroupsHeader, "--out");
  }
  FilmTable films = read_films(common, o);
  if (!o.out.empty()) {
    std::vector<std::string> read{o.recipe, o.split};
    read.insert(read.end(), o.input.begin(), o.input.end());
    read.insert(read.end(), films.read.begin(), films.read.end());
    for (const data::Sample& s : films.dataset.samples) read.push_back(s.path);
    ReadFiles(read).keep(o.out, "--out");
  }
  if (!common.quiet) say_what_was_read(films);
  const data::FoundDuplicates found =
      data::find_duplicates(films.dataset.samples, {o.score, data::DuplicateOptions().near, common.quiet});
  std::vector<data::Rejected>& rejected = films.dataset.rejected;
  rejected.insert(rejected.end(), found.rejected.begin(), found.rejected.end());
  Summary summary = summary_of(films, found.pairs);
  summary.compared = int64_t(films.dataset.samples.size() - found.rejected.size());
  const KnownPersons known = known_persons(films, found.pairs);
  if (!o.out.empty()) {
    std::vector<std::string> ids;
    for (const data::Sample& s : films.dataset.samples) ids.push_back(s.image_id);
    write_file(o.out, data::groups_text(ids, summary.group));
  }
  if (common.json) {
    print_json(json_of(films, found.pairs, summary, known));
  } else {
    print_pairs(films, found.pairs);
    print_summary(films, summary, known);
  }
  for (const data::Rejected& r : rejected)
    std::fprintf(
        stderr, "cawe: error: %s\n",
        printable(rejected_file(r.file, r.reason).file + ": " + rejected_file(r.file, r.reason).reason, 2000)
            .c_str());
  common.status = rejected.empty() || o.allow_rejects ? 0 : 3;
}

}  // namespace

void add_data(CLI::App& app, Common& common) {
  auto o = std::make_shared<Options>();
  CLI::App* data = app.add_subcommand("data", "Look at data sets before anything is trained on them.");
  data->require_subcommand(1);
  const std::string example =
      "cawe data duplicates --input films/ --split runs/retinanet/split.csv --out groups.csv";
  data->footer("Example:\n  " + example);
  CLI::App* sub =
      add_command(*data, common, "duplicates",
                  "Find films of one person, and copies of films, across folds and sources.", example);
  sub->add_option(
      "--input", o->input,
      "folders of films, tables (.csv with columns image and perhaps patient), or folders that hold "
      "a metadata.csv");
  sub->add_option("--recipe", o->recipe, "or a recipe: its films and its folds");
  sub->add_option("--set", o->set, "key=value, over the recipe; may be repeated")->allow_extra_args(false);
  sub->add_option("--split", o->split, "CSV image,patient,fold (a run's split.csv): the folds of --input");
  sub->add_option("--out", o->out, "groups.csv (image,group), for the key data.groups of recipes");
  sub->add_option(
         "--score", o->score,
         "least score of a pair: keypoints of one film that one map carries onto the other's, over what "
         "these films have in common with others. Less finds more pairs, and wrong ones")
      ->check(CLI::Range(1.0, 100.0))
      ->capture_default_str();
  sub->add_flag("--allow-rejects", o->allow_rejects, "exit 0 although some films are bad");
  add_decoding(*sub, &o->untrusted);
  sub->callback([&common, o] { run_duplicates(common, *o); });
}

}  // namespace cawe::apps
