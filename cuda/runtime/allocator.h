// SPDX-License-Identifier: Apache-2.0
// Device memory: freed blocks are kept by size and given out again without asking the driver, whose cudaFree
// waits for the whole device.
//
// All tensors are used by the compute stream alone (staging.h keeps the copy stream away from them), so a
// freed block may be given out at once: its next owner's work is queued behind that of the last one. Blocks
// are never split, so that memory checkers see where one ends.
//
// A captured step (graph.h) runs again on the blocks it was captured with. They belong to a PrivatePool: what
// the step allocates comes from it, what is released goes back to it, and no block leaves it until retire().
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cuda/runtime/api.h"
#include "tensor/arena.h"

namespace CAWE_DEVICE {

/// Free blocks by size.
using FreeBlocks = std::unordered_map<size_t, std::vector<void*>>;

/// The blocks of one captured step that no tensor holds.
struct PrivatePool {
  FreeBlocks free;  ///< reused during the rest of the capture
  /// Blocks allocated before the capture and released during it: the captured work reads them.
  std::vector<std::pair<void*, size_t>> inputs;
};

/// The allocator of one device. Thread-safe.
class DeviceAllocator {
 public:
  /// caching = false: every allocation goes to the driver, and every release at once.
  explicit DeviceAllocator(bool caching) : caching_(caching) {}
  ~DeviceAllocator() { trim(); }
  DeviceAllocator(const DeviceAllocator&) = delete;
  DeviceAllocator& operator=(const DeviceAllocator&) = delete;

  /// 256-byte aligned, uninitialised, never nullptr. Throws Code::io with the sizes where memory is out even
  /// after the cached blocks were returned to the driver.
  void* allocate(size_t bytes);
  /// As allocate(), but returns nullptr instead of throwing, after it has tried again without the cache, too.
  void* try_allocate(size_t bytes);
  /// Throws Code::io, for a workspace of so many bytes: `whose` names the library's algorithm.
  [[noreturn]] void fail_without_workspace(size_t bytes, const std::string& whose) const;
  void release(void* block, size_t bytes) noexcept;
  /// Gives cached blocks back to the driver (waits for the device).
  void trim() noexcept;
  ArenaStatistics statistics() const;
  void reset_peak();

  /// From here to stop_recording(), this thread's allocations belong to the pool.
  void record_into(PrivatePool& pool);
  void stop_recording();
  /// Makes the pool's free blocks available to all; blocks that tensors still hold follow when they are
  /// released.
  void retire(PrivatePool& pool) noexcept;

 private:
  [[noreturn]] void fail_out_of_memory(size_t bytes, const std::string& what,
                                       const std::string& remedy) const;
  void* take(size_t size);  ///< call with the lock held
  void* ask_driver(size_t size);
  void give(void* block, size_t size) noexcept;  ///< returns it to the cache or to the driver
  void drop_cache() noexcept;
  PrivatePool* pool_of_this_thread() const;
  size_t block_size(size_t bytes) const;

  const bool caching_;
  mutable std::mutex mutex_;
  FreeBlocks free_;
  ArenaStatistics statistics_;
  std::unordered_map<void*, PrivatePool*> owner_;  ///< the pool of each block that belongs to one
  PrivatePool* recording_ = nullptr;
  std::thread::id recorder_;
};

/// Device memory for the work that one call queues, released at the end of the scope. That is not too early:
/// the next owner's work is queued behind it.
class Scratch {
 public:
  /// data() is nullptr where memory is out, so check it. 0 bytes: nullptr, which is no failure.
  Scratch(DeviceAllocator& allocator, size_t bytes)
      : allocator_(allocator), bytes_(bytes), data_(bytes ? allocator.try_allocate(bytes) : nullptr) {}
  ~Scratch() {
    if (data_) allocator_.release(data_, bytes_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  bool good() const { return data_ != nullptr || bytes_ == 0; }
  void* data() const { return data_; }

 private:
  DeviceAllocator& allocator_;
  size_t bytes_;
  void* data_;
};

}  // namespace CAWE_DEVICE
