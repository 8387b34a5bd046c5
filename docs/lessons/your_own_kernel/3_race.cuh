// The largest value of each row of x [rows, cols]. A block for each row: neighbouring lanes read neighbours,
// but a barrier is missing.
#include <algorithm>
#include <vector>

#include "cawe/kernel.cuh"

__global__ void row_max(const float* __restrict__ x, float* __restrict__ y, int cols) {
  __shared__ float partial[4];
  const float* row = x + size_t(blockIdx.x) * cols;
  const int warp = int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32;
  float largest = row[0];
  for (int i = int(threadIdx.x); i < cols; i += int(blockDim.x))
    largest = row[i] > largest ? row[i] : largest;
  for (int d = 16; d > 0; d /= 2) {
    const float other = __shfl_xor_sync(0xffffffffu, largest, d);
    largest = other > largest ? other : largest;
  }
  if (lane == 0) partial[warp] = largest;
  if (threadIdx.x == 0) {
    for (int w = 0; w < 4; ++w) largest = partial[w] > largest ? partial[w] : largest;
    y[blockIdx.x] = largest;
  }
}

void cawe_run(cawe::Workbench& bench) {
  const int rows = 500, cols = 200;
  const float* x = bench.normal("x", rows * cols);
  float* result = bench.output<float>(rows);

  CAWE_LAUNCH(row_max, rows, 128, 0, nullptr, x, result, cols);

  std::vector<float> wanted(rows);
  for (int r = 0; r < rows; ++r)
    wanted[r] = *std::max_element(bench.host(x) + r * cols, bench.host(x) + (r + 1) * cols);
  bench.expect("largest of each row", result, wanted.data(), rows, 0);
  bench.floor(4.0 * rows * cols, 4.0 * rows, 1.0 * rows * cols);
}
