// SPDX-License-Identifier: Apache-2.0
#include "cuda/runtime/graph_descriptor.h"

#include <algorithm>

namespace CAWE_DEVICE {
namespace {

/// `attribute`: the one that was set or read, negative where there is none.
void check(const char* call, cudnnStatus_t status, int attribute = -1) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  if (!is_refusal(status)) fail_cudnn(call, status);
  const std::string which = attribute < 0 ? "" : detail::concat(" of attribute ", attribute);
  throw GraphRefusal{detail::concat(call, which, ": ", describe(status))};
}

}  // namespace

GraphDescriptor::GraphDescriptor(cudnnBackendDescriptorType_t type) {
  check("cudnnBackendCreateDescriptor", cudnnBackendCreateDescriptor(type, &object_));
}

GraphDescriptor::~GraphDescriptor() {
  if (object_) cudnnBackendDestroyDescriptor(object_);
}

void GraphDescriptor::put(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
                          const void* values) {
  check("cudnnBackendSetAttribute", cudnnBackendSetAttribute(object_, name, type, count, values), name);
}

void GraphDescriptor::finalize() { check("cudnnBackendFinalize", cudnnBackendFinalize(object_)); }

int64_t GraphDescriptor::take(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                              int64_t most, void* values) const {
  int64_t count = 0;
  check("cudnnBackendGetAttribute", cudnnBackendGetAttribute(object_, name, type, most, &count, values),
        name);
  return std::min(count, most);
}

}  // namespace CAWE_DEVICE
