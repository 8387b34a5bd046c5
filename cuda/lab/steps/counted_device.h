// SPDX-License-Identifier: Apache-2.0
// What full-size networks ask of a device, counted without computing anything: calls of primitives with the bytes
// of their operands, launches, library calls, copies.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cuda/emulator/vendor/control.h"

namespace cawe::on_emulator {

/// The calls of one primitive, and what they made of it.
struct PrimitiveCount {
  std::string name;
  uint64_t calls = 0;
  std::map<std::string, uint64_t> kernels;  ///< launches by the kernel's name
  uint64_t vendor_calls = 0;                ///< convolutions and products
  double bytes = 0;  ///< every operand once; what is converted or packed on the way counts under `copy`
  /// Multiply and add are two: of operands in 16 bits, of f32 that may be rounded to TF32 (CAWE_TF32=1), and of all
  /// others. Only products have any: convolutions, linear layers, matrix products, attention.
  double flops_16 = 0, flops_tf32 = 0, flops_32 = 0;
  uint64_t launches() const;  ///< of kernels
  double flops() const { return flops_16 + flops_tf32 + flops_32; }
};

struct StepCount {
  std::vector<PrimitiveCount> primitives;  ///< most bytes first
  emulated::Traffic traffic;
  int64_t peak_bytes = 0;   ///< of tensors and scratch memory
  uint64_t host_waits = 0;  ///< calls in which the host may wait for the device
  uint64_t launches() const;
  uint64_t vendor_calls() const { return traffic.convolutions + traffic.products; }
  double bytes() const;
  double flops() const;
};

/// While it lives, Device::emulated is a device of `memory` bytes that runs nothing: what is copied to the host is
/// 0. The backend is the CUDA backend itself. Throws Code::usage where the program has used the emulated device
/// before; no tensor of the device may outlive this.
class CountedDevice {
 public:
  explicit CountedDevice(size_t memory = size_t{141} << 30);
  ~CountedDevice();
  CountedDevice(const CountedDevice&) = delete;
  CountedDevice& operator=(const CountedDevice&) = delete;
  /// Since the last call.
  StepCount take();
  /// Whether products of f32 may round to TF32 (CAWE_TF32=1 when this was made).
  bool tf32() const;

 private:
  class Backend;
  std::unique_ptr<Backend> backend_;
};

}  // namespace cawe::on_emulator
