// SPDX-License-Identifier: Apache-2.0
// Draws anchors for a loss: of foreground and of background those with the smallest random numbers.
//
// A number and its index make 64 bits that no two anchors share, so "the k smallest" are all below one bound. It is found by
// radix selection, 8 bits at a time from the top: count how many share the bits known so far, choose the digit in which
// the k-th lies, until a digit holds no more than are wanted. Numbers are as good as different, so two or three digits do.
//
// Bytes     a anchors: read 8 a for each digit and once more, write 8 a of drawn, 8 for each place of chosen.
// FLOPs     none; 110 integer operations for two anchors' numbers, each time: computing them again is cheaper than 8 a
//           more of traffic, and binds the kernel.
// Launch    one block of 1,024 threads per image: foreground and background together, rows y = 0 and 1 choose their digits.
// Numerics  exact: integers only. The CPU's draws.
// Loads     two anchors, 128 bits, per lane; one where the number of anchors is odd.
// Source    Ren et al. 2015 (sampling), Salmon et al. 2011 (Philox), Alabi et al. 2012 (k-selection).
#include "cuda/kernels/detection_sample.h"

#include "cuda/kernels/sort.cuh"
#include "tensor/philox.h"

namespace CAWE_DEVICE {
namespace {

constexpr int kThreads = 1024, kBuckets = 256, kRows = kThreads / kBuckets, kSets = 2;
using Word = unsigned long long;

/// The anchors of one image.
struct Anchors {
  const int64_t* matched;
  int64_t count;
  PhiloxStream stream;
};

/// Two neighbours: their matches (-2 behind the last) and what orders them.
struct Pair {
  int64_t matched[2];
  Word key[2];
};

__device__ __forceinline__ Pair pair_at(const Anchors& from, int64_t pair) {
  Pair p{{-2, -2}, {0, 0}};
  const int64_t i = 2 * pair;
  if (from.count % 2 == 0) {  // rows are aligned
    if (i < from.count) {
      const Pack<int64_t, 2> both = reinterpret_cast<const Pack<int64_t, 2>*>(from.matched)[pair];
      p.matched[0] = both.v[0];
      p.matched[1] = both.v[1];
    }
  } else {
    if (i < from.count) p.matched[0] = from.matched[i];
    if (i + 1 < from.count) p.matched[1] = from.matched[i + 1];
  }
  if (p.matched[0] < -1 && p.matched[1] < -1) return p;
  const PhiloxBlock block = philox_block(from.stream, uint64_t(i) >> 2);
  uint32_t first = block.word[0], second = block.word[1];
  if (i % 4 != 0) {  // not an index: one that varies would put the four words into local memory
    first = block.word[2];
    second = block.word[3];
  }
  p.key[0] = Word(first) << 32 | uint32_t(i);
  p.key[1] = Word(second) << 32 | uint32_t(i + 1);
  return p;
}

/// 0: foreground, 1: background, else none.
__device__ __forceinline__ int set_of(int64_t matched) { return matched >= 0 ? 0 : matched == -1 ? 1 : 2; }

/// What is known of a set's bound: the anchors below it are drawn. The same in all threads.
struct Bound {
  Word value;     ///< until it is found: the digits known so far, then zeros
  uint32_t want;  ///< how many to take of those that share these digits
  bool found;
};

/// The digit in which the last wanted one lies: how many lie before it, and in it.
struct Digit {
  uint32_t value, before, here;
};

/// Of a block: a row for each set, and two for threads that find nothing.
struct Shared {
  uint32_t bins[kRows][kBuckets], partial[kRows][8], totals[kRows];
  Digit digit[kRows];
};

/// Counts a digit of those that share the known ones, of both sets.
__device__ __forceinline__ void count_digit(const Anchors& from, const Bound (&bounds)[kSets], int shift,
                                            uint32_t (*bins)[kBuckets]) {
  const int tid = int(threadIdx.y) * kBuckets + int(threadIdx.x);
  for (int64_t pair = tid; 2 * pair < from.count; pair += kThreads) {
    const Pair p = pair_at(from, pair);
    for (int k = 0; k < 2; ++k) {
      const int set = set_of(p.matched[k]);
      if (set == 2) continue;
      const Word value = set == 0 ? bounds[0].value : bounds[1].value;
      if (set == 0 ? bounds[0].found : bounds[1].found) continue;
      if ((p.key[k] ^ value) >> shift >> 8 != 0) continue;
      atomicAdd(&bins[set][p.key[k] >> shift & (kBuckets - 1)], 1u);
    }
  }
}

/// Once it is known how many there are: foreground that is not there makes room for background.
__device__ __forceinline__ void begin_bound(int64_t most, uint32_t there, Bound* bound) {
  const bool all = there <= most, none = most <= 0;
  bound->want = uint32_t(most);
  bound->found = all || none;
  bound->value = all && !none ? ~Word(0) : 0;
}

/// Finds both bounds; returns how much foreground is drawn.
__device__ __forceinline__ int64_t find_bounds(const Anchors& from, const SampleLimits& limits,
                                               Shared* shared, Bound (&bounds)[kSets]) {
  const unsigned x = threadIdx.x, y = threadIdx.y;
  int64_t taken = 0;
  for (int shift = 56; shift >= 0; shift -= 8) {
    shared->bins[y][x] = 0;
    __syncthreads();
    count_digit(from, bounds, shift, shared->bins);
    __syncthreads();
    const uint32_t here = shared->bins[y][x], before = exclusive_sum_of_256(here, shared->partial[y]);
    if (shift == 56) {
      if (x == kBuckets - 1) shared->totals[y] = before + here;
      __syncthreads();
      const int64_t foreground = shared->totals[0];
      taken = foreground < limits.foreground ? foreground : limits.foreground;
      begin_bound(limits.foreground, shared->totals[0], &bounds[0]);
      begin_bound(limits.count - taken, shared->totals[1], &bounds[1]);
    }
    const Bound mine = y == 0 ? bounds[0] : bounds[1];
    // One thread of a set whose bound is open.
    if (y < kSets && !mine.found && before < mine.want && mine.want <= before + here)
      shared->digit[y] = {x, before, here};
    __syncthreads();
    for (int set = 0; set < kSets; ++set) {
      Bound& bound = bounds[set];
      if (bound.found) continue;
      const Digit digit = shared->digit[set];
      bound.found = bound.want == digit.before + digit.here;
      bound.value += Word(digit.value + bound.found) << shift;
      bound.want -= digit.before;
    }
    if (bounds[0].found && bounds[1].found) break;
  }
  return taken;
}

/// Lanes' pairs in order: how many flags lie before this lane's first one.
__device__ __forceinline__ uint32_t flags_before(unsigned first, unsigned second) {
  const unsigned lane = threadIdx.x % 32, below = (1u << lane) - 1;
  return uint32_t(__popc(first & below) + __popc(second & below));
}

/// Writes positions of what is drawn in order: by ballot within a warp, by the warps' counts within a round, and by
/// rounds. `kept`: how many of each set are written already.
__device__ __forceinline__ void write_round(const bool (&take)[kSets][2], int64_t position, int64_t* kept,
                                            const int64_t* begin, int (*counts)[kThreads / 32],
                                            int64_t* chosen) {
  const int tid = int(threadIdx.y) * kBuckets + int(threadIdx.x), warp = tid / 32;
  uint32_t before[kSets];
  for (int set = 0; set < kSets; ++set) {
    const unsigned first = __ballot_sync(0xffffffffu, take[set][0]),
                   second = __ballot_sync(0xffffffffu, take[set][1]);
    before[set] = flags_before(first, second);
    if (tid % 32 == 0) counts[set][warp] = __popc(first) + __popc(second);
  }
  __syncthreads();
  for (int set = 0; set < kSets; ++set) {
    int64_t at = begin[set] + kept[set] + before[set];
    for (int w = 0; w < kThreads / 32; ++w) {
      if (w < warp) at += counts[set][w];
      kept[set] += counts[set][w];
    }
    for (int k = 0; k < 2; ++k)
      if (take[set][k]) chosen[at++] = position + k;
  }
}

__global__ void __launch_bounds__(kThreads)
    draw_block_per_image(const int64_t* __restrict__ matched, const int64_t* __restrict__ draws,
                         int64_t anchors, SampleLimits limits, int64_t* __restrict__ drawn,
                         int64_t* __restrict__ chosen) {
  __shared__ Shared shared;
  __shared__ int counts[2][kSets][kThreads / 32];  // of even and of odd rounds
  const int64_t image = blockIdx.x, *key = draws + 3 * image;
  const int tid = int(threadIdx.y) * kBuckets + int(threadIdx.x);
  const Anchors from{matched + image * anchors, anchors,
                     philox_stream(limits.purpose, uint64_t(key[0]), uint64_t(key[1]), uint64_t(key[2]), 0)};
  Bound bounds[kSets] = {{0, 0, false}, {0, 0, false}};
  const int64_t foreground = find_bounds(from, limits, &shared, bounds);
  const Word foreground_end = bounds[0].value, background_end = bounds[1].value;
  int64_t kept[kSets] = {0, 0};
  const int64_t begin[kSets] = {image * limits.count, image * limits.count + foreground};
  int round = 0;
  for (int64_t first = 0; 2 * first < anchors; first += kThreads) {
    const Pair p = pair_at(from, first + tid);
    bool take[kSets][2];
    for (int k = 0; k < 2; ++k) {
      const int set = set_of(p.matched[k]);
      // Not bounds[s] in a loop: nvcc makes an index of s, and keeps the bounds in local memory.
      take[0][k] = (set == 0) & (p.key[k] < foreground_end);
      take[1][k] = (set == 1) & (p.key[k] < background_end);
    }
    const int64_t i = 2 * (first + tid);
    if (drawn != nullptr) {
      const Pack<int64_t, 2> both{
          {take[0][0] || take[1][0] ? p.matched[0] : -2, take[0][1] || take[1][1] ? p.matched[1] : -2}};
      int64_t* to = drawn + image * anchors + i;
      if (anchors % 2 == 0) {
        if (i < anchors) *reinterpret_cast<Pack<int64_t, 2>*>(to) = both;
      } else {
        if (i < anchors) to[0] = both.v[0];
        if (i + 1 < anchors) to[1] = both.v[1];
      }
    }
    if (chosen != nullptr) write_round(take, image * anchors + i, kept, begin, counts[round++ % 2], chosen);
  }
  if (chosen == nullptr) return;
  for (int64_t k = kept[0] + kept[1] + tid; k < limits.count; k += kThreads)
    chosen[image * limits.count + k] = -1;
}

}  // namespace

void sample_matches(const int64_t* matched, const int64_t* draws, int64_t images, int64_t anchors,
                    const SampleLimits& limits, int64_t* drawn, int64_t* chosen, DeviceStream stream) {
  if (images == 0) return;
  CAWE_LAUNCH(draw_block_per_image, unsigned(images), dim3(kBuckets, kRows), 0, stream, matched, draws,
              anchors, limits, drawn, chosen);
}

}  // namespace CAWE_DEVICE
