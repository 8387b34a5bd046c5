// SPDX-License-Identifier: Apache-2.0
// Softmax attention on contiguous tensors. The softmax statistics (each query's largest score and sum,
// `seen`) are f32 where the other tensors are f16 or bf16.
#include "cuda/kernels/attention.h"

#include <algorithm>

#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/packing.h"

namespace CAWE_DEVICE {
namespace {

AttentionSizes sizes_of(const Tensor& q, const Tensor& v, double scale) {
  const AttentionSizes z{q.dim(0), q.dim(1), v.dim(1), q.dim(2), v.dim(2), scale};
  const int64_t widest = std::max(z.depth, z.channels), longest = std::max(z.queries, z.keys);
  CAWE_CHECK(longest * widest < (int64_t{1} << 31), Code::unsupported, "attention: q ", q.shape(), " and v ",
             v.shape(), " (expected fewer than 2^31 numbers an image)");
  return z;
}

Tensor in(const Tensor& t) { return packed(t, Layout::contiguous); }
Tensor out(const Tensor& t) { return packed_output(t, Layout::contiguous); }

}  // namespace

void CudaBackend::attention(const Tensor& q, const Tensor& k, const Tensor& v, double scale, Tensor& y,
                            Tensor& seen) {
  const Number number = number_of("attention", q);
  const Tensor queries = in(q), keys = in(k), values = in(v), result = out(y), sums = out(seen);
  CAWE_DEVICE::attention(number, sizes_of(q, v, scale), queries.raw(), keys.raw(), values.raw(), result.raw(),
                         sums.raw(), stream());
  deliver(result, y);
  deliver(sums, seen);
}

void CudaBackend::attention_grad(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& y,
                                 const Tensor& seen, const Tensor& dy, double scale, Tensor& dq, Tensor& dk,
                                 Tensor& dv) {
  const Number number = number_of("attention_grad", q);
  const Tensor queries = in(q), keys = in(k), values = in(v), result = in(y), sums = in(seen),
               gradient = in(dy);
  const Tensor terms = Tensor::empty({3, q.dim(0), q.dim(1)}, seen.dtype(), Layout::contiguous, device());
  const Tensor dqueries = out(dq), dkeys = out(dk), dvalues = out(dv);
  CAWE_DEVICE::attention_grad(number, sizes_of(q, v, scale),
                              {queries.raw(), keys.raw(), values.raw(), result.raw(), sums.raw(),
                               gradient.raw(), terms.raw(), dqueries.raw(), dkeys.raw(), dvalues.raw()},
                              stream());
  deliver(dqueries, dq);
  deliver(dkeys, dk);
  deliver(dvalues, dv);
}

}  // namespace CAWE_DEVICE
