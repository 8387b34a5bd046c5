// SPDX-License-Identifier: Apache-2.0
// Optimizer steps over lists of tensors: SGD with momentum, Adam and AdamW in PyTorch's forms, and what is
// done with gradients before: their norm, scaling, the check of scaled ones. Sources: Kingma & Ba 2015,
// arXiv 1412.6980, Algorithm 1; Loshchilov & Hutter 2019, arXiv 1711.05101, Algorithm 2.
//
// Bytes     a parameter of e bytes, its gradient of h: SGD 4e + h (3e + h on the first step), Adam 6e + h, 2
//           more with a copy in half precision. f32: 20 and 28. Norm e, scaling 2e.
// FLOPs     per parameter: SGD 7, Adam 15, norm 2 (f64), scaling 1: memory-bound on every GPU, the norm where
//           f64 runs at half the rate of f32.
// Launch    up to 64 tensors: their addresses are a parameter of the kernel (at most 3.4 KB of the 4 KB that
//           all GPUs take). A block of 256 threads takes 4096 numbers of one tensor, which it finds by
//           bisection.
// Numerics  steps in the parameters' type, constants of the rule in f64 on the host. Norm in f64: tree over
//           the block, then blocks by 256 strides and a tree. No atomics but the flag's, whose value has no
//           order.
// Loads     128 bits of parameters where all of a tensor's pointers are multiples of 16 bytes, else one
//           number per lane, as for the last few of a tensor.
#include "cuda/kernels/optimizers.h"

#include "cuda/emulator/simt/simt.cuh"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 256, kTensors = 64;
constexpr int64_t kChunk = 4096;  // numbers per block

/// Tensors of one launch. Blocks first_block[i] .. first_block[i + 1] - 1 belong to entry[i].
template <class Entry>
struct List {
  Entry entry[kTensors];
  unsigned first_block[kTensors];
  int length;
};

template <class T>
__device__ __forceinline__ bool is_aligned(const T* p) {
  return reinterpret_cast<uintptr_t>(p) % 16 == 0;
}
__device__ __forceinline__ bool is_aligned(const SgdTensor& e) {
  return is_aligned(e.p) && is_aligned(e.g) && is_aligned(e.velocity) && is_aligned(e.copy);
}
__device__ __forceinline__ bool is_aligned(const AdamTensor& e) {
  return is_aligned(e.p) && is_aligned(e.g) && is_aligned(e.m) && is_aligned(e.v) && is_aligned(e.copy);
}
__device__ __forceinline__ bool is_aligned(const GradientTensor& e) { return is_aligned(e.g); }

template <class T, int kPack>
__device__ __forceinline__ Pack<T, kPack> load(const void* from, int64_t i) {
  return *reinterpret_cast<const Pack<T, kPack>*>(static_cast<const T*>(from) + i);
}
template <class T, int kPack>
__device__ __forceinline__ void store(void* to, int64_t i, const Pack<T, kPack>& p) {
  *reinterpret_cast<Pack<T, kPack>*>(static_cast<T*>(to) + i) = p;
}

/// Calls rule.apply<pack>(entry, i, state) for this thread's share of the block's numbers.
template <int kPack, class Entry, class Rule, class State>
__device__ __forceinline__ void apply_all(const List<Entry>& list, const Rule& rule, State& state) {
  int at = 0, end_of_search = list.length;
  while (end_of_search - at > 1) {
    const int middle = (at + end_of_search) / 2;
    if (list.first_block[middle] <= blockIdx.x)
      at = middle;
    else
      end_of_search = middle;
  }
  const Entry e = list.entry[at];
  const int64_t begin = int64_t(blockIdx.x - list.first_block[at]) * kChunk;
  const int64_t end = begin + kChunk < e.count ? begin + kChunk : e.count;
  const int64_t packed_end = is_aligned(e) ? end - (end - begin) % kPack : begin;
  for (int64_t i = begin + threadIdx.x * kPack; i < packed_end; i += kThreads * kPack)
    rule.template apply<kPack>(e, i, state);
  for (int64_t i = packed_end + threadIdx.x; i < end; i += kThreads) rule.template apply<1>(e, i, state);
}

/// prepare() computes what is the same for all numbers, and returns false where there is nothing to do.
template <int kPack, class Entry, class Rule>
__global__ void __launch_bounds__(kThreads) for_list(const List<Entry> list, const Rule rule) {
  typename Rule::State state;
  if (rule.prepare(state)) apply_all<kPack>(list, rule, state);
}

