// SPDX-License-Identifier: Apache-2.0
// Tensors as kernels see them (StridedView), and checks that the tensors of one call agree.
#pragma once

#include "cuda/backend/cuda_backend.h"
#include "cuda/kernels/segments.h"

namespace CAWE_DEVICE {

inline StridedView view_of(const Tensor& x) {
  StridedView v{};
  v.rank = x.rank();
  for (int d = 0; d < v.rank; ++d) {
    v.size[d] = x.dim(d);
    v.stride[d] = x.stride(d);
  }
  return v;
}

/// x repeated to `shape` by broadcasting: stride 0 along repeated dimensions.
inline StridedView view_of(const Tensor& x, const Shape& shape) { return view_of(x.expand(shape)); }

inline Dims4 dims_of(const Tensor& x) { return {x.dim(0), x.dim(1), x.dim(2), x.dim(3)}; }

/// The common element type of a call's tensors; throws Code::dtype or unsupported, naming `op`, where they
/// differ in type or device.
template <class... More>
Number common_number(const char* op, const Tensor& x, const More&... more) {
  const auto check = [&](const Tensor& t) {
    CAWE_CHECK(t.dtype() == x.dtype(), Code::dtype, op, ": ", name(x.dtype()), " and ", name(t.dtype()),
               " in one call (expected one dtype). Convert with Tensor::to.");
    CAWE_CHECK(t.device() == x.device(), Code::unsupported, op, ": tensors on ", name(x.device()), " and ",
               name(t.device()), " in one call (expected one device). Move with Tensor::to.");
  };
  (check(more), ...);
  return number_of(op, x);
}

/// Throws Code::unsupported where x's elements, or those of one image, are too many for a kernel's 32-bit
/// index.
inline void check_countable(const char* op, const Shape& shape, int64_t numbers) {
  CAWE_CHECK(numbers < (int64_t{1} << 31), Code::unsupported, op, ": shape ", shape, " has ", numbers,
             " numbers an item (expected fewer than 2^31)");
}

/// The same for resizing, whose kernels compute products of source and target sizes in 32 bits.
inline void check_sizes(const char* op, const Tensor& large, const Tensor& small) {
  for (const Tensor* t : {&large, &small}) check_countable(op, t->shape(), t->dim(1) * t->dim(2) * t->dim(3));
  CAWE_CHECK((large.dim(2) + 1) * (small.dim(2) + 1) < (int64_t{1} << 31) &&
                 (large.dim(3) + 1) * (small.dim(3) + 1) < (int64_t{1} << 31),
             Code::unsupported, op, ": between ", small.shape(), " and ", large.shape(),
             " (expected the product of the two heights, and of the widths, below 2^31)");
}

/// One segment of n elements, of which a kernel counts positions in 32 bits.
inline Segments one_segment(const char* op, int64_t n) {
  CAWE_CHECK(n < (int64_t{1} << 31), Code::unsupported, op, ": ", n, " elements (expected fewer than 2^31)");
  return {1, n, nullptr, nullptr};
}

}  // namespace CAWE_DEVICE
