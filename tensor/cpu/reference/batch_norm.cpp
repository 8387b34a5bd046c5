// SPDX-License-Identifier: Apache-2.0
// Batch norm's parts, pooling and resizing: plain loops.
#include <algorithm>
#include <cmath>
#include <limits>

#include "tensor/cpu/cpu_backend.h"
#include "tensor/cpu/loops.h"

namespace cawe {
namespace {

using cpu::View4;

/// Runs body(image) for all images, in parallel.
template <class Fn>
void for_images(int64_t n, Fn body) {
  parallel_tasks(n, [&](int64_t i) { body(i); });
}

template <class T>
T at(const Tensor& vector, int64_t i) {
  return vector.data<T>()[i * vector.stride(0)];
}

/// Lane sums of [2, C] doubles: add(n, c, y, x, sums of the channel).
template <class Fn>
void channel_lane_sums(const Tensor& shape_of, Tensor& sums, Fn add) {
  const int64_t channels = shape_of.dim(1), h = shape_of.dim(2), w = shape_of.dim(3);
  lane_sum<double>(lane_plan(shape_of.dim(0)), 2 * channels, sums.data<double>(),
                   [&](int64_t, int64_t begin, int64_t end, double* partial) {
                     std::fill(partial, partial + 2 * channels, 0.0);
                     for (int64_t n = begin; n < end; ++n)
                       for (int64_t y = 0; y < h; ++y)
                         for (int64_t x = 0; x < w; ++x)
                           for (int64_t c = 0; c < channels; ++c)
                             add(n, c, y, x, partial[c], partial[channels + c]);
                   });
}

/// Two neighbours and the weight of the second, for align_corners=false (spec 1.4).
struct Tap {
  int64_t first, second;
  double weight;
};
Tap tap(int64_t d, int64_t in, int64_t out) {
  const double at = std::max(0.0, (double(d) + 0.5) * (double(in) / double(out)) - 0.5);
  const int64_t first = std::min(int64_t(at), in - 1);
  return {first, std::min(first + 1, in - 1), at - double(first)};
}

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

void ReferenceBackend::channel_affine(const Tensor& x, const Tensor& scale, const Tensor& shift,
                                      const Tensor& residual, bool relu, Tensor& y) {
  dispatch_floating("channel_affine", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> in(x), out(y), res(residual.defined() ? residual : x);
    for_images(in.n, [&](int64_t n) {
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
                                            const Tensor& mean, const Tensor& invstd, bool relu,
                                            Tensor& sums) {
  dispatch_floating("batch_norm_grad_sums", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> vd(dy), vx(x), vy(relu ? y : x);
    channel_lane_sums(
        x, sums, [&](int64_t n, int64_t c, int64_t i, int64_t j, double& sum, double& products) {
          if (relu && !(vy(n, c, i, j) > T(0))) return;
          const double g = double(vd(n, c, i, j));
          sum += g;
          products += g * (double(vx(n, c, i, j)) - double(at<T>(mean, c))) * double(at<T>(invstd, c));
        });
  });
}

void ReferenceBackend::batch_norm_grad_input(const Tensor& dy, const Tensor& x, const Tensor& y,
                                             const Tensor& mean, const Tensor& invstd, const Tensor& w,
                                             const Tensor& sums, double count, bool relu, Tensor& dx,
                                             Tensor& dresidual) {
  dispatch_floating("batch_norm_grad_input", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> vd(dy), vx(x), vy(relu ? y : x), out(dx), res(dresidual.defined() ? dresidual : dx);
    const double* s = sums.data<double>();
    for_images(vx.n, [&](int64_t n) {
      for (int64_t c = 0; c < vx.c; ++c) {
        const T m = at<T>(mean, c), r = at<T>(invstd, c), scale = at<T>(w, c) * r;
        const T g_mean = T(s[c] / count), gx_mean = T(s[vx.c + c] / count);
        for (int64_t i = 0; i < vx.h; ++i)
          for (int64_t j = 0; j < vx.w; ++j) {
            const T g = relu && !(vy(n, c, i, j) > T(0)) ? T(0) : vd(n, c, i, j);
            out(n, c, i, j) = scale * (g - g_mean - (vx(n, c, i, j) - m) * r * gx_mean);
            if (dresidual.defined()) res(n, c, i, j) = g;
          }
      }
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
      T* p = out.data<T>() + c;
      p[0] = T(mean);
      p[channels] = T(invstd);
      p[2 * channels] = T(scale);
      p[3 * channels] = T(double(at<T>(b, c)) - mean * scale);
    }
  });
}

void ReferenceBackend::channel_affine_grad(const Tensor& dy, const Tensor& y, const Tensor& scale, bool relu,
                                           Tensor& dx, Tensor& dresidual) {
  dispatch_floating("channel_affine_grad", dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> vd(dy), vy(relu ? y : dy), out(dx), res(dresidual.defined() ? dresidual : dx);
    for_images(vd.n, [&](int64_t n) {
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

void ReferenceBackend::global_avg_pool(const Tensor& x, Tensor& y) {
  dispatch_floating("global_avg_pool", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> v(x);
    for_images(v.n, [&](int64_t n) {
      for (int64_t c = 0; c < v.c; ++c) {
        double sum = 0;
        for (int64_t i = 0; i < v.h; ++i)
          for (int64_t j = 0; j < v.w; ++j) sum += double(v(n, c, i, j));
        y.data<T>()[n * y.stride(0) + c * y.stride(1)] = T(sum / double(v.h * v.w));
      }
    });
  });
}

void ReferenceBackend::global_avg_pool_grad(const Tensor& dy, Tensor& dx) {
  dispatch_floating("global_avg_pool_grad", dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> v(dx);
    for_images(v.n, [&](int64_t n) {
      for (int64_t c = 0; c < v.c; ++c) {
        const T g = dy.data<T>()[n * dy.stride(0) + c * dy.stride(1)] / T(v.h * v.w);
        for (int64_t i = 0; i < v.h; ++i)
          for (int64_t j = 0; j < v.w; ++j) v(n, c, i, j) = g;
      }
    });
  });
}

void ReferenceBackend::max_pool2d(const Tensor& x, const Pool2dParams& p, Tensor& y, Tensor& index) {
  dispatch_floating("max_pool2d", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> in(x), out(y);
    const View4<int32_t> chosen(index);
    for_images(in.n, [&](int64_t n) {
      for (int64_t c = 0; c < in.c; ++c)
        for (int64_t oy = 0; oy < out.h; ++oy)
          for (int64_t ox = 0; ox < out.w; ++ox) {
            T best = 0;
            int64_t where = -1;
            for (int64_t iy = std::max<int64_t>(0, oy * p.stride - p.padding);
                 iy < std::min(in.h, oy * p.stride - p.padding + p.kernel); ++iy)
              for (int64_t ix = std::max<int64_t>(0, ox * p.stride - p.padding);
                   ix < std::min(in.w, ox * p.stride - p.padding + p.kernel); ++ix) {
                const T v = in(n, c, iy, ix);
                if (where >= 0 && !(v > best) && v == v) continue;
                best = v;
                where = iy * in.w + ix;
              }
            out(n, c, oy, ox) = best;
            chosen(n, c, oy, ox) = int32_t(where);
          }
    });
  });
}

void ReferenceBackend::max_pool2d_grad(const Tensor& dy, const Tensor& index, Tensor& dx) {
  dispatch_floating("max_pool2d_grad", dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    fill(dx, 0);
    const View4<T> in(dy), out(dx);
    const View4<int32_t> chosen(index);
    for_images(in.n, [&](int64_t n) {
      for (int64_t c = 0; c < in.c; ++c)
        for (int64_t i = 0; i < in.h; ++i)
          for (int64_t j = 0; j < in.w; ++j) {
            const int64_t where = chosen(n, c, i, j);
            out(n, c, where / out.w, where % out.w) += in(n, c, i, j);
          }
    });
  });
}

void ReferenceBackend::upsample_nearest(const Tensor& x, const Tensor& add, Tensor& y) {
  dispatch_floating("upsample_nearest", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> in(x), out(y), more(add.defined() ? add : y);
    for_images(in.n, [&](int64_t n) {
      for (int64_t c = 0; c < in.c; ++c)
        for (int64_t i = 0; i < out.h; ++i)
          for (int64_t j = 0; j < out.w; ++j) {
            const T v = in(n, c, i * in.h / out.h, j * in.w / out.w);
            out(n, c, i, j) = add.defined() ? v + more(n, c, i, j) : v;
          }
    });
  });
}

void ReferenceBackend::upsample_nearest_grad(const Tensor& dy, Tensor& dx) {
  dispatch_floating("upsample_nearest_grad", dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    fill(dx, 0);
    const View4<T> in(dy), out(dx);
    for_images(in.n, [&](int64_t n) {
      for (int64_t c = 0; c < in.c; ++c)
        for (int64_t i = 0; i < in.h; ++i)
          for (int64_t j = 0; j < in.w; ++j) out(n, c, i * out.h / in.h, j * out.w / in.w) += in(n, c, i, j);
    });
  });
}

void ReferenceBackend::resize_bilinear(const Tensor& x, Tensor& y) {
  dispatch_floating("resize_bilinear", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View4<T> in(x), out(y);
    for_images(in.n, [&](int64_t n) {
      for (int64_t i = 0; i < out.h; ++i) {
        const Tap v = tap(i, in.h, out.h);
        for (int64_t j = 0; j < out.w; ++j) {
          const Tap u = tap(j, in.w, out.w);
          for (int64_t c = 0; c < in.c; ++c) {
            const T top =
                T(1 - u.weight) * in(n, c, v.first, u.first) + T(u.weight) * in(n, c, v.first, u.second);
            const T bottom =
                T(1 - u.weight) * in(n, c, v.second, u.first) + T(u.weight) * in(n, c, v.second, u.second);
            out(n, c, i, j) = T(1 - v.weight) * top + T(v.weight) * bottom;
          }
        }
      }
    });
  });
}

void ReferenceBackend::resize_bilinear_grad(const Tensor& dy, Tensor& dx) {
  dispatch_floating("resize_bilinear_grad", dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    fill(dx, 0);
    const View4<T> in(dy), out(dx);
    for_images(in.n, [&](int64_t n) {
      for (int64_t i = 0; i < in.h; ++i) {
        const Tap v = tap(i, out.h, in.h);
        for (int64_t j = 0; j < in.w; ++j) {
          const Tap u = tap(j, out.w, in.w);
          for (int64_t c = 0; c < in.c; ++c) {
            const T g = in(n, c, i, j);
            out(n, c, v.first, u.first) += T((1 - v.weight) * (1 - u.weight)) * g;
            out(n, c, v.first, u.second) += T((1 - v.weight) * u.weight) * g;
            out(n, c, v.second, u.first) += T(v.weight * (1 - u.weight)) * g;
            out(n, c, v.second, u.second) += T(v.weight * u.weight) * g;
          }
        }
      }
    });
  });
}

}  // namespace cawe
