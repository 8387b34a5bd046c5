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
  c.seeds = 10;
  c.family = std::isnan(holm) ? 1 : 12;
  return c;
}

Claim of_seeds(int64_t seeds, Claim c) {
  c.seeds = seeds;
  return c;
}

TEST(Statements, ClaimOnlyWhatIntervalAndCorrectedPSupport) {
  EXPECT_EQ(support(claim(.04, .01, .07, .004, .02)), Support::gain);
  EXPECT_EQ(support(claim(-.04, -.07, -.01, .004, .02)), Support::loss);
  EXPECT_EQ(support(claim(.04, .01, .07, .01, .08)), Support::none) << "the corrected p decides";
  EXPECT_EQ(support(claim(.04, -.001, .07, .051, .08)), Support::none)
      << "on whichever side of zero an interval ends that is not corrected";
  EXPECT_EQ(support(claim(.04, .01, .07, .01, NAN)), Support::gain) << "one comparison needs no correction";
  EXPECT_EQ(support(claim(.04, .01, .07, .2, NAN)), Support::none);
  EXPECT_EQ(support(claim(.04, -.01, .07, .004, .004)), Support::none) << "the interval holds zero";
  EXPECT_EQ(support(claim(.04, 0, .07, .004, .004)), Support::none);
  EXPECT_EQ(support(claim(.04, .01, .07, .05, .05)), Support::gain) << "0.05 itself counts";
  EXPECT_EQ(support(claim(NAN, NAN, NAN, NAN, NAN)), Support::undefined);
  Claim strict = claim(.04, .01, .07, .004, .02);
  strict.level = .99;
  EXPECT_EQ(support(strict), Support::none);
}

// One seed's p is counted from the draws: .0053 of 20,000 has a standard error of .00073, nine times that when corrected.
TEST(Statements, SayWhereOtherDrawsMayDecideOtherwise) {
  const auto with = [](int64_t seeds, int64_t draws, double p, double holm) {
    Claim c = of_seeds(seeds, claim(-.06, -.11, -.02, p, holm));
    c.draws = draws;
    return c;
  };
  EXPECT_TRUE(at_the_limit(with(1, 20000, .0053, .0477)));
  EXPECT_TRUE(at_the_limit(with(1, 20000, .0070, .0630))) << ".0131 is twice the error at .0477, .0151 here";
  EXPECT_FALSE(at_the_limit(with(1, 20000, .0075, .0675)));
  EXPECT_FALSE(at_the_limit(with(1, 20000, .0021, .0210)));
  EXPECT_TRUE(at_the_limit(with(1, 2000, .0030, .0270))) << "fewer draws say less";
  EXPECT_FALSE(at_the_limit(with(1, 0, .0053, .0477))) << "nobody knows from how many";
  EXPECT_TRUE(at_the_limit(with(5, 20000, .0022, .0500))) << "several seeds: a tenth of p to either side";
  EXPECT_TRUE(at_the_limit(with(5, 20000, .0020, .0463)));
  EXPECT_FALSE(at_the_limit(with(5, 20000, .0019, .0450)));
  EXPECT_FALSE(at_the_limit(with(3, 20000, .0022, .0500))) << "no verdict, no limit";
  EXPECT_TRUE(at_the_limit(with(1, 20000, .0510, NAN)));
  const std::string note =
      " At the limit: under other draws of the bootstrap p may lie on the other side of 0.05.";
  const std::string loss = statement(with(1, 20000, .0053, .0477)),
                    none = statement(with(1, 20000, .0060, .0540));
  EXPECT_EQ(loss.substr(loss.find(')') + 1), "." + note) << loss;
  EXPECT_NE(none.find("no difference shown"), std::string::npos);
  EXPECT_EQ(none.substr(none.find(").") + 2, note.size()), note) << none;
}

