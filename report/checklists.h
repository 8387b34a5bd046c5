// SPDX-License-Identifier: Apache-2.0
// The items of reporting checklists that a study's authors fill in, with what this program knows of each and where it
// stands: CLAIM (2024 update) and TRIPOD+AI (2024). docs/checklists.md is written from these, and a test keeps it so.
#pragma once

#include <string>
#include <vector>

namespace cawe::report {

enum class Answer {
  program,  ///< what the program writes answers the item
  partly,   ///< a part of it; the authors say the rest
  authors   ///< the authors have to say
};

/// An item in our own short words; the checklists' wording is the authority.
struct ChecklistItem {
  std::string item;   ///< its number there: "7", "12c"
  std::string topic;  ///< "Data sources"
  std::string asks;   ///< what is to be said
  Answer answer = Answer::authors;
  std::string
      where;  ///< files, sections of report.html and recipe keys (in backquotes); empty for Answer::authors
  /// Names of facts of a study's page (report::checklist_facts()) that answer it: their values stand before `where` there.
  std::vector<std::string> facts = {};
};

struct Checklist {
  std::string name;    ///< "CLAIM, 2024 update"
  std::string source;  ///< the publication
  std::vector<ChecklistItem> items;
};

/// CLAIM's 44 items and TRIPOD+AI's 27, which have 52 parts.
const std::vector<Checklist>& checklists();
Checklist claim_checklist();
Checklist tripod_ai_checklist();

/// The facts that items may name: the head of the page, the FROC rule, and what the program says of its environment.
const std::vector<std::string>& checklist_facts();

/// "the authors have to say", "report.html, …", or "report.html, …; the rest: the authors".
std::string checklist_answer(const ChecklistItem& item);
/// docs/checklists.md.
std::string checklists_markdown();

}  // namespace cawe::report
