// SPDX-License-Identifier: Apache-2.0
#include "data/formats/table/persons.h"

#include <algorithm>
#include <cmath>

#include "data/formats/table/csv.h"
#include "tensor/error.h"
#include "tensor/text.h"

namespace cawe::data {
namespace {

constexpr const char* kDigits = "0123456789";

/// Where an id begins behind its prefix: "nih:7".
size_t behind_prefix(const std::string& id) {
  const size_t colon = id.rfind(':');
  return colon == id.npos ? 0 : colon + 1;
}

bool is_digits(const std::string& text) {
  return !text.empty() && text.find_first_not_of(kDigits) == text.npos;
}

/// A long number as spreadsheets show and save it, "1.23457E+11" or "1,2E+11": its other digits are lost.
bool is_shortened(const std::string& person) {
  std::string number = lower(person.substr(behind_prefix(person)));
  const size_t power = number.find("e+");
  if (power == number.npos || !is_digits(number.substr(power + 2))) return false;
  number.resize(power);
  if (const size_t point = number.find_first_of(".,"); point != number.npos) number.erase(point, 1);
  return is_digits(number);
}

}  // namespace

std::string plain_person(const std::string& written) {
  std::string id(trimmed(written));
  const size_t begin = behind_prefix(id), behind = std::min(id.find_first_not_of(kDigits, begin), id.size());
  // One or two zeros behind a point or comma are pandas' and a spreadsheet's; three may be thousands.
  const std::string rest = id.substr(behind);
  if (behind > begin && (rest == ".0" || rest == ".00" || rest == ",0" || rest == ",00")) id.resize(behind);
  if (begin == id.size() || behind < id.size()) return id;
  const size_t first = std::min(id.find_first_not_of('0', begin), id.size() - 1);
  return id.substr(0, begin) + id.substr(first);
}

bool names_nobody(std::string_view cell) {
  float answer = 0;
  if (parse_answer(cell, &answer) && std::isnan(answer)) return true;
  const std::string word = lower(std::string(trimmed(cell)));
  return word == "null" || word == "none";
}

void PersonSpellings::add(const std::string& person, const std::string& where, bool is_image) {
  CAWE_CHECK(
      is_image || !is_shortened(person), Code::data, where, ": person '", person,
      "' is a number that a spreadsheet shortened, which may stand for several persons (expected it in "
      "full: format the column as text and save the table again)");
  const auto [at, fresh] = known_.emplace(plain_person(person), Spelling{person, where, is_image});
  const Spelling& before = at->second;
  CAWE_CHECK(fresh || before.written == person || (before.is_image && is_image), Code::data, where,
             ": person '", person, "' is '", before.written, "' of ", before.where,
             " in another spelling (leading zeros and a .0 behind tell no persons apart; expected one "
             "spelling of each)");
}

}  // namespace cawe::data
