// SPDX-License-Identifier: Apache-2.0
// The report as text: every part is there, nothing is fetched, text from outside is escaped.
#include <gtest/gtest.h>
#include <unistd.h>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "report/checklists.h"
#include "report/page/page.h"
#include "report/statements.h"
#include "tensor/error.h"
#include "tensor/io/format.h"
#include "tests/report/drawn.h"
#include "tests/report/made_up_report.h"

namespace cawe::report {
namespace {

using testing::count;

/// A section of the page by its id; "" where there is none.
std::string section(const std::string& html, const std::string& id) {
  const size_t from = html.find("<section id=\"" + id + "\"");
  return from == std::string::npos ? "" : html.substr(from, html.find("</section>", from) - from);
}

/// A report with one film, without map, rows and everything else.
Report one_film() {
  Report report;
  report.panels.emplace_back();
  report.panels[0].width = report.panels[0].height = 4;
  report.panels[0].pictures = {{"grey", {1}}};
  return report;
}

TEST(Report, HoldsEveryPartAndAsksTheNetworkForNothing) {
  const Report report = testing::made_up_report();
  const std::string html = report_html(report);
  for (const char* part : {"id=\"table\"", "id=\"curves\"", "id=\"viewer\"", "id=\"provenance\"",
                           "id=\"alpha\"", "id=\"threshold\"", "id=\"window\"", "id=\"overlay\"",
                           "Demonstration, not evidence", "For research use only", "Content-Security-Policy"})
    EXPECT_NE(html.find(part), std::string::npos) << part;
  EXPECT_EQ(html.find("{{"), std::string::npos) << "an unfilled part";
  // The only addresses are names of XML vocabularies, which nothing fetches.
  EXPECT_EQ(count(html, "http"), count(html, "http://www.w3.org/2000/svg") + count(html, "http-equiv"));
  EXPECT_EQ(count(html, "src=\""), 0u);
  EXPECT_EQ(count(html, "href=\""), count(html, "href=\"#") + count(html, "href=\"data:"));
  EXPECT_EQ(count(html, "class=\"series"), report.rows.size());
  EXPECT_EQ(count(html, "class=\"figure\""), report.figures.size());
  EXPECT_EQ(count(html, "id=\"panel-"), report.panels.size());
  EXPECT_LT(html.find("id=\"table\""), html.find("id=\"curves\""));
  EXPECT_LT(html.find("id=\"curves\""), html.find("id=\"viewer\""));
  EXPECT_LT(html.find("id=\"viewer\""), html.find("id=\"provenance\""));
}

TEST(Report, WordsFromOutsideCannotBecomeMarkup) {
  Report report;
  report.title = "<script>alert(1)</script> {{data}}";
  report.findings = {"a < b & \"c\""};
  report.recipe = "</pre><script>";
  report.environment = {{"<b>", "</dl>"}};
  report.rows.emplace_back();
  report.rows[0].detector = "</script><i>";
  report.rows[0].enhancement = "'\"<x>";
  report.rows[0].note = "<u>";
  const std::string html = report_html(report);
  EXPECT_EQ(html.find("<script>alert"), std::string::npos);
  EXPECT_EQ(html.find("<i>"), std::string::npos);
  EXPECT_EQ(html.find("<u>"), std::string::npos);
  EXPECT_EQ(html.find("<x>"), std::string::npos);
  EXPECT_EQ(count(html, "</script>"), 2u);
  EXPECT_NE(html.find("a &lt; b &amp; &quot;c&quot;"), std::string::npos);
  EXPECT_NE(html.find("{{data}}"), std::string::npos) << "a title is no template";
}

TEST(Report, AnEmptyStudyIsStillAPage) {
  Report report;
  report.title = "Nothing yet";
  const std::string html = report_html(report);
  EXPECT_EQ(html.find("id=\"viewer\""), std::string::npos);
  EXPECT_EQ(html.find("Demonstration, not evidence"), std::string::npos);
  EXPECT_NE(html.find("Nothing yet"), std::string::npos);
}

TEST(Report, RefusesAPanelWithoutPictureAndAFusedOneWithoutMap) {
  Report report;
  report.panels.emplace_back();
  EXPECT_THROW(report_html(report), Error);
  report.panels[0].width = report.panels[0].height = 4;
  report.panels[0].pictures = {{"grey", {1, 2, 3}, true}};
  EXPECT_THROW(report_html(report), Error);
  report.panels[0].map_png = {4, 5};
  EXPECT_NO_THROW(report_html(report));
}

TEST(Report, StoresEqualPicturesOnceAndFusesTheFirstWhereNoneIs) {
  Report report;
  report.panels.emplace_back();
  ReportPanel& panel = report.panels[0];
  panel.width = panel.height = 4;
  panel.map_png = {9};
  panel.pictures = {{"grey", {1, 2, 3}}, {"color", {4, 5, 6}}, {"color+CAWE", {4, 5, 6}, true}};
  const std::string html = report_html(report);
  EXPECT_EQ(count(html, "AQID"), 1u);
  EXPECT_EQ(count(html, "BAUG"), 1u);
  EXPECT_NE(html.find("\"pngs\":[\"AQID\",\"BAUG\"]"), std::string::npos);
  EXPECT_NE(html.find("{\"name\":\"Color + CAWE\",\"key\":\"color+cawe\",\"png\":1,\"fused\":true}"),
            std::string::npos);
  panel.pictures.pop_back();
  EXPECT_NE(report_html(report).find(
                "{\"name\":\"Grey with map\",\"key\":\"greywithmap\",\"png\":0,\"fused\":true}"),
            std::string::npos);
}

TEST(Report, RowsStandInThePapersOrderWithTheirSentence) {
  const Report report = testing::made_up_report(0);
  const std::string html = report_html(report);
  const std::string table = html.substr(html.find("<tbody>"), html.find("</tbody>") - html.find("<tbody>"));
  size_t at = 0;
  for (const char* name :
       {"Faster R-CNN Plain baseline", "Faster R-CNN AFDA", "Faster R-CNN MedGA", "Faster R-CNN Color",
        "Faster R-CNN CAWE", "Faster R-CNN Color + CAWE", "RetinaNet Plain baseline", "RetinaNet AFDA",
        "RetinaNet MedGA", "RetinaNet Color", "RetinaNet CAWE", "RetinaNet Color + CAWE",
        "Faster R-CNN shuffled map control", "Faster R-CNN uniform map control", "Faster R-CNN CLAHE control",
        "RetinaNet shuffled map control"}) {
    const size_t found = table.find("data-name=\"" + std::string(name) + "\"", at);
    ASSERT_NE(found, std::string::npos) << name;
    at = found;
  }
  for (const ReportRow& row : report.rows) {
    if (row.baseline) continue;
    const Claim claim{row.detector == "retinanet" ? "RetinaNet with " : "Faster R-CNN with ",
                      "",
                      row.delta_mean,
                      row.p_holm,
                      .95,
                      row.own.seeds,
                      row.family};
    const std::string sentence = statement(claim);
    const std::string figures = sentence.substr(sentence.find('('));
    EXPECT_NE(html.find(escape_markup(figures)), std::string::npos) << figures;
  }
  EXPECT_EQ(count(html, "Of 5 comparisons with the plain detector"), 2u) << "controls are no rivals";
}

TEST(Report, PapersFiguresStandBesideOursWhereARowHasThem) {
  EXPECT_DOUBLE_EQ(paper_figures("faster_rcnn", "none")[0], .604);
  EXPECT_DOUBLE_EQ(paper_figures("Faster R-CNN", "Color + CAWE")[3], .802);
  EXPECT_DOUBLE_EQ(paper_figures("retinanet", "medga")[3], .808);
  EXPECT_TRUE(std::isnan(paper_figures("retinanet", "clahe")[0]));
  EXPECT_TRUE(std::isnan(paper_figures("yolo", "none")[0]));
  Report report;
  report.rows.resize(2);
  report.rows[0].detector = report.rows[1].detector = "retinanet";
  report.rows[0].enhancement = "none";
  report.rows[1].enhancement = "cawe";
  report.rows[0].baseline = true;
  EXPECT_EQ(count(report_html(report), "class=\"paper\""), 0u);
  report.rows[1].paper = paper_figures("retinanet", "cawe");
  EXPECT_EQ(count(report_html(report), "class=\"paper\""), 4u);
  EXPECT_NE(report_html(report).find("paper 0.621"), std::string::npos);
}

TEST(Report, ChecklistsSayWhatIsKnownAndWhoSaysTheRest) {
  Report report;
  report.facts = {{"test films", "123"}, {"split", "<by person>"}};
  report.environment = {{"revision", "abc1234"}};
  report.froc_rule = "IoU >= 0.5";
  const std::string html = report_html(report);
  const size_t from = html.find("<section id=\"checklists\">");
  ASSERT_NE(from, std::string::npos);
  const std::string section = html.substr(from, html.find("</section>", from) - from);
  EXPECT_EQ(count(section, "<details><summary>"), 2u) << "collapsed: no list is open";
  size_t items = 0, authors = 0;
  for (const Checklist& list : checklists())
    for (const ChecklistItem& item : list.items) {
      ++items;
      authors += item.answer == Answer::authors;
      EXPECT_NE(
          section.find("<b>" + escape_markup(item.topic) + "</b>: " + escape_markup(item.asks) + "</td>"),
          std::string::npos)
          << list.name << " " << item.item;
    }
  EXPECT_EQ(count(section, "<tr><th scope=\"row\">"), items);
  EXPECT_EQ(count(section, ">the authors have to say</span>"), authors);
  EXPECT_EQ(section.find('`'), std::string::npos) << "keys and files are code";
  EXPECT_EQ(count(section, "<code>"), count(section, "</code>"));
  EXPECT_NE(section.find("<code>films_flow.csv</code>"), std::string::npos);
  // CLAIM's 35 and TRIPOD+AI's 20a have the number of films, 23 the revision, 28 the rule, 19 the split.
  EXPECT_NE(section.find("<b>test films: 123</b>. report.html (Films of each fold"), std::string::npos);
  EXPECT_NE(section.find("<b>revision: abc1234</b>. "), std::string::npos);
  EXPECT_NE(section.find("<b>FROC rule: IoU &gt;= 0.5</b>. "), std::string::npos);
  EXPECT_NE(section.find("<b>split: &lt;by person&gt;</b>. "), std::string::npos);
  EXPECT_NE(html.find("<a href=\"#checklists\">Checklists</a>"), std::string::npos);
  // What the page does not know is not made up: only where it would stand.
  const std::string empty = report_html(Report());
  EXPECT_EQ(empty.find("<b>revision:"), std::string::npos);
  EXPECT_EQ(count(empty, "<tr><th scope=\"row\">"), items);
}

TEST(Report, AnAblationIsNamedAsOne) {
  Report report = testing::made_up_report(0);
  for (ReportRow& row : report.rows) row.ablation = row.control;
  const std::string html = report_html(report);
  EXPECT_NE(html.find("<li"), std::string::npos);
  EXPECT_NE(html.find("Ablation: "), std::string::npos);
  EXPECT_EQ(html.find("Control: "), std::string::npos);
  EXPECT_NE(html.find("<small>ablation</small>"), std::string::npos);
}

TEST(Report, OnlyARowWithoutOverlapHasARank) {
  Report report;
  report.rows.resize(3);
  const double low[] = {.1, .5, .55};
  for (size_t k = 0; k < 3; ++k) {
    report.rows[k].detector = "retinanet";
    report.rows[k].enhancement = k == 0 ? "none" : k == 1 ? "afda" : "cawe";
    report.rows[k].mean = {low[k] + .05, low[k], low[k] + .1, 100, 0};
  }
  const std::string html = report_html(report);
  EXPECT_EQ(count(html, "class=\"rank\""), 1u);
  EXPECT_NE(html.find("rank 3<"), std::string::npos);
}

TEST(Report, RowsCarryTheEvaluationsFigures) {
  const auto truth = testing::made_up_truth();
  eval::EvaluateOptions options;
  options.draws = 200;
  const eval::Evaluation base = eval::evaluate(truth, testing::made_up_detections(truth, 0, 1), options);
  const eval::Evaluation better = eval::evaluate(truth, testing::made_up_detections(truth, 1.5, 1), options);
  const ReportRow row = report_row("RetinaNet", "CAWE", {&better}, {&base});
  EXPECT_FALSE(row.baseline);
  EXPECT_DOUBLE_EQ(row.sens[1].value, better.at(2).at.sensitivity);
  EXPECT_DOUBLE_EQ(row.sens[1].low, better.at(2).interval.low);
  EXPECT_NEAR(row.delta_mean.interval.value, better.mean_paper.value - base.mean_paper.value, 1e-12);
  EXPECT_GT(row.delta_mean.interval.low, 0);
  EXPECT_TRUE(report_row("RetinaNet", "none", {&base}, {}).baseline);
  EXPECT_THROW(report_row("RetinaNet", "none", {}, {}), Error);
}

TEST(Report, BoxesAreJudgedByTheRule) {
  const eval::TruthImage truth{"a", "", {{{0, 0, 10, 10}, 0, false, 100}}, 64, 64};
  const auto boxes = report_boxes(
      truth, {{7, {30, 30, 40, 40}, .4, 0}, {7, {0, 0, 10, 9}, .6, 0}, {7, {0, 0, 9, 10}, .5, 0}}, {});
  ASSERT_EQ(boxes.size(), 3u);
  EXPECT_EQ(boxes[0].score, .6);
  EXPECT_TRUE(boxes[0].hit);
  EXPECT_FALSE(boxes[1].hit) << "a duplicate";
  EXPECT_FALSE(boxes[2].hit);
}

TEST(Report, BoxesThatTheRuleLeavesOutAreNeitherRightNorWrong) {
  const eval::TruthImage truth{
      "a", "", {{{0, 0, 10, 10}, 0, false, 100}, {{40, 40, 60, 60}, 0, true, 400}}, 64, 64};
  const std::vector<eval::Detection> found{{0, {0, 0, 10, 9}, .6, 0},
                                           {0, {0, 0, 9, 10}, .5, 0},
                                           {0, {41, 41, 59, 59}, .4, 0},
                                           {0, {20, 0, 30, 10}, .3, 0}};
  eval::FrocOptions options;
  auto boxes = report_boxes(truth, found, options);
  const auto kinds = [&] {
    std::string text;
    for (const ReportBox& b : boxes) text += b.hit ? "h" : b.uncounted ? "u" : "w";
    return text;
  };
  EXPECT_EQ(kinds(), "huuw") << "a duplicate, and a box in an ignored region";
  options.duplicates = eval::Duplicates::fp;
  boxes = report_boxes(truth, found, options);
  EXPECT_EQ(kinds(), "hwuw") << "duplicates count as false by this rule";
}

TEST(Report, AFallbackIsNamedInTheViewer) {
  Report report;
  report.panels.emplace_back();
  report.panels[0].width = report.panels[0].height = 4;
  report.panels[0].pictures = {{"grey", {1}}};
  report.panels[0].classes = {MapOf::fallback, {{"consolidation", .38}}};
  EXPECT_NE(report_html(report).find(
                "\"classes\":\"no class is active (fallback: the likeliest, consolidation 0.38)\""),
            std::string::npos);
}

TEST(Report, IntervalsOfRowsAreNotCalledATest) {
  const std::string html = report_html(testing::made_up_report(0));
  EXPECT_EQ(html.find("are not ranked"), std::string::npos);
  const size_t at = html.find("What decides is the paired comparison with the plain row");
  ASSERT_NE(at, std::string::npos);
  EXPECT_NE(html.find("“rank” would stand only", at), std::string::npos) << "no row of this page has a rank";
}

TEST(Report, WithoutLesionFreeImagesThereIsNoCurveOverThem) {
  Report report = testing::made_up_report(0);
  const std::string choice = "data-denominator=\"negatives\" aria-pressed=\"false\"";
  EXPECT_NE(report_html(report).find(choice + ">On lesion-free images only"), std::string::npos);
  for (ReportRow& row : report.rows) row.line.negative_points.clear();
  EXPECT_NE(report_html(report).find(choice + " disabled>No lesion-free images here"), std::string::npos);
}

TEST(Report, CurvesSpeakOfViewerAndControlsOnlyWhereTheyAre) {
  Report report = testing::made_up_report(1);
  std::string curves = section(report_html(report), "curves");
  EXPECT_EQ(count(curves, "the first seed, whose boxes the viewer shows"), 1u);
  EXPECT_EQ(count(curves, "controls are thin"), 1u);
  report.panels.clear();
  for (ReportRow& row : report.rows) row.control = false;
  curves = section(report_html(report), "curves");
  EXPECT_NE(curves.find("No two methods have the same dashes and marks."), std::string::npos);
  for (const char* word : {"viewer", "Dots", "control"})
    EXPECT_EQ(curves.substr(0, curves.find("</p>")).find(word), std::string::npos) << word;
  const std::string figure = figure_froc(report.rows).caption;
  EXPECT_EQ(figure.find("controls"), std::string::npos) << figure;
}

TEST(Report, TheViewerSpeaksOfMapsAndRowsOnlyWhereTheyAre) {
  const std::string blends = "in the pictures that are made so (", chooses = "Choosing a picture chooses";
  Report report = one_film();
  std::string viewer = section(report_html(report), "viewer");
  EXPECT_EQ(count(viewer, "with its attention map") + count(viewer, chooses), 0u);
  report.panels[0].map_png = {9};
  viewer = section(report_html(report), "viewer");
  EXPECT_EQ(count(viewer, blends + "Grey with map)"), 1u);
  report = testing::made_up_report(2);
  viewer = section(report_html(report), "viewer");
  EXPECT_EQ(count(viewer, blends + "CAWE, Color + CAWE)"), 1u);
  EXPECT_EQ(count(viewer, chooses), 1u);
}

TEST(Report, LinksAndSentencesNeedWhatTheySpeakOf) {
  Report report = one_film();
  std::string html = report_html(report);
  EXPECT_NE(html.find("<a class=\"skip\" href=\"#viewer\">Skip to the content</a>"), std::string::npos);
  EXPECT_EQ(section(html, "provenance").find("command line"), std::string::npos);
  report.environment = {{"command_line", "cawe study"}};
  report.rows.resize(2);
  report.rows[0].baseline = report.rows[1].baseline = true;
  report.rows[1].detector = "retinanet";
  html = report_html(report);
  EXPECT_NE(html.find("<a class=\"skip\" href=\"#table\">Skip to the table</a>"), std::string::npos);
  EXPECT_NE(section(html, "provenance").find("The command line may be pasted"), std::string::npos);
  EXPECT_EQ(section(html, "table").find("paired, against"), std::string::npos) << "only plain rows";
  EXPECT_EQ(section(html, "table").find("What decides"), std::string::npos);
  report.rows[1].baseline = false;
  html = report_html(report);
  EXPECT_NE(section(html, "table").find("paired, against"), std::string::npos);
  EXPECT_NE(section(html, "table").find("What decides"), std::string::npos);
}

TEST(Report, EverySeedHasADotInTheIntervalDrawings) {
  Report report;
  report.rows.resize(2);
  report.rows[0].mean = {.5, .45, .55, 100, 0};
  report.rows[1].mean = {std::nan(""), std::nan(""), std::nan(""), 100, 0};
  report.rows[0].own.figures[eval::kComparedMean].of_seed = {.5};
  std::string html = section(report_html(report), "table");
  EXPECT_EQ(count(html, "<circle"), 1u) << "a mean; a figure that is not known has no place";
  EXPECT_EQ(html.find("dots: seeds"), std::string::npos);
  // The scale, 4 to 146, has room for the seeds, though they lie outside the interval.
  report.rows[0].baseline = true;
  report.rows[0].own.figures[eval::kComparedMean].of_seed = {.6, .4, std::nan("")};
  html = section(report_html(report), "table");
  EXPECT_EQ(count(html, "<circle class=\"seed\""), 2u);
  for (const char* x : {"class=\"seed\" cx=\"146.0\"", "class=\"seed\" cx=\"4.0\"", "<circle cx=\"75.0\""})
    EXPECT_EQ(count(html, x), 1u) << x;
  EXPECT_NE(html.find("Mean of the four</button><small>dashed: baseline<br>small dots: seeds</small>"),
            std::string::npos);
  html = section(report_html(testing::made_up_report(0)), "table");
  EXPECT_EQ(count(html, "<circle class=\"seed\""), 9 * 5u) << "nine rows of five seeds, nine of one";
}

TEST(Report, IsWrittenWholeOrNotAtAll) {
  const auto dir = std::filesystem::temp_directory_path() / ("cawe_report_" + std::to_string(::getpid()));
  std::filesystem::create_directories(dir);
  Report report;
  report.title = "T";
  write_report((dir / "report.html").string(), report);
  EXPECT_TRUE(std::filesystem::exists(dir / "report.html"));
  EXPECT_THROW(write_report((dir / "no/report.html").string(), report), Error);
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace cawe::report
