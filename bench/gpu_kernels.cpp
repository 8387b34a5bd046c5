// SPDX-License-Identifier: Apache-2.0
// Primitives on a GPU: median time, and the bytes that must move (each once) as a fraction of the same GPU's copy
// rate; one JSON object per line. What memory binds moves at least 256 MB, several times what a cache holds, and the
// cache is overwritten before every launch. Losses and detection have the sizes that training has, which is less.
//   bench_gpu_kernels [--from N]     without the first N parts
// Exit codes: 0 done, 77 no GPU, 100 + N: part N lost the device (go on with --from N + 1).
#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "cuda/backend/cuda_backend.h"
#include "cuda/runtime/init.h"
#include "tensor/io/json.h"
#include "tensor/random.h"

namespace cawe {
namespace {

/// Prints a line, at once: a later case may lose the device.
void say(const Json& line) {
  std::printf("%s\n", json_text(line).c_str());
  std::fflush(stdout);
}

constexpr Device kGpu = Device::cuda;
constexpr double kMiB = 1048576;

on_cuda::CudaBackend& gpu() { return static_cast<on_cuda::CudaBackend&>(backend(kGpu)); }

Tensor room(const Shape& shape, DType dtype = DType::f32, Layout layout = Layout::contiguous) {
  return Tensor::empty(shape, dtype, layout, kGpu);
}

/// Uniform in [0, 1): one block of random numbers, repeated on the GPU.
Tensor numbers(const Shape& shape, DType dtype = DType::f32, Layout layout = Layout::contiguous) {
  static const Tensor block = [] {
    std::vector<float> v(1 << 22);
    const Random random(0, "bench kernels");
    for (size_t i = 0; i < v.size(); ++i) v[i] = random.uniform(i);
    return Tensor::from(v, {int64_t(v.size())}).to(kGpu);
  }();
  const Tensor t = room(shape, dtype, layout);
  // In the order in which it lies.
  Tensor flat = (layout == Layout::channels_last ? t.permute({0, 2, 3, 1}) : t).reshape({-1});
  for (int64_t at = 0; at < flat.numel(); at += block.numel()) {
    const int64_t end = std::min(at + block.numel(), flat.numel());
    Tensor part = flat.slice(0, at, end);
    part.copy_from(block.slice(0, 0, end - at));
  }
  return t;
}

double copy_rate = 0;  ///< bytes per second, read and written

/// Median of 20 launches after 3 warm-ups, by events on the backend's stream; the cache is overwritten before
/// each, which takes so long that all of a case's launches are queued by then.
void measure(const std::string& name, double bytes, const std::function<void()>& launch) {
  static const Tensor sweep = room({int64_t(1024 * kMiB) / 4});
  cudaEvent_t begin = nullptr, end = nullptr;
  cudaEventCreate(&begin);
  cudaEventCreate(&end);
  const auto stream = static_cast<cudaStream_t>(gpu().stream());
  std::vector<double> us;
  for (int i = 0; i < 23; ++i) {
    Tensor s = sweep;
    s.fill(i);
    cudaEventRecord(begin, stream);
    launch();
    cudaEventRecord(end, stream);
    const cudaError_t status = cudaEventSynchronize(end);
    CAWE_CHECK(status == cudaSuccess, Code::internal, name, ": ", cudaGetErrorString(status));
    float ms = 0;
    cudaEventElapsedTime(&ms, begin, end);
    if (i >= 3) us.push_back(1000.0 * double(ms));
  }
  std::sort(us.begin(), us.end());
  const double median = us[us.size() / 2], rate = bytes / median * 1e6;
  if (copy_rate == 0) copy_rate = rate;
  say({{"case", name},
       {"median_us", json_fixed(median, 1)},
       {"min_us", json_fixed(us.front(), 1)},
       {"bytes", json_fixed(bytes, 0)},
       {"gb_s", json_fixed(rate / 1e9, 0)},
       {"of_copy", json_fixed(rate / copy_rate, 3)}});
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
}

double bytes_of(const Tensor& t) { return double(t.numel()) * double(size_of(t.dtype())); }

void streams(DType dtype) {
  const std::string type = std::string(" ") + name(dtype);
  const int64_t n = dtype == DType::f32 ? 1 << 26 : 1 << 27;
  Tensor x = numbers({n}, dtype), y = room({n}, dtype), z = numbers({n}, dtype);
  const double b = bytes_of(x);
  measure("copy" + type, 2 * b, [&] { gpu().copy(x, y); });
  measure("fill" + type, b, [&] { gpu().fill(y, 1); });
  measure("unary affine" + type, 2 * b, [&] { gpu().unary(UnaryOp::affine, 2, 1, x, y); });
  measure("binary add" + type, 3 * b, [&] { gpu().binary(BinaryOp::add, x, z, y); });
  measure("accumulate" + type, 3 * b, [&] { gpu().accumulate(x, y); });
  measure("unary_grad sigmoid" + type, 3 * b, [&] { gpu().unary_grad(UnaryOp::sigmoid, 0, 0, z, x, z, y); });
  const DType other = dtype == DType::f32 ? DType::bf16 : DType::f32;
  Tensor converted = room({n}, other);
  measure("convert" + type + " to " + name(other), b + bytes_of(converted),
          [&] { gpu().copy(x, converted); });
  Tensor columns = room({1024}, dtype);
  measure("sum_to" + type + " rows to 1024", b, [&] { gpu().sum_to(x.reshape({-1, 1024}), columns); });
}

void batch_norm(DType dtype) {
  const std::string type = std::string(" ") + name(dtype) + " 32x256x128x128";
  const Shape shape{32, 256, 128, 128};
  const Tensor x = numbers(shape, dtype, Layout::channels_last),
               dy = numbers(shape, dtype, Layout::channels_last);
  Tensor y = room(shape, dtype, Layout::channels_last), dx = room(shape, dtype, Layout::channels_last), none;
  Tensor sums = room({2, 256}, DType::f64);
  const Tensor mean = numbers({256}, dtype), invstd = numbers({256}, dtype), w = numbers({256}, dtype);
  const double b = bytes_of(x), count = 32.0 * 128 * 128;
  measure("channel_sums" + type, b, [&] { gpu().channel_sums(x, sums); });
  measure("channel_affine relu" + type, 2 * b, [&] { gpu().channel_affine(x, w, mean, none, true, y); });
  // As in training: what ReLU cut is computed again.
  measure("batch_norm_grad_sums relu" + type, 2 * b,
          [&] { gpu().batch_norm_grad_sums(dy, x, none, w, mean, mean, invstd, true, sums); });
  measure("batch_norm_grad_input relu" + type, 3 * b, [&] {
    gpu().batch_norm_grad_input(dy, x, none, w, mean, mean, invstd, w, sums, count, true, dx, none);
  });
  measure("channel_affine_grad relu" + type, 3 * b,
          [&] { gpu().channel_affine_grad(dy, x, w, true, dx, none); });
}

/// Twice as many images in 16 bits, so that as much moves.
int64_t images_of(DType dtype) { return dtype == DType::f32 ? 32 : 64; }

void images(DType dtype) {
  const int64_t n = images_of(dtype);
  const auto what = [&](const std::string& op, const std::string& shape) {
    return detail::concat(op, " ", name(dtype), " ", n, "x", shape);
  };
  const auto last = Layout::channels_last;
  const Tensor x = numbers({n, 64, 256, 256}, dtype, last);
  Tensor y = room({n, 64, 128, 128}, dtype, last), index = room({n, 64, 128, 128}, DType::i32, last);
  measure(what("max_pool2d 3/2", "64x256x256"), bytes_of(x) + bytes_of(y) + bytes_of(index), [&] {
    gpu().max_pool2d(x, {3, 2, 1}, y, index);
  });
  Tensor dx = room({n, 64, 256, 256}, dtype, last);
  measure(what("max_pool2d_grad", "64x256x256"), bytes_of(dx) + bytes_of(y) + bytes_of(index), [&] {
    gpu().max_pool2d_grad(y, index, {3, 2, 1}, dx);
  });
  measure(what("upsample_nearest", "64x128 to 256"), bytes_of(y) + bytes_of(dx),
          [&] { gpu().upsample_nearest(y, Tensor(), dx); });
  measure(what("resize_bilinear", "64x128 to 256"), bytes_of(y) + bytes_of(dx),
          [&] { gpu().resize_bilinear(y, dx); });
  measure(what("blur", "64x256x256"), 2 * bytes_of(x), [&] { gpu().blur(x, dx); });
  Tensor shuffled = room({n, 16, 512, 512}, dtype, last);
  measure(what("pixel_shuffle", "64x256x256"), 2 * bytes_of(x), [&] { gpu().pixel_shuffle(x, shuffled); });
  Tensor planes = room({n, 64, 256, 256}, dtype);
  measure(what("copy to NCHW", "64x256x256"), 2 * bytes_of(x), [&] { gpu().copy(x, planes); });
  measure(what("copy to channels-last", "64x256x256"), 2 * bytes_of(x), [&] { gpu().copy(planes, dx); });
}

void maps(DType dtype) {
  const int64_t n = images_of(dtype);
  const auto what = [&](const std::string& op, const std::string& shape) {
    return detail::concat(op, " ", name(dtype), " ", shape);
  };
  const auto shape = [&](const char* rest) { return detail::concat(n, rest); };
  const auto last = Layout::channels_last;
  const int64_t many = n * 2048;
  const Tensor rows = numbers({many, 1024}, dtype);
  Tensor out = room({many, 1024}, dtype);
  measure(what("softmax", detail::concat(many, "x1024")), 2 * bytes_of(rows),
          [&] { gpu().softmax(rows, out); });
  const Tensor g = numbers({n, 2048, 32, 32}, dtype, last);
  Tensor weights = room({n, 2048}, dtype), means = room({n, 2048, 1, 1}, dtype, last);
  measure(what("cawe_weights", shape("x2048x32x32")), bytes_of(g), [&] { gpu().cawe_weights(g, weights); });
  Tensor map = room({n, 1, 32, 32}, dtype);
  measure(what("cawe_map", shape("x2048x32x32")), bytes_of(g), [&] { gpu().cawe_map(weights, g, map); });
  measure(what("global_avg_pool", shape("x2048x32x32")), bytes_of(g),
          [&] { gpu().global_avg_pool(g, means); });
  const Tensor film = numbers({n, 3, 1024, 1024}, dtype, last), whole = numbers({n, 1, 1024, 1024}, dtype);
  Tensor fused = room({n, 3, 1024, 1024}, dtype, last);
  measure(what("cawe_fuse", shape("x3x1024x1024")), 2 * bytes_of(film) + bytes_of(whole),
          [&] { gpu().cawe_fuse(film, whole, 0.5, fused); });
  const Tensor gray = numbers({n, 1, 1024, 1024});
  measure(what("normalise_films", shape("x1x1024x1024 to 3")), bytes_of(gray) + bytes_of(fused), [&] {
    gpu().normalise_films(gray, {{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}}, fused);
  });
}

void losses() {
  const Tensor a = numbers({32, 64, 256, 256}), b = numbers({32, 64, 256, 256});
  Tensor loss = room({1}, DType::f64), da = room({32, 64, 256, 256});
  measure("content_loss f32 32x64x256x256", 3 * bytes_of(a),
          [&] { gpu().content_loss({a}, {b}, {1.0}, {0.5}, loss, {da}); });
  const int64_t anchors = 49104;
  const Tensor x = numbers({32, anchors}), t = numbers({32, anchors}), scale = numbers({32});
  Tensor sums = room({32}), dx = room({32, anchors});
  measure("sigmoid_focal_loss f32 32x49104", 2 * bytes_of(x),
          [&] { gpu().sigmoid_focal_loss(x, t, 0.25, 2, sums); });
  measure("sigmoid_focal_loss_grad f32 32x49104", 3 * bytes_of(x),
          [&] { gpu().sigmoid_focal_loss_grad(x, t, 0.25, 2, scale, dx); });
  const int64_t n = 1 << 26;
  Tensor p = numbers({n}), m = numbers({n}), v = numbers({n});
  const Tensor g = numbers({n});
  measure("sgd_steps f32 64M", 20.0 * double(n), [&] {
    gpu().sgd_steps({p}, {g}, {m}, Tensor(), {0.01, 0.9, 1e-4, false});
  });
  AdamParams adam;
  measure("adam_steps f32 64M", 28.0 * double(n),
          [&] { gpu().adam_steps({p}, {g}, {m}, {v}, Tensor(), adam); });
  Tensor norm = room({3}, DType::f64);
  measure("gradient_norm f32 64M", 4.0 * double(n), [&] { gpu().gradient_norm({g}, 1, 1, norm); });
}

/// Boxes 16 to 116 px wide in a 512 px image.
Tensor boxes(int64_t n) {
  const Random random(3, "bench boxes");
  std::vector<float> v;
  for (int64_t i = 0; i < n; ++i) {
    const float x = 400 * random.uniform(uint64_t(4 * i)), y = 400 * random.uniform(uint64_t(4 * i + 1));
    v.insert(v.end(), {x, y, x + 16 + 100 * random.uniform(uint64_t(4 * i + 2)),
                       y + 16 + 100 * random.uniform(uint64_t(4 * i + 3))});
  }
  return Tensor::from(v, {n, 4}).to(kGpu);
}

void detection() {
  for (const int64_t n : {2000, 10000}) {
    const Tensor b = boxes(n).unsqueeze(0), s = numbers({1, n});
    Tensor kept = room({1, n}, DType::i64);
    measure("nms " + std::to_string(n) + ", answer on the host", 20.0 * double(n), [&] {
      gpu().nms(b, s, Tensor(), Tensor(), 0.7, kept);
      kept.to_vector<int64_t>();
    });
  }
  // Of a batch of Faster R-CNN's training, class by class.
  const int64_t images = 32, each = 2000;
  const Tensor all_boxes = boxes(images * each).reshape({images, each, 4}),
               all_scores = numbers({images, each});
  Tensor all_kept = room({images, 1000}, DType::i64);
  measure("nms 32 images of 2000", 20.0 * double(images * each),
          [&] { gpu().nms(all_boxes, all_scores, Tensor(), Tensor(), 0.7, all_kept); });
  const Tensor scores = numbers({1, 36864 * 3});
  Tensor best = room({1, 1000}, DType::i64);
  measure("top_k 1000 of 110592, answer on the host", bytes_of(scores), [&] {
    gpu().top_k(scores, {36864 * 3}, 1000, best);
    best.to_vector<int64_t>();
  });
  const Tensor anchors = boxes(49104), truth = room({1, 32, 5});
  truth.slice(2, 0, 4).copy_from(boxes(32).unsqueeze(0));
  truth.slice(2, 4, 5).copy_from(Tensor::zeros({1, 32, 1}).to(kGpu));
  Tensor matched = room({1, 49104}, DType::i64);
  measure("match_anchors 49104 x 32", 24.0 * 49104,
          [&] { gpu().match_anchors(anchors, Tensor(), truth, {}, matched); });
  // Half of the anchors of 32 images are background, one in eight is foreground.
  std::vector<int64_t> matches, keys;
  for (int64_t i = 0; i < 32 * 65472; ++i) matches.push_back(i % 8 == 0 ? 1 : i % 8 < 5 ? -1 : -2);
  for (int64_t i = 0; i < 32; ++i) keys.insert(keys.end(), {1, 2, i});
  const Tensor all = Tensor::from(matches, {32, 65472}).to(kGpu),
               draws = Tensor::from(keys, {32, 3}).to(kGpu);
  Tensor drawn = room({32, 65472}, DType::i64), none;
  measure("sample_matches 256 of 65472, 32 images", 16.0 * 32 * 65472, [&] {
    gpu().sample_matches(all, draws, {256, 128, "bench"}, drawn, none);
  });
  std::vector<Tensor> levels, slopes;
  RoiAlignParams p;
  for (const int64_t side : {128, 64, 32, 16}) {
    levels.push_back(numbers({32, 256, side, side}, DType::f32, Layout::channels_last));
    slopes.push_back(room({32, 256, side, side}, DType::f32, Layout::channels_last));
    p.scales.push_back(double(side) / 512);
  }
  const int64_t regions = 32 * 512;
  std::vector<int32_t> place;
  for (int64_t i = 0; i < regions; ++i) place.insert(place.end(), {int32_t(i / 512), int32_t(i % 4)});
  const Tensor rois = boxes(regions), where = Tensor::from(place, {regions, 2}).to(kGpu);
  Tensor y = room({regions, 256, 7, 7}, DType::f32, Layout::channels_last);
  measure("roi_align 16384 of 32 images, 256 channels", bytes_of(y) + bytes_of(levels[0]),
          [&] { gpu().roi_align(levels, rois, where, p, y); });
  measure("roi_align_grad 16384 of 32 images, 256 channels", bytes_of(y) + bytes_of(levels[0]),
          [&] { gpu().roi_align_grad(y, rois, where, p, slopes); });
}

void attention(DType dtype, int64_t depth, int64_t channels) {
  const std::string what = std::string(" ") + name(dtype) + " 8x4096x4096, " + std::to_string(depth) +
                           " and " + std::to_string(channels);
  const Tensor q = numbers({8, 4096, depth}, dtype), k = numbers({8, 4096, depth}, dtype),
               v = numbers({8, 4096, channels}, dtype);
  Tensor y = room({8, 4096, channels}, dtype), seen = room({8, 4096, 2}), dq = room({8, 4096, depth}, dtype),
         dk = room({8, 4096, depth}, dtype), dv = room({8, 4096, channels}, dtype);
  const double b = bytes_of(q) * 2 + bytes_of(v) * 2;
  measure("attention" + what, b, [&] { gpu().attention(q, k, v, 1, y, seen); });
  measure("attention_grad" + what, 2 * b, [&] { gpu().attention_grad(q, k, v, y, seen, v, 1, dq, dk, dv); });
}

void products(DType dtype) {
  const std::string type = std::string(" ") + name(dtype);
  const Tensor p = numbers({4096, 4096}, dtype), q = numbers({4096, 4096}, dtype);
  Tensor y = room({4096, 4096}, dtype);
  measure("matmul 4096" + type, 3 * bytes_of(p), [&] { gpu().matmul(p, false, q, false, y); });
}

}  // namespace
}  // namespace cawe

