// SPDX-License-Identifier: Apache-2.0
// What a running thread asks of the emulator: who it is, barriers, warp operations, fences and atomics.
#include <cmath>

#include "cuda/emulator/simt/access.h"

namespace cawe::simt {

using namespace core;

// Declared `const` for kernels (on_emulator.h); they read the running thread.
Index3 thread_index() { return current->index; }
Index3 block_index() { return launch_state.block_index; }
Index3 block_extent() { return launch_state.block; }
Index3 grid_extent() { return launch_state.grid; }
unsigned lane_index() { return current->lane; }
void* dynamic_shared() { return memory().dynamic_shared; }

namespace {

uint32_t module_pc(const void* return_address) {
  return uint32_t(reinterpret_cast<uint64_t>(return_address) - launch_state.module_base);
}

Rendezvous* find_open(Warp& w, unsigned mask, uint8_t kind, unsigned bit, uint32_t pc) {
  for (Rendezvous* r : w.open)
    if (r->mask == mask && r->kind == kind && !(r->arrived & bit) && r->arrived != r->mask) return r;
  if (w.spare.empty()) w.spare.push_back(std::make_unique<Rendezvous>());
  Rendezvous* r = w.spare.back().release();
  w.spare.pop_back();
  r->arrived = r->left = 0;
  r->mask = mask;
  r->kind = kind;
  r->computed = false;
  r->pc = pc;
  w.open.push_back(r);
  return r;
}

/// Waits until all lanes of the mask have come.
Rendezvous* join(unsigned mask, uint8_t kind, uint64_t value, uint32_t pc) {
  Thread& me = *current;
  Warp& w = *me.warp;
  const unsigned bit = 1u << me.lane, existing = w.size == kWarpSize ? ~0u : (1u << w.size) - 1;
  me.wait_pc = pc;
  if (!(mask & bit)) {
    if (launch_state.level != Level::off)
      report_issue("sync-mask", pc, describe_thread(me) + " is not in the mask that it passes");
    mask |= bit;
  }
  Rendezvous* r = find_open(w, mask & existing, kind, bit, pc);
  r->arrived |= bit;
  r->values[me.lane] = value;
  me.rendezvous = r;
  if (r->arrived == r->mask)
    w.epoch += kind != kProduct;  // which orders no accesses to memory
  else
    wait_as(State::in_warp_op);
  return r;
}

void leave(Rendezvous* r) {
  r->left |= 1u << current->lane;
  if (r->left != r->mask) return;
  Warp& w = *current->warp;
  w.open.erase(std::find(w.open.begin(), w.open.end(), r));
  w.spare.emplace_back(r);
}

}  // namespace

__attribute__((noinline)) void block_barrier() {
  current->wait_pc = module_pc(__builtin_return_address(0));
  wait_as(State::at_barrier);
}

__attribute__((noinline)) void warp_barrier(unsigned mask) {
  leave(join(mask, kBarrier, 0, module_pc(__builtin_return_address(0))));
}

__attribute__((noinline)) uint64_t shuffle(unsigned mask, uint64_t value, unsigned source) {
  const uint32_t pc = module_pc(__builtin_return_address(0));
  Rendezvous* r = join(mask, kShuffle, value, pc);
  if (!(r->mask >> source & 1)) {
    if (launch_state.level != Level::off)
      report_issue(
          "shuffle-inactive", pc,
          describe_thread(*current) + " reads lane " + std::to_string(source) + ", which takes no part");
    source = current->lane;
  }
  const uint64_t out = r->values[source];
  leave(r);
  return out;
}

__attribute__((noinline)) unsigned ballot(unsigned mask, bool predicate) {
  Rendezvous* r = join(mask, kBallot, predicate, module_pc(__builtin_return_address(0)));
  unsigned out = 0;
  for (unsigned i = 0; i < kWarpSize; ++i)
    if (r->mask >> i & 1) out |= unsigned(r->values[i]) << i;
  leave(r);
  return out;
}

/// What a lane brings to a product, as in mma.cuh.
struct MmaOperands {
  float c[4];
  uint32_t a[4], b[2];
  bool is_bf16;
  int least_architecture;
};

namespace {

/// The half (0 or 1) of a register of two numbers. Exact.
double half_of(uint32_t pair, unsigned half, bool is_bf16) {
  const uint16_t bits = uint16_t(pair >> 16 * half);
  if (!is_bf16) {
    _Float16 x;
    std::memcpy(&x, &bits, sizeof x);
    return double(x);
  }
  const uint32_t wide = uint32_t(bits) << 16;
  float x;
  std::memcpy(&x, &wide, sizeof x);
  return double(x);
}

/// The nearest f32 that is not larger in magnitude.
float cut(double x) {
  const float nearest = float(x);
  return std::fabs(double(nearest)) > std::fabs(x) ? std::nextafterf(nearest, 0.f) : nearest;
}

/// C += A B, from the registers of the lanes, as PTX lays them out. Lanes that are not there count as 0.
void multiply(const Rendezvous& r) {
  double a[16][16] = {}, b[16][8] = {};
  const auto lane_at = [&](unsigned lane) { return reinterpret_cast<MmaOperands*>(r.values[lane]); };
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    if (!(r.mask >> lane & 1)) continue;
    const MmaOperands& o = *lane_at(lane);
    const unsigned g = lane / 4, k = lane % 4 * 2;
    for (unsigned i = 0; i < 4; ++i)
      for (unsigned half = 0; half < 2; ++half)
        a[g + i % 2 * 8][k + i / 2 * 8 + half] = half_of(o.a[i], half, o.is_bf16);
    for (unsigned i = 0; i < 2; ++i)
      for (unsigned half = 0; half < 2; ++half) b[k + i * 8 + half][g] = half_of(o.b[i], half, o.is_bf16);
  }
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    if (!(r.mask >> lane & 1)) continue;
    for (unsigned i = 0; i < 4; ++i) {
      const unsigned row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
      double sum = double(lane_at(lane)->c[i]);
      for (unsigned k = 0; k < 16; ++k) sum += a[row][k] * b[k][column];
      lane_at(lane)->c[i] = cut(sum);
    }
  }
}

}  // namespace

