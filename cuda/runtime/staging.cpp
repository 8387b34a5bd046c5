// SPDX-License-Identifier: Apache-2.0
#include "cuda/runtime/staging.h"

#include <algorithm>
#include <cstring>
#include <deque>

#include "tensor/parallel.h"

namespace CAWE_DEVICE {
namespace {

/// By the caller's threads where there is much: one alone copies slower than the bus.
void copy_on_host(const char* from, char* to, size_t bytes) {
  constexpr int64_t kPiece = int64_t{1} << 20;
  parallel_for(int64_t(bytes), kPiece, [&](int64_t begin, int64_t end) {
    std::memcpy(to + begin, from + begin, size_t(end - begin));
  });
}

char* pinned_memory(size_t bytes) {
  void* memory = nullptr;
  const cudaError_t status = cudaMallocHost(&memory, bytes);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    const std::string size =
        detail::concat(bytes >> (bytes < 1048576 ? 10 : 20), bytes < 1048576 ? " KiB" : " MiB");
    fail(
        Code::io, current_operator(), ": ", size,
        " of pinned host memory for copies to and from the GPU are not to be had. Free host memory, or raise "
        "the limit of locked memory (ulimit -l).");
  }
  if (status != cudaSuccess) fail_cuda("cudaMallocHost", status);
  return static_cast<char*>(memory);
}

}  // namespace

PinnedRing::~PinnedRing() {
  if (memory_) cudaFreeHost(memory_);
}

PinnedRing::Slot PinnedRing::next() {
  if (!memory_) memory_ = pinned_memory(slot_bytes_ * events_.size());
  const size_t i = turn_++ % events_.size();
  events_[i].wait();
  return {memory_ + i * slot_bytes_, &events_[i]};
}

Staging::Staging(DeviceAllocator& allocator, OwnedStream& compute, OwnedStream& copies)
    : allocator_(allocator), compute_(compute), copies_(copies) {}

Staging::~Staging() {
  for (Landing& landing : landings_)
    if (landing.data) allocator_.release(landing.data, landing.bytes);
}

void Staging::to_device_in_chunks(const char* host, char* device, size_t bytes, OwnedStream& stream) {
  PinnedRing& ring = bytes <= kSmall ? small_ : large_;
  for (size_t at = 0; at < bytes; at += ring.slot_bytes()) {
    const size_t n = std::min(ring.slot_bytes(), bytes - at);
    const PinnedRing::Slot slot = ring.next();
    copy_on_host(host + at, slot.data, n);
    CAWE_CUDA(cudaMemcpyAsync(device + at, slot.data, n, cudaMemcpyHostToDevice, stream.get()));
    slot.done->record(stream.get());
  }
}

/// The least recently used landing buffer that is large enough; nullptr where none can be had.
Staging::Landing* Staging::next_landing(size_t bytes) {
  if (bytes > kMostLanding) return nullptr;
  Landing& landing = landings_[turn_++ % 2];
  if (landing.bytes < bytes) {
    if (landing.data) allocator_.release(landing.data, landing.bytes);
    landing.data = allocator_.try_allocate(bytes);
    landing.bytes = landing.data ? bytes : 0;
    landing.free.record(compute_.get());  // the block's last owner may still be computing
  }
  return landing.data ? &landing : nullptr;
}

void Staging::to_device(const void* host, void* device, size_t bytes) {
  const std::lock_guard<std::mutex> hold(mutex_);
  const auto* from = static_cast<const char*>(host);
  auto* to = static_cast<char*>(device);
  Landing* landing = bytes > kSmall ? next_landing(bytes) : nullptr;
  if (!landing) return to_device_in_chunks(from, to, bytes, compute_);
  copies_.wait_for(landing->free);
  to_device_in_chunks(from, static_cast<char*>(landing->data), bytes, copies_);
  landing->arrived.record(copies_.get());
  compute_.wait_for(landing->arrived);
  CAWE_CUDA(cudaMemcpyAsync(to, landing->data, bytes, cudaMemcpyDeviceToDevice, compute_.get()));
  landing->free.record(compute_.get());
}

void Staging::to_host(const void* device, void* host, size_t bytes) {
  const std::lock_guard<std::mutex> hold(mutex_);
  struct Piece {
    PinnedRing::Slot slot;
    size_t at, n;
  };
  PinnedRing& ring = bytes <= kSmall ? small_ : large_;
  std::deque<Piece> on_their_way;
  const auto arrive = [&] {
    const Piece piece = on_their_way.front();
    on_their_way.pop_front();
    piece.slot.done->wait();
    std::memcpy(static_cast<char*>(host) + piece.at, piece.slot.data, piece.n);
  };
  for (size_t at = 0; at < bytes; at += ring.slot_bytes()) {
    const Piece piece{ring.next(), at, std::min(ring.slot_bytes(), bytes - at)};
    CAWE_CUDA(cudaMemcpyAsync(piece.slot.data, static_cast<const char*>(device) + at, piece.n,
                              cudaMemcpyDeviceToHost, compute_.get()));
    piece.slot.done->record(compute_.get());
    on_their_way.push_back(piece);
    if (on_their_way.size() == 2) arrive();
  }
  while (!on_their_way.empty()) arrive();
}

Staging::LateSlot::LateSlot() : data(pinned_memory(kSmall)) {}

std::unique_ptr<Staging::LateSlot> Staging::to_host_later(const void* device, size_t bytes) {
  const std::lock_guard<std::mutex> hold(mutex_);
  std::unique_ptr<LateSlot> slot;
  if (late_.empty()) {
    slot = std::make_unique<LateSlot>();
  } else {
    slot = std::move(late_.back());
    late_.pop_back();
    slot->done.wait();  // whoever had it may have left without waiting
  }
  CAWE_CUDA(cudaMemcpyAsync(slot->data, device, bytes, cudaMemcpyDeviceToHost, compute_.get()));
  slot->done.record(compute_.get());
  return slot;
}

void Staging::give_back(std::unique_ptr<LateSlot> slot) {
  const std::lock_guard<std::mutex> hold(mutex_);
  late_.push_back(std::move(slot));
}

}  // namespace CAWE_DEVICE
