// SPDX-License-Identifier: Apache-2.0
// Tensors of any strides as plain arrays in row-major order, for loops that read their inputs many times.
#pragma once

#include "tensor/tensor.h"

namespace cawe::cpu {

/// An input's numbers in row-major order; nullptr for an undefined tensor.
template <class T>
class In {
 public:
  explicit In(const Tensor& t) : t_(t.defined() ? t.contiguous() : Tensor()) {}
  const T* data() const { return t_.defined() ? t_.data<T>() : nullptr; }

 private:
  Tensor t_;
};

/// Room for an output in row-major order: the tensor itself, or what is copied to it at the end. nullptr for an
/// undefined tensor.
template <class T>
class Out {
 public:
  explicit Out(Tensor& wanted) : wanted_(wanted) {
    if (wanted.defined())
      t_ = wanted.is_contiguous() ? wanted : Tensor::empty(wanted.shape(), wanted.dtype());
  }
  ~Out() {
    if (t_.defined() && t_.raw() != wanted_.raw()) wanted_.copy_from(t_);
  }
  Out(const Out&) = delete;
  Out& operator=(const Out&) = delete;
  T* data() const { return t_.defined() ? t_.data<T>() : nullptr; }

 private:
  Tensor& wanted_;
  Tensor t_;
};

}  // namespace cawe::cpu
