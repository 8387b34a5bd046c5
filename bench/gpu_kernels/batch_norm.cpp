// SPDX-License-Identifier: Apache-2.0
#include "bench/gpu_kernels/kernels.h"

namespace cawe::bench {

/// The launches of a training step, with the vectors in f32 as a network has them; what a ReLU cut is computed again, but
/// where a residual is added.
void batch_norm(Kernels& k, DType dtype) {
  const Shape shape{32, 256, 128, 128};
  const Layout layout = k.layout(dtype);
  // With a shift of 0 ReLU cuts about half of each channel, also where dy is added.
  const Tensor x = k.centred(shape, dtype, layout), dy = k.centred(shape, dtype, layout), none;
  Tensor y = k.room(shape, dtype, layout), dx = k.room(shape, dtype, layout), no;
  const Tensor w = k.numbers({256}), mean = k.numbers({256}), invstd = k.numbers({256});
  Tensor b = k.room({256}), running_mean = k.numbers({256}), running_var = k.numbers({256}),
         coefficients = k.room({4, 256}), sums = k.room({2, 256}, DType::f64);
  b.fill(0);
  const double count = 32.0 * 128 * 128;
  const auto what = [&](const char* op) { return words(op, name(dtype), "32x256x128x128"); };
  k.measure(what("batch_norm_train_coefficients"), bytes_of(x), [&] {
    k.on.batch_norm_train_coefficients(x, w, b, 0.1, 1e-5, running_mean, running_var, coefficients);
  });
  k.measure(what("channel_affine relu"), bytes_of(x, y),
            [&] { k.on.channel_affine(x, w, b, none, true, y); });
  k.measure(what("channel_affine add relu"), bytes_of(x, dy, y),
            [&] { k.on.channel_affine(x, w, b, dy, true, y); });
  k.measure(what("batch_norm_grad_sums relu"), bytes_of(dy, x),
            [&] { k.on.batch_norm_grad_sums(dy, x, none, w, b, mean, invstd, true, sums); });
  k.measure(what("batch_norm_grad_input relu"), bytes_of(dy, x, dx), [&] {
    k.on.batch_norm_grad_input(dy, x, none, w, b, mean, invstd, w, sums, count, true, dx, no);
  });
  // Of a norm whose statistics are not trained.
  k.measure(what("channel_affine_grad relu"), bytes_of(dy, y, dx),
            [&] { k.on.channel_affine_grad(dy, y, w, true, dx, no); });
}

}  // namespace cawe::bench
