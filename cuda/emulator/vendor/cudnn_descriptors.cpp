// SPDX-License-Identifier: Apache-2.0
// cuDNN's handle and descriptors.
#include <algorithm>
#include <cstring>

#include "cuda/emulator/vendor/convolution.h"

namespace cawe::emulated {
namespace {

template <class T, class Handle>
cudnnStatus_t create(const char* name, Handle* handle) {
  return dnn_call(name, [&]() -> cudnnStatus_t {
    if (!handle) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "the result's address is nullptr");
    *handle = static_cast<Handle>(new_handle(std::make_shared<T>()));
    return CUDNN_STATUS_SUCCESS;
  });
}

/// As dnn_call, but it releases after an asynchronous error, too.
template <class T>
cudnnStatus_t release(const char* name, const void* handle) {
  const Entry entry(name);
  return destroy<T>(handle) ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}

/// change(object) of a live handle.
template <class T, class Change>
cudnnStatus_t modify(const char* name, const void* handle, Change change) {
  return dnn_call(name, [&]() -> cudnnStatus_t {
    const auto found = find<T>(handle);
    return found ? change(*found) : CUDNN_STATUS_BAD_PARAM;
  });
}

cudnnStatus_t fill(Strided& x, cudnnDataType_t type, const Sizes& size, const Sizes& stride) {
  if (!element_type(type, x.dtype)) return refuse(CUDNN_STATUS_NOT_SUPPORTED, "data type ", int(type));
  const auto positive = [](const Sizes& s) {
    return std::all_of(s.begin(), s.end(), [](int64_t v) { return v > 0; });
  };
  if (!positive(size) || !positive(stride))
    return refuse(CUDNN_STATUS_BAD_PARAM, "a size or stride below 1: sizes ", size[0], " ", size[1], " ",
                  size[2], " ", size[3], ", strides ", stride[0], " ", stride[1], " ", stride[2], " ",
                  stride[3]);
  // Padding included.
  constexpr double kMostElements = 2147483647;
  double last = 1;
  for (size_t d = 0; d < 4; ++d) last += double(size[d] - 1) * double(stride[d]);
  if (last > kMostElements) return refuse(CUDNN_STATUS_NOT_SUPPORTED, "2 giga-elements or more");
  x.size = size;
  x.stride = stride;
  return CUDNN_STATUS_SUCCESS;
}

Sizes packed_strides(const Sizes& s, bool channels_last) {
  if (channels_last) return {s[1] * s[2] * s[3], 1, s[1] * s[3], s[1]};
  return {s[1] * s[2] * s[3], s[2] * s[3], s[3], 1};
}

cudnnStatus_t check_format(cudnnTensorFormat_t format) {
  if (format == CUDNN_TENSOR_NCHW || format == CUDNN_TENSOR_NHWC) return CUDNN_STATUS_SUCCESS;
  return refuse(CUDNN_STATUS_NOT_SUPPORTED, "format ", int(format), " (expected NCHW or NHWC)");
}

}  // namespace

bool element_type(cudnnDataType_t type, DType& dtype) {
  switch (type) {
    case CUDNN_DATA_FLOAT:
      dtype = DType::f32;
      return true;
    case CUDNN_DATA_DOUBLE:
      dtype = DType::f64;
      return true;
    case CUDNN_DATA_HALF:
      dtype = DType::f16;
      return true;
    case CUDNN_DATA_BFLOAT16:
      dtype = DType::bf16;
      return true;
    default:
      return false;
  }
}

}  // namespace cawe::emulated

CAWE_EMULATED_BEGIN

size_t cudnnGetVersion() { return 90000; }

const char* cudnnGetErrorString(cudnnStatus_t status) {
  switch (int(status)) {
    case CUDNN_STATUS_SUCCESS:
      return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_NOT_INITIALIZED:
      return "CUDNN_STATUS_NOT_INITIALIZED";
    case CUDNN_STATUS_BAD_PARAM:
      return "CUDNN_STATUS_BAD_PARAM";
    case CUDNN_STATUS_BAD_PARAM_NULL_POINTER:
      return "CUDNN_STATUS_BAD_PARAM_NULL_POINTER";
    case CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER:
      return "CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER";
    case CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED:
      return "CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED";
    case CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT:
      return "CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT";
    case CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH:
      return "CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH";
    case CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE:
      return "CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE";
    case CUDNN_STATUS_NOT_SUPPORTED:
      return "CUDNN_STATUS_NOT_SUPPORTED";
    case CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN:
      return "CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN";
    case CUDNN_STATUS_INTERNAL_ERROR:
      return "CUDNN_STATUS_INTERNAL_ERROR";
    case CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED:
      return "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED";
    case CUDNN_STATUS_EXECUTION_FAILED:
      return "CUDNN_STATUS_EXECUTION_FAILED";
    default:
      return "unknown cuDNN status";
  }
}

