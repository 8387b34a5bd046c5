// SPDX-License-Identifier: Apache-2.0
// Cases on a GPU.
#include "cuda/lab/cases/case_context_cuda.h"

#include "cuda/lab/cases/case.h"
#include "cuda/runtime/errors.h"

namespace cawe::on_cuda {
namespace {

bool fresh_is_filled = true;

}  // namespace

void leave_fresh_memory(bool as_it_is) { fresh_is_filled = !as_it_is; }

CaseContext::CaseContext() = default;

CaseContext::~CaseContext() {
  for (void* block : blocks_) cudaFree(block);
}

void* CaseContext::fresh_bytes(size_t bytes) {
  void* block = nullptr;
  CAWE_CUDA(cudaMalloc(&block, bytes));
  blocks_.push_back(block);
  if (fresh_is_filled) CAWE_CUDA(cudaMemset(block, 0xff, bytes));  // NaN in every floating format
  return block;
}

void* CaseContext::upload_bytes(const void* from, size_t bytes) {
  void* block = fresh_bytes(bytes);
  CAWE_CUDA(cudaMemcpy(block, from, bytes, cudaMemcpyHostToDevice));
  return block;
}

void CaseContext::download_bytes(const void* p, void* to, size_t bytes) {
  CAWE_CUDA(cudaMemcpy(to, p, bytes, cudaMemcpyDeviceToHost));
}

void CaseContext::measure(const std::function<void()>& launches) {
  if (timer_)
    timer_(launches);
  else
    launches();
  CAWE_CUDA(cudaDeviceSynchronize());
}

void CaseContext::compare(const std::function<void()>& launches) {
  launches();
  CAWE_CUDA(cudaDeviceSynchronize());
}

}  // namespace cawe::on_cuda
