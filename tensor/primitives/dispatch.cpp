// SPDX-License-Identifier: Apache-2.0
// From a call of a primitive to the backend of its tensors' device.
#include "tensor/cpu/cpu_backend.h"
#include "tensor/primitives/backend.h"

namespace cawe {
namespace {

PrimitiveBackend* registered[3] = {nullptr, nullptr, nullptr};
thread_local bool use_reference = false;
Device chosen_device = Device::cpu;

/// Finds the device of a call's tensors, and refuses tensors of two devices: a backend would take the address
/// of one device for the other's.
class DeviceOf {
 public:
  explicit DeviceOf(const char* op) : op_(op) {}
  template <class... Arguments>
  PrimitiveBackend& operator()(const Arguments&... arguments) {
    (look(arguments), ...);
    return primitive_backend(device_);
  }

 private:
  void look(const Tensor& t) {
    if (!t.defined()) return;
    if (!found_) device_ = t.device();
    found_ = true;
    CAWE_CHECK(t.device() == device_, Code::internal, op_, ": tensors on two devices, ", cawe::name(device_),
               " and ", cawe::name(t.device()));
  }
  void look(const std::vector<Tensor>& tensors) {
    for (const Tensor& t : tensors) look(t);
  }
  template <class Other>
  void look(const Other&) {}

  const char* op_;
  Device device_ = Device::cpu;
  bool found_ = false;
};

}  // namespace

namespace primitives {
#define CAWE_OP(op, parameters, names) \
  void op parameters { DeviceOf(#op) names.op names; }
#include "tensor/primitives/all.inc"
#undef CAWE_OP
}  // namespace primitives

void Backend::unsupported(const char* op) const {
  fail(Code::unsupported, op, ": backend '", name(), "' does not implement it. Use --device cpu.");
}

void* Backend::allocate(size_t) { unsupported("allocate"); }
void Backend::release(void*, size_t) noexcept {}
std::unique_ptr<CapturedWork> Backend::capture(const std::function<void()>&) { return nullptr; }
void Backend::copy_between_devices(const Tensor&, Tensor&) { unsupported("copy_between_devices"); }

std::unique_ptr<HostCopy> Backend::begin_host_copy(const Tensor& x) {
  class Done final : public HostCopy {
   public:
    explicit Done(const Tensor& x) : copy_(x.device() == Device::cpu ? x.clone() : x.to(Device::cpu)) {}
    Tensor wait() override { return copy_; }

   private:
    const Tensor copy_;
  };
  return std::make_unique<Done>(x);
}

// Default bodies: an operator that a backend lacks says so by name.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define CAWE_OP(op, parameters, names) \
  void PrimitiveBackend::op parameters { unsupported(#op); }
#include "tensor/primitives/all.inc"
#undef CAWE_OP
#pragma GCC diagnostic pop

PrimitiveBackend& primitive_backend(Device device) {
  if (device == Device::cpu) return use_reference ? cpu_reference_backend() : cpu_backend();
  PrimitiveBackend* found = registered[int(device)];
  CAWE_CHECK(found != nullptr, Code::unsupported, "device '", name(device),
             "' is not available in this program or on this machine (see `cawe doctor`). Use --device cpu.");
  return *found;
}
Backend& backend(Device device) { return primitive_backend(device); }

void register_backend(Device device, PrimitiveBackend* found) { registered[int(device)] = found; }

Device compute_device() { return chosen_device; }
void set_compute_device(Device device) { chosen_device = device; }

ReferenceScope::ReferenceScope() : previous_(use_reference) { use_reference = true; }
ReferenceScope::~ReferenceScope() { use_reference = previous_; }

const std::vector<std::string>& primitive_names() {
  static const std::vector<std::string> names = {
#define CAWE_OP(op, parameters, names) #op,
#include "tensor/primitives/all.inc"
#undef CAWE_OP
  };
  return names;
}

}  // namespace cawe
