// SPDX-License-Identifier: Apache-2.0
// Batch norm's parts on channels-last f32 tensors: one pass over memory each, vectorised over channels.
#include <algorithm>
#include <cstring>
#include <type_traits>
#include <vector>

#include "tensor/cpu/fast_backend.h"
#include "tensor/cpu/loops.h"

namespace cawe {
namespace {

bool nhwc(const Tensor& x) { return x.dtype() == DType::f32 && x.is_channels_last() && x.numel() > 0; }
bool nhwc_or_none(const Tensor& x) { return !x.defined() || nhwc(x); }

/// Pixels of lanes or images: channels-last memory is rows of C numbers.
struct Rows {
  explicit Rows(const Tensor& x) : channels(x.dim(1)), per_image(x.dim(2) * x.dim(3)), images(x.dim(0)) {}
  int64_t channels, per_image, images;
};

/// Runs body(first row, end row) on chunks of about 16 K numbers.
template <class Fn>
void for_rows(const Rows& r, Fn body) {
  parallel_for(r.images * r.per_image, std::max<int64_t>(1, 16384 / r.channels), body);
}

constexpr int64_t kGroup = 16;  // channels that are summed in registers at a time
/// Rows that are summed together. Few, so that memory is read as a few long streams: with 128 rows at a time
/// each access is a cache line on another page, which took half as long again.
constexpr int64_t kBlock = 8;

/// sums [2, C], in any strides: per lane, sum over rows of (a, b) = values(row, c), in double. `values(row, c0, width, a, b)`
/// adds for `width` channels from c0 on.
/// The second row is multiplied by `factors` [C] where they are given.
template <class Fn>
void lane_channel_sums(const Rows& r, const float* factors, Tensor& sums, Fn values) {
  const int64_t channels = r.channels;
  Tensor total = Tensor::empty({2, channels}, DType::f64);
  lane_sum<double>(lane_plan(r.images), 2 * channels, total.data<double>(),
                   [&](int64_t, int64_t begin, int64_t end, double* partial) {
                     std::fill(partial, partial + 2 * channels, 0.0);
                     for (int64_t block = begin * r.per_image; block < end * r.per_image; block += kBlock) {
                       const int64_t block_end = std::min(block + kBlock, end * r.per_image);
                       for (int64_t c = 0; c < channels; c += kGroup)
                         values(block, block_end, c, std::min(kGroup, channels - c), partial + c,
                                partial + channels + c);
                     }
                   });
  for (int64_t c = 0; factors != nullptr && c < channels; ++c)
    total.data<double>()[channels + c] *= double(factors[c]);
  sums.copy_from(total);
}

// Four channels at a time, as an explicit vector type: the compiler vectorises some of these sums and gives
// up on others, which then take six times as long.
using Float4 = float __attribute__((vector_size(16)));
using Double4 = double __attribute__((vector_size(32)));
template <class Wide>
using Narrow = std::conditional_t<std::is_same_v<Wide, double>, float, Float4>;

template <class T>
T load(const float* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
double widen(float v) { return double(v); }
Double4 widen(Float4 v) { return __builtin_convertvector(v, Double4); }

/// dy where ReLU's output was positive, else 0. dy is loaded unconditionally: a load that depends on y would
/// keep the compiler from vectorising the loop.
template <class T>
T masked(const float* dy, const float* y, int64_t i) {
  const T g = load<T>(dy + i);
  return load<T>(y + i) > 0.0f ? g : T{};
}

/// dy where the ReLU's input x * a[c] + b[c] is positive, else 0: the same as masked() by its output.
template <class T>
T masked_again(const float* dy, const float* x, const float* a, const float* b, int64_t i, int64_t c) {
  const T g = load<T>(dy + i);
  return load<T>(x + i) * load<T>(a + c) + load<T>(b + c) > 0.0f ? g : T{};
}

/// Adds to a[0..width) and b[0..width) what term(i, c, sum, other) adds for element i of channel c0 + c;
/// `sum` is a double, or four for four channels.
template <class Fn>
void add_group(int64_t begin, int64_t end, int64_t channels, int64_t c0, int64_t width, double* a, double* b,
               Fn term) {
  if (width == kGroup) {
    Double4 p[kGroup / 4] = {}, q[kGroup / 4] = {};
    for (int64_t row = begin; row < end; ++row)
      for (int64_t k = 0; k < kGroup / 4; ++k) term(row * channels + c0 + 4 * k, 4 * k, p[k], q[k]);
    for (int64_t c = 0; c < kGroup; ++c) {
      a[c] += p[c / 4][c % 4];
      b[c] += q[c / 4][c % 4];
    }
    return;
  }
  for (int64_t row = begin; row < end; ++row)
    for (int64_t c = 0; c < width; ++c) term(row * channels + c0 + c, c, a[c], b[c]);
}

template <bool kRelu, bool kResidual>
void affine_rows(int64_t begin, int64_t end, int64_t channels, const float* x, const float* a, const float* b,
                 const float* res, float* y) {
  for (int64_t row = begin; row < end; ++row) {
    const float* px = x + row * channels;
    const float* pr = kResidual ? res + row * channels : nullptr;
    float* py = y + row * channels;
    for (int64_t c = 0; c < channels; ++c) {
      float v = px[c] * a[c] + b[c];
      if (kResidual) v += pr[c];
      py[c] = kRelu ? (v < 0.0f ? 0.0f : v) : v;
    }
  }
}

/// A ReLU's output: y, or a x + b.
struct Behind {
  const float *y, *a, *b;
};

template <bool kRelu, bool kAgain, bool kResidual>
void grad_input_rows(int64_t begin, int64_t end, int64_t channels, const float* dy, const float* x,
                     const Behind& behind, const float* mean, const float* k1, const float* k2,
                     const float* k3, float* dx, float* res) {
  const float *y = behind.y, *a = behind.a, *b = behind.b;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t at = row * channels;
    for (int64_t c = 0; c < channels; ++c) {
      const float d = dy[at + c];  // loaded whatever y is, see masked()
      const float out = kAgain ? x[at + c] * a[c] + b[c] : kRelu ? y[at + c] : 1.0f;
      const float g = out > 0.0f ? d : 0.0f;
      if (kResidual) res[at + c] = g;
      dx[at + c] = k1[c] * g - k2[c] - (x[at + c] - mean[c]) * k3[c];
    }
  }
}

/// Picks the instance of a template <bool relu, bool residual>.
template <class Fn>
void pick(bool relu, bool residual, Fn fn) {
  if (relu && residual) return fn(std::true_type{}, std::true_type{});
  if (relu) return fn(std::true_type{}, std::false_type{});
  if (residual) return fn(std::false_type{}, std::true_type{});
  fn(std::false_type{}, std::false_type{});
}

}  // namespace

void FastBackend::channel_sums(const Tensor& x, Tensor& sums) {
  if (!nhwc(x)) return ReferenceBackend::channel_sums(x, sums);
  const Rows rows(x);
  const float* p = x.data<float>();
  lane_channel_sums(rows, nullptr, sums,
                    [&](int64_t begin, int64_t end, int64_t c0, int64_t width, double* a, double* b) {
                      add_group(begin, end, rows.channels, c0, width, a, b,
                                [p](int64_t i, int64_t, auto& sum, auto& squares) {
                                  const auto v = widen(load<Narrow<std::decay_t<decltype(sum)>>>(p + i));
                                  sum += v;
                                  squares += v * v;
                                });
                    });
}

void FastBackend::channel_affine(const Tensor& x, const Tensor& scale, const Tensor& shift,
                                 const Tensor& residual, bool relu, Tensor& y) {
  if (!nhwc(x) || !nhwc(y) || !nhwc_or_none(residual))
    return ReferenceBackend::channel_affine(x, scale, shift, residual, relu, y);
  const Rows rows(x);
  const Tensor ac = scale.contiguous(), bc = shift.contiguous();
  const float *px = x.data<float>(), *a = ac.data<float>(), *b = bc.data<float>(),
              *res = residual.defined() ? residual.data<float>() : nullptr;
  float* py = y.data<float>();
  pick(relu, residual.defined(), [&](auto with_relu, auto with_residual) {
    for_rows(rows, [&](int64_t begin, int64_t end) {
      affine_rows<decltype(with_relu)::value, decltype(with_residual)::value>(begin, end, rows.channels, px,
                                                                              a, b, res, py);
    });
  });
}

void FastBackend::batch_norm_grad_sums(const Tensor& dy, const Tensor& x, const Tensor& y,
                                       const Tensor& scale, const Tensor& shift, const Tensor& mean,
                                       const Tensor& invstd, bool relu, Tensor& sums) {
  if (!nhwc(dy) || !nhwc(x) || (relu && !nhwc_or_none(y)))
    return ReferenceBackend::batch_norm_grad_sums(dy, x, y, scale, shift, mean, invstd, relu, sums);
  const Rows rows(x);
  const bool again = relu && !y.defined();
  const Tensor ac = again ? scale.contiguous() : Tensor(), bc = again ? shift.contiguous() : Tensor();
  const float *of_x = again ? ac.data<float>() : nullptr, *beside = again ? bc.data<float>() : nullptr;
  const Tensor means = mean.contiguous(), inv = invstd.contiguous();
  const float *pd = dy.data<float>(), *px = x.data<float>(), *py = relu && !again ? y.data<float>() : nullptr,
              *m = means.data<float>();
  lane_channel_sums(rows, inv.data<float>(), sums,
                    [&](int64_t begin, int64_t end, int64_t c0, int64_t width, double* a, double* b) {
                      const float* mc = m + c0;
                      if (again)
                        add_group(begin, end, rows.channels, c0, width, a, b,
                                  [=](int64_t i, int64_t c, auto& sum, auto& products) {
                                    using T = Narrow<std::decay_t<decltype(sum)>>;
                                    const auto g =
                                        widen(masked_again<T>(pd, px, of_x + c0, beside + c0, i, c));
                                    sum += g;
                                    products += g * widen(load<T>(px + i) - load<T>(mc + c));
                                  });
                      else if (relu)
                        add_group(begin, end, rows.channels, c0, width, a, b,
                                  [=](int64_t i, int64_t c, auto& sum, auto& products) {
                                    using T = Narrow<std::decay_t<decltype(sum)>>;
                                    const auto g = widen(masked<T>(pd, py, i));
                                    sum += g;
                                    products += g * widen(load<T>(px + i) - load<T>(mc + c));
                                  });
                      else
                        add_group(begin, end, rows.channels, c0, width, a, b,
                                  [=](int64_t i, int64_t c, auto& sum, auto& products) {
                                    using T = Narrow<std::decay_t<decltype(sum)>>;
                                    const auto g = widen(load<T>(pd + i));
                                    sum += g;
                                    products += g * widen(load<T>(px + i) - load<T>(mc + c));
                                  });
                    });
}

void FastBackend::batch_norm_grad_input(const Tensor& dy, const Tensor& x, const Tensor& y,
                                        const Tensor& scale, const Tensor& shift, const Tensor& mean,
                                        const Tensor& invstd, const Tensor& w, const Tensor& sums,
                                        double count, bool relu, Tensor& dx, Tensor& dresidual) {
  if (!nhwc(dy) || !nhwc(x) || !nhwc(dx) || (relu && !nhwc_or_none(y)) || !nhwc_or_none(dresidual))
    return ReferenceBackend::batch_norm_grad_input(dy, x, y, scale, shift, mean, invstd, w, sums, count, relu,
                                                   dx, dresidual);
  const bool again = relu && !y.defined();
  const Tensor ac = again ? scale.contiguous() : Tensor(), bc = again ? shift.contiguous() : Tensor();
  const Rows rows(x);
  const int64_t channels = rows.channels;
  const Tensor means = mean.contiguous(), inv = invstd.contiguous(), weight = w.contiguous(),
               total = sums.contiguous();
  std::vector<float> k1, k2, k3;  // dx = k1 g - k2 - (x - mean) k3
  const double* s = total.data<double>();
  for (int64_t c = 0; c < channels; ++c) {
    const double slope = double(weight.data<float>()[c]) * double(inv.data<float>()[c]);
    k1.push_back(float(slope));
    k2.push_back(float(slope * s[c] / count));
    k3.push_back(float(slope * double(inv.data<float>()[c]) * s[channels + c] / count));
  }
  const float *pd = dy.data<float>(), *px = x.data<float>(), *m = means.data<float>();
  const Behind behind{relu && !again ? y.data<float>() : nullptr, again ? ac.data<float>() : nullptr,
                      again ? bc.data<float>() : nullptr};
  float *out = dx.data<float>(), *res = dresidual.defined() ? dresidual.data<float>() : nullptr;
  const auto run = [&](auto with_relu, auto computed_again, auto with_residual) {
    for_rows(rows, [&](int64_t begin, int64_t end) {
      grad_input_rows<decltype(with_relu)::value, decltype(computed_again)::value,
                      decltype(with_residual)::value>(begin, end, channels, pd, px, behind, m, k1.data(),
                                                      k2.data(), k3.data(), out, res);
    });
  };
  pick(relu, dresidual.defined(), [&](auto with_relu, auto with_residual) {
    if (again) return run(std::true_type{}, std::true_type{}, with_residual);
    run(with_relu, std::false_type{}, with_residual);
  });
}

void FastBackend::channel_affine_grad(const Tensor& dy, const Tensor& y, const Tensor& scale, bool relu,
                                      Tensor& dx, Tensor& dresidual) {
  if (!nhwc(dy) || !nhwc(dx) || (relu && !nhwc(y)) || !nhwc_or_none(dresidual))
    return ReferenceBackend::channel_affine_grad(dy, y, scale, relu, dx, dresidual);
  const Rows rows(dy);
  const Tensor scales = scale.contiguous();
  const std::vector<float> zeros(size_t(rows.channels), 0.0f);
  const float *pd = dy.data<float>(), *py = relu ? y.data<float>() : nullptr, *a = scales.data<float>();
  float *out = dx.data<float>(), *res = dresidual.defined() ? dresidual.data<float>() : nullptr;
  pick(relu, dresidual.defined(), [&](auto with_relu, auto with_residual) {
    for_rows(rows, [&](int64_t begin, int64_t end) {  // the same arithmetic with nothing subtracted
      grad_input_rows<decltype(with_relu)::value, false, decltype(with_residual)::value>(
          begin, end, rows.channels, pd, pd, Behind{py, nullptr, nullptr}, zeros.data(), a, zeros.data(),
          zeros.data(), out, res);
    });
  });
}

}  // namespace cawe
