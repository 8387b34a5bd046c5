// SPDX-License-Identifier: Apache-2.0
// Class-aware attention: weights, map, fusion.
#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/packing.h"
#include "cuda/backend/views.h"
#include "cuda/kernels/cawe_fuse.h"
#include "cuda/kernels/cawe_weights.h"

namespace CAWE_DEVICE {
namespace {

/// The layout that x already has; contiguous where it must be copied.
Layout uncopied_layout(const Tensor& x) {
  return is_packed(x, Layout::channels_last) && !is_packed(x, Layout::contiguous) ? Layout::channels_last
                                                                                  : Layout::contiguous;
}

}  // namespace

void CudaBackend::cawe_weights(const Tensor& g, Tensor& w) {
  const Number number = number_of("cawe_weights", g);
  const Layout layout = uncopied_layout(g);
  const Tensor in = packed(g, layout), out = packed_output(w, Layout::contiguous);
  const Dims4 d = dims_of(in);
  if (layout == Layout::channels_last)
    cawe_weights_channels_last(number, in.raw(), out.raw(), d.n, d.c, d.h * d.w, stream());
  else
    CAWE_DEVICE::cawe_weights(number, in.raw(), out.raw(), d.n * d.c, d.h * d.w, stream());
  deliver(out, w);
}

void CudaBackend::cawe_map(const Tensor& w, const Tensor& f, Tensor& map) {
  const Number number = number_of("cawe_map", f);
  const Layout layout = uncopied_layout(f);
  const Tensor weights = packed(w, Layout::contiguous), features = packed(f, layout);
  const Tensor out = packed_output(map, Layout::contiguous);
  const Dims4 d = dims_of(features);
  CAWE_DEVICE::cawe_map(number, weights.raw(), features.raw(), out.raw(), d.n, d.c, d.h * d.w,
                        layout == Layout::channels_last, stream());
  deliver(out, map);
}

void CudaBackend::cawe_fuse(const Tensor& x, const Tensor& map, double alpha, Tensor& y) {
  const Number number = number_of("cawe_fuse", x);
  const Layout layout = uncopied_layout(x);
  const Tensor in = packed(x, layout), m = packed(map, Layout::contiguous), out = packed_output(y, layout);
  CAWE_DEVICE::cawe_fuse(number, in.raw(), m.raw(), alpha, out.raw(), dims_of(in),
                         layout == Layout::channels_last, stream());
  deliver(out, y);
}

void CudaBackend::cawe_enhance(const Tensor& x, const Tensor& w, const Tensor& f, double alpha, double fill,
                               Tensor& map, Tensor& range, Tensor& y) {
  const Number number = number_of("cawe_enhance", x);
  const DType wide = number == Number::f64 ? DType::f64 : DType::f32;
  const Layout layout = uncopied_layout(f);
  const Tensor in = packed(x, Layout::contiguous), out = packed_output(y, Layout::contiguous);
  const Tensor weights = packed(w, Layout::contiguous), features = packed(f, layout);
  const int64_t n = x.dim(0);
  const Tensor small = map.dtype() == wide ? packed_output(map, Layout::contiguous)
                                           : Tensor::empty(map.shape(), wide, Layout::contiguous, device());
  const Tensor low = Tensor::empty({n, 1}, wide, Layout::contiguous, device()), high = Tensor::like(low);
  const Tensor constant = Tensor::empty({n, 1}, DType::i32, Layout::contiguous, device());
  const Tensor tickets = Tensor::zeros({n}, DType::i32, Layout::contiguous, device());
  const MapRange found{low.raw(), high.raw(), constant.data<int32_t>(),
                       reinterpret_cast<uint32_t*>(tickets.data<int32_t>())};
  cawe_map_extremes(number, weights.raw(), features.raw(), small.raw(), found, dims_of(features),
                    layout == Layout::channels_last, x.dim(2), x.dim(3), stream());
  CAWE_DEVICE::cawe_enhance(number, in.raw(), small.raw(), found, alpha, fill, out.raw(), dims_of(in),
                            f.dim(2), f.dim(3), stream());
  deliver(small, map);
  deliver(out, y);
  Tensor least = range.slice(1, 0, 1), most = range.slice(1, 1, 2), flag = range.slice(1, 2, 3);
  least.copy_from(low);
  most.copy_from(high);
  flag.copy_from(constant);
}

}  // namespace CAWE_DEVICE
