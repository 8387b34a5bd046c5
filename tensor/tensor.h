// SPDX-License-Identifier: Apache-2.0
// Tensor: a shape, strides in elements, an element type, and counted storage shared by views.
#pragma once

#include <memory>
#include <vector>

#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace cawe {

/// How a fresh 4-d tensor lies in memory. Shapes are always written NCHW.
enum class Layout : uint8_t {
  contiguous,    ///< the last dimension runs fastest
  channels_last  ///< NHWC in memory: what networks run in. Rank 4 only.
};

/// A block of device memory. `version` goes up when the values change in place (optimizers call touch()), so
/// that caches of packed weights know when they are stale.
class Storage {
 public:
  Storage(size_t bytes, Device device);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  Device device() const { return device_; }
  uint64_t id() const { return id_; }  ///< unique over the life of the process
  uint64_t version() const { return version_; }
  void touch() { ++version_; }

 private:
  void* data_ = nullptr;
  size_t bytes_;
  Device device_;
  uint64_t id_;
  uint64_t version_ = 0;
};

/// A handle to counted storage: copying a Tensor shares the elements. Any rank up to 6, any dtype and device.
/// Functions throw Code::shape for dimensions that do not fit and Code::dtype for a wrong element type.
class Tensor {
 public:
  Tensor() = default;

  /// Uninitialised memory.
  static Tensor empty(const Shape& shape, DType dtype = DType::f32, Layout layout = Layout::contiguous,
                      Device device = Device::cpu);
  static Tensor zeros(const Shape& shape, DType dtype = DType::f32, Layout layout = Layout::contiguous,
                      Device device = Device::cpu);
  static Tensor full(const Shape& shape, double value, DType dtype = DType::f32);
  /// Uninitialised, with x's shape, dtype, device and (where x is dense) memory order.
  static Tensor like(const Tensor& x);
  static Tensor like(const Tensor& x, DType dtype);
  template <class T>
  static Tensor from(const std::vector<T>& values, const Shape& shape);
  static Tensor scalar(double value, DType dtype = DType::f32) { return full({}, value, dtype); }

  bool defined() const { return storage_ != nullptr; }
  explicit operator bool() const { return defined(); }
  const Shape& shape() const { return shape_; }
  const Shape& strides() const { return strides_; }
  int rank() const { return shape_.rank(); }
  int64_t dim(int i) const { return shape_.at(i); }
  int64_t stride(int i) const { return strides_.at(i); }
  int64_t numel() const { return shape_.numel(); }
  DType dtype() const { return dtype_; }
  Device device() const { return storage_ ? storage_->device() : Device::cpu; }
  Storage& storage() const { return *storage_; }
  bool owns_storage_alone() const { return storage_.use_count() == 1; }

  bool is_contiguous() const;
  bool is_channels_last() const;  ///< rank 4 and NHWC in memory (a [N,C,1,1] tensor is both)
  /// No gaps and no overlap: the elements fill one block in some order of the dimensions.
  bool is_dense() const;

  /// Pointer to the first element; T must be the dtype. On a GPU it is a device address.
  template <class T>
  T* data() const {
    check_dtype(DTypeOf<T>::value);
    return static_cast<T*>(raw());
  }
  void* raw() const { return static_cast<char*>(storage_->data()) + size_t(offset_) * size_of(dtype_); }
  int64_t offset() const { return offset_; }

  // Views share storage. A negative `dim` counts from the end; [begin, end) is half-open; `order[i]` is the
  // old place of the new dimension i.
  Tensor slice(int dim, int64_t begin, int64_t end) const;
  Tensor permute(const std::vector<int>& order) const;
  Tensor transpose(int a, int b) const;
  /// A view where strides allow it, else a contiguous copy. One size may be -1.
  Tensor reshape(const Shape& shape) const;
  Tensor flatten(int from = 0) const;
  Tensor unsqueeze(int dim) const;
  Tensor expand(const Shape& shape) const;  ///< size-1 dimensions repeated with stride 0

  // Copies (or *this where nothing changes).
  Tensor contiguous() const;
  Tensor channels_last() const;
  Tensor in_layout(Layout layout) const;  ///< one of the two above
  Tensor to(DType dtype) const;
  Tensor to(Device device) const;
  Tensor clone() const;

  void fill(double value);
  void copy_from(const Tensor& x);  ///< same shape; converts dtype and device; any strides
  double item() const;              ///< the value of a tensor of one element
  template <class T>
  std::vector<T> to_vector() const;  ///< in logical (row-major) order, on the host; T must be the dtype

 private:
  void check_dtype(DType wanted) const;

  std::shared_ptr<Storage> storage_;
  Shape shape_, strides_;
  int64_t offset_ = 0;
  DType dtype_ = DType::f32;
};

/// Row-major strides of a shape, or NHWC ones.
Shape strides_of(const Shape& shape, Layout layout);
/// Shape of a op b by NumPy's broadcasting rule; throws Code::shape naming `op`.
Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b);
/// True where no element is NaN or infinite (integers always).
bool all_finite(const Tensor& x);

template <class T>
Tensor Tensor::from(const std::vector<T>& values, const Shape& shape) {
  CAWE_CHECK(int64_t(values.size()) == shape.numel(), Code::shape, "Tensor::from: ", values.size(),
             " values for shape ", shape, " (expected ", shape.numel(), ")");
  Tensor t = empty(shape, DTypeOf<T>::value);
  std::copy(values.begin(), values.end(), t.data<T>());
  return t;
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  const Tensor host = to(Device::cpu).contiguous();
  const T* p = host.data<T>();
  return std::vector<T>(p, p + host.numel());
}

}  // namespace cawe
