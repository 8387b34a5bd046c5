// SPDX-License-Identifier: Apache-2.0
// Perceptual content loss sum_i w_i |a_i - b_i|_1 over up to 8 pairs of feature maps and its gradient by
// a_i, in one launch. Source: the paper's Eq. 4 with the factor inside the sum. Gradient: slope_i, -slope_i
// or 0, slope_i being w_i times what the caller multiplies the loss with.
//
// Bytes     read 2n·e, write n·e for n numbers in all maps: each once. In separate steps it is 6n·e.
// FLOPs     4 per number (subtract, absolute value, add, sign): memory-bound.
// Launch    256 threads; a block takes 4 packs per thread of one map, which it finds in a table by its
//           number.
// Numerics  f32 sums (f64 for f64) of a block in a fixed tree, blocks' sums in f64 in a fixed order by the
//           block that finishes last (fence and ticket). No float atomics: the same bits in every run.
// Loads     128 bits where the sizes of all maps are multiples of what one load holds, else one number.
#include "cuda/kernels/content_loss.h"

#include "cuda/emulator/simt/simt.cuh"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 256, kSteps = 4;

template <class T>
struct Piece {
  const T *a, *b;
  T* grad;
  int64_t packs;
  unsigned first_block;
  double weight;
  Accumulator<T> slope;
};
template <class T>
struct Table {
  int count;
  Piece<T> piece[kMaxContentMaps];
};

/// Returns the sum of |a - b| over one pack; p is overwritten by the gradient.
template <class T, int kPack>
__device__ __forceinline__ Accumulator<T> absolute_difference(Pack<T, kPack>& p, const Pack<T, kPack>& q,
                                                              Accumulator<T> slope) {
  using A = Accumulator<T>;
  A sum = 0;
  for (int k = 0; k < kPack; ++k) {
    const A d = widen(p.v[k]) - widen(q.v[k]);
    sum += d < A(0) ? -d : d;
    p.v[k] = rounded<T>(d > A(0) ? slope : d < A(0) ? -slope : A(0));
  }
  return sum;
}

template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    all_maps(const Table<T> table, Accumulator<T>* loss, double* partial, unsigned* ticket) {
  using A = Accumulator<T>;
  using Packed = Pack<T, kPack>;
  __shared__ A warps[32];
  __shared__ double warps_of_total[32];
  __shared__ bool is_last;
  int m = 0;
  while (m + 1 < table.count && blockIdx.x >= table.piece[m + 1].first_block) ++m;
  const Piece<T>& piece = table.piece[m];
  const auto *a = reinterpret_cast<const Packed*>(piece.a), *b = reinterpret_cast<const Packed*>(piece.b);
  auto* grad = reinterpret_cast<Packed*>(piece.grad);
  const int64_t first = int64_t(blockIdx.x - piece.first_block) * (kThreads * kSteps) + int(threadIdx.x);
  Packed p[kSteps], q[kSteps];  // all loads are issued before the first store
  for (int s = 0; s < kSteps; ++s) {
    const int64_t i = first + s * kThreads;
    if (i >= piece.packs) continue;
    p[s] = a[i];
    q[s] = b[i];
  }
  A mine = 0;
  for (int s = 0; s < kSteps; ++s) {
    const int64_t i = first + s * kThreads;
    if (i >= piece.packs) continue;
    mine += absolute_difference(p[s], q[s], piece.slope);
    if (grad != nullptr) grad[i] = p[s];
  }
  const A sum = block_reduce(mine, Sum{}, A(0), warps);
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = double(sum) * piece.weight;
    __threadfence();
    is_last = atomicAdd(ticket, 1u) == gridDim.x - 1;
    if (is_last) *ticket = 0;
    __threadfence();
  }
  __syncthreads();
  if (!is_last) return;
  double total = 0;
  for (unsigned i = threadIdx.x; i < gridDim.x; i += kThreads) total += partial[i];
  total = block_reduce(total, Sum{}, 0.0, warps_of_total);
  if (threadIdx.x == 0) *loss = A(total);
}

int64_t blocks_of(int64_t packs) { return (packs + kThreads * kSteps - 1) / (kThreads * kSteps); }

/// How many numbers one load may hold, for all maps alike.
template <class T>
int pack_of(const ContentMaps& maps) {
  for (int i = 0; i < maps.count; ++i) {
    const ContentMap& m = maps.map[i];
    const auto places = reinterpret_cast<uintptr_t>(m.a) | reinterpret_cast<uintptr_t>(m.b) |
                        reinterpret_cast<uintptr_t>(m.grad);
    if (m.n % kPerLoad<T> != 0 || places % 16 != 0) return 1;
  }
  return kPerLoad<T>;
}

/// At least one block, so that the loss of empty maps is written, too.
template <class T>
int64_t total_blocks(const ContentMaps& maps) {
  int64_t blocks = 0;
  for (int i = 0; i < maps.count; ++i) blocks += blocks_of(maps.map[i].n / pack_of<T>(maps));
  return blocks > 0 ? blocks : 1;
}

template <class T, int kPack>
void launch(const ContentMaps& maps, void* loss, void* scratch, uint32_t* ticket, DeviceStream stream) {
  Table<T> table{};
  table.count = maps.count;
  int64_t blocks = 0;
  for (int i = 0; i < maps.count; ++i) {
    const ContentMap& m = maps.map[i];
    table.piece[i] = {static_cast<const T*>(m.a), static_cast<const T*>(m.b),
                      static_cast<T*>(m.grad),    m.n / kPack,
                      unsigned(blocks),           m.weight,
                      Accumulator<T>(m.slope)};
    blocks += blocks_of(m.n / kPack);
  }
  CAWE_LAUNCH((all_maps<T, kPack>), unsigned(total_blocks<T>(maps)), kThreads, 0, stream, table,
              static_cast<Accumulator<T>*>(loss), static_cast<double*>(scratch), ticket);
}

}  // namespace

size_t content_loss_scratch(Number number, const ContentMaps& maps) {
  size_t bytes = 0;
  CAWE_DISPATCH(number, T, bytes = size_t(total_blocks<T>(maps)) * sizeof(double))
  return bytes;
}

void content_loss(Number number, const ContentMaps& maps, void* loss, void* scratch, uint32_t* ticket,
                  DeviceStream stream) {
  CAWE_DISPATCH(number, T, {
    if (pack_of<T>(maps) == 1)
      launch<T, 1>(maps, loss, scratch, ticket, stream);
    else
      launch<T, kPerLoad<T>>(maps, loss, scratch, ticket, stream);
  })
}

}  // namespace CAWE_DEVICE
