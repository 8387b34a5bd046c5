// SPDX-License-Identifier: Apache-2.0
// Device memory: freed blocks are kept by size and given out again without asking the driver, whose cudaFree
// waits for the whole device.
//
// All tensors are touched by the compute stream alone (staging.h keeps the copy stream off them), so a freed
// block may be given out at once: who gets it queues behind whoever had it. Blocks are never cut: memory
// checkers see where one ends.
//
// A captured step (graph.h) runs again on the blocks it was captured with. They belong to a PrivatePool: what
// the step allocates comes from it, what is released goes back to it, and nothing leaves it until retire().
#pragma once

#include <cstddef>
#include <mutex>
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
  FreeBlocks free;  ///< for the rest of the capture
  /// From before the capture, released in it: its work reads them.
  std::vector<std::pair<void*, size_t>> inputs;
};

class DeviceAllocator {
 public:
  /// caching = false: each allocation is the driver's, released at once.
  explicit DeviceAllocator(bool caching) : caching_(caching) {}
  ~DeviceAllocator() { trim(); }
  DeviceAllocator(const DeviceAllocator&) = delete;
  DeviceAllocator& operator=(const DeviceAllocator&) = delete;

  /// 256-byte aligned, uninitialised, never nullptr. Throws Code::io with the sizes where memory is out,
  /// after the cached blocks went back to the driver.
  void* allocate(size_t bytes);
  /// nullptr instead of throwing.
  void* try_allocate(size_t bytes);
  [[noreturn]] void fail_out_of_memory(size_t bytes) const;
  void release(void* block, size_t bytes) noexcept;
  /// Gives cached blocks back to the driver (waits for the device).
  void trim() noexcept;
  ArenaStatistics statistics() const;
  void reset_peak();

  /// From here to stop_recording(), this thread allocates from the pool.
  void record_into(PrivatePool& pool);
  void stop_recording();
  /// The pool's free blocks are anyone's; blocks that tensors still hold become so when they are released.
  void retire(PrivatePool& pool) noexcept;

 private:
  void* take(size_t size);  ///< with the lock held
  void* ask_driver(size_t size);
  void give(void* block, size_t size) noexcept;  ///< to the cache or the driver
  void drop_cache() noexcept;
  PrivatePool* pool_of_this_thread() const;
  size_t block_size(size_t bytes) const;

  const bool caching_;
  mutable std::mutex mutex_;
  FreeBlocks free_;
  ArenaStatistics statistics_;
  std::unordered_map<void*, PrivatePool*> owner_;  ///< of the blocks that belong to a pool
  PrivatePool* recording_ = nullptr;
  std::thread::id recorder_;
};

/// Device memory for the work that one call queues; returns to the allocator at the end of the scope, which
/// is soon enough: later owners queue behind.
class Scratch {
 public:
  /// Check the result: data() is nullptr where memory is out. 0 bytes: nullptr and good.
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
