// SPDX-License-Identifier: Apache-2.0
// Attention on tensor cores. Each number is judged by a bound of its own, made of the roundings that the kernel does: an
// error is the largest distance from f64 in units of that bound.
#include <cmath>

#include "cuda/lab/cases/attention.h"

namespace CAWE_DEVICE {
namespace {

using Numbers = std::vector<double>;

Numbers in_f64(const Tensor& t) { return t.to(DType::f64).to_vector<double>(); }

/// Largest distance that roundings can make, for each number of a result.
struct Bounds {
  Numbers y, seen, dq, dk, dv;
};

/// A rounding to the type, as a share of the number; and the step of its denormal numbers, half of which is lost.
double rounding_of(DType dtype) { return dtype == DType::f16 ? 0x1p-11 : 0x1p-8; }
double smallest_of(DType dtype) { return dtype == DType::f16 ? 0x1p-25 : 0; }

/// One image's numbers, and loops over its queries and keys.
class Judge {
 public:
  Judge(const AttentionSizes& z, const AttentionInputs& x, const AttentionResults& r)
      : z_(z), u_(rounding_of(x.q.dtype())), least_(smallest_of(x.q.dtype())) {
    q_ = in_f64(x.q), k_ = in_f64(x.k), v_ = in_f64(x.v), dy_ = in_f64(x.dy), seen_ = in_f64(r.seen);
    y_ = in_f64(r.y);
    // Stored results are rounded once.
    bounds_ = {scaled(r.y), Numbers(seen_.size(), 0), scaled(r.dq), scaled(r.dk), scaled(r.dv)};
  }

  Bounds bounds() {
    for (int64_t n = 0; n < z_.images; ++n)
      for (int64_t p = n * z_.queries; p < (n + 1) * z_.queries; ++p) {
        for (int64_t s = 0; s < z_.keys; ++s) add(p, n * z_.keys + s);
        bounds_.seen[at(p, 1, 2)] += bounds_.seen[at(p, 0, 2)] * seen_[at(p, 1, 2)];
      }
    return bounds_;
  }

 private:
  Numbers scaled(const Tensor& t) const {
    Numbers all = in_f64(t);
    for (double& x : all) x = u_ * std::fabs(x) + least_;
    return all;
  }

  /// What query p and key s add: the weight (or slope) is rounded to 16 bits, and off by what f32 loses in score, exp and
  /// sums. A sum of n numbers in f32 is off by at most n steps of 2^-23 of its magnitude, however it is added.
  void add(int64_t p, int64_t s) {
    constexpr double kStep = 0x1p-23;
    double score = 0, magnitude = 0, along = 0, along_magnitude = 0, mean = 0, mean_magnitude = 0;
    for (int64_t d = 0; d < z_.depth; ++d) {
      const double term = z_.scale * q_[at(p, d, z_.depth)] * k_[at(s, d, z_.depth)];
      score += term;
      magnitude += std::fabs(term);
    }
    for (int64_t c = 0; c < z_.channels; ++c) {
      const double g = dy_[at(p, c, z_.channels)], y = y_[at(p, c, z_.channels)];
      along += g * v_[at(s, c, z_.channels)];
      along_magnitude += std::fabs(g * v_[at(s, c, z_.channels)]);
      mean += g * y;
      mean_magnitude += std::fabs(g * y);
    }
    const double most = seen_[at(p, 0, 2)], weight = std::exp(score - most) / seen_[at(p, 1, 2)];
    // The score's sum, its product with scale and the difference to `most`, itself such a sum; then exp, of which
    // CUDA's __expf says 2 + 1.173 |x| steps; the sum of weights.
    const double in_f32 = kStep * (2 * double(z_.depth + 2) * magnitude + 2 * std::fabs(most) + 2 +
                                   1.2 * std::fabs(score - most) + double(z_.keys) + 4);
    // What is seen is kept in f32: the gradient, and the other kernel, go on from it.
    double& most_off = bounds_.seen[at(p, 0, 2)];
    most_off = std::max(most_off, kStep * double(z_.depth + 2) * magnitude);
    bounds_.seen[at(p, 1, 2)] += in_f32 * std::exp(score - most);
    const double off = (u_ + in_f32) * weight + least_;
    // y is given in 16 bits to the gradient; dy v and dy y are sums of `channels` numbers.
    const double slope = z_.scale * weight * (along - mean);
    const double slope_off =
        u_ * std::fabs(slope) + least_ + in_f32 * std::fabs(slope) +
        z_.scale * weight *
            (u_ * mean_magnitude + kStep * double(z_.channels + 2) * (along_magnitude + mean_magnitude));
    const double sums = kStep * double(std::max(z_.queries, z_.keys) + 2);  // of the last product
    for (int64_t c = 0; c < z_.channels; ++c) {
      bounds_.y[at(p, c, z_.channels)] += (off + sums * weight) * std::fabs(v_[at(s, c, z_.channels)]);
      bounds_.dv[at(s, c, z_.channels)] += (off + sums * weight) * std::fabs(dy_[at(p, c, z_.channels)]);
    }
    for (int64_t d = 0; d < z_.depth; ++d) {
      bounds_.dq[at(p, d, z_.depth)] +=
          (slope_off + sums * std::fabs(slope)) * std::fabs(k_[at(s, d, z_.depth)]);
      bounds_.dk[at(s, d, z_.depth)] +=
          (slope_off + sums * std::fabs(slope)) * std::fabs(q_[at(p, d, z_.depth)]);
    }
  }

