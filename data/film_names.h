// SPDX-License-Identifier: Apache-2.0
// Films of one list by the names that another list gives them: a detection finds its truth, a film its person. One
// rule for every table.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace cawe::data {

/// Looks films up by name. Names are file names or paths, with or without an image ending (data/image_name.h), also
/// with the backslashes of another system.
class FilmNames {
 public:
  void add(const std::string& name, int64_t film);
  /// The films that `name` may mean, by the first of these rules that finds any; each film once, in order of add():
  /// 1. it is written the same;
  /// 2. it is the same without image endings and blanks around it: "p1/a.dcm" and "p1/a", "a " and "a";
  /// 3. one has folders that the other leaves out: "p1/a" and "a", "set/p1/a" and "p1/a". Never "p1/a" and "p2/a".
  /// More than one: the name alone does not tell which, and whoever asks must refuse or compare what they say.
  std::vector<int64_t> find(const std::string& name) const;
  /// Those that differ from `name` by their ending alone, which rule 1 hides: "a.png" beside "a". Unless they are another
  /// film's own name, they may not contradict what find() gives.
  std::vector<int64_t> with_other_ending(const std::string& name) const;

 private:
  using Index = std::unordered_map<std::string, std::vector<int64_t>>;
  Index whole_, plain_, tails_;
  std::unordered_map<int64_t, std::string> endings_;  ///< of each film's name
};

/// Whether a number in other files may be taken for the id that a COCO file gave a film (`numbers`, of each): not where a
/// name without folders and ending is a number, too ("p1/0012.png"), since it may be meant then; but where each film is
/// called by its own id ("000000397133.jpg") both are the same.
bool ids_tell_films(const std::vector<std::string>& films, const std::vector<std::string>& numbers);

/// Remembers which names have meant which film, since two films of one list may never be one of the other.
class FilmClaims {
 public:
  /// `name` means `film`. Returns another name that has meant it before and must be another film ("p2/a" after
  /// "p1/a" or "a", "a.png" after "a.dcm"), else "". The same name again, with and without its ending or blanks around
  /// it, is one film. Whether any of a list's names is refused does not depend on their order.
  std::string claim(int64_t film, const std::string& name);

 private:
  std::unordered_map<int64_t, std::string> known_;
};

/// The persons of films by a table (columns image and patient, or RSNA's patientId and patient_id), by the rules of
/// FilmNames. `numbers`, where not empty, has the id that a COCO file gave to each film: a row that is written just so is
/// the film's where no row has its name and no film's name is a number. Throws data where a film has no row, two rows that
/// disagree, or a row that another film takes as well. `expected` ends the message of a missing row; where it
/// is empty, a film without a row has the person "", and only a table with a row for none of the films is refused.
std::vector<std::string> persons_from_table(const std::string& path, const std::vector<std::string>& films,
                                            const std::vector<std::string>& numbers,
                                            const std::string& expected);

}  // namespace cawe::data
