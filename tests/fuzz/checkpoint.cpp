// SPDX-License-Identifier: Apache-2.0
// Checkpoints: whatever is read must be written again as the same bytes.
#include "train/checkpoint.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cawe;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  fuzz::expect_result_or_data_error(
      [&] { FUZZ_CHECK(train::checkpoint_bytes(train::parse_checkpoint(bytes, "fuzz")) == bytes); });
  return 0;
}
