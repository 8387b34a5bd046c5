// SPDX-License-Identifier: Apache-2.0
// Queues of work, the order between them, and captures. Internal; called with the lock held.
//
// Work gets a number when it is queued. A stream runs its work by number; before work of the legacy stream,
// all work of blocking streams with smaller numbers runs, and the other way round; an event's wait runs the
// stream that it was recorded in up to the record. Waits always point to smaller numbers, so that running on
// demand ends.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <thread>

#include "cuda/emulator/simt/emulator.h"
#include "cuda/emulator/vendor/state.h"

namespace cawe::emulated {

using Work = std::function<cudaError_t()>;

struct Queued {
  uint64_t number = 0;
  std::string call;  ///< the entry point that queued it
  Work work;
  uint64_t stream = 0;  ///< its id
  Clock before;  ///< what this comes after, itself included; in a capture by the places of nodes in streams
};

uint64_t new_stream_id();

struct Stream : Object {
  static constexpr const char* kKind = "stream";
  const char* kind() const override { return kKind; }
  bool blocking = true;  ///< waits for the legacy stream and is waited for by it
  bool destroyed = false;
  const uint64_t id = new_stream_id();
  Clock clock;  ///< what comes before work that is queued from now on
  std::deque<Queued> queue;
  std::shared_ptr<Capture> capture;
};
using StreamPtr = std::shared_ptr<Stream>;

/// How far a captured stream has come in each stream of its capture.
using Progress = std::map<StreamPtr, uint64_t>;

/// A call of cudaEventRecord.
struct Mark {
  StreamPtr stream;
  uint64_t number = 0;
  bool done = false;
  std::chrono::steady_clock::time_point when;
  Clock before;                      ///< what comes before whoever waits for it
  std::shared_ptr<Capture> capture;  ///< recorded into a capture: `progress` then
  Progress progress;
};

struct Event : Object {
  static constexpr const char* kKind = "event";
  const char* kind() const override { return kKind; }
  bool timing = true;
  std::shared_ptr<Mark> mark;  ///< of the last record
};

/// Work that is written down instead of queued. Nodes are in the order of their calls: every order that its
/// edges allow is as good, and this one is.
struct Capture {
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::thread::id thread;
  StreamPtr origin;
  bool invalid = false, ended = false;
  std::vector<Queued> nodes;
  std::map<StreamPtr, Progress> progress;
};

struct Graph : Object {
  static constexpr const char* kKind = "graph";
  const char* kind() const override { return kKind; }
  std::vector<Queued> nodes;
};
struct GraphExec : Object {
  static constexpr const char* kKind = "executable graph";
  const char* kind() const override { return kKind; }
  std::vector<Queued> nodes;
  /// Captured from several streams: an id of its own for each of their ids. Else empty, and the nodes are work
  /// of the stream that the graph is launched in.
  std::map<uint64_t, uint64_t> branches;
};

/// The stream of a handle (nullptr: the legacy stream), or an empty pointer and a complaint.
StreamPtr stream_of(cudaStream_t handle);

/// Queues work, or writes it down where the stream is captured.
cudaError_t enqueue(const StreamPtr& stream, Work work);
/// Runs what a capture wrote down. Nodes of branches are pieces of work with numbers from `base` on.
cudaError_t run_nodes(const GraphExec& graph, uint64_t base);

/// Runs the stream's work with numbers up to `number`, and first what it waits for.
void run_until(Stream& stream, uint64_t number);
/// Runs all work of the stream; of the legacy stream, that of all blocking ones too.
cudaError_t wait_for(Stream& stream);
cudaError_t wait_for_all();
/// What comes before whoever has waited for the stream.
Clock clock_of(const Stream& stream);
/// Whether nothing is left; else runs one piece, so that who polls gets on.
bool poll(Stream& stream, uint64_t number = ~uint64_t{0});
void drop_all_work();

/// Whether a call that no capture allows is made during one; the capture is invalid then.
bool forbidden_by_capture();
/// The same of a call that waits for the whole device: no mode of a capture allows it.
bool device_wait_forbidden();
/// Whether the legacy stream may be used or waited for: not while a stream that it waits for is captured.
cudaError_t check_legacy_use();
/// Makes the stream's capture invalid and returns `status` with a complaint.
cudaError_t invalidate(Stream& stream, cudaError_t status, const char* why);

/// The emulator's submitter: a kernel launch.
void queue_launch(void* stream, const char* kernel, std::function<void()> launch);
/// Its refuser: the launch is an error of this host thread, and nothing is queued.
void refuse_launch(simt::Refusal kind, const char* kernel, const std::string& why);

}  // namespace cawe::emulated
