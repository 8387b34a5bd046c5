// SPDX-License-Identifier: Apache-2.0
#include "bench/machine.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace cawe::bench {
namespace {

using Clock = std::chrono::steady_clock;
Clock::time_point said = Clock::now();
size_t part = 0;

}  // namespace

void attempt(Machine& machine, const std::string& name, const std::function<void()>& work) {
  try {
    work();
  } catch (const std::exception& e) {
    say({{"case", name}, {"failed", e.what()}});
  }
  if (machine.lost()) std::_Exit(kLost);
  machine.trim();
}

void say(const Json& line) {
  std::printf("%s\n", json_text(line).c_str());
  std::fflush(stdout);
  said = Clock::now();
}

void say_begins(size_t number) {
  part = number;
  say({{"begin", number}});
}

void say_goes_on() {
  if (Clock::now() - said > std::chrono::seconds(2)) say_begins(part);
}

}  // namespace cawe::bench
