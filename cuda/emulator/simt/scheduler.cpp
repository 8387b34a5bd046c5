// SPDX-License-Identifier: Apache-2.0
// Runs a launch: blocks one after another, the threads of a block as fibers. A fiber takes thread after
// thread and is only kept where its thread has to wait, so that kernels without barriers never switch.
#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>

#include <cstring>
#include <mutex>
#include <numeric>

#include "cuda/emulator/simt/access.h"
#include "tensor/error.h"

namespace cawe::simt::core {

namespace fiber = boost::context::detail;

Launch launch_state;
thread_local Thread* current = nullptr;

namespace {

fiber::fcontext_t scheduler_context = nullptr;
std::vector<char*> free_stacks;

char* take_stack() {
  if (free_stacks.empty()) {
    // A page below that faults: a kernel whose local arrays are too large must not write elsewhere. Tops lie
    // at different places in their pages, so that the stacks of a block do not share a few lines of the
    // cache.
    const size_t guard = 4096, colours = 8192;
    void* p = mmap(nullptr, guard + kStackBytes + colours, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CAWE_CHECK(p != MAP_FAILED, Code::io, "SIMT emulator: no memory for a fiber's stack");
    mprotect(p, guard, PROT_NONE);
    static size_t made = 0;
    return static_cast<char*>(p) + guard + kStackBytes + made++ * 320 % colours;
  }
  char* top = free_stacks.back();
  free_stacks.pop_back();
  return top;
}

/// Deterministic numbers for the permutations (splitmix64).
struct Shuffle {
  uint64_t state;
  uint64_t below(uint64_t n) {
    state += 0x9E3779B97F4A7C15ull;
    uint64_t z = state;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return (z ^ z >> 31) % n;
  }
};

class BlockRunner {
 public:
  void run(uint64_t seed);

 private:
  void prepare(uint64_t seed);
  void start_all();
  void resume(Thread& t);
  bool step();  ///< false where all are done
  void open_barrier(size_t live);
  static void settle(Warp& warp);
  void finish();
  static void enter(fiber::transfer_t from);
  void after_switch(Thread* t, fiber::transfer_t from);

  std::vector<Thread> threads_;
  std::vector<Warp> warps_;
  std::vector<Thread*> order_;
  size_t next_ = 0;
};

BlockRunner runner;

void BlockRunner::prepare(uint64_t seed) {
  const unsigned n = launch_state.block_threads;
  if (threads_.size() < n) threads_.resize(n);
  warps_.resize((n + kWarpSize - 1) / kWarpSize);
  for (Warp& w : warps_) {
    w.size = 0;
    w.epoch = 0;
  }
  order_.clear();
  const Index3 extent = launch_state.block;
  for (unsigned i = 0; i < n; ++i) {
    Thread& t = threads_[i];
    t.index = {i % extent.x, i / extent.x % extent.y, i / (extent.x * extent.y)};
    t.linear = i;
    t.id = launch_state.block_first_id + i;
    t.lane = i % kWarpSize;
    t.fenced = false;
    t.rendezvous = nullptr;
    t.depth = t.call_hash = 0;
    t.blocks_run = 0;
    t.logged = 0;
    t.warp = &warps_[i / kWarpSize];
    t.warp->lanes[t.warp->size++] = &t;
    order_.push_back(&t);
  }
  if (seed != 0) {
    Shuffle random{seed * 0x100000001B3ull + launch_state.block_first_id};
    for (size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random.below(i)]);
  }
  next_ = 0;
}

/// The life of a fiber: thread after thread, until none is left.
void BlockRunner::enter(fiber::transfer_t from) {
  scheduler_context = from.fctx;
  char* stack = static_cast<char*>(from.data);
  while (runner.next_ < runner.order_.size()) {
    Thread* t = runner.order_[runner.next_++];
    t->stack_top = stack;
    t->state = State::ready;
    current = t;
    launch_state.body(launch_state.arguments);
    t->state = State::done;
  }
  current = nullptr;
  free_stacks.push_back(stack);
  fiber::jump_fcontext(scheduler_context, nullptr);
}

void BlockRunner::after_switch(Thread* t, fiber::transfer_t from) {
  current = nullptr;
  if (t == nullptr) return;  // the fiber ended
  t->context = from.fctx;
  if (t->state == State::dead) free_stacks.push_back(t->stack_top);
}

void BlockRunner::start_all() {
  while (next_ < order_.size()) {
    char* stack = take_stack();
    const fiber::transfer_t back =
        fiber::jump_fcontext(fiber::make_fcontext(stack, kStackBytes, enter), stack);
    after_switch(current, back);
  }
}

void BlockRunner::resume(Thread& t) {
  current = &t;
  const fiber::transfer_t back = fiber::jump_fcontext(t.context, nullptr);
  after_switch(current, back);
}

bool finished(const Thread& t) { return t.state == State::done || t.state == State::dead; }

bool rendezvous_complete(const Thread& t) {
  return t.state == State::in_warp_op && t.rendezvous->arrived == t.rendezvous->mask;
}

/// A product on tensor cores needs all lanes of the warp: who waits there for long was left alone.
bool in_product(const Thread& t) { return t.state == State::in_warp_op && t.rendezvous->kind == kProduct; }

/// Everyone who is left waits at a block barrier.
void BlockRunner::open_barrier(size_t live) {
  const Thread* first = nullptr;
  bool divergent = false, any_dead = false;
  for (const Thread* t : order_) {
    any_dead |= t->state == State::dead;
    if (t->state != State::at_barrier) continue;
    divergent |= first != nullptr && t->wait_pc != first->wait_pc;
    if (first == nullptr || t->wait_pc < first->wait_pc) first = t;
  }
  if (launch_state.level != Level::off) {
    if (divergent)
      report_issue("barrier-divergent", first->wait_pc,
                   "threads of one block wait at different __syncthreads()");
    if (live < order_.size() && !any_dead)
      report_issue("barrier-after-exit", first->wait_pc,
                   std::to_string(order_.size() - live) + " of " + std::to_string(order_.size()) +
                       " threads returned before this barrier");
  }
  for (Warp& w : warps_) replay(w);
  ++launch_state.barrier_epoch;
  for (Thread* t : order_)
    if (t->state == State::at_barrier) t->state = State::ready;
}

/// Where a warp moves no further until its full logs are emptied, empties them.
void BlockRunner::settle(Warp& w) {
  bool full = false, moving = false;
  for (unsigned i = 0; i < w.size; ++i) {
    full |= w.lanes[i]->state == State::log_full;
    moving |= w.lanes[i]->state == State::ready || rendezvous_complete(*w.lanes[i]);
  }
  if (!full || moving) return;
  replay(w);
  for (unsigned i = 0; i < w.size; ++i)
    if (w.lanes[i]->state == State::log_full && w.lanes[i]->logged < launch_state.log_limit)
      w.lanes[i]->state = State::ready;
}

bool BlockRunner::step() {
  size_t live = 0, waiting = 0;
  for (const Thread* t : order_) {
    live += !finished(*t);
    waiting += t->state == State::at_barrier;
  }
  if (live == 0) return false;
  if (waiting == live)
    open_barrier(live);
  else
    for (Warp& w : warps_) settle(w);
  bool moved = false;
  for (Thread* t : order_) {
    if (rendezvous_complete(*t)) t->state = State::ready;
    if (t->state != State::ready) continue;
    moved = true;
    resume(*t);
  }
  if (moved) return true;
  const Thread* stuck = nullptr;
  bool any_dead = false;
  for (const Thread* t : order_) {
    if (t->state == State::log_full) return true;
    any_dead |= t->state == State::dead;
    if (!finished(*t) && (stuck == nullptr || (in_product(*t) && !in_product(*stuck)))) stuck = t;
  }
  if (!any_dead && launch_state.level != Level::off)
    report_issue(in_product(*stuck) ? "sync-mask" : "deadlock", stuck->wait_pc,
                 describe_thread(*stuck) + " waits here, others wait elsewhere or have returned");
  return false;
}

void BlockRunner::finish() {
  for (Warp& w : warps_) {
    replay(w);
    for (Rendezvous* r : w.open) w.spare.emplace_back(r);
    w.open.clear();
  }
  for (Thread* t : order_)
    if (!finished(*t)) free_stacks.push_back(t->stack_top);  // deadlocked
}

void BlockRunner::run(uint64_t seed) {
  prepare(seed);
  launch_state.counters.threads += order_.size();
  start_all();
  while (step()) {
  }
  finish();
}

int collect_shared(dl_phdr_info* module, size_t, void* out) {
  auto& ranges = *static_cast<std::vector<SharedRange>*>(out);
  for (int i = 0; i < module->dlpi_phnum; ++i) {
    const auto& header = module->dlpi_phdr[i];
    if (header.p_type != PT_TLS || module->dlpi_tls_data == nullptr) continue;
    const uint64_t offset = ranges.empty() ? kDynamicSharedBytes : ranges.back().offset + ranges.back().bytes;
    const uint64_t bytes = (header.p_memsz + 255) / 256 * 256;
    if (offset + bytes <= kSharedSpan)
      ranges.push_back({reinterpret_cast<uint64_t>(module->dlpi_tls_data), bytes, offset});
  }
  return 0;
}

struct ModuleSearch {
  uint64_t address;
  Module found;
};

int find_module(dl_phdr_info* module, size_t, void* out) {
  auto& search = *static_cast<ModuleSearch*>(out);
  uint64_t end = 0;
  bool inside = false;
  for (int i = 0; i < module->dlpi_phnum; ++i) {
    const auto& header = module->dlpi_phdr[i];
    if (header.p_type != PT_LOAD) continue;
    const uint64_t begin = module->dlpi_addr + header.p_vaddr;
    end = std::max<uint64_t>(end, begin + header.p_memsz);
    inside |= search.address - begin < header.p_memsz;
  }
  if (!inside) return 0;
  search.found = {module->dlpi_addr, end,
                  module->dlpi_name[0] != '\0' ? module->dlpi_name : "/proc/self/exe"};
  return 1;
}

void begin_launch(const void* code) {
  Launch& l = launch_state;
  const Module module = module_of(code);
  l.module_base = module.base;
  l.module_end = module.end;
  l.module_path = module.path;
  l.kernel_pc = uint32_t(reinterpret_cast<uint64_t>(code) - l.module_base);
  l.shared.clear();
  find_more_shared();
  static uint32_t next_id = kWarpSize;
  const uint64_t blocks = uint64_t(l.grid.x) * l.grid.y * l.grid.z;
  const uint64_t ids = blocks * l.padded_threads;
  CAWE_CHECK(ids < kThreadBits - kWarpSize, Code::unsupported, "SIMT emulator: ", l.name, " launches ", ids,
             " threads (expected fewer than 2^30)");
  if (next_id + ids >= kThreadBits) {
    clear_cells();
    ++l.generation;
    next_id = kWarpSize;
  }
  l.first_id = next_id;
  next_id += uint32_t(ids);
  ++l.number;
  l.blocks_started = 0;
  l.releases.clear();
  l.counters = {};
  l.sites.clear();
  l.issues.clear();
  const Memory& m = memory();
  hot = {};
  hot.arena = reinterpret_cast<uint64_t>(m.arena);
  hot.dynamic_shared = reinterpret_cast<uint64_t>(m.dynamic_shared);
  hot.dynamic_bytes = l.dynamic_shared;
  hot.arguments = reinterpret_cast<uint64_t>(l.arguments);
  hot.argument_bytes = l.argument_bytes;
  hot.state = m.state;
  hot.cells = m.cells;
  hot.shared_cells = m.shared_cells;
  hot.unordered = expects_unordered();
}

}  // namespace

Module module_of(const void* code) {
  ModuleSearch search{reinterpret_cast<uint64_t>(code), {}};
  dl_iterate_phdr(find_module, &search);
  return search.found;
}

bool find_more_shared() {
  const size_t before = launch_state.shared.size();
  launch_state.shared.clear();
  dl_iterate_phdr(collect_shared, &launch_state.shared);
  return launch_state.shared.size() > before;
}

void wait_as(State state) {
  Thread* me = current;
  me->state = state;
  scheduler_context = fiber::jump_fcontext(scheduler_context, nullptr).fctx;
  current = me;
}

void kill_current() {
  wait_as(State::dead);
  __builtin_unreachable();
}

/// Runs the launch in launch_state: all blocks, in order or permuted by the seed.
void run_blocks(const void* code, uint64_t seed) {
  begin_launch(code);
  Launch& l = launch_state;
  const uint64_t blocks = uint64_t(l.grid.x) * l.grid.y * l.grid.z;
  // A stride without a common factor visits every block once.
  uint64_t stride = seed != 0 ? (seed * 2654435761ull % blocks) | 1 : 1;
  while (std::gcd(stride, blocks) != 1) stride += 2;
  for (uint64_t i = 0; i < blocks; ++i) {
    const auto b = uint64_t(static_cast<unsigned __int128>(i) * stride % blocks);
    l.block_index = {unsigned(b % l.grid.x), unsigned(b / l.grid.x % l.grid.y),
                     unsigned(b / l.grid.x / l.grid.y)};
    l.block_first_id = l.first_id + uint32_t(i) * l.padded_threads;
    ++l.blocks_started;
    l.barrier_epoch = 1;
    l.acquired.clear();
    runner.run(seed);
  }
  l.counters.accesses = hot.accesses;
}

}  // namespace cawe::simt::core
