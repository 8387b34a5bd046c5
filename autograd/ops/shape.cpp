// SPDX-License-Identifier: Apache-2.0
#include "autograd/ops/shape.h"

namespace cawe {

Variable reshape(const Variable& x, const Shape& shape) {
  return record("reshape", {x}, x.value().reshape(shape),
                [from = x.shape()](const Tensor& dy) -> Grads { return {dy.reshape(from)}; });
}

Variable permute(const Variable& x, const std::vector<int>& order) {
  std::vector<int> inverse(order.size());
  const Tensor y = x.value().permute(order);
  for (size_t i = 0; i < order.size(); ++i) inverse[size_t(order[i])] = int(i);
  return record("permute", {x}, y, [inverse](const Tensor& dy) -> Grads { return {dy.permute(inverse)}; });
}

Variable slice(const Variable& x, int dim, int64_t begin, int64_t end) {
  const Tensor in = x.value();
  return record("slice", {x}, in.slice(dim, begin, end),
                [shape = in.shape(), dim, begin, end](const Tensor& dy) -> Grads {
                  Tensor dx = Tensor::zeros(shape, dy.dtype(), Layout::contiguous, dy.device());
                  dx.slice(dim, begin, end).copy_from(dy);
                  return {dx};
                });
}

Variable concat(const std::vector<Variable>& parts, int dim) {
  CAWE_CHECK(!parts.empty(), Code::shape, "concat: no parts");
  const int d = dim < 0 ? dim + parts[0].rank() : dim;
  Shape shape = parts[0].shape();
  CAWE_CHECK(d >= 0 && d < shape.rank(), Code::shape, "concat: dimension ", dim, " of ", shape);
  shape[d] = 0;
  std::vector<int64_t> sizes;
  for (const Variable& part : parts) {
    Shape rest = part.shape();
    CAWE_CHECK(rest.rank() == shape.rank() && part.dtype() == parts[0].dtype(), Code::shape,
               "concat: ", part.shape(), " ", name(part.dtype()), " beside ", parts[0].shape(), " ",
               name(parts[0].dtype()));
    sizes.push_back(rest[d]);
    rest[d] = 0;
    Shape first = parts[0].shape();
    first[d] = 0;
    CAWE_CHECK(rest == first, Code::shape, "concat: ", part.shape(), " beside ", parts[0].shape(),
               " along dimension ", d);
    shape[d] += sizes.back();
  }
  const bool last =
      shape.rank() == 4 && parts[0].value().is_channels_last() && !parts[0].value().is_contiguous();
  Tensor y = Tensor::empty(shape, parts[0].dtype(), last ? Layout::channels_last : Layout::contiguous,
                           parts[0].device());
  int64_t at = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    y.slice(d, at, at + sizes[i]).copy_from(parts[i].value());
    at += sizes[i];
  }
  return record("concat", parts, y, [sizes, d](const Tensor& dy) -> Grads {
    Grads grads;
    int64_t from = 0;
    for (int64_t size : sizes) {
      grads.push_back(dy.slice(d, from, from + size));
      from += size;
    }
    return grads;
  });
}

}  // namespace cawe