int main(int argc, char** argv) {
  using namespace cawe;
  const size_t from = argc == 3 && std::string(argv[1]) == "--from" ? std::stoul(argv[2]) : 0;
  std::string why;
  if (!on_cuda::init(&why)) {
    std::fprintf(stderr, "no GPU: %s\n", why.c_str());
    return 77;
  }
  const std::vector<std::pair<const char*, std::function<void()>>> parts{
      {"elementwise f32", [] { streams(DType::f32); }},
      {"elementwise bf16", [] { streams(DType::bf16); }},
      {"batch_norm f32", [] { batch_norm(DType::f32); }},
      {"batch_norm bf16", [] { batch_norm(DType::bf16); }},
      {"images f32", [] { images(DType::f32); }},
      {"images bf16", [] { images(DType::bf16); }},
      {"maps f32", [] { maps(DType::f32); }},
      {"maps bf16", [] { maps(DType::bf16); }},
      {"losses", losses},
      {"detection", detection},
      {"attention f32", [] { attention(DType::f32, 32, 256); }},
      {"attention bf16", [] { attention(DType::bf16, 32, 256); }},
      {"attention bf16, deep", [] { attention(DType::bf16, 96, 768); }},  // the colorizer's
      {"products f32", [] { products(DType::f32); }},
      {"products bf16", [] { products(DType::bf16); }}};
  for (size_t i = from; i < parts.size(); ++i) {
    try {
      parts[i].second();
    } catch (const std::exception& e) {
      say({{"case", parts[i].first}, {"failed", e.what()}});
    }
    // What follows would fail, too; so would taking this process down in order.
    if (cudaDeviceSynchronize() != cudaSuccess) std::_Exit(100 + int(i));
    gpu().trim();
  }
  return 0;
}
