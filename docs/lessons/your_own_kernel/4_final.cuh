// The largest value of each row of x [rows, cols]. A warp for each row, 16 bytes a lane; cols is a multiple
// of 4.
#include <algorithm>
#include <vector>

#include "cawe/kernel.cuh"

__global__ void row_max(const float* __restrict__ x, float* __restrict__ y, int rows, int cols) {
  const int row = int(blockIdx.x) * 4 + int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32;
  if (row >= rows) return;  // whole warps leave
  const auto* packs = reinterpret_cast<const float4*>(x + size_t(row) * cols);
  float largest = -INFINITY;
  for (int i = lane; i < cols / 4; i += 32) {
    const float4 v = packs[i];
    largest = fmaxf(largest, fmaxf(fmaxf(v.x, v.y), fmaxf(v.z, v.w)));
  }
  for (int d = 16; d > 0; d /= 2) largest = fmaxf(largest, __shfl_xor_sync(0xffffffffu, largest, d));
  if (lane == 0) y[row] = largest;
}

void cawe_run(cawe::Workbench& bench) {
  const int rows = 500, cols = 200;
  const float* x = bench.normal("x", rows * cols);
  float* result = bench.output<float>(rows);

  CAWE_LAUNCH(row_max, (rows + 3) / 4, 128, 0, nullptr, x, result, rows, cols);

  std::vector<float> wanted(rows);
  for (int r = 0; r < rows; ++r)
    wanted[r] = *std::max_element(bench.host(x) + r * cols, bench.host(x) + (r + 1) * cols);
  bench.expect("largest of each row", result, wanted.data(), rows, 0);
  bench.floor(4.0 * rows * cols, 4.0 * rows, 1.0 * rows * cols);
}
