// SPDX-License-Identifier: Apache-2.0
// Running work on demand, in an order that a device could have chosen.
#include "cuda/emulator/vendor/streams.h"

#include <algorithm>

#include "tensor/denormals.h"

namespace cawe::emulated {
namespace {

void execute(const Queued& piece) {
  State& s = state();
  if (s.sticky != cudaSuccess) return;
  const KeepDenormals as_a_gpu_does;
  const std::string caller = std::exchange(s.call, piece.call);
  const Piece outer = s.running;
  if (piece.number != 0) s.running = {piece.stream, piece.number, piece.before};  // else a graph's node
  cudaError_t status = cudaSuccess;
  if (due(Fault::asynchronous)) {
    status = refuse(cudaErrorIllegalAddress, "an injected fault");
  } else {
    try {
      status = piece.work();
    } catch (const std::exception& error) {
      status = refuse(cudaErrorLaunchFailure, error.what());
    }
  }
  s.call = caller;
  s.running = outer;
  s.sticky = status;
}

/// Streams without a handle stay as long as they have work.
void forget_finished() {
  auto& streams = state().streams;
  streams.erase(std::remove_if(streams.begin(), streams.end(),
                               [](const StreamPtr& s) { return s->destroyed && s->queue.empty(); }),
                streams.end());
}

void run_streams(bool only_blocking, uint64_t number) {
  std::vector<StreamPtr> order = state().streams;
  if (state().options.schedule == Schedule::lazy_newest_first) std::reverse(order.begin(), order.end());
  for (const StreamPtr& stream : order)
    if (stream->blocking || !only_blocking) run_until(*stream, number);
}

/// What the first piece of a stream's work has to wait for, besides events.
void run_before_front(Stream& stream) {
  const uint64_t before = stream.queue.front().number - 1;
  if (&stream == state().legacy.get())
    run_streams(true, before);
  else if (stream.blocking)
    run_until(*state().legacy, before);
}

void run_front(Stream& stream) {
  run_before_front(stream);
  const Queued piece = std::move(stream.queue.front());
  stream.queue.pop_front();
  execute(piece);
}

/// Whether the capture concerns a blocking stream: the legacy stream would have to wait for it.
bool involves_blocking(const Capture& capture) {
  return std::any_of(capture.progress.begin(), capture.progress.end(),
                     [](const auto& entry) { return entry.first->blocking; });
}

/// The stream's clock, brought forward to a piece of work with this number.
const Clock& come_after_all_before(Stream& stream, uint64_t number) {
  const State& s = state();
  advance(stream.clock, s.host);
  if (&stream != s.legacy.get()) {
    if (stream.blocking) advance(stream.clock, s.legacy->clock);
  } else {
    for (const StreamPtr& other : s.streams)
      if (other->blocking) advance(stream.clock, other->clock);
  }
  stream.clock[stream.id] = number;
  return stream.clock;
}

cudaError_t write_down(const StreamPtr& stream, Work work) {
  Capture& capture = *stream->capture;
  if (capture.invalid) return refuse(cudaErrorStreamCaptureInvalidated, "an earlier call broke this capture");
  Progress& progress = capture.progress[stream];
  ++progress[stream];
  Queued node{0, state().call, std::move(work), stream->id, {}};
  for (const auto& [other, reached] : progress) node.before[other->id] = reached;
  capture.nodes.push_back(std::move(node));
  return cudaSuccess;
}

}  // namespace

uint64_t new_stream_id() {
  static uint64_t made = 0;
  return ++made;
}

StreamPtr stream_of(cudaStream_t handle) { return handle ? find<Stream>(handle) : state().legacy; }

cudaError_t enqueue(const StreamPtr& stream, Work work) {
  if (stream->capture) return write_down(stream, std::move(work));
  State& s = state();
  if (stream == s.legacy)
    if (const cudaError_t status = check_legacy_use()) return status;
  const uint64_t number = ++s.sequence;
  stream->queue.push_back(
      {number, s.call, std::move(work), stream->id, come_after_all_before(*stream, number)});
  if (s.options.schedule == Schedule::eager) run_until(*stream, s.sequence);
  return cudaSuccess;
}

cudaError_t run_nodes(const GraphExec& graph, uint64_t base) {
  const Piece launch = state().running;
  for (const Queued& node : graph.nodes) {
    if (!graph.branches.empty()) {
      Clock before = launch.before;
      for (const auto& [stream, reached] : node.before) before[graph.branches.at(stream)] = base + reached;
      const uint64_t branch = graph.branches.at(node.stream);
      state().running = {branch, before[branch], before};
    }
    execute(node);
  }
  return state().sticky;
}

void run_until(Stream& stream, uint64_t number) {
  while (!stream.queue.empty() && stream.queue.front().number <= number) run_front(stream);
}

Clock clock_of(const Stream& stream) {
  Clock clock = stream.clock;
  if (&stream == state().legacy.get())
    for (const StreamPtr& other : state().streams)
      if (other->blocking) advance(clock, other->clock);
  return clock;
}

cudaError_t wait_for(Stream& stream) {
  if (&stream == state().legacy.get()) run_streams(true, ~uint64_t{0});
  run_until(stream, ~uint64_t{0});
  advance(state().host, clock_of(stream));
  forget_finished();
  return state().sticky;
}

cudaError_t wait_for_all() {
  run_until(*state().legacy, ~uint64_t{0});
  run_streams(false, ~uint64_t{0});
  advance(state().host, state().legacy->clock);
  for (const StreamPtr& stream : state().streams) advance(state().host, stream->clock);
  forget_finished();
  return state().sticky;
}

bool poll(Stream& stream, uint64_t number) {
  if (stream.queue.empty() || stream.queue.front().number > number) return true;
  run_front(stream);
  return false;
}

void drop_all_work() {
  State& s = state();
  for (const StreamPtr& stream : s.streams) {
    stream->queue.clear();
    stream->capture.reset();
  }
  s.legacy->queue.clear();
  s.legacy->clock.clear();
  s.host.clear();
  s.running = {};
  forget_all_uses();
  for (const auto& capture : s.captures) {
    capture->progress.clear();
    capture->origin.reset();
  }
  s.streams.clear();
  s.captures.clear();
}

bool forbidden_by_capture() {
  bool forbidden = false;
  for (const auto& capture : state().captures) {
    const bool concerns =
        capture->mode == cudaStreamCaptureModeGlobal ||
        (capture->mode == cudaStreamCaptureModeThreadLocal && capture->thread == std::this_thread::get_id());
    if (!concerns) continue;
    capture->invalid = forbidden = true;
  }
  if (forbidden) complain("not allowed while a stream is being captured");
  return forbidden;
}

bool device_wait_forbidden() {
  if (state().captures.empty()) return false;
  for (const auto& capture : state().captures) capture->invalid = true;
  complain("waits for the whole device, and a stream is being captured");
  return true;
}

cudaError_t check_legacy_use() {
  for (const auto& capture : state().captures)
    if (involves_blocking(*capture)) {
      capture->invalid = true;
      return refuse(
          cudaErrorStreamCaptureImplicit,
          "the legacy stream waits for blocking streams, and one of them is being captured; use another "
          "stream or cudaStreamNonBlocking");
    }
  return cudaSuccess;
}

cudaError_t invalidate(Stream& stream, cudaError_t status, const char* why) {
  stream.capture->invalid = true;
  return refuse(status, why);
}

void queue_launch(void* handle, const char* kernel, std::function<void()> launch) {
  const Entry entry("kernel launch");
  State& s = state();
  if (s.sticky != cudaSuccess) return;
  s.call = kernel;
  if (due(Fault::launch)) {
    remember(refuse(cudaErrorLaunchOutOfResources, "an injected fault"));
    return;
  }
  const StreamPtr stream = stream_of(static_cast<cudaStream_t>(handle));
  if (!stream) {
    remember(cudaErrorInvalidResourceHandle);
    return;
  }
  ++s.traffic.launches[kernel];
  remember(enqueue(stream, [launch = std::move(launch)] {
    if (!state().options.dry) run_kernel(launch);
    return cudaSuccess;
  }));
}

void refuse_launch(simt::Refusal kind, const char* kernel, const std::string& why) {
  const Entry entry("kernel launch");
  if (state().sticky != cudaSuccess) return;
  state().call = kernel;
  constexpr cudaError_t kErrors[] = {cudaErrorInvalidConfiguration, cudaErrorInvalidValue,
                                     cudaErrorNoKernelImageForDevice};
  remember(refuse(kErrors[size_t(kind)], why));
}

void set_launch_check(void (*check)(const char* kernel)) {
  simt::set_launch_check(check ? check : [](const char*) {});
}

}  // namespace cawe::emulated