// --- rules. T: type of parameters, G: of gradients, H: of 16-bit copies
template <class T, class G, class H>
struct Sgd {
  using State = T;
  T lr, momentum, decay;
  bool first;
  const double* factor;
  __device__ __forceinline__ bool prepare(T& scale) const {
    scale = factor == nullptr ? T(1) : T(*factor);
    return true;
  }
  template <int kPack>
  __device__ __forceinline__ void apply(const SgdTensor& e, int64_t i, T scale) const {
    Pack<T, kPack> p = load<T, kPack>(e.p, i), v = p;
    const Pack<G, kPack> g = load<G, kPack>(e.g, i);
    if (!first) v = load<T, kPack>(e.velocity, i);
    Pack<H, kPack> copy;
    for (int k = 0; k < kPack; ++k) {
      const T d = T(widen(g.v[k])) * scale + decay * p.v[k];
      v.v[k] = first ? d : momentum * v.v[k] + d;
      p.v[k] -= lr * v.v[k];
      copy.v[k] = rounded<H>(Accumulator<H>(p.v[k]));
    }
    store(e.velocity, i, v);
    store(e.p, i, p);
    if (e.copy != nullptr) store(e.copy, i, copy);
  }
};

template <class T, class G, class H>
struct Adam {
  using State = T;
  T beta1, rest1, beta2, rest2, eps, rate, root, keep, decay;
  const double* factor;
  __device__ __forceinline__ bool prepare(T& scale) const {
    scale = factor == nullptr ? T(1) : T(*factor);
    return true;
  }
  __device__ __forceinline__ static float root_of(float x) { return sqrtf(x); }
  __device__ __forceinline__ static double root_of(double x) { return ::sqrt(x); }
  template <int kPack>
  __device__ __forceinline__ void apply(const AdamTensor& e, int64_t i, T scale) const {
    Pack<T, kPack> p = load<T, kPack>(e.p, i), m = load<T, kPack>(e.m, i), v = load<T, kPack>(e.v, i);
    const Pack<G, kPack> g = load<G, kPack>(e.g, i);
    Pack<H, kPack> copy;
    for (int k = 0; k < kPack; ++k) {
      const T d = T(widen(g.v[k])) * scale + decay * p.v[k];
      m.v[k] = beta1 * m.v[k] + rest1 * d;
      v.v[k] = beta2 * v.v[k] + rest2 * d * d;
      p.v[k] = p.v[k] * keep - rate * m.v[k] / (root_of(v.v[k]) / root + eps);
      copy.v[k] = rounded<H>(Accumulator<H>(p.v[k]));
    }
    store(e.m, i, m);
    store(e.v, i, v);
    store(e.p, i, p);
    if (e.copy != nullptr) store(e.copy, i, copy);
  }
};

template <class T>
struct Scale {
  using State = Accumulator<T>;
  const double* factor;
  __device__ __forceinline__ bool prepare(State& scale) const {
    scale = State(*factor);
    return *factor != 1.0;
  }
  template <int kPack>
  __device__ __forceinline__ void apply(const GradientTensor& e, int64_t i, State scale) const {
    Pack<T, kPack> g = load<T, kPack>(e.g, i);
    for (int k = 0; k < kPack; ++k) g.v[k] = rounded<T>(widen(g.v[k]) * scale);
    store(e.g, i, g);
  }
};

template <class T>
struct Unscale {
  using State = Accumulator<T>;
  State inverse;
  int* flag;
  __device__ __forceinline__ bool prepare(State& scale) const {
    scale = inverse;
    return true;
  }
  template <int kPack>
  __device__ __forceinline__ void apply(const GradientTensor& e, int64_t i, State scale) const {
    Pack<T, kPack> g = load<T, kPack>(e.g, i);
    bool finite = true;
    for (int k = 0; k < kPack; ++k) {
      const State value = widen(g.v[k]);
      finite &= value - value == State(0);
      g.v[k] = rounded<T>(value * scale);
    }
    store(e.g, i, g);
    if (!finite) atomicOr(flag, 1);
  }
};

template <class T>
struct Squares {
  template <int kPack>
  __device__ __forceinline__ void apply(const GradientTensor& e, int64_t i, double& sum) const {
    const Pack<T, kPack> g = load<T, kPack>(e.g, i);
    for (int k = 0; k < kPack; ++k) sum += double(widen(g.v[k])) * double(widen(g.v[k]));
  }
};

