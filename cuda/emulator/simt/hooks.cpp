// SPDX-License-Identifier: Apache-2.0
// What instrumented kernels call: the entry points of -fsanitize=thread, bounds, alignment,
// signed-integer-overflow and -fsanitize-coverage=trace-pc, answered by the emulator instead of by a
// sanitizer's library.
#include "cuda/emulator/simt/access.h"

namespace cawe::simt::core {
namespace {

/// A thread that runs this many basic blocks will not end.
constexpr uint64_t kEndless = uint64_t{1} << 31;

uint32_t module_pc(const void* return_address) {
  return uint32_t(reinterpret_cast<uint64_t>(return_address) - launch_state.module_base);
}

bool watching() { return current != nullptr && launch_state.level != Level::off; }

void on_range(const void* p, size_t bytes, Access access, const void* pc) {
  if (!watching() || is_private(reinterpret_cast<uint64_t>(p))) return;  // e.g. a struct passed by value
  for (size_t i = 0; i < bytes; i += 4)
    on_access(reinterpret_cast<uint64_t>(p) + i, unsigned(std::min<size_t>(4, bytes - i)), access,
              reinterpret_cast<uint64_t>(pc));
}

void arithmetic_issue(const char* kind, const char* detail, const void* pc) {
  if (watching()) report_issue(kind, module_pc(pc), std::string(detail) + ", " + describe_thread(*current));
}

}  // namespace
}  // namespace cawe::simt::core

using cawe::simt::Access;
using namespace cawe::simt::core;

#define CAWE_PC __builtin_return_address(0)
#define CAWE_HOOK(name, bytes, access)                                                            \
  extern "C" void __tsan_##name(void* p) {                                                        \
    on_access(reinterpret_cast<uint64_t>(p), bytes, access, reinterpret_cast<uint64_t>(CAWE_PC)); \
  }
#define CAWE_HOOKS(bytes)                                 \
  CAWE_HOOK(read##bytes, bytes, Access::load)             \
  CAWE_HOOK(write##bytes, bytes, Access::store)           \
  CAWE_HOOK(unaligned_read##bytes, bytes, Access::load)   \
  CAWE_HOOK(unaligned_write##bytes, bytes, Access::store) \
  CAWE_HOOK(volatile_read##bytes, bytes, Access::load)    \
  CAWE_HOOK(volatile_write##bytes, bytes, Access::store)
CAWE_HOOKS(1)
CAWE_HOOKS(2)
CAWE_HOOKS(4)
CAWE_HOOKS(8)
CAWE_HOOKS(16)

extern "C" {

void __tsan_read_range(void* p, size_t bytes) { on_range(p, bytes, Access::load, CAWE_PC); }
void __tsan_write_range(void* p, size_t bytes) { on_range(p, bytes, Access::store, CAWE_PC); }
void __tsan_init() {}
void __tsan_vptr_update(void**, void*) {}

void __tsan_func_entry(void* caller) {
  Thread* t = current;
  if (t == nullptr) return;
  if (t->depth < t->hashes.size()) t->hashes[t->depth] = t->call_hash;
  if (++t->depth > 1) {
    const auto address = reinterpret_cast<uint64_t>(caller);
    t->call_hash = uint16_t(t->call_hash * 31 + (address ^ address >> 16));
  }
}

void __tsan_func_exit() {
  Thread* t = current;
  if (t == nullptr) return;
  --t->depth;
  if (t->depth < t->hashes.size()) t->call_hash = t->hashes[t->depth];
}

void __sanitizer_cov_trace_pc() {
  Thread* t = current;
  if (t == nullptr || launch_state.level == cawe::simt::Level::off) return;
  if (++t->blocks_run == kEndless) {
    report_issue("endless-loop", module_pc(CAWE_PC), describe_thread(*t));
    kill_current();
  }
  if (launch_state.level == cawe::simt::Level::profile)
    push_record(0, module_pc(CAWE_PC), Kind::basic_block, 0);
}

void __ubsan_handle_out_of_bounds(void*, unsigned long index) {
  if (!watching()) return;
  report_issue("array-index", module_pc(CAWE_PC),
               "index " + std::to_string(long(index)) + ", " + describe_thread(*current));
  kill_current();
}

void __ubsan_handle_add_overflow(void*, unsigned long, unsigned long) {
  arithmetic_issue("index-overflow", "signed addition", CAWE_PC);
}
void __ubsan_handle_sub_overflow(void*, unsigned long, unsigned long) {
  arithmetic_issue("index-overflow", "signed subtraction", CAWE_PC);
}
void __ubsan_handle_mul_overflow(void*, unsigned long, unsigned long) {
  arithmetic_issue("index-overflow", "signed multiplication", CAWE_PC);
}
void __ubsan_handle_negate_overflow(void*, unsigned long) {
  arithmetic_issue("index-overflow", "signed negation", CAWE_PC);
}
void __ubsan_handle_divrem_overflow(void*, unsigned long, unsigned long) {
  arithmetic_issue("index-overflow", "division by zero or overflow", CAWE_PC);
}
void __ubsan_handle_type_mismatch_v1(void*, unsigned long address) {
  if (!watching()) return;
  arithmetic_issue(address == 0 ? "null-pointer" : "misaligned",
                   "access of a type that wants another alignment", CAWE_PC);
  kill_current();
}
void __ubsan_handle_pointer_overflow(void*, unsigned long, unsigned long) {
  arithmetic_issue("index-overflow", "pointer arithmetic", CAWE_PC);
}

}  // extern "C"
