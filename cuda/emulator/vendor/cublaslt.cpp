// SPDX-License-Identifier: Apache-2.0
// cuBLASLt's product and its choice of an algorithm.
#include <algorithm>

#include "cuda/emulator/vendor/gemm.h"
#include "cuda/emulator/vendor/library.h"

namespace cawe::emulated {
namespace {

// What an algorithm's eight words hold.
constexpr uint64_t kAlgorithm = 0x6361776567656d6d;  // tells ours from anything else
constexpr size_t kWorkspaceAlignment = 256;
enum Word { magic, product, workspace_bytes, alignments, bias_alignment };

uint64_t packed(const uint32_t alignment[4]) {
  uint64_t bits = 0;
  for (int i = 0; i < 4; ++i) bits |= uint64_t(std::min(alignment[i], 256u)) << (16 * i);
  return bits;
}

/// The largest power of two up to 16 that divides the address.
uint64_t alignment_of(const void* p) {
  uint64_t alignment = 16;
  while (reinterpret_cast<uintptr_t>(p) % alignment != 0) alignment /= 2;
  return alignment;
}

/// With room for it, partial sums in the workspace; always, an algorithm that needs none.
int list_algorithms(const Gemm& gemm, const MatmulPreference& preference, int most,
                    cublasLtMatmulHeuristicResult_t* results) {
  const uint64_t partial = uint64_t(gemm.d.size[0] * gemm.m * gemm.n) * sizeof(float);
  int count = 0;
  for (const uint64_t bytes : {partial, uint64_t{0}}) {
    if (count == most || (bytes > 0 && bytes > preference.workspace)) continue;
    cublasLtMatmulHeuristicResult_t& r = results[count++];
    r = {};
    r.algo.data[magic] = kAlgorithm;
    r.algo.data[product] = fingerprint(gemm);
    r.algo.data[workspace_bytes] = bytes;
    r.algo.data[alignments] = packed(preference.alignment);
    r.algo.data[bias_alignment] = gemm.has_bias ? alignment_of(gemm.bias.p) : 1;
    r.workspaceSize = size_t(bytes);
    r.state = CUBLAS_STATUS_SUCCESS;
    r.wavesCount = 1;
  }
  return count;
}

/// The algorithm was chosen for such a product, and for pointers aligned like these.
cublasStatus_t check_algorithm(const cublasLtMatmulAlgo_t& algo, const Gemm& gemm) {
  if (algo.data[magic] != kAlgorithm)
    return refuse(CUBLAS_STATUS_INVALID_VALUE,
                  "the algorithm does not come from cublasLtMatmulAlgoGetHeuristic");
  if (algo.data[product] != fingerprint(gemm))
    return refuse(CUBLAS_STATUS_INVALID_VALUE, "the algorithm was chosen for other descriptors; ask again");
  if (gemm.has_bias && reinterpret_cast<uintptr_t>(gemm.bias.p) % algo.data[bias_alignment] != 0)
    return refuse(CUBLAS_STATUS_INVALID_VALUE,
                  "the bias is less aligned than the one that the heuristic saw (", algo.data[bias_alignment],
                  " bytes)");
  const Strided* operands[] = {&gemm.a, &gemm.b, &gemm.c, &gemm.d};
  for (int i = 0; i < 4; ++i) {
    const uint64_t alignment = algo.data[alignments] >> (16 * i) & 0xffff;
    if (alignment > 0 && reinterpret_cast<uintptr_t>(operands[i]->p) % alignment != 0)
      return refuse(CUBLAS_STATUS_INVALID_VALUE, "ABCD"[i], " is not aligned to ", alignment,
                    " bytes, as the preference promised the heuristic (256 where nothing was set)");
  }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t check_operands(const Gemm& g) {
  const bool there = check_elements("A", g.a) && check_elements("B", g.b) && check_elements("C", g.c) &&
                     check_elements("D", g.d) && (!g.has_bias || check_elements("the bias", g.bias));
  if (!there) return CUBLAS_STATUS_INVALID_VALUE;
  const bool in_place = g.c.p == g.d.p && g.c.stride == g.d.stride;
  const bool apart = check_apart("D", g.d.p, g.d.bytes(), "A", g.a.p, g.a.bytes()) &&
                     check_apart("D", g.d.p, g.d.bytes(), "B", g.b.p, g.b.bytes()) &&
                     (in_place || check_apart("D", g.d.p, g.d.bytes(), "C", g.c.p, g.c.bytes()));
  if (!apart) return CUBLAS_STATUS_INVALID_VALUE;
  if (g.d.size[0] > 1 && g.d.stride[0] < int64_t(item_elements(g.d)))
    return refuse(CUBLAS_STATUS_INVALID_VALUE, "the items of D overlap: batch offset ", g.d.stride[0],
                  " of items that span ", item_elements(g.d), " elements");
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t read_factors(const MatmulDesc& desc, const void* alpha, const void* beta, Gemm& gemm) {
  if (!alpha || !beta) return refuse(CUBLAS_STATUS_INVALID_VALUE, "alpha or beta is nullptr");
  const DType dtype = desc.scale == CUDA_R_64F ? DType::f64 : DType::f32;
  gemm.alpha = read_factor(alpha, dtype);
  gemm.beta = read_factor(beta, dtype);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t submit_gemm(const Gemm& gemm, const LibraryWorkspace& workspace, cudaStream_t stream) {
  const StreamPtr where = stream_of(stream);
  if (!where) return CUBLAS_STATUS_EXECUTION_FAILED;
  ++state().traffic.products;
  const cudaError_t status = enqueue(where, [gemm, workspace] {
    if (state().options.dry) return cudaSuccess;
    const cudaError_t used = use_workspace(workspace);
    return used != cudaSuccess ? used : run_gemm(gemm);
  });
  return status == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

template <class Body>
cublasStatus_t blas_call(const char* name, Body body) {
  return library_call(name, CUBLAS_STATUS_EXECUTION_FAILED, CUBLAS_STATUS_INTERNAL_ERROR, body);
}

/// The descriptors of a call as one product.
cublasStatus_t read_gemm(cublasLtHandle_t handle, const std::shared_ptr<MatmulDesc>& desc,
                         const cublasLtMatrixLayout_t (&layouts)[4], Gemm& gemm) {
  std::shared_ptr<MatrixLayout> found[4];
  if (!find<BlasHandle>(handle)) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (!desc) return CUBLAS_STATUS_INVALID_VALUE;
  for (int i = 0; i < 4; ++i)
    if (!(found[i] = find<MatrixLayout>(layouts[i]))) return CUBLAS_STATUS_INVALID_VALUE;
  return make_gemm(*desc, *found[0], *found[1], *found[2], *found[3], gemm);
}

}  // namespace
}  // namespace cawe::emulated

CAWE_EMULATED_BEGIN

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int requested,
                                              cublasLtMatmulHeuristicResult_t results[], int* returned) {
  return blas_call(__func__, [&]() -> cublasStatus_t {
    if (!results || !returned || requested < 1)
      return refuse(CUBLAS_STATUS_INVALID_VALUE, "no room for a result");
    *returned = 0;
    Gemm gemm;
    if (const cublasStatus_t status = read_gemm(handle, find<MatmulDesc>(desc), {a, b, c, d}, gemm))
      return status;
    const auto wanted = find<MatmulPreference>(preference);
    if (!wanted) return CUBLAS_STATUS_INVALID_VALUE;
    *returned = list_algorithms(gemm, *wanted, requested, results);
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, const void* alpha,
                              const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                              cublasLtMatrixLayout_t b_layout, const void* beta, const void* c,
                              cublasLtMatrixLayout_t c_layout, void* d, cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t* algo, void* workspace, size_t bytes,
                              cudaStream_t stream) {
  return blas_call(__func__, [&]() -> cublasStatus_t {
    Gemm gemm;
    const auto found = find<MatmulDesc>(desc);
    if (const cublasStatus_t status =
            read_gemm(handle, found, {a_layout, b_layout, c_layout, d_layout}, gemm))
      return status;
    gemm.a.p = device_pointer(a), gemm.b.p = device_pointer(b), gemm.c.p = device_pointer(c);
    gemm.d.p = static_cast<char*>(d);
    if (const cublasStatus_t status = check_operands(gemm)) return status;
    if (const cublasStatus_t status = read_factors(*found, alpha, beta, gemm)) return status;
    if (algo)
      if (const cublasStatus_t status = check_algorithm(*algo, gemm)) return status;
    const LibraryWorkspace work{workspace, algo ? size_t(algo->data[workspace_bytes]) : 0};
    if (!check_workspace(work, bytes, kWorkspaceAlignment, {&gemm.a, &gemm.b, &gemm.c, &gemm.d}))
      return CUBLAS_STATUS_INVALID_VALUE;
    if (due(Fault::product)) return refuse(CUBLAS_STATUS_NOT_SUPPORTED, "an injected fault");
    if (work.needed > 0 && due(Fault::workspace))
      return refuse(CUBLAS_STATUS_NOT_SUPPORTED, "an injected fault: the workspace is refused");
    return submit_gemm(gemm, work, stream);
  });
}

CAWE_EMULATED_END
