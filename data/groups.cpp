// SPDX-License-Identifier: Apache-2.0
#include "data/groups.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "data/film_names.h"
#include "data/formats/table/csv.h"
#include "data/image_name.h"
#include "data/units.h"
#include "tensor/error.h"
#include "tensor/io/format.h"
#include "tensor/text.h"

namespace cawe::data {

std::vector<int64_t> connected(int64_t count, const std::vector<std::pair<int64_t, int64_t>>& pairs) {
  std::vector<int64_t> parent(static_cast<size_t>(count));
  std::iota(parent.begin(), parent.end(), 0);
  const auto root = [&](int64_t i) {
    while (parent[size_t(i)] != i) i = parent[size_t(i)] = parent[size_t(parent[size_t(i)])];
    return i;
  };
  for (const auto& [a, b] : pairs) {
    const int64_t i = root(a), j = root(b);
    parent[size_t(std::max(i, j))] = std::min(i, j);
  }
  std::vector<int64_t> number(size_t(count), -1);
  int64_t next = 0;
  for (int64_t i = 0; i < count; ++i) {
    const auto first = size_t(root(i));  // at most i
    if (number[first] < 0) number[first] = next++;
    number[size_t(i)] = number[first];
  }
  return number;
}

namespace {

/// The form in which names are compared, as in data/film_names.cpp.
std::string plain_name(const std::string& written) {
  std::string name(trimmed(without_image_ending(trimmed(written))));
  std::replace(name.begin(), name.end(), '\\', '/');
  while (begins_with(name, "./")) name.erase(0, 2);
  return name;
}

/// The rows of a table of groups that name a group, and how films find theirs.
struct GroupRows {
  CsvTable table;
  size_t image, group;
  FilmNames names;
  std::set<std::string> folders;             ///< that names begin with
  std::map<std::string, std::string> least;  ///< of each group, the least name

  explicit GroupRows(const std::string& path)
      : table(CsvTable::read(path)), image(table.column("image")), group(table.column("group")) {
    for (size_t row = 0; row < table.rows(); ++row) {
      CAWE_CHECK(!table.word(row, image).empty(), Code::data, table.where(row), ": image is empty");
      names.add(table.at(row, image), int64_t(row));
      const std::string name = plain_name(table.at(row, image));
      if (const size_t slash = name.find('/'); slash != name.npos) folders.insert(name.substr(0, slash));
      const auto [at, fresh] = least.emplace(table.word(row, group), name);
      if (!fresh) at->second = std::min(at->second, name);
    }
  }

  /// How the table calls a film: `cawe data duplicates` writes sources in front where two of them have a film
  /// of one name, and "a/x" is no film of b.
  std::string name_of(const Sample& film) const {
    return folders.count(film.source) > 0 ? film.source + "/" + film.image_id : film.image_id;
  }

  /// What models know a group by. The word between tells it from what united persons are called ("group:7" is
  /// person 7's), and keeps a film's name, which is no person's, from being read as a number.
  std::string key_of(const std::string& group_word) const {
    return std::string(kGroupPrefix) + "with " + least.at(group_word);
  }

