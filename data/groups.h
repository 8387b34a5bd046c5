// SPDX-License-Identifier: Apache-2.0
// Groups of films that belong together although no table says that they are one person's: likely one person, or copies of
// one film. A split deals a group like a person, and statistics draw it as one.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "data/sample.h"
#include "data/split.h"

namespace cawe::data {

/// Numbers from 0 for `count` things of which the pairs belong together, in order of each group's first member: what is
/// connected by any number of pairs has one number.
std::vector<int64_t> connected(int64_t count, const std::vector<std::pair<int64_t, int64_t>>& pairs);

/// The table image,group (more columns are let be). A film without a row, or with an empty cell, stays by
/// itself. Persons stay together, too: films that share a person or a group, or are connected by several of
/// these, are united. Where a united set has several persons (or images that stand for persons), each of its
/// films gets the patient_id kGroupPrefix and the first of these persons in order of name, and keeps its own
/// in Sample::source_patient. Each film of a united set gets the set's groups in Sample::group_keys, also
/// where these data have no other film of a group: a model that such a film trained may not be tested on this
/// one. A group is called by the least name of its rows, so that it is the same in every data set that a
/// table is applied to. Names are found by data/film_names.h, with the film's source in front
/// ("cxr_tb/tb0619") where the table has names that begin so. Throws data for a name with two films, a film
/// with two rows that disagree, and a table that names none of the films. Adds to `dataset->warnings` how
/// many rows name no film.
void apply_groups(const std::string& path, Dataset* dataset);

/// image,group of the groups with two films or more, a line each: films in order of name, groups numbered
/// from 1 in order of their first films' names. The order of `images` decides nothing.
std::string groups_text(const std::vector<std::string>& images, const std::vector<int64_t>& group);

/// What to say of groups of films that lie in more than one fold, naming ten of their films; "" where there are none.
std::string torn_groups(const Dataset& dataset, const Split& split);

}  // namespace cawe::data
