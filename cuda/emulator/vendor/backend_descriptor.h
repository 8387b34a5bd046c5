// SPDX-License-Identifier: Apache-2.0
// Descriptors of cuDNN's backend interface: a type, attributes, and what they mean once they are finalized.
// Internal.
#pragma once

#include <cstring>

#include "cuda/emulator/vendor/convolution_job.h"
#include "cuda/emulator/vendor/cudnn_graph_api.h"

namespace cawe::emulated {

/// A finalized operation graph: one convolution and what follows it in registers.
struct GraphMeaning {
  Direction direction = Direction::forward;
  Convolution c;  ///< pointers are empty
  double alpha = 1, beta = 0;
  Strided bias;  ///< where has_bias
  bool has_bias = false;
  Activation activation = Activation::none;
  int64_t x = 0, w = 0, y = 0, bias_id = 0;  ///< the tensors' unique ids
  int64_t alignment = 1;                     ///< bytes, the most that a tensor promises
  cudnnHandle_t handle = nullptr;
};

struct BackendDesc : Object {
  static constexpr const char* kKind = "cuDNN backend descriptor";
  const char* kind() const override { return kKind; }
  struct Value {
    int64_t count = 0;
    std::vector<char> bytes;
  };

  bool has(cudnnBackendAttributeName_t name) const { return values.count(name) > 0; }
  template <class T>
  std::vector<T> list(cudnnBackendAttributeName_t name) const {
    const Value& v = values.at(name);
    std::vector<T> found(size_t(v.count));
    std::memcpy(found.data(), v.bytes.data(), v.bytes.size());
    return found;
  }
  template <class T>
  T one(cudnnBackendAttributeName_t name) const {
    T found{};
    std::memcpy(&found, values.at(name).bytes.data(), sizeof found);
    return found;
  }
  /// The descriptor that the attribute names; nullptr with a complaint where it was destroyed.
  std::shared_ptr<BackendDesc> linked(cudnnBackendAttributeName_t name) const {
    return find<BackendDesc>(one<cudnnBackendDescriptor_t>(name));
  }

  cudnnBackendDescriptorType_t type{};
  bool finalized = false;
  std::map<cudnnBackendAttributeName_t, Value> values;
  Strided elements;                       ///< of a tensor
  std::shared_ptr<GraphMeaning> meaning;  ///< of a graph, and of what was made for it
  int64_t engine = -1;                    ///< of an engine, its config and plan: the global index
  std::vector<int64_t> engines;           ///< of a heuristic: its answer, best first
  size_t workspace = 0;                   ///< of a plan, bytes
};

// --- descriptor_rules.cpp: which attributes there are
/// Whether the attribute may be set so; `values` has the length of the type.
cudnnStatus_t check_set(const BackendDesc& d, cudnnBackendAttributeName_t name,
                        cudnnBackendAttributeType_t type, int64_t count, const void* values);
/// Whether it may be read so.
cudnnStatus_t check_get(const BackendDesc& d, cudnnBackendAttributeName_t name,
                        cudnnBackendAttributeType_t type, int64_t requested);
/// Whether all are there that must be.
cudnnStatus_t check_complete(const BackendDesc& d);
/// Bytes of one value.
size_t attribute_bytes(cudnnBackendAttributeType_t type);

// --- backend_graph.cpp: what they say together
cudnnStatus_t finalize_tensor(BackendDesc& d);
cudnnStatus_t finalize_parameters(const BackendDesc& d);
cudnnStatus_t finalize_pointwise(const BackendDesc& d);
cudnnStatus_t finalize_operation(const BackendDesc& d);
cudnnStatus_t finalize_graph(BackendDesc& d);

// --- backend_engines.cpp: who can compute it
/// Engines that can compute the graph, best first.
std::vector<int64_t> ask_heuristic(cudnnBackendHeurMode_t mode, const GraphMeaning& g);
std::vector<cudnnBackendNumericalNote_t> numerical_notes(int64_t engine);
std::vector<cudnnBackendBehaviorNote_t> behaviour_notes(int64_t engine);
/// Bytes that the engine needs.
size_t engine_workspace(int64_t engine, const GraphMeaning& g);

}  // namespace cawe::emulated
