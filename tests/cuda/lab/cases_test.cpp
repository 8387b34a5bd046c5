// SPDX-License-Identifier: Apache-2.0
// Every kernel case: values, findings under three orders of threads and blocks, counts.
#include <gtest/gtest.h>

#include "cuda/lab/cases/run.h"

namespace cawe::on_emulator {
namespace {

std::string test_name(const testing::TestParamInfo<size_t>& info) {
  const Case& kernel_case = all_cases()[info.param];
  std::string name = kernel_case.name + "_" + kernel_case.shape;
  for (char& c : name)
    if (!isalnum(static_cast<unsigned char>(c))) c = '_';
  return name + "_" + std::to_string(info.param);
}

class Cases : public testing::TestWithParam<size_t> {};

void expect_holds(const Case& kernel_case, uint64_t seed, simt::Level level) {
  const CaseResult result = run_case(kernel_case, seed, level);
  std::string complaints;
  for (const std::string& complaint : result.complaints) complaints += "\n  " + complaint;
  EXPECT_EQ(complaints, "") << kernel_case.name << " " << kernel_case.shape << ", seed " << seed;
  EXPECT_GT(result.counters.accesses, 0u)
      << kernel_case.name << " " << kernel_case.shape << " touched no memory";
}

TEST_P(Cases, Hold) {
  const Case& kernel_case = all_cases()[GetParam()];
  expect_holds(kernel_case, 0, simt::Level::profile);
  expect_holds(kernel_case, 1, simt::Level::check);
  expect_holds(kernel_case, 7, simt::Level::check);
}
INSTANTIATE_TEST_SUITE_P(Kernel, Cases, testing::Range<size_t>(0, all_cases().size()), test_name);

}  // namespace
}  // namespace cawe::on_emulator
