// SPDX-License-Identifier: Apache-2.0
// Linked with one kernel file that has a mistake in it (CMakeLists.txt): succeeds where the family's cases
// notice.
#include <cstdio>

#include "cuda/lab/cases/run.h"
#include "cuda/lab/mutants/one_number.h"
#include "tensor/error.h"

void cawe::throw_number_left_out() { throw NumberLeftOut(); }

int main(int argc, char** argv) {
  using namespace cawe;
  const std::string filter = argc > 1 ? argv[1] : "";
  const auto cases = on_emulator::cases_matching(filter);
  if (cases.empty()) {
    std::printf("no case matches '%s'\n", filter.c_str());
    return 2;
  }
  int judged = 0;
  for (const uint64_t seed : {0, 1, 7})
    for (const on_emulator::Case* each : cases) {
      try {
        const auto result = on_emulator::run_case(*each, seed, simt::Level::profile);
        ++judged;
        if (result.complaints.empty()) continue;
        std::printf("caught by %s %s, seed %llu: %s\n", each->name.c_str(), each->shape.c_str(),
                    static_cast<unsigned long long>(seed), result.complaints[0].c_str());
      } catch (const NumberLeftOut&) {
        continue;
      } catch (const Error& e) {
        std::printf("caught by %s %s: %s\n", each->name.c_str(), each->shape.c_str(), e.what());
      }
      return 0;
    }
  std::printf("NOT caught in %d runs of %zu cases under three seeds\n", judged, cases.size());
  return 1;
}
