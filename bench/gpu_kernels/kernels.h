// SPDX-License-Identifier: Apache-2.0
// What the families' files share: tensors on the device, and how a case is timed.
#pragma once

#include <string>
#include <vector>

#include "bench/machine.h"

namespace cawe::bench {

/// Times cases and prints a line for each.
class Kernels {
 public:
  explicit Kernels(Machine& machine);
  PrimitiveBackend& on;

  /// Prints the median of 20 launches, and of `bytes`, those that must move (each once), the rate.
  void measure(const std::string& name, double bytes, const std::function<void()>& launch);

  Device device() const { return machine_.device(); }
  /// Uninitialised.
  Tensor room(const Shape& shape, DType dtype = DType::f32, Layout layout = Layout::contiguous) const {
    return Tensor::empty(shape, dtype, layout, device());
  }
  /// Uniform in [0, 1), and other numbers in every tensor: a kernel may have less to do where two operands are the same.
  Tensor numbers(const Shape& shape, DType dtype = DType::f32, Layout layout = Layout::contiguous) {
    return drawn(uniform_, shape, dtype, layout);
  }
  /// Uniform in [-1, 1): of what goes through a ReLU half is cut.
  Tensor centred(const Shape& shape, DType dtype = DType::f32, Layout layout = Layout::contiguous) {
    return drawn(centred_, shape, dtype, layout);
  }
  /// A part's numbers are the same whichever parts come before it.
  void begin_part() { begin_ = 0; }
  /// n boxes, 16 to 116 px wide, in an image of 512 px.
  Tensor boxes(int64_t n) const;
  /// The memory order in which networks of this type lie on the device.
  Layout layout(DType dtype) const { return on.convolution_layout(dtype); }

 private:
  /// Begins at another place of the block than the tensor before, and repeats the block.
  Tensor drawn(const Tensor& block, const Shape& shape, DType dtype, Layout layout);

  Machine& machine_;
  Tensor uniform_, centred_;
  int64_t begin_ = 0;     ///< where in a block the next tensor begins
  double copy_rate_ = 0;  ///< bytes per second, read and written
};

double bytes_of(const Tensor& t);
template <class... More>
double bytes_of(const Tensor& t, const More&... more) {
  return bytes_of(t) + bytes_of(more...);
}

/// Images of a batch: twice as many in 16 bits, so that as much moves.
inline int64_t images_of(DType dtype) { return size_of(dtype) == 2 ? 64 : 32; }

/// "copy f32" of "copy" and f32, and so on.
template <class... Words>
std::string words(const Words&... all) {
  std::string text = detail::concat(detail::concat(all, " ")...);
  text.pop_back();
  return text;
}

// The families, each of one type; a part of the program is one call.
void elementwise(Kernels& k, DType dtype);
void reductions(Kernels& k, DType dtype);
void lists(Kernels& k);
void batch_norm(Kernels& k, DType dtype);
void pooling(Kernels& k, DType dtype);
void resize(Kernels& k, DType dtype);
void shuffle(Kernels& k, DType dtype);
void films(Kernels& k, DType dtype);
void cawe_maps(Kernels& k, DType dtype);
void softmax(Kernels& k, DType dtype);
void gather_rows(Kernels& k);
void losses(Kernels& k);
void content_loss(Kernels& k, DType dtype);
void optimizers(Kernels& k);
void weight_norms(Kernels& k);
void candidates(Kernels& k);
void targets(Kernels& k);
void roi_align(Kernels& k, DType dtype);
void attention(Kernels& k, DType dtype, int64_t depth, int64_t channels);
void products(Kernels& k, DType dtype);

}  // namespace cawe::bench
