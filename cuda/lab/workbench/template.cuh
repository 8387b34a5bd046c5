// y = a x + y. A kernel of your own: change it, then run
//   cawe kernels THIS_FILE --profile
// The same file compiles with nvcc (nvcc -x cu -I CAWE -I CAWE/cuda/lab/workbench/include -c THIS_FILE).
//
// Bytes     read 8n, write 4n
// FLOPs     2n
// Launch    one thread for each element
#include <vector>

#include "cawe/kernel.cuh"

__global__ void axpy(const float* __restrict__ x, const float* y_in, float* y_out, float a, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) y_out[i] = a * x[i] + y_in[i];
}

void cawe_run(cawe::Workbench& bench) {
  const int n = 10000;
  const float a = 0.5f;
  const float* x = bench.normal("x", n);
  const float* y = bench.normal("y", n);
  float* result = bench.output<float>(n);

  CAWE_LAUNCH(axpy, (n + 255) / 256, 256, 0, nullptr, x, y, result, a, n);

  std::vector<float> wanted(n);
  for (int i = 0; i < n; ++i) wanted[i] = a * bench.host(x)[i] + bench.host(y)[i];
  bench.expect("result", result, wanted.data(), n, 1e-6);
  bench.floor(8.0 * n, 4.0 * n, 2.0 * n);
}
