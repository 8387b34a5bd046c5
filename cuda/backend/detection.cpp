// SPDX-License-Identifier: Apache-2.0
// Detection. Decisions (order, overlaps, decoding) are computed in f32 or f64 with the CPU's bits. nms() and
// top_k() run on the device alone; their result comes to the host in one copy.
#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/packing.h"
#include "cuda/backend/views.h"
#include "cuda/kernels/detection_boxes.h"
#include "cuda/kernels/detection_nms.h"
#include "cuda/kernels/detection_top_k.h"

namespace CAWE_DEVICE {
namespace {

Number deciding_number(const char* op, const Tensor& x) {
  const Number number = number_of(op, x);
  CAWE_CHECK(number == Number::f32 || number == Number::f64, Code::dtype, op, ": ", cawe::name(x.dtype()),
             " (decisions need f32 or f64: convert with Tensor::to)");
  return number;
}

Tensor rows_in_order(const Tensor& x) { return packed(x, Layout::contiguous); }

Tensor indices_on(Device device, int64_t n) {
  return Tensor::empty({n}, DType::i64, Layout::contiguous, device);
}

}  // namespace

void CudaBackend::decode_boxes(const Tensor& deltas, const Tensor& anchors, const BoxCoding& p, double width,
                               double height, Tensor& boxes) {
  const Tensor d = rows_in_order(deltas), a = rows_in_order(anchors);
  Tensor out = packed_output(boxes, Layout::contiguous);
  CAWE_DEVICE::decode_boxes(deciding_number("decode_boxes", deltas), d.raw(), a.raw(),
                            {p.wx, p.wy, p.ww, p.wh, width, height}, a.dim(0), out.raw(), stream());
  if (out.raw() != boxes.raw()) boxes.copy_from(out);
}

int64_t CudaBackend::decode_filtered(const Tensor& scores, const Tensor& deltas, const Tensor& anchors,
                                     const Tensor& chosen, const BoxCoding& p, double width, double height,
                                     double threshold, double smallest, Tensor& boxes, Tensor& kept,
                                     Tensor& classes) {
  const Tensor s = rows_in_order(scores), d = rows_in_order(deltas), a = rows_in_order(anchors),
               c = chosen.contiguous();
  if (c.dim(0) == 0) return 0;
  Tensor out_boxes = packed_output(boxes, Layout::contiguous),
         out_kept = packed_output(kept, Layout::contiguous),
         out_classes = packed_output(classes, Layout::contiguous);
  const Tensor count = indices_on(device(), 1);
  const Candidates from{1, a.dim(0), s.dim(1), s.raw(), d.raw(), a.raw(), c.dim(0), c.data<int64_t>()};
  CAWE_DEVICE::decode_filtered(
      deciding_number("decode_filtered", scores), from, {p.wx, p.wy, p.ww, p.wh, width, height}, threshold,
      smallest, {out_boxes.raw(), out_kept.raw(), out_classes.data<int64_t>(), count.data<int64_t>()},
      stream());
  deliver(out_boxes, boxes);
  deliver(out_kept, kept);
  deliver(out_classes, classes);
  return count.to_vector<int64_t>()[0];
}

void CudaBackend::match_anchors(const Tensor& anchors, const Tensor& boxes, const MatchParams& p,
                                Tensor& matched) {
  const Number number = deciding_number("match_anchors", anchors);
  const Tensor a = rows_in_order(anchors), b = rows_in_order(boxes);
  const Segments truths = one_segment("match_anchors", b.dim(0));
  Tensor out = packed_output(matched, Layout::contiguous);
  const Tensor scratch = bytes_on(device(), match_scratch(number, truths, a.dim(0)));
  CAWE_DEVICE::match_anchors(number, a.raw(), a.dim(0), b.raw(), truths, {p.high, p.low, p.low_quality},
                             out.data<int64_t>(), scratch.raw(), stream());
  if (out.raw() != matched.raw()) matched.copy_from(out);
}

std::vector<int64_t> CudaBackend::nms(const Tensor& boxes, const Tensor& scores, const Tensor& classes,
                                      double threshold) {
  const Number number = deciding_number("nms", boxes);
  const Tensor b = rows_in_order(boxes), s = rows_in_order(scores);
  const Tensor c = classes.defined() ? classes.contiguous() : Tensor();
  const int64_t n = b.dim(0);
  if (n == 0) return {};
  const Segments segments = one_segment("nms", n);
  const Tensor scratch = bytes_on(device(), nms_scratch(number, segments));
  // The kept indices and their number in one tensor, so that one copy brings both.
  const Tensor result = indices_on(device(), n + 1);
  auto* kept = result.data<int64_t>();
  CAWE_DEVICE::nms(number, b.raw(), s.raw(), c.defined() ? c.data<int64_t>() : nullptr, segments, threshold,
                   kept, kept + n, scratch.raw(), stream());
  std::vector<int64_t> all = result.to_vector<int64_t>();
  all.resize(size_t(all.back()));
  return all;
}

std::vector<int64_t> CudaBackend::top_k(const Tensor& x, int64_t k) {
  const Number number = deciding_number("top_k", x);
  const Tensor in = x.contiguous();
  k = std::min(k, in.numel());
  if (k == 0) return {};
  const Segments segments = one_segment("top_k", in.numel());
  const Tensor scratch = bytes_on(device(), top_k_scratch(number, segments, k)),
               result = indices_on(device(), k);
  CAWE_DEVICE::top_k(number, in.raw(), segments, k, result.data<int64_t>(), scratch.raw(), stream());
  return result.to_vector<int64_t>();
}

}  // namespace CAWE_DEVICE
