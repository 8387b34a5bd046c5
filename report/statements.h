// SPDX-License-Identifier: Apache-2.0
// What a paired difference supports, as one plain sentence, and which rows may be ranked.
//
// A gain or loss is claimed only if the interval excludes zero and p, corrected over the study's comparisons
// if there are several, is at most 1 - level. Otherwise it is "no difference shown", with the size of a
// difference that would have been. With one seed the sentence speaks of these weights, never of a method; with two to
// four it gives the figures and no verdict.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "data/units.h"
#include "eval/methods.h"
#include "eval/same_system.h"

namespace cawe::report {

/// One comparison of a row with its reference.
struct Claim {
  std::string subject;    ///< "RetinaNet with CAWE"
  std::string reference;  ///< "plain RetinaNet"
  eval::Difference
      difference;  ///< of the mean sensitivity, subject - reference: what verdicts go by (verdict_figure)
  double p_holm =
      std::numeric_limits<double>::quiet_NaN();  ///< corrected p; NaN if there is only one comparison
  double level = 0.95;                           ///< of the interval
  int64_t seeds = 1;
  int64_t family = 1;                             ///< comparisons that were corrected together
  int64_t draws = 0;                              ///< of the bootstrap behind p; 0: not known
  data::FilmUnit unit = data::FilmUnit::patient;  ///< what the draws are of, besides seeds
  eval::Footing footing() const { return eval::footing(seeds); }
};

/// The difference that verdicts go by: over the patients with one seed, else the mixed model's, over seeds and patients.
eval::Difference verdict_figure(const eval::MethodFigure& figure, eval::Footing footing);
/// A system's own figure likewise; its interval ends at 0 and 1.
eval::Interval shown_interval(const eval::MethodFigure& figure, eval::Footing footing);

enum class Support {
  gain,
  loss,
  none,        ///< no difference shown: the corrected p is above 1 - level, or the interval holds zero
  no_verdict,  ///< two to four seeds
  undefined    ///< no draw had a lesion
};
Support support(const Claim& claim);
/// "gain", "loss", "no difference shown", "no verdict", "undefined"; of one seed "more found, these
/// weights" and "fewer found, these weights".
std::string support_name(const Claim& claim);
/// Whether other draws of the bootstrap may well decide otherwise: the corrected p lies within two of its standard errors of
/// 1 - level, by the binomial of one seed's p, which is counted; a twentieth of itself with several seeds, where
/// eval_verdicts_test sees a thirtieth at most. scripts/experiments_page.py has the same rule for its pages.
bool at_the_limit(const Claim& claim);
/// One to three sentences, differences to three decimals, ending with a full stop.
std::string statement(const Claim& claim);
/// All claims in one sentence for each footing: how many gains, losses and neither; "" for no claim.
std::string summary(const std::vector<Claim>& claims);

/// How often chance alone is called a difference, from the A/A runs of one detector: "Plain RetinaNet against itself …".
std::string same_system_statement(const std::string& system, const eval::SameSystemShare& share, double level,
                                  data::FilmUnit unit = data::FilmUnit::patient);

/// The ranks a row may have, 1 = highest: `best` is 1 + the number of rows whose interval is wholly above,
/// `worst` the number of rows minus those wholly below. A row whose interval overlaps no other has best ==
/// worst, and only such a row is ranked. Rows with an undefined interval have 0, 0 and are not counted.
struct Place {
  int64_t best = 0, worst = 0;
  bool ranked() const { return best > 0 && best == worst; }
};
std::vector<Place> places(const std::vector<eval::Interval>& rows);

/// "0.012", "< 0.001", a dash for NaN: not escaped.
std::string p_text(double p);
/// "+0.031", "−0.040"; a dash for NaN. A difference that rounds to zero has no sign.
std::string signed_text(double value, int digits = 3);

}  // namespace cawe::report
