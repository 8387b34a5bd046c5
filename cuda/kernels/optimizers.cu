// SPDX-License-Identifier: Apache-2.0
// Optimizer steps over lists of tensors: SGD with momentum, Adam and AdamW in PyTorch's forms, and what is
// done with gradients before: their norm, scaling. Sources: Kingma & Ba 2015,
// arXiv 1412.6980, Algorithm 1; Loshchilov & Hutter 2019, arXiv 1711.05101, Algorithm 2.
//
// Bytes     a parameter: SGD 5e (4e on the first step), Adam 7e. f32: 20 and 28, with a 16-bit gradient 18 and 26. Norm e,
//           scaling 2e, e of the gradient.
// FLOPs     per parameter: SGD 7, Adam 15, norm 2 (f64), scaling 1: memory-bound on every GPU, the norm where
//           f64 runs at half the rate of f32.
// Launch    up to 64 tensors; a block of 256 threads takes 4096 numbers of one (lists.cuh).
// Numerics  steps in the parameters' type, constants of the rule in f64 on the host. Norm in f64: tree over
//           the block, then blocks by 256 strides and a tree. No atomics.
// Loads     128 bits of parameters where all of a tensor's pointers are multiples of 16 bytes, else one
//           number per lane, as for the last few of a tensor; of 16-bit gradients as many numbers, 64 bits.
#include "cuda/kernels/optimizers.h"

#include "cuda/kernels/lists.cuh"

