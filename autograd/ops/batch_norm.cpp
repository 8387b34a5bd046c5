// SPDX-License-Identifier: Apache-2.0
#include "autograd/ops/batch_norm.h"

#include <cmath>

#include "tensor/backend.h"
#include "tensor/communicator.h"
#include "tensor/profile.h"

namespace cawe {
namespace {

/// Values of a [C] tensor on the host, in double; and back.
std::vector<double> host(const Tensor& t) { return t.to(DType::f64).to_vector<double>(); }
Tensor device_vector(const std::vector<double>& values, const Tensor& like) {
  return Tensor::from(values, {int64_t(values.size())}).to(like.dtype()).to(like.device());
}

struct Statistics {
  std::vector<double> mean, var;  ///< biased
  double count = 0;               ///< values a channel, all ranks
};

/// sums [2, C] (f64) over all ranks; `count` likewise.
std::vector<double> all_ranks(const Tensor& sums, double* count) {
  std::vector<double> values = sums.to_vector<double>();
  values.push_back(*count);
  current_communicator().all_reduce_sum(values.data(), int64_t(values.size()));
  *count = values.back();
  values.pop_back();
  return values;
}

Statistics batch_statistics(const Tensor& x) {
  const int64_t channels = x.dim(1);
  Tensor sums = Tensor::empty({2, channels}, DType::f64, Layout::contiguous, x.device());
  backend(x.device()).channel_sums(x, sums);
  Statistics s;
  s.count = double(x.numel() / channels);
  const std::vector<double> total = all_ranks(sums, &s.count);
  CAWE_CHECK(s.count > 1, Code::numeric, "batch_norm: one value a channel (x ", x.shape(),
             ") has no variance; use a larger batch or image, or evaluation mode");
  for (int64_t c = 0; c < channels; ++c) {
    const double mean = total[size_t(c)] / s.count;
    s.mean.push_back(mean);
    s.var.push_back(std::max(0.0, total[size_t(channels + c)] / s.count - mean * mean));
  }
  return s;
}

void update_running(const Statistics& s, double momentum, Tensor& running_mean, Tensor& running_var) {
  std::vector<double> mean = host(running_mean), var = host(running_var);
  const double unbias = s.count / (s.count - 1);
  for (size_t c = 0; c < mean.size(); ++c) {
    mean[c] = (1 - momentum) * mean[c] + momentum * s.mean[c];
    var[c] = (1 - momentum) * var[c] + momentum * s.var[c] * unbias;
  }
  running_mean.copy_from(device_vector(mean, running_mean));
  running_var.copy_from(device_vector(var, running_var));
}

void check(const Variable& x, const Variable& weight, const Variable& bias, const Variable& residual) {
  CAWE_CHECK(x.rank() == 4, Code::shape, "batch_norm: x ", x.shape(), " (expected [N, C, H, W])");
  const Shape channels{x.dim(1)};
  CAWE_CHECK(weight.shape() == channels && bias.shape() == channels, Code::shape, "batch_norm: weight ",
             weight.shape(), " and bias ", bias.shape(), " for x ", x.shape(), " (expected ", channels, ")");
  CAWE_CHECK(weight.dtype() == x.dtype() && bias.dtype() == x.dtype(), Code::dtype, "batch_norm: x is ",
             name(x.dtype()), ", weight is ", name(weight.dtype()), " (expected one dtype)");
  CAWE_CHECK(!residual.defined() || residual.shape() == x.shape(), Code::shape, "batch_norm: residual ",
             residual.shape(), " for x ", x.shape(), " (expected the same)");
}

}  // namespace

Variable batch_norm(const Variable& x, const Variable& weight, const Variable& bias, Tensor& running_mean,
                    Tensor& running_var, bool training, double momentum, double eps, const Variable& residual,
                    bool relu) {
  check(x, weight, bias, residual);
  const Tensor in = x.value(), w = weight.value(), res = residual.defined() ? residual.value() : Tensor();
  ProfileScope scope("batch_norm", 2.0 * double(in.numel()),
                     double(size_of(in.dtype())) * double(in.numel()) * (training ? 3 : 2));
  Statistics s;
  if (training) {
    s = batch_statistics(in);
    update_running(s, momentum, running_mean, running_var);
  } else {
    s.mean = host(running_mean);
    s.var = host(running_var);
  }
  const std::vector<double> gamma = host(w), beta = host(bias.value());
  std::vector<double> invstd, scale, shift;
  for (size_t c = 0; c < gamma.size(); ++c) {
    invstd.push_back(1 / std::sqrt(s.var[c] + eps));
    scale.push_back(gamma[c] * invstd[c]);
    shift.push_back(beta[c] - s.mean[c] * scale[c]);
  }
  Backend& device = backend(in.device());
  const Tensor scales = device_vector(scale, w);
  Tensor y = Tensor::like(in);
  device.channel_affine(in, scales, device_vector(shift, w), res, relu, y);

  const Tensor means = device_vector(s.mean, w), invstds = device_vector(invstd, w),
               mask = relu ? y : Tensor();
  const bool wants_x = needs_grad(x), wants_residual = res.defined() && needs_grad(residual);
  const bool wants_parameters = needs_grad(weight) || needs_grad(bias);
  return record("batch_norm", {x, weight, bias, residual}, y,
                [=, count = s.count](const Tensor& dy_in) -> Grads {
                  Backend& dev = backend(in.device());
                  const Tensor dy = in.is_channels_last() ? dy_in.channels_last() : dy_in;
                  Tensor dx, dw, db, dres;
                  if (wants_residual) dres = Tensor::like(in);
                  const int64_t channels = in.dim(1);
                  Tensor global;
                  if (training || wants_parameters) {
                    Tensor sums = Tensor::empty({2, channels}, DType::f64, Layout::contiguous, in.device());
                    dev.batch_norm_grad_sums(dy, in, mask, means, invstds, relu, sums);
                    double total = double(in.numel() / channels);
                    global = Tensor::from(all_ranks(sums, &total), {2, channels}).to(in.device());
                    // Gradients of parameters are summed over the ranks in f32. These are sums over
                    // all ranks already, in f64: rank 0 brings them, the others bring -0, which changes no
                    // bit of a sum.
                    const bool brings = current_communicator().rank() == 0;
                    const auto part = [&](int64_t row) {
                      return brings ? global.slice(0, row, row + 1).reshape({channels}).to(in.dtype())
                                    : Tensor::full({channels}, -0.0, in.dtype()).to(in.device());
                    };
                    db = part(0);
                    dw = part(1);
                  }
                  if (training) {
                    dx = Tensor::like(in);
                    dev.batch_norm_grad_input(dy, in, mask, means, invstds, w, global, count, relu, dx, dres);
                  } else if (wants_x || wants_residual) {
                    dx = Tensor::like(in);
                    dev.channel_affine_grad(dy, mask, scales, relu, dx, dres);
                  }
                  return {dx, dw, db, dres};
                });
}

}  // namespace cawe
