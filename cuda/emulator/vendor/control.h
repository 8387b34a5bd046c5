// SPDX-License-Identifier: Apache-2.0
// What tests ask of the emulated runtime: when work runs, what shall fail, what was wrong, what is left.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace cawe::emulated {

/// When the work of streams runs. lazy: only where something waits for it, of streams that nothing orders the
/// oldest first; lazy_newest_first: the other way round; eager: within the call that queues it.
enum class Schedule : uint8_t { lazy, lazy_newest_first, eager };

struct Options {
  Schedule schedule = Schedule::lazy;
  size_t device_bytes = size_t{4} << 30;  ///< of memory that cudaMalloc gives out
  int devices = 1;                        ///< 0: as on a machine without one
  /// Libraries round f32 inputs to TF32 where the caller lets them (10 bits of mantissa), as GPUs from sm_80
  /// on do.
  bool tf32 = true;
  /// Work is checked when it is queued and counted, but computes nothing: what comes to the host is 0. For counting
  /// what full-size networks ask of a device.
  bool dry = false;
};
/// Set them while nothing is queued and no other thread is inside a call.
Options& options();

enum class Fault : uint8_t {
  device_memory,  ///< cudaMalloc says cudaErrorMemoryAllocation
  host_memory,    ///< cudaMallocHost says so
  launch,  ///< a kernel is refused: cudaErrorLaunchOutOfResources in cudaGetLastError, nothing is queued
  asynchronous,  ///< queued work fails when it runs: cudaErrorIllegalAddress from the next wait on, for good
  workspace,     ///< a library call that was given a workspace says "not supported"
  algorithm,     ///< a cuDNN convolution says "not supported"
  product,       ///< a product of cuBLASLt says "not supported"
  plan,          ///< a plan of cuDNN's backend interface cannot be finalized
  internal,      ///< a plan of that interface, or a cuDNN convolution, says "internal error"
  notes,         ///< an engine of that interface does not tell its notes
  answer         ///< an attribute of an engine or plan is read, and has no values
};
/// The n-th next chance for `fault` is taken, and `times` - 1 more after it. `algorithm`: only convolutions
/// by that one count (the value of the vendor's enumeration, or an engine's global index), -1: all.
void inject(Fault fault, int nth = 1, int times = 1, int algorithm = -1);

/// Why the last call was refused, or what the last work did wrong; "" where all went well. Some findings are
/// complaints without an error, because a driver would let them pass too: see README.md.
std::string last_complaint();
/// How many complaints there were.
uint64_t complaints();

/// Complaints about uses of the same bytes that nothing orders, and about pinned sources that the host rewrote
/// before their copy: the first ones, each text once.
std::vector<std::string> unordered_uses();

/// What is still alive, one a line: device and pinned memory, streams, events, graphs, handles, descriptors.
std::vector<std::string> leaks();

/// How often the entry point was called; "kernel launch" counts the launches.
uint64_t calls(const std::string& name);

/// What was asked of the device, by what runs it: queued, or written into a graph.
struct Traffic {
  struct Copies {
    uint64_t count = 0, bytes = 0;
  };
  std::map<std::string, uint64_t> launches;  ///< of kernels, by name
  uint64_t convolutions = 0, products = 0;   ///< calls of cuDNN and cuBLASLt that compute
  uint64_t fills = 0;                        ///< cudaMemset and its kin
  Copies to_device, to_host, within;         ///< the host waits for each that comes to it
  uint64_t graph_launches = 0;
};
/// Since the last call.
Traffic take_traffic();

/// Pieces of work that wait on streams.
size_t pending();

/// Everything as when the program started: queues dropped, memory released, all handles dead, options at
/// their defaults.
void reset_for_tests();

}  // namespace cawe::emulated
