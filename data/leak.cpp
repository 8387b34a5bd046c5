// SPDX-License-Identifier: Apache-2.0
// Detects test patients that trained a model.
#include "data/leak.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "data/formats/table/persons.h"
#include "data/hash.h"
#include "data/units.h"
#include "tensor/error.h"
#include "tensor/text.h"

namespace cawe::data {
namespace {

const std::string kFilm =
    "film:";  // and kGroupPrefix: what a manifest's line begins with where it is no person's

bool is_hash(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

/// Whether a model was trained on a person.
bool knows(const std::unordered_set<std::string>& hashes, const std::string& patient_id) {
  if (hashes.count(patient_hash(patient_id))) return true;
  // Manifests of before "7.0" was the person "7" hold the hash of "7.0", as pandas had written it.
  const std::string number = plain_person(patient_id) + ".0";
  return plain_person(number) != number && hashes.count(sha256(number)) > 0;
}

}  // namespace

std::vector<std::string> persons_of(const Sample& sample) {
  std::vector<std::string> persons{sample.patient_id};
  if (!sample.source_patient.empty()) persons.push_back(sample.source_patient);
  persons.insert(persons.end(), sample.group_keys.begin(), sample.group_keys.end());
  return persons;
}

std::string patient_hash(const std::string& patient_id) { return sha256(plain_person(patient_id)); }

std::string anonymous_id(const std::string& patient_id) { return patient_hash(patient_id).substr(0, 32); }

TrainedPatients trained_patients(const std::string& model, const Dataset& dataset,
                                 const std::vector<int64_t>& indices) {
  std::set<std::string> hashes, films, groups;
  for (const int64_t i : indices) {
    const Sample& sample = dataset.samples.at(size_t(i));
    for (const std::string& person : persons_of(sample)) {
      hashes.insert(patient_hash(person));
      if (begins_with(person, kGroupPrefix)) groups.insert(patient_hash(person));
    }
    if (!sample.pixel_hash.empty()) films.insert(sample.pixel_hash);
  }
  return {
      model, {hashes.begin(), hashes.end()}, {films.begin(), films.end()}, {groups.begin(), groups.end()}};
}

std::string manifest_text(const TrainedPatients& trained) {
  std::string text;
  const std::set<std::string> groups(trained.groups.begin(), trained.groups.end());
  for (const std::string& hash : trained.hashes)
    text += (groups.count(hash) > 0 ? kGroupPrefix : "") + hash + "\n";
  for (const std::string& hash : trained.films) text += kFilm + hash + "\n";
  return text;
}

TrainedPatients parse_manifest(const std::string& model, const std::string& text) {
  std::set<std::string> hashes, films, groups;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    const bool film = begins_with(line, kFilm), group = begins_with(line, kGroupPrefix);
    const std::string hash = film || group ? line.substr(line.find(':') + 1) : line;
    CAWE_CHECK(is_hash(hash), Code::data, model,
               ": its list of training patients is damaged (expected lines of 64 "
               "hexadecimal digits)");
    (film ? films : hashes).insert(hash);
    if (group) groups.insert(hash);
    begin = end + 1;
  }
  return {
      model, {hashes.begin(), hashes.end()}, {films.begin(), films.end()}, {groups.begin(), groups.end()}};
}

std::vector<Leak> find_leaks(const Dataset& dataset, const std::vector<int64_t>& indices,
                             const std::vector<TrainedPatients>& chain) {
  std::set<std::string> patients;
  for (const int64_t i : indices)
    for (const std::string& person : persons_of(dataset.samples.at(size_t(i)))) patients.insert(person);
  std::vector<Leak> leaks;
  for (const TrainedPatients& trained : chain) {
    const std::unordered_set<std::string> known(trained.hashes.begin(), trained.hashes.end());
    const std::unordered_set<std::string> films(trained.films.begin(), trained.films.end());
    Leak leak{trained.model, {}, {}, {}};
    std::set<std::string> met, named;
    for (const std::string& patient : patients)
      if (knows(known, patient)) met.insert(patient);
    for (size_t place = 0; place < indices.size(); ++place) {
      const Sample& s = dataset.samples[size_t(indices[place])];
      const std::vector<std::string> persons = persons_of(s);
      const auto person = std::find_if(persons.begin(), persons.end(),
                                       [&](const std::string& p) { return met.count(p) > 0; });
      const bool by_person = person != persons.end(), by_pixels = films.count(s.pixel_hash) > 0;
      if (by_person) named.insert(*person);
      if (by_pixels && !by_person) leak.images.push_back(s.image_id);
      if (by_pixels || by_person) leak.films.push_back(int64_t(place));
    }
    leak.patients.assign(named.begin(), named.end());
    if (!leak.patients.empty() || !leak.images.empty()) leaks.push_back(std::move(leak));
  }
  return leaks;
}

std::string check_leaks(const Dataset& dataset, const std::vector<int64_t>& indices,
                        const std::vector<TrainedPatients>& chain, bool allow) {
  std::string text;
  for (const Leak& leak : find_leaks(dataset, indices, chain)) {
    if (!leak.patients.empty())
      text += detail::concat(text.empty() ? "" : "; ", leak.model, " was trained on ", leak.patients.size(),
                             " of these ", unit_words(film_unit(dataset)), ": ", listed(leak.patients));
    if (!leak.images.empty())
      text += detail::concat(text.empty() ? "" : "; ", leak.model, " was trained on the pixels of ",
                             leak.images.size(), " of these films: ", listed(leak.images));
  }
  CAWE_CHECK(text.empty() || allow, Code::leak, text,
             " (expected none; --allow-leak goes on and says so in what it writes)");
  return text;
}

namespace {

/// "films/a.png (metadata.csv: line 3, person p1)"; no person where none is known.
std::string described(const Sample& s) {
  const bool person = film_unit({s.image_id}, {s.patient_id}) == FilmUnit::patient;
  const std::string whose = person ? "person " + s.patient_id : "image " + s.image_id;
  return s.path + " (" + (s.where.empty() ? "" : s.where + ", ") + whose + ")";
}

}  // namespace

std::string check_twins(const Dataset& dataset, const std::vector<int64_t>& seen,
                        const std::vector<int64_t>& test, bool allow) {
  std::unordered_map<std::string, int64_t> of_pixels;
  for (const int64_t i : seen) of_pixels.emplace(dataset.samples.at(size_t(i)).pixel_hash, i);
  size_t count = 0;
  std::string pair;
  for (const int64_t i : test) {
    const Sample& s = dataset.samples.at(size_t(i));
    const auto twin = of_pixels.find(s.pixel_hash);
    // A film that stands in both lists is no twin: that its fold does is told by name.
    if (s.pixel_hash.empty() || twin == of_pixels.end() || twin->second == i) continue;
    if (count++ == 0) pair = described(s) + " and " + described(dataset.samples[size_t(twin->second)]);
  }
  if (count == 0) return "";
  const std::string text = detail::concat(
      count, " of ", counted(int64_t(test.size()), "test film"), count == 1 ? " has" : " have",
      " the pixels of films that train or choose the checkpoint: ", pair, count > 1 ? ", …" : "");
  CAWE_CHECK(allow, Code::leak, text,
             " (expected such films in one fold, as of one person, or one of them alone; --allow-leak goes "
             "on and says "
             "so in what it writes)");
  return text;
}

}  // namespace cawe::data
