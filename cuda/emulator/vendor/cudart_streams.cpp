// SPDX-License-Identifier: Apache-2.0
// Streams, events and waiting.
#include <algorithm>

#include "cuda/emulator/vendor/streams.h"

namespace cawe::emulated {
namespace {

cudaError_t create_stream(cudaStream_t* stream, unsigned flags) {
  if (!stream) return refuse(cudaErrorInvalidValue, "the result's address is nullptr");
  if (flags != cudaStreamDefault && flags != cudaStreamNonBlocking)
    return refuse(cudaErrorInvalidValue, "flags ", flags, " (expected 0 or cudaStreamNonBlocking)");
  auto made = std::make_shared<Stream>();
  made->blocking = flags == cudaStreamDefault;
  state().streams.push_back(made);
  *stream = static_cast<cudaStream_t>(new_handle(made));
  return cudaSuccess;
}

cudaError_t create_event(cudaEvent_t* event, unsigned flags) {
  if (!event) return refuse(cudaErrorInvalidValue, "the result's address is nullptr");
  if (flags & ~(cudaEventBlockingSync | cudaEventDisableTiming))
    return refuse(cudaErrorInvalidValue, "flags ", flags,
                  " (expected cudaEventBlockingSync and cudaEventDisableTiming, or none)");
  auto made = std::make_shared<Event>();
  made->timing = !(flags & cudaEventDisableTiming);
  *event = static_cast<cudaEvent_t>(new_handle(made));
  return cudaSuccess;
}

cudaError_t record(Event& event, const StreamPtr& stream) {
  auto mark = std::make_shared<Mark>();
  mark->stream = stream;
  if (stream->capture) {
    if (stream->capture->invalid)
      return refuse(cudaErrorStreamCaptureInvalidated, "an earlier call broke this capture");
    mark->capture = stream->capture;
    mark->progress = stream->capture->progress[stream];
    event.mark = mark;
    return cudaSuccess;
  }
  mark->number = state().sequence + 1;
  const cudaError_t status = enqueue(stream, [mark] {
    mark->done = true;
    mark->when = std::chrono::steady_clock::now();
    return cudaSuccess;
  });
  mark->before = stream->clock;
  if (status == cudaSuccess) event.mark = mark;
  return status;
}

/// A stream waits for an event of a capture: it is part of the capture from now on.
cudaError_t join(const StreamPtr& stream, const Mark& mark) {
  if (mark.capture->ended)
    return refuse(cudaErrorCapturedEvent, "the event was last recorded in a capture that has ended");
  if (stream == state().legacy)
    return invalidate(*mark.stream, cudaErrorStreamCaptureImplicit, "the legacy stream cannot be captured");
  if (stream->capture && stream->capture != mark.capture)
    return invalidate(*stream, cudaErrorStreamCaptureIsolation, "the event belongs to another capture");
  stream->capture = mark.capture;
  Progress& progress = mark.capture->progress[stream];
  for (const auto& [other, reached] : mark.progress) {
    uint64_t& known = progress[other];
    known = std::max(known, reached);
  }
  return cudaSuccess;
}

cudaError_t wait_event(const StreamPtr& stream, const Event& event) {
  const std::shared_ptr<Mark> mark = event.mark;
  if (!mark) return cudaSuccess;
  if (stream->capture && stream->capture->invalid)
    return refuse(cudaErrorStreamCaptureInvalidated, "an earlier call broke this capture");
  if (mark->capture) return join(stream, *mark);
  if (stream->capture)
    return invalidate(*stream, cudaErrorStreamCaptureIsolation,
                      "the event was recorded outside of the capture");
  advance(stream->clock, mark->before);
  return enqueue(stream, [mark] {
    if (!mark->done) run_until(*mark->stream, mark->number);
    return cudaSuccess;
  });
}

/// What a host thread may not do with an event of a capture. The capture, where it still goes on, is invalid
/// then.
cudaError_t check_outside_capture(const Event& event) {
  if (!event.mark || !event.mark->capture) return cudaSuccess;
  event.mark->capture->invalid = true;
  return refuse(cudaErrorCapturedEvent, "the event was last recorded in a capture: nothing ever runs it");
}
cudaError_t check_may_wait(const Event& event) {
  const cudaError_t status = check_outside_capture(event);
  if (status != cudaSuccess) return status;
  return forbidden_by_capture() ? cudaErrorStreamCaptureUnsupported : cudaSuccess;
}

/// A capture that the stream itself is in forbids waiting in every mode.
cudaError_t check_may_wait(Stream& stream) {
  if (stream.capture)
    return invalidate(stream, cudaErrorStreamCaptureUnsupported,
                      "not allowed on a stream that is being captured");
  if (&stream == state().legacy.get())
    if (const cudaError_t status = check_legacy_use()) return status;
  return forbidden_by_capture() ? cudaErrorStreamCaptureUnsupported : cudaSuccess;
}

bool finished(Stream& stream) {
  bool idle = poll(stream);
  if (&stream == state().legacy.get())
    for (const StreamPtr& other : std::vector<StreamPtr>(state().streams))
      if (other->blocking) idle = poll(*other) && idle;
  return idle;
}

}  // namespace
}  // namespace cawe::emulated

