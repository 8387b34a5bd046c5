// SPDX-License-Identifier: Apache-2.0
// Detection. Decisions (order, overlaps, decoding, draws) are computed in f32 or f64 with the CPU's bits, for all images in
// one launch; nothing comes to the host.
#include <algorithm>

#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/packing.h"
#include "cuda/backend/views.h"
#include "cuda/kernels/detection_boxes.h"
#include "cuda/kernels/detection_nms.h"
#include "cuda/kernels/detection_sample.h"
#include "cuda/kernels/detection_top_k.h"
#include "tensor/philox.h"

namespace CAWE_DEVICE {
namespace {

Number deciding_number(const char* op, const Tensor& x) {
  const Number number = number_of(op, x);
  CAWE_CHECK(number == Number::f32 || number == Number::f64, Code::dtype, op, ": ", cawe::name(x.dtype()),
             " (decisions need f32 or f64: convert with Tensor::to)");
  return number;
}

/// An input as kernels want it; undefined where it is.
Tensor in_order(const Tensor& x) { return x.defined() ? packed(x, Layout::contiguous) : x; }

template <class T>
T* pointer(const Tensor& x) {
  return x.defined() ? x.data<T>() : nullptr;
}
void* pointer(const Tensor& x) { return x.defined() ? x.raw() : nullptr; }

/// An output in a kernel's order. finish() brings it to where it is wanted, once the kernel is launched: not the
/// destructor, which also runs where something was thrown and nothing is there to bring.
class Output {
 public:
  explicit Output(Tensor& wanted)
      : wanted_(wanted), t_(wanted.defined() ? packed_output(wanted, Layout::contiguous) : wanted) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  const Tensor& operator*() const { return t_; }
  void finish() const {
    if (t_.defined()) deliver(t_, wanted_);
  }

