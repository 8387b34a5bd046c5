// SPDX-License-Identifier: Apache-2.0
// Copies between host and device through pinned memory, arranged so that neither side waits longer than it
// must.
//
// To the device, small: pinned slot -> tensor, on the compute stream. To the device, large: pinned slots -> a
// landing buffer on the copy stream, while the compute stream works; then landing buffer -> tensor on the
// compute stream, in order with the tensor's other uses. This last copy runs at memory speed, and because of
// it tensors need no events; who uploads what a step needs while the step before it is computed hides all but it.
//
// To the host: chunks into pinned slots on the compute stream, one being copied while another is read. What the host
// reads later has a slot of its own until then.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "cuda/runtime/allocator.h"
#include "cuda/runtime/stream.h"

namespace CAWE_DEVICE {

/// Pinned slots used in turn; a slot is free again once its event has been reached.
class PinnedRing {
 public:
  struct Slot {
    char* data;
    OwnedEvent* done;  ///< to be recorded by whoever queues work on the slot
  };
  PinnedRing(size_t slot_bytes, size_t slots) : slot_bytes_(slot_bytes), events_(slots) {}
  ~PinnedRing();
  PinnedRing(const PinnedRing&) = delete;
  PinnedRing& operator=(const PinnedRing&) = delete;
  size_t slot_bytes() const { return slot_bytes_; }
  /// Waits until the oldest slot is free. The first call pins the memory.
  Slot next();

 private:
  const size_t slot_bytes_;
  char* memory_ = nullptr;
  std::vector<OwnedEvent> events_;
  size_t turn_ = 0;
};

/// The copies of one device. Thread-safe.
class Staging {
 public:
  Staging(DeviceAllocator& allocator, OwnedStream& compute, OwnedStream& copies);
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  /// Returns as soon as `host` may be changed; later work on the compute stream finds the bytes on the
  /// device.
  void to_device(const void* host, void* device, size_t bytes);
  /// Returns once the bytes, as all work queued so far leaves them, are in `host`.
  void to_host(const void* device, void* host, size_t bytes);
  /// Pinned memory of kSmall bytes and the event behind the last copy into it.
  struct LateSlot {
    LateSlot();
    ~LateSlot() { cudaFreeHost(data); }
    LateSlot(const LateSlot&) = delete;
    LateSlot& operator=(const LateSlot&) = delete;
    OwnedEvent done;
    char* data;
  };
  /// Queues the copy of at most kSmall bytes into a slot, which is the caller's until give_back().
  std::unique_ptr<LateSlot> to_host_later(const void* device, size_t bytes);
  void give_back(std::unique_ptr<LateSlot> slot);

  static constexpr size_t kSmall = size_t{64} << 10;  ///< bytes of a small copy, and of a slot for one
  static constexpr size_t kChunk = size_t{4} << 20;   ///< bytes of a slot of large copies
  /// Larger copies go through the compute stream alone.
  static constexpr size_t kMostLanding = size_t{256} << 20;

 private:
  /// A buffer in device memory that the copy stream fills and the compute stream reads.
  struct Landing {
    void* data = nullptr;
    size_t bytes = 0;
    OwnedEvent arrived, free;
  };
  void to_device_in_chunks(const char* host, char* device, size_t bytes, OwnedStream& stream);
  Landing* next_landing(size_t bytes);

  DeviceAllocator& allocator_;
  OwnedStream &compute_, &copies_;
  std::mutex mutex_;
  PinnedRing small_{kSmall, 32}, large_{kChunk, 4};
  Landing landings_[2];
  size_t turn_ = 0;
  std::vector<std::unique_ptr<LateSlot>> late_;  ///< that nobody has
};

}  // namespace CAWE_DEVICE
