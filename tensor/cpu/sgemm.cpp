// SPDX-License-Identifier: Apache-2.0
#include "tensor/cpu/sgemm.h"

#include "tensor/error.h"

#if CAWE_HAVE_ONEDNN
#include <omp.h>

#include <oneapi/dnnl/dnnl.h>
#endif

namespace cawe::cpu {

#if CAWE_HAVE_ONEDNN

void sgemm(int64_t m, int64_t n, int64_t k, float alpha, const Block& a, const Block& b, float beta, float* c,
           int64_t stride) {
  // oneDNN splits sums by its number of threads, so it gets one.
  thread_local const bool alone = (omp_set_num_threads(1), true);
  static_cast<void>(alone);
  const dnnl_status_t status = dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', m, n, k, alpha,
                                          a.data, a.stride, b.data, b.stride, beta, c, stride);
  CAWE_CHECK(status == dnnl_success, Code::unsupported, "sgemm: oneDNN refuses ", m, "x", n, "x", k,
             " (status ", int(status), ")");
}

#else

void sgemm(int64_t m, int64_t n, int64_t k, float alpha, const Block& a, const Block& b, float beta, float* c,
           int64_t stride) {
  const auto at = [](const Block& x, int64_t row, int64_t column) {
    return x.transposed ? x.data[column * x.stride + row] : x.data[row * x.stride + column];
  };
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      float sum = 0;
      for (int64_t l = 0; l < k; ++l) sum += at(a, i, l) * at(b, l, j);
      float& out = c[i * stride + j];
      out = beta == 0.0f ? alpha * sum : alpha * sum + beta * out;
    }
}

#endif

}  // namespace cawe::cpu