 private:
  Tensor& wanted_;
  Tensor t_;
};
template <class... Outputs>
void finish(const Outputs&... outputs) {
  (outputs.finish(), ...);
}

/// At most kMostParts ends of parts with these sizes; returns how many.
int ends_of(const char* op, const std::vector<int64_t>& sizes, int64_t* ends) {
  CAWE_CHECK(sizes.size() <= size_t(kMostParts), Code::unsupported, op, ": ", sizes.size(),
             " parts (expected at most ", kMostParts, ")");
  int64_t end = 0;
  for (size_t i = 0; i < sizes.size(); ++i) ends[i] = end += sizes[i];
  return int(sizes.size());
}

bool own_anchors(const Tensor& anchors) { return anchors.rank() == 3; }

}  // namespace

void CudaBackend::top_k(const Tensor& x, const std::vector<int64_t>& sizes, int64_t k, Tensor& chosen) {
  const Number number = deciding_number("top_k", x);
  const Tensor in = in_order(x);
  const Output out(chosen);
  if (chosen.numel() == 0) return;
  Segments segments = one_segment("top_k", *std::max_element(sizes.begin(), sizes.end()));
  segments.parts = ends_of("top_k", sizes, segments.end);
  segments.width = x.dim(1);
  segments.count = x.dim(0) * segments.parts;
  CAWE_CHECK(k <= segments.longest, Code::shape, "top_k: ", k, " of parts with at most ", segments.longest,
             " numbers");
  const Tensor scratch = bytes_on(device(), int64_t(top_k_scratch(number, segments, k)));
  CAWE_DEVICE::top_k(number, in.raw(), segments, k, (*out).data<int64_t>(), scratch.raw(), stream());
  finish(out);
}

void CudaBackend::decode_filtered(const Tensor& scores, const Tensor& deltas, const Tensor& anchors,
                                  const Tensor& chosen, const CandidateParams& p, Tensor& boxes, Tensor& kept,
                                  Tensor& classes, Tensor& counts) {
  const Tensor s = in_order(scores), d = in_order(deltas), a = in_order(anchors), c = in_order(chosen);
  const Output out_boxes(boxes), out_kept(kept), out_classes(classes), out_counts(counts);
  const int64_t each = s.dim(1), labels = s.dim(2), count = c.defined() ? c.dim(1) : each * labels;
  const Candidates from{s.dim(0),
                        each,
                        labels,
                        s.raw(),
                        d.raw(),
                        a.raw(),
                        d.dim(1) != each,
                        own_anchors(anchors),
                        count,
                        pointer<int64_t>(c)};
  CandidateLimits limits{p.coding.wx, p.coding.wy, p.coding.ww, p.coding.wh,
                         p.width,     p.height,    p.threshold, p.smallest};
  limits.parts = ends_of("decode_filtered", p.parts, limits.part_end);
  CAWE_DEVICE::decode_filtered(deciding_number("decode_filtered", scores), from, limits,
                               {(*out_boxes).raw(), (*out_kept).raw(), (*out_classes).data<int64_t>(),
                                (*out_counts).data<int64_t>(), boxes.dim(1)},
                               stream());
  finish(out_boxes, out_kept, out_classes, out_counts);
}

void CudaBackend::nms(const Tensor& boxes, const Tensor& scores, const Tensor& classes, const Tensor& counts,
                      double threshold, Tensor& kept) {
  const Number number = deciding_number("nms", boxes);
  const Tensor b = in_order(boxes), s = in_order(scores), c = in_order(classes), n = in_order(counts);
  const Output out(kept);
  if (kept.numel() == 0) return;
  Segments segments = one_segment("nms", b.dim(1));
  segments.count = b.dim(0);
  segments.size = pointer<int64_t>(n);
  const Tensor scratch = bytes_on(device(), int64_t(nms_scratch(number, segments)));
  CAWE_DEVICE::nms(number, b.raw(), s.raw(), pointer<int64_t>(c), segments, threshold, kept.dim(1),
                   (*out).data<int64_t>(), scratch.raw(), stream());
  finish(out);
}

void CudaBackend::match_anchors(const Tensor& anchors, const Tensor& counts, const Tensor& truth,
                                const MatchParams& p, Tensor& matched) {
  const Number number = deciding_number("match_anchors", anchors);
  const Tensor a = in_order(anchors), n = in_order(counts), t = in_order(truth);
  const Output out(matched);
  const Matching m{a.raw(),
                   own_anchors(anchors),
                   pointer<int64_t>(n),
                   t.raw(),
                   t.dim(0),
                   matched.dim(1),
                   t.dim(1),
                   p.width,
                   p.height};
  const Tensor scratch = bytes_on(device(), int64_t(match_scratch(number, m)));
  CAWE_DEVICE::match_anchors(number, m, {p.high, p.low, p.low_quality}, (*out).data<int64_t>(), scratch.raw(),
                             stream());
  finish(out);
}

void CudaBackend::sample_matches(const Tensor& matched, const Tensor& draws, const SampleParams& p,
                                 Tensor& drawn, Tensor& chosen) {
  const Tensor m = in_order(matched), d = in_order(draws);
  const Output out_drawn(drawn), out_chosen(chosen);
  one_segment("sample_matches", m.dim(1));
  CAWE_DEVICE::sample_matches(m.data<int64_t>(), d.data<int64_t>(), m.dim(0), m.dim(1),
                              {p.count, p.foreground, fnv_text(p.purpose.data(), p.purpose.size())},
                              pointer<int64_t>(*out_drawn), pointer<int64_t>(*out_chosen), stream());
  finish(out_drawn, out_chosen);
}

void CudaBackend::match_targets(const Tensor& matched, const Tensor& chosen, const Tensor& anchors,
                                const Tensor& truth, const BoxCoding& p, int64_t outputs, Tensor& foreground,
                                Tensor& deltas, Tensor& counted, Tensor& classes, Tensor& rows) {
  const Tensor m = in_order(matched), c = in_order(chosen), a = in_order(anchors), t = in_order(truth);
  const Output out_foreground(foreground), out_deltas(deltas), out_counted(counted), out_classes(classes),
      out_rows(rows);
  const Matched from{m.data<int64_t>(), pointer<int64_t>(c), a.raw(), own_anchors(anchors), t.raw(), m.dim(0),
                     m.dim(1),          foreground.dim(1),   t.dim(1)};
  CAWE_DEVICE::match_targets(
      deciding_number("match_targets", anchors), from, p,
      {(*out_foreground).raw(), (*out_deltas).raw(), pointer(*out_counted), pointer(*out_classes),
       pointer<int64_t>(*out_rows), classes.defined() ? classes.dim(2) : 0, outputs},
      stream());
  finish(out_foreground, out_deltas, out_counted, out_classes, out_rows);
}

void CudaBackend::join_boxes(const Tensor& boxes, const Tensor& kept, const Tensor& truth, Tensor& regions,
                             Tensor& counts) {
  const Tensor b = in_order(boxes), k = in_order(kept), t = in_order(truth);
  const Output out_regions(regions), out_counts(counts);
  CAWE_DEVICE::join_boxes(deciding_number("join_boxes", boxes), b.raw(), k.data<int64_t>(), k.dim(0),
                          k.dim(1), pointer(t), t.defined() ? t.dim(1) : 0, (*out_regions).raw(),
                          (*out_counts).data<int64_t>(), stream());
  finish(out_regions, out_counts);
}

void CudaBackend::place_regions(const Tensor& boxes, const Tensor& chosen, const std::vector<double>& sides,
                                Tensor& place) {
  const Tensor b = in_order(boxes), c = in_order(chosen);
  const Output out(place);
  CAWE_CHECK(sides.size() <= size_t(kMostParts), Code::unsupported, "place_regions: ", sides.size(),
             " sides (expected at most ", kMostParts, ")");
  LevelSides levels{int(sides.size()), {}};
  std::copy(sides.begin(), sides.end(), levels.least);
  CAWE_DEVICE::place_regions(deciding_number("place_regions", boxes), b.raw(), c.data<int64_t>(), c.dim(0),
                             c.dim(1), levels, (*out).data<int32_t>(), stream());
  finish(out);
}

}  // namespace CAWE_DEVICE
