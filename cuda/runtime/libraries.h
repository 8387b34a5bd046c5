// SPDX-License-Identifier: Apache-2.0
// Handles of cuBLASLt and cuDNN, made at first use, and classes that own the libraries' descriptors.
#pragma once

#include "cuda/runtime/stream.h"

namespace CAWE_DEVICE {

/// Owns a descriptor.
template <class T, cudnnStatus_t (*create)(T*), cudnnStatus_t (*destroy)(T)>
class DnnObject {
 public:
  DnnObject() { CAWE_CUDNN(create(&object_)); }
  ~DnnObject() { destroy(object_); }
  DnnObject(const DnnObject&) = delete;
  DnnObject& operator=(const DnnObject&) = delete;
  operator T() const { return object_; }

 private:
  T object_ = nullptr;
};
using TensorDescriptor =
    DnnObject<cudnnTensorDescriptor_t, cudnnCreateTensorDescriptor, cudnnDestroyTensorDescriptor>;
using FilterDescriptor =
    DnnObject<cudnnFilterDescriptor_t, cudnnCreateFilterDescriptor, cudnnDestroyFilterDescriptor>;
using ConvolutionDescriptor = DnnObject<cudnnConvolutionDescriptor_t, cudnnCreateConvolutionDescriptor,
                                        cudnnDestroyConvolutionDescriptor>;
using ActivationDescriptor =
    DnnObject<cudnnActivationDescriptor_t, cudnnCreateActivationDescriptor, cudnnDestroyActivationDescriptor>;

/// The handles of one device.
class Libraries {
 public:
  explicit Libraries(OwnedStream& compute) : compute_(compute) {}
  ~Libraries();
  Libraries(const Libraries&) = delete;
  Libraries& operator=(const Libraries&) = delete;
  /// Works on the compute stream. Must not be used by two threads at once.
  cudnnHandle_t cudnn();
  cublasLtHandle_t cublaslt();
  DeviceStream stream() const { return compute_.get(); }

 private:
  OwnedStream& compute_;
  cudnnHandle_t cudnn_ = nullptr;
  cublasLtHandle_t cublaslt_ = nullptr;
};

inline const char* name_of(Number number) {
  constexpr const char* kNames[] = {"f32", "f64", "f16", "bf16"};
  return kNames[size_t(number)];
}

/// How often a cache of plans already had what was asked for.
struct PlanStatistics {
  int64_t made = 0;   ///< plans made, each with a query to the library
  int64_t found = 0;  ///< calls whose plan was there
};

/// The factors alpha and beta of a call in the type that the libraries read: f64 for f64, else f32.
struct Factor {
  explicit Factor(double value) : in_f64(value), in_f32(float(value)) {}
  const void* of(Number number) const {
    return number == Number::f64 ? static_cast<const void*>(&in_f64) : &in_f32;
  }
  double in_f64;
  float in_f32;
};

}  // namespace CAWE_DEVICE
