// The largest value of each row of x [rows, cols]. First try: a thread for each row, with a mistake.
#include <algorithm>
#include <vector>

#include "cawe/kernel.cuh"

__global__ void row_max(const float* __restrict__ x, float* __restrict__ y, int rows, int cols) {
  const int row = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (row > rows) return;
  float largest = x[size_t(row) * cols];
  for (int i = 1; i < cols; ++i) {
    const float v = x[size_t(row) * cols + i];
    largest = v > largest ? v : largest;
  }
  y[row] = largest;
}

void cawe_run(cawe::Workbench& bench) {
  const int rows = 500, cols = 200;
  const float* x = bench.normal("x", rows * cols);
  float* result = bench.output<float>(rows);

  CAWE_LAUNCH(row_max, (rows + 127) / 128, 128, 0, nullptr, x, result, rows, cols);

  std::vector<float> wanted(rows);
  for (int r = 0; r < rows; ++r)
    wanted[r] = *std::max_element(bench.host(x) + r * cols, bench.host(x) + (r + 1) * cols);
  bench.expect("largest of each row", result, wanted.data(), rows, 0);
  bench.floor(4.0 * rows * cols, 4.0 * rows, 1.0 * rows * cols);
}
