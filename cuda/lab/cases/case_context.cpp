// SPDX-License-Identifier: Apache-2.0
// Cases on the emulator.
#include <cstring>

#include "cuda/emulator/simt/emulator.h"
#include "cuda/emulator/vendor/cuda_api.h"
#include "cuda/lab/cases/case.h"

namespace cawe::on_emulator {

namespace {

/// Where the emulated runtime is in use, launches wait for their stream.
void synchronize() {
  const auto status = emulated::cudaDeviceSynchronize();
  CAWE_CHECK(status == emulated::cudaSuccess, Code::internal,
             "kernel case: ", emulated::cudaGetErrorString(status));
}

}  // namespace

CaseContext::CaseContext() = default;

CaseContext::~CaseContext() {
  for (void* block : blocks_) simt::release(block);
}

void* CaseContext::fresh_bytes(size_t bytes) {
  void* block = simt::allocate(bytes);
  CAWE_CHECK(block != nullptr, Code::io, "kernel case: the emulator has no ", bytes, " B left");
  blocks_.push_back(block);
  return block;
}

void* CaseContext::upload_bytes(const void* from, size_t bytes) {
  void* block = fresh_bytes(bytes);
  const simt::HostAccess access;
  std::memcpy(block, from, bytes);
  simt::mark_written(block, bytes);
  return block;
}

void CaseContext::download_bytes(const void* p, void* to, size_t bytes) {
  synchronize();
  const simt::HostAccess access;
  std::memcpy(to, p, bytes);
}

void CaseContext::measure(const std::function<void()>& launches) {
  const auto run = [&] {
    launches();
    synchronize();
  };
  if (timer_)
    timer_(run);
  else
    run();
}

void CaseContext::compare(const std::function<void()>& launches) {
  synchronize();
  const simt::Level level = simt::options().level;
  simt::options().level = simt::Level::off;
  launches();
  synchronize();
  simt::options().level = level;
}

}  // namespace cawe::on_emulator