int compiled_architecture(const void*) { return options().architecture; }

__attribute__((noinline)) void warp_product(MmaOperands* operands) {
  const uint32_t pc = module_pc(__builtin_return_address(0));
  if (options().architecture < operands->least_architecture) {
    report_issue("trap", pc, describe_thread(*current) + " at a product that its code does not have");
    kill_current();
  }
  Rendezvous* r = join(~0u, kProduct, reinterpret_cast<uint64_t>(operands), pc);
  if (launch_state.level != Level::off && (r->pc != pc || r->mask != ~0u))
    report_issue(
        "sync-mask", pc,
        describe_thread(*current) + (r->mask != ~0u ? " is in a warp of fewer than 32 lanes"
                                                    : " and others of its warp meet in two products"));
  // Whoever is first: the operands lie on the lanes' stacks, where the next product will stand.
  if (!r->computed) {
    multiply(*r);
    r->computed = true;
    ++launch_state.counters.mma;
  }
  leave(r);
}

void fence(bool device_wide) {
  if (device_wide) current->fenced = true;
}

/// An atomic after a fence releases what the block wrote, and acquires what others released on the same word.
__attribute__((noinline)) void atomic_access(void* address, unsigned bytes) {
  on_access(reinterpret_cast<uint64_t>(address), bytes, Access::atomic,
            reinterpret_cast<uint64_t>(__builtin_return_address(0)));
  if (launch_state.level == Level::off || !current->fenced) return;
  Release& release = launch_state.releases[reinterpret_cast<uint64_t>(address)];
  if (release.blocks.empty() || release.blocks.back() != launch_state.block_first_id)
    release.blocks.push_back(launch_state.block_first_id);
  if (launch_state.acquired.empty() || launch_state.acquired.back() != &release)
    launch_state.acquired.push_back(&release);
}

void trap() {
  report_issue("trap", module_pc(__builtin_return_address(0)), describe_thread(*current));
  kill_current();
}

}  // namespace cawe::simt
