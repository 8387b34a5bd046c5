// SPDX-License-Identifier: Apache-2.0
// Persons as tables name them: one rule for who is who, for training, leaks and evaluation.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

namespace cawe::data {

/// An id in its plain form: no blanks around it, and digits lose leading zeros ("00002361" and "2361" are one NIH
/// patient, also after a prefix "nih:") and ".0", which pandas writes behind every number of a column with an empty cell.
/// Everything else stays. By it models know who trained them.
std::string plain_person(const std::string& written);

/// Whether a cell is empty or says that its person or finding is not known: what label cells leave unknown
/// (parse_answer()), and null and none, which databases and Python write.
bool names_nobody(std::string_view cell);

/// Notices that a table writes one person in two ways, of which a split would make two persons.
class PersonSpellings {
 public:
  /// Throws data, naming both, where the same person has been added in another spelling, and for an id that a
  /// spreadsheet shortened ("1.23457E+11"). `is_image`: the id is only an image's, which stands for itself; two of
  /// them are two.
  void add(const std::string& person, const std::string& where, bool is_image = false);

 private:
  struct Spelling {
    std::string written, where;
    bool is_image;
  };
  std::unordered_map<std::string, Spelling> known_;  ///< by the plain form
};

}  // namespace cawe::data