namespace CAWE_DEVICE {
namespace {

// --- rules
/// Gradients as T: f64, or f32 of what e says, the same for a whole block. 16-bit ones are read as many at a time as f32 ones,
/// so that a norm's sums are those of f32.
template <class T, int kPack, class Entry>
__device__ __forceinline__ Pack<T, kPack> load_gradient(const Entry& e, int64_t i) {
  if constexpr (std::is_same_v<T, float>) {
    Pack<T, kPack> wide;
    if (e.g_number == Number::f16) {
      const Pack<half, kPack> g = load<half, kPack>(e.g, i);
      for (int k = 0; k < kPack; ++k) wide.v[k] = widen(g.v[k]);
      return wide;
    }
    if (e.g_number == Number::bf16) {
      const Pack<bf16, kPack> g = load<bf16, kPack>(e.g, i);
      for (int k = 0; k < kPack; ++k) wide.v[k] = widen(g.v[k]);
      return wide;
    }
  }
  return load<T, kPack>(e.g, i);
}

template <class T>
struct Sgd {
  using State = T;
  __device__ __forceinline__ static bool aligned(const SgdTensor& e) {
    return are_aligned(e.p, e.g, e.velocity);
  }
  T lr, momentum, decay;
  bool first;
  const double* factor;
  __device__ __forceinline__ bool prepare(T& scale) const {
    scale = factor == nullptr ? T(1) : T(*factor);
    return scale == scale;
  }
  template <int kPack>
  __device__ __forceinline__ void apply(const SgdTensor& e, int64_t i, T scale) const {
    Pack<T, kPack> p = load<T, kPack>(e.p, i), v = p;
    const Pack<T, kPack> g = load_gradient<T, kPack>(e, i);
    if (!first) v = load<T, kPack>(e.velocity, i);
    for (int k = 0; k < kPack; ++k) {
      const T d = g.v[k] * scale + decay * p.v[k];
      v.v[k] = first ? d : momentum * v.v[k] + d;
      p.v[k] -= lr * v.v[k];
    }
    store(e.velocity, i, v);
    store(e.p, i, p);
  }
};

template <class T>
struct Adam {
  using State = T;
  __device__ __forceinline__ static bool aligned(const AdamTensor& e) {
    return are_aligned(e.p, e.g, e.m, e.v);
  }
  T beta1, rest1, beta2, rest2, eps, rate, root, keep, decay;
  const double* factor;
  __device__ __forceinline__ bool prepare(T& scale) const {
    scale = factor == nullptr ? T(1) : T(*factor);
    return scale == scale;
  }
  __device__ __forceinline__ static float root_of(float x) { return sqrtf(x); }
  __device__ __forceinline__ static double root_of(double x) { return ::sqrt(x); }
  template <int kPack>
  __device__ __forceinline__ void apply(const AdamTensor& e, int64_t i, T scale) const {
    Pack<T, kPack> p = load<T, kPack>(e.p, i), m = load<T, kPack>(e.m, i), v = load<T, kPack>(e.v, i);
    const Pack<T, kPack> g = load_gradient<T, kPack>(e, i);
    for (int k = 0; k < kPack; ++k) {
      const T d = g.v[k] * scale + decay * p.v[k];
      m.v[k] = beta1 * m.v[k] + rest1 * d;
      v.v[k] = beta2 * v.v[k] + rest2 * d * d;
      p.v[k] = p.v[k] * keep - rate * m.v[k] / (root_of(v.v[k]) / root + eps);
    }
    store(e.m, i, m);
    store(e.v, i, v);
    store(e.p, i, p);
  }
};

struct OfGradients {
  __device__ __forceinline__ static bool aligned(const GradientTensor& e) { return are_aligned(e.g); }
};

template <class T>
struct Scale : OfGradients {
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
struct Squares : OfGradients {
  template <int kPack>
  __device__ __forceinline__ void apply(const GradientTensor& e, int64_t i, double& sum) const {
    const Pack<T, kPack> g = load_gradient<T, kPack>(e, i);
    for (int k = 0; k < kPack; ++k) sum += double(g.v[k]) * double(g.v[k]);
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

/// One block. result: sum of squares, norm / loss_scale, factor for the gradients, then losses.
__global__ void __launch_bounds__(kThreads)
    finish_norm(const double* __restrict__ partial, int64_t blocks, double largest, double loss_scale,
                int64_t losses, double* __restrict__ result) {
  __shared__ double shared[32];
  double squares = 0;
  for (int64_t i = threadIdx.x; i < blocks; i += kThreads) squares += partial[i];
  squares = block_reduce(squares, Sum{}, 0.0, shared);
  if (threadIdx.x != 0) return;
  const double norm = ::sqrt(squares) / loss_scale;
  const bool clipped = largest > 0 && norm > largest;
  double nothing = norm - norm;  // 0, or NaN
  for (int64_t i = 0; i < losses; ++i) nothing += result[3 + i] - result[3 + i];
  result[0] = squares;
  result[1] = norm;
  result[2] = (clipped ? largest / norm : 1.0) / loss_scale + nothing;
}

template <class T>
void launch_sgd(const SgdTensor* list, int64_t length, const SgdRule& r, const double* factor,
                DeviceStream stream) {
  const Sgd<T> rule{T(r.lr), T(r.momentum), T(r.weight_decay), r.first, factor};
  launch_list<kPerLoad<T>>(list, length, rule, stream);
}

template <class T>
void launch_adam(const AdamTensor* list, int64_t length, const AdamRule& r, const double* factor,
                 DeviceStream stream) {
  const Adam<T> rule{T(r.beta1),
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

}  // namespace

void sgd_steps(Number number, const SgdTensor* list, int64_t length, const SgdRule& rule,
               const double* factor, DeviceStream stream) {
  if (number == Number::f64)
    launch_sgd<double>(list, length, rule, factor, stream);
  else
    launch_sgd<float>(list, length, rule, factor, stream);
}

void adam_steps(Number number, const AdamTensor* list, int64_t length, const AdamRule& rule,
                const double* factor, DeviceStream stream) {
  if (number == Number::f64)
    launch_adam<double>(list, length, rule, factor, stream);
  else
    launch_adam<float>(list, length, rule, factor, stream);
}

int64_t gradient_norm_scratch(const GradientTensor* list, int64_t length) {
  int64_t blocks = 0;
  for (int64_t i = 0; i < length; ++i) blocks += blocks_of(list[i].count);
  return blocks;
}

void gradient_norm(Number number, const GradientTensor* list, int64_t length, double largest,
                   double loss_scale, int64_t losses, double* scratch, double* result, DeviceStream stream) {
  int64_t done = 0;
  for_groups(list, length, [&](const List<GradientTensor>& group, unsigned blocks) {
    if (number == Number::f64)
      CAWE_LAUNCH(squares_of_list<double>, blocks, kThreads, 0, stream, group, scratch + done);
    else
      CAWE_LAUNCH(squares_of_list<float>, blocks, kThreads, 0, stream, group, scratch + done);
    done += blocks;
  });
  CAWE_LAUNCH(finish_norm, 1, kThreads, 0, stream, scratch, done, largest, loss_scale, losses, result);
}

void scale_gradients(Number number, const GradientTensor* list, int64_t length, const double* factor,
                     DeviceStream stream) {
  CAWE_DISPATCH(number, T, launch_list<kPerLoad<T>>(list, length, Scale<T>{{}, factor}, stream))
}

}  // namespace CAWE_DEVICE
