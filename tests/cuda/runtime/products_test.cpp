// SPDX-License-Identifier: Apache-2.0
// Matrix products through (emulated) cuBLASLt against the CPU's reference loops; TF32 in both libraries.
#include "tensor/primitives/backend.h"
#include "tests/cuda/runtime/numbers.h"

namespace cawe::on_emulator {
namespace {

using emulated::Fault;
using emulated::inject;

class MatrixProduct : public RuntimeTest, public ::testing::WithParamInterface<DType> {};
INSTANTIATE_TEST_SUITE_P(Types, MatrixProduct,
                         ::testing::Values(DType::f32, DType::f64, DType::f16, DType::bf16),
                         [](const auto& test) { return std::string(name(test.param)); });

TEST_P(MatrixProduct, EqualTheReference) {
  const int64_t m = 5, k = 7, n = 3;
  for (const int64_t batch : {0, 1, 4})  // 0: rank 2
    for (const bool tp : {false, true})
      for (const bool tq : {false, true}) {
        SCOPED_TRACE(detail::concat("batch ", batch, tp ? " p^T" : "", tq ? " q^T" : ""));
        const auto shape = [&](int64_t rows, int64_t cols, bool transposed) {
          if (transposed) std::swap(rows, cols);
          return batch ? Shape{batch, rows, cols} : Shape{rows, cols};
        };
        const Input p(shape(m, k, tp), 21, GetParam()), q(shape(k, n, tq), 22, GetParam());
        Tensor y = output(shape(m, n, false), GetParam()), host = expected(y.shape());
        device().matmul(p.device, tp, q.device, tq, y);
        cpu_reference_backend().matmul(p.host, tp, q.host, tq, host);
        expect_near(y, host, k);
      }
  EXPECT_EQ(emulated::complaints(), 0u) << emulated::last_complaint();
}

/// Views that are read where they lie (transposed, cut out, repeated over the batch) and ones that need a
/// copy.
TEST_P(MatrixProduct, TakeAnyStrides) {
  const DType dtype = GetParam();
  const Input a({4, 6, 8}, 23, dtype), b({4, 8, 6}, 24, dtype);
  struct Views {
    const char* name;
    Tensor p, q, host_p, host_q;
  };
  const auto both = [](const char* label, const Input& p, const Input& q, auto change_p, auto change_q) {
    return Views{label, change_p(p.device), change_q(q.device), change_p(p.host), change_q(q.host)};
  };
  const auto same = [](const Tensor& t) { return t; };
  const auto swapped = [](const Tensor& t) { return t.transpose(1, 2); };
  const auto columns = [](const Tensor& t) { return t.slice(2, 1, 6); };
  const auto rows = [](const Tensor& t) { return t.slice(1, 1, 6); };
  const auto first_for_all = [](const Tensor& t) { return t.slice(0, 0, 1).expand(t.shape()); };
  const auto one_row_for_all = [](const Tensor& t) { return t.slice(1, 0, 1).expand(t.shape()); };
  const auto one_column_for_all = [](const Tensor& t) { return t.slice(2, 0, 1).expand(t.shape()); };
  const auto turned = [](const Tensor& t) { return t.permute({1, 0, 2}).slice(0, 0, 4); };
  const auto one_row = [](const Tensor& t) { return t.slice(1, 2, 3); };
  const auto one_column = [](const Tensor& t) { return t.slice(2, 2, 3); };
  const Views all[] = {
      both("transposed", b, a, swapped, swapped),
      both("cut out", a, b, columns, rows),
      both("repeated", a, b, first_for_all, first_for_all),
      both("rows repeated", a, b, one_row_for_all, one_column_for_all),
      both("columns repeated", a, b, one_column_for_all, one_row_for_all),
      both(
          "batch inside", Input({4, 5, 6}, 25, dtype), Input({6, 4, 3}, 26, dtype),
          [](const Tensor& t) { return t; },
          [](const Tensor& t) {
            return t.permute({1, 0, 2});
          }),
      both("turned", Input({6, 4, 6}, 27, dtype), a, turned, same),
      both("a row", a, b, one_row, same),
      both("a column", a, b, same, one_column),
      both("outer product", a, a, one_column, one_row),
  };
  for (const Views& v : all) {
    SCOPED_TRACE(v.name);
    Tensor y = output({4, v.p.dim(1), v.q.dim(2)}, dtype), host = expected(y.shape());
    device().matmul(v.p, false, v.q, false, y);
    cpu_reference_backend().matmul(v.host_p, false, v.host_q, false, host);
    expect_near(y, host, v.p.dim(2));
    Tensor wide = output({4, v.p.dim(1), v.q.dim(2) + 3}, dtype), part = wide.slice(2, 1, v.q.dim(2) + 1);
    device().matmul(v.p, false, v.q, false, part);
    expect_near(part, host, v.p.dim(2));
    Tensor turned_y = output({4, v.q.dim(2), v.p.dim(1)}, dtype).transpose(1, 2);
    device().matmul(v.p, false, v.q, false, turned_y);
    expect_near(turned_y, host, v.p.dim(2));
  }
  EXPECT_EQ(emulated::complaints(), 0u) << emulated::last_complaint();
}

TEST_P(MatrixProduct, OfNothing) {
  const DType dtype = GetParam();
  const Tensor p = Tensor::empty({2, 0}, dtype, Layout::contiguous, Device::emulated);
  const Tensor q = Tensor::empty({0, 3}, dtype, Layout::contiguous, Device::emulated);
  Tensor y = output({2, 3}, dtype),
         nothing = Tensor::empty({2, 0}, dtype, Layout::contiguous, Device::emulated);
  device().matmul(p, false, q, false, y);
  expect_near(y, Tensor::zeros({2, 3}, DType::f64), 0);
  device().matmul(y, false, q, true, nothing);
  EXPECT_EQ(emulated::calls("cublasLtMatmul"), 0u) << "the library knows no empty matrices";
}

TEST_P(MatrixProduct, LinearAndItsGradientsEqualTheReference) {
  const DType dtype = GetParam();
  for (const int64_t n : {0, 1, 5}) {
    SCOPED_TRACE(n);
    const Input x({n, 7}, 31, dtype), w({4, 7}, 32, dtype), bias({4}, 33, dtype), dy({n, 4}, 34, dtype);
    for (const Input& b : {Input(), bias}) {
      Tensor y = output({n, 4}, dtype), host = expected({n, 4});
      device().linear(x.device, w.device, b.device, y);
      cpu_reference_backend().linear(x.host, w.host, b.host, host);
      expect_near(y, host, 8);
      Tensor dw = output({4, 7}, dtype), db, host_dw = expected({4, 7}), host_db;
      if (b.host.defined()) db = output({4}, dtype), host_db = expected({4});
      device().linear_grad_weight(x.device, dy.device, dw, db);
      cpu_reference_backend().linear_grad_weight(x.host, dy.host, host_dw, host_db);
      expect_near(dw, host_dw, n);
      if (b.host.defined()) expect_near(db, host_db, n);
    }
    Tensor dx = output({n, 7}, dtype), host = expected({n, 7});
    device().linear_grad_input(dy.device, w.device, dx);
    cpu_reference_backend().linear_grad_input(dy.host, w.host, host);
    expect_near(dx, host, 4);
  }
  EXPECT_EQ(emulated::complaints(), 0u) << emulated::last_complaint();
}

class ProductChoice : public RuntimeTest {
 protected:
  void prepare() {
    x_ = Input({6, 8}, 41, DType::f32), w_ = Input({4, 8}, 42, DType::f32), b_ = Input({4}, 43, DType::f32);
    y_ = output({6, 4}, DType::f32);
    host_ = expected({6, 4});
    device().synchronize();
  }
  void TearDown() override {
    x_ = w_ = b_ = Input();
    y_ = Tensor();
    RuntimeTest::TearDown();
  }
  void linear(bool with_bias) {
    device().linear(x_.device, w_.device, with_bias ? b_.device : Tensor(), y_);
    cpu_reference_backend().linear(x_.host, w_.host, with_bias ? b_.host : Tensor(), host_);
  }
  Input x_, w_, b_;
  Tensor y_, host_;
};

TEST_F(ProductChoice, IsMadeOncePerProblem) {
  prepare();
  for (int i = 0; i < 3; ++i) linear(true);
  EXPECT_EQ(emulated::calls("cublasLtMatmulAlgoGetHeuristic"), 1u);
  EXPECT_EQ(device().runtime().products.statistics().found, 2);
  b_ = Input({4}, 44, DType::f32);
  linear(true);
  expect_near(y_, host_, 9);
  EXPECT_EQ(device().runtime().products.statistics().made, 1) << "another bias is no other problem";
  linear(false);
  EXPECT_EQ(device().runtime().products.statistics().made, 2);
}

TEST_F(ProductChoice, DependsOnTheStrides) {
  prepare();
  const Input wide({4, 9}, 45, DType::f32), tall({6, 9}, 46, DType::f32);
  linear(false);
  device().linear(x_.device, wide.device.slice(1, 0, 8), Tensor(), y_);
  cpu_reference_backend().linear(x_.host, wide.host.slice(1, 0, 8), Tensor(), host_);
  expect_near(y_, host_, 8);
  device().linear(tall.device.slice(1, 0, 8), w_.device, Tensor(), y_);
  cpu_reference_backend().linear(tall.host.slice(1, 0, 8), w_.host, Tensor(), host_);
  expect_near(y_, host_, 8);
  linear(true);
  linear(false);
  expect_near(y_, host_, 8);
}

TEST_F(ProductChoice, TakesAnotherAlgorithmWhereTheWorkspaceIsRefused) {
  prepare();
  inject(Fault::workspace);
  linear(true);
  expect_near(y_, host_, 9);
  EXPECT_EQ(emulated::calls("cublasLtMatmul"), 2u);
  linear(true);
  EXPECT_EQ(emulated::calls("cublasLtMatmul"), 3u) << "it is remembered";
}

/// Another algorithm needs less, but has other bits: free memory must not decide which of them computes.
TEST_F(ProductChoice, TellsThatMemoryIsOutAndTriesTheSameAgainLater) {
  for (const bool with_bias : {true, false}) {
    prepare();
    inject(Fault::device_memory, 1, 2);  // and again without what was cached
    expect_error(Code::io,
                 {"linear: out of device memory: 1 MiB wanted for the workspace of cuBLASLt's algorithm 0",
                  with_bias ? "Operands: 1 of [6, 8] by [8, 4] (transposed), f32, with a bias."
                            : "Operands: 1 of [6, 8] by [8, 4] (transposed), f32.",
                  "CAWE_CUDNN_WORKSPACE_MB=0, which admits only"},
                 [&] { linear(with_bias); });
    const int64_t requests = device().statistics().requests;
    linear(with_bias);
    EXPECT_GT(device().statistics().requests, requests) << "a workspace";
    expect_near(y_, host_, 9);
    x_ = w_ = b_ = Input();
    y_ = Tensor();
    restart();
  }
}

TEST_F(ProductChoice, KeepsToTheLimitOfTheWorkspace) {
  const EnvironmentVariable none("CAWE_CUDNN_WORKSPACE_MB", "0");
  restart();
  prepare();
  const int64_t requests = device().statistics().requests;
  linear(true);
  EXPECT_EQ(device().statistics().requests, requests);
  expect_near(y_, host_, 9);
}

/// What the backend falls back to where no algorithm adds a bias: y begins with it.
TEST_F(ProductChoice, AddsToWhatIsThere) {
  prepare();
  y_.copy_from(b_.device.expand({6, 4}));
  Refusal refusal;
  const Product product{Number::f32,
                        1,
                        6,
                        4,
                        8,
                        {x_.device.raw(), false, 8, 0},
                        {w_.device.raw(), true, 8, 0},
                        {y_.raw(), false, 4, 0},
                        nullptr,
                        true};
  ASSERT_TRUE(device().runtime().products.run(product, refusal)) << *refusal;
  cpu_reference_backend().linear(x_.host, w_.host, b_.host, host_);
  expect_near(y_, host_, 9, 2);
}

TEST_F(ProductChoice, NamesTheOperatorInErrorsOfTheLibrary) {
  prepare();
  inject(Fault::asynchronous);
  linear(false);
  expect_error(Code::internal, {"cudaErrorIllegalAddress"}, [] { device().synchronize(); });
  expect_error(Code::internal,
               {"linear: cublasLt",
                "CUBLAS_STATUS_EXECUTION_FAILED (13). Operands: 1 of [6, 8] by [8, 4] "
                "(transposed), f32. A kernel failed"},
               [&] { linear(false); });
}

/// Each algorithm with what it said, of the product with its bias and of the one that is added to it.
TEST_F(ProductChoice, NamesAllThatRefused) {
  prepare();
  inject(Fault::product, 1, 1000);
  expect_error(
      Code::unsupported,
      {"linear: cuBLASLt has no algorithm for 1 of [6, 8] by [8, 4] (transposed), f32, added to what is "
       "there "
       "(with a bias: algorithm 0: CUBLAS_STATUS_NOT_SUPPORTED (15); algorithm 1: ",
       "added to a bias: algorithm 0: CUBLAS_STATUS_NOT_SUPPORTED (15); algorithm 1: ", "--device cpu"},
      [&] { linear(true); });
}

// --- TF32: 10 bits of mantissa, so that 1 + 2^-12 becomes 1

class Tf32 : public RuntimeTest {
 protected:
  static float product() {
    const Tensor p = Tensor::full({1, 1}, 1 + 0x1p-12).to(Device::emulated),
                 q = Tensor::full({1, 1}, 1).to(Device::emulated);
    Tensor y = output({1, 1}, DType::f32);
    device().matmul(p, false, q, false, y);
    return float(y.item());
  }
  static float convolution() {
    const Tensor x = Tensor::full({1, 1, 1, 1}, 1 + 0x1p-12).to(Device::emulated);
    const Tensor w = Tensor::full({1, 1, 1, 1}, 1).to(Device::emulated);
    Tensor y = output({1, 1, 1, 1}, DType::f32);
    device().conv2d(x, w, Tensor(), {}, false, y);
    return float(y.item());
  }
};

TEST_F(Tf32, IsOffWhereNobodyAsksForIt) {
  EXPECT_EQ(product(), 1 + 0x1p-12f);
  EXPECT_EQ(convolution(), 1 + 0x1p-12f);
}

TEST_F(Tf32, IsOnWhereTheEnvironmentSaysSo) {
  const EnvironmentVariable on("CAWE_TF32", "1");
  restart();
  EXPECT_EQ(product(), 1.f);
  EXPECT_EQ(convolution(), 1.f);
}

}  // namespace
}  // namespace cawe::on_emulator