  static size_t at(int64_t row, int64_t column, int64_t length) { return size_t(row * length + column); }

  const AttentionSizes z_;
  const double u_, least_;
  Numbers q_, k_, v_, dy_, seen_, y_;
  Bounds bounds_;
};

/// Largest |got - expected| over its bound; infinite where a number is not finite.
double in_bounds(const Tensor& got, const Tensor& expected, const Numbers& bounds, const char* what) {
  const Numbers a = in_f64(got), b = in_f64(expected);
  double worst = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    if (!std::isfinite(a[i])) return noted(INFINITY, i, a[i], b[i], what);
    const double off = std::fabs(a[i] - b[i]);  // 0 also where nothing but 0 is in bounds
    worst = std::max(worst, noted(off == 0 ? 0 : off / bounds[i], i, a[i], b[i], what));
  }
  return worst;
}

double error(CaseContext& c, bool gradient, const AttentionSizes& z, const AttentionInputs& x) {
  const AttentionResults expected = attention_in_f64(x, z.scale);
  const Bounds bounds = Judge(z, x, expected).bounds();
  if (gradient) {
    const AttentionResults got = run_attention_grad(c, z, x, expected);
    return std::max({in_bounds(got.dq, expected.dq, bounds.dq, "dq"),
                     in_bounds(got.dk, expected.dk, bounds.dk, "dk"),
                     in_bounds(got.dv, expected.dv, bounds.dv, "dv")});
  }
  const AttentionResults got = run_attention(c, z, x);
  return std::max(in_bounds(got.y, expected.y, bounds.y, "y"),
                  in_bounds(got.seen, expected.seen, bounds.seen, "seen"));
}

/// Scores of 1024 or, of every third query, -1024, and up to 3 more; whole numbers, exact in f16 and bf16 and f32.
AttentionInputs large_inputs(const AttentionSizes& z, DType dtype) {
  AttentionInputs x = random_attention(z, DType::f32);
  for (int64_t i = 0; i < z.images * z.queries * z.depth; ++i) {
    const int64_t row = i / z.depth;
    x.q.data<float>()[i] = i % z.depth == 0   ? (row % 3 == 2 ? -32.f : 32.f)
                           : i % z.depth == 1 ? float(row % 2)
                                              : 0.f;
  }
  for (int64_t i = 0; i < z.images * z.keys * z.depth; ++i)
    x.k.data<float>()[i] = i % z.depth == 0 ? 32.f : i % z.depth == 1 ? float(i / z.depth % 4) : 0.f;
  return {x.q.to(dtype), x.k.to(dtype), x.v.to(dtype), x.dy.to(dtype)};
}

uint64_t up(int64_t a, int64_t b) { return uint64_t((a + b - 1) / b); }

/// Products of a warp: 16 x 32 scores a tile, of which 32 numbers of depth or channels take 8, and 32 columns of the
/// second product 8; by the 8 warps of a block for all tiles and all blocks of 128 rows.
uint64_t products(const AttentionSizes& z, bool gradient) {
  const uint64_t deep = up(z.depth, 32), wide = up(z.channels, 32), parts = up(z.channels, 256);
  const auto of = [&](int64_t rows, int64_t columns, uint64_t each) {
    return uint64_t(z.images) * up(rows, 128) * up(columns, 32) * 8 * 8 * each;
  };
  if (!gradient) return of(z.queries, z.keys, parts * deep + wide);
  return of(z.keys, z.queries, parts * deep + wide) + of(z.keys, z.queries, 2 * deep + wide) +
         of(z.queries, z.keys, 2 * deep + wide);
}

Case make_case(bool gradient, const AttentionSizes& z, DType dtype) {
  Case r = attention_case("attention_mma", "cuda/kernels/attention_mma.cu", gradient, z, dtype, 1);
  r.run = [=](CaseContext& c) { return error(c, gradient, z, random_attention(z, dtype)); };
  r.flops = 0;  // on CUDA cores
  r.mma = products(z, gradient);
  return r;
}

}  // namespace

