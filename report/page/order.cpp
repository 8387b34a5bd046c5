// SPDX-License-Identifier: Apache-2.0
// The order, names and colours of rows, and the paper's published figures.
#include <algorithm>
#include <cctype>
#include <map>
#include <numeric>

#include "report/page/parts.h"

namespace cawe::report {
namespace {

struct Known {
  const char *key, *label;
};
constexpr Known kDetectors[] = {{"fasterrcnn", "Faster R-CNN"}, {"retinanet", "RetinaNet"}};
constexpr Known kMethods[] = {{"none", "Plain"},  {"afda", "AFDA"}, {"medga", "MedGA"},
                              {"color", "Color"}, {"cawe", "CAWE"}, {"color+cawe", "Color + CAWE"}};
constexpr size_t kMethodCount = sizeof kMethods / sizeof *kMethods;
// The plain detector has a neutral colour, its competitors strong ones.
constexpr size_t kMethodColours[kMethodCount] = {6, 0, 1, 2, 3, 4};

// Sens@1, 2, 3, 4 in percent from Table 1 of the study's paper, in the order above.
constexpr double kPaper[2][kMethodCount][4] = {{{60.4, 69.5, 73.6, 76.6},
                                                {65.5, 72.2, 74.9, 76.5},
                                                {62.9, 71.4, 74.9, 77.5},
                                                {63.6, 71.6, 76.3, 78.4},
                                                {65.0, 71.8, 75.6, 78.1},
                                                {67.7, 75.9, 78.7, 80.2}},
                                               {{58.1, 69.9, 74.2, 77.3},
                                                {62.5, 70.9, 75.9, 78.3},
                                                {62.6, 73.2, 77.7, 80.8},
                                                {62.0, 71.6, 76.4, 79.7},
                                                {62.1, 71.6, 76.5, 80.2},
                                                {64.9, 74.8, 79.7, 83.0}}};

/// Index of a name in a list, or the list's length where it is not in it.
template <size_t N>
size_t place_in(const Known (&known)[N], const std::string& name) {
  const std::string key = page::method_key(name);
  return size_t(std::find_if(known, known + N, [&](const Known& k) { return key == k.key; }) - known);
}

}  // namespace

std::array<double, 4> paper_figures(const std::string& detector, const std::string& enhancement) {
  std::array<double, 4> out;
  out.fill(std::numeric_limits<double>::quiet_NaN());
  const size_t d = place_in(kDetectors, detector), m = place_in(kMethods, enhancement);
  if (d < 2 && m < kMethodCount)
    for (size_t k = 0; k < 4; ++k) out[k] = kPaper[d][m][k] / 100;
  return out;
}

namespace page {

std::string method_key(const std::string& name) {
  std::string key;
  for (const char c : name)
    if (c != ' ' && c != '_' && c != '-') key += char(std::tolower(uint8_t(c)));
  return key == "grey" || key == "gray" || key == "plain" ? "none" : key == "colour" ? "color" : key;
}

std::string detector_label(const std::string& detector) {
  const size_t d = place_in(kDetectors, detector);
  return d < 2 ? kDetectors[d].label : detector;
}

std::string method_label(const std::string& enhancement) {
  const size_t m = place_in(kMethods, enhancement);
  return m < kMethodCount ? kMethods[m].label : method_key(enhancement) == "clahe" ? "CLAHE" : enhancement;
}

std::string picture_label(const std::string& name) {
  return method_key(name) == "none" ? "Grey" : method_label(name);
}

std::string mapped_label(const ReportPanel& panel) {
  return picture_label(panel.pictures[0].name) + " with map";
}

std::string subject(const ReportRow& row) {
  if (row.again) return "plain " + detector_label(row.detector) + " with other seeds";
  const std::string method = method_label(row.enhancement);
  return method == "Plain" ? "plain " + detector_label(row.detector)
                           : detector_label(row.detector) + " with " + method;
}

std::vector<size_t> report_order(const std::vector<ReportRow>& rows) {
  std::vector<size_t> order(rows.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::vector<std::string>
      others;  // detectors that the paper does not have: after its own, in order of appearance
  const auto detector = [&](const ReportRow& row) {
    const size_t d = place_in(kDetectors, row.detector);
    if (d < 2) return d;
    const auto at = std::find(others.begin(), others.end(), row.detector);
    if (at == others.end()) others.push_back(row.detector);
    return 2 + size_t(std::find(others.begin(), others.end(), row.detector) - others.begin());
  };
  std::vector<std::array<size_t, 3>> keys;
  for (const ReportRow& row : rows)
    keys.push_back({size_t(row.control), detector(row), place_in(kMethods, row.enhancement)});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return keys[a] < keys[b]; });
  return order;
}

std::vector<size_t> row_colours(const std::vector<ReportRow>& rows) {
  std::vector<size_t> free;
  for (size_t k = 0; k < series_count(); ++k)
    if (std::find(kMethodColours, kMethodColours + kMethodCount, k) == kMethodColours + kMethodCount)
      free.push_back(k);
  std::map<std::string, size_t> known;
  std::vector<size_t> colours;
  for (const ReportRow& row : rows) {
    if (const size_t m = place_in(kMethods, row.enhancement); m < kMethodCount) {
      colours.push_back(kMethodColours[m]);
      continue;
    }
    // More of them than free colours: these come again, one round of the palette further on, where dashes and marks differ.
    const size_t other = known.emplace(method_key(row.enhancement), known.size()).first->second;
    colours.push_back(free[other % free.size()] + series_count() * (other / free.size()));
  }
  return colours;
}

Claim claim(const Report& report, const ReportRow& row) {
  std::string reference = "plain " + detector_label(row.detector);
  for (const ReportRow& other : report.rows)
    if (other.baseline && other.detector == row.detector) reference = subject(other);
  Claim claim = claim_of(row);
  claim.subject = subject(row);
  claim.reference = reference;
  return claim;
}

}  // namespace page
}  // namespace cawe::report
