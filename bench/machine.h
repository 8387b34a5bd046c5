// SPDX-License-Identifier: Apache-2.0
// What the programs that time a GPU ask of it. Apart from them, so that a test can run all of them on a device that
// computes nothing (tests/bench/counted_machine.cpp): a bench that cannot run wastes the minutes for which there is a GPU.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tensor/io/json.h"
#include "tensor/primitives/backend.h"

namespace cawe::bench {

/// The device that is timed.
class Machine {
 public:
  virtual ~Machine() = default;
  virtual Device device() const = 0;
  /// Of each of `count` launches, by the device's clock. Before each, memory of several times its cache is written and then
  /// read, so that the cache holds neither an operand nor anything that must be written back; this takes so long that all of a
  /// launch is queued by then.
  virtual std::vector<double> microseconds(int count, const std::function<void()>& launch) = 0;
  /// At most how often a step is made in a round.
  virtual int most_steps() const { return 100; }
  /// Memory at its largest since the last call, bytes.
  virtual int64_t take_peak() = 0;
  /// A profiler looks at what is queued between the two.
  virtual void profile(bool on) = 0;
  /// Returns memory that no tensor holds.
  virtual void trim() = 0;
  /// Whether the device can do nothing any more.
  virtual bool lost() = 0;
  /// Adds what else is to be said of the case that was timed last.
  virtual void tell(Json* line) = 0;
};

/// The exit code of a program whose device was lost. It does not go down in order, which would fail.
constexpr int kLost = 9;

/// nullptr, and why, where there is no GPU.
std::unique_ptr<Machine> machine(std::string* why);
/// The machine, on whose device networks are put from now on. Without a GPU it says so, and the program ends with 77.
inline std::unique_ptr<Machine> need_machine() {
  std::string why;
  std::unique_ptr<Machine> found = machine(&why);
  if (!found) {
    std::fprintf(stderr, "no GPU: %s\n", why.c_str());
    std::exit(77);
  }
  set_compute_device(found->device());
  return found;
}

/// Does the work; where it fails, says why under `name`, so that what comes behind it is done. Ends the program where the
/// device is lost.
void attempt(Machine& machine, const std::string& name, const std::function<void()>& work);

/// Prints a line, at once: a later case may lose the device.
void say(const Json& line);

/// Says that part `number` begins: whoever sees the program hang or die there goes on with --from number + 1.
void say_begins(size_t number);
/// Says it again if nothing was said for two seconds. For whoever takes a silence for a hang: to be called where a second may
/// have passed.
void say_goes_on();

}  // namespace cawe::bench
