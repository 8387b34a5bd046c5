// SPDX-License-Identifier: Apache-2.0
// Regions of the box head: proposals and true boxes in one list, and the pyramid level of each region.
//
// Bytes     join: read 8 a place and 4 e a kept box, 5 e a row of truth; write 4 e a region. Place: read 4 e + 8, write 8 a
//           region.
// FLOPs     place: 5 and a comparison per level. Bound by memory.
// Launch    join: a block of 256 threads per image, 256 at a time, since they keep their order. Place: one thread per
//           region, 256 per block; grid.y is the image.
// Numerics  boxes are copied; a side is one rounding each of two differences, a product and a root: the CPU's bits.
// Loads     boxes 128 bits per lane. Truth one number per lane, in rows of five: from cache after the first.
// Source    Ren et al. 2015 (true boxes are proposals too), Lin et al. 2017, arXiv 1612.03144 (levels by size).
#include "cuda/kernels/deciding.cuh"
#include "cuda/kernels/detection_boxes.cuh"
#include "cuda/kernels/detection_boxes.h"

namespace CAWE_DEVICE {
namespace {

constexpr int kThreads = 256;

template <class T>
__global__ void __launch_bounds__(kThreads)
    join_block_per_image(const T* __restrict__ boxes, const int64_t* __restrict__ kept, int64_t wanted,
                         const T* __restrict__ truth, int64_t rows, T* __restrict__ regions,
                         int64_t* __restrict__ counts) {
  __shared__ KeptByWarp<kThreads> warps;
  const int64_t image = blockIdx.x, room = wanted + rows, base = image * room;
  InOrder<kThreads> order{&warps};
  for (int64_t first = 0; first < wanted; first += kThreads) {
    const int64_t k = first + threadIdx.x, from = k < wanted ? kept[image * wanted + k] : -1;
    order.count(from >= 0);
    __syncthreads();
    const int64_t place = order.place();
    if (from >= 0) store_box(regions, base + place, load_box(boxes, from));
  }
  for (int64_t first = 0; first < rows; first += kThreads) {
    const int64_t g = first + threadIdx.x;
    const T* row = truth + (image * rows + g) * kTruthWidth;
    const bool keep = g < rows && row[4] >= T(0);
    order.count(keep);
    __syncthreads();
    const int64_t place = order.place();
    if (keep) store_box(regions, base + place, truth_box(row));
  }
  for (int64_t k = order.kept + threadIdx.x; k < room; k += kThreads)
    store_box(regions, base + k, DeviceBox<T>{});
  if (threadIdx.x == 0) counts[image] = order.kept;
}

__device__ __forceinline__ float root(float x) { return __fsqrt_rn(x); }
__device__ __forceinline__ double root(double x) { return __dsqrt_rn(x); }

template <class T>
__global__ void __launch_bounds__(kThreads)
    place_thread_per_region(const T* __restrict__ boxes, const int64_t* __restrict__ chosen, int64_t slots,
                            const LevelSides sides, int2* __restrict__ place) {
  const int64_t image = blockIdx.y, k = int64_t(blockIdx.x) * kThreads + threadIdx.x,
                slot = image * slots + k;
  if (k >= slots) return;
  const T side = root(area(load_box(boxes, slot)));
  int level = 0;
  CAWE_UNROLL  // a parameter that is indexed by a variable would be copied to local memory
      for (int i = 0; i < kMostParts; ++i) level += i < sides.count && side >= T(sides.least[i]);
  place[slot] = {int(image), chosen[slot] < 0 ? -1 : level};
}

}  // namespace

void join_boxes(Number number, const void* boxes, const int64_t* kept, int64_t images, int64_t wanted,
                const void* truth, int64_t rows, void* regions, int64_t* counts, DeviceStream stream) {
  if (images == 0) return;
  CAWE_DISPATCH_EXACT(number, T,
                      CAWE_LAUNCH(join_block_per_image<T>, unsigned(images), kThreads, 0, stream,
                                  static_cast<const T*>(boxes), kept, wanted, static_cast<const T*>(truth),
                                  rows, static_cast<T*>(regions), counts))
}

void place_regions(Number number, const void* boxes, const int64_t* chosen, int64_t images, int64_t slots,
                   const LevelSides& sides, int32_t* place, DeviceStream stream) {
  if (images == 0 || slots == 0) return;
  const dim3 grid(unsigned((slots + kThreads - 1) / kThreads), unsigned(images));
  CAWE_DISPATCH_EXACT(
      number, T,
      CAWE_LAUNCH(place_thread_per_region<T>, grid, kThreads, 0, stream, static_cast<const T*>(boxes), chosen,
                  slots, sides, reinterpret_cast<int2*>(place)))
}

}  // namespace CAWE_DEVICE