  /// The group of a film, "" where it has none; marks its rows. `own`: the names of all films, whose rows are theirs.
  std::string of(const std::string& film, const std::set<std::string>& own, FilmClaims* claims,
                 std::set<int64_t>* used) const {
    std::vector<int64_t> found = names.find(film);
    if (found.empty()) return "";
    const auto row = size_t(found[0]);
    const std::string taken = claims->claim(found[0], film);
    CAWE_CHECK(taken.empty(), Code::data, table.where(row), ": image '", table.at(row, image), "' could be '",
               taken, "' or '", film, "' (expected names with their folders)");
    for (const int64_t i : names.with_other_ending(film))
      if (own.count(table.at(size_t(i), image)) == 0) found.push_back(i);
    for (const int64_t i : found)
      CAWE_CHECK(table.word(size_t(i), group) == table.word(row, group), Code::data, table.where(size_t(i)),
                 ": image '", film, "' is in two groups, '", table.word(row, group), "' (", table.where(row),
                 ") and '", table.word(size_t(i), group), "' (expected one)");
    used->insert(found.begin(), found.end());
    return table.word(row, group);
  }
};

}  // namespace

void apply_groups(const std::string& path, Dataset* dataset) {
  const GroupRows rows(path);
  std::vector<Sample>& samples = dataset->samples;
  FilmClaims claims;
  std::set<int64_t> used;
  std::set<std::string> own;
  for (const Sample& s : samples) own.insert(rows.name_of(s));
  std::map<std::string, int64_t> first_of_person, first_of_group;
  std::vector<std::pair<int64_t, int64_t>> pairs;
  for (size_t i = 0; i < samples.size(); ++i) {
    const auto at = int64_t(i);
    const std::string group = rows.of(rows.name_of(samples[i]), own, &claims, &used);
    pairs.emplace_back(first_of_person.emplace(samples[i].patient_id, at).first->second, at);
    if (!group.empty()) pairs.emplace_back(first_of_group.emplace(group, at).first->second, at);
  }
  // A table without a row is what `cawe data duplicates` writes where it finds no pair.
  CAWE_CHECK(!used.empty() || rows.table.rows() == 0, Code::data, path, ": names none of the ",
             counted(int64_t(samples.size()), "film"), " (expected their names in the column image)");
  const std::vector<int64_t> number = connected(int64_t(samples.size()), pairs);
  std::map<int64_t, std::set<std::string>> persons, keys;
  for (size_t i = 0; i < samples.size(); ++i) persons[number[i]].insert(samples[i].patient_id);
  for (const auto& [group, film] : first_of_group) keys[number[size_t(film)]].insert(rows.key_of(group));
  for (size_t i = 0; i < samples.size(); ++i) {
    const std::set<std::string>&united = persons[number[i]], &groups = keys[number[i]];
    samples[i].group_keys.assign(groups.begin(), groups.end());
    if (united.size() < 2) continue;
    samples[i].source_patient = samples[i].patient_id;
    samples[i].patient_id = kGroupPrefix + *united.begin();
  }
  const size_t unused = rows.table.rows() - used.size();
  if (unused > 0)
    dataset->warnings.push_back(detail::concat(path, ": ", counted(int64_t(unused), "row"),
                                               unused == 1 ? " names" : " name", " no film of these data"));
}

std::string groups_text(const std::vector<std::string>& images, const std::vector<int64_t>& group) {
  CAWE_CHECK(images.size() == group.size(), Code::internal, "groups_text: ", images.size(), " images and ",
             group.size(), " groups");
  std::map<int64_t, std::set<std::string>> members;
  for (size_t i = 0; i < images.size(); ++i) members[group[i]].insert(images[i]);
  std::map<std::string, const std::set<std::string>*> by_first;
  for (const auto& [number, films] : members)
    if (films.size() > 1) by_first[*films.begin()] = &films;
  std::string text = "image,group\n";
  int64_t number = 0;
  for (const auto& [first, films] : by_first) {
    ++number;
    for (const std::string& film : *films) text += csv_line({film, std::to_string(number)});
  }
  return text;
}

std::string torn_groups(const Dataset& dataset, const Split& split) {
  std::map<std::string, std::set<std::string>> folds;
  for (size_t i = 0; i < split.fold.size(); ++i)
    if (begins_with(dataset.samples[i].patient_id, kGroupPrefix))
      folds[dataset.samples[i].patient_id].insert(split.fold[i]);
  int64_t torn = 0;
  std::vector<std::string> films;
  for (const auto& [group, where] : folds) torn += where.size() > 1;
  for (size_t i = 0; i < split.fold.size(); ++i) {
    const auto at = folds.find(dataset.samples[i].patient_id);
    if (at != folds.end() && at->second.size() > 1)
      films.push_back(dataset.samples[i].image_id + " (" + split.fold[i] + ")");
  }
  if (torn == 0) return "";
  return detail::concat(counted_units(torn, FilmUnit::group), torn == 1 ? " lies" : " lie",
                        " in more than one fold: ", listed(films),
                        ": results on one fold are better than on films of others (data.split = \"k_folds\" "
                        "or \"patient\" deals groups whole)");
}

}  // namespace cawe::data
