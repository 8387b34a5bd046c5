// SPDX-License-Identifier: Apache-2.0
// Descriptors of cuDNN's graph interface: made, given attributes, finalized, and read. Nothing here runs on
// the device.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cuda/runtime/errors.h"

namespace CAWE_DEVICE {

/// Thrown where the library does not make what it was asked for (is_refusal()); another engine or interface may work.
struct GraphRefusal {
  std::string reason;  ///< the call, the status, the library's words
};

/// The library's name of a C++ type.
template <class T>
constexpr cudnnBackendAttributeType_t kAttributeType = cudnnBackendAttributeType_t(-1);
template <>
inline constexpr auto kAttributeType<cudnnHandle_t> = CUDNN_TYPE_HANDLE;
template <>
inline constexpr auto kAttributeType<cudnnDataType_t> = CUDNN_TYPE_DATA_TYPE;
template <>
inline constexpr auto kAttributeType<bool> = CUDNN_TYPE_BOOLEAN;
template <>
inline constexpr auto kAttributeType<int64_t> = CUDNN_TYPE_INT64;
template <>
inline constexpr auto kAttributeType<float> = CUDNN_TYPE_FLOAT;
template <>
inline constexpr auto kAttributeType<double> = CUDNN_TYPE_DOUBLE;
/// Addresses in device memory; descriptors, which are void*, too, have functions of their own.
template <>
inline constexpr auto kAttributeType<void*> = CUDNN_TYPE_VOID_PTR;
template <>
inline constexpr auto kAttributeType<cudnnConvolutionMode_t> = CUDNN_TYPE_CONVOLUTION_MODE;
template <>
inline constexpr auto kAttributeType<cudnnBackendHeurMode_t> = CUDNN_TYPE_HEUR_MODE;
template <>
inline constexpr auto kAttributeType<cudnnNanPropagation_t> = CUDNN_TYPE_NAN_PROPOGATION;
template <>
inline constexpr auto kAttributeType<cudnnBackendNumericalNote_t> = CUDNN_TYPE_NUMERICAL_NOTE;
template <>
inline constexpr auto kAttributeType<cudnnPointwiseMode_t> = CUDNN_TYPE_POINTWISE_MODE;
template <>
inline constexpr auto kAttributeType<cudnnBackendBehaviorNote_t> = CUDNN_TYPE_BEHAVIOR_NOTE;

/// Owns a descriptor. Those that it was given as attributes must live as long.
class GraphDescriptor {
 public:
  explicit GraphDescriptor(cudnnBackendDescriptorType_t type);
  ~GraphDescriptor();
  GraphDescriptor(GraphDescriptor&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  GraphDescriptor& operator=(GraphDescriptor&&) = delete;
  cudnnBackendDescriptor_t get() const { return object_; }

  /// All of them throw GraphRefusal, or Error where the library fails otherwise: memory is out, a kernel queued before
  /// has failed, something is wrong inside.
  template <class T>
  void set(cudnnBackendAttributeName_t name, const std::vector<T>& values) {
    put(name, kAttributeType<T>, int64_t(values.size()), values.data());
  }
  template <class T>
  void set(cudnnBackendAttributeName_t name, const T& value) {
    put(name, kAttributeType<T>, 1, &value);
  }
  void link(cudnnBackendAttributeName_t name, const std::vector<cudnnBackendDescriptor_t>& descriptors) {
    put(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, int64_t(descriptors.size()), descriptors.data());
  }
  void link(cudnnBackendAttributeName_t name, const GraphDescriptor& descriptor) {
    link(name, std::vector<cudnnBackendDescriptor_t>{descriptor.get()});
  }
  void finalize();

  /// At most `most` values.
  template <class T>
  std::vector<T> values(cudnnBackendAttributeName_t name, int64_t most) const {
    std::vector<T> found(static_cast<size_t>(most));
    found.resize(size_t(take(name, kAttributeType<T>, most, found.data())));
    return found;
  }
  /// The one value of an attribute; GraphRefusal where the library names none.
  template <class T>
  T value(cudnnBackendAttributeName_t name) const {
    T found{};
    if (take(name, kAttributeType<T>, 1, &found) < 1)
      throw GraphRefusal{detail::concat("no value of attribute ", int(name))};
    return found;
  }
  /// Fills descriptors that the caller made, as many as there are, and returns how many.
  int64_t fill(cudnnBackendAttributeName_t name, std::vector<cudnnBackendDescriptor_t>& descriptors) const {
    return take(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, int64_t(descriptors.size()), descriptors.data());
  }

 private:
  void put(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
           const void* values);
  int64_t take(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t most,
               void* values) const;

  cudnnBackendDescriptor_t object_ = nullptr;
};

}  // namespace CAWE_DEVICE
