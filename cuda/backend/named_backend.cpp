// SPDX-License-Identifier: Apache-2.0
// Names each primitive and its operands in errors, whatever fails in it. Here and in no primitive, so that none is forgotten;
// a scope keeps the addresses of the arguments, and a failure alone makes text of them.
#include <algorithm>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "cuda/backend/cuda_backend.h"
#include "cuda/runtime/errors.h"

namespace CAWE_DEVICE {
namespace {

/// Arguments by their names in the list of primitives, "(x, w, y)".
class OperandText {
 public:
  explicit OperandText(const char* names) : names_(names + 1) {}
  const std::string& text() const { return text_; }

  void add(const Tensor& t) {
    const std::string name = next();
    if (t.defined()) append(name + " " + described(t));
  }
  void add(const std::vector<Tensor>& list) {
    const std::string name = next();
    append(detail::concat(name, " of ", list.size(), list.empty() ? "" : ", the first "));
    if (!list.empty()) text_ += list[0].defined() ? described(list[0]) : "undefined";
  }
  template <class Other>
  void add(const Other& other) {
    const std::string name = next();
    if constexpr (std::is_arithmetic_v<Other>)
      append(detail::concat(name, " ", other));
    else if constexpr (std::is_enum_v<Other>)
      append(detail::concat(name, " ", int(other)));
  }

 private:
  static std::string described(const Tensor& t) {
    const bool last = t.is_channels_last() && !t.is_contiguous();
    return detail::concat(t.shape(), " ", cawe::name(t.dtype()), last ? " channels-last" : "") +
           (last || t.is_contiguous() ? "" : detail::concat(" with strides ", t.strides()));
  }
  void append(const std::string& operand) { text_ += (text_.empty() ? "" : ", ") + operand; }
  std::string next() {
    const std::string rest = names_;
    const size_t end = rest.find_first_of(",)");
    names_ += std::min(end + 2, rest.size());  // ", "
    return rest.substr(0, end);
  }

  const char* names_;
  std::string text_;
};

template <class... Arguments>
struct Operands {
  const char* names;
  std::tuple<const Arguments&...> arguments;

  static std::string describe(const void* operands) {
    const auto* of = static_cast<const Operands*>(operands);
    OperandText text(of->names);
    std::apply([&](const auto&... each) { (text.add(each), ...); }, of->arguments);
    return text.text();
  }
};

class OperandsOf {
 public:
  explicit OperandsOf(const char* names) : names_(names) {}
  template <class... Arguments>
  Operands<Arguments...> of(const Arguments&... arguments) const {
    return {names_, std::tie(arguments...)};
  }

 private:
  const char* names_;
};

class NamedBackend final : public CudaBackend {
 public:
  explicit NamedBackend(Device device) : CudaBackend(device) {}

  void copy_between_devices(const Tensor& x, Tensor& y) override {
    const auto operands = OperandsOf("(x, y)").of(x, y);
    const OperatorScope scope("copy between devices", &operands, &operands.describe);
    CudaBackend::copy_between_devices(x, y);
  }
  std::unique_ptr<HostCopy> begin_host_copy(const Tensor& x) override {
    const auto operands = OperandsOf("(x)").of(x);
    const OperatorScope scope("copy to the host", &operands, &operands.describe);
    return CudaBackend::begin_host_copy(x);
  }
  void synchronize() override {
    const OperatorScope scope("synchronize");
    CudaBackend::synchronize();
  }

#define CAWE_OP(op, parameters, names)                             \
  void op parameters override {                                    \
    const auto operands = OperandsOf(#names).of names;             \
    const OperatorScope scope(#op, &operands, &operands.describe); \
    CudaBackend::op names;                                         \
  }
#include "tensor/primitives/all.inc"
#undef CAWE_OP
};

}  // namespace

std::unique_ptr<CudaBackend> make_backend(Device device) { return std::make_unique<NamedBackend>(device); }

}  // namespace CAWE_DEVICE
