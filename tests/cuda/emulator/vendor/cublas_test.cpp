// SPDX-License-Identifier: Apache-2.0
// The emulated cuBLASLt against three plain loops, and what it refuses. Inputs are eighths: every sum here is
// exact, so results are compared bit by bit.
#include <algorithm>
#include <cmath>

#include "cuda/emulator/vendor/cublas_api.h"
#include "tests/cuda/emulator/vendor/support.h"

namespace cawe::emulated {
namespace {

template <class T>
constexpr cudaDataType_t kType = CUDA_R_32F;
template <>
constexpr cudaDataType_t kType<double> = CUDA_R_64F;
template <>
constexpr cudaDataType_t kType<Half> = CUDA_R_16F;
template <>
constexpr cudaDataType_t kType<BFloat16> = CUDA_R_16BF;

/// A matrix as the library sees it, and its elements on the host.
struct Matrix {
  int64_t rows, cols, ld, batch = 1, batch_stride = 0;
  bool row_major = false;
  size_t at(int64_t item, int64_t r, int64_t c) const {
    return size_t(item * batch_stride + (row_major ? r * ld + c : c * ld + r));
  }
  size_t span() const { return at(batch - 1, rows - 1, cols - 1) + 1; }
};

/// The objects of a call; the defaults are what a caller gets who sets nothing.
struct Call {
  cublasLtHandle_t handle = nullptr;
  cublasLtMatmulDesc_t desc = nullptr;
  cublasLtMatrixLayout_t a = nullptr, b = nullptr, c = nullptr, d = nullptr;
  cublasLtMatmulPreference_t preference = nullptr;