TEST(Statements, SayItInOneSentence) {
  EXPECT_EQ(statement(claim(.0444, .0102, .0736, .004, .0204)),
            "RetinaNet with CAWE finds more lesions than plain RetinaNet (+0.044, 95 % interval +0.010 to "
            "+0.074 over seeds and patients, corrected p 0.020).");
  EXPECT_EQ(statement(claim(-.0444, -.07, -.0102, .0004, NAN)),
            "RetinaNet with CAWE finds fewer lesions than plain RetinaNet (−0.044, 95 % interval −0.070 to "
            "−0.010 over seeds and patients, p < 0.001).");
  EXPECT_EQ(statement(claim(.004, -.012, .0196, .6, 1, .0273)),
            "RetinaNet with CAWE against plain RetinaNet: no difference shown (+0.004, 95 % interval −0.012 "
            "to +0.020 over seeds and patients, corrected p 1.000). A true difference of 0.027 would be "
            "shown with other seeds and other patients in 80 "
            "of 100 such studies, tested at 0.05 / 12, as Holm's first step does.");
  EXPECT_EQ(
      statement(claim(.02, .002, .04, .02, .2, .02)),
      "RetinaNet with CAWE against plain RetinaNet: no difference shown (+0.020, 95 % interval +0.002 to "
      "+0.040 over seeds and patients, corrected p "
      "0.200). A true difference of 0.020 would be shown with other seeds and other patients in 80 of 100 "
      "such "
      "studies, tested at 0.05 / 12, as Holm's first step does.");
  EXPECT_EQ(statement(claim(0, 0, 0, 1, 1, 0)),
            "RetinaNet with CAWE against plain RetinaNet: no difference shown (0.000, 95 % interval 0.000 to "
            "0.000 over seeds and patients, corrected p 1.000).");
  EXPECT_EQ(statement(claim(NAN, NAN, NAN, NAN, NAN)),
            "RetinaNet with CAWE against plain RetinaNet: nothing can be said, the difference is undefined.");
}

TEST(Statements, OneSeedSpeaksOfItsWeights) {
  EXPECT_EQ(statement(of_seeds(1, claim(.0444, .0102, .0736, .004, .0204))),
            "One seed, these weights only: RetinaNet with CAWE finds more lesions than plain RetinaNet "
            "(+0.044, 95 % "
            "interval +0.010 to +0.074 over patients, corrected p 0.020).");
  EXPECT_EQ(statement(of_seeds(1, claim(.004, -.012, .0196, .6, NAN, .0273))),
            "One seed, these weights only: RetinaNet with CAWE against plain RetinaNet: no difference shown "
            "(+0.004, "
            "95 % interval −0.012 to +0.020 over patients, p 0.600). A true difference of 0.027 between "
            "these weights "
            "would be shown on other patients in 80 of 100 such studies, tested at 0.05.");
  EXPECT_EQ(support_name(of_seeds(1, claim(.04, .01, .07, .004, .02))), "more found, these weights");
  EXPECT_EQ(support_name(of_seeds(1, claim(-.04, -.07, -.01, .004, .02))), "fewer found, these weights");
  EXPECT_EQ(support_name(of_seeds(5, claim(-.04, -.07, -.01, .004, .02))), "loss");
}

TEST(Statements, WhereNoPersonsAreKnownNoneAreSpokenOf) {
  Claim c = claim(.004, -.012, .0196, .6, NAN, .0273);
  c.unit = data::FilmUnit::image;
  EXPECT_NE(statement(c).find("over seeds and images, p 0.600"), std::string::npos) << statement(c);
  c.seeds = 1;
  EXPECT_NE(statement(c).find("would be shown on other images in 80"), std::string::npos) << statement(c);
  c.unit = data::FilmUnit::group;
  EXPECT_NE(statement(c).find("over groups of films, p"), std::string::npos) << statement(c);
  EXPECT_EQ(statement(c).find("patient"), std::string::npos) << statement(c);
}

