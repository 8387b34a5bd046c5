// SPDX-License-Identifier: Apache-2.0
#include "tensor/tensor.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>

#include "tensor/arena.h"
#include "tensor/backend.h"
#include "tensor/primitives/memory.h"
#include "tensor/tensor_budget.h"

namespace cawe {

Storage::Storage(size_t bytes, Device device) : bytes_(bytes), device_(device) {
  TensorBudget::spend(bytes);
  static std::atomic<uint64_t> next{1};
  id_ = next++;
  data_ = device == Device::cpu ? Arena::cpu().allocate(bytes) : backend(device).allocate(bytes);
}

Storage::~Storage() {
  if (device_ == Device::cpu)
    Arena::cpu().release(data_, bytes_);
  else
    backend(device_).release(data_, bytes_);
}

Shape strides_of(const Shape& shape, Layout layout) {
  Shape strides = shape;
  if (layout == Layout::channels_last) {
    CAWE_CHECK(shape.rank() == 4, Code::shape, "channels_last: shape ", shape, " has rank ", shape.rank(),
               " (expected 4)");
    strides[1] = 1;
    strides[3] = shape[1];
    strides[2] = shape[1] * shape[3];
    strides[0] = shape[1] * shape[3] * shape[2];
    return strides;
  }
  int64_t step = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[i] = step;
    step *= shape[i];
  }
  return strides;
}

Tensor Tensor::empty(const Shape& shape, DType dtype, Layout layout, Device device) {
  for (int64_t d : shape) CAWE_CHECK(d >= 0, Code::shape, "Tensor: shape ", shape, " has a negative size");
  Tensor t;
  t.shape_ = shape;
  t.strides_ = strides_of(shape, layout);
  t.dtype_ = dtype;
  t.storage_ = std::make_shared<Storage>(size_t(shape.numel()) * size_of(dtype), device);
  return t;
}

Tensor Tensor::zeros(const Shape& shape, DType dtype, Layout layout, Device device) {
  Tensor t = empty(shape, dtype, layout, device);
  t.fill(0);
  return t;
}

Tensor Tensor::full(const Shape& shape, double value, DType dtype) {
  Tensor t = empty(shape, dtype);
  t.fill(value);
  return t;
}

Tensor Tensor::like(const Tensor& x) { return like(x, x.dtype()); }

Tensor Tensor::like(const Tensor& x, DType dtype) {
  Tensor t = empty(x.shape(), dtype, Layout::contiguous, x.device());
  if (x.is_dense()) t.strides_ = x.strides_;
  return t;
}

void Tensor::check_dtype(DType wanted) const {
  CAWE_CHECK(defined(), Code::internal, "Tensor::data: the tensor is empty");
  CAWE_CHECK(wanted == dtype_, Code::dtype, "Tensor::data: dtype is ", name(dtype_), ", ", name(wanted),
             " was asked for");
}

namespace {

bool has_strides(const Shape& shape, const Shape& strides, const Shape& wanted) {
  for (int i = 0; i < shape.rank(); ++i)
    if (shape[i] != 1 && strides[i] != wanted[i]) return false;
  return true;
}

}  // namespace

bool Tensor::is_contiguous() const {
  return has_strides(shape_, strides_, strides_of(shape_, Layout::contiguous));
}

bool Tensor::is_channels_last() const {
  return rank() == 4 && has_strides(shape_, strides_, strides_of(shape_, Layout::channels_last));
}

bool Tensor::is_dense() const {
  std::vector<int> order;
  for (int i = 0; i < rank(); ++i)
    if (shape_[i] != 1) order.push_back(i);
  std::sort(order.begin(), order.end(), [&](int a, int b) { return strides_[a] < strides_[b]; });
  int64_t step = 1;
  for (int i : order) {
    if (strides_[i] != step) return false;
    step *= shape_[i];
  }
  return true;
}

Tensor Tensor::slice(int dim, int64_t begin, int64_t end) const {
  const int d = dim < 0 ? dim + rank() : dim;
  CAWE_CHECK(d >= 0 && d < rank() && 0 <= begin && begin <= end && end <= shape_[d], Code::shape, "slice: [",
             begin, ", ", end, ") of dimension ", dim, " of ", shape_);
  Tensor t = *this;
  t.offset_ += begin * strides_[d];
  t.shape_[d] = end - begin;
  return t;
}

Tensor Tensor::permute(const std::vector<int>& order) const {
  CAWE_CHECK(int(order.size()) == rank(), Code::shape, "permute: ", order.size(), " axes for shape ", shape_);
  Tensor t = *this;
  unsigned seen = 0;
  for (int i = 0; i < rank(); ++i) {
    const int from = order[size_t(i)];
    CAWE_CHECK(from >= 0 && from < rank() && !(seen >> from & 1), Code::shape, "permute: axis ", from,
               " is not valid here");
    seen |= 1u << from;
    t.shape_[i] = shape_[from];
    t.strides_[i] = strides_[from];
  }
  return t;
}

