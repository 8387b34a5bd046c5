// SPDX-License-Identifier: Apache-2.0
// Rows and maps: the families softmax, cawe, gather_rows and attention; products of linear.
#include "bench/gpu_kernels/kernels.h"

namespace cawe::bench {

void softmax(Kernels& k, DType dtype) {
  const int64_t rows = images_of(dtype) * 2048;
  const Tensor x = k.numbers({rows, 1024}, dtype), dy = k.numbers({rows, 1024}, dtype);
  Tensor y = k.room({rows, 1024}, dtype);
  const auto what = [&](const char* op) { return words(op, name(dtype), detail::concat(rows, "x1024")); };
  k.measure(what("softmax"), bytes_of(x, y), [&] { k.on.softmax(x, y); });
  k.measure(what("softmax_grad"), bytes_of(x, dy, y), [&] { k.on.softmax_grad(x, dy, y); });
}

void cawe_maps(Kernels& k, DType dtype) {
  const int64_t n = images_of(dtype);
  const Layout layout = k.layout(dtype);
  const auto what = [&](const char* op, const char* rest) {
    return words(op, name(dtype), detail::concat(n, "x", rest));
  };
  const Tensor g = k.centred({n, 2048, 32, 32}, dtype, layout);  // ReLU cuts half
  Tensor weights = k.room({n, 2048}, dtype), map = k.room({n, 1, 32, 32}, dtype);
  k.measure(what("cawe_weights", "2048x32x32"), bytes_of(g), [&] { k.on.cawe_weights(g, weights); });
  k.measure(what("cawe_map", "2048x32x32"), bytes_of(g), [&] { k.on.cawe_map(weights, g, map); });
  const Tensor film = k.numbers({n, 3, 1024, 1024}, dtype, layout),
               whole = k.numbers({n, 1, 1024, 1024}, dtype);
  Tensor fused = k.room({n, 3, 1024, 1024}, dtype, layout);
  k.measure(what("cawe_fuse", "3x1024x1024"), bytes_of(film, whole, fused),
            [&] { k.on.cawe_fuse(film, whole, 0.5, fused); });
  if (dtype != DType::f32) return;  // films are enhanced in f32
  const Tensor gray = k.numbers({n, 1, 1024, 1024});
  Tensor made = k.room({n, 1, 1024, 1024}), range = k.room({n, 3}, DType::f64);
  k.measure(what("cawe_enhance", "1x1024x1024 by 2048x32x32"), bytes_of(gray, g, made),
            [&] { k.on.cawe_enhance(gray, weights, g, 0.5, 1, map, range, made); });
}

void gather_rows(Kernels& k) {
  constexpr int64_t kRows = 1 << 20;
  std::vector<int64_t> order(kRows);
  for (int64_t i = 0; i < kRows; ++i) order[size_t(i)] = i * 611953 % kRows;  // odd: each row once
  const Tensor x = k.numbers({kRows, 64}), index = Tensor::from(order, {kRows}).to(k.device());
  Tensor y = k.room({kRows, 64});
  k.measure("gather_rows f32 1M of 1Mx64", bytes_of(x, index, y), [&] { k.on.gather_rows(x, index, y); });
  k.measure("gather_rows_grad f32 1M to 1Mx64", bytes_of(x, index, y),
            [&] { k.on.gather_rows_grad(x, index, y); });
}

void attention(Kernels& k, DType dtype, int64_t depth, int64_t channels) {
  const auto what = [&](const char* op) {
    return words(op, name(dtype), detail::concat("8x4096x4096, ", depth, " and ", channels));
  };
  const auto rows = [&](int64_t width) { return k.numbers({8, 4096, width}, dtype); };
  const Tensor q = rows(depth), key = rows(depth), v = rows(channels);
  Tensor y = rows(channels), seen = k.room({8, 4096, 2}), dq = rows(depth), dk = rows(depth),
         dv = rows(channels);
  k.measure(what("attention"), bytes_of(q, key, v, y, seen), [&] { k.on.attention(q, key, v, 1, y, seen); });
  k.measure(what("attention_grad"), bytes_of(q, key, v, y, seen) + bytes_of(v, dq, dk, dv),
            [&] { k.on.attention_grad(q, key, v, y, seen, v, 1, dq, dk, dv); });
}

void products(Kernels& k, DType dtype) {
  const Tensor p = k.numbers({4096, 4096}, dtype), q = k.numbers({4096, 4096}, dtype);
  Tensor y = k.room({4096, 4096}, dtype);
  k.measure(words("matmul 4096", name(dtype)), bytes_of(p, q, y),
            [&] { k.on.matmul(p, false, q, false, y); });
}

}  // namespace cawe::bench
