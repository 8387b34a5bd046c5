// SPDX-License-Identifier: Apache-2.0
#include "autograd/ops/attention.h"

#include "tensor/primitives/attention.h"
#include "tensor/profile.h"

namespace cawe {

Variable attention(const Variable& q, const Variable& k, const Variable& v, double scale) {
  CAWE_CHECK(q.rank() == 3 && k.rank() == 3 && v.rank() == 3 && q.dim(0) == k.dim(0) &&
                 q.dim(0) == v.dim(0) && q.dim(2) == k.dim(2) && k.dim(1) == v.dim(1),
             Code::shape, "attention: q ", q.shape(), ", k ", k.shape(), ", v ", v.shape(),
             " (expected [N, P, D], [N, S, D] and [N, S, C])");
  CAWE_CHECK(k.dim(1) > 0 && k.dim(2) > 0 && v.dim(2) > 0, Code::shape, "attention: k ", k.shape(), ", v ",
             v.shape(), " (expected at least one key and channel)");
  CAWE_CHECK(q.dtype() == k.dtype() && q.dtype() == v.dtype(), Code::dtype, "attention: q is ",
             name(q.dtype()), ", k is ", name(k.dtype()), ", v is ", name(v.dtype()),
             " (expected one dtype)");
  const Tensor queries = q.value().contiguous(), keys = k.value().contiguous(),
               values = v.value().contiguous();
  const DType dtype = q.dtype();
  Tensor y = Tensor::empty({q.dim(0), q.dim(1), v.dim(2)}, dtype, Layout::contiguous, q.device());
  Tensor seen = Tensor::empty({q.dim(0), q.dim(1), 2}, dtype == DType::f64 ? dtype : DType::f32,
                              Layout::contiguous, q.device());
  // FLOPs: a multiply and an add for each query, key and number of q (D) and of v (C).
  const double pairs = double(q.dim(0)) * double(q.dim(1)) * double(k.dim(1));
  const double product_d = 2 * pairs * double(q.dim(2)), product_c = 2 * pairs * double(v.dim(2));
  ProfileScope scope("attention", product_d + product_c);
  primitives::attention(queries, keys, values, scale, y, seen);
  return record("attention", {q, k, v}, y, [=](const Tensor& dy) -> Grads {
    ProfileScope back("attention_grad", 3 * product_d + 2 * product_c);
    Tensor dq = Tensor::like(queries), dk = Tensor::like(keys), dv = Tensor::like(values);
    primitives::attention_grad(queries, keys, values, y, seen, dy.contiguous(), scale, dq, dk, dv);
    return {dq, dk, dv};
  });
}

}  // namespace cawe
