// SPDX-License-Identifier: Apache-2.0
// Images of a network's type and order: the families pooling, resize, shuffle and films.
#include "bench/gpu_kernels/kernels.h"

namespace cawe::bench {
namespace {

/// Shapes with the batch's images.
std::string shape(DType dtype, const char* rest) { return detail::concat(images_of(dtype), "x", rest); }

}  // namespace

void pooling(Kernels& k, DType dtype) {
  const int64_t n = images_of(dtype);
  const Layout layout = k.layout(dtype);
  const Tensor x = k.numbers({n, 64, 256, 256}, dtype, layout);
  Tensor y = k.room({n, 64, 128, 128}, dtype, layout), index = k.room({n, 64, 128, 128}, DType::i32, layout);
  k.measure(words("max_pool2d 3/2", name(dtype), shape(dtype, "64x256x256")), bytes_of(x, y, index), [&] {
    k.on.max_pool2d(x, {3, 2, 1}, y, index);
  });
  Tensor dx = k.room({n, 64, 256, 256}, dtype, layout);
  k.measure(words("max_pool2d_grad", name(dtype), shape(dtype, "64x256x256")), bytes_of(y, index, dx), [&] {
    k.on.max_pool2d_grad(y, index, {3, 2, 1}, dx);
  });
  Tensor features = k.numbers({n, 2048, 32, 32}, dtype, layout), means = k.room({n, 2048}, dtype);
  k.measure(words("global_avg_pool", name(dtype), shape(dtype, "2048x32x32")), bytes_of(features),
            [&] { k.on.global_avg_pool(features, means); });
  k.measure(words("global_avg_pool_grad", name(dtype), shape(dtype, "2048x32x32")), bytes_of(features),
            [&] { k.on.global_avg_pool_grad(means, features); });
}

void resize(Kernels& k, DType dtype) {
  const int64_t n = images_of(dtype);
  const Layout layout = k.layout(dtype);
  Tensor small = k.numbers({n, 64, 128, 128}, dtype, layout),
         large = k.numbers({n, 64, 256, 256}, dtype, layout), y = k.room({n, 64, 256, 256}, dtype, layout);
  const Tensor none;
  const auto what = [&](const char* op, const char* sizes) {
    return words(op, name(dtype), shape(dtype, sizes));
  };
  k.measure(what("upsample_nearest", "64x128 to 256"), bytes_of(small, y),
            [&] { k.on.upsample_nearest(small, none, y); });
  // As a pyramid has it.
  k.measure(what("upsample_nearest add", "64x128 to 256"), bytes_of(small, large, y),
            [&] { k.on.upsample_nearest(small, large, y); });
  k.measure(what("resize_bilinear", "64x128 to 256"), bytes_of(small, y),
            [&] { k.on.resize_bilinear(small, y); });
  k.measure(what("upsample_nearest_grad", "64x256 to 128"), bytes_of(large, small),
            [&] { k.on.upsample_nearest_grad(large, small); });
  k.measure(what("resize_bilinear_grad", "64x256 to 128"), bytes_of(large, small),
            [&] { k.on.resize_bilinear_grad(large, small); });
}

void shuffle(Kernels& k, DType dtype) {
  const int64_t n = images_of(dtype);
  const Layout layout = k.layout(dtype);
  const Tensor x = k.numbers({n, 64, 256, 256}, dtype, layout);
  Tensor y = k.room({n, 64, 256, 256}, dtype, layout), wide = k.numbers({n, 16, 512, 512}, dtype, layout);
  const auto what = [&](const char* op) { return words(op, name(dtype), shape(dtype, "64x256x256")); };
  k.measure(what("blur"), bytes_of(x, y), [&] { k.on.blur(x, y); });
  k.measure(what("blur_grad"), bytes_of(x, y), [&] { k.on.blur_grad(x, y); });
  k.measure(what("pixel_shuffle"), bytes_of(x, wide), [&] { k.on.pixel_shuffle(x, wide); });
  k.measure(what("pixel_shuffle_grad"), bytes_of(wide, y), [&] { k.on.pixel_shuffle_grad(wide, y); });
  // What a convolution in the other order costs.
  const Tensor planes = k.numbers({n, 64, 256, 256}, dtype),
               last = k.numbers({n, 64, 256, 256}, dtype, Layout::channels_last);
  Tensor to_planes = k.room({n, 64, 256, 256}, dtype),
         to_last = k.room({n, 64, 256, 256}, dtype, Layout::channels_last);
  k.measure(what("copy to NCHW"), bytes_of(last, to_planes), [&] { k.on.copy(last, to_planes); });
  k.measure(what("copy to channels-last"), bytes_of(planes, to_last), [&] { k.on.copy(planes, to_last); });
}

void films(Kernels& k, DType dtype) {
  const int64_t n = images_of(dtype);
  const Tensor gray = k.numbers({n, 1, 1024, 1024});
  Tensor x = k.room({n, 3, 1024, 1024}, dtype, k.layout(dtype));
  k.measure(words("normalise_films", name(dtype), shape(dtype, "1x1024x1024 to 3")), bytes_of(gray, x), [&] {
    k.on.normalise_films(gray, {{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}}, x);
  });
}

}  // namespace cawe::bench
