// SPDX-License-Identifier: Apache-2.0
// What a paired difference supports, in one plain sentence, and which rows may be ranked.
//
// A gain or loss is claimed only where the interval leaves zero out and p, corrected over the study's
// comparisons where there are several, is at most 1 - level. Anything else is "no difference shown", with the
// size that the test set could have missed.
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
      std::numeric_limits<double>::quiet_NaN();  ///< corrected p; NaN where there is one comparison
  double level = 0.95;                           ///< of the interval
};

enum class Support {
  gain,
  loss,
  uncorrected,  ///< the interval leaves zero out, but the corrected p is above 1 - level
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

/// The places a row may have among others, 1 = highest: best is one more than the rows wholly above it, worst
/// leaves room for the rows wholly below it. A row whose interval overlaps no other has best == worst; only
/// such a row is ranked. Rows with an undefined interval have 0, 0 and count for nobody.
struct Place {
  int64_t best = 0, worst = 0;
  bool ranked() const { return best > 0 && best == worst; }
};
std::vector<Place> places(const std::vector<eval::Interval>& rows);

/// "+0.031", "−0.040"; a dash for NaN. A difference that rounds to zero has no sign.
std::string signed_text(double value, int digits = 3);

}  // namespace cawe::report
