// SPDX-License-Identifier: Apache-2.0
// The device's properties, and errors.
#include <algorithm>
#include <cstring>

#include "cuda/emulator/vendor/streams.h"

namespace cawe::emulated {
namespace {

// A made-up device: limits of compute capability 9.0, few multiprocessors, so that grids stay small.
constexpr int kMajor = 9, kMinor = 0, kMultiprocessors = 8;
constexpr int kRuntimeVersion = 13000;

struct Attribute {
  cudaDeviceAttr key;
  int value;
};
constexpr Attribute kAttributes[] = {
    {cudaDevAttrMaxThreadsPerBlock, 1024},
    {cudaDevAttrMaxSharedMemoryPerBlock, 48 << 10},
    {cudaDevAttrWarpSize, 32},
    {cudaDevAttrMaxRegistersPerBlock, 65536},
    {cudaDevAttrClockRate, 1000000},
    {cudaDevAttrMultiProcessorCount, kMultiprocessors},
    {cudaDevAttrIntegrated, 0},
    {cudaDevAttrEccEnabled, 0},
    {cudaDevAttrMemoryClockRate, 1000000},
    {cudaDevAttrGlobalMemoryBusWidth, 256},
    {cudaDevAttrL2CacheSize, 4 << 20},
    {cudaDevAttrMaxThreadsPerMultiProcessor, 2048},
    {cudaDevAttrAsyncEngineCount, 2},
    {cudaDevAttrComputeCapabilityMajor, kMajor},
    {cudaDevAttrComputeCapabilityMinor, kMinor},
    {cudaDevAttrMaxSharedMemoryPerMultiprocessor, 228 << 10},
    {cudaDevAttrCooperativeLaunch, 0},
};

cudaError_t check_device(int device) {
  if (state().options.devices == 0) return cudaErrorNoDevice;
  if (device != 0) return refuse(cudaErrorInvalidDevice, "device ", device, " (there is device 0 alone)");
  return cudaSuccess;
}

/// -1 where the emulator does not know it.
int attribute(cudaDeviceAttr key) {
  if (key == cudaDevAttrMaxSharedMemoryPerBlockOptin) return int(simt::options().most_shared);
  const auto* found = std::find_if(std::begin(kAttributes), std::end(kAttributes),
                                   [&](const Attribute& a) { return a.key == key; });
  return found == std::end(kAttributes) ? -1 : found->value;
}

void fill_properties(cudaDeviceProp& p) {
  p = {};
  std::strcpy(p.name, "emulated by cawe");
  p.totalGlobalMem = state().options.device_bytes;
  p.sharedMemPerBlock = size_t(attribute(cudaDevAttrMaxSharedMemoryPerBlock));
  p.regsPerBlock = p.regsPerMultiprocessor = attribute(cudaDevAttrMaxRegistersPerBlock);
  p.warpSize = attribute(cudaDevAttrWarpSize);
  p.maxThreadsPerBlock = p.maxThreadsDim[0] = p.maxThreadsDim[1] = attribute(cudaDevAttrMaxThreadsPerBlock);
  p.maxThreadsDim[2] = 64;
  p.maxGridSize[0] = 0x7fffffff;
  p.maxGridSize[1] = p.maxGridSize[2] = 65535;
  p.major = kMajor;
  p.minor = kMinor;
  p.multiProcessorCount = kMultiprocessors;
  p.concurrentKernels = 1;
  p.asyncEngineCount = attribute(cudaDevAttrAsyncEngineCount);
  p.memoryBusWidth = attribute(cudaDevAttrGlobalMemoryBusWidth);
  p.l2CacheSize = attribute(cudaDevAttrL2CacheSize);
  p.maxThreadsPerMultiProcessor = attribute(cudaDevAttrMaxThreadsPerMultiProcessor);
  p.sharedMemPerMultiprocessor = size_t(attribute(cudaDevAttrMaxSharedMemoryPerMultiprocessor));
  p.sharedMemPerBlockOptin = size_t(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin));
}

struct ErrorText {
  cudaError_t error;
  const char *name, *text;
};
#define CAWE_ERROR(name, text) \
  { name, #name, text }
constexpr ErrorText kErrors[] = {
    CAWE_ERROR(cudaSuccess, "no error"),
    CAWE_ERROR(cudaErrorInvalidValue, "invalid argument"),
    CAWE_ERROR(cudaErrorMemoryAllocation, "out of memory"),
    CAWE_ERROR(cudaErrorInitializationError, "initialization error"),
    CAWE_ERROR(cudaErrorInvalidConfiguration, "invalid configuration argument"),
    CAWE_ERROR(cudaErrorInvalidPitchValue, "invalid pitch argument"),
    CAWE_ERROR(cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy"),
    CAWE_ERROR(cudaErrorInsufficientDriver, "the driver is older than the runtime"),
    CAWE_ERROR(cudaErrorNoDevice, "no CUDA-capable device is detected"),
    CAWE_ERROR(cudaErrorInvalidDevice, "invalid device ordinal"),
    CAWE_ERROR(cudaErrorNoKernelImageForDevice, "no kernel image for this device"),
    CAWE_ERROR(cudaErrorECCUncorrectable, "uncorrectable ECC error encountered"),
    CAWE_ERROR(cudaErrorInvalidResourceHandle, "invalid resource handle"),
    CAWE_ERROR(cudaErrorIllegalState, "the operation cannot be performed in the present state"),
    CAWE_ERROR(cudaErrorNotReady, "device not ready"),
    CAWE_ERROR(cudaErrorIllegalAddress, "an illegal memory access was encountered"),
    CAWE_ERROR(cudaErrorLaunchOutOfResources, "too many resources requested for launch"),
    CAWE_ERROR(cudaErrorLaunchTimeout, "the launch timed out and was terminated"),
    CAWE_ERROR(cudaErrorAssert, "device-side assert triggered"),
    CAWE_ERROR(cudaErrorHardwareStackError, "hardware stack error"),
    CAWE_ERROR(cudaErrorIllegalInstruction, "an illegal instruction was encountered"),
    CAWE_ERROR(cudaErrorMisalignedAddress, "misaligned address"),
    CAWE_ERROR(cudaErrorInvalidAddressSpace, "operation not supported on global/shared address space"),
    CAWE_ERROR(cudaErrorInvalidPc, "invalid program counter"),
    CAWE_ERROR(cudaErrorLaunchFailure, "unspecified launch failure"),
    CAWE_ERROR(cudaErrorNotSupported, "operation not supported"),
    CAWE_ERROR(cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing"),
    CAWE_ERROR(cudaErrorStreamCaptureInvalidated, "operation failed due to a previous error during capture"),
    CAWE_ERROR(cudaErrorStreamCaptureUnmatched, "capture was not initiated in this stream"),
    CAWE_ERROR(cudaErrorStreamCaptureUnjoined, "capturing stream has unjoined work"),
    CAWE_ERROR(cudaErrorStreamCaptureIsolation, "dependency created on uncaptured work in another stream"),
    CAWE_ERROR(cudaErrorStreamCaptureImplicit,
               "operation would make the legacy stream depend on a capturing one"),
    CAWE_ERROR(cudaErrorCapturedEvent,
               "operation not permitted on an event last recorded in a capturing stream"),
    CAWE_ERROR(cudaErrorStreamCaptureWrongThread, "capture was begun on another thread"),
    CAWE_ERROR(cudaErrorUnknown, "unknown error"),
};
#undef CAWE_ERROR

const ErrorText* find_error(cudaError_t error) {
  const auto* found = std::find_if(std::begin(kErrors), std::end(kErrors),
                                   [&](const ErrorText& e) { return e.error == error; });
  return found == std::end(kErrors) ? nullptr : found;
}

}  // namespace
}  // namespace cawe::emulated

CAWE_EMULATED_BEGIN

cudaError_t cudaGetDeviceCount(int* count) {
  return cuda_call(__func__, [&]() -> cudaError_t {
    if (!count) return refuse(cudaErrorInvalidValue, "the result's address is nullptr");
    *count = state().options.devices;
    return *count == 0 ? cudaErrorNoDevice : cudaSuccess;
  });
}

cudaError_t cudaSetDevice(int device) {
  return cuda_call(__func__, [&] { return check_device(device); });
}

cudaError_t cudaGetDevice(int* device) {
  return cuda_call(__func__, [&]() -> cudaError_t {
    if (!device) return refuse(cudaErrorInvalidValue, "the result's address is nullptr");
    *device = 0;
    return check_device(0);
  });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* prop, int device) {
  return cuda_call(__func__, [&]() -> cudaError_t {
    if (!prop) return refuse(cudaErrorInvalidValue, "the result's address is nullptr");
    if (const cudaError_t status = check_device(device)) return status;
    fill_properties(*prop);
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attr, int device) {
  return cuda_call(__func__, [&]() -> cudaError_t {
    if (!value) return refuse(cudaErrorInvalidValue, "the result's address is nullptr");
    if (const cudaError_t status = check_device(device)) return status;
    *value = attribute(attr);
    if (*value >= 0) return cudaSuccess;
    return refuse(cudaErrorInvalidValue, "attribute ", int(attr), " is not one that the emulator knows");
  });
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  return cuda_call(__func__, [&]() -> cudaError_t {
    if (!version) return refuse(cudaErrorInvalidValue, "the result's address is nullptr");
    *version = kRuntimeVersion;
    return cudaSuccess;
  });
}

cudaError_t cudaDriverGetVersion(int* version) {
  return cuda_call(__func__, [&]() -> cudaError_t {
    if (!version) return refuse(cudaErrorInvalidValue, "the result's address is nullptr");
    *version = state().options.devices == 0 ? 0 : kRuntimeVersion;
    return cudaSuccess;
  });
}

cudaError_t cudaGetLastError() {
  const Entry entry(__func__);
  return last_error(true);
}

cudaError_t cudaPeekAtLastError() {
  const Entry entry(__func__);
  return last_error(false);
}

const char* cudaGetErrorString(cudaError_t error) {
  const ErrorText* found = find_error(error);
  return found ? found->text : "unrecognized error code";
}

const char* cudaGetErrorName(cudaError_t error) {
  const ErrorText* found = find_error(error);
  return found ? found->name : "unrecognized error code";
}

CAWE_EMULATED_END
