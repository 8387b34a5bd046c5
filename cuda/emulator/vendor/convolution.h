// SPDX-License-Identifier: Apache-2.0
// cuDNN's descriptors, and what they say together: one convolution. Internal.
#pragma once

#include "cuda/emulator/vendor/cudnn_api.h"
#include "cuda/emulator/vendor/library.h"
#include "tensor/primitives/params.h"

namespace cawe::emulated {

struct DnnHandle : Object {
  static constexpr const char* kKind = "cuDNN handle";
  const char* kind() const override { return kKind; }
  cudaStream_t stream = nullptr;
};

/// A tensor or filter descriptor's content; a filter's sizes are K, C, H, W.
struct TensorDesc : Object {
  static constexpr const char* kKind = "cuDNN tensor descriptor";
  const char* kind() const override { return kKind; }
  bool set = false;
  Strided elements;
};
struct FilterDesc : Object {
  static constexpr const char* kKind = "cuDNN filter descriptor";
  const char* kind() const override { return kKind; }
  bool set = false, channels_last = false;
  Strided elements;
};

struct ConvolutionDesc : Object {
  static constexpr const char* kKind = "cuDNN convolution descriptor";
  const char* kind() const override { return kKind; }
  bool set = false;
  int pad[2] = {}, stride[2] = {1, 1}, dilation[2] = {1, 1}, groups = 1;
  cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
  cudnnDataType_t compute = CUDNN_DATA_FLOAT;
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
};

struct ActivationDesc : Object {
  static constexpr const char* kKind = "cuDNN activation descriptor";
  const char* kind() const override { return kKind; }
  bool set = false;
  cudnnActivationMode_t mode = CUDNN_ACTIVATION_IDENTITY;
  bool keeps_nan = false;
};

/// Bytes, of a workspace of cuDNN.
constexpr size_t kWorkspaceAlignment = 16;

enum class Direction : uint8_t { forward, data, filter };

/// x [N, C, H, W] * w [K, C / groups, KH, KW] -> y [N, K, OH, OW], or the gradients in their places.
struct Convolution {
  Strided x, w, y;
  Conv2dParams params;
  bool tf32 = false, nhwc_filter = false;
  /// Of x, w and y, in bytes: 16 where tensor cores or NHWC's vector loads may be used.
  size_t alignment = 1;
  /// The one that is written.
  const Strided& output(Direction d) const {
    return d == Direction::forward ? y : d == Direction::data ? x : w;
  }
};

/// Reads the descriptors; pointers stay empty. With a complaint: CUDNN_STATUS_BAD_PARAM where a handle is
/// dead or a descriptor was never set, CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, CUDNN_STATUS_NOT_SUPPORTED.
cudnnStatus_t read_convolution(cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w,
                               cudnnConvolutionDescriptor_t conv, cudnnTensorDescriptor_t y,
                               Convolution& result);

/// CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH with a complaint where the sizes do not go together.
cudnnStatus_t check_shapes(const Convolution& c);

/// Whether an image's items lie without gaps in this order; their distance is free.
bool has_packed_items(const Strided& x, bool channels_last);

bool element_type(cudnnDataType_t type, DType& dtype);

/// CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER with a complaint where an operand is less aligned.
cudnnStatus_t check_alignment(const Convolution& c);

/// Bytes of workspace that the algorithm (the vendor's number) needs; false where it cannot compute this one.
bool algorithm_workspace(Direction direction, int algorithm, const Convolution& c, size_t& bytes);

template <class Body>
cudnnStatus_t dnn_call(const char* name, Body body) {
  return library_call(name, CUDNN_STATUS_EXECUTION_FAILED, CUDNN_STATUS_INTERNAL_ERROR, body);
}

}  // namespace cawe::emulated