TEST(Statements, FewSeedsGiveNoVerdict) {
  for (const int64_t seeds : {2, 4}) {
    const Claim c = of_seeds(seeds, claim(.0444, .0102, .0736, .004, .0204));
    EXPECT_EQ(support(c), Support::no_verdict);
    EXPECT_EQ(statement(c), "RetinaNet with CAWE against plain RetinaNet: no verdict from " +
                                std::to_string(seeds) +
                                " seeds, 5 are needed (+0.044, 95 % interval +0.010 to +0.074 over seeds and "
                                "patients).");
  }
  EXPECT_EQ(support(of_seeds(5, claim(.0444, .0102, .0736, .004, .0204))), Support::gain);
  EXPECT_EQ(support(of_seeds(3, claim(NAN, NAN, NAN, NAN, NAN))), Support::undefined);
}

TEST(Statements, TheFigureOfAVerdictIsTheMixedModels) {
  eval::MethodFigure f;
  f.patients = {{.03, .02, .04, 100, 3}, .001, .5};
  f.mixed.interval.value = .03;
  f.mixed.interval.low = -.01;
  f.mixed.interval.high = 1.2;
  f.mixed.interval.p = .2;
  f.minimum_detectable = .07;
  const eval::Difference weights = verdict_figure(f, eval::Footing::weights_only),
                         method = verdict_figure(f, eval::Footing::method);
  EXPECT_EQ(weights.interval.low, .02);
  EXPECT_EQ(weights.p, .001);
  EXPECT_EQ(weights.minimum_detectable, .07);
  EXPECT_EQ(method.interval.low, -.01);
  EXPECT_EQ(method.p, .2);
  EXPECT_EQ(method.interval.skipped, 3);
  EXPECT_EQ(shown_interval(f, eval::Footing::method).low, 0) << "a sensitivity is not below 0";
  EXPECT_EQ(shown_interval(f, eval::Footing::method).high, 1);
}

TEST(Statements, SummaryCounts) {
  EXPECT_EQ(summary({}), "");
  const std::vector<Claim> three{claim(.04, .01, .07, .004, .02), claim(-.04, -.07, -.01, .004, .02),
                                 claim(.04, .01, .07, .01, .08)};
  EXPECT_EQ(summary(three),
            "Of 3 comparisons with the plain detector, 1 shows a gain, 1 a loss and 1 no difference, after "
            "Holm's correction.");
  EXPECT_EQ(summary({claim(.04, -.01, .07, .2, NAN)}),
            "Of 1 comparison with the plain detector, 0 show a gain, 0 a loss and 1 no difference.");
  EXPECT_EQ(summary({of_seeds(1, three[0])}),
            "Of 1 comparison with the plain detector, of one seed's weights each, 1 shows a gain, 0 a loss "
            "and 0 no "
            "difference, after Holm's correction; another seed may say otherwise, so nothing is said of the "
            "methods.");
  EXPECT_EQ(summary({three[0], claim(.1, NAN, NAN, NAN, NAN)}),
            "Of 2 comparisons with the plain detector, 1 shows a gain, 0 a loss, 0 no difference and 1 is "
            "undefined, "
            "after Holm's correction.");
  EXPECT_EQ(summary({of_seeds(3, three[0]), of_seeds(3, three[1])}),
            "2 comparisons with the plain detector over 3 seeds: no verdict about methods, which needs 5.");
}

TEST(Statements, HowOftenChanceIsCalledADifference) {
  EXPECT_EQ(same_system_statement("RetinaNet", {10, 45, 25, 1000, 48, false}, .95),
            "A/A, plain RetinaNet against itself with other seeds: a test over patients alone calls 25 of 45 "
            "pairs of "
            "trainings different at 0.05; of 1000 ways to deal these trainings into two methods the test "
            "over seeds "
            "and patients calls 48 different (4.8 %, 5 % expected; the ways share their trainings, so that "
            "this share varies "
            "much).");
  EXPECT_EQ(
      same_system_statement("RetinaNet", {2, 1, 0, 0, 0, false}, .95, data::FilmUnit::image),
      "A/A, plain RetinaNet against itself with other seeds: a test over images alone calls 0 of 1 pair of "
      "trainings different at 0.05.");
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