Tensor Tensor::transpose(int a, int b) const {
  std::vector<int> order(static_cast<size_t>(rank()));
  std::iota(order.begin(), order.end(), 0);
  std::swap(order.at(size_t(a < 0 ? a + rank() : a)), order.at(size_t(b < 0 ? b + rank() : b)));
  return permute(order);
}

Tensor Tensor::reshape(const Shape& wanted) const {
  Shape target = wanted;
  int64_t known = 1;
  int unknown = -1;
  for (int i = 0; i < target.rank(); ++i) {
    if (target[i] == -1)
      unknown = i;
    else
      known *= target[i];
  }
  if (unknown >= 0 && known > 0) target[unknown] = numel() / known;
  CAWE_CHECK(target.numel() == numel(), Code::shape, "reshape: ", shape_, " has ", numel(), " elements, ",
             wanted, " wants another number");
  Tensor t = contiguous();
  t.shape_ = target;
  t.strides_ = strides_of(target, Layout::contiguous);
  return t;
}

Tensor Tensor::flatten(int from) const {
  Shape target;
  for (int i = 0; i < from; ++i) target.push_back(shape_[i]);
  int64_t rest = 1;
  for (int i = from; i < rank(); ++i) rest *= shape_[i];
  target.push_back(rest);
  return reshape(target);
}

Tensor Tensor::unsqueeze(int dim) const {
  Tensor t = *this;
  t.shape_ = Shape();
  t.strides_ = Shape();
  const int at = dim < 0 ? dim + rank() + 1 : dim;
  for (int i = 0; i <= rank(); ++i) {
    if (i == at) {
      t.shape_.push_back(1);
      t.strides_.push_back(1);
    }
    if (i < rank()) {
      t.shape_.push_back(shape_[i]);
      t.strides_.push_back(strides_[i]);
    }
  }
  return t;
}

Tensor Tensor::expand(const Shape& wanted) const {
  CAWE_CHECK(wanted.rank() >= rank(), Code::shape, "expand: ", shape_, " to ", wanted);
  Tensor t = *this;
  t.shape_ = wanted;
  t.strides_ = wanted;
  const int lead = wanted.rank() - rank();
  for (int i = 0; i < wanted.rank(); ++i) {
    const int64_t size = i < lead ? 1 : shape_[i - lead];
    CAWE_CHECK(size == wanted[i] || size == 1, Code::shape, "expand: ", shape_, " to ", wanted);
    t.strides_[i] = size == wanted[i] && i >= lead ? strides_[i - lead] : 0;
  }
  return t;
}

Tensor Tensor::contiguous() const {
  if (is_contiguous()) return *this;
  Tensor t = empty(shape_, dtype_, Layout::contiguous, device());
  t.copy_from(*this);
  return t;
}

Tensor Tensor::channels_last() const {
  if (is_channels_last()) return *this;
  Tensor t = empty(shape_, dtype_, Layout::channels_last, device());
  t.copy_from(*this);
  return t;
}

Tensor Tensor::in_layout(Layout layout) const {
  return layout == Layout::channels_last ? channels_last() : contiguous();
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_) return *this;
  Tensor t = like(*this, dtype);
  t.copy_from(*this);
  return t;
}

Tensor Tensor::to(Device device) const {
  if (device == this->device()) return *this;
  const Tensor source = is_dense() ? *this : contiguous();
  Tensor t = empty(shape_, dtype_, Layout::contiguous, device);
  t.strides_ = source.strides_;
  const Device other = device == Device::cpu ? source.device() : device;
  backend(other).copy_between_devices(source, t);
  return t;
}

Tensor Tensor::clone() const {
  Tensor t = like(*this);
  t.copy_from(*this);
  return t;
}

void Tensor::fill(double value) { primitives::fill(*this, value); }

void Tensor::copy_from(const Tensor& x) {
  CAWE_CHECK(x.shape() == shape_, Code::shape, "copy: from ", x.shape(), " to ", shape_);
  primitives::copy(x.to(device()), *this);
}

double Tensor::item() const {
  CAWE_CHECK(numel() == 1, Code::shape, "item: shape ", shape_, " has ", numel(), " elements (expected 1)");
  return to(Device::cpu).to(DType::f64).reshape({1}).data<double>()[0];
}

Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b) {
  Shape out;
  const int rank = std::max(a.rank(), b.rank());
  for (int i = 0; i < rank; ++i) {
    const int ia = i - (rank - a.rank()), ib = i - (rank - b.rank());
    const int64_t da = ia < 0 ? 1 : a[ia], db = ib < 0 ? 1 : b[ib];
    CAWE_CHECK(da == db || da == 1 || db == 1, Code::shape, op, ": shapes ", a, " and ", b,
               " do not broadcast (dimension ", i, ")");
    out.push_back(da == 1 ? db : da);
  }
  return out;
}

bool all_finite(const Tensor& x) {
  if (!is_floating(x.dtype())) return true;
  const Tensor host = x.to(Device::cpu).to(x.dtype() == DType::f64 ? DType::f64 : DType::f32).contiguous();
  bool finite = true;
  dispatch_floating("all_finite", host.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* p = host.data<T>();
    for (int64_t i = 0; i < host.numel(); ++i) finite &= std::isfinite(p[i]);
  });
  return finite;
}

}  // namespace cawe
