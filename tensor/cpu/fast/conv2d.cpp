// SPDX-License-Identifier: Apache-2.0
// Convolutions and fully connected layers by oneDNN, a lane at a time.
//
// Each lane runs one single-threaded primitive on its images, so that neither threads nor ranks change a bit.
// A fully connected layer is a 1x1 convolution of 1x1 images: one code path, and the same promise.
#include "tensor/cpu/fast_backend.h"
#include "tensor/cpu/loops.h"

#if CAWE_HAVE_ONEDNN
#include <omp.h>

#include <cstring>
#include <list>
#include <map>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

#include "tensor/arena.h"

namespace cawe {
namespace {

using dnnl::memory;

dnnl::engine& engine() {
  static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

/// Per-thread state for oneDNN: OpenMP set to one thread (oneDNN picks its blocking by the thread count when
/// a primitive is made), a stream, and scratch memory.
struct ThreadState {
  ThreadState() : stream(engine()) { omp_set_num_threads(1); }
  void* scratch(size_t bytes) {
    if (bytes > buffer.size()) buffer.resize(bytes);
    return buffer.data();
  }
  dnnl::stream stream;
  std::vector<char> buffer;
};
ThreadState& thread_state() {
  thread_local ThreadState state;
  return state;
}

enum class Kind : int64_t { forward, grad_input, grad_weight };

/// A convolution's shape. `n` is the lane's number of images.
struct ConvShape {
  int64_t n, c, h, w, o, oh, ow, kh, kw;
  Conv2dParams p;
  bool bias;
};

struct Primitive {
  dnnl::primitive primitive;
  memory::desc src, weights, dst, scratch;
};

memory::desc image_desc(int64_t n, int64_t c, int64_t h, int64_t w) {
  return memory::desc({n, c, h, w}, memory::data_type::f32, memory::format_tag::nhwc);
}

dnnl::primitive_attr attributes() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

Primitive make_primitive(Kind kind, const ConvShape& s) {
  thread_state();
  const memory::desc src = image_desc(s.n, s.c, s.h, s.w), dst = image_desc(s.n, s.o, s.oh, s.ow);
  const memory::desc weights({s.o, s.c, s.kh, s.kw}, memory::data_type::f32, memory::format_tag::any);
  const memory::desc bias =
      s.bias ? memory::desc({s.o}, memory::data_type::f32, memory::format_tag::x) : memory::desc();
  const memory::dims stride{s.p.stride, s.p.stride}, dilation{s.p.dilation - 1, s.p.dilation - 1};
  const memory::dims low{s.p.padding, s.p.padding};
  // The far padding that gives exactly this output size.
  const auto far = [&](int64_t in, int64_t out, int64_t k) {
    return (out - 1) * s.p.stride + s.p.dilation * (k - 1) + 1 - in - s.p.padding;
  };
  const memory::dims high{far(s.h, s.oh, s.kh), far(s.w, s.ow, s.kw)};
  const auto algorithm = dnnl::algorithm::convolution_direct;
  const dnnl::convolution_forward::desc fwd(dnnl::prop_kind::forward_training, algorithm, src, weights, bias,
                                            dst, stride, dilation, low, high);
  const dnnl::convolution_forward::primitive_desc fwd_desc(fwd, attributes(), engine());
  if (kind == Kind::forward)
    return {dnnl::convolution_forward(fwd_desc), fwd_desc.src_desc(), fwd_desc.weights_desc(),
            fwd_desc.dst_desc(), fwd_desc.scratchpad_desc()};
  if (kind == Kind::grad_input) {
    const dnnl::convolution_backward_data::desc d(algorithm, src, weights, dst, stride, dilation, low, high);
    const dnnl::convolution_backward_data::primitive_desc pd(d, attributes(), engine(), fwd_desc);
    return {dnnl::convolution_backward_data(pd), pd.diff_src_desc(), pd.weights_desc(), pd.diff_dst_desc(),
            pd.scratchpad_desc()};
  }
  const dnnl::convolution_backward_weights::desc d(algorithm, src, weights, bias, dst, stride, dilation, low,
                                                   high);
  const dnnl::convolution_backward_weights::primitive_desc pd(d, attributes(), engine(), fwd_desc);
  return {dnnl::convolution_backward_weights(pd), pd.src_desc(), pd.diff_weights_desc(), pd.diff_dst_desc(),
          pd.scratchpad_desc()};
}

/// Primitives by shape, made once. Never destroyed: oneDNN's own statics may be gone by then.
const Primitive& primitive_for(Kind kind, const ConvShape& s) {
  using Key = std::array<int64_t, 14>;
  static std::mutex mutex;
  static auto& cache = *new std::map<Key, std::unique_ptr<Primitive>>;
  const Key key{int64_t(kind), s.n,  s.c,  s.h,        s.w,         s.o,          s.oh,
                s.ow,          s.kh, s.kw, s.p.stride, s.p.padding, s.p.dilation, s.bias};
  std::lock_guard<std::mutex> lock(mutex);
  auto& found = cache[key];
  if (!found) {
    try {
      found = std::make_unique<Primitive>(make_primitive(kind, s));
    } catch (const dnnl::error& error) {
      cache.erase(key);
      fail(Code::unsupported, "conv2d: oneDNN refuses ", s.n, "x", s.c, "x", s.h, "x", s.w, " -> ", s.o,
           " channels, kernel ", s.kh, "x", s.kw, ": ", error.what(), " (status ", int(error.status), ")");
    }
  }
  return *found;
}

void reorder(const memory::desc& from, const void* source, const memory::desc& to, void* target) {
  ThreadState& state = thread_state();
  memory a(from, engine(), const_cast<void*>(source)), b(to, engine(), target);
  dnnl::reorder(a, b).execute(state.stream, a, b);
  state.stream.wait();
}

memory::desc plain_weights(const Shape& s) {
  return memory::desc({s[0], s[1], s[2], s[3]}, memory::data_type::f32, memory::format_tag::oihw);
}

/// Weights in the layout that a primitive wants, cached by the weight's version. At most a few hundred, and a
/// limit of bytes: a spectrally normalised weight is a new tensor in every step, and its packed copies are
/// useless afterwards.
class PackedWeights {
 public:
  std::shared_ptr<Tensor> get(const Tensor& w, const memory::desc& wanted) {
    // The cache's key is storage and offset, which a permuted view shares with its original: never cached.
    if (!w.is_contiguous()) return pack(w.contiguous(), wanted);
    const Key key{w.storage().id(), w.offset()};
    std::unique_lock<std::mutex> lock(mutex_);
    auto& forms = cache_[key];
    if (forms.version != w.storage().version()) {
      bytes_ -= bytes_of(forms);
      forms = {w.storage().version(), {}};
    }
    for (auto& [desc, packed] : forms.packed)
      if (desc == wanted) return packed;
    auto packed = pack(w, wanted);
    forms.packed.emplace_back(wanted, packed);
    bytes_ += packed->numel() * int64_t(sizeof(float));
    order_.push_back(key);
    while (order_.size() > kMost || (bytes_ > kMostBytes && order_.size() > 1)) forget(order_.front(), key);
    return packed;
  }

 private:
  static std::shared_ptr<Tensor> pack(const Tensor& w, const memory::desc& wanted) {
    auto packed = std::make_shared<Tensor>(Tensor::empty({int64_t(wanted.get_size() / sizeof(float))}));
    reorder(plain_weights(w.shape()), w.raw(), wanted, packed->raw());
    return packed;
  }

  using Key = std::pair<uint64_t, int64_t>;
  struct Forms {
    uint64_t version = ~0ull;
    std::vector<std::pair<memory::desc, std::shared_ptr<Tensor>>> packed;
  };
  static int64_t bytes_of(const Forms& forms) {
    int64_t bytes = 0;
    for (const auto& form : forms.packed) bytes += form.second->numel() * int64_t(sizeof(float));
    return bytes;
  }
  /// Drops the oldest entry, unless it is in use.
  void forget(Key oldest, const Key& in_use) {
    order_.pop_front();
    const auto found = oldest == in_use ? cache_.end() : cache_.find(oldest);
    if (found == cache_.end()) return;
    bytes_ -= bytes_of(found->second);
    cache_.erase(found);
  }

  static constexpr size_t kMost = 1024;
  static constexpr int64_t kMostBytes = int64_t(2) << 30;
  std::mutex mutex_;
  std::map<Key, Forms> cache_;
  std::list<Key> order_;
  int64_t bytes_ = 0;
};
PackedWeights& packed_weights() {
  static auto& cache = *new PackedWeights;
  return cache;
}

ConvShape shape_of(const Shape& x, const Shape& w, const Shape& y, const Conv2dParams& p, bool bias) {
  return {0, x[1], x[2], x[3], w[0], y[2], y[3], w[2], w[3], p, bias};
}

/// The primitives of a plan's lanes: lanes have at most two sizes.
class LanePrimitives {
 public:
  LanePrimitives(Kind kind, ConvShape s, const LanePlan& plan) : plan_(plan) {
    s.n = plan.end(plan.lanes - 1) - plan.begin(plan.lanes - 1);
    small_ = &primitive_for(kind, s);
    s.n = plan.end(0) - plan.begin(0);
    large_ = &primitive_for(kind, s);
  }
  const Primitive& of(int64_t lane) const { return lane < plan_.items % plan_.lanes ? *large_ : *small_; }

 private:
  LanePlan plan_;
  const Primitive *small_, *large_;
};

/// What a primitive may write of its scratch memory. oneDNN 2.6 states too little for the weights' gradient of a
/// strided 1x1 convolution whose channels are no multiple of 8: at AVX2 it packs the input by whole vectors and
/// writes past the end (80 bytes for 5 channels of 3 x 4 pixels). Room for a vector a pixel more is enough.
size_t scratch_bytes(const Primitive& p) {
  const memory::dims y = p.dst.dims();
  const size_t pixels = size_t(y[0] * y[2] * y[3]), vector = 8 * sizeof(float);
  return p.scratch.get_size() + pixels * vector + 4096;
}

void execute(const Primitive& p, std::unordered_map<int, memory> arguments) {
  ThreadState& state = thread_state();
  arguments.emplace(DNNL_ARG_SCRATCHPAD, memory(p.scratch, engine(), state.scratch(scratch_bytes(p))));
  p.primitive.execute(state.stream, arguments);
  state.stream.wait();
}

memory bind(const memory::desc& desc, const void* data) {
  return memory(desc, engine(), const_cast<void*>(data));
}

bool fits(const Tensor& x, const Conv2dParams& p) {
  return x.dtype() == DType::f32 && p.groups == 1 && x.numel() > 0;
}

/// A copy of y's values where y itself is not channels-last.
struct Output {
  explicit Output(Tensor& wanted)
      : target(wanted),
        work(wanted.is_channels_last() ? wanted
                                       : Tensor::empty(wanted.shape(), DType::f32, Layout::channels_last)) {}
  void finish() {
    if (!target.is_channels_last()) target.copy_from(work);
  }
  Tensor& target;
  Tensor work;
};

int64_t image_size(const Tensor& x) { return x.numel() / x.dim(0); }

/// ReLU over a lane's output while it is still in the cache. oneDNN's own post-operation is not used: it
/// turns NaN into 0, which would hide a network that has diverged.
void relu_in_place(float* y, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) y[i] = y[i] < 0.0f ? 0.0f : y[i];
}

}  // namespace

std::string FastBackend::built_on() const {
  const dnnl_version_t& v = *dnnl_version();
  // Results' bits depend on the instruction set, and DNNL_MAX_CPU_ISA may have lowered it: so it is reported.
  std::string isa = "another instruction set";
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41:
      isa = "sse41";
      break;
    case dnnl::cpu_isa::avx:
      isa = "avx";
      break;
    case dnnl::cpu_isa::avx2:
      isa = "avx2";
      break;
    case dnnl::cpu_isa::avx512_core:
      isa = "avx512_core";
      break;
    case dnnl::cpu_isa::avx512_core_vnni:
      isa = "avx512_core_vnni";
      break;
    case dnnl::cpu_isa::avx512_core_bf16:
      isa = "avx512_core_bf16";
      break;
    case dnnl::cpu_isa::avx512_core_amx:
      isa = "avx512_core_amx";
      break;
    default:
      break;
  }
  return detail::concat("oneDNN ", v.major, ".", v.minor, ".", v.patch, " ", isa);
}

