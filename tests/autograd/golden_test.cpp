// SPDX-License-Identifier: Apache-2.0
// Outputs and gradients of the table's cases against PyTorch's (scripts/goldens/operators.py): f64 to 1e-9,
// f32 by its distance from that truth beside PyTorch's own, and to 2e-6.
#include <gtest/gtest.h>

#include "autograd/operator_goldens.h"
#include "autograd/operator_table.h"
#include "tensor/cpu/cpu_backend.h"
#include "tensor/primitives/backend.h"
#include "tests/models/parity.h"

namespace cawe {
namespace {

using models::testing::GoldenFile;

const char* const kFile = "tests/goldens/operators.txt";

class Golden : public ::testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(, Golden, ::testing::Values(DType::f64, DType::f32),
                         [](const auto& i) { return std::string(name(i.param)); });

TEST_P(Golden, PyTorchAgrees) {
  GoldenFile golden(kFile);
  int64_t compared = 0;
  for (const OperatorRow& row : operator_rows()) {
    int64_t of_row = 0;
    for (size_t c = 0; c < row.cases.size(); ++c) {
      const std::string key = row.name + "." + std::to_string(c);
      if (golden.all(key + ".y").empty()) continue;
      const CaseResult ours = run_case(row.cases[c], GetParam());
      golden.compare(key + ".y", ours.y, GetParam(), 1e-9, kGoldenBar);
      for (size_t i = 0; i < ours.gradients.size(); ++i)
        golden.compare(key + ".g" + std::to_string(i), ours.gradients[i], GetParam(), 1e-9, kGoldenBar);
      ++of_row;
    }
    EXPECT_GT(of_row, 0) << row.name << " has no golden: add it to scripts/goldens/operators.py";
    compared += of_row;
  }
  EXPECT_GT(compared, 110);
}

// Primitives compute in f32; some hand back f64 or whole numbers.
TEST(PrimitiveGolden, PyTorchAgrees) {
  GoldenFile golden(kFile);
  for (const PrimitiveRow& row : primitive_rows())
    for (int64_t v = 0; v < row.variants; ++v) {
      const std::vector<Tensor> ours = row.run(cpu_backend(), v);
      for (size_t i = 0; i < ours.size(); ++i)
        golden.compare(row.name + "." + std::to_string(v) + ".out" + std::to_string(i), ours[i], DType::f32,
                       0, kGoldenBar);
    }
}

}  // namespace
}  // namespace cawe
