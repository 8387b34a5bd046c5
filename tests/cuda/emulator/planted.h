// SPDX-License-Identifier: Apache-2.0
// Launch functions of planted.cu and patterns.cu, for tests that are compiled without instrumentation.
#pragma once

#include <cstddef>

namespace cawe::planted {

/// Device buffers of a planted bug: `in` and `out` have `n` floats each, `fresh` n floats never written,
/// `freed` n floats given back, `count` one zero.
struct Buffers {
  const float* in;
  float* out;
  float* fresh;
  const float* freed;
  unsigned* count;
  int n;
};

struct Bug {
  const char* name;
  void (*launch)(const Buffers& b);
};
extern const Bug kBugs[];
extern const size_t kBugCount;
/// Correct kernels that a careless checker would blame.
extern const Bug kInnocent[];
extern const size_t kInnocentCount;

}  // namespace cawe::planted

namespace cawe::patterns {

/// One warp reads in[lane * stride + offset] and writes out[lane].
void strided(const float* in, float* out, int stride, int offset);
/// The same with 16-byte loads and stores.
void vectors(const float* in, float* out);
/// 32 x 32 floats through shared memory; padded: rows of 33.
void transpose(const float* in, float* out, bool padded);
/// 16-byte shared loads, each lane its own.
void shared_vectors(const float* in, float* out);
/// All lanes read the same shared word, then the same global word.
void broadcast(const float* in, float* out);
/// Lane i adds 1 to out[i / lanes_per_bin].
void histogram(unsigned* bins, int lanes_per_bin);
/// Odd lanes run a branch of `trips` loads, even lanes none; then all store.
void diverging(const float* in, float* out, int trips);
/// Each lane loads in[i * 32 + lane] for those i whose bit in masks[i] is set.
void conditional(const unsigned* masks, const float* in, float* out, int n);
/// Loops with break, continue, switch and return (see nested_oracle in the test).
void nested(const float* a, const float* b, const float* c, float* out, int n, int salt);
/// 8-bit loads, one a lane.
void bytes(const unsigned char* in, unsigned char* out);

/// d = a b + c by one warp on tensor cores: a [16, 16] and b [16, 8] as 16-bit numbers, c and d [16, 8].
void product(bool is_bf16, const unsigned short* a, const unsigned short* b, const float* c, float* d);

}  // namespace cawe::patterns
