// SPDX-License-Identifier: Apache-2.0
#include "bench/machine.h"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace cawe::bench {

void say(const Json& line) {
  std::printf("%s\n", json_text(line).c_str());
  std::fflush(stdout);
}

void say_begins(size_t number) { say({{"begin", number}}); }

}  // namespace cawe::bench