void add_attention_mma_cases(std::vector<Case>& cases) {
  const auto both = [&](const AttentionSizes& z, DType dtype) {
    cases.push_back(make_case(false, z, dtype));
    cases.push_back(make_case(true, z, dtype));
  };
  both({1, 128, 64, 32, 256, 1}, DType::bf16);
  Case& grad = cases.back();
  Case& forward = cases[cases.size() - 2];
  // A row of q or k is 2 sectors, of v and y 16. Two tiles of keys, no row twice; 8 queries of a warp store what they
  // have seen to two sectors.
  forward.sectors = 128 * 2 + 64 * 2 + 64 * 16 + 128 * 16 + 32;
  // A tile: 2 warps store 2 pieces of k, 8 warps 4 of v, 4 wavefronts each. 8 warps load 4 pieces for the scores, 4 for
  // each of 8 groups of 32 values.
  const uint64_t load = 8 * 4, deep = 2 * 2 * 4, wide = 8 * 4 * 4, scores = 4 * load, mixed = 8 * 4 * load;
  forward.wavefronts = 2 * (deep + wide + scores + mixed);
  forward.min_simt = 0.95;
  // Terms, as in attention.cpp. dv: k, q, 3 terms of 128 queries, dy; dv itself. dk: v besides; dk. dq: all, 3 terms of a
  // row's queries, 8 to a sector; dq.
  const uint64_t terms = 2 * 128 * 16 + 4 * 128, q = 128 * 2, k = 64 * 2, v = 64 * 16, y = 128 * 16,
                 columns = 3 * 128 / 8;
  grad.sectors =
      terms + (k + q + columns + y + v) + (k + q + columns + y + v + k) + (q + k + y + v + columns + q);
  // dv: as forward, with 3 stores of a warp for terms and, by each warp, 8 loads of two numbers, 2 wavefronts each. dk
  // and dq store q or k twice, and load 4 pieces of dy or v for each of 8 groups, and 4 of one group at the end; dk 12
  // loads of terms.
  const uint64_t along = 8 * 4 * load;
  grad.wavefronts = 4 * (deep + wide + scores + mixed + 3 + 8 * 8 * 2) +
                    4 * (2 * deep + wide + scores + along + 4 * load + 3 + 8 * 12 * 2) +
                    2 * (2 * deep + wide + scores + along + 4 * load);
  grad.min_simt = 0.95;
  // Not one more, as nothing depends on the numbers.
  forward.sector_allowance = forward.wavefront_allowance = 1;
  grad.sector_allowance = grad.wavefront_allowance = 1;
  both({1, 128, 64, 32, 256, 1}, DType::f16);
  for (const DType dtype : {DType::f16, DType::bf16}) {
    both({2, 33, 40, 8, 16, 1}, dtype);       // one group of each, none of them full
    both({1, 1, 70, 24, 8, 1}, dtype);        // one query
    both({1, 130, 1, 16, 24, 0.5}, dtype);    // one key; two blocks of queries
    both({2, 17, 66, 40, 264, 0.2}, dtype);   // two parts of y and dv, three slices of dy v
    both({1, 21, 37, 128, 136, 0.1}, dtype);  // the deepest, four groups
    both({1, 20, 130, 16, 296, 0.3}, dtype);  // two slices of dy v while depth is low
    for (const bool gradient : {false, true}) {
      const AttentionSizes z{1, 6, 67, 8, 8, 1};
      Case r = make_case(gradient, z, dtype);
      r.shape += ", scores of 1024";
      r.run = [=](CaseContext& c) { return error(c, gradient, z, large_inputs(z, dtype)); };
      cases.push_back(r);
    }
  }
}

}  // namespace CAWE_DEVICE
