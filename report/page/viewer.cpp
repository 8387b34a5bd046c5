// SPDX-License-Identifier: Apache-2.0
// The report's viewer: list of films, pictures with boxes, sliders. Its behaviour is in viewer.js.
#include <algorithm>

#include "report/page/parts.h"
#include "tensor/io/format.h"

namespace cawe::report::page {
namespace {

/// A range input with its name and value above it.
std::string slider(const std::string& id, const std::string& name, double low, double high, double value) {
  return "<div class=\"slider\"><label for=\"" + id + "\">" + name + "</label><output id=\"" + id +
         "-value\" for=\"" + id + "\"></output><input type=\"range\" id=\"" + id + "\" min=\"" +
         shortest(low) + "\" max=\"" + shortest(high) + "\" step=\"0.01\" value=\"" + shortest(value) +
         "\"></div>";
}

std::string film_list(const Report& report) {
  std::string items;
  for (size_t i = 0; i < report.panels.size(); ++i) {
    const size_t lesions = report.panels[i].truth.size();
    items += "<li role=\"option\" id=\"film-" + std::to_string(i) + "\" data-index=\"" + std::to_string(i) +
             "\" aria-selected=\"" + (i == 0 ? "true" : "false") +
             "\"><canvas width=\"48\" height=\"48\" aria-hidden=\"true\"></canvas><span>" +
             escape_markup(report.panels[i].title) + "<small>" +
             (lesions == 0   ? "no lesion"
              : lesions == 1 ? "1 lesion"
                             : std::to_string(lesions) + " lesions") +
             "</small></span></li>";
  }
  return "<div class=\"films no-print\"><div class=\"films-bar\"><button type=\"button\" class=\"plain\" "
         "id=\"previous\" aria-label=\"previous image\">‹</button><span id=\"film-count\">1 of " +
         std::to_string(report.panels.size()) +
         "</span><button type=\"button\" class=\"plain\" id=\"next\" aria-label=\"next "
         "image\">›</button></div>"
         "<ul id=\"films\" role=\"listbox\" tabindex=\"0\" aria-label=\"test images\" "
         "aria-activedescendant=\"film-0\">" +
         items + "</ul></div>";
}

std::string row_choice(const Report& report) {
  std::string options, group;
  for (const size_t i : report_order(report.rows)) {
    const ReportRow& row = report.rows[i];
    const std::string name = detector_label(row.detector) + (row.control ? ", controls" : "");
    if (name != group) {
      options += (group.empty() ? "<optgroup label=\"" : "</optgroup><optgroup label=\"") +
                 escape_markup(name) + "\">";
      group = name;
    }
    options += "<option value=\"" + std::to_string(i) + "\">" + escape_markup(subject(row)) + "</option>";
  }
  return options + (group.empty() ? "" : "</optgroup>");
}

const char* const kStage = R"(<div class="show">
<p class="film-title"><b id="film-title"></b> <span class="classes" id="classes"></span></p>
<div class="bar no-print"><div class="segment" id="pictures" role="group" aria-label="picture shown"></div></div>
<p class="whose" id="whose" aria-live="polite"></p>
<div class="stage" id="window" tabindex="0" role="group" aria-label="Picture. Arrow keys change level and width, Home resets them, Page Up and Page Down change the image.">
<div class="cell" id="single"><canvas id="picture" role="img" aria-label="test image with boxes"></canvas><svg id="boxes" aria-hidden="true"></svg></div>
<div class="grid" id="grid" hidden></div>
</div>
<ul class="key"><li><i></i>true lesion</li><li class="k-hit"><i></i>predicted, right</li><li class="k-miss"><i></i>predicted, wrong</li><li class="k-uncounted"><i></i>predicted, not counted: a duplicate, or in a region that is not scored</li></ul>
<p class="state" id="state" aria-live="polite"></p>
</div>)";

/// Names of the pictures that the α slider makes, each once, joined by commas.
std::string blended(const Report& report) {
  std::vector<std::string> names;
  std::string text;
  for (const ReportPanel& panel : report.panels) {
    std::vector<std::string> mine;
    for (const ReportPicture& p : panel.pictures)
      if (p.fused) mine.push_back(picture_label(p.name));
    if (mine.empty() && !panel.map_png.empty() && !panel.pictures.empty()) mine = {mapped_label(panel)};
    for (const std::string& name : mine) {
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      names.push_back(name);
      text += (text.empty() ? "" : ", ") + name;
    }
  }
  return text;
}

/// How to use the viewer: of maps and rows only where there are some.
std::string lead(const Report& report) {
  const std::string names = blended(report);
  return "<p class=\"lead\">What the detectors saw and said on test images. Drag on a picture to change its "
         "window: up and down moves the level, left and right the width." +
         (names.empty() ? ""
                        : " α blends the film with its attention map L as I (α + (1 − α) L), in the pictures "
                          "that are made so (" +
                              escape_markup(names) + ").") +
         (report.rows.empty()
              ? ""
              : " Choosing a picture chooses the predictions of the detector that saw it, and "
                "the other way round.") +
         "</p>";
}

}  // namespace

std::string viewer_section(const Report& report) {
  if (report.panels.empty()) return "";
  return "<section id=\"viewer\"><h2>Images, maps and boxes</h2>" + lead(report) + "<div class=\"viewer\">" +
         film_list(report) + kStage +
         "<div class=\"controls no-print\"><div class=\"slider\"><label for=\"row\">Predictions of</label>"
         "<select id=\"row\">" +
         row_choice(report) + "</select></div>" +
         slider("threshold", "Score threshold", 0, 1, report.threshold) +
         slider("alpha", "Blending α (1 = without map)", 0, 1, report.alpha) +
         "<label class=\"check\"><input type=\"checkbox\" id=\"overlay\"> Map in colour over the "
         "picture</label>"
         "<label class=\"check\"><input type=\"checkbox\" id=\"show-truth\" checked> True boxes</label>" +
         slider("level", "Window level", 0, 1, 0.5) + slider("width", "Window width", 0.02, 2, 1) +
         "<button type=\"button\" class=\"plain\" id=\"reset\">Reset</button></div></div>"
         "<noscript><p>The viewer needs scripts; the rest of the page can be read "
         "without.</p></noscript></section>";
}

}  // namespace cawe::report::page
