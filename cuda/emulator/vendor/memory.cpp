// SPDX-License-Identifier: Apache-2.0
// Ranges of memory against the blocks that are alive.
#include "cuda/emulator/vendor/memory.h"

#include <cstring>

#include "cuda/emulator/simt/core.h"

namespace cawe::emulated {
namespace {

/// The block that p lies in or just behind; nullptr where none begins before p.
const std::pair<const uintptr_t, Block>* block_before(const std::map<uintptr_t, Block>& blocks,
                                                      const void* p) {
  const auto next = blocks.upper_bound(reinterpret_cast<uintptr_t>(p));
  return next == blocks.begin() ? nullptr : &*std::prev(next);
}

std::string describe(const std::map<uintptr_t, Block>& blocks, const void* p, size_t bytes) {
  const auto* block = block_before(blocks, p);
  const uintptr_t address = reinterpret_cast<uintptr_t>(p);
  if (!block || address - block->first >= block->second.bytes + 256)
    return detail::concat(bytes, " bytes that lie in no live block");
  return detail::concat(bytes, " bytes from byte ", address - block->first, " of a block of ",
                        block->second.bytes, " bytes");
}

bool inside(const std::map<uintptr_t, Block>& blocks, const void* p, size_t bytes) {
  const auto* block = block_before(blocks, p);
  if (!block) return false;
  const size_t offset = reinterpret_cast<uintptr_t>(p) - block->first;
  return offset <= block->second.bytes && bytes <= block->second.bytes - offset;
}

uint8_t* shadow(const void* p) {
  const simt::core::Memory& m = simt::core::memory();
  return m.state + (static_cast<const char*>(p) - m.arena);
}

}  // namespace

Place place_of(const void* p) {
  if (simt::in_arena(p)) return Place::device;
  const auto* block = block_before(state().pinned_blocks, p);
  const bool pinned = block && reinterpret_cast<uintptr_t>(p) - block->first < block->second.bytes;
  return pinned ? Place::pinned : Place::pageable;
}

bool check_range(const char* what, const void* p, size_t bytes) {
  const Place place = place_of(p);
  if (bytes == 0) return true;
  if (p == nullptr) complain(detail::concat(what, " is nullptr"));
  if (place == Place::device && !simt::is_device_memory(p, bytes))
    complain(detail::concat(what, ": ", describe(state().device_blocks, p, bytes), " on the device"));
  else if (place == Place::pinned && !inside(state().pinned_blocks, p, bytes))
    complain(detail::concat(what, ": ", describe(state().pinned_blocks, p, bytes), " of pinned memory"));
  else
    return p != nullptr;
  return false;
}

bool check_device_range(const char* what, const void* p, size_t bytes) {
  if (bytes == 0) return true;
  if (place_of(p) == Place::device) return check_range(what, p, bytes);
  complain(detail::concat(what, p ? " lies in host memory" : " is nullptr", " (expected a device pointer)"));
  return false;
}

bool check_apart(const char* what, const void* p, size_t p_bytes, const char* other, const void* q,
                 size_t q_bytes) {
  const auto *a = static_cast<const char*>(p), *b = static_cast<const char*>(q);
  if (p_bytes == 0 || q_bytes == 0 || a + p_bytes <= b || b + q_bytes <= a) return true;
  complain(detail::concat(what, " overlaps ", other));
  return false;
}

const void* first_unwritten(const void* p, size_t bytes) {
  if (simt::options().level == simt::Level::off || bytes == 0) return nullptr;
  const void* found = std::memchr(shadow(p), simt::core::kUninitialised, bytes);
  return found ? static_cast<const char*>(p) + (static_cast<const uint8_t*>(found) - shadow(p)) : nullptr;
}

void complain_unwritten(const char* what, size_t byte, size_t bytes) {
  complain(detail::concat(what, ": byte ", byte, " of ", bytes, " is read, and nobody wrote it"));
}

void copy_written(void* dst, const void* src, size_t bytes) { std::memcpy(shadow(dst), shadow(src), bytes); }

}  // namespace cawe::emulated