  Call(cublasComputeType_t compute, cudaDataType_t scale) {
    EXPECT_EQ(cublasLtCreate(&handle), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(cublasLtMatmulDescCreate(&desc, compute, scale), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(cublasLtMatmulPreferenceCreate(&preference), CUBLAS_STATUS_SUCCESS);
  }
  ~Call() {
    for (cublasLtMatrixLayout_t layout : {a, b, c, d})
      EXPECT_TRUE(!layout || cublasLtMatrixLayoutDestroy(layout) == CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(cublasLtMatmulPreferenceDestroy(preference), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(cublasLtMatmulDescDestroy(desc), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(cublasLtDestroy(handle), CUBLAS_STATUS_SUCCESS);
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  template <class T>
  void set(cublasLtMatmulDescAttributes_t attribute, T value) {
    EXPECT_EQ(cublasLtMatmulDescSetAttribute(desc, attribute, &value, sizeof value), CUBLAS_STATUS_SUCCESS);
  }
  template <class T>
  void prefer(cublasLtMatmulPreferenceAttributes_t attribute, T value) {
    EXPECT_EQ(cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value),
              CUBLAS_STATUS_SUCCESS);
  }
  std::vector<cublasLtMatmulHeuristicResult_t> algorithms() {
    std::vector<cublasLtMatmulHeuristicResult_t> found(4);
    int count = -1;
    const cublasStatus_t status =
        cublasLtMatmulAlgoGetHeuristic(handle, desc, a, b, c, d, preference, 4, found.data(), &count);
    EXPECT_EQ(status, CUBLAS_STATUS_SUCCESS) << last_complaint();
    found.resize(size_t(std::max(count, 0)));
    return found;
  }
};

cublasLtMatrixLayout_t make_layout(cudaDataType_t type, const Matrix& m) {
  cublasLtMatrixLayout_t layout = nullptr;
  const int32_t order = m.row_major ? CUBLASLT_ORDER_ROW : CUBLASLT_ORDER_COL, batch = int32_t(m.batch);
  EXPECT_EQ(cublasLtMatrixLayoutCreate(&layout, type, uint64_t(m.rows), uint64_t(m.cols), m.ld),
            CUBLAS_STATUS_SUCCESS);
  const auto set = [&](cublasLtMatrixLayoutAttribute_t attribute, auto value) {
    EXPECT_EQ(cublasLtMatrixLayoutSetAttribute(layout, attribute, &value, sizeof value),
              CUBLAS_STATUS_SUCCESS);
  };
  set(CUBLASLT_MATRIX_LAYOUT_ORDER, order);
  set(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, batch);
  set(CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, m.batch_stride);
  return layout;
}

struct Product {
  Matrix a, b, d;
  bool trans_a = false, trans_b = false, bias = false, relu = false;
  double alpha = 1, beta = 0;
};

template <class T>
double element(const std::vector<T>& values, const Matrix& m, bool transposed, int64_t item, int64_t r,
               int64_t c) {
  return number(values[transposed ? m.at(item, c, r) : m.at(item, r, c)]);
}

template <class In, class Out>
std::vector<Out> plain_loops(const Product& p, const std::vector<In>& a, const std::vector<In>& b,
                             std::vector<Out> d, const std::vector<Out>& bias) {
  const int64_t k = p.trans_a ? p.a.rows : p.a.cols;
  for (int64_t item = 0; item < p.d.batch; ++item)
    for (int64_t r = 0; r < p.d.rows; ++r)
      for (int64_t c = 0; c < p.d.cols; ++c) {
        double sum = 0;
        for (int64_t i = 0; i < k; ++i)
          sum += element(a, p.a, p.trans_a, item, r, i) * element(b, p.b, p.trans_b, item, i, c);
        Out& out = d[p.d.at(item, r, c)];
        double value = p.alpha * sum + p.beta * number(out) + (p.bias ? number(bias[size_t(r)]) : 0);
        if (p.relu) value = std::max(value, 0.0);
        assign(value, out);
      }
  return d;
}

template <class T>
std::vector<double> numbers(const std::vector<T>& values) {
  std::vector<double> result;
  for (const T& v : values) result.push_back(number(v));
  return result;
}

/// Runs p in place (C is D) with each algorithm that there is, and compares.
template <class In, class Out>
void check(const Product& p, cublasComputeType_t compute = CUBLAS_COMPUTE_32F) {
  const bool f64 = compute == CUBLAS_COMPUTE_64F;
  Call call(compute, f64 ? CUDA_R_64F : CUDA_R_32F);
  const auto a = eighths<In>(p.a.span(), 1), b = eighths<In>(p.b.span(), 2);
  const auto before = eighths<Out>(p.d.span(), 3), bias = eighths<Out>(size_t(p.d.rows), 4);
  DeviceArray<In> device_a(a), device_b(b);
  DeviceArray<Out> device_bias(bias);
  call.a = make_layout(kType<In>, p.a), call.b = make_layout(kType<In>, p.b);
  call.c = make_layout(kType<Out>, p.d), call.d = make_layout(kType<Out>, p.d);
  call.set(CUBLASLT_MATMUL_DESC_TRANSA, int32_t(p.trans_a ? CUBLAS_OP_T : CUBLAS_OP_N));
  call.set(CUBLASLT_MATMUL_DESC_TRANSB, int32_t(p.trans_b ? CUBLAS_OP_T : CUBLAS_OP_N));
  const uint32_t epilogue = (p.bias ? CUBLASLT_EPILOGUE_BIAS : 0) | (p.relu ? CUBLASLT_EPILOGUE_RELU : 0);
  call.set(CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue ? epilogue : uint32_t(CUBLASLT_EPILOGUE_DEFAULT));
  if (p.bias) call.set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<void*>(device_bias.get()));
  call.prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, uint64_t(1) << 20);
  const float alpha = float(p.alpha), beta = float(p.beta);
  const void* factors[] = {f64 ? static_cast<const void*>(&p.alpha) : &alpha,
                           f64 ? static_cast<const void*>(&p.beta) : &beta};
  DeviceArray<char> workspace(1 << 20);
  const auto algorithms = call.algorithms();
  ASSERT_EQ(algorithms.size(), 2u);
  for (const cublasLtMatmulHeuristicResult_t& algorithm : algorithms) {
    DeviceArray<Out> device_d(before);
    ASSERT_EQ(cublasLtMatmul(call.handle, call.desc, factors[0], device_a.get(), call.a, device_b.get(),
                             call.b, factors[1], device_d.get(), call.c, device_d.get(), call.d,
                             &algorithm.algo, workspace.get(), algorithm.workspaceSize, nullptr),
              CUBLAS_STATUS_SUCCESS)
        << last_complaint();
    EXPECT_EQ(numbers(device_d.to_host()), numbers(plain_loops(p, a, b, before, bias)));
  }
}

using EmulatedCublasTest = EmulatedTest;

TEST_F(EmulatedCublasTest, PlainProduct) { check<float, float>({{5, 7, 5}, {7, 4, 7}, {5, 4, 5}}); }

TEST_F(EmulatedCublasTest, TransposesAndLeadingDimensions) {
  for (const bool ta : {false, true})
    for (const bool tb : {false, true}) {
      SCOPED_TRACE(testing::Message() << ta << tb);
      Product p;
      p.a = ta ? Matrix{7, 5, 9} : Matrix{5, 7, 8};
      p.b = tb ? Matrix{4, 7, 6} : Matrix{7, 4, 7};
      p.d = {5, 4, 11};
      p.trans_a = ta, p.trans_b = tb;
      p.alpha = 0.5, p.beta = 2;
      check<float, float>(p);
      check<double, double>(p, CUBLAS_COMPUTE_64F);
    }
}

TEST_F(EmulatedCublasTest, StridedBatches) {
  Product p{{3, 6, 3, 4, 20}, {6, 2, 6, 4, 12}, {3, 2, 3, 4, 7}};
  check<float, float>(p);
  p.b.batch_stride = 0;  // one B for all
  p.alpha = 2, p.beta = 0.5;
  check<float, float>(p);
}

TEST_F(EmulatedCublasTest, RowMajorMatrices) {
  Product p{{5, 7, 8, 2, 40, true}, {7, 4, 4, 2, 28, true}, {5, 4, 6, 2, 30, true}};
  check<float, float>(p);
  p.b = {7, 4, 7, 2, 28};  // mixed
  check<float, float>(p);
}

TEST_F(EmulatedCublasTest, SixteenBits) {
  Product p{{5, 7, 5}, {7, 4, 7}, {5, 4, 5}};
  p.alpha = 0.5, p.beta = 1;
  check<Half, Half>(p);
  check<Half, float>(p);
  check<BFloat16, BFloat16>(p);
  check<BFloat16, float>(p);
}

TEST_F(EmulatedCublasTest, BiasAndRelu) {
  Product p{{5, 7, 5}, {7, 4, 7}, {5, 4, 5}};
  p.bias = true;
  check<float, float>(p);
  check<Half, Half>(p);
  p.relu = true;
  check<float, float>(p);
  p.bias = false;
  check<float, float>(p);
  check<double, double>(p, CUBLAS_COMPUTE_64F);
  check<float, float>({{5, 7, 8, 1, 0, true}, {7, 4, 4, 1, 0, true}, {5, 4, 5}, false, false, true});
}

/// One f32 product that works, to be broken in one place by each test.
class Refusals : public EmulatedTest {
 protected:
  void TearDown() override {
    call_.reset();
    data_.reset();
    EmulatedTest::TearDown();
  }
  void make(cublasComputeType_t compute = CUBLAS_COMPUTE_32F) {
    call_ = std::make_unique<Call>(compute, CUDA_R_32F);
    data_ = std::make_unique<DeviceArray<float>>(std::vector<float>(1024, 1.0f));
    const Matrix square{4, 4, 4};
    for (cublasLtMatrixLayout_t* l : {&call_->a, &call_->b, &call_->c, &call_->d})
      *l = make_layout(CUDA_R_32F, square);
    a_ = data_->get(), b_ = a_ + 64, d_ = a_ + 128, c_ = d_;
    workspace_ = a_ + 512;
  }
  cublasStatus_t run(const cublasLtMatmulAlgo_t* algo = nullptr, size_t workspace_bytes = 0) {
    return cublasLtMatmul(call_->handle, call_->desc, &one_, a_, call_->a, b_, call_->b, &zero_, c_, call_->c,
                          d_, call_->d, algo, workspace_, workspace_bytes, nullptr);
  }
  const float one_ = 1, zero_ = 0;
  float *a_ = nullptr, *b_ = nullptr, *c_ = nullptr, *d_ = nullptr, *workspace_ = nullptr;
  std::unique_ptr<Call> call_;
  std::unique_ptr<DeviceArray<float>> data_;
};

TEST_F(Refusals, WhatIsRightPasses) {
  make();
  EXPECT_EQ(run(), CUBLAS_STATUS_SUCCESS) << last_complaint();
  EXPECT_EQ(data_->to_host()[128], 4);
}

TEST_F(Refusals, OperandsThatAreNotThere) {
  make();
  std::vector<float> host(16);
  a_ = host.data();
  EXPECT_EQ(run(), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_TRUE(complained("A lies in host memory"));
  a_ = data_->get() + 1024 - 15;
  EXPECT_EQ(run(), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_TRUE(complained("A: 64 bytes from byte 4036 of a block of 4096 bytes"));
}

TEST_F(Refusals, OutputsOverInputs) {
  make();
  d_ = c_ = a_ + 8;
  EXPECT_EQ(run(), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_TRUE(complained("D overlaps A"));
  d_ = a_ + 128, c_ = d_ + 4;
  EXPECT_EQ(run(), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_TRUE(complained("D overlaps C"));
}

TEST_F(Refusals, ShapesTypesAndLeadingDimensions) {
  make();
  const auto with_b = [&](cudaDataType_t type, const Matrix& m) {
    EXPECT_EQ(cublasLtMatrixLayoutDestroy(call_->b), CUBLAS_STATUS_SUCCESS);
    call_->b = make_layout(type, m);
    return run();
  };
  EXPECT_EQ(with_b(CUDA_R_32F, {5, 4, 5}), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_TRUE(complained("op(A) is 4x4, op(B) 5x4"));
  EXPECT_EQ(with_b(CUDA_R_32F, {4, 4, 3}), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_TRUE(complained("leading dimension 3"));
  EXPECT_EQ(with_b(CUDA_R_16F, {4, 4, 4}), CUBLAS_STATUS_NOT_SUPPORTED);
  EXPECT_TRUE(complained("no product of f32 and f16"));
  EXPECT_EQ(with_b(CUDA_R_32F, {4, 4, 4, 2, 16}), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_TRUE(complained("batch count 2"));
  EXPECT_EQ(with_b(CUDA_R_32F, {4, 4, 4}), CUBLAS_STATUS_SUCCESS);
}

TEST_F(Refusals, AlgorithmsOfOtherProducts) {
  make();
  const cublasLtMatmulAlgo_t algo = call_->algorithms().at(0).algo, invented{};
  EXPECT_EQ(run(&algo), CUBLAS_STATUS_SUCCESS) << last_complaint();
  EXPECT_EQ(run(&invented), CUBLAS_STATUS_INVALID_VALUE);
  call_->set(CUBLASLT_MATMUL_DESC_TRANSA, int32_t(CUBLAS_OP_T));
  EXPECT_EQ(run(&algo), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_TRUE(complained("chosen for other descriptors"));
}

TEST_F(Refusals, PointersLessAlignedThanPromised) {
  make();
  b_ += 4;  // 16 bytes
  cublasLtMatmulAlgo_t algo = call_->algorithms().at(0).algo;
  EXPECT_EQ(run(&algo), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_TRUE(complained("B is not aligned to 256 bytes"));
  call_->prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, uint32_t(16));
  algo = call_->algorithms().at(0).algo;
  EXPECT_EQ(run(&algo), CUBLAS_STATUS_SUCCESS) << last_complaint();
}

TEST_F(Refusals, EpiloguesOfRowMajorResults) {
  make();
  for (cublasLtMatrixLayout_t* l : {&call_->c, &call_->d}) {
    EXPECT_EQ(cublasLtMatrixLayoutDestroy(*l), CUBLAS_STATUS_SUCCESS);
    *l = make_layout(CUDA_R_32F, {4, 4, 4, 1, 0, true});
  }
  EXPECT_EQ(run(), CUBLAS_STATUS_SUCCESS) << last_complaint();
  call_->set(CUBLASLT_MATMUL_DESC_EPILOGUE, uint32_t(CUBLASLT_EPILOGUE_RELU));
  EXPECT_EQ(run(), CUBLAS_STATUS_NOT_SUPPORTED);
  EXPECT_TRUE(complained("where D is in row-major order"));
}

TEST_F(Refusals, NothingToMultiply) {
  make();
  for (cublasLtMatrixLayout_t* l : {&call_->a, &call_->b}) {
    EXPECT_EQ(cublasLtMatrixLayoutDestroy(*l), CUBLAS_STATUS_SUCCESS);
    *l = make_layout(CUDA_R_32F, l == &call_->a ? Matrix{4, 0, 4} : Matrix{0, 4, 4});
  }
  EXPECT_EQ(run(), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_TRUE(complained("A: 4x0, nothing to multiply"));
}

TEST_F(Refusals, ABiasLessAlignedThanTheHeuristicSaw) {
  make();
  float* const bias = a_ + 256;
  call_->set(CUBLASLT_MATMUL_DESC_EPILOGUE, uint32_t(CUBLASLT_EPILOGUE_BIAS));
  call_->set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<void*>(bias));
  const cublasLtMatmulAlgo_t algo = call_->algorithms().at(0).algo;
  call_->set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<void*>(bias + 4));
  EXPECT_EQ(run(&algo), CUBLAS_STATUS_SUCCESS) << last_complaint();
  call_->set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<void*>(bias + 1));
  EXPECT_EQ(run(&algo), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_TRUE(complained("the bias is less aligned"));
  const cublasLtMatmulAlgo_t other = call_->algorithms().at(0).algo;
  EXPECT_EQ(run(&other), CUBLAS_STATUS_SUCCESS) << last_complaint();
}

TEST_F(Refusals, Workspaces) {
  make();
  EXPECT_EQ(call_->algorithms().size(), 1u) << "no workspace is allowed unless it is preferred";
  call_->prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, uint64_t(64));
  const auto found = call_->algorithms();
  ASSERT_EQ(found.size(), 2u);
  ASSERT_EQ(found[0].workspaceSize, 64u);
  EXPECT_EQ(run(&found[0].algo, 64), CUBLAS_STATUS_SUCCESS) << last_complaint();
  EXPECT_TRUE(std::isnan(data_->to_host()[512])) << "the workspace is overwritten";
  EXPECT_EQ(run(&found[0].algo, 63), CUBLAS_STATUS_INVALID_VALUE);
  workspace_ = b_;
  EXPECT_EQ(run(&found[0].algo, 64), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_TRUE(complained("the workspace overlaps an operand"));
  workspace_ = a_ + 512 + 32;  // 128 bytes
  EXPECT_EQ(run(&found[0].algo, 64), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_TRUE(complained("the workspace is not aligned to 256 bytes"));
  workspace_ = a_ + 512;
  inject(Fault::workspace);
  EXPECT_EQ(run(&found[0].algo, 64), CUBLAS_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(run(&found[1].algo, 0), CUBLAS_STATUS_SUCCESS) << last_complaint();
}

TEST_F(Refusals, Tf32IsRoundedToWhereItIsAllowed) {
  const auto product_of = [&](cublasComputeType_t compute) {
    make(compute);
    const float fine = 1 + 0x1p-12f;  // TF32 has 10 bits of mantissa
    EXPECT_EQ(cudaMemcpy(a_, &fine, 4, cudaMemcpyHostToDevice), cudaSuccess);
    EXPECT_EQ(run(), CUBLAS_STATUS_SUCCESS) << last_complaint();
    return data_->to_host()[128] - 4;
  };
  EXPECT_EQ(product_of(CUBLAS_COMPUTE_32F), 0x1p-12f);
  EXPECT_EQ(product_of(CUBLAS_COMPUTE_32F_FAST_TF32), 0);
  options().tf32 = false;
  EXPECT_EQ(product_of(CUBLAS_COMPUTE_32F_FAST_TF32), 0x1p-12f);
}

TEST_F(Refusals, HandlesAndAttributes) {
  make();
  const int32_t value = 0;
  EXPECT_EQ(cublasLtMatmulDescSetAttribute(call_->desc, CUBLASLT_MATMUL_DESC_TRANSA, &value, 8),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(cublasLtMatrixLayoutSetAttribute(reinterpret_cast<cublasLtMatrixLayout_t>(call_->desc),
                                             CUBLASLT_MATRIX_LAYOUT_ORDER, &value, 4),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_TRUE(complained("this is the handle of a cublasLt matmul descriptor"));
  cublasLtHandle_t other = nullptr;
  ASSERT_EQ(cublasLtCreate(&other), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(leaks().size(), 9u) << "handle, descriptor, preference, four layouts, the data, and `other`";
  EXPECT_EQ(cublasLtDestroy(other), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(cublasLtDestroy(other), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_STREQ(cublasGetStatusString(CUBLAS_STATUS_SUCCESS), "success");
}

}  // namespace
}  // namespace cawe::emulated
