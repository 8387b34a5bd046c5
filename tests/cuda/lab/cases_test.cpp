// SPDX-License-Identifier: Apache-2.0
// Every kernel row: values, findings under three orders of threads and blocks, counts.
#include <gtest/gtest.h>

#include "cuda/lab/cases/run.h"

namespace cawe::on_emulator {
namespace {

std::string test_name(const testing::TestParamInfo<size_t>& info) {
  const Row& row = all_rows()[info.param];
  std::string name = row.name + "_" + row.shape;
  for (char& c : name)
    if (!isalnum(static_cast<unsigned char>(c))) c = '_';
  return name + "_" + std::to_string(info.param);
}

class Rows : public testing::TestWithParam<size_t> {};

void expect_holds(const Row& row, uint64_t seed, simt::Level level) {
  const RowResult result = run_row(row, seed, level);
  std::string complaints;
  for (const std::string& complaint : result.complaints) complaints += "\n  " + complaint;
  EXPECT_EQ(complaints, "") << row.name << " " << row.shape << ", seed " << seed;
  EXPECT_GT(result.counters.accesses, 0u) << row.name << " " << row.shape << " touched no memory";
}

TEST_P(Rows, Hold) {
  const Row& row = all_rows()[GetParam()];
  expect_holds(row, 0, simt::Level::profile);
  expect_holds(row, 1, simt::Level::check);
  expect_holds(row, 7, simt::Level::check);
}
INSTANTIATE_TEST_SUITE_P(Kernel, Rows, testing::Range<size_t>(0, all_rows().size()), test_name);

}  // namespace
}  // namespace cawe::on_emulator