void cudnnGetLastErrorString(char* message, size_t max_size) {
  const Entry entry(__func__);
  if (!message || max_size == 0) return;
  const std::string& text = state().complaint;
  const size_t n = std::min(text.size(), max_size - 1);
  std::memcpy(message, text.data(), n);
  message[n] = '\0';
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) { return create<DnnHandle>(__func__, handle); }

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) { return release<DnnHandle>(__func__, handle); }

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  return modify<DnnHandle>(__func__, handle, [&](DnnHandle& h) -> cudnnStatus_t {
    if (!stream_of(stream)) return CUDNN_STATUS_BAD_PARAM;
    h.stream = stream;
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* desc) {
  return create<TensorDesc>(__func__, desc);
}

cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t desc, cudnnTensorFormat_t format,
                                         cudnnDataType_t type, int n, int c, int h, int w) {
  return modify<TensorDesc>(__func__, desc, [&](TensorDesc& d) -> cudnnStatus_t {
    if (const cudnnStatus_t status = check_format(format)) return status;
    const Sizes size{n, c, h, w};
    const cudnnStatus_t status =
        fill(d.elements, type, size, packed_strides(size, format == CUDNN_TENSOR_NHWC));
    d.set = status == CUDNN_STATUS_SUCCESS;
    return status;
  });
}

cudnnStatus_t cudnnSetTensor4dDescriptorEx(cudnnTensorDescriptor_t desc, cudnnDataType_t type, int n, int c,
                                           int h, int w, int n_stride, int c_stride, int h_stride,
                                           int w_stride) {
  return modify<TensorDesc>(__func__, desc, [&](TensorDesc& d) {
    const cudnnStatus_t status =
        fill(d.elements, type, {n, c, h, w}, {n_stride, c_stride, h_stride, w_stride});
    d.set = status == CUDNN_STATUS_SUCCESS;
    return status;
  });
}

cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t desc) {
  return release<TensorDesc>(__func__, desc);
}

cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* desc) {
  return create<FilterDesc>(__func__, desc);
}

cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t desc, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
  return modify<FilterDesc>(__func__, desc, [&](FilterDesc& d) -> cudnnStatus_t {
    if (const cudnnStatus_t status = check_format(format)) return status;
    const Sizes size{k, c, h, w};
    d.channels_last = format == CUDNN_TENSOR_NHWC;
    const cudnnStatus_t status = fill(d.elements, type, size, packed_strides(size, d.channels_last));
    d.set = status == CUDNN_STATUS_SUCCESS;
    return status;
  });
}

cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t desc) {
  return release<FilterDesc>(__func__, desc);
}

cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t* desc) {
  return create<ConvolutionDesc>(__func__, desc);
}

cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t desc, int pad_h, int pad_w, int u,
                                              int v, int dilation_h, int dilation_w,
                                              cudnnConvolutionMode_t mode, cudnnDataType_t compute) {
  return modify<ConvolutionDesc>(__func__, desc, [&](ConvolutionDesc& d) -> cudnnStatus_t {
    if (pad_h < 0 || pad_w < 0 || u < 1 || v < 1 || dilation_h < 1 || dilation_w < 1)
      return refuse(CUDNN_STATUS_BAD_PARAM, "padding ", pad_h, " ", pad_w, ", stride ", u, " ", v,
                    ", dilation ", dilation_h, " ", dilation_w);
    d.pad[0] = pad_h, d.pad[1] = pad_w;
    d.stride[0] = u, d.stride[1] = v;
    d.dilation[0] = dilation_h, d.dilation[1] = dilation_w;
    d.mode = mode;
    d.compute = compute;
    d.set = true;
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t desc, int groups) {
  return modify<ConvolutionDesc>(__func__, desc, [&](ConvolutionDesc& d) -> cudnnStatus_t {
    if (groups < 1) return refuse(CUDNN_STATUS_BAD_PARAM, groups, " groups");
    d.groups = groups;
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t desc, cudnnMathType_t math) {
  return modify<ConvolutionDesc>(__func__, desc, [&](ConvolutionDesc& d) -> cudnnStatus_t {
    if (math < CUDNN_DEFAULT_MATH || math > CUDNN_FMA_MATH)
      return refuse(CUDNN_STATUS_BAD_PARAM, "math type ", int(math));
    d.math = math;
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t desc) {
  return release<ConvolutionDesc>(__func__, desc);
}

cudnnStatus_t cudnnCreateActivationDescriptor(cudnnActivationDescriptor_t* desc) {
  return create<ActivationDesc>(__func__, desc);
}

cudnnStatus_t cudnnSetActivationDescriptor(cudnnActivationDescriptor_t desc, cudnnActivationMode_t mode,
                                           cudnnNanPropagation_t nan, double) {
  return modify<ActivationDesc>(__func__, desc, [&](ActivationDesc& d) -> cudnnStatus_t {
    if (mode != CUDNN_ACTIVATION_RELU && mode != CUDNN_ACTIVATION_IDENTITY)
      return refuse(CUDNN_STATUS_NOT_SUPPORTED, "activation ", int(mode), " (expected ReLU or identity)");
    d.mode = mode;
    d.keeps_nan = nan == CUDNN_PROPAGATE_NAN;
    d.set = true;
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnDestroyActivationDescriptor(cudnnActivationDescriptor_t desc) {
  return release<ActivationDesc>(__func__, desc);
}

CAWE_EMULATED_END
