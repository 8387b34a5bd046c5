// SPDX-License-Identifier: Apache-2.0
// A device of compute capability 9.0 as cuDNN describes one (CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION); the
// fields are those that the library asks for by name where one is missing.
#pragma once

#include <string>

namespace cawe {

inline std::string described_device() {
  return R"({"deviceName":"sm_90","deviceVer":900,"driverVer":13000,"cudaDeviceId":0,
"maxGridSize":[2147483647,65535,65535],"maxBlockSize":[1024,1024,64],"regsPerBlock":65536,
"multiProcessorCount":132,"warpSize":32,"maxSharedMemoryPerBlock":49152,
"maxSharedMemoryPerBlockOptin":232448,"reservedSharedMemoryPerBlock":1024,"maxRegistersPerSM":65536,
"maxCtasPerSM":32,"maxThreadsPerBlock":1024,"maxThreadsPerSM":2048,"pciDeviceId":0,"isTccDriver":0,
"supportCoopLaunch":1,"smClockRateKHz":1980000,"memClockRateKHz":3201000,"l2CacheSize":62914560,
"totalGlobalMem":150754820096})";
}

}  // namespace cawe
