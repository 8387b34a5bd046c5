// SPDX-License-Identifier: Apache-2.0
// What a device refuses to launch: grids and blocks beyond its limits, more threads than the kernel's
// __launch_bounds__, more shared memory than a block can have.
#include <map>
#include <mutex>

#include "cuda/emulator/simt/core.h"
#include "tensor/error.h"

namespace cawe::simt::core {
namespace {

constexpr unsigned kMostThreads = 1024;
/// Static shared memory that ptxas assembles, and the whole of it where nobody asks for more.
constexpr size_t kSharedUnasked = size_t{48} << 10;

struct Limits {
  unsigned threads = 0;  ///< 0: the kernel has no __launch_bounds__
  size_t static_shared = 0;
};

/// See __launch_bounds__ in on_emulator.h: 2 bytes a thread and 16 more that do nothing end where the code
/// begins. Alignment may put one more before them (longer gaps are filled with longer instructions).
unsigned bound_before(const unsigned char* code, const unsigned char* begin) {
  constexpr unsigned char kDoesNothing = 0x90;
  size_t bytes = 0;
  while (code > begin && *--code == kDoesNothing) ++bytes;
  return bytes < 16 ? 0 : unsigned(bytes - 16) / 2;
}

/// Asked once for each kernel: it takes the symbols of a whole program.
Limits limits_of(const void* code) {
  static std::mutex lock;
  static auto& known = *new std::map<std::pair<std::string, uint32_t>, Limits>;
  const Module module = module_of(code);
  if (module.path.empty()) return {};
  const auto address = uint32_t(reinterpret_cast<uint64_t>(code) - module.base);
  const std::lock_guard<std::mutex> hold(lock);
  const auto [entry, fresh] = known.try_emplace({module.path, address});
  if (fresh)
    entry->second = {bound_before(static_cast<const unsigned char*>(code),
                                  reinterpret_cast<const unsigned char*>(module.base)),
                     static_shared_of(module.path, address)};
  return entry->second;
}

std::string text(Index3 i) { return detail::concat(i.x, "x", i.y, "x", i.z); }

}  // namespace

LaunchRefusal check_launch(const void* code, Index3 grid, Index3 block, size_t dynamic) {
  const uint64_t threads = uint64_t(block.x) * block.y * block.z;
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535)
    return {Refusal::configuration, detail::concat("invalid launch configuration: grid ", text(grid),
                                                   " (expected 1 to 2147483647x65535x65535 blocks)")};
  if (threads == 0 || threads > kMostThreads || block.z > 64)
    return {Refusal::configuration, detail::concat("invalid launch configuration: block ", text(block),
                                                   " (expected 1 to 1024 threads, and at most 64 along z)")};
  const Limits limits = limits_of(code);
  if (limits.threads > 0 && threads > limits.threads)
    return {Refusal::value,
            detail::concat("a block of ", text(block), " = ", threads,
                           " threads, and the kernel has __launch_bounds__(", limits.threads, ")")};
  if (limits.static_shared > kSharedUnasked)
    return {Refusal::no_code,
            detail::concat(limits.static_shared, " B of static shared memory (ptxas takes at most ",
                           kSharedUnasked, "; use SIMT_DYN_SHARED)")};
  if (limits.static_shared + dynamic > options().most_shared)
    return {Refusal::value, detail::concat(limits.static_shared, " B of static and ", dynamic,
                                           " B of dynamic shared memory (this device has ",
                                           options().most_shared, " B for a block)")};
  return {};
}

}  // namespace cawe::simt::core
