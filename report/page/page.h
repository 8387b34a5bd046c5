// SPDX-License-Identifier: Apache-2.0
// report.html: one page with a study's table, curves, pictures and provenance that loads nothing from the
// network. The caller fills the plain structs; the page's script recomputes pictures live.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "eval/methods.h"
#include "report/active_classes.h"
#include "report/charts/chart.h"
#include "report/figures/figure.h"
#include "report/statements.h"

namespace cawe::report {

/// One row of the study's table, its seeds averaged. NaN figures are printed as a dash.
struct ReportRow {
  std::string detector;     ///< "retinanet" or "RetinaNet"; rows of one detector share a chart
  std::string enhancement;  ///< "none", "color+cawe" or "Color + CAWE", …; it has one colour in all charts
  std::string seeds;        ///< "0, 1, 2"
  std::array<eval::Interval, 4> sens;  ///< at 1, 2, 3, 4 false positives per image
  eval::Interval mean;                 ///< of the four
  eval::Interval map50;
  std::array<double, 4> sens_negatives;  ///< with false positives counted on lesion-free images only, or NaN
  std::array<double, 4> paper;  ///< the paper's figures, 0 … 1, if the recipe is the paper's, else NaN
  data::FilmUnit unit = data::FilmUnit::patient;  ///< what intervals are drawn over
  std::vector<eval::SensRow> operating;           ///< at 1/8 … 8 with thresholds, first seed
  bool baseline = false;                          ///< the row that others of its detector are compared with
  bool control = false;                           ///< e.g. a shuffled map
  bool ablation = false;                          ///< a control that varies one key
  std::array<eval::Difference, 4> delta;          ///< at 1, 2, 3, 4; ignored for baselines
  eval::Difference delta_mean;                    ///< what the verdict goes by
  double p_holm = std::numeric_limits<double>::quiet_NaN();  ///< corrected p of the mean's difference
  int64_t family = 1;                                        ///< comparisons that were corrected together
  bool again = false;                  ///< an A/A row: plain with other seeds, outside the correction
  eval::MethodResult own, difference;  ///< everything over seeds; `difference` of baselines is empty
  std::vector<double> seed_means() const { return own.figures[eval::kComparedMean].of_seed; }
  std::string note;                              ///< "uninformative map"
  FrocLine line;                                 ///< from froc_line(): the mean of the seeds
  std::vector<std::array<double, 4>> seed_sens;  ///< each seed's Sens@1, 2, 3, 4
  std::vector<eval::FrocPoint> points;           ///< the first seed's curve, for the viewer's threshold
  ReportRow() {
    sens_negatives.fill(std::numeric_limits<double>::quiet_NaN());
    paper = sens_negatives;
  }
};

/// A row from evaluations of its seeds and, where there is one, its baseline's. Intervals and p are over the patients with
/// one seed, else over seeds and patients (report/statements.h).
ReportRow report_row(const std::string& detector, const std::string& enhancement,
                     const std::vector<const eval::Evaluation*>& seeds,
                     const std::vector<const eval::Evaluation*>& baseline, int64_t family = 1);

/// What the row's difference supports; whose it is has no name yet.
Claim claim_of(const ReportRow& row);

/// A predicted box; `hit`: it finds a lesion by the FROC rule; `uncounted`: by this rule it is neither right nor wrong (a
/// duplicate of a lesion that a surer box has found, where these are ignored, or in a region that is not scored).
struct ReportBox {
  BoxD box;
  double score = 0;
  bool hit = false, uncounted = false;
};
/// One image's detections, judged.
std::vector<ReportBox> report_boxes(const eval::TruthImage& truth, std::vector<eval::Detection> detections,
                                    const eval::FrocOptions& options);

/// The paper's Table 1 (Sens@1, 2, 3, 4 as fractions) for this detector and enhancement; NaN for others.
std::array<double, 4> paper_figures(const std::string& detector, const std::string& enhancement);

/// A picture of the viewer. A `fused` one is shown as I (alpha + (1 - alpha) L) with I from `png`, L the
/// panel's map and alpha from the page's slider; others are shown as they are. Choosing a row of the table
/// shows the picture named like the row's enhancement; for "none" the first one.
struct ReportPicture {
  std::string name;          ///< "grey", "AFDA", "MedGA", "color", "CAWE", "color+CAWE"
  std::vector<uint8_t> png;  ///< a complete 8-bit PNG file; identical ones are stored once
  bool fused = false;
};

/// An image of the viewer. Boxes are in pixels of an image of width x height; pictures may have another size.
struct ReportPanel {
  std::string title;
  double width = 0, height = 0;
  std::vector<ReportPicture> pictures;  ///< at least one; shown side by side in this order
  /// The attention map in gray, 255 = 1, any size; may be empty. In a panel with a map and no fused picture
  /// the first picture is shown fused, too.
  std::vector<uint8_t> map_png;
  MapClasses classes;  ///< those that the map is of
  std::vector<BoxD> truth;
  std::vector<std::vector<ReportBox>> predictions;  ///< a list for each row of the table; may be shorter
};

/// A small table, e.g. map localisation; the first column is text.
struct ReportTable {
  std::string title, caption;
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};

/// Everything that the page shows.
struct Report {
  std::string title;
  std::string subtitle;
  bool demonstration = false;         ///< marks the page "demonstration, not evidence"
  std::vector<std::string> warnings;  ///< about data, folds and resumes, one sentence each: shown first
  std::vector<std::string> findings;  ///< one sentence each; a summary of the rows' comparisons follows them
  std::vector<std::pair<std::string, std::string>> facts;  ///< "test images" -> "200"
  std::string froc_rule;
  double level = 0.95;
  std::vector<ReportRow> rows;  ///< in any order; shown in the paper's order, controls last
  std::vector<std::string> table_notes;
  double alpha = 0.5;      ///< initial value of the viewer's alpha slider
  double threshold = 0.5;  ///< initial value of the viewer's score threshold
  std::vector<ReportPanel> panels;
  std::vector<ReportTable> tables;
  std::vector<Figure> figures;  ///< e.g. figure_pipeline() … figure_froc()
  std::string recipe;           ///< contents of recipe.toml
  std::vector<std::pair<std::string, std::string>> environment;
};

/// The page. Throws Error(internal) on a panel without picture or size.
std::string report_html(const Report& report);
/// Writes it whole or not at all.
void write_report(const std::string& path, const Report& report);

}  // namespace cawe::report
