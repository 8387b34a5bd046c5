// SPDX-License-Identifier: Apache-2.0
// Softmax attention in tiles of scores: online softmax forward, scores made again for the gradient.
// Sources: Milakov & Gimelshein 2018 (arXiv 1805.02867); Rabe & Staats 2021 (arXiv 2112.05682); Dao et al.
// 2022 (arXiv 2205.14135).
//
// A task owns a tile of queries (forward) or a part of the keys (gradient) of one image. Sizes of tiles and
// parts depend on the image's shape alone, so that neither threads nor the batch change a bit.
#include <algorithm>
#include <array>
#include <limits>

#include "tensor/box_exp.h"
#include "tensor/cpu/fast_backend.h"
#include "tensor/cpu/loops.h"
#include "tensor/cpu/sgemm.h"

namespace cawe {
namespace {

using cpu::Block;
using cpu::sgemm;

constexpr int64_t kQueries = 128, kKeys = 256;  // a tile of scores: 128 KiB
/// In the gradient the keys are cut into at most kParts parts, each a multiple of kPart keys; every part sums
/// its own dq.
constexpr int64_t kParts = 4, kPart = 64;
// Length of the unrolled sums and maxima, which the compiler turns into vectors.
constexpr int64_t kWide = 16;

/// box_exp.h's e^x for x <= 88 without branches, so that the compiler vectorises loops over it. NaN stays.
inline float exponential(float x) {
  using E = same_bits::ExpOf<float>;
  const float within = x < E::kLowest ? E::kLowest : x;
  const float shifted = same_bits::fused(within, E::kLog2E, E::kRound), n = shifted - E::kRound;
  const float r = same_bits::fused(-n, E::kLn2Rest, same_bits::fused(-n, E::kLn2, within));
  const uint32_t power = same_bits::as<uint32_t>(shifted) - same_bits::as<uint32_t>(E::kRound);
  const auto bits = same_bits::as<uint32_t>(same_bits::series(r)) + power * uint32_t(E::kUnit);
  const float value = x < E::kLowest ? 0.0f : same_bits::as<float>(bits);
  return x != x ? x : value;
}

/// Folds term(i) for i in [0, n) by `join`, in kWide interleaved chains that are then joined in order.
template <class Term, class Join>
float fold(int64_t n, float start, Term term, Join join) {
  std::array<float, kWide> chains;
  chains.fill(start);
  int64_t i = 0;
  for (; i + kWide <= n; i += kWide)
    for (int64_t w = 0; w < kWide; ++w) chains[size_t(w)] = join(chains[size_t(w)], term(i + w));
  for (; i < n; ++i) chains[0] = join(chains[0], term(i));
  float all = chains[0];
  for (size_t w = 1; w < kWide; ++w) all = join(all, chains[w]);
  return all;
}
constexpr auto kSum = [](float a, float b) { return a + b; };
constexpr auto kMost = [](float a, float b) { return a < b ? b : a; };

void multiply(float* x, int64_t n, float factor) {
  for (int64_t i = 0; i < n; ++i) x[i] *= factor;
}

struct Sizes {
  int64_t n, p, s, d, c;
  Sizes(const Tensor& q, const Tensor& v) : n(q.dim(0)), p(q.dim(1)), s(v.dim(1)), d(q.dim(2)), c(v.dim(2)) {}
  int64_t query_tiles() const { return (p + kQueries - 1) / kQueries; }
  int64_t part() const { return (s + kParts * kPart - 1) / (kParts * kPart) * kPart; }
  int64_t parts() const { return (s + part() - 1) / part(); }
};

/// Online softmax of one query: the largest score so far and the sum of exp(score - most). `most` starts at
/// the lowest finite number, not at -infinity: exp(-inf - most) is then 0, not NaN.
struct Running {
  float most = std::numeric_limits<float>::lowest(), sum = 0;
};

/// scores[0..n) -> exp(score - most). Where the tile raises `most`, the query's output and sum so far are
/// rescaled to it.
void softmax_tile_row(float* scores, int64_t n, Running& seen, float* y, int64_t c) {
  const float before = seen.most;
  seen.most = kMost(before, fold(
                                n, before, [&](int64_t i) { return scores[i]; }, kMost));
  if (seen.most > before && seen.sum > 0) {
    const float shrink = exponential(before - seen.most);
    seen.sum *= shrink;
    multiply(y, c, shrink);
  }
  for (int64_t i = 0; i < n; ++i) scores[i] = exponential(scores[i] - seen.most);
  seen.sum += fold(
      n, 0.0f, [&](int64_t i) { return scores[i]; }, kSum);
}

/// y [rows, C] and the softmax statistics [rows, 2] (largest score, sum) of `rows` queries q [rows, D] over
/// all keys.
void attend(const Sizes& z, int64_t rows, const float* q, const float* k, const float* v, float scale,
            float* y, float* out) {
  const Tensor scores = Tensor::empty({rows, std::min(z.s, kKeys)});
  float* const tile = scores.data<float>();
  std::array<Running, kQueries> seen;
  for (int64_t s = 0; s < z.s; s += kKeys) {
    const int64_t keys = std::min(kKeys, z.s - s);
    sgemm(rows, keys, z.d, scale, {q, z.d}, {k + s * z.d, z.d, true}, 0, tile, keys);
    for (int64_t r = 0; r < rows; ++r)
      softmax_tile_row(tile + r * keys, keys, seen[size_t(r)], y + r * z.c, z.c);
    sgemm(rows, z.c, keys, 1, {tile, keys}, {v + s * z.c, z.c}, s == 0 ? 0.0f : 1.0f, y, z.c);
  }
  for (int64_t r = 0; r < rows; ++r) {
    const Running& all = seen[size_t(r)];
    multiply(y + r * z.c, z.c, 1 / all.sum);
    out[2 * r] = all.most;
    out[2 * r + 1] = all.sum;
  }
}

/// One image's tensors and gradients; dq is a part's own sum.
struct Gradient {
  const float *q, *k, *v, *seen, *dy, *mean;
  float *dq, *dk, *dv;
  float scale;
};

/// dk and dv of keys [begin, end), and what they add to dq: dq += ..., or = where begin is the part's first.
void attend_grad_keys(const Sizes& z, const Gradient& g, int64_t begin, int64_t end, bool first, float* tile,
                      float* slopes) {
  const int64_t keys = end - begin;
  const float *k = g.k + begin * z.d, *v = g.v + begin * z.c;
  for (int64_t p = 0; p < z.p; p += kQueries) {
    const int64_t rows = std::min(kQueries, z.p - p);
    const float *q = g.q + p * z.d, *dy = g.dy + p * z.c, more = p == 0 ? 0.0f : 1.0f;
    sgemm(rows, keys, z.d, g.scale, {q, z.d}, {k, z.d, true}, 0, tile, keys);
    sgemm(rows, keys, z.c, 1, {dy, z.c}, {v, z.c, true}, 0, slopes, keys);
    for (int64_t r = 0; r < rows; ++r) {
      const float most = g.seen[2 * (p + r)], share = 1 / g.seen[2 * (p + r) + 1], mean = g.mean[p + r];
      float *const weight = tile + r * keys, *const slope = slopes + r * keys;
      for (int64_t i = 0; i < keys; ++i) weight[i] = exponential(weight[i] - most) * share;
      for (int64_t i = 0; i < keys; ++i) slope[i] = weight[i] * (slope[i] - mean);
    }
    sgemm(keys, z.c, rows, 1, {tile, keys, true}, {dy, z.c}, more, g.dv + begin * z.c, z.c);
    sgemm(keys, z.d, rows, g.scale, {slopes, keys, true}, {q, z.d}, more, g.dk + begin * z.d, z.d);
    sgemm(rows, z.d, keys, g.scale, {slopes, keys}, {k, z.d}, first ? 0.0f : 1.0f, g.dq + p * z.d, z.d);
  }
}

bool all_f32(const Tensor& q) { return q.dtype() == DType::f32 && q.numel() > 0; }

}  // namespace

void FastBackend::attention(const Tensor& q, const Tensor& k, const Tensor& v, double scale, Tensor& y,
                            Tensor& seen) {
  if (!all_f32(q)) return ReferenceBackend::attention(q, k, v, scale, y, seen);
  const Sizes z(q, v);
  parallel_tasks(z.n * z.query_tiles(), [&](int64_t task) {
    const int64_t n = task / z.query_tiles(), p = task % z.query_tiles() * kQueries, row = n * z.p + p;
    attend(z, std::min(kQueries, z.p - p), q.data<float>() + row * z.d, k.data<float>() + n * z.s * z.d,
           v.data<float>() + n * z.s * z.c, float(scale), y.data<float>() + row * z.c,
           seen.data<float>() + row * 2);
  });
}

void FastBackend::attention_grad(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& y,
                                 const Tensor& seen, const Tensor& dy, double scale, Tensor& dq, Tensor& dk,
                                 Tensor& dv) {
  if (!all_f32(q)) return ReferenceBackend::attention_grad(q, k, v, y, seen, dy, scale, dq, dk, dv);
  const Sizes z(q, v);
  // sum over s of softmax_s <dy, v_s> = <dy, y>
  const Tensor means = Tensor::empty({z.n * z.p});
  parallel_for(z.n * z.p, 64, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float *a = y.data<float>() + row * z.c, *b = dy.data<float>() + row * z.c;
      means.data<float>()[row] = fold(
          z.c, 0.0f, [&](int64_t i) { return a[i] * b[i]; }, kSum);
    }
  });
  const Tensor sums = Tensor::empty({z.n, z.parts(), z.p * z.d});
  parallel_tasks(z.n * z.parts(), [&](int64_t task) {
    const int64_t n = task / z.parts(), first = task % z.parts() * z.part(),
                  last = std::min(z.s, first + z.part()), width = std::min(kKeys, last - first);
    const Tensor room = Tensor::empty({2, std::min(kQueries, z.p), width});
    const Gradient g{q.data<float>() + n * z.p * z.d,       k.data<float>() + n * z.s * z.d,
                     v.data<float>() + n * z.s * z.c,       seen.data<float>() + n * z.p * 2,
                     dy.data<float>() + n * z.p * z.c,      means.data<float>() + n * z.p,
                     sums.data<float>() + task * z.p * z.d, dk.data<float>() + n * z.s * z.d,
                     dv.data<float>() + n * z.s * z.c,      float(scale)};
    for (int64_t s = first; s < last; s += kKeys)
      attend_grad_keys(z, g, s, std::min(last, s + kKeys), s == first, room.data<float>(),
                       room.data<float>() + room.numel() / 2);
  });
  const int64_t each = z.p * z.d;
  parallel_tasks(z.n, [&](int64_t n) {
    const float* part = sums.data<float>() + n * z.parts() * each;
    float* out = dq.data<float>() + n * each;
    std::copy(part, part + each, out);
    for (int64_t t = 1; t < z.parts(); ++t)
      for (int64_t i = 0; i < each; ++i) out[i] += part[t * each + i];
  });
}

}  // namespace cawe