void FastBackend::conv2d(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dParams& p,
                         bool relu, Tensor& y) {
  if (!fits(x, p)) return ReferenceBackend::conv2d(x, w, bias, p, relu, y);
  const Tensor in = x.channels_last(), b = bias.defined() ? bias.contiguous() : bias;
  Output out(y);
  const LanePlan plan = lane_plan(x.dim(0));
  const LanePrimitives primitives(Kind::forward, shape_of(x.shape(), w.shape(), y.shape(), p, bias.defined()),
                                  plan);
  // Both lane sizes may want their own form of the weights.
  const auto first = packed_weights().get(w, primitives.of(0).weights),
             last = packed_weights().get(w, primitives.of(plan.lanes - 1).weights);
  parallel_tasks(plan.lanes, [&](int64_t lane) {
    const Primitive& primitive = primitives.of(lane);
    const auto& weights = &primitive == &primitives.of(0) ? first : last;
    std::unordered_map<int, memory> arguments{
        {DNNL_ARG_SRC, bind(primitive.src, in.data<float>() + plan.begin(lane) * image_size(in))},
        {DNNL_ARG_WEIGHTS, bind(primitive.weights, weights->raw())},
        {DNNL_ARG_DST,
         bind(primitive.dst, out.work.data<float>() + plan.begin(lane) * image_size(out.work))}};
    if (b.defined())
      arguments.emplace(
          DNNL_ARG_BIAS,
          bind(memory::desc({b.dim(0)}, memory::data_type::f32, memory::format_tag::x), b.raw()));
    execute(primitive, std::move(arguments));
    if (relu)
      relu_in_place(out.work.data<float>(), plan.begin(lane) * image_size(out.work),
                    plan.end(lane) * image_size(out.work));
  });
  out.finish();
}

