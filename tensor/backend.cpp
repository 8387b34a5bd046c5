// SPDX-License-Identifier: Apache-2.0
#include "tensor/backend.h"

#include "tensor/cpu/cpu_backend.h"

namespace cawe {
namespace {

Backend* registered[3] = {nullptr, nullptr, nullptr};
thread_local bool use_reference = false;
Device chosen_device = Device::cpu;

}  // namespace

void Backend::unsupported(const char* op) const {
  fail(Code::unsupported, op, ": backend '", name(), "' does not implement it. Use --device cpu.");
}

void* Backend::allocate(size_t) { unsupported("allocate"); }
void Backend::release(void*, size_t) noexcept {}
std::unique_ptr<CapturedWork> Backend::capture(const std::function<void()>&) { return nullptr; }
void Backend::copy_between_devices(const Tensor&, Tensor&) { unsupported("copy_between_devices"); }

// Default bodies: an operator that a backend lacks says so by name.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define CAWE_OP(op, parameters, names) \
  void Backend::op parameters { unsupported(#op); }
#define CAWE_OP_RETURN(type, op, parameters, names) \
  type Backend::op parameters { unsupported(#op); }
#include "tensor/backend_ops.inc"
#undef CAWE_OP
#undef CAWE_OP_RETURN
#pragma GCC diagnostic pop

Backend& backend(Device device) {
  if (device == Device::cpu) return use_reference ? cpu_reference_backend() : cpu_backend();
  Backend* found = registered[int(device)];
  CAWE_CHECK(found != nullptr, Code::unsupported, "device '", name(device),
             "' is not available in this program or on this machine (see `cawe doctor`). Use --device cpu.");
  return *found;
}

void register_backend(Device device, Backend* found) { registered[int(device)] = found; }

Device compute_device() { return chosen_device; }
void set_compute_device(Device device) { chosen_device = device; }

ReferenceScope::ReferenceScope() : previous_(use_reference) { use_reference = true; }
ReferenceScope::~ReferenceScope() { use_reference = previous_; }

const std::vector<std::string>& primitive_names() {
  static const std::vector<std::string> names = {
#define CAWE_OP(op, parameters, names) #op,
#define CAWE_OP_RETURN(type, op, parameters, names) #op,
#include "tensor/backend_ops.inc"
#undef CAWE_OP
#undef CAWE_OP_RETURN
  };
  return names;
}

}  // namespace cawe
