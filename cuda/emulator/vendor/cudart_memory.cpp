// SPDX-License-Identifier: Apache-2.0
// Device memory and pinned memory.
#include <cstdlib>
#include <cstring>

#include "cuda/emulator/simt/emulator.h"
#include "cuda/emulator/vendor/memory.h"
#include "cuda/emulator/vendor/streams.h"

namespace cawe::emulated {
namespace {

/// What fresh pinned memory holds, so that a copy nobody waited for shows as the same wrong numbers each
/// time.
constexpr int kFreshByte = 0xCD;
constexpr size_t kPage = 4096;

size_t device_bytes_left() {
  size_t used = 0;
  for (const auto& [address, block] : state().device_blocks) used += block.bytes;
  const size_t total = state().options.device_bytes;
  return used < total ? total - used : 0;
}

void keep(std::map<uintptr_t, Block>& blocks, void* p, size_t bytes) {
  blocks[reinterpret_cast<uintptr_t>(p)] = {bytes, ++state().allocations};
}

cudaError_t allocate_device(void** pointer, size_t bytes) {
  if (!pointer) return refuse(cudaErrorInvalidValue, "the result's address is nullptr");
  if (forbidden_by_capture()) return cudaErrorStreamCaptureUnsupported;
  *pointer = nullptr;
  if (bytes == 0) return cudaSuccess;
  if (due(Fault::device_memory)) return refuse(cudaErrorMemoryAllocation, "an injected fault");
  if (bytes > device_bytes_left())
    return refuse(cudaErrorMemoryAllocation, bytes, " bytes of ", device_bytes_left(), " that are left");
  *pointer = state().options.dry ? simt::allocate_address(bytes) : simt::allocate(bytes);
  if (!*pointer) return refuse(cudaErrorMemoryAllocation, bytes, " bytes: the emulator's arena is full");
  keep(state().device_blocks, *pointer, bytes);
  return cudaSuccess;
}

cudaError_t allocate_pinned(void** pointer, size_t bytes) {
  if (!pointer) return refuse(cudaErrorInvalidValue, "the result's address is nullptr");
  if (forbidden_by_capture()) return cudaErrorStreamCaptureUnsupported;
  *pointer = nullptr;
  if (bytes == 0) return cudaSuccess;
  if (due(Fault::host_memory)) return refuse(cudaErrorMemoryAllocation, "an injected fault");
  void* block = std::aligned_alloc(kPage, (bytes + kPage - 1) / kPage * kPage);
  if (!block) return refuse(cudaErrorMemoryAllocation, bytes, " bytes of host memory");
  std::memset(block, kFreshByte, bytes);
  keep(state().pinned_blocks, block, bytes);
  *pointer = block;
  return cudaSuccess;
}

/// Both kinds wait for the whole device, as the driver does: work may still use the block.
cudaError_t release_block(std::map<uintptr_t, Block>& blocks, void* pointer, const char* allocator) {
  if (!pointer) return cudaSuccess;
  const auto found = blocks.find(reinterpret_cast<uintptr_t>(pointer));
  if (found == blocks.end())
    return refuse(cudaErrorInvalidValue, "the pointer is not the start of a live block of ", allocator,
                  "; it was freed before, or belongs to another allocator");
  if (forbidden_by_capture()) return cudaErrorStreamCaptureUnsupported;
  wait_for_all();
  blocks.erase(found);
  forget_uses(pointer);
  if (simt::in_arena(pointer))
    simt::release(pointer);
  else
    std::free(pointer);
  return state().sticky;
}

}  // namespace
}  // namespace cawe::emulated

CAWE_EMULATED_BEGIN

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  return cuda_call(__func__, [&]() -> cudaError_t {
    if (!free || !total) return refuse(cudaErrorInvalidValue, "a result's address is nullptr");
    *free = device_bytes_left();
    *total = state().options.device_bytes;
    return cudaSuccess;
  });
}

cudaError_t cudaMalloc(void** pointer, size_t bytes) {
  return cuda_call(__func__, [&] { return allocate_device(pointer, bytes); });
}

cudaError_t cudaFree(void* pointer) {
  return cuda_release(__func__, [&] { return release_block(state().device_blocks, pointer, "cudaMalloc"); });
}

cudaError_t cudaMallocHost(void** pointer, size_t bytes) {
  return cuda_call(__func__, [&] { return allocate_pinned(pointer, bytes); });
}

cudaError_t cudaFreeHost(void* pointer) {
  return cuda_release(__func__,
                      [&] { return release_block(state().pinned_blocks, pointer, "cudaMallocHost"); });
}

CAWE_EMULATED_END
