// SPDX-License-Identifier: Apache-2.0
// The rules are those of the CUDA programming guide's occupancy section; the test compares them with the
// toolkit's own calculator.
#include "cuda/lab/profile/occupancy.h"

#include <algorithm>
#include <utility>

#include "tensor/error.h"

namespace cawe::gpu {
namespace {

int64_t round_up(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

int blocks_by_registers(const Gpu& gpu, int registers, int64_t warps) {
  const int64_t per_warp = round_up(int64_t{registers} * Gpu::kWarp, Gpu::kRegisterUnit);
  if (registers > gpu.registers_per_thread) return 0;
  if (per_warp == 0) return Occupancy::kUnlimited;
  // A warp's registers lie in one partition: what is left over in each cannot be put together. (The hardware
  // also checks whole rounds over the partitions against the registers per block. As a block may have all of
  // an SM here, whatever fails that check already gives 0 below.)
  const int64_t warps_per_partition = Gpu::kRegistersPerSm / Gpu::kPartitions / per_warp;
  return static_cast<int>(warps_per_partition * Gpu::kPartitions / warps);
}

int blocks_by_shared(const Gpu& gpu, const LaunchNeeds& needs) {
  const int64_t limit = needs.opted_in ? gpu.shared_per_block_opt_in : gpu.shared_per_block;
  // Each alone first: then the sum below cannot overflow.
  if (needs.static_shared_bytes > limit || needs.dynamic_shared_bytes > limit) return 0;
  const int64_t allocated =
      round_up(needs.static_shared_bytes + needs.dynamic_shared_bytes + gpu.shared_reserved_per_block,
               gpu.shared_unit);
  if (allocated > limit + gpu.shared_reserved_per_block) return 0;
  return allocated == 0 ? Occupancy::kUnlimited : static_cast<int>(gpu.shared_per_sm / allocated);
}

void check(const LaunchNeeds& needs) {
  CAWE_CHECK(needs.threads_per_block > 0, Code::internal, "occupancy: a block of ", needs.threads_per_block,
             " threads; give at least 1");
  CAWE_CHECK(needs.registers_per_thread >= 0 && needs.static_shared_bytes >= 0 &&
                 needs.dynamic_shared_bytes >= 0 && needs.block_barriers >= 0,
             Code::internal, "occupancy: ", needs.registers_per_thread, " registers, ",
             needs.static_shared_bytes, " + ", needs.dynamic_shared_bytes, " bytes shared, ",
             needs.block_barriers, " barriers; none may be negative");
}

}  // namespace

Occupancy occupancy(const Gpu& gpu, const LaunchNeeds& needs) {
  check(needs);
  const int64_t warps = round_up(needs.threads_per_block, Gpu::kWarp) / Gpu::kWarp;
  const int warps_per_sm = gpu.threads_per_sm / Gpu::kWarp;
  Occupancy result;
  result.by_warps =
      needs.threads_per_block > Gpu::kThreadsPerBlock ? 0 : static_cast<int>(warps_per_sm / warps);
  result.by_blocks = gpu.blocks_per_sm;
  result.by_registers = blocks_by_registers(gpu, needs.registers_per_thread, warps);
  result.by_shared = blocks_by_shared(gpu, needs);
  if (gpu.barriers_per_sm > 0 && needs.block_barriers > 0)
    result.by_barriers = gpu.barriers_per_sm / needs.block_barriers;

  const std::pair<Limit, int> limits[] = {{kLimitWarps, result.by_warps},
                                          {kLimitBlocks, result.by_blocks},
                                          {kLimitRegisters, result.by_registers},
                                          {kLimitShared, result.by_shared},
                                          {kLimitBarriers, result.by_barriers}};
  result.blocks_per_sm = Occupancy::kUnlimited;
  for (const auto& [limit, blocks] : limits) result.blocks_per_sm = std::min(result.blocks_per_sm, blocks);
  for (const auto& [limit, blocks] : limits)
    if (blocks == result.blocks_per_sm) result.limited_by |= limit;
  result.warps_per_sm = static_cast<int>(result.blocks_per_sm * warps);
  result.fraction = double(result.warps_per_sm) / warps_per_sm;
  return result;
}

std::string limit_names(uint8_t limited_by) {
  const std::pair<Limit, const char*> names[] = {{kLimitWarps, "warps"},
                                                 {kLimitBlocks, "blocks"},
                                                 {kLimitRegisters, "registers"},
                                                 {kLimitShared, "shared"},
                                                 {kLimitBarriers, "barriers"}};
  std::string text;
  for (const auto& [limit, name] : names)
    if (limited_by & limit) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

}  // namespace cawe::gpu
