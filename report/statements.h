// SPDX-License-Identifier: Apache-2.0
// What a paired difference supports, as one plain sentence, and which rows may be ranked.
//
// A gain or loss is claimed only if the interval excludes zero and p, corrected over the study's comparisons
// if there are several, is at most 1 - level. Otherwise it is "no difference shown", with the size of a
// difference that the test set could have missed.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "eval/bootstrap.h"

namespace cawe::report {

/// One comparison of a row with its reference.
struct Claim {
  std::string subject;          ///< "RetinaNet with CAWE"
  std::string reference;        ///< "plain RetinaNet"
  eval::Difference difference;  ///< of the mean sensitivity, subject - reference
  double p_holm =
      std::numeric_limits<double>::quiet_NaN();  ///< corrected p; NaN if there is only one comparison
  double level = 0.95;                           ///< of the interval
};

enum class Support {
  gain,
  loss,
  uncorrected,  ///< the interval excludes zero, but the corrected p is above 1 - level
  none,         ///< no difference shown
  undefined     ///< no draw had a lesion
};
Support support(const Claim& claim);
/// "gain", "loss", "not after correction", "no difference shown", "undefined".
std::string support_name(Support support);
/// One sentence, differences to three decimals, ending with a full stop.
std::string statement(const Claim& claim);
/// All claims in one sentence: how many gains, losses and neither; "" for no claim.
std::string summary(const std::vector<Claim>& claims);

/// The ranks a row may have, 1 = highest: `best` is 1 + the number of rows whose interval is wholly above,
/// `worst` the number of rows minus those wholly below. A row whose interval overlaps no other has best ==
/// worst, and only such a row is ranked. Rows with an undefined interval have 0, 0 and are not counted.
struct Place {
  int64_t best = 0, worst = 0;
  bool ranked() const { return best > 0 && best == worst; }
};
std::vector<Place> places(const std::vector<eval::Interval>& rows);

/// "+0.031", "−0.040"; a dash for NaN. A difference that rounds to zero has no sign.
std::string signed_text(double value, int digits = 3);

}  // namespace cawe::report
