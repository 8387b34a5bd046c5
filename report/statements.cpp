// SPDX-License-Identifier: Apache-2.0
// Differences in words.
#include "report/statements.h"

#include <cmath>

#include "tensor/io/format.h"

namespace cawe::report {
namespace {

std::string p_text(double p) { return p < 0.001 ? "< 0.001" : fixed(p, 3); }

/// "+0.031, 95 % interval +0.012 to +0.050, corrected p 0.012"
std::string figures(const Claim& claim) {
  const eval::Interval& i = claim.difference.interval;
  const bool corrected = !std::isnan(claim.p_holm);
  return signed_text(i.value) + ", " + fixed(100 * claim.level, 0) + " % interval " + signed_text(i.low) +
         " to " + signed_text(i.high) + ", " + (corrected ? "corrected p " : "p ") +
         p_text(corrected ? claim.p_holm : claim.difference.p);
}

std::string times(size_t n, const char* one, const char* many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

}  // namespace

std::string signed_text(double value, int digits) {
  if (std::isnan(value)) return "–";
  const std::string size = fixed(std::abs(value), digits);
  if (size.find_first_not_of("0.") == std::string::npos) return size;
  return (value < 0 ? "−" : "+") + size;
}

Support support(const Claim& claim) {
  const eval::Interval& i = claim.difference.interval;
  const double p = std::isnan(claim.p_holm) ? claim.difference.p : claim.p_holm;
  if (std::isnan(i.value) || std::isnan(i.low) || std::isnan(i.high) || std::isnan(p))
    return Support::undefined;
  if (i.low <= 0 && i.high >= 0) return Support::none;
  // 1 - 0.95 is slightly above 0.05 in binary, so a p of exactly 0.05 passes.
  if (p > 1 - claim.level) return Support::uncorrected;
  return i.low > 0 ? Support::gain : Support::loss;
}

std::string support_name(Support s) {
  switch (s) {
    case Support::gain:
      return "gain";
    case Support::loss:
      return "loss";
    case Support::uncorrected:
      return "not after correction";
    case Support::none:
      return "no difference shown";
    case Support::undefined:
      return "undefined";
  }
  return "";
}

std::string statement(const Claim& claim) {
  const double unseen = claim.difference.minimum_detectable;
  const std::string missed =
      unseen >= 0.0005 ? " A true difference smaller than " + fixed(unseen, 3) + " could not be seen here."
                       : "";
  switch (support(claim)) {
    case Support::gain:
      return claim.subject + " finds more lesions than " + claim.reference + " (" + figures(claim) + ").";
    case Support::loss:
      return claim.subject + " finds fewer lesions than " + claim.reference + " (" + figures(claim) + ").";
    case Support::uncorrected:
      return claim.subject + " against " + claim.reference +
             ": no difference shown after the correction for several comparisons (" + figures(claim) + ")." +
             missed;
    case Support::none:
      return claim.subject + " against " + claim.reference + ": no difference shown (" + figures(claim) +
             ")." + missed;
    case Support::undefined:
      break;
  }
  return claim.subject + " against " + claim.reference +
         ": nothing can be said, the difference is undefined.";
}

std::string summary(const std::vector<Claim>& claims) {
  if (claims.empty()) return "";
  size_t gains = 0, losses = 0;
  bool corrected = false;
  for (const Claim& claim : claims) {
    gains += support(claim) == Support::gain;
    losses += support(claim) == Support::loss;
    corrected = corrected || !std::isnan(claim.p_holm);
  }
  return "Of " + times(claims.size(), "comparison", "comparisons") + " with the plain detector, " +
         times(gains, "shows a gain", "show a gain") + ", " + times(losses, "a loss", "a loss") + " and " +
         std::to_string(claims.size() - gains - losses) + " no difference" +
         (corrected ? ", after Holm's correction." : ".");
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
