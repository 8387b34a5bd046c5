// SPDX-License-Identifier: Apache-2.0
#include "cuda/runtime/allocator.h"

#include <algorithm>

#include "cuda/runtime/errors.h"

namespace CAWE_DEVICE {
namespace {

constexpr size_t kSmallest = 512;

/// Eight sizes for each power of two, so that at most 1/8 of a block is lost.
size_t size_class(size_t bytes) {
  size_t step = kSmallest;
  while (step * 16 <= bytes) step *= 2;
  return std::max(kSmallest, (bytes + step - 1) / step * step);
}

/// The nearest, but never 0 for something.
std::string mebibytes(double bytes) {
  return detail::concat(std::max(int64_t(bytes > 0), int64_t(bytes / 1048576 + 0.5)), " MiB");
}

}  // namespace

size_t DeviceAllocator::block_size(size_t bytes) const {
  return caching_ ? size_class(bytes) : std::max<size_t>(bytes, 1);
}

PrivatePool* DeviceAllocator::pool_of_this_thread() const {
  return recording_ && recorder_ == std::this_thread::get_id() ? recording_ : nullptr;
}

void* DeviceAllocator::ask_driver(size_t size) {
  void* block = nullptr;
  ++statistics_.system_calls;
  const cudaError_t status = cudaMalloc(&block, size);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // handled here: clears the error, or the next launch would report it
    return nullptr;
  }
  if (status != cudaSuccess) fail_cuda("cudaMalloc", status);
  statistics_.reserved_bytes += int64_t(size);
  return block;
}

void* DeviceAllocator::take(size_t size) {
  PrivatePool* pool = pool_of_this_thread();
  for (FreeBlocks* blocks : {pool ? &pool->free : nullptr, &free_}) {
    if (!blocks) continue;
    const auto found = blocks->find(size);
    if (found == blocks->end() || found->second.empty()) continue;
    void* block = found->second.back();
    found->second.pop_back();
    return block;
  }
  if (void* block = ask_driver(size)) return block;
  drop_cache();
  return ask_driver(size);
}

void* DeviceAllocator::try_allocate(size_t bytes) {
  const size_t size = block_size(bytes);
  const std::lock_guard<std::mutex> hold(mutex_);
  ++statistics_.requests;
  void* block = take(size);
  if (!block) return nullptr;
  if (PrivatePool* pool = pool_of_this_thread()) owner_[block] = pool;
  statistics_.live_bytes += int64_t(size);
  statistics_.peak_bytes = std::max(statistics_.peak_bytes, statistics_.live_bytes);
  return block;
}

void* DeviceAllocator::allocate(size_t bytes) {
  if (void* block = try_allocate(bytes)) return block;
  fail_out_of_memory(bytes, "", "Use a smaller batch or image, or checkpoint_segments.");
}

void DeviceAllocator::fail_without_workspace(size_t bytes, const std::string& whose) const {
  const size_t below = (bytes - 1) >> 20;  // in MiB, as the variable wants it
  fail_out_of_memory(
      bytes, " for the workspace of " + whose,
      detail::concat("Use a smaller batch or image, or, in every run that shall have the same bits, "
                     "CAWE_CUDNN_WORKSPACE_MB=",
                     below, ", which admits only algorithms with less."));
}

void DeviceAllocator::fail_out_of_memory(size_t bytes, const std::string& what,
                                         const std::string& remedy) const {
  size_t free = 0, total = 0;
  CAWE_CUDA(cudaMemGetInfo(&free, &total));
  fail(Code::io, current_operator(), ": out of device memory: ", mebibytes(double(bytes)), " wanted", what,
       ", ", mebibytes(double(free)), " free of ", mebibytes(double(total)), ", ",
       mebibytes(double(statistics().live_bytes)), " in use by tensors of this process.", current_operands(),
       " ", remedy);
}

void DeviceAllocator::give(void* block, size_t size) noexcept {
  if (caching_) {
    free_[size].push_back(block);
    return;
  }
  cudaFree(block);
  statistics_.reserved_bytes -= int64_t(size);
}

void DeviceAllocator::release(void* block, size_t bytes) noexcept {
  const size_t size = block_size(bytes);
  const std::lock_guard<std::mutex> hold(mutex_);
  statistics_.live_bytes -= int64_t(size);
  const auto owner = owner_.find(block);
  if (owner != owner_.end())
    owner->second->free[size].push_back(block);
  else if (PrivatePool* pool = pool_of_this_thread())
    pool->inputs.emplace_back(block, size);
  else
    give(block, size);
}

void DeviceAllocator::drop_cache() noexcept {
  for (auto& [size, blocks] : free_) {
    for (void* block : blocks) cudaFree(block);
    statistics_.reserved_bytes -= int64_t(size * blocks.size());
  }
  free_.clear();
}

void DeviceAllocator::trim() noexcept {
  const std::lock_guard<std::mutex> hold(mutex_);
  drop_cache();
}

ArenaStatistics DeviceAllocator::statistics() const {
  const std::lock_guard<std::mutex> hold(mutex_);
  return statistics_;
}

void DeviceAllocator::reset_peak() {
  const std::lock_guard<std::mutex> hold(mutex_);
  statistics_.peak_bytes = statistics_.live_bytes;
}

void DeviceAllocator::record_into(PrivatePool& pool) {
  const std::lock_guard<std::mutex> hold(mutex_);
  CAWE_CHECK(recording_ == nullptr, Code::internal, "capture: another step is being captured");
  recording_ = &pool;
  recorder_ = std::this_thread::get_id();
}

void DeviceAllocator::stop_recording() {
  const std::lock_guard<std::mutex> hold(mutex_);
  recording_ = nullptr;
}

void DeviceAllocator::retire(PrivatePool& pool) noexcept {
  const std::lock_guard<std::mutex> hold(mutex_);
  for (auto entry = owner_.begin(); entry != owner_.end();)
    entry = entry->second == &pool ? owner_.erase(entry) : std::next(entry);
  for (const auto& [size, blocks] : pool.free)
    for (void* block : blocks) give(block, size);
  for (const auto& [block, size] : pool.inputs) give(block, size);
  pool = {};
}

}  // namespace CAWE_DEVICE
