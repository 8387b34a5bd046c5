// SPDX-License-Identifier: Apache-2.0
// Batch norm's parts: plain loops.
#include <algorithm>
#include <cmath>

#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"

namespace cawe {
namespace {

using cpu::View4;

template <class T>
T at(const Tensor& vector, int64_t i) {
  return vector.data<T>()[i * vector.stride(0)];
}

/// Sums [2, C] in double, in any strides, by lanes: calls add(n, c, y, x, sums of the channel) for every element.
template <class Fn>
void channel_lane_sums(const Tensor& shape_of, Tensor& sums, Fn add) {
  const int64_t channels = shape_of.dim(1), h = shape_of.dim(2), w = shape_of.dim(3);
  Tensor total = Tensor::empty({2, channels}, DType::f64);
  lane_sum<double>(lane_plan(shape_of.dim(0)), 2 * channels, total.data<double>(),
                   [&](int64_t, int64_t begin, int64_t end, double* partial) {
                     std::fill(partial, partial + 2 * channels, 0.0);
                     for (int64_t n = begin; n < end; ++n)
                       for (int64_t y = 0; y < h; ++y)
                         for (int64_t x = 0; x < w; ++x)
                           for (int64_t c = 0; c < channels; ++c)
                             add(n, c, y, x, partial[c], partial[channels + c]);
                   });
  sums.copy_from(total);
}

/// What a ReLU let through: y > 0 or, where y is undefined, x * scale + shift > 0, computed as channel_affine does.
template <class T>
class Passed {
 public:
  Passed(bool relu, const Tensor& x, const Tensor& y, const Tensor& scale, const Tensor& shift)
      : relu_(relu),
        again_(relu && !y.defined()),
        y_(relu && y.defined() ? y : x),
        scale_(scale),
        shift_(shift) {}
  /// `x`: the element's.
  bool operator()(int64_t n, int64_t c, int64_t i, int64_t j, T x) const {
    if (!relu_) return true;
    return (again_ ? x * at<T>(scale_, c) + at<T>(shift_, c) : y_(n, c, i, j)) > T(0);
  }

 private:
  bool relu_, again_;
  View4<T> y_;
  const Tensor &scale_, &shift_;
};

}  // namespace

void ReferenceBackend::channel_sums(const Tensor& x, Tensor& sums) {
  dispatch_floating("channel_sums", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> v(x);
    channel_lane_sums(x, sums, [&](int64_t n, int64_t c, int64_t y, int64_t u, double& sum, double& squares) {
      const double value = double(v(n, c, y, u));
      sum += value;
      squares += value * value;
    });
  });
}

void ReferenceBackend::batch_norm_coefficients(const Tensor& sums, double count, const Tensor& w,
                                               const Tensor& b, double momentum, double eps,
                                               Tensor& running_mean, Tensor& running_var, Tensor& out) {
  dispatch_floating("batch_norm_coefficients", w.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const int64_t channels = w.numel();
    const Tensor total = sums.defined() ? sums.contiguous() : Tensor();
    for (int64_t c = 0; c < channels; ++c) {
      T& old_mean = running_mean.data<T>()[c * running_mean.stride(0)];
      T& old_var = running_var.data<T>()[c * running_var.stride(0)];
      double mean = double(old_mean), var = double(old_var);
      if (total.defined()) {
        mean = total.data<double>()[c] / count;
        var = std::max(0.0, total.data<double>()[channels + c] / count - mean * mean);
        old_mean = T((1 - momentum) * double(old_mean) + momentum * mean);
        old_var = T((1 - momentum) * double(old_var) + momentum * var * (count / (count - 1)));
      }
      const double invstd = 1 / std::sqrt(var + eps), scale = double(at<T>(w, c)) * invstd;
      T* p = out.data<T>() + c * out.stride(1);
      p[0] = T(mean);
      p[out.stride(0)] = T(invstd);
      p[2 * out.stride(0)] = T(scale);
      p[3 * out.stride(0)] = T(double(at<T>(b, c)) - mean * scale);
    }
  });
}

