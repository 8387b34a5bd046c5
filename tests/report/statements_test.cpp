// SPDX-License-Identifier: Apache-2.0
// Sentences and ranks: only what interval and corrected p support is claimed.
#include "report/statements.h"

#include <gtest/gtest.h>

#include <cmath>

namespace cawe::report {
namespace {

Claim claim(double value, double low, double high, double p, double holm, double detectable = .03) {
  Claim c;
  c.subject = "RetinaNet with CAWE";
  c.reference = "plain RetinaNet";
  c.difference = {{value, low, high, 100, 0}, p, detectable};
  c.p_holm = holm;
  return c;
}

TEST(Statements, ClaimOnlyWhatIntervalAndCorrectedPSupport) {
  EXPECT_EQ(support(claim(.04, .01, .07, .004, .02)), Support::gain);
  EXPECT_EQ(support(claim(-.04, -.07, -.01, .004, .02)), Support::loss);
  EXPECT_EQ(support(claim(.04, .01, .07, .01, .08)), Support::uncorrected);
  EXPECT_EQ(support(claim(.04, .01, .07, .01, NAN)), Support::gain) << "one comparison needs no correction";
  EXPECT_EQ(support(claim(.04, .01, .07, .2, NAN)), Support::uncorrected);
  EXPECT_EQ(support(claim(.04, -.01, .07, .004, .004)), Support::none) << "the interval holds zero";
  EXPECT_EQ(support(claim(.04, 0, .07, .004, .004)), Support::none);
  EXPECT_EQ(support(claim(.04, .01, .07, .05, .05)), Support::gain) << "0.05 itself counts";
  EXPECT_EQ(support(claim(NAN, NAN, NAN, NAN, NAN)), Support::undefined);
  Claim strict = claim(.04, .01, .07, .004, .02);
  strict.level = .99;
  EXPECT_EQ(support(strict), Support::uncorrected);
}

TEST(Statements, SayItInOneSentence) {
  EXPECT_EQ(statement(claim(.0444, .0102, .0736, .004, .0204)),
            "RetinaNet with CAWE finds more lesions than plain RetinaNet (+0.044, 95 % interval +0.010 to "
            "+0.074, corrected p 0.020).");
  EXPECT_EQ(statement(claim(-.0444, -.07, -.0102, .0004, NAN)),
            "RetinaNet with CAWE finds fewer lesions than plain RetinaNet (−0.044, 95 % interval −0.070 to "
            "−0.010, p < 0.001).");
  EXPECT_EQ(statement(claim(.004, -.012, .0196, .6, 1, .0273)),
            "RetinaNet with CAWE against plain RetinaNet: no difference shown (+0.004, 95 % interval −0.012 "
            "to +0.020, corrected p 1.000). A true difference smaller than 0.027 could not be seen here.");
  EXPECT_EQ(statement(claim(.02, .002, .04, .02, .2, .02)),
            "RetinaNet with CAWE against plain RetinaNet: no difference shown after the correction for "
            "several comparisons (+0.020, 95 % interval +0.002 to +0.040, corrected p 0.200). A true "
            "difference smaller than 0.020 could not be seen here.");
  EXPECT_EQ(statement(claim(0, 0, 0, 1, 1, 0)),
            "RetinaNet with CAWE against plain RetinaNet: no difference shown (0.000, 95 % interval 0.000 to "
            "0.000, corrected p 1.000).");
  EXPECT_EQ(statement(claim(NAN, NAN, NAN, NAN, NAN)),
            "RetinaNet with CAWE against plain RetinaNet: nothing can be said, the difference is undefined.");
}

TEST(Statements, SummaryCounts) {
  EXPECT_EQ(summary({}), "");
  EXPECT_EQ(summary({claim(.04, .01, .07, .004, .02), claim(-.04, -.07, -.01, .004, .02),
                     claim(.04, .01, .07, .01, .08)}),
            "Of 3 comparisons with the plain detector, 1 shows a gain, 1 a loss and 1 no difference, after "
            "Holm's correction.");
  EXPECT_EQ(summary({claim(.04, -.01, .07, .2, NAN)}),
            "Of 1 comparison with the plain detector, 0 show a gain, 0 a loss and 1 no difference.");
}

TEST(Places, RowsThatOverlapAreNotRanked) {
  // a and b overlap, b and c overlap, a lies wholly above c; d lies above all.
  const auto p =
      places({{.5, .45, .55, 1, 0}, {.44, .4, .5, 1, 0}, {.38, .3, .42, 1, 0}, {.8, .7, .9, 1, 0}});
  EXPECT_EQ(p[0].best, 2);
  EXPECT_EQ(p[0].worst, 3);
  EXPECT_EQ(p[1].best, 2);
  EXPECT_EQ(p[1].worst, 4);
  EXPECT_EQ(p[2].best, 3);
  EXPECT_EQ(p[2].worst, 4);
  EXPECT_EQ(p[3].best, 1);
  EXPECT_EQ(p[3].worst, 1);
  EXPECT_FALSE(p[0].ranked() || p[1].ranked() || p[2].ranked());
  EXPECT_TRUE(p[3].ranked());
  // Touching is overlap; an undefined row has no place and takes none.
  const auto q = places({{.5, .4, .6, 1, 0}, {.3, .2, .4, 1, 0}, {NAN, NAN, NAN, 0, 0}});
  EXPECT_EQ(q[0].worst, 2);
  EXPECT_EQ(q[1].best, 1);
  EXPECT_EQ(q[2].best, 0);
  EXPECT_FALSE(q[2].ranked());
}

TEST(SignedText, ZeroHasNoSign) {
  EXPECT_EQ(signed_text(.0314), "+0.031");
  EXPECT_EQ(signed_text(-.0314), "−0.031");
  EXPECT_EQ(signed_text(-.0001), "0.000");
  EXPECT_EQ(signed_text(NAN), "–");
}

}  // namespace
}  // namespace cawe::report
