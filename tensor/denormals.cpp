// SPDX-License-Identifier: Apache-2.0
#include "tensor/denormals.h"

#include <cstdint>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace cawe {
namespace {

#if defined(__x86_64__)
constexpr unsigned kFlush = 0x8040;  // results (bit 15) and inputs (bit 6)
unsigned control() { return _mm_getcsr(); }
void set_control(unsigned value) { _mm_setcsr(value); }
#elif defined(__aarch64__)
constexpr uint64_t kFlush = uint64_t{1} << 24;
uint64_t control() {
  uint64_t value = 0;
  asm volatile("mrs %0, fpcr" : "=r"(value));
  return value;
}
void set_control(uint64_t value) { asm volatile("msr fpcr, %0" : : "r"(value)); }
#else
constexpr unsigned kFlush = 0;
unsigned control() { return 0; }
void set_control(unsigned) {}
#endif

}  // namespace

void flush_denormals() { detail::set_flush_denormals(true); }

bool denormals_are_flushed() { return (control() & kFlush) != 0; }

void detail::set_flush_denormals(bool flush) {
  const auto now = control();
  const auto wanted = flush ? now | kFlush : now & ~kFlush;
  if (wanted != now) set_control(wanted);
}

KeepDenormals::KeepDenormals() : flushed_before_(denormals_are_flushed()) {
  detail::set_flush_denormals(false);
}
KeepDenormals::~KeepDenormals() { detail::set_flush_denormals(flushed_before_); }

}  // namespace cawe
