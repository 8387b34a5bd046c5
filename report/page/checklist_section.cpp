// SPDX-License-Identifier: Apache-2.0
// The checklists' items with what the page knows of each.
#include <map>

#include "report/checklists.h"
#include "report/page/parts.h"
#include "tensor/io/format.h"

namespace cawe::report::page {
namespace {

/// What the page says of itself, by name.
std::map<std::string, std::string> known_facts(const Report& report) {
  std::map<std::string, std::string> known(report.facts.begin(), report.facts.end());
  known.insert(report.environment.begin(), report.environment.end());
  if (!report.froc_rule.empty()) known["FROC rule"] = report.froc_rule;
  return known;
}

/// What stands between backquotes as code.
std::string with_code(const std::string& text) {
  std::string html;
  bool code = false;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('`', at), text.size());
    html += escape_markup(text.substr(at, end - at));
    if (end < text.size()) {
      html += code ? "</code>" : "<code>";
      code = !code;
    }
    at = end + 1;
  }
  return html;
}

std::string answer_html(const ChecklistItem& item, const std::map<std::string, std::string>& known) {
  if (item.answer == Answer::authors) return "<span class=\"authors\">the authors have to say</span>";
  std::string values;
  for (const std::string& name : item.facts)
    if (const auto fact = known.find(name); fact != known.end() && !fact->second.empty())
      values += (values.empty() ? "" : "; ") + escape_markup(name + ": " + fact->second);
  return (values.empty() ? "" : "<b>" + values + "</b>. ") + with_code(item.where) +
         (item.answer == Answer::partly ? "; <span class=\"authors\">the rest: the authors have to say</span>"
                                        : "");
}

std::string list_html(const Checklist& list, const std::map<std::string, std::string>& known) {
  int64_t authors = 0;
  for (const ChecklistItem& item : list.items) authors += item.answer == Answer::authors;
  std::string html =
      "<details><summary>" + escape_markup(list.name) + " <small>" + std::to_string(list.items.size()) +
      " items, " + std::to_string(authors) + " for the authors alone</small></summary><p class=\"lead\">" +
      escape_markup(list.source) +
      "</p><table class=\"checklist\"><thead><tr><th scope=\"col\">no.</th><th "
      "scope=\"col\">to be said</th><th scope=\"col\">what this study says</th></tr></thead><tbody>";
  for (const ChecklistItem& item : list.items)
    html += "<tr><th scope=\"row\">" + escape_markup(item.item) + "</th><td><b>" + escape_markup(item.topic) +
            "</b>: " + escape_markup(item.asks) + "</td><td>" + answer_html(item, known) + "</td></tr>";
  return html + "</tbody></table></details>";
}

}  // namespace

std::string checklists_section(const Report& report) {
  const std::map<std::string, std::string> known = known_facts(report);
  std::string html =
      "<section id=\"checklists\"><h2>Reporting checklists</h2><p class=\"lead\">What journals ask of such a "
      "study, in our own short words: fill in the checklists themselves. What this program knows stands "
      "here, "
      "with where it is; the rest is the authors'. A list that is open is printed with the page.</p>";
  for (const Checklist& list : checklists()) html += list_html(list, known);
  return html + "</section>";
}

}  // namespace cawe::report::page
