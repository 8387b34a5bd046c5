// SPDX-License-Identifier: Apache-2.0
// The operator table on the device: every operator in f32, f64, f16 and bf16 against the CPU, f32 against
// PyTorch's numbers; what decides must have the CPU's bits.
#include <cmath>

#include "autograd/operator_table.h"
#include "tests/cuda/device.h"

namespace cawe {
namespace {

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const OperatorRow& row : operator_rows()) all.push_back(row.name);
  for (const PrimitiveRow& row : primitive_rows()) all.push_back(row.name);
  return all;
}

class DeviceOperators : public DeviceTest, public testing::WithParamInterface<std::string> {};
INSTANTIATE_TEST_SUITE_P(, DeviceOperators, testing::ValuesIn(names()),
                         [](const auto& i) { return i.param; });

TEST_P(DeviceOperators, AgreesWithTheCpu) {
  int found = 0;
  for (const DeviceReport& r : check_operators_on(kDevice, GetParam(), "tests/goldens/operators.txt")) {
    if (r.name != GetParam()) continue;  // the filter also finds longer names
    ++found;
    EXPECT_TRUE(r.passed()) << device_operators_text(kDevice, {r});
  }
  EXPECT_EQ(found, 1);
}

}  // namespace
}  // namespace cawe
