// SPDX-License-Identifier: Apache-2.0
#include "data/film_names.h"

#include <algorithm>
#include <unordered_set>

#include "data/formats/table/csv.h"
#include "data/image_name.h"
#include "tensor/error.h"
#include "tensor/text.h"

namespace cawe::data {
namespace {

/// The form in which names of different tables are compared: no image ending, no blanks around it, "/" between
/// folders.
std::string plain(const std::string& name) {
  std::string text(trimmed(without_image_ending(trimmed(name))));
  std::replace(text.begin(), text.end(), '\\', '/');
  while (text.compare(0, 2, "./") == 0) text.erase(0, 2);
  return text;
}

/// "set/p1/a" gives "p1/a" and "a", the longest first.
std::vector<std::string> tails(const std::string& name) {
  std::vector<std::string> found;
  for (size_t slash = name.find('/'); slash != name.npos; slash = name.find('/', slash + 1))
    if (slash + 1 < name.size()) found.push_back(name.substr(slash + 1));
  return found;
}

void append(const std::unordered_map<std::string, std::vector<int64_t>>& index, const std::string& name,
            std::vector<int64_t>* films) {
  const auto at = index.find(name);
  if (at != index.end()) films->insert(films->end(), at->second.begin(), at->second.end());
}

}  // namespace

void FilmNames::add(const std::string& name, int64_t film) {
  const std::string form = plain(name);
  whole_[name].push_back(film);
  endings_[film] = image_ending(trimmed(name));
  plain_[form].push_back(film);
  for (const std::string& tail : tails(form)) tails_[tail].push_back(film);
}

std::vector<int64_t> FilmNames::find(const std::string& name) const {
  std::vector<int64_t> films;
  append(whole_, name, &films);
  const std::string form = plain(name);
  if (films.empty()) append(plain_, form, &films);
  if (films.empty()) {
    append(tails_, form, &films);
    for (const std::string& tail : tails(form)) {
      const size_t before = films.size();
      append(plain_, tail, &films);
      if (films.size() > before) break;
    }
  }
  std::sort(films.begin(), films.end());
  films.erase(std::unique(films.begin(), films.end()), films.end());
  return films;
}

std::vector<int64_t> FilmNames::with_other_ending(const std::string& name) const {
  std::vector<int64_t> films;
  append(plain_, plain(name), &films);
  const std::string ending = image_ending(trimmed(name));
  const auto same = [&](int64_t film) { return endings_.at(film) == ending; };
  films.erase(std::remove_if(films.begin(), films.end(), same), films.end());
  return films;
}

bool ids_tell_films(const std::vector<std::string>& films, const std::vector<std::string>& numbers) {
  size_t called_by_numbers = 0, by_their_own = 0;
  for (size_t i = 0; i < films.size(); ++i) {
    const std::string form = plain(films[i]);
    std::string last = form.substr(form.rfind('/') + 1);  // npos + 1 is 0
    if (last.empty() || last.find_first_not_of("0123456789") != last.npos) continue;
    ++called_by_numbers;
    last.erase(0, std::min(last.find_first_not_of('0'), last.size() - 1));
    by_their_own += last == numbers[i];
  }
  return called_by_numbers == 0 || by_their_own == films.size();
}

std::string FilmClaims::claim(int64_t film, const std::string& name) {
  const auto [at, fresh] = known_.emplace(film, name);
  std::string& before = at->second;
  if (fresh || before == name) return "";
  const std::string ending = image_ending(trimmed(name)), other = image_ending(trimmed(before));
  if (plain(before) != plain(name) || (!ending.empty() && !other.empty() && ending != other)) return before;
  if (other.empty()) before = name;  // with an ending it tells more films apart
  return "";
}

std::vector<std::string> persons_from_table(const std::string& path, const std::vector<std::string>& films,
                                            const std::vector<std::string>& numbers,
                                            const std::string& expected) {
  const std::vector<PatientLine> lines = read_patient_lines(path);
  FilmNames rows;
  std::unordered_map<std::string, int64_t> first;  // lines of one image are one row
  for (size_t i = 0; i < lines.size(); ++i) {
    rows.add(lines[i].image, int64_t(i));
    first.emplace(lines[i].image, int64_t(i));
  }
  FilmClaims claims;
  const bool by_number = !numbers.empty() && ids_tell_films(films, numbers);
  const std::unordered_set<std::string> own(films.begin(), films.end());
  std::vector<std::string> persons;
  size_t missing = 0;
  for (size_t f = 0; f < films.size(); ++f) {
    std::vector<int64_t> found = rows.find(films[f]);
    if (found.empty() && by_number && first.count(numbers[f]) > 0) found = rows.find(numbers[f]);
    CAWE_CHECK(!found.empty() || expected.empty(), Code::data, path, ": no row for image '", films[f],
               "' (expected ", expected, ")");
    if (found.empty()) {
      ++missing;
      persons.push_back("");
      continue;
    }
    const PatientLine& line = lines[size_t(found[0])];
    for (const int64_t i : found) {
      const PatientLine& other = lines[size_t(i)];
      CAWE_CHECK(other.patient == line.patient, Code::data, other.where, ": image '", films[f],
                 "' has two patients, '", line.patient, "' (row '", line.image, "') and '", other.patient,
                 "' (row '", other.image, "') (expected one, or names with their folders)");
      const std::string taken = claims.claim(first.at(other.image), films[f]);
      CAWE_CHECK(taken.empty(), Code::data, other.where, ": row '", other.image, "' could be '", taken,
                 "' and '", films[f], "' (expected names with their folders)");
    }
    for (const int64_t i : rows.with_other_ending(films[f])) {
      const PatientLine& other = lines[size_t(i)];
      CAWE_CHECK(other.patient == line.patient || own.count(other.image) > 0, Code::data, other.where,
                 ": image '", films[f], "' has two patients, '", line.patient, "' (row '", line.image, "', ",
                 line.where, ") and '", other.patient, "' (row '", other.image, "') (expected one)");
    }
    persons.push_back(line.patient);
  }
  CAWE_CHECK(missing == 0 || missing < films.size(), Code::data, path, ": names none of the ",
             counted(int64_t(films.size()), "film"), " (expected a row for one at least, by its id: '",
             films[0], "')");
  return persons;
}

}  // namespace cawe::data
