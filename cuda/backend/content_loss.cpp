// SPDX-License-Identifier: Apache-2.0
// Content loss over pairs of feature maps, and factors for many tensors in place.
#include "cuda/kernels/content_loss.h"

#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/packing.h"
#include "cuda/backend/views.h"
#include "cuda/kernels/optimizers.h"

namespace CAWE_DEVICE {

void CudaBackend::content_loss(const std::vector<Tensor>& a, const std::vector<Tensor>& b,
                               const std::vector<double>& weights, const std::vector<double>& slopes,
                               Tensor& loss, const std::vector<Tensor>& da) {
  CAWE_CHECK(a.size() <= size_t(kMaxContentMaps), Code::unsupported, "content_loss: ", a.size(),
             " maps (expected at most ", kMaxContentMaps, " on a device). Add up several losses.");
  const Number number = number_of("content_loss", a[0]);
  ContentMaps maps{int(a.size()), {}};
  // Copies of tensors that are not dense, or not in their partner's order.
  std::vector<Tensor> kept, gradients;
  for (size_t i = 0; i < a.size(); ++i) {
    common_number("content_loss", a[0], a[i], b[i]);
    const Tensor p = a[i].is_dense() ? a[i] : a[i].contiguous(), q = in_order_of(p, b[i]);
    kept.insert(kept.end(), {p, q});
    if (!da.empty()) gradients.push_back(same_order(p, da[i]) ? da[i] : Tensor::like(p));
    maps.map[i] = {p.raw(),   q.raw(),    da.empty() ? nullptr : gradients[i].raw(),
                   p.numel(), weights[i], da.empty() ? 0 : slopes[i]};
  }
  const auto bytes = int64_t(content_loss_scratch(number, maps));
  const Tensor scratch = Tensor::empty({bytes}, DType::u8, Layout::contiguous, device());
  const Tensor ticket = Tensor::zeros({1}, DType::i32, Layout::contiguous, device());
  const Tensor sum =
      Tensor::empty({1}, number == Number::f64 ? DType::f64 : DType::f32, Layout::contiguous, device());
  CAWE_DEVICE::content_loss(number, maps, sum.raw(), scratch.raw(), static_cast<uint32_t*>(ticket.raw()),
                            stream());
  loss.copy_from(sum);
  for (size_t i = 0; i < da.size(); ++i)
    if (gradients[i].raw() != da[i].raw()) Tensor(da[i]).copy_from(gradients[i]);
}

void CudaBackend::scale_each(const std::vector<double>& factors, const Tensor& scale,
                             const std::vector<Tensor>& x) {
  const Tensor common = scale.to(DType::f64);
  Tensor product = Tensor::like(common);
  std::vector<GradientTensor> same;  // consecutive tensors with the same factor
  for (size_t i = 0; i < x.size(); ++i) {
    CAWE_CHECK(x[i].is_dense(), Code::internal, "scale_each: tensor ", i, " has gaps");
    const Number number = common_number("scale_each", x[0], x[i]);
    same.push_back({x[i].raw(), x[i].numel()});
    if (i + 1 < x.size() && factors[i + 1] == factors[i]) continue;
    unary(UnaryOp::affine, factors[i], 0, common, product);
    scale_gradients(number, same.data(), int64_t(same.size()), product.data<double>(), stream());
    same.clear();
  }
}

}  // namespace CAWE_DEVICE
