// SPDX-License-Identifier: Apache-2.0
#include "report/checklists.h"

namespace cawe::report {

const std::vector<Checklist>& checklists() {
  static const std::vector<Checklist> all = {claim_checklist(), tripod_ai_checklist()};
  return all;
}

const std::vector<std::string>& checklist_facts() {
  static const std::vector<std::string> names = {
      "test films", "patients", "groups of films", "films without a lesion",
      "lesions",    "seeds",    "split",           "FROC rule",
      "cawe",       "revision", "device",          "command_line",
      "compiler"};
  return names;
}

std::string checklist_answer(const ChecklistItem& item) {
  if (item.answer == Answer::authors) return "the authors have to say";
  return item.where + (item.answer == Answer::partly ? "; the rest: the authors" : "");
}

std::string checklists_markdown() {
  std::string text =
      "# Reporting checklists\n"
      "\n"
      "What the authors of a study have to report, and where this program has it. The items are in our own "
      "short words: fill in the "
      "checklists themselves, which the sources below have. Written from `report/checklist_claim.cpp` and "
      "`report/checklist_tripod.cpp`; the test `report_checklists_test` compares.\n"
      "\n"
      "report.html is a study's page. A run is a folder that `cawe train` or a study wrote. Words like "
      "`data.split` are keys of a "
      "recipe ([recipes.md](recipes.md)); every run has its resolved recipe, with the values used, in "
      "`recipe.toml`.\n";
  for (const Checklist& list : checklists()) {
    text += "\n## " + list.name + "\n" + list.source +
            "\n\n| item | topic | to be said | where it stands |\n|---|---|---|---|\n";
    for (const ChecklistItem& item : list.items)
      text +=
          "| " + item.item + " | " + item.topic + " | " + item.asks + " | " + checklist_answer(item) + " |\n";
  }
  return text;
}

}  // namespace cawe::report
