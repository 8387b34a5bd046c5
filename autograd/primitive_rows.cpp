// SPDX-License-Identifier: Apache-2.0
// Rows of the primitives that have no gradient: decisions, attention, optimizers.
#include "autograd/operator_table.h"
#include "tensor/random.h"

namespace cawe {
namespace {

Tensor numbers(const Backend& b, const Shape& shape, const std::string& purpose, double low = -1,
               double high = 1, Layout layout = Layout::contiguous) {
  const Random random(14, purpose);
  std::vector<float> v;
  for (int64_t i = 0; i < shape.numel(); ++i)
    v.push_back(float(low + (high - low) * random.uniform_double(uint64_t(i))));
  Tensor t = Tensor::empty(shape, DType::f32, layout);
  t.copy_from(Tensor::from(v, shape));
  return t.to(b.device());
}

/// Uninitialised, on the backend's device.
Tensor room(const Backend& b, const Shape& shape, DType dtype = DType::f32,
            Layout layout = Layout::contiguous) {
  return Tensor::empty(shape, dtype, layout, b.device());
}

/// Boxes with an area, inside 100 x 100.
Tensor boxes(const Backend& b, int64_t n, const std::string& purpose) {
  const Tensor raw = numbers(b, {n, 4}, purpose, 0, 1);
  std::vector<float> v = raw.to_vector<float>();
  for (size_t i = 0; i < v.size(); i += 4) {
    v[i] *= 80;
    v[i + 1] *= 80;
    v[i + 2] = v[i] + 3 + v[i + 2] * 17;
    v[i + 3] = v[i + 1] + 3 + v[i + 3] * 17;
  }
  return Tensor::from(v, {n, 4}).to(b.device());
}

Tensor indices(const std::vector<int64_t>& v) { return Tensor::from(v, {int64_t(v.size())}); }

/// 64 pixels: one lane; 33 x 31: odd; both memory orders.
Layout layout_of(int64_t variant) { return variant % 2 == 0 ? Layout::channels_last : Layout::contiguous; }

std::vector<Tensor> run_argmax(Backend& b, int64_t) {
  Tensor y = room(b, {9}, DType::i64);
  b.argmax_rows(numbers(b, {9, 17}, "argmax"), y);
  return {y};
}

std::vector<Tensor> run_min_max(Backend& b, int64_t variant) {
  Tensor low = room(b, {3}), high = room(b, {3});
  b.min_max(numbers(b, {3, 2, 7, 5}, "min max", -1, 1, layout_of(variant)), low, high);
  return {low, high};
}

std::vector<Tensor> run_decode(Backend& b, int64_t) {
  Tensor y = room(b, {200, 4});
  b.decode_boxes(numbers(b, {200, 4}, "deltas", -3, 3), boxes(b, 200, "anchors"), {10, 10, 5, 5}, 100, 90, y);
  return {y};
}

std::vector<Tensor> run_match(Backend& b, int64_t variant) {
  Tensor y = room(b, {300}, DType::i64);
  b.match_anchors(boxes(b, 300, "anchors"), boxes(b, 7, "truth"), {0.5, 0.4, variant == 0}, y);
  return {y};
}

std::vector<Tensor> run_nms(Backend& b, int64_t variant) {
  std::vector<int64_t> classes;
  for (int64_t i = 0; i < 400; ++i) classes.push_back(i % 3);
  return {indices(b.nms(boxes(b, 400, "nms"), numbers(b, {400}, "scores", 0, 1),
                        variant == 0 ? Tensor() : indices(classes).to(b.device()), 0.3))};
}

std::vector<Tensor> run_top_k(Backend& b, int64_t variant) {
  return {indices(b.top_k(numbers(b, {1000}, "top k"), variant == 0 ? 37 : 1000))};
}

std::vector<Tensor> run_cawe_weights(Backend& b, int64_t variant) {
  Tensor w = room(b, {3, 6});
  b.cawe_weights(numbers(b, {3, 6, 5, 7}, "cawe g", -1, 1, layout_of(variant)), w);
  return {w};
}

std::vector<Tensor> run_cawe_map(Backend& b, int64_t variant) {
  Tensor map = room(b, {3, 1, 5, 7});
  b.cawe_map(numbers(b, {3, 6}, "cawe w"), numbers(b, {3, 6, 5, 7}, "cawe f", -1, 1, layout_of(variant)),
             map);
  return {map};
}

std::vector<Tensor> run_cawe_fuse(Backend& b, int64_t variant) {
  Tensor y = room(b, {2, 3, 9, 8}, DType::f32, layout_of(variant));
  b.cawe_fuse(numbers(b, {2, 3, 9, 8}, "fuse x", 0, 1, layout_of(variant)),
              numbers(b, {2, 1, 9, 8}, "fuse map", 0, 1), 0.3, y);
  return {y};
}

/// Three images, the last one's map constant.
std::vector<Tensor> run_cawe_enhance(Backend& b, int64_t variant) {
  const Tensor w = numbers(b, {3, 6}, "cawe w", 0, 1);
  Tensor f = numbers(b, {3, 6, 5, 7}, "cawe f", 0, 1, layout_of(variant));
  Tensor last = f.slice(0, 2, 3);
  last.fill(0.25);
  Tensor map = room(b, {3, 1, 5, 7}), range = room(b, {3, 3}, DType::f64), y = room(b, {3, 1, 17, 20});
  b.cawe_enhance(numbers(b, {3, 1, 17, 20}, "enhance x", 0, 1), w, f, 0.3, 0.5, map, range, y);
  return {map, range, y};
}

std::vector<Tensor> run_sgd(Backend& b, int64_t variant) {
  Tensor p = numbers(b, {37, 5}, "sgd p"), v = numbers(b, {37, 5}, "sgd v");
  SgdParams s{0.1, 0.9, 0.01, variant == 0};
  b.sgd_step(p, numbers(b, {37, 5}, "sgd g"), v, s);
  return {p, v};
}

std::vector<Tensor> run_adam(Backend& b, int64_t variant) {
  Tensor p = numbers(b, {37, 5}, "adam p"), m = numbers(b, {37, 5}, "adam m"),
         v = numbers(b, {37, 5}, "adam v", 0, 1);
  AdamParams s;
  s.weight_decay = 0.1;
  s.decoupled = variant == 1;
  s.step = 3 + variant;
  b.adam_step(p, numbers(b, {37, 5}, "adam g"), m, v, s);
  return {p, m, v};
}

/// Two parameters, gradients halved on the way.
std::vector<Tensor> run_sgd_steps(Backend& b, int64_t variant) {
  const std::vector<Tensor> p{numbers(b, {37, 5}, "sgd p"), numbers(b, {41}, "sgd q")},
      v{numbers(b, {37, 5}, "sgd v"), numbers(b, {41}, "sgd w")};
  const std::vector<Tensor> g{numbers(b, {37, 5}, "sgd g"), numbers(b, {41}, "sgd h")};
  const Tensor factor = variant == 0 ? Tensor() : Tensor::full({1}, 0.5, DType::f64).to(b.device());
  b.sgd_steps(p, g, v, factor, {0.1, 0.9, 0.01, variant == 0});
  return {p[0], p[1], v[0], v[1]};
}

std::vector<Tensor> run_adam_steps(Backend& b, int64_t variant) {
  const std::vector<Tensor> p{numbers(b, {37, 5}, "adam p"), numbers(b, {41}, "adam q")},
      m{numbers(b, {37, 5}, "adam m"), numbers(b, {41}, "adam n")},
      v{numbers(b, {37, 5}, "adam v", 0, 1), numbers(b, {41}, "adam w", 0, 1)};
  const std::vector<Tensor> g{numbers(b, {37, 5}, "adam g"), numbers(b, {41}, "adam h")};
  const Tensor factor = variant == 0 ? Tensor() : Tensor::full({1}, 0.5, DType::f64).to(b.device());
  AdamParams s;
  s.weight_decay = 0.1;
  s.decoupled = variant == 1;
  s.step = 3;
  b.adam_steps(p, g, m, v, factor, s);
  return {p[0], p[1], m[0], m[1], v[0], v[1]};
}

/// Below the limit, above it, and scaled.
std::vector<Tensor> run_gradient_norm(Backend& b, int64_t variant) {
  Tensor result = room(b, {3}, DType::f64);
  b.gradient_norm({numbers(b, {77, 91}, "squares"), numbers(b, {5000}, "more squares")},
                  variant == 1 ? 2.0 : 0.0, variant == 2 ? 1024.0 : 1.0, result);
  return {result};
}

/// Two power iterations of a weight with a bias towards one direction: a matrix of odd sizes, a convolution's
/// weight in the backend's favourite memory order, one row, one without iteration.
std::vector<Tensor> run_spectral_norm(Backend& b, int64_t variant) {
  const Shape shapes[] = {{37, 1101}, {12, 6, 3, 3}, {1, 40}, {9, 5}};
  const Shape shape = shapes[variant];
  const int64_t rows = shape[0], columns = shape.numel() / rows;
  const Layout layout = variant == 1 ? Layout::channels_last : Layout::contiguous;
  const Tensor w = numbers(b, shape, "spectral w", -0.5, 1, layout);
  Tensor u = numbers(b, {rows}, "spectral u"), v = numbers(b, {columns}, "spectral v"), sigma = room(b, {1}),
         y = room(b, shape, DType::f32, layout);
  for (int i = 0; i < 2; ++i) b.spectral_norm(w, variant != 3, 1e-12, u, v, sigma, y);
  return {u, v, sigma, y};
}

/// A shared factor and one for each of two tensors; with variant 1 the first one's product is 1.
std::vector<Tensor> run_scale_each(Backend& b, int64_t variant) {
  const std::vector<Tensor> x{numbers(b, {3, 37, 5, 4}, "scaled", -1, 1, Layout::channels_last),
                              numbers(b, {1001}, "scaled too")};
  b.scale_each({2, 0.75}, Tensor::full({1}, variant == 1 ? 0.5 : 3.25).to(b.device()), x);
  return x;
}

}  // namespace

const std::vector<PrimitiveRow>& primitive_rows() {
  static const std::vector<PrimitiveRow> all{
      {"argmax_rows", run_argmax, 1, true},
      {"min_max", run_min_max, 2},
      {"decode_boxes", run_decode, 1, true},
      {"match_anchors", run_match, 2, true},
      {"nms", run_nms, 2, true},
      {"top_k", run_top_k, 2, true},
      {"cawe_weights", run_cawe_weights, 2},
      {"cawe_map", run_cawe_map, 2},
      {"cawe_fuse", run_cawe_fuse, 2},
      {"cawe_enhance", run_cawe_enhance, 2},
      {"spectral_norm_steps", run_spectral_norm, 4, false, "spectral_norm"},
      {"scale_each", run_scale_each, 2},
      {"sgd_step", run_sgd, 2},
      {"adam_step", run_adam, 3},
      {"sgd_steps", run_sgd_steps, 2},
      {"adam_steps", run_adam_steps, 2},
      {"gradient_norm", run_gradient_norm, 3}};
  return all;
}

}  // namespace cawe
