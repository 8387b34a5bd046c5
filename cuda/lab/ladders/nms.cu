// SPDX-License-Identifier: Apache-2.0
// Three masks for non-maximum suppression, from the plainest on. Each compares all pairs of boxes, stores
// the mask row by row, and leaves the choice to the host.
//
// Bytes     boxes 16 n, mask 8 n ceil(n / 64), and the mask once more over the bus to the host.
// FLOPs     20 a pair that is compared, n^2 / 2 pairs.
// Launch    64 threads for 64 rows and one word of each: a tile of 64 x 64 pairs.
// Numerics  overlaps as in tensor/box.h, each operation rounded by itself.
// Loads     1: each pair's second box from global memory. 2 and 3: the tile's 64 boxes in shared memory.
// Source    the mask of 64 x 64 pairs is common usage.
#include "cuda/lab/ladders/nms.h"

#include "cuda/kernels/detection_boxes.cuh"

namespace CAWE_DEVICE {
namespace {

using Word = unsigned long long;
constexpr int kColumn = 64;

__global__ void __launch_bounds__(kColumn)
    square(const float* __restrict__ boxes, int n, float threshold, Word* __restrict__ mask) {
  const int row = int(blockIdx.y) * kColumn + int(threadIdx.x), first = int(blockIdx.x) * kColumn;
  if (row >= n) return;
  const DeviceBox<float> mine = load_box(boxes, row);
  Word bits = 0;
  for (int j = 0; j < kColumn && first + j < n; ++j) {
    if (first + j <= row) continue;
    bits |= Word(overlap(mine, load_box(boxes, first + j)) > threshold) << j;
  }
  mask[int64_t(row) * gridDim.x + blockIdx.x] = bits;
}

__global__ void __launch_bounds__(kColumn)
    square_shared(const float* __restrict__ boxes, int n, float threshold, Word* __restrict__ mask) {
  __align__(16) __shared__ float column[kColumn * 4];
  const int t = int(threadIdx.x), row = int(blockIdx.y) * kColumn + t, first = int(blockIdx.x) * kColumn;
  if (first + t < n) store_box(column, t, load_box(boxes, first + t));
  __syncthreads();
  if (row >= n) return;
  const DeviceBox<float> mine = load_box(boxes, row);
  Word bits = 0;
  for (int j = 0; j < kColumn && first + j < n; ++j) {
    if (first + j <= row) continue;
    bits |= Word(overlap(mine, load_box(column, j)) > threshold) << j;
  }
  mask[int64_t(row) * gridDim.x + blockIdx.x] = bits;
}

__global__ void __launch_bounds__(kColumn)
    triangle_shared(const float* __restrict__ boxes, int n, float threshold, Word* __restrict__ mask) {
  __align__(16) __shared__ float column[kColumn * 4];
  if (blockIdx.y > blockIdx.x) return;  // rows behind all of the column's boxes
  const int t = int(threadIdx.x), row = int(blockIdx.y) * kColumn + t, first = int(blockIdx.x) * kColumn;
  if (first + t < n) store_box(column, t, load_box(boxes, first + t));
  __syncthreads();
  if (row >= n) return;
  const DeviceBox<float> mine = load_box(boxes, row);
  Word bits = 0;
  for (int j = 0; j < kColumn && first + j < n; ++j)
    bits |= Word(overlap(mine, load_box(column, j)) > threshold) << j;
  if (row >= first) bits &= ~Word(1) << t;  // on the diagonal: only the boxes behind this one
  mask[int64_t(row) * gridDim.x + blockIdx.x] = bits;
}

dim3 tiles_of(int64_t n) {
  const auto columns = unsigned((n + kColumn - 1) / kColumn);
  return dim3(columns, columns);
}

}  // namespace

void nms_square(const float* boxes, int64_t n, float threshold, unsigned long long* mask,
                DeviceStream stream) {
  if (n > 0) CAWE_LAUNCH(square, tiles_of(n), kColumn, 0, stream, boxes, int(n), threshold, mask);
}

void nms_square_shared(const float* boxes, int64_t n, float threshold, unsigned long long* mask,
                       DeviceStream stream) {
  if (n > 0) CAWE_LAUNCH(square_shared, tiles_of(n), kColumn, 0, stream, boxes, int(n), threshold, mask);
}

void nms_triangle_shared(const float* boxes, int64_t n, float threshold, unsigned long long* mask,
                         DeviceStream stream) {
  if (n > 0) CAWE_LAUNCH(triangle_shared, tiles_of(n), kColumn, 0, stream, boxes, int(n), threshold, mask);
}

}  // namespace CAWE_DEVICE
