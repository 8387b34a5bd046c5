// SPDX-License-Identifier: Apache-2.0
// Stream capture, and graphs as lists of work with the arguments that it was captured with.
#include <algorithm>

#include "cuda/emulator/vendor/streams.h"

namespace cawe::emulated {
namespace {

cudaError_t begin_capture(const StreamPtr& stream, cudaStreamCaptureMode mode) {
  if (stream == state().legacy)
    return refuse(cudaErrorStreamCaptureUnsupported, "the legacy stream cannot be captured; create a stream");
  if (stream->capture) return refuse(cudaErrorIllegalState, "the stream is being captured already");
  auto capture = std::make_shared<Capture>();
  capture->mode = mode;
  capture->thread = std::this_thread::get_id();
  capture->origin = stream;
  capture->progress[stream];
  stream->capture = capture;
  state().captures.push_back(capture);
  return cudaSuccess;
}

/// A stream of the capture whose last work the origin has not waited for.
bool all_joined(Capture& capture) {
  Progress& known = capture.progress[capture.origin];
  return std::all_of(capture.progress.begin(), capture.progress.end(), [&](auto& entry) {
    const StreamPtr& stream = entry.first;
    return entry.second[stream] <= known[stream];
  });
}

void leave(const std::shared_ptr<Capture>& capture) {
  for (const auto& [stream, progress] : capture->progress) stream->capture.reset();
  capture->progress.clear();
  capture->origin.reset();
  capture->ended = true;
  auto& captures = state().captures;
  captures.erase(std::find(captures.begin(), captures.end(), capture));
}

cudaError_t end_capture(const StreamPtr& stream, cudaGraph_t* graph) {
  const std::shared_ptr<Capture> capture = stream->capture;
  if (!capture) return refuse(cudaErrorIllegalState, "the stream is not being captured");
  if (stream != capture->origin) {
    capture->invalid = true;
    return refuse(cudaErrorStreamCaptureUnmatched, "the capture began on another stream; end it there");
  }
  if (capture->mode != cudaStreamCaptureModeRelaxed && capture->thread != std::this_thread::get_id())
    return refuse(cudaErrorStreamCaptureWrongThread, "the capture began on another host thread");
  const bool invalid = capture->invalid, joined = all_joined(*capture);
  leave(capture);
  if (invalid) return refuse(cudaErrorStreamCaptureInvalidated, "an earlier call broke this capture");
  if (!joined)
    return refuse(cudaErrorStreamCaptureUnjoined,
                  "a stream that waited for an event of the capture was not waited for in turn");
  auto made = std::make_shared<Graph>();
  made->nodes = std::move(capture->nodes);
  *graph = static_cast<cudaGraph_t>(new_handle(made));
  return cudaSuccess;
}

void make_branches(GraphExec& graph) {
  for (const Queued& node : graph.nodes)
    for (const auto& [stream, reached] : node.before) graph.branches.emplace(stream, 0);
  if (graph.branches.size() < 2) graph.branches.clear();
  for (auto& [stream, branch] : graph.branches) branch = new_stream_id();
}

cudaError_t launch_graph(const std::shared_ptr<GraphExec>& graph, const StreamPtr& stream) {
  if (graph->branches.empty()) return enqueue(stream, [graph] { return run_nodes(*graph, 0); });
  if (stream->capture) {  // part of a graph itself: its nodes have no places there
    auto plain = std::make_shared<GraphExec>(*graph);
    plain->branches.clear();
    return enqueue(stream, [plain] { return run_nodes(*plain, 0); });
  }
  const uint64_t base = state().sequence;
  state().sequence += graph->nodes.size();
  const cudaError_t status = enqueue(stream, [graph, base] { return run_nodes(*graph, base); });
  // Whoever comes after the launch comes after all branches.
  for (const auto& [captured, branch] : graph->branches) stream->clock[branch] = base + graph->nodes.size();
  return status;
}

}  // namespace
}  // namespace cawe::emulated

CAWE_EMULATED_BEGIN

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  return cuda_call(__func__, [&]() -> cudaError_t {
    const StreamPtr found = stream_of(stream);
    return found ? begin_capture(found, mode) : cudaErrorInvalidResourceHandle;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  return cuda_call(__func__, [&]() -> cudaError_t {
    if (!graph) return refuse(cudaErrorInvalidValue, "the result's address is nullptr");
    *graph = nullptr;
    const StreamPtr found = stream_of(stream);
    return found ? end_capture(found, graph) : cudaErrorInvalidResourceHandle;
  });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  return cuda_call(__func__, [&]() -> cudaError_t {
    if (!status) return refuse(cudaErrorInvalidValue, "the result's address is nullptr");
    const StreamPtr found = stream_of(stream);
    if (!found) return cudaErrorInvalidResourceHandle;
    *status = !found->capture           ? cudaStreamCaptureStatusNone
              : found->capture->invalid ? cudaStreamCaptureStatusInvalidated
                                        : cudaStreamCaptureStatusActive;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long flags) {
  return cuda_call(__func__, [&]() -> cudaError_t {
    if (!exec) return refuse(cudaErrorInvalidValue, "the result's address is nullptr");
    if (flags != 0) return refuse(cudaErrorInvalidValue, "flags ", flags, " (expected 0)");
    const auto found = find<Graph>(graph);
    if (!found) return cudaErrorInvalidValue;
    auto made = std::make_shared<GraphExec>();
    made->nodes = found->nodes;
    make_branches(*made);
    *exec = static_cast<cudaGraphExec_t>(new_handle(made));
    return cudaSuccess;
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  return cuda_call(__func__, [&]() -> cudaError_t {
    const auto found = find<GraphExec>(exec);
    const StreamPtr where = stream_of(stream);
    if (!found) return cudaErrorInvalidValue;
    if (!where) return cudaErrorInvalidResourceHandle;
    ++state().traffic.graph_launches;
    return launch_graph(found, where);
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return cuda_release(__func__, [&] { return destroy<Graph>(graph) ? cudaSuccess : cudaErrorInvalidValue; });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  return cuda_release(__func__,
                      [&] { return destroy<GraphExec>(exec) ? cudaSuccess : cudaErrorInvalidValue; });
}

CAWE_EMULATED_END
