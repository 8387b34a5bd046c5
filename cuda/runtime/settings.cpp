// SPDX-License-Identifier: Apache-2.0
#include "cuda/runtime/settings.h"

#include <cstdlib>
#include <string>

#include "tensor/error.h"

namespace CAWE_DEVICE {
namespace {

/// The variable's value, or an empty string.
std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool flag(const char* name, bool fallback) {
  const std::string value = variable(name);
  if (value.empty()) return fallback;
  CAWE_CHECK(value == "0" || value == "1", Code::usage, name, " is '", value, "' (expected 0 or 1)");
  return value == "1";
}

size_t mebibytes(const char* name, size_t fallback) {
  const std::string value = variable(name);
  if (value.empty()) return fallback;
  const bool digits = value.size() <= 7 && value.find_first_not_of("0123456789") == std::string::npos;
  CAWE_CHECK(digits, Code::usage, name, " is '", value, "' (expected a whole number of MiB, 0 or more)");
  return size_t(std::stoul(value)) << 20;
}

CudnnInterface interface_of_cudnn(const char* name, CudnnInterface fallback) {
  const std::string value = variable(name);
  if (value.empty()) return fallback;
  CAWE_CHECK(value == "graph" || value == "legacy", Code::usage, name, " is '", value,
             "' (expected graph or legacy)");
  return value == "graph" ? CudnnInterface::graph : CudnnInterface::legacy;
}

}  // namespace

Settings settings_from_environment() {
  Settings s;
  s.workspace_bytes = mebibytes("CAWE_CUDNN_WORKSPACE_MB", s.workspace_bytes);
  s.tf32 = flag("CAWE_TF32", s.tf32);
  s.winograd = flag("CAWE_WINOGRAD", s.winograd);
  s.cudnn = interface_of_cudnn("CAWE_CUDNN", s.cudnn);
  s.caching = flag("CAWE_CUDA_CACHE", s.caching);
  return s;
}

}  // namespace CAWE_DEVICE