/// partial[block] = sum of squares of the block's numbers.
template <class T>
__global__ void __launch_bounds__(kThreads)
    squares_of_list(const List<GradientTensor> list, double* __restrict__ partial) {
  __shared__ double shared[32];
  double sum = 0;
  apply_all<kPerLoad<T>>(list, Squares<T>{}, sum);
  sum = block_reduce(sum, Sum{}, 0.0, shared);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

/// One block. result: sum of squares, norm / loss_scale, factor for the gradients.
__global__ void __launch_bounds__(kThreads)
    finish_norm(const double* __restrict__ partial, int64_t blocks, double largest, double loss_scale,
                double* __restrict__ result) {
  __shared__ double shared[32];
  double squares = 0;
  for (int64_t i = threadIdx.x; i < blocks; i += kThreads) squares += partial[i];
  squares = block_reduce(squares, Sum{}, 0.0, shared);
  if (threadIdx.x != 0) return;
  const double norm = ::sqrt(squares) / loss_scale;
  const bool finite = norm - norm == 0.0, clipped = largest > 0 && norm > largest;
  result[0] = squares;
  result[1] = norm;
  result[2] = finite ? (clipped ? largest / norm : 1.0) / loss_scale : 1.0;
}

// --- launches
int64_t blocks_of(int64_t count) { return (count + kChunk - 1) / kChunk; }

/// Calls launch(group, blocks) for every 64 tensors that are not empty.
template <class Entry, class Launch>
void for_groups(const Entry* list, int64_t length, Launch launch) {
  List<Entry> group;
  group.length = 0;
  int64_t blocks = 0;
  for (int64_t i = 0; i < length; ++i) {
    if (list[i].count == 0) continue;
    group.entry[group.length] = list[i];
    group.first_block[group.length++] = unsigned(blocks);
    blocks += blocks_of(list[i].count);
    if (group.length < kTensors) continue;
    launch(group, unsigned(blocks));
    group.length = 0;
    blocks = 0;
  }
  if (group.length > 0) launch(group, unsigned(blocks));
}

template <int kPack, class Entry, class Rule>
void launch_list(const Entry* list, int64_t length, const Rule& rule, DeviceStream stream) {
  for_groups(list, length, [&](const List<Entry>& group, unsigned blocks) {
    CAWE_LAUNCH((for_list<kPack, Entry, Rule>), blocks, kThreads, 0, stream, group, rule);
  });
}

template <class T, class G, class H>
void launch_sgd(const SgdTensor* list, int64_t length, const SgdRule& r, const double* factor,
                DeviceStream stream) {
  const Sgd<T, G, H> rule{T(r.lr), T(r.momentum), T(r.weight_decay), r.first, factor};
  launch_list<kPerLoad<T>>(list, length, rule, stream);
}

template <class T, class G, class H>
void launch_adam(const AdamTensor* list, int64_t length, const AdamRule& r, const double* factor,
                 DeviceStream stream) {
  const Adam<T, G, H> rule{T(r.beta1),
                           T(1 - r.beta1),
                           T(r.beta2),
                           T(1 - r.beta2),
                           T(r.eps),
                           T(r.lr / (1 - ::pow(r.beta1, double(r.step)))),
                           T(::sqrt(1 - ::pow(r.beta2, double(r.step)))),
                           T(r.decoupled ? 1 - r.lr * r.weight_decay : 1.0),
                           T(r.decoupled ? 0.0 : r.weight_decay),
                           factor};
  launch_list<kPerLoad<T>>(list, length, rule, stream);
}

/// Calls launch(T(), G(), H()) with the types that `numbers` names.
template <class Launch>
void dispatch_step(const StepNumbers& numbers, Launch launch) {
  if (numbers.parameter == Number::f64)
    launch(double(), double(), bf16());
  else if (numbers.half == Number::f16 && numbers.half_gradients)
    launch(float(), half(), half());
  else if (numbers.half == Number::f16)
    launch(float(), float(), half());
  else if (numbers.half_gradients)
    launch(float(), bf16(), bf16());
  else
    launch(float(), float(), bf16());
}

}  // namespace

void sgd_steps(const StepNumbers& numbers, const SgdTensor* list, int64_t length, const SgdRule& rule,
               const double* factor, DeviceStream stream) {
  dispatch_step(numbers, [&](auto t, auto g, auto h) {
    launch_sgd<decltype(t), decltype(g), decltype(h)>(list, length, rule, factor, stream);
  });
}

void adam_steps(const StepNumbers& numbers, const AdamTensor* list, int64_t length, const AdamRule& rule,
                const double* factor, DeviceStream stream) {
  dispatch_step(numbers, [&](auto t, auto g, auto h) {
    launch_adam<decltype(t), decltype(g), decltype(h)>(list, length, rule, factor, stream);
  });
}

int64_t gradient_norm_scratch(const GradientTensor* list, int64_t length) {
  int64_t blocks = 0;
  for (int64_t i = 0; i < length; ++i) blocks += blocks_of(list[i].count);
  return blocks;
}

void gradient_norm(Number number, const GradientTensor* list, int64_t length, double largest,
                   double loss_scale, double* scratch, double* result, DeviceStream stream) {
  int64_t done = 0;
  for_groups(list, length, [&](const List<GradientTensor>& group, unsigned blocks) {
    CAWE_DISPATCH(number, T,
                  CAWE_LAUNCH(squares_of_list<T>, blocks, kThreads, 0, stream, group, scratch + done))
    done += blocks;
  });
  CAWE_LAUNCH(finish_norm, 1, kThreads, 0, stream, scratch, done, largest, loss_scale, result);
}

void scale_gradients(Number number, const GradientTensor* list, int64_t length, const double* factor,
                     DeviceStream stream) {
  CAWE_DISPATCH(number, T, launch_list<kPerLoad<T>>(list, length, Scale<T>{factor}, stream))
}

void unscale_and_check(Number number, const GradientTensor* list, int64_t length, double inverse, int* flag,
                       DeviceStream stream) {
  CAWE_DISPATCH(number, T,
                launch_list<kPerLoad<T>>(list, length, Unscale<T>{Accumulator<T>(inverse), flag}, stream))
}

}  // namespace CAWE_DEVICE
