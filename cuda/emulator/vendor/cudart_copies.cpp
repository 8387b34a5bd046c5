// SPDX-License-Identifier: Apache-2.0
// Copies and fills. Which of them wait: the chapter "API synchronization behavior" of the CUDA runtime's
// manual; where it lets a driver choose, pageable sources are staged at once and the rest of the copy waits
// for its stream.
#include <cstring>

#include "cuda/emulator/simt/emulator.h"
#include "cuda/emulator/vendor/memory.h"
#include "cuda/emulator/vendor/streams.h"

namespace cawe::emulated {
namespace {

/// `height` rows of `width` bytes; a plain copy is one row.
struct Copy {
  char* dst;
  size_t dst_pitch;
  const char* src;
  size_t src_pitch;
  size_t width, height;
  size_t span(size_t pitch) const { return width == 0 || height == 0 ? 0 : (height - 1) * pitch + width; }
};

Copy one_row(void* dst, const void* src, size_t bytes) {
  return {static_cast<char*>(dst), bytes, static_cast<const char*>(src), bytes, bytes, 1};
}

/// A dry device has nothing to give.
void zero_rows(const Copy& c) {
  if (!simt::in_arena(c.dst))
    for (size_t row = 0; row < c.height; ++row) std::memset(c.dst + row * c.dst_pitch, 0, c.width);
}

/// Rows of a narrow copy are too many to be remembered.
void note_rows(const char* p, size_t pitch, const Copy& c, bool writes) {
  constexpr size_t kMostRows = 64;
  if (pitch == c.width) return note_use(p, c.span(pitch), writes);
  if (c.height > kMostRows) return;
  for (size_t row = 0; row < c.height; ++row) note_use(p + row * pitch, c.width, writes);
}

void move_rows(const Copy& c) {
  if (state().options.dry) return zero_rows(c);
  note_rows(c.src, c.src_pitch, c, false);
  note_rows(c.dst, c.dst_pitch, c, true);
  const simt::HostAccess access;
  const bool from_device = simt::in_arena(c.src), to_device = simt::in_arena(c.dst);
  for (size_t row = 0; row < c.height; ++row) {
    char* dst = c.dst + row * c.dst_pitch;
    const char* src = c.src + row * c.src_pitch;
    std::memcpy(dst, src, c.width);
    if (from_device && to_device)
      copy_written(dst, src, c.width);
    else if (to_device)
      simt::mark_written(dst, c.width);
    else if (const void* hole = from_device ? first_unwritten(src, c.width) : nullptr)
      complain_unwritten("the source", size_t(static_cast<const char*>(hole) - src), c.width);
  }
}

bool check_blocks(const Copy& c) {
  const bool source = check_range("the source", c.src, c.span(c.src_pitch));
  return check_range("the destination", c.dst, c.span(c.dst_pitch)) && source;
}

/// A copy whose blocks may have been freed meanwhile (a graph's). `from` and `to` are what they were when it
/// was queued.
cudaError_t run_copy(const Copy& c, Place from, Place to) {
  if (place_of(c.src) != from || place_of(c.dst) != to)
    return refuse(cudaErrorIllegalAddress, "pinned memory was freed before the copy ran");
  if (!check_blocks(c)) return cudaErrorIllegalAddress;
  move_rows(c);
  return cudaSuccess;
}

/// By cudaMemcpyKind.
constexpr const char* kDirections[] = {"host to host", "host to device", "device to host",
                                       "device to device"};

cudaMemcpyKind direction(bool from_device, bool to_device) {
  return cudaMemcpyKind(int(from_device) * 2 + int(to_device));
}

cudaError_t check_kind(cudaMemcpyKind kind, bool from_device, bool to_device) {
  if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault)
    return refuse(cudaErrorInvalidMemcpyDirection, "kind ", int(kind), " (expected 0 to 4)");
  const cudaMemcpyKind real = direction(from_device, to_device);
  if (kind == cudaMemcpyDefault || kind == real) return cudaSuccess;
  return refuse(cudaErrorInvalidValue, "the pointers go from ", kDirections[real], ", the kind says ",
                kDirections[kind]);
}

cudaError_t check_copy(const Copy& c, cudaMemcpyKind kind) {
  if (c.height > 1 && (c.width > c.dst_pitch || c.width > c.src_pitch))
    return refuse(cudaErrorInvalidPitchValue, "rows of ", c.width, " bytes, pitches ", c.src_pitch, " and ",
                  c.dst_pitch);
  if (const cudaError_t status = check_kind(kind, simt::in_arena(c.src), simt::in_arena(c.dst)))
    return status;
  const bool apart =
      c.height > 1 || check_apart("the destination", c.dst, c.width, "the source", c.src, c.width);
  return check_blocks(c) && apart ? cudaSuccess : cudaErrorInvalidValue;
}

void count_copy(const Copy& c, Place from, Place to) {
  Traffic& t = state().traffic;
  Traffic::Copies& copies = to != Place::device ? t.to_host : from != Place::device ? t.to_device : t.within;
  ++copies.count;
  copies.bytes += c.width * c.height;
}

/// The source's rows as they are now, and a copy from there.
Work staged(const Copy& c) {
  auto stage = std::make_shared<std::vector<char>>(c.width * c.height);
  move_rows({stage->data(), c.width, c.src, c.src_pitch, c.width, c.height});
  const Copy rest{c.dst, c.dst_pitch, stage->data(), c.width, c.width, c.height};
  return [stage, rest] { return run_copy(rest, Place::pageable, Place::device); };
}

cudaError_t queue_copy(const Copy& c, cudaMemcpyKind kind, const StreamPtr& stream) {
  if (!stream) return cudaErrorInvalidResourceHandle;
  if (const cudaError_t status = check_copy(c, kind)) return status;
  if (c.width == 0 || c.height == 0) return cudaSuccess;
  const Place from = place_of(c.src), to = place_of(c.dst);
  count_copy(c, from, to);
  const bool pageable = from == Place::pageable || to == Place::pageable;
  if (pageable && stream->capture)
    return invalidate(*stream, cudaErrorStreamCaptureUnsupported, "pageable memory in a capture; pin it");
  if (from == Place::pageable && to == Place::device) return enqueue(stream, staged(c));
  // A graph reads what is there when it runs.
  const bool watched = from == Place::pinned && !stream->capture && c.src_pitch == c.width;
  const size_t bytes = c.span(c.src_pitch);
  const Snapshot source = watched ? snapshot(c.src, bytes) : Snapshot{};
  const cudaError_t queued = enqueue(stream, [=] {
    if (watched && place_of(c.src) == from) check_unchanged(source, c.src, bytes);
    return run_copy(c, from, to);
  });
  if (queued != cudaSuccess) return queued;
  const bool waits = to == Place::pageable || (from != Place::device && to != Place::device);
  return waits && !stream->capture ? wait_for(*stream) : cudaSuccess;
}

cudaError_t blocking_copy(const Copy& c, cudaMemcpyKind kind) {
  if (forbidden_by_capture()) return cudaErrorStreamCaptureUnsupported;
  if (const cudaError_t status = check_copy(c, kind)) return status;
  const StreamPtr& stream = state().legacy;
  const Place from = place_of(c.src), to = place_of(c.dst);
  if (from == Place::pageable && to == Place::device) wait_for(*stream);
  if (const cudaError_t status = queue_copy(c, kind, stream)) return status;
  const bool waits = from == Place::pinned || to != Place::device;
  return waits ? wait_for(*stream) : state().sticky;
}

cudaError_t queue_fill(void* pointer, int value, size_t bytes, const StreamPtr& stream) {
  if (!stream) return cudaErrorInvalidResourceHandle;
  if (!check_device_range("the destination", pointer, bytes)) return cudaErrorInvalidValue;
  if (bytes == 0) return cudaSuccess;
  ++state().traffic.fills;
  return enqueue(stream, [=]() -> cudaError_t {
    if (state().options.dry) return cudaSuccess;
    if (!check_device_range("the destination", pointer, bytes)) return cudaErrorIllegalAddress;
    note_use(pointer, bytes, true);
    const simt::HostAccess access;
    std::memset(pointer, value, bytes);
    simt::mark_written(pointer, bytes);
    return cudaSuccess;
  });
}

}  // namespace
}  // namespace cawe::emulated