void ReferenceBackend::batch_norm_train_coefficients(const Tensor& x, const Tensor& w, const Tensor& b,
                                                     double momentum, double eps, Tensor& running_mean,
                                                     Tensor& running_var, Tensor& out) {
  Tensor sums = Tensor::empty({2, x.dim(1)}, DType::f64);
  channel_sums(x, sums);
  batch_norm_coefficients(sums, double(x.numel() / x.dim(1)), w, b, momentum, eps, running_mean, running_var,
                          out);
}

void ReferenceBackend::channel_affine(const Tensor& x, const Tensor& scale, const Tensor& shift,
                                      const Tensor& residual, bool relu, Tensor& y) {
  dispatch_floating("channel_affine", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> in(x), out(y), res(residual.defined() ? residual : x);
    parallel_tasks(in.n, [&](int64_t n) {
      for (int64_t c = 0; c < in.c; ++c) {
        const T a = at<T>(scale, c), b = at<T>(shift, c);
        for (int64_t i = 0; i < in.h; ++i)
          for (int64_t j = 0; j < in.w; ++j) {
            T v = in(n, c, i, j) * a + b;
            if (residual.defined()) v += res(n, c, i, j);
            out(n, c, i, j) = relu && v < T(0) ? T(0) : v;
          }
      }
    });
  });
}

void ReferenceBackend::batch_norm_grad_sums(const Tensor& dy, const Tensor& x, const Tensor& y,
                                            const Tensor& scale, const Tensor& shift, const Tensor& mean,
                                            const Tensor& invstd, bool relu, Tensor& sums) {
  dispatch_floating("batch_norm_grad_sums", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> vd(dy), vx(x);
    const Passed<T> passed(relu, x, y, scale, shift);
    channel_lane_sums(
        x, sums, [&](int64_t n, int64_t c, int64_t i, int64_t j, double& sum, double& products) {
          if (!passed(n, c, i, j, vx(n, c, i, j))) return;
          const double g = double(vd(n, c, i, j));
          sum += g;
          products += g * (double(vx(n, c, i, j)) - double(at<T>(mean, c))) * double(at<T>(invstd, c));
        });
  });
}

void ReferenceBackend::batch_norm_grad_input(const Tensor& dy, const Tensor& x, const Tensor& y,
                                             const Tensor& scale_of, const Tensor& shift, const Tensor& mean,
                                             const Tensor& invstd, const Tensor& w, const Tensor& sums,
                                             double count, bool relu, Tensor& dx, Tensor& dresidual) {
  dispatch_floating("batch_norm_grad_input", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> vd(dy), vx(x), out(dx), res(dresidual.defined() ? dresidual : dx);
    const Passed<T> passed(relu, x, y, scale_of, shift);
    const Tensor total = sums.contiguous();
    const double* s = total.data<double>();
    parallel_tasks(vx.n, [&](int64_t n) {
      for (int64_t c = 0; c < vx.c; ++c) {
        const T m = at<T>(mean, c), r = at<T>(invstd, c), scale = at<T>(w, c) * r;
        const T g_mean = T(s[c] / count), gx_mean = T(s[vx.c + c] / count);
        for (int64_t i = 0; i < vx.h; ++i)
          for (int64_t j = 0; j < vx.w; ++j) {
            const T g = passed(n, c, i, j, vx(n, c, i, j)) ? vd(n, c, i, j) : T(0);
            out(n, c, i, j) = scale * (g - g_mean - (vx(n, c, i, j) - m) * r * gx_mean);
            if (dresidual.defined()) res(n, c, i, j) = g;
          }
      }
    });
  });
}

void ReferenceBackend::channel_affine_grad(const Tensor& dy, const Tensor& y, const Tensor& scale, bool relu,
                                           Tensor& dx, Tensor& dresidual) {
  dispatch_floating("channel_affine_grad", dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> vd(dy), vy(relu ? y : dy), out(dx), res(dresidual.defined() ? dresidual : dx);
    parallel_tasks(vd.n, [&](int64_t n) {
      for (int64_t c = 0; c < vd.c; ++c)
        for (int64_t i = 0; i < vd.h; ++i)
          for (int64_t j = 0; j < vd.w; ++j) {
            const T g = relu && !(vy(n, c, i, j) > T(0)) ? T(0) : vd(n, c, i, j);
            if (dresidual.defined()) res(n, c, i, j) = g;
            out(n, c, i, j) = g * at<T>(scale, c);
          }
    });
  });
}

}  // namespace cawe
