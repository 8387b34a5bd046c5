// SPDX-License-Identifier: Apache-2.0
// The checklists: whole, without a key or file that does not exist, and docs/checklists.md says the same.
#include "report/checklists.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>

#include "tensor/io/files.h"

namespace cawe::report {
namespace {

TEST(Checklists, HaveEveryItemOnce) {
  ASSERT_EQ(checklists().size(), 2u);
  const Checklist &claim = checklists()[0], &tripod = checklists()[1];
  ASSERT_EQ(claim.items.size(), 44u);
  for (size_t i = 0; i < claim.items.size(); ++i) EXPECT_EQ(claim.items[i].item, std::to_string(i + 1));
  ASSERT_EQ(tripod.items.size(), 52u);
  std::set<std::string> parts, numbers;
  for (const ChecklistItem& item : tripod.items) {
    EXPECT_TRUE(parts.insert(item.item).second) << item.item << " comes twice";
    numbers.insert(std::to_string(std::stoi(item.item)));
  }
  EXPECT_EQ(numbers.size(), 27u);
}

TEST(Checklists, SayWhereOrThatTheAuthorsHaveTo) {
  for (const Checklist& list : checklists())
    for (const ChecklistItem& item : list.items) {
      EXPECT_FALSE(item.topic.empty() || item.asks.empty()) << item.item;
      EXPECT_EQ(item.where.empty(), item.answer == Answer::authors) << list.name << " " << item.item;
      EXPECT_EQ((item.asks + item.topic + item.where).find('|'), std::string::npos) << "a table's own sign";
    }
  EXPECT_EQ(checklist_answer({"1", "t", "a", Answer::authors, ""}), "the authors have to say");
  EXPECT_EQ(checklist_answer({"1", "t", "a", Answer::partly, "here"}), "here; the rest: the authors");
  EXPECT_EQ(checklist_answer({"1", "t", "a", Answer::program, "here"}), "here");
}

TEST(Checklists, NameFactsThatAPageHas) {
  const std::vector<std::string>& known = checklist_facts();
  std::set<std::string> used;
  for (const Checklist& list : checklists())
    for (const ChecklistItem& item : list.items)
      for (const std::string& fact : item.facts) {
        EXPECT_EQ(std::count(known.begin(), known.end(), fact), 1)
            << list.name << " " << item.item << ": " << fact;
        EXPECT_NE(item.answer, Answer::authors) << item.item;
        used.insert(fact);
      }
  EXPECT_EQ(used.size(), known.size()) << "a fact that no item names";
}

TEST(Checklists, NameKeysAndFilesThatExist) {
  const std::string recipes = read_file("docs/recipes.md");
  const std::set<std::string> files = {
      "recipe.toml",   "environment.json", "results.json",         "results.csv",  "split.csv",
      "metrics.csv",   "detections.csv",   "detections.films.csv", "rejected.csv", "cawe detect",
      "cawe evaluate", "cawe inspect",     "films_flow.csv",       "methods.csv",  "same_system.csv",
      "further.csv",   "lesions_by.csv",   "cawe plan power"};
  const std::regex quoted("`([^`]*)`");
  int keys = 0;
  for (const Checklist& list : checklists())
    for (const ChecklistItem& item : list.items)
      for (auto at = std::sregex_iterator(item.where.begin(), item.where.end(), quoted);
           at != std::sregex_iterator(); ++at) {
        const std::string name = (*at)[1];
        if (files.count(name) > 0) continue;
        ++keys;
        EXPECT_NE(recipes.find("\n| `" + name + "` |"), std::string::npos)
            << list.name << " " << item.item << ": " << name;
      }
  EXPECT_GT(keys, 60);
}

TEST(Checklists, AreWhatTheDocumentSays) {
  const std::string page = checklists_markdown();
  if (read_file("docs/checklists.md") == page) return;
  const std::string fresh = ::testing::TempDir() + "checklists.md";
  write_file(fresh, page);
  FAIL() << "docs/checklists.md is stale: what it should say is in " << fresh;
}

}  // namespace
}  // namespace cawe::report
