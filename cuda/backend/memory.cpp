// SPDX-License-Identifier: Apache-2.0
// Fills and copies. The kernels take any strides and choose a faster path for dense tensors themselves.
#include "cuda/kernels/memory.h"

#include <cstring>
#include <map>

#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/packing.h"
#include "cuda/backend/views.h"

namespace CAWE_DEVICE {
namespace {

static_assert(int(Element::f64) == int(DType::f64) && int(Element::bf16) == int(DType::bf16) &&
                  int(Element::i64) == int(DType::i64) && int(Element::boolean) == int(DType::boolean),
              "Element lists the types of DType in their order");

template <class T>
uint64_t bits_of(T value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}

/// `value`'s bits as `dtype`, converted as the CPU's backend does.
uint64_t bits_in(DType dtype, double value) {
  switch (dtype) {
    case DType::f32:
      return bits_of(float(value));
    case DType::f64:
      return bits_of(value);
    case DType::f16:
      return bits_of(to_half(float(value)));
    case DType::bf16:
      return bits_of(to_bfloat16(float(value)));
    case DType::i32:
      return bits_of(int32_t(value));
    case DType::i64:
      return bits_of(int64_t(value));
    case DType::u8:
      return bits_of(uint8_t(value));
    case DType::boolean:
      return bits_of(value != 0);
  }
  return 0;
}

}  // namespace

void CudaBackend::fill(Tensor& y, double value) {
  CAWE_DEVICE::fill(int(size_of(y.dtype())), bits_in(y.dtype(), value), y.raw(), view_of(y), stream());
}

void CudaBackend::copy(const Tensor& x, Tensor& y) {
  const StridedView from = view_of(x), to = view_of(y);
  if (x.dtype() == y.dtype())
    CAWE_DEVICE::copy(int(size_of(y.dtype())), x.raw(), from, y.raw(), to, stream());
  else
    convert(Element(x.dtype()), x.raw(), from, Element(y.dtype()), y.raw(), to, stream());
}

void CudaBackend::copy_list(const std::vector<Tensor>& x, const std::vector<Tensor>& y) {
  CAWE_CHECK(x.size() == y.size(), Code::shape, "copy_list: ", x.size(), " tensors to ", y.size());
  std::map<std::pair<Element, Element>, std::vector<ListedCopy>>
      lists;  // by types, each converted in one launch
  for (size_t i = 0; i < x.size(); ++i) {
    const std::pair<Element, Element> types(Element(x[i].dtype()), Element(y[i].dtype()));
    if (converts_lists(types.first, types.second) && x[i].shape() == y[i].shape() && same_order(x[i], y[i])) {
      lists[types].push_back({x[i].raw(), y[i].raw(), x[i].numel()});
    } else {
      Tensor to = y[i];
      copy(x[i], to);
    }
  }
  for (const auto& [types, list] : lists)
    convert_list(types.first, types.second, list.data(), int64_t(list.size()), stream());
}

}  // namespace CAWE_DEVICE
