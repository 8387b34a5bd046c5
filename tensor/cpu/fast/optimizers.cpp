// SPDX-License-Identifier: Apache-2.0
// Optimizers' steps on dense f32 tensors of one memory order: vectorised, in parallel chunks whose borders
// cannot change a result.
#include <algorithm>
#include <cmath>

#include "tensor/cpu/dense.h"
#include "tensor/cpu/fast_backend.h"

namespace cawe {

using cpu::aligned;
using cpu::kGrain;

void FastBackend::sgd_step(Tensor& p, const Tensor& g, Tensor& velocity, const SgdParams& s) {
  if (!aligned(p, g, velocity)) return ReferenceBackend::sgd_step(p, g, velocity, s);
  float *pp = p.data<float>(), *pv = velocity.data<float>();
  const float* pg = g.data<float>();
  const float decay = float(s.weight_decay), lr = float(s.lr), momentum = s.first ? 0.0f : float(s.momentum);
  parallel_for(p.numel(), kGrain, [&](int64_t begin, int64_t end) {
    if (s.first) std::fill(pv + begin, pv + end, 0.0f);
    for (int64_t i = begin; i < end; ++i) {
      const float v = momentum * pv[i] + (pg[i] + decay * pp[i]);
      pv[i] = v;
      pp[i] -= lr * v;
    }
  });
  p.storage().touch();
}

void FastBackend::adam_step(Tensor& p, const Tensor& g, Tensor& m, Tensor& v, const AdamParams& s) {
  if (!aligned(p, g, m, v)) return ReferenceBackend::adam_step(p, g, m, v, s);
  const float rate = float(s.lr / (1 - std::pow(s.beta1, double(s.step))));
  const float root = float(std::sqrt(1 - std::pow(s.beta2, double(s.step))));
  const float keep = s.decoupled ? float(1 - s.lr * s.weight_decay) : 1.0f,
              decay = s.decoupled ? 0.0f : float(s.weight_decay);
  const float b1 = float(s.beta1), b2 = float(s.beta2), c1 = float(1 - s.beta1), c2 = float(1 - s.beta2),
              eps = float(s.eps);
  float *pp = p.data<float>(), *pm = m.data<float>(), *pv = v.data<float>();
  const float* pg = g.data<float>();
  parallel_for(p.numel(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float d = pg[i] + decay * pp[i];
      const float first = b1 * pm[i] + c1 * d, second = b2 * pv[i] + c2 * d * d;
      pm[i] = first;
      pv[i] = second;
      pp[i] = pp[i] * keep - rate * first / (std::sqrt(second) / root + eps);
    }
  });
  p.storage().touch();
}

}  // namespace cawe
