// SPDX-License-Identifier: Apache-2.0
// Linked with one kernel file that has a mistake in it (CMakeLists.txt): succeeds where the family's rows
// notice.
#include <cstdio>

#include "cuda/lab/cases/run.h"
#include "tensor/error.h"

int main(int argc, char** argv) {
  using namespace cawe;
  const std::string filter = argc > 1 ? argv[1] : "";
  const auto rows = on_emulator::rows_matching(filter);
  if (rows.empty()) {
    std::printf("no row matches '%s'\n", filter.c_str());
    return 2;
  }
  for (const uint64_t seed : {0, 1, 7})
    for (const on_emulator::Row* row : rows) {
      try {
        const auto result = on_emulator::run_row(*row, seed, simt::Level::profile);
        if (result.complaints.empty()) continue;
        std::printf("caught by %s %s, seed %llu: %s\n", row->name.c_str(), row->shape.c_str(),
                    static_cast<unsigned long long>(seed), result.complaints[0].c_str());
      } catch (const Error& e) {
        std::printf("caught by %s %s: %s\n", row->name.c_str(), row->shape.c_str(), e.what());
      }
      return 0;
    }
  std::printf("NOT caught by %zu rows under three seeds\n", rows.size());
  return 1;
}
