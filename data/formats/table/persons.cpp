// SPDX-License-Identifier: Apache-2.0
#include "data/formats/table/persons.h"

#include <algorithm>
#include <cmath>

#include "data/formats/table/csv.h"
#include "tensor/error.h"
#include "tensor/text.h"

namespace cawe::data {

std::string plain_person(const std::string& written) {
  const std::string id(trimmed(written));
  const size_t colon = id.rfind(':');
  const size_t begin = colon == id.npos ? 0 : colon + 1;
  if (begin == id.size() || id.find_first_not_of("0123456789", begin) != id.npos) return id;
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
  const auto [at, fresh] = known_.emplace(plain_person(person), Spelling{person, where, is_image});
  const Spelling& before = at->second;
  CAWE_CHECK(fresh || before.written == person || (before.is_image && is_image), Code::data, where,
             ": person '", person, "' is '", before.written, "' of ", before.where,
             " in another spelling (leading zeros tell no persons apart; expected one spelling of each)");
}

}  // namespace cawe::data
