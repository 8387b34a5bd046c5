// SPDX-License-Identifier: Apache-2.0
// Pooling, in the memory order of the input: NCHW, or channels-last.
#include "cuda/kernels/pooling.h"

#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/packing.h"
#include "cuda/backend/reductions.h"
#include "cuda/backend/views.h"

namespace CAWE_DEVICE {
namespace {

PoolWindow window_of(const Pool2dParams& p) { return {int(p.kernel), int(p.stride), int(p.padding)}; }

}  // namespace

void CudaBackend::max_pool2d(const Tensor& x, const Pool2dParams& p, Tensor& y, Tensor& index) {
  const Number number = common_number("max_pool2d", x, y);
  check_sizes("max_pool2d", x, y);
  const Layout layout = layout_of(x);
  const Tensor in = packed(x, layout), out = packed_output(y, layout), chosen = packed_output(index, layout);
  CAWE_DEVICE::max_pool2d(number, in.raw(), out.raw(), chosen.data<int32_t>(), dims_of(in), dims_of(out),
                          is_last(layout), window_of(p), stream());
  deliver(out, y);
  deliver(chosen, index);
}

void CudaBackend::max_pool2d_grad(const Tensor& dy, const Tensor& index, const Pool2dParams& p, Tensor& dx) {
  const Number number = common_number("max_pool2d_grad", dy, dx);
  check_sizes("max_pool2d_grad", dx, dy);
  const Layout layout = layout_of(dx);
  const Tensor in = packed(dy, layout), chosen = packed(index, layout), out = packed_output(dx, layout);
  CAWE_DEVICE::max_pool2d_grad(number, in.raw(), chosen.data<int32_t>(), out.raw(), dims_of(in), dims_of(out),
                               is_last(layout), window_of(p), stream());
  deliver(out, dx);
}

void CudaBackend::global_avg_pool(const Tensor& x, Tensor& y) {
  const Number number = common_number("global_avg_pool", x, y);
  const bool last = x.is_channels_last() && !x.is_contiguous();
  const Tensor in = last ? x : x.contiguous();
  Tensor out = packed_output(y, Layout::contiguous);
  const Dims4 d = dims_of(in);
  const int64_t cells = d.h * d.w;
  if (last)
    sum_middle(*this, {number, in.raw(), in}, d.n, cells, d.c, number, out.raw(), double(cells));
  else
    sum_middle(*this, {number, in.raw(), in}, d.n * d.c, cells, 1, number, out.raw(), double(cells));
  if (out.raw() != y.raw()) y.copy_from(out);
}

void CudaBackend::global_avg_pool_grad(const Tensor& dy, Tensor& dx) {
  const Number number = common_number("global_avg_pool_grad", dy, dx);
  const bool last = dx.is_channels_last() && !dx.is_contiguous();
  const Tensor in = dy.contiguous(),
               out = packed_output(dx, last ? Layout::channels_last : Layout::contiguous);
  const Dims4 d = dims_of(out);
  check_countable("global_avg_pool_grad", dx.shape(), d.c * d.h * d.w);
  CAWE_DEVICE::global_avg_pool_grad(number, in.raw(), out.raw(), d.n, d.c, d.h * d.w, last, stream());
  if (out.raw() != dx.raw()) dx.copy_from(out);
}

}  // namespace CAWE_DEVICE
