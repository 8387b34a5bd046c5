// SPDX-License-Identifier: Apache-2.0
// Splits by patient.
#include "data/split.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <unordered_map>

#include "data/film_names.h"
#include "data/formats/table/csv.h"
#include "data/formats/table/persons.h"
#include "data/hash.h"
#include "data/image_name.h"
#include "data/units.h"
#include "tensor/error.h"
#include "tensor/io/format.h"
#include "tensor/random.h"
#include "tensor/text.h"

namespace cawe::data {
namespace {

/// The person that the source names, also of a film in a group.
const std::string& own_person(const Sample& sample) {
  return sample.source_patient.empty() ? sample.patient_id : sample.source_patient;
}

/// What is dealt as one: a person, an image, and in either case a group.
const std::string& unit_of(const Sample& sample, SplitUnit unit) {
  const bool whole = unit == SplitUnit::patient || begins_with(sample.patient_id, kGroupPrefix);
  return whole ? sample.patient_id : sample.image_id;
}

/// Units (patients) of each stratum in shuffled order: those with boxes, then those without (or one stratum).
std::vector<std::vector<std::string>> shuffled_strata(const Dataset& dataset, const SplitOptions& options) {
  CAWE_CHECK(options.unit == SplitUnit::image || dataset.patients_known, Code::data,
             "split: this data set names images but not persons (expected a mapping to patients, or "
             "data.split_unit = \"image\" and optimistic results)");
  std::map<std::string, bool> has_box;  // sorted by id
  for (const Sample& sample : dataset.samples)
    has_box[unit_of(sample, options.unit)] |= !sample.boxes.empty();
  std::vector<std::vector<std::string>> strata(options.stratify ? 2 : 1);
  for (const auto& [id, boxed] : has_box) strata[options.stratify && !boxed ? 1 : 0].push_back(id);
  for (size_t s = 0; s < strata.size(); ++s) {
    std::vector<std::string> shuffled;
    for (const int64_t i : Random(options.seed, "split", s).permutation(int64_t(strata[s].size())))
      shuffled.push_back(strata[s][size_t(i)]);
    strata[s] = std::move(shuffled);
  }
  return strata;
}

Split folds_of(const Dataset& dataset, SplitUnit unit,
               const std::unordered_map<std::string, std::string>& fold_of) {
  Split split;
  for (const Sample& sample : dataset.samples) split.fold.push_back(fold_of.at(unit_of(sample, unit)));
  return split;
}

}  // namespace

std::vector<int64_t> Split::indices(const std::string& name) const {
  std::vector<int64_t> found;
  for (size_t i = 0; i < fold.size(); ++i)
    if (fold[i] == name) found.push_back(int64_t(i));
  return found;
}

namespace {

struct Shares {
  int64_t test = 0, val = 0;
};

/// The rounded shares of n persons.
Shares rounded_shares(int64_t n, const SplitOptions& o) {
  const auto test = int64_t(std::lround(double(n) * o.test));
  return {test, int64_t(std::lround(double(n - test) * o.val))};
}

/// The same, but none that is above zero goes without a person while there are some: one for training
/// first, then one for the test, then one for validation.
Shares fair_shares(int64_t n, const SplitOptions& o) {
  Shares s = rounded_shares(n, o);
  if (o.test > 0 && s.test == 0 && n >= 2) s = {1, int64_t(std::lround(double(n - 1) * o.val))};
  if (o.val > 0 && s.val == 0 && n - s.test >= 2) s.val = 1;
  const bool trains = o.test < 1 && o.val < 1;
  if (trains && n > 0 && s.test + s.val == n) --(s.val > 0 ? s.val : s.test);
  return s;
}

}  // namespace

Split split_by_patient(const Dataset& dataset, const SplitOptions& options) {
  CAWE_CHECK(options.test >= 0 && options.test <= 1 && options.val >= 0 && options.val <= 1, Code::usage,
             "split: test is ", options.test, " and val ", options.val, " (expected shares from 0 to 1)");
  std::unordered_map<std::string, std::string> fold_of;
  const auto strata = shuffled_strata(dataset, options);
  for (size_t s = 0; s < strata.size(); ++s) {
    const auto n = int64_t(strata[s].size());
    const bool boxed = options.stratify && s == 0;
    const Shares share = boxed ? fair_shares(n, options) : rounded_shares(n, options);
    for (int64_t i = 0; i < n; ++i)
      fold_of[strata[s][size_t(i)]] = i < share.test ? "test" : i < share.test + share.val ? "val" : "train";
  }
  return folds_of(dataset, options.unit, fold_of);
}

Split split_by_name_hash(const Dataset& dataset, int64_t train) {
  const auto n = int64_t(dataset.samples.size());
  CAWE_CHECK(train >= 0 && train <= n, Code::usage, "split: ", train, " training images of ", n);
  std::vector<std::pair<std::string, size_t>> order;
  for (size_t i = 0; i < dataset.samples.size(); ++i)
    order.emplace_back(sha256(std::filesystem::path(dataset.samples[i].path).filename().string()), i);
  std::sort(order.begin(), order.end());
  Split split;
  split.fold.resize(order.size());
  for (size_t p = 0; p < order.size(); ++p)
    split.fold[order[p].second] = int64_t(p) < train ? "train" : "test";
  check_patients_apart(dataset, split);
  return split;
}

Split split_k_folds(const Dataset& dataset, int64_t k, const SplitOptions& options) {
  CAWE_CHECK(k >= 2, Code::usage, "split: ", k, " folds (expected 2 or more)");
  std::unordered_map<std::string, std::string> fold_of;
  int64_t next = 0;  // continues over the strata, so that fold sizes differ by at most one
  for (const auto& stratum : shuffled_strata(dataset, options))
    for (const std::string& id : stratum) fold_of[id] = std::to_string(next++ % k);
  CAWE_CHECK(next >= k, Code::usage, "split: ", k, " folds of ", next,
             options.unit == SplitUnit::image ? " image(s)" : " " + unit_words(film_unit(dataset)),
             " (expected at most as many)");
  return folds_of(dataset, options.unit, fold_of);
}

std::string split_text(const Dataset& dataset, const Split& split) {
  CAWE_CHECK(split.fold.size() == dataset.samples.size(), Code::internal, "split: ", split.fold.size(),
             " folds for ", dataset.samples.size(), " samples");
  std::vector<std::string> lines;
  for (size_t i = 0; i < split.fold.size(); ++i)
    lines.push_back(csv_line({dataset.samples[i].image_id, dataset.samples[i].patient_id, split.fold[i]}));
  std::sort(lines.begin(), lines.end());
  std::string text = "image,patient,fold\n";
  for (const std::string& line : lines) text += line;
  return text;
}

namespace {

/// Whether a row's person is the film's: written as in the data set, or as in its table, without the `prefix`
/// or the source's name that the data set may put before.
bool is_person_of(const Sample& sample, const std::string& written, const std::string& prefix) {
  const std::string own = plain_person(own_person(sample));
  for (const std::string& before : {std::string(), prefix, sample.source + ":"})
    if (plain_person(before + written) == own) return true;
  return false;
}

/// Throws data where a row of a split names another person than the data set does: one of them means another film. An
/// image's name stands for nobody, a group's for persons who depend on the films that the split was made of.
void check_person(const CsvTable& table, size_t row, const Sample& sample, const std::string& prefix) {
  if (!table.has_column("patient") || sample.patient_id == sample.image_id) return;
  const std::string written = table.word(row, table.column("patient"));
  const std::string image = table.word(row, table.column("image")), bare = without_image_ending(written);
  if (names_nobody(written) || bare == sample.image_id || bare == without_image_ending(image)) return;
  if (begins_with(written, kGroupPrefix)) return;
  CAWE_CHECK(is_person_of(sample, written, prefix), Code::data, table.where(row), ": patient of image '",
             image, "' is '", written, "', but '", own_person(sample),
             "' in the data (expected the same person, or an empty cell)");
}

}  // namespace

Split read_split(const std::string& path, const Dataset& dataset, const std::string& prefix) {
  const CsvTable table = CsvTable::read(path);
  const size_t image = table.column("image"), fold = table.column("fold");
  std::set<std::string> seen;
  FilmNames rows;
  for (size_t row = 0; row < table.rows(); ++row) {
    CAWE_CHECK(!table.word(row, fold).empty(), Code::data, table.where(row), ": fold is empty");
    CAWE_CHECK(seen.insert(table.at(row, image)).second, Code::data, table.where(row), ": image '",
               table.at(row, image), "' has a row already");
    rows.add(table.at(row, image), int64_t(row));
  }
  Split split;
  FilmClaims claims;
  std::set<std::string> own;
  for (const Sample& sample : dataset.samples) own.insert(sample.image_id);
  for (const Sample& sample : dataset.samples) {
    const std::vector<int64_t> found = rows.find(sample.image_id);
    CAWE_CHECK(!found.empty(), Code::data, path, ": has no row for image '", sample.image_id, "'");
    const size_t row = size_t(found[0]);
    const std::string other = claims.claim(found[0], sample.image_id);
    CAWE_CHECK(found.size() == 1 && other.empty(), Code::data, table.where(row), ": row '",
               table.at(row, image), "' could be ", other.empty() ? "" : "'" + other + "' or ", "'",
               sample.image_id,
               found.size() > 1 ? "', and so could row '" + table.at(size_t(found[1]), image) : std::string(),
               "' (expected names with their folders)");
    for (const int64_t i : rows.with_other_ending(sample.image_id))
      CAWE_CHECK(
          table.word(size_t(i), fold) == table.word(row, fold) || own.count(table.at(size_t(i), image)) > 0,
          Code::data, table.where(size_t(i)), ": image '", sample.image_id, "' is in two folds, '",
          table.word(row, fold), "' (row '", table.at(row, image), "', ", table.where(row), ") and '",
          table.word(size_t(i), fold), "' (row '", table.at(size_t(i), image), "') (expected one)");
    if (dataset.patients_known) check_person(table, row, sample, prefix);
    split.fold.push_back(table.word(row, fold));
  }
  if (dataset.patients_known) check_patients_apart(dataset, split);
  return split;
}

void check_patients_apart(const Dataset& dataset, const Split& split) {
  std::map<std::string, std::string> fold_of;
  std::vector<std::string> torn;
  for (size_t i = 0; i < split.fold.size(); ++i) {
    const std::string& patient = own_person(dataset.samples[i]);
    const auto [at, fresh] = fold_of.emplace(patient, split.fold[i]);
    if (!fresh && at->second != split.fold[i] && (torn.empty() || torn.back() != patient))
      torn.push_back(patient);
  }
  if (torn.empty()) return;
  std::string names;
  for (size_t i = 0; i < torn.size() && i < 10; ++i) names += (i ? ", " : "") + torn[i];
  fail(Code::leak, "split: ", torn.size(), " patient(s) in more than one fold: ", names,
       " (expected all images of a person on one side)");
}

}  // namespace cawe::data
