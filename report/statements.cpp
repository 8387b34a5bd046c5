// SPDX-License-Identifier: Apache-2.0
// Differences in words.
#include "report/statements.h"

#include <algorithm>
#include <cmath>

#include "tensor/io/format.h"

namespace cawe::report {
namespace {

std::string over(const Claim& claim) {
  return (claim.footing() == eval::Footing::weights_only ? " over " : " over seeds and ") +
         data::unit_words(claim.unit);
}

/// "+0.031, 95 % interval +0.012 to +0.050 over seeds and patients, corrected p 0.012"
std::string figures(const Claim& claim) {
  const eval::Interval& i = claim.difference.interval;
  const bool corrected = !std::isnan(claim.p_holm);
  const std::string p =
      (corrected ? ", corrected p " : ", p ") + p_text(corrected ? claim.p_holm : claim.difference.p);
  return signed_text(i.value) + ", " + fixed(100 * claim.level, 0) + " % interval " + signed_text(i.low) +
         " to " + signed_text(i.high) + over(claim) + (claim.footing() == eval::Footing::few_seeds ? "" : p);
}

std::string times(size_t n, const char* one, const char* many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

}  // namespace

std::string p_text(double p) { return std::isnan(p) ? "–" : p < 0.001 ? "< 0.001" : fixed(p, 3); }

std::string signed_text(double value, int digits) {
  if (std::isnan(value)) return "–";
  const std::string size = fixed(std::abs(value), digits);
  if (size.find_first_not_of("0.") == std::string::npos) return size;
  return (value < 0 ? "−" : "+") + size;
}

eval::Difference verdict_figure(const eval::MethodFigure& figure, eval::Footing footing) {
  eval::Difference d = figure.patients;
  if (footing != eval::Footing::weights_only) {
    const eval::TInterval& mixed = figure.mixed.interval;
    d.interval.value = mixed.value;
    d.interval.low = mixed.low;
    d.interval.high = mixed.high;
    d.p = mixed.p;
  }
  d.minimum_detectable = figure.minimum_detectable;
  return d;
}

eval::Interval shown_interval(const eval::MethodFigure& figure, eval::Footing footing) {
  eval::Interval i = verdict_figure(figure, footing).interval;
  if (!std::isnan(i.low)) i.low = std::max(i.low, 0.0);
  if (!std::isnan(i.high)) i.high = std::min(i.high, 1.0);
  return i;
}

Support support(const Claim& claim) {
  const eval::Interval& i = claim.difference.interval;
  const double p = std::isnan(claim.p_holm) ? claim.difference.p : claim.p_holm;
  if (std::isnan(i.value) || std::isnan(i.low) || std::isnan(i.high) || std::isnan(p))
    return Support::undefined;
  if (claim.footing() == eval::Footing::few_seeds) return Support::no_verdict;
  // 1 - 0.95 is slightly above 0.05 in binary, so a p of exactly 0.05 passes.
  if (p > 1 - claim.level || (i.low <= 0 && i.high >= 0)) return Support::none;
  return i.low > 0 ? Support::gain : Support::loss;
}

bool at_the_limit(const Claim& claim) {
  const double own = claim.difference.p, p = std::isnan(claim.p_holm) ? own : claim.p_holm;
  if (claim.draws == 0 || std::isnan(p) || own <= 0) return false;
  const Support of = support(claim);
  if (of == Support::undefined || of == Support::no_verdict) return false;
  const double counted = 2 * std::sqrt(own / 2 * (1 - own / 2) / double(claim.draws));
  const double error = claim.footing() == eval::Footing::weights_only ? p / own * counted : 0.05 * p;
  return std::abs(p - (1 - claim.level)) < 2 * error;
}

std::string support_name(const Claim& claim) {
  const bool weights = claim.footing() == eval::Footing::weights_only;
  switch (support(claim)) {
    case Support::gain:
      return weights ? "more found, these weights" : "gain";
    case Support::loss:
      return weights ? "fewer found, these weights" : "loss";
    case Support::none:
      return "no difference shown";
    case Support::no_verdict:
      return "no verdict";
    case Support::undefined:
      return "undefined";
  }
  return "";
}

namespace {

/// What a comparison of this size would have shown: power, test and what varies are named.
std::string detectable(const Claim& claim) {
  const double size = claim.difference.minimum_detectable;
  if (!(size >= 0.0005)) return "";
  const bool weights = claim.footing() == eval::Footing::weights_only;
  return std::string(" A true difference of ") + fixed(size, 3) +
         (weights ? " between these weights would be shown on other "
                  : " would be shown with other seeds and other ") +
         data::unit_words(claim.unit) + " in 80 of 100 such studies, tested at " + fixed(1 - claim.level, 2) +
         (claim.family > 1 ? " / " + std::to_string(claim.family) + ", as Holm's first step does" : "") + ".";
}

/// Of a p on the limit.
std::string limit_note(const Claim& claim) {
  return at_the_limit(claim)
             ? " At the limit: under other draws of the bootstrap p may lie on the other side of " +
                   fixed(1 - claim.level, 2) + "."
             : "";
}

}  // namespace

std::string statement(const Claim& claim) {
  const bool weights = claim.footing() == eval::Footing::weights_only;
  const std::string who = (weights ? "One seed, these weights only: " : "") + claim.subject,
                    against = who + " against " + claim.reference + ": ";
  switch (support(claim)) {
    case Support::gain:
      return who + " finds more lesions than " + claim.reference + " (" + figures(claim) + ")." +
             limit_note(claim);
    case Support::loss:
      return who + " finds fewer lesions than " + claim.reference + " (" + figures(claim) + ")." +
             limit_note(claim);
    case Support::none:
      return against + "no difference shown (" + figures(claim) + ")." + limit_note(claim) +
             detectable(claim);
    case Support::no_verdict:
      return against + "no verdict from " + std::to_string(claim.seeds) + " seeds, " +
             std::to_string(eval::kVerdictSeeds) + " are needed (" + figures(claim) + ").";
    case Support::undefined:
      break;
  }
  return against + "nothing can be said, the difference is undefined.";
}

namespace {

/// All claims of one footing, of which there is one at least.
std::string summary_of(const std::vector<Claim>& claims, eval::Footing footing) {
  size_t gains = 0, losses = 0, undefined = 0;
  bool corrected = false;
  for (const Claim& claim : claims) {
    gains += support(claim) == Support::gain;
    losses += support(claim) == Support::loss;
    undefined += support(claim) == Support::undefined;
    corrected = corrected || !std::isnan(claim.p_holm);
  }
  const std::string compared = times(claims.size(), "comparison", "comparisons") + " with the plain detector";
  if (footing == eval::Footing::few_seeds)
    return compared + " over " + std::to_string(claims[0].seeds) +
           " seeds: no verdict about methods, which needs " + std::to_string(eval::kVerdictSeeds) + ".";
  const bool weights = footing == eval::Footing::weights_only;
  const std::string neither = std::to_string(claims.size() - gains - losses - undefined) + " no difference";
  return "Of " + compared + (weights ? ", of one seed's weights each, " : ", ") +
         times(gains, "shows a gain", "show a gain") + ", " + times(losses, "a loss", "a loss") +
         (undefined > 0 ? ", " + neither + " and " + times(undefined, "is undefined", "are undefined")
                        : " and " + neither) +
         (corrected ? ", after Holm's correction" : "") +
         (weights ? "; another seed may say otherwise, so nothing is said of the methods." : ".");
}

}  // namespace

std::string summary(const std::vector<Claim>& claims) {
  std::string text;
  for (const eval::Footing footing :
       {eval::Footing::method, eval::Footing::few_seeds, eval::Footing::weights_only}) {
    std::vector<Claim> alike;
    for (const Claim& claim : claims)
      if (claim.footing() == footing) alike.push_back(claim);
    if (!alike.empty()) text += (text.empty() ? "" : " ") + summary_of(alike, footing);
  }
  return text;
}

std::string same_system_statement(const std::string& system, const eval::SameSystemShare& share, double level,
                                  data::FilmUnit unit) {
  const std::string words = data::unit_words(unit);
  std::string text = "A/A, plain " + system + " against itself with other seeds: a test over " + words +
                     " alone calls " + std::to_string(share.pairs_different) + " of " +
                     times(size_t(share.pairs), "pair", "pairs") + " of trainings different at " +
                     fixed(1 - level, 2);
  if (share.deals > 0)
    text += "; of " + times(size_t(share.deals), "way", "ways") +
            " to deal these trainings into two methods the test over seeds and " + words + " calls " +
            std::to_string(share.deals_different) + " different (" + fixed(100 * share.deal_share(), 1) +
            " %" +
            (share.runs < 2 * eval::kVerdictSeeds
                 ? "; with so few seeds that test does not keep to its level"
                 : ", " + fixed(100 * (1 - level), 0) +
                       " % expected; the ways share their trainings, so that this share varies much") +
            ")";
  return text + ".";
}

std::vector<Place> places(const std::vector<eval::Interval>& rows) {
  const auto defined = [](const eval::Interval& i) { return !std::isnan(i.low) && !std::isnan(i.high); };
  int64_t count = 0;
  for (const eval::Interval& row : rows) count += defined(row);
  std::vector<Place> out(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!defined(rows[i])) continue;
    out[i] = {1, count};
    for (size_t j = 0; j < rows.size(); ++j) {
      if (j == i || !defined(rows[j]) || eval::overlap(rows[i], rows[j])) continue;
      if (rows[j].low > rows[i].high)
        ++out[i].best;
      else
        --out[i].worst;
    }
  }
  return out;
}

}  // namespace cawe::report
