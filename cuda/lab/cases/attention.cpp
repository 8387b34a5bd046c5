// SPDX-License-Identifier: Apache-2.0
#include "cuda/lab/cases/attention.h"

#include <algorithm>

#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/primitives/attention.h"

namespace CAWE_DEVICE {

AttentionInputs random_attention(const AttentionSizes& z, DType dtype) {
  return {random_tensor({z.images, z.queries, z.depth}, "attention q", dtype),
          random_tensor({z.images, z.keys, z.depth}, "attention k", dtype),
          random_tensor({z.images, z.keys, z.channels}, "attention v", dtype),
          random_tensor({z.images, z.queries, z.channels}, "attention dy", dtype)};
}

AttentionResults attention_in_f64(const AttentionInputs& x, double scale) {
  const Tensor q = x.q.to(DType::f64), k = x.k.to(DType::f64), v = x.v.to(DType::f64),
               dy = x.dy.to(DType::f64);
  AttentionResults r{Tensor::like(dy), Tensor::empty({q.dim(0), q.dim(1), 2}, DType::f64), Tensor::like(q),
                     Tensor::like(k), Tensor::like(v)};
  const ReferenceScope plain;
  primitives::attention(q, k, v, scale, r.y, r.seen);
  primitives::attention_grad(q, k, v, r.y, r.seen, dy, scale, r.dq, r.dk, r.dv);
  return r;
}

AttentionResults run_attention(CaseContext& c, const AttentionSizes& z, const AttentionInputs& x) {
  const DType dtype = x.q.dtype(), sums = accumulator_of(dtype);
  const void *q = c.upload(x.q), *k = c.upload(x.k), *v = c.upload(x.v);
  void* y = c.fresh<char>(x.dy.numel() * int64_t(size_of(dtype)));
  void* seen = c.fresh<char>(z.images * z.queries * 2 * int64_t(size_of(sums)));
  c.measure([&] { attention(number_for(dtype), z, q, k, v, y, seen, c.stream()); });
  AttentionResults r;
  r.y = c.download(y, x.dy.shape(), dtype);
  r.seen = c.download(seen, {z.images, z.queries, 2}, sums);
  return r;
}

AttentionResults run_attention_grad(CaseContext& c, const AttentionSizes& z, const AttentionInputs& x,
                                    const AttentionResults& expected) {
  const DType dtype = x.q.dtype(), sums = accumulator_of(dtype);
  const auto room = [&](const Tensor& t) -> void* {
    return c.fresh<char>(t.numel() * int64_t(size_of(dtype)));
  };
  const AttentionGradient g{c.upload(x.q),
                            c.upload(x.k),
                            c.upload(x.v),
                            c.upload(expected.y.to(dtype)),
                            c.upload(expected.seen.to(sums)),
                            c.upload(x.dy),
                            c.fresh<char>(3 * z.images * z.queries * int64_t(size_of(sums))),
                            room(x.q),
                            room(x.k),
                            room(x.v)};
  c.measure([&] { attention_grad(number_for(dtype), z, g, c.stream()); });
  AttentionResults r;
  r.dq = c.download(g.dq, x.q.shape(), dtype);
  r.dk = c.download(g.dk, x.k.shape(), dtype);
  r.dv = c.download(g.dv, x.v.shape(), dtype);
  return r;
}

Case attention_case(const std::string& name_, const std::string& file, bool gradient, const AttentionSizes& z,
                    DType dtype, double tolerance) {
  Case r;
  r.name = name_ + (gradient ? "_grad" : "");
  r.shape = std::string(name(dtype)) + " " + std::to_string(z.images) + "x" + std::to_string(z.queries) +
            "x" + std::to_string(z.keys) + ", " + std::to_string(z.depth) + " and " +
            std::to_string(z.channels) + " channels";
  r.file = file;
  r.tolerance = tolerance;
  const auto n = double(z.images), p = double(z.queries), s = double(z.keys), d = double(z.depth),
             ch = double(z.channels);
  // No less than whole sectors move.
  const auto bytes = [](double numbers, DType type) {
    return 32 * double(sectors_of(numbers * double(size_of(type))));
  };
  const double queries = bytes(n * p * d, dtype), keys = bytes(n * s * d, dtype),
               values = bytes(n * s * ch, dtype), y = bytes(n * p * ch, dtype),
               seen = bytes(n * p * 2, accumulator_of(dtype)),
               terms = bytes(n * p * 3, accumulator_of(dtype));
  r.floor_read = queries + keys + values;
  r.floor_written = y + seen;
  if (gradient) {  // four launches: the terms (of y, dy and seen), dv (of all but v), dk and dq (of all)
    r.floor_read = 2 * y + seen + (queries + keys + y + terms) + 2 * (queries + keys + values + y + terms);
    r.floor_written = terms + values + keys + queries;
  }
  r.flops = n * p * s * (gradient ? 10 * d + 6 * ch : 2 * d + 2 * ch);
  return r;
}

namespace {

/// Scores of 1024 or, of every third query, -1024, and up to 3 more. Whole numbers, which f32 multiplies and
/// adds exactly; depth is 2.
AttentionInputs large_inputs(const AttentionSizes& z) {
  AttentionInputs x = random_attention(z, DType::f32);
  for (int64_t i = 0; i < z.images * z.queries; ++i) {
    x.q.data<float>()[2 * i] = i % 3 == 2 ? -32.f : 32.f;
    x.q.data<float>()[2 * i + 1] = float(i % 2);
  }
  for (int64_t i = 0; i < z.images * z.keys; ++i) {
    x.k.data<float>()[2 * i] = 32;
    x.k.data<float>()[2 * i + 1] = float(i % 4);
  }
  return x;
}

double error(CaseContext& c, bool gradient, const AttentionSizes& z, const AttentionInputs& x) {
  const AttentionResults expected = attention_in_f64(x, z.scale);
  if (!gradient) {
    const AttentionResults got = run_attention(c, z, x);
    return std::max(relative_error(got.y, expected.y, "y"), relative_error(got.seen, expected.seen, "seen"));
  }
  const AttentionResults got = run_attention_grad(c, z, x, expected);
  return std::max({relative_error(got.dq, expected.dq, "dq"), relative_error(got.dk, expected.dk, "dk"),
                   relative_error(got.dv, expected.dv, "dv")});
}

Case make_case(bool gradient, const AttentionSizes& z, DType dtype, double tolerance) {
  Case r = attention_case("attention", "cuda/kernels/attention.cu", gradient, z, dtype, tolerance);
  r.run = [=](CaseContext& c) { return error(c, gradient, z, random_attention(z, dtype)); };
  return r;
}

}  // namespace

void add_attention_cases(std::vector<Case>& cases) {
  const auto both = [&](const AttentionSizes& z, DType dtype, double forward, double gradient) {
    cases.push_back(make_case(false, z, dtype, forward));
    cases.push_back(make_case(true, z, dtype, gradient));
  };
  both({1, 64, 128, 16, 64, 1}, DType::f32, 1e-6, 2e-6);
  Case& grad = cases.back();
  Case& forward = cases[cases.size() - 2];
  // Two tiles of 64 x 64 scores. Of 64 rows q, k and v are 128, 128 and 512 sectors; y is 512; two queries of
  // a warp store what they have seen, to two sectors.
  forward.sectors = 2 * (128 + 128 + 512) + 512 + 64;
  // A tile: 64 requests stage q and k; of 8 warps, each asks 2 vectors of 4 wavefronts for each of 16
  // channels; 4 vectors of weights are stored; 128 requests stage v; 2 vectors for each of 64 keys.
  const uint64_t product = 64 + 16 * 8 * 2 * 4, output = 4 * 8 * 4 + 128 + 64 * 8 * 2 * 4;
  forward.wavefronts = 2 * (product + output);
  forward.min_simt = 0.99;
  // Terms: y, dy, and of each query a sector of what it has seen and three of terms.
  const uint64_t terms = 512 + 512 + 64 + 3 * 64;
  // dv: of each of two tiles of keys k, q, 3 x 8 of terms, dy; dv itself. dk: v and q besides; dk itself. dq:
  // two tiles of columns and no terms of columns, but of rows: 4 x 3 requests of each of 8 warps; dq itself.
  const uint64_t dv = 2 * (128 + 128 + 24 + 512) + 1024, dk = 2 * (128 + 128 + 24 + 512 + 512 + 128) + 256,
                 dq = 2 * (128 + 128 + 512 + 512 + 128) + 96 + 128;
  grad.sectors = terms + dv + dk + dq;
  // As above; the products of dy and v are four slices. Terms: 3 stores of 2 warps, 3 vectors of 8.
  const uint64_t column_terms = 3 * 2 + 3 * 8 * 4;
  grad.wavefronts = 2 * (product + output + column_terms) + 2 * (5 * product + output + column_terms) +
                    2 * (5 * product + output);
  grad.min_simt = 0.99;
  both({2, 33, 40, 8, 9, 1}, DType::f32, 1e-6, 2e-6);
  both({1, 1, 70, 5, 3, 1}, DType::f32, 1e-6, 2e-6);
  both({1, 70, 2, 3, 66, 0.5}, DType::f32, 1e-6, 4e-6);
  both({2, 66, 65, 3, 2, 1}, DType::f32, 1e-6, 2e-6);
  cases.push_back(make_case(false, {1, 5, 20, 3, 260, 1}, DType::f32, 1e-6));
  cases.push_back(make_case(true, {1, 9, 20, 130, 6, 0.1}, DType::f32, 4e-6));
  both({2, 17, 23, 6, 10, 1}, DType::f64, 4e-15, 4e-15);
  both({2, 17, 23, 6, 10, 1}, DType::f16, 1e-3, 1e-3);
  both({2, 17, 23, 6, 10, 1}, DType::bf16, 4e-3, 8e-3);
  // Rows that do not begin at 16 bytes, one length at a time: not for tensor cores.
  both({1, 9, 20, 16, 12, 1}, DType::bf16, 4e-3, 8e-3);
  both({1, 9, 20, 12, 16, 1}, DType::bf16, 4e-3, 8e-3);
  // dq sums slopes times 32, which cancel: a few times 32 roundings of 2^-24.
  for (const bool gradient : {false, true}) {
    const AttentionSizes z{1, 6, 67, 2, 5, 1};
    Case r = make_case(gradient, z, DType::f32, gradient ? 1e-5 : 1e-6);
    r.shape += ", scores of 1024";
    r.run = [=](CaseContext& c) { return error(c, gradient, z, large_inputs(z)); };
    cases.push_back(r);
  }
}

}  // namespace CAWE_DEVICE
