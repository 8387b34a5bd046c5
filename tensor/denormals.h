// SPDX-License-Identifier: Apache-2.0
// Numbers below the smallest normal one (1.2e-38 in f32): where they count as 0 and where they do not.
// docs/adr/0009-denormals-are-zero.md has the reasons.
#pragma once

namespace cawe {

/// From here on they count as 0, in this thread, in the threads that it starts, and in its parallel tasks. A
/// CPU takes ten times as long for a convolution over gradients that vanish; they are far below any rounding
/// error. Every program calls it first, so that all its threads agree; so do the tests of what a command does
/// (tests/program_main.cpp).
void flush_denormals();

/// Whether they count as 0 in this thread.
bool denormals_are_flushed();

/// While it lives, this thread and its parallel tasks compute as IEEE 754 says, and as a GPU does: for what
/// decides (order, overlaps, matching), what is judged by (metrics, references of tests) and what stands in
/// for a GPU (the emulated device). Costs some ten nanoseconds.
class KeepDenormals {
 public:
  KeepDenormals();
  ~KeepDenormals();
  KeepDenormals(const KeepDenormals&) = delete;
  KeepDenormals& operator=(const KeepDenormals&) = delete;

 private:
  bool flushed_before_;
};

namespace detail {
/// For the pool: a task runs in the mode of the thread that started it.
void set_flush_denormals(bool flush);
}  // namespace detail

}  // namespace cawe
