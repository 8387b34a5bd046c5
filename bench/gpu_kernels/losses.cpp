// SPDX-License-Identifier: Apache-2.0
// The families losses, content_loss, optimizers and weight_norms.
#include "bench/gpu_kernels/kernels.h"

namespace cawe::bench {

void losses(Kernels& k) {
  const Tensor none, scale = k.numbers({32});
  Tensor sums = k.room({32});
  {  // RetinaNet's at 512 px
    const Tensor x = k.numbers({32, 49104}), t = k.numbers({32, 49104});
    Tensor dx = k.room({32, 49104});
    k.measure("sigmoid_focal_loss f32 32x49104", bytes_of(x, t),
              [&] { k.on.sigmoid_focal_loss(x, t, 0.25, 2, sums); });
    k.measure("sigmoid_focal_loss_grad f32 32x49104", bytes_of(x, t, dx),
              [&] { k.on.sigmoid_focal_loss_grad(x, t, 0.25, 2, scale, dx); });
  }
  constexpr int64_t kEach = 1 << 21;
  const Tensor x = k.numbers({32, kEach}), t = k.numbers({32, kEach});
  Tensor dx = k.room({32, kEach});
  const std::string items = "f32 32x2M";
  k.measure(words("sigmoid_focal_loss", items), bytes_of(x, t),
            [&] { k.on.sigmoid_focal_loss(x, t, 0.25, 2, sums); });
  k.measure(words("sigmoid_focal_loss_grad", items), bytes_of(x, t, dx),
            [&] { k.on.sigmoid_focal_loss_grad(x, t, 0.25, 2, scale, dx); });
  k.measure(words("bce_with_logits", items), bytes_of(x, t),
            [&] { k.on.bce_with_logits(x, t, none, none, sums); });
  k.measure(words("bce_with_logits_grad", items), bytes_of(x, t, dx),
            [&] { k.on.bce_with_logits_grad(x, t, none, none, scale, dx); });
  const auto boxes = [](const Tensor& all) { return all.reshape({32, kEach / 4, 4}); };
  const Tensor mask = k.numbers({32, kEach / 4});
  Tensor slopes = boxes(dx);
  k.measure("smooth_l1 f32 32x512Kx4", bytes_of(x, t, mask),
            [&] { k.on.smooth_l1(boxes(x), boxes(t), mask, 0.1, sums); });
  k.measure("smooth_l1_grad f32 32x512Kx4", bytes_of(x, t, mask, dx),
            [&] { k.on.smooth_l1_grad(boxes(x), boxes(t), mask, 0.1, scale, slopes); });
}

void content_loss(Kernels& k, DType dtype) {
  const Shape shape{images_of(dtype), 64, 256, 256};
  const Layout layout = k.layout(dtype);
  const Tensor a = k.numbers(shape, dtype, layout), b = k.numbers(shape, dtype, layout),
               da = k.room(shape, dtype, layout);
  Tensor loss = k.room({1}, DType::f64);
  k.measure(words("content_loss", name(dtype), detail::concat(shape[0], "x64x256x256")), bytes_of(a, b, da),
            [&] { k.on.content_loss({a}, {b}, {1.0}, {0.5}, loss, {da}); });
}

void optimizers(Kernels& k) {
  const int64_t n = 1 << 26;
  const Tensor p = k.numbers({n}), m = k.numbers({n}), v = k.numbers({n}), g = k.numbers({n}),
               narrow = k.numbers({n}, DType::bf16), none;
  Tensor norm = k.room({3}, DType::f64);
  const SgdParams sgd{0.01, 0.9, 1e-4, false};
  k.measure("sgd_steps f32 64M", bytes_of(p, p, m, m, g), [&] { k.on.sgd_steps({p}, {g}, {m}, none, sgd); });
  k.measure("sgd_steps f32 64M, gradients in bf16", bytes_of(p, p, m, m, narrow),
            [&] { k.on.sgd_steps({p}, {narrow}, {m}, none, sgd); });
  k.measure("adam_steps f32 64M", bytes_of(p, p, m, m) + bytes_of(v, v, g),
            [&] { k.on.adam_steps({p}, {g}, {m}, {v}, none, AdamParams()); });
  k.measure("gradient_norm f32 64M", bytes_of(g), [&] { k.on.gradient_norm({g}, 1, 1, norm); });
}

/// Of the generator's and the critic's largest weights, as a training step has them.
void weight_norms(Kernels& k) {
  const std::vector<std::pair<int64_t, int64_t>> sizes{{1024, 512}, {2048, 2048}};
  for (const auto& [out, in] : sizes) {
    const Shape shape{out, in, 3, 3};
    const Tensor w = k.numbers(shape);
    Tensor u = k.numbers({out}), v = k.numbers({in * 9}), sigma = k.room({1}), y = k.room(shape);
    const std::string size = detail::concat("f32 ", out, "x", in, "x3x3");
    k.measure(words("spectral_norm", size), bytes_of(w, y),
              [&] { k.on.spectral_norm(w, true, 1e-12, u, v, sigma, y); });
    Tensor dw = k.room(shape);
    k.measure(words("spectral_norm_grad", size), bytes_of(w, y, dw),
              [&] { k.on.spectral_norm_grad(w, y, u, v, sigma, dw); });
  }
  const Shape shape{1200, 300, 1, 1};
  const Tensor v = k.numbers(shape), g = k.numbers({1200, 1, 1, 1}), dy = k.numbers(shape);
  Tensor norm = k.room({1200}), y = k.room(shape), dv = k.room(shape), dg = k.room({1200, 1, 1, 1});
  k.measure("weight_norm f32 1200x300", bytes_of(v, y), [&] { k.on.weight_norm(v, g, norm, y); });
  k.measure("weight_norm_grad f32 1200x300", bytes_of(dy, v, dv),
            [&] { k.on.weight_norm_grad(dy, v, g, norm, dv, dg); });
}

}  // namespace cawe::bench