CAWE_EMULATED_BEGIN

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cuda_call(__func__, [&] { return create_stream(stream, cudaStreamDefault); });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return cuda_call(__func__, [&] { return create_stream(stream, flags); });
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return cuda_release(__func__, [&]() -> cudaError_t {
    const auto found = find<Stream>(stream);
    if (!found) return cudaErrorInvalidResourceHandle;
    if (found->capture) invalidate(*found, cudaErrorStreamCaptureUnsupported, "the stream is being captured");
    found->destroyed = true;
    destroy<Stream>(stream);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return cuda_call(__func__, [&]() -> cudaError_t {
    const StreamPtr found = stream_of(stream);
    if (!found) return cudaErrorInvalidResourceHandle;
    if (const cudaError_t status = check_may_wait(*found)) return status;
    return wait_for(*found);
  });
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  return cuda_call(__func__, [&]() -> cudaError_t {
    const StreamPtr found = stream_of(stream);
    if (!found) return cudaErrorInvalidResourceHandle;
    if (const cudaError_t status = check_may_wait(*found)) return status;
    const bool idle = finished(*found);
    if (idle) advance(state().host, clock_of(*found));
    return state().sticky != cudaSuccess ? state().sticky : idle ? cudaSuccess : cudaErrorNotReady;
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags) {
  return cuda_call(__func__, [&]() -> cudaError_t {
    const StreamPtr waiting = stream_of(stream);
    const auto found = find<Event>(event);
    if (!waiting || !found) return cudaErrorInvalidResourceHandle;
    if (flags != 0) return refuse(cudaErrorInvalidValue, "flags ", flags, " (expected 0)");
    return wait_event(waiting, *found);
  });
}

cudaError_t cudaDeviceSynchronize() {
  return cuda_call(
      __func__, [] { return device_wait_forbidden() ? cudaErrorStreamCaptureUnsupported : wait_for_all(); });
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cuda_call(__func__, [&] { return create_event(event, cudaEventDefault); });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  return cuda_call(__func__, [&] { return create_event(event, flags); });
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return cuda_release(__func__,
                      [&] { return destroy<Event>(event) ? cudaSuccess : cudaErrorInvalidResourceHandle; });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return cuda_call(__func__, [&]() -> cudaError_t {
    const StreamPtr where = stream_of(stream);
    const auto found = find<Event>(event);
    if (!where || !found) return cudaErrorInvalidResourceHandle;
    return record(*found, where);
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return cuda_call(__func__, [&]() -> cudaError_t {
    const auto found = find<Event>(event);
    if (!found) return cudaErrorInvalidResourceHandle;
    if (const cudaError_t status = check_may_wait(*found)) return status;
    if (found->mark && !found->mark->done) run_until(*found->mark->stream, found->mark->number);
    if (found->mark) advance(state().host, found->mark->before);
    return state().sticky;
  });
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  return cuda_call(__func__, [&]() -> cudaError_t {
    const auto found = find<Event>(event);
    if (!found) return cudaErrorInvalidResourceHandle;
    if (const cudaError_t status = check_may_wait(*found)) return status;
    if (!found->mark) return cudaSuccess;
    if (found->mark->done) {
      advance(state().host, found->mark->before);
      return cudaSuccess;
    }
    poll(*found->mark->stream, found->mark->number);
    return state().sticky != cudaSuccess ? state().sticky : cudaErrorNotReady;
  });
}

cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t start, cudaEvent_t end) {
  return cuda_call(__func__, [&]() -> cudaError_t {
    if (!ms) return refuse(cudaErrorInvalidValue, "the result's address is nullptr");
    const auto first = find<Event>(start), last = find<Event>(end);
    if (!first || !last) return cudaErrorInvalidResourceHandle;
    if (!first->timing || !last->timing)
      return refuse(cudaErrorInvalidResourceHandle, "an event was created with cudaEventDisableTiming");
    if (!first->mark || !last->mark)
      return refuse(cudaErrorInvalidResourceHandle, "an event was never recorded");
    for (const auto& event : {first, last})
      if (const cudaError_t status = check_outside_capture(*event)) return status;
    if (!first->mark->done || !last->mark->done) return cudaErrorNotReady;
    *ms = std::chrono::duration<float, std::milli>(last->mark->when - first->mark->when).count();
    return cudaSuccess;
  });
}

CAWE_EMULATED_END
