// SPDX-License-Identifier: Apache-2.0
// Losses: plain loops. Sums of an item run in double and in the order of its elements.
#include <cmath>

#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"

namespace cawe {
namespace {

template <class T>
T sigmoid(T x) {
  return elementwise::Sigmoid<T>{}.value(x);
}
template <class T>
T softplus(T x) {
  return elementwise::Softplus<T>{}.value(x);
}

/// softplus(x) - t x, with the positive part weighted: the stable form of BCE with logits.
template <class T>
T bce(T x, T t, T weight) {
  return t * weight * softplus(-x) + (T(1) - t) * softplus(x);
}
template <class T>
T bce_slope(T x, T t, T weight) {
  const T s = sigmoid(x);
  return (T(1) - t) * s - t * weight * (T(1) - s);
}

/// alpha_t (1 - p_t)^gamma BCE (Lin et al. 2017), with z the logit of "t is right".
template <class T>
T focal(T x, T t, T alpha, T gamma) {
  const T z = t > T(0) ? x : -x, weight = t > T(0) ? alpha : T(1) - alpha;
  return weight * std::pow(sigmoid(-z), gamma) * softplus(-z);
}
template <class T>
T focal_slope(T x, T t, T alpha, T gamma) {
  const T sign = t > T(0) ? T(1) : T(-1), z = sign * x, weight = t > T(0) ? alpha : T(1) - alpha;
  const T miss = sigmoid(-z);  // 1 - p_t
  // d/dz [miss^g softplus(-z)] = -miss^g (g p_t softplus(-z) + miss)
  return -sign * weight * std::pow(miss, gamma) * (gamma * (T(1) - miss) * softplus(-z) + miss);
}

template <class T>
T huber(T d, T beta) {
  const T a = std::abs(d);
  return a < beta ? d * d / (T(2) * beta) : a - beta / T(2);
}
template <class T>
T huber_slope(T d, T beta) {
  if (std::abs(d) < beta) return d / beta;
  return d > T(0) ? T(1) : (d < T(0) ? T(-1) : T(0));
}

}  // namespace

void ReferenceBackend::bce_with_logits(const Tensor& x, const Tensor& t, const Tensor& mask,
                                       const Tensor& pos_weight, Tensor& y) {
  dispatch_floating("bce_with_logits", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor xc = x.contiguous(), tc = t.contiguous(), mc = mask.defined() ? mask.contiguous() : mask,
                 pc = pos_weight.defined() ? pos_weight.contiguous() : pos_weight;
    const int64_t k = x.dim(1);
    for (int64_t n = 0; n < x.dim(0); ++n) {
      double sum = 0;
      for (int64_t i = 0; i < k; ++i) {
        if (mc.defined() && mc.data<T>()[n * k + i] == T(0)) continue;
        const T weight = pc.defined() ? pc.data<T>()[i] : T(1);
        sum += double(bce(xc.data<T>()[n * k + i], tc.data<T>()[n * k + i], weight));
      }
      y.data<T>()[n * y.stride(0)] = T(sum);
    }
  });
}

void ReferenceBackend::bce_with_logits_grad(const Tensor& x, const Tensor& t, const Tensor& mask,
                                            const Tensor& pos_weight, const Tensor& scale, Tensor& dx) {
  dispatch_floating("bce_with_logits_grad", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor xc = x.contiguous(), tc = t.contiguous(), mc = mask.defined() ? mask.contiguous() : mask,
                 pc = pos_weight.defined() ? pos_weight.contiguous() : pos_weight;
    const int64_t k = x.dim(1);
    for (int64_t n = 0; n < x.dim(0); ++n)
      for (int64_t i = 0; i < k; ++i) {
        const bool out = mc.defined() && mc.data<T>()[n * k + i] == T(0);
        const T weight = pc.defined() ? pc.data<T>()[i] : T(1);
        dx.data<T>()[n * dx.stride(0) + i * dx.stride(1)] =
            out ? T(0)
                : scale.data<T>()[n * scale.stride(0)] *
                      bce_slope(xc.data<T>()[n * k + i], tc.data<T>()[n * k + i], weight);
      }
  });
}

void ReferenceBackend::sigmoid_focal_loss(const Tensor& x, const Tensor& t, double alpha, double gamma,
                                          Tensor& y) {
  dispatch_floating("sigmoid_focal_loss", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor xc = x.contiguous(), tc = t.contiguous();
    const int64_t size = x.dim(1);
    parallel_tasks(x.dim(0), [&](int64_t n) {
      double sum = 0;
      for (int64_t i = n * size; i < (n + 1) * size; ++i)
        if (tc.data<T>()[i] >= T(0))
          sum += double(focal(xc.data<T>()[i], tc.data<T>()[i], T(alpha), T(gamma)));
      y.data<T>()[n * y.stride(0)] = T(sum);
    });
  });
}

void ReferenceBackend::sigmoid_focal_loss_grad(const Tensor& x, const Tensor& t, double alpha, double gamma,
                                               const Tensor& scale, Tensor& dx) {
  dispatch_floating("sigmoid_focal_loss_grad", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor xc = x.contiguous(), tc = t.contiguous();
    const int64_t size = x.dim(1);
    parallel_tasks(x.dim(0), [&](int64_t n) {
      for (int64_t a = 0; a < size; ++a) {
        const T target = tc.data<T>()[n * size + a];
        dx.data<T>()[n * dx.stride(0) + a * dx.stride(1)] =
            target < T(0) ? T(0)
                          : scale.data<T>()[n * scale.stride(0)] *
                                focal_slope(xc.data<T>()[n * size + a], target, T(alpha), T(gamma));
      }
    });
  });
}

void ReferenceBackend::smooth_l1(const Tensor& x, const Tensor& t, const Tensor& mask, double beta,
                                 Tensor& y) {
  dispatch_floating("smooth_l1", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor xc = x.contiguous(), tc = t.contiguous(), mc = mask.contiguous();
    const int64_t anchors = x.dim(1), k = x.dim(2);
    for (int64_t n = 0; n < x.dim(0); ++n) {
      double sum = 0;
      for (int64_t a = n * anchors; a < (n + 1) * anchors; ++a) {
        const T m = mc.data<T>()[a];
        if (m == T(0)) continue;
        for (int64_t i = a * k; i < (a + 1) * k; ++i)
          sum += double(m * huber(xc.data<T>()[i] - tc.data<T>()[i], T(beta)));
      }
      y.data<T>()[n * y.stride(0)] = T(sum);
    }
  });
}

void ReferenceBackend::smooth_l1_grad(const Tensor& x, const Tensor& t, const Tensor& mask, double beta,
                                      const Tensor& scale, Tensor& dx) {
  dispatch_floating("smooth_l1_grad", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor xc = x.contiguous(), tc = t.contiguous(), mc = mask.contiguous();
    const int64_t anchors = x.dim(1), k = x.dim(2);
    for (int64_t n = 0; n < x.dim(0); ++n)
      for (int64_t a = 0; a < anchors; ++a) {
        const T m = mc.data<T>()[n * anchors + a] * scale.data<T>()[n * scale.stride(0)];
        for (int64_t i = 0; i < k; ++i) {
          const int64_t at = (n * anchors + a) * k + i;
          dx.data<T>()[n * dx.stride(0) + a * dx.stride(1) + i * dx.stride(2)] =
              m == T(0) ? T(0) : m * huber_slope(xc.data<T>()[at] - tc.data<T>()[at], T(beta));
        }
      }
  });
}

}  // namespace cawe
