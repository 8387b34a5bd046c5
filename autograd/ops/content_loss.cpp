// SPDX-License-Identifier: Apache-2.0
#include "autograd/ops/content_loss.h"

#include "autograd/ops/elementwise.h"
#include "tensor/communicator.h"
#include "tensor/primitives/content_loss.h"
#include "tensor/profile.h"

namespace cawe {
namespace {

void check(const std::vector<Variable>& a, const std::vector<Tensor>& b, const std::vector<double>& weights) {
  CAWE_CHECK(!a.empty() && a.size() == b.size() && a.size() == weights.size(), Code::shape,
             "content_loss: ", a.size(), " maps of the generated images, ", b.size(), " of the real ones, ",
             weights.size(), " weights (expected as many of each, at least one)");
  for (size_t i = 0; i < a.size(); ++i) {
    CAWE_CHECK(a[i].rank() >= 1 && a[i].shape() == b[i].shape() && a[i].dim(0) == a[0].dim(0), Code::shape,
               "content_loss: map ", i, " is ", a[i].shape(), " and ", b[i].shape(),
               " (expected equal shapes with ", a[0].shape(), "'s number of items)");
    CAWE_CHECK(a[i].dtype() == a[0].dtype() && b[i].dtype() == a[0].dtype(), Code::dtype,
               "content_loss: map ", i, " is ", name(a[i].dtype()), " and ", name(b[i].dtype()),
               " (expected ", name(a[0].dtype()), ")");
  }
}

/// `loss` (f64 [1]) of this rank, summed over the ranks. On one rank it stays on its device.
Tensor over_batch(const Tensor& loss) {
  if (current_communicator().size() == 1) return loss;
  double value = loss.item();
  current_communicator().all_reduce_sum(&value, 1);
  return Tensor::full({1}, value, DType::f64).to(loss.device());
}

}  // namespace

Variable content_loss(const std::vector<Variable>& a, const std::vector<Tensor>& b,
                      const std::vector<double>& weights) {
  check(a, b, weights);
  const DType dtype = a[0].dtype();
  bool wanted = false;
  double numbers = 0;
  std::vector<Tensor> in, gradients;
  for (const Variable& v : a) {
    wanted |= needs_grad(v);
    numbers += double(v.numel());
    in.push_back(v.value());
  }
  if (wanted)
    for (const Tensor& t : in) gradients.push_back(Tensor::like(t));
  ProfileScope scope("content_loss", 4 * numbers, (wanted ? 3 : 2) * numbers * double(size_of(dtype)));
  // Weights are about 1e-7, which f16 cannot hold: 16-bit gradients stay signs until backward() brings the
  // loss scale.
  const std::vector<double> ones(a.size(), 1.0);
  const std::vector<double>&slopes = is_narrow(dtype) ? ones : weights,
        &factors = is_narrow(dtype) ? weights : ones;
  Tensor loss = Tensor::empty({1}, DType::f64, Layout::contiguous, in[0].device());
  primitives::content_loss(in, b, weights, wanted ? slopes : std::vector<double>(), loss, gradients);
  const Tensor y = over_batch(loss).reshape({}).to(is_narrow(dtype) ? DType::f32 : dtype);
  return record("content_loss", a, y, [gradients, factors](const Tensor& dy) -> Grads {
    primitives::scale_each(factors, dy, gradients);
    return gradients;
  });
}

}  // namespace cawe