void FastBackend::conv2d_grad_input(const Tensor& dy, const Tensor& w, const Conv2dParams& p, Tensor& dx) {
  if (!fits(dy, p)) return ReferenceBackend::conv2d_grad_input(dy, w, p, dx);
  const Tensor in = dy.channels_last();
  Output out(dx);
  const LanePlan plan = lane_plan(dy.dim(0));
  const LanePrimitives primitives(Kind::grad_input, shape_of(dx.shape(), w.shape(), dy.shape(), p, false),
                                  plan);
  const auto first = packed_weights().get(w, primitives.of(0).weights),
             last = packed_weights().get(w, primitives.of(plan.lanes - 1).weights);
  parallel_tasks(plan.lanes, [&](int64_t lane) {
    const Primitive& primitive = primitives.of(lane);
    const auto& weights = &primitive == &primitives.of(0) ? first : last;
    execute(primitive,
            {{DNNL_ARG_DIFF_DST, bind(primitive.dst, in.data<float>() + plan.begin(lane) * image_size(in))},
             {DNNL_ARG_WEIGHTS, bind(primitive.weights, weights->raw())},
             {DNNL_ARG_DIFF_SRC,
              bind(primitive.src, out.work.data<float>() + plan.begin(lane) * image_size(out.work))}});
  });
  out.finish();
}