CAWE_EMULATED_BEGIN

cudaError_t cudaMemcpy(void* dst, const void* src, size_t count, cudaMemcpyKind kind) {
  return cuda_call(__func__, [&] { return blocking_copy(one_row(dst, src, count), kind); });
}

cudaError_t cudaMemcpyAsync(void* dst, const void* src, size_t count, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return cuda_call(__func__, [&] { return queue_copy(one_row(dst, src, count), kind, stream_of(stream)); });
}

cudaError_t cudaMemcpy2DAsync(void* dst, size_t dpitch, const void* src, size_t spitch, size_t width,
                              size_t height, cudaMemcpyKind kind, cudaStream_t stream) {
  return cuda_call(__func__, [&] {
    const Copy c{static_cast<char*>(dst), dpitch, static_cast<const char*>(src), spitch, width, height};
    return queue_copy(c, kind, stream_of(stream));
  });
}

cudaError_t cudaMemset(void* pointer, int value, size_t count) {
  return cuda_call(__func__, [&] { return queue_fill(pointer, value, count, state().legacy); });
}

cudaError_t cudaMemsetAsync(void* pointer, int value, size_t count, cudaStream_t stream) {
  return cuda_call(__func__, [&] { return queue_fill(pointer, value, count, stream_of(stream)); });
}

CAWE_EMULATED_END