void FastBackend::conv2d_grad_weight(const Tensor& x, const Tensor& dy, const Conv2dParams& p, Tensor& dw,
                                     Tensor& dbias) {
  if (!fits(x, p)) return ReferenceBackend::conv2d_grad_weight(x, dy, p, dw, dbias);
  const Tensor in = x.channels_last(), g = dy.channels_last();
  const LanePlan plan = lane_plan(x.dim(0));
  const LanePrimitives primitives(Kind::grad_weight,
                                  shape_of(x.shape(), dw.shape(), dy.shape(), p, dbias.defined()), plan);
  // All lanes sum in one layout; a gradient from a lane whose primitive prefers another is converted to it.
  const memory::desc form = primitives.of(plan.lanes - 1).weights;
  const int64_t weights = int64_t(form.get_size() / sizeof(float)), outputs = dbias.defined() ? dw.dim(0) : 0;
  Tensor sums = Tensor::empty({weights + outputs});
  lane_sum<float>(
      plan, weights + outputs, sums.data<float>(), [&](int64_t lane, int64_t begin, int64_t, float* partial) {
        const Primitive& primitive = primitives.of(lane);
        const bool same = primitive.weights == form;
        Tensor other =
            same ? Tensor() : Tensor::empty({int64_t(primitive.weights.get_size() / sizeof(float))});
        std::unordered_map<int, memory> arguments{
            {DNNL_ARG_SRC, bind(primitive.src, in.data<float>() + begin * image_size(in))},
            {DNNL_ARG_DIFF_DST, bind(primitive.dst, g.data<float>() + begin * image_size(g))},
            {DNNL_ARG_DIFF_WEIGHTS, bind(primitive.weights, same ? partial : other.raw())}};
        if (outputs > 0)
          arguments.emplace(DNNL_ARG_DIFF_BIAS,
                            bind(memory::desc({outputs}, memory::data_type::f32, memory::format_tag::x),
                                 partial + weights));
        execute(primitive, std::move(arguments));
        if (!same) reorder(primitive.weights, other.raw(), form, partial);
      });
  Tensor plain = dw.is_contiguous() ? dw : Tensor::empty(dw.shape());
  reorder(form, sums.raw(), plain_weights(dw.shape()), plain.raw());
  if (!dw.is_contiguous()) dw.copy_from(plain);
  if (outputs > 0) dbias.copy_from(sums.slice(0, weights, weights + outputs));
}

}  // namespace cawe

#else  // a build without oneDNN: the reference loops

namespace cawe {

std::string FastBackend::built_on() const { return "none"; }
void FastBackend::conv2d(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dParams& p,
                         bool relu, Tensor& y) {
  ReferenceBackend::conv2d(x, w, bias, p, relu, y);
}
void FastBackend::conv2d_grad_input(const Tensor& dy, const Tensor& w, const Conv2dParams& p, Tensor& dx) {
  ReferenceBackend::conv2d_grad_input(dy, w, p, dx);
}
void FastBackend::conv2d_grad_weight(const Tensor& x, const Tensor& dy, const Conv2dParams& p, Tensor& dw,
                                     Tensor& dbias) {
  ReferenceBackend::conv2d_grad_weight(x, dy, p, dw, dbias);
}

}  // namespace cawe

#endif
