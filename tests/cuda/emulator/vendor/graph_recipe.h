// SPDX-License-Identifier: Apache-2.0
// A graph of cuDNN's backend interface as data: descriptors with their attributes, in the order in which they
// are made. Tests build it as it is, or with a mistake in it, by any library that has the interface's
// functions.
#pragma once

#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cuda/emulator/vendor/cudnn_graph_api.h"

namespace cawe::emulated {

/// The functions of a library, the emulated or the vendor's, and where it makes plans for: a handle or,
/// without a GPU, the description of a device.
struct GraphLibrary {
  decltype(&cudnnBackendCreateDescriptor) create;
  decltype(&cudnnBackendDestroyDescriptor) destroy;
  decltype(&cudnnBackendFinalize) finalize;
  decltype(&cudnnBackendSetAttribute) set;
  decltype(&cudnnBackendGetAttribute) get;
  cudnnHandle_t handle = nullptr;
  cudnnBackendDescriptor_t device = nullptr;
};

struct RecipeAttribute {
  cudnnBackendAttributeName_t name;
  cudnnBackendAttributeType_t type;
  int64_t count;
  std::vector<char> bytes;          ///< the values, or
  std::vector<std::string> others;  ///< the descriptors by name
};

struct RecipeDescriptor {
  std::string name;
  cudnnBackendDescriptorType_t type;
  std::vector<RecipeAttribute> attributes;
  bool finalized = true;

  template <class T>
  RecipeDescriptor& with(cudnnBackendAttributeName_t attribute, cudnnBackendAttributeType_t of,
                         const std::vector<T>& values) {
    std::vector<char> bytes(values.size() * sizeof(T));
    std::memcpy(bytes.data(), values.data(), bytes.size());
    attributes.push_back({attribute, of, int64_t(values.size()), bytes, {}});
    return *this;
  }
  RecipeDescriptor& linked(cudnnBackendAttributeName_t attribute, const std::vector<std::string>& to) {
    attributes.push_back({attribute, CUDNN_TYPE_BACKEND_DESCRIPTOR, int64_t(to.size()), {}, to});
    return *this;
  }
  RecipeAttribute& attribute(cudnnBackendAttributeName_t wanted) {
    for (RecipeAttribute& a : attributes)
      if (a.name == wanted) return a;
    throw std::out_of_range(name);
  }
};

using Recipe = std::vector<RecipeDescriptor>;

inline RecipeDescriptor& descriptor(Recipe& recipe, const std::string& name) {
  for (RecipeDescriptor& d : recipe)
    if (d.name == name) return d;
  throw std::out_of_range(name);
}

inline RecipeDescriptor recipe_tensor(const std::string& name, int64_t id, cudnnDataType_t type,
                                      const std::vector<int64_t>& n, bool nhwc, bool in_memory = true) {
  const std::vector<int64_t> strides = nhwc ? std::vector<int64_t>{n[1] * n[2] * n[3], 1, n[1] * n[3], n[1]}
                                            : std::vector<int64_t>{n[1] * n[2] * n[3], n[2] * n[3], n[3], 1};
  RecipeDescriptor t{name, CUDNN_BACKEND_TENSOR_DESCRIPTOR, {}};
  t.with<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, {id})
      .with<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, {type})
      .with(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, n)
      .with(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, strides)
      .with<int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, {16})
      .with<char>(CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, {char(!in_memory)});
  return t;
}

struct RecipeShape {
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  bool nhwc = false;
  std::vector<int64_t> x{2, 8, 6, 5}, w{16, 8, 3, 3}, y{2, 16, 6, 5};
  int64_t stride = 1, padding = 1, dilation = 1;
  cudnnDataType_t sums() const { return type == CUDNN_DATA_DOUBLE ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT; }
};

inline RecipeDescriptor recipe_parameters(const RecipeShape& s) {
  RecipeDescriptor c{"conv", CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, {}};
  c.with<int64_t>(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, {2})
      .with<cudnnDataType_t>(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, {s.sums()})
      .with<cudnnConvolutionMode_t>(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE,
                                    {CUDNN_CROSS_CORRELATION})
      .with<int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, {s.padding, s.padding})
      .with<int64_t>(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, {s.padding, s.padding})
      .with<int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, {s.stride, s.stride})
      .with<int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, {s.dilation, s.dilation});
  return c;
}

inline RecipeDescriptor recipe_pointwise(const std::string& name, cudnnPointwiseMode_t mode,
                                         cudnnDataType_t in) {
  RecipeDescriptor p{name, CUDNN_BACKEND_POINTWISE_DESCRIPTOR, {}};
  p.with<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, {mode})
      .with<cudnnDataType_t>(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, {in});
  if (mode == CUDNN_POINTWISE_RELU_FWD)
    p.with<cudnnNanPropagation_t>(CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, CUDNN_TYPE_NAN_PROPOGATION,
                                  {CUDNN_PROPAGATE_NAN});
  return p;
}

inline void add_factors(RecipeDescriptor& operation, cudnnDataType_t type, cudnnBackendAttributeName_t alpha,
                        cudnnBackendAttributeName_t beta) {
  if (type == CUDNN_DATA_DOUBLE)
    operation.with<double>(alpha, CUDNN_TYPE_DOUBLE, {1}).with<double>(beta, CUDNN_TYPE_DOUBLE, {0});
  else
    operation.with<float>(alpha, CUDNN_TYPE_FLOAT, {1}).with<float>(beta, CUDNN_TYPE_FLOAT, {0});
}

/// A forward convolution with a bias and a ReLU, up to its operation graph.
inline Recipe fused_recipe(const RecipeShape& s = {}) {
  Recipe r{recipe_tensor("x", 1, s.type, s.x, s.nhwc),
           recipe_tensor("w", 2, s.type, s.w, s.nhwc),
           recipe_tensor("y", 3, s.type, s.y, s.nhwc),
           recipe_tensor("bias", 4, s.type, {1, s.y[1], 1, 1}, s.nhwc),
           recipe_tensor("sums", 5, s.sums(), s.y, s.nhwc, false),
           recipe_tensor("biased", 6, s.sums(), s.y, s.nhwc, false),
           recipe_parameters(s),
           recipe_pointwise("add", CUDNN_POINTWISE_ADD, s.sums()),
           recipe_pointwise("relu", CUDNN_POINTWISE_RELU_FWD, s.sums())};
  RecipeDescriptor convolve{"convolve", CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, {}};
  convolve.linked(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, {"conv"})
      .linked(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, {"x"})
      .linked(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, {"w"})
      .linked(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, {"sums"});
  add_factors(convolve, s.type, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA);
  RecipeDescriptor adding{"adding", CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, {}};
  adding.linked(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, {"add"})
      .linked(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, {"sums"})
      .linked(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, {"bias"})
      .linked(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, {"biased"});
  RecipeDescriptor clipping{"clipping", CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, {}};
  clipping.linked(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, {"relu"})
      .linked(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, {"biased"})
      .linked(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, {"y"});
  RecipeDescriptor graph{"graph", CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, {}};
  graph.linked(CUDNN_ATTR_OPERATIONGRAPH_OPS, {"convolve", "adding", "clipping"});
  for (RecipeDescriptor& d : std::vector<RecipeDescriptor>{convolve, adding, clipping, graph}) r.push_back(d);
  return r;
}

struct GradientNames {
  cudnnBackendDescriptorType_t operation;
  cudnnBackendAttributeName_t conv, x, w, y, alpha, beta;
};

/// A gradient, up to its operation graph.
inline Recipe gradient_recipe(bool by_input, const RecipeShape& s = {}) {
  const GradientNames n = by_input
                              ? GradientNames{CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
                                              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                                              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
                                              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                                              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
                                              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
                                              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA}
                              : GradientNames{CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
                                              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                                              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                                              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                                              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
                                              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
                                              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
  Recipe r{recipe_tensor("x", 1, s.type, s.x, s.nhwc), recipe_tensor("w", 2, s.type, s.w, s.nhwc),
           recipe_tensor("y", 3, s.type, s.y, s.nhwc), recipe_parameters(s)};
  RecipeDescriptor operation{"convolve", n.operation, {}};
  operation.linked(n.conv, {"conv"}).linked(n.x, {"x"}).linked(n.w, {"w"}).linked(n.y, {"y"});
  add_factors(operation, s.type, n.alpha, n.beta);
  r.push_back(operation);
  RecipeDescriptor graph{"graph", CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, {}};
  r.push_back(graph.linked(CUDNN_ATTR_OPERATIONGRAPH_OPS, {"convolve"}));
  return r;
}

/// What became of a recipe: where it was refused, or all its descriptors.
class Built {
 public:
  Built(const GraphLibrary& library, const Recipe& recipe) : library_(library) {
    for (const RecipeDescriptor& d : recipe)
      if (status == CUDNN_STATUS_SUCCESS) build(d);
  }
  ~Built() {
    for (auto& [name, descriptor] : made_) library_.destroy(descriptor);
  }
  Built(const Built&) = delete;
  Built& operator=(const Built&) = delete;
  cudnnBackendDescriptor_t get(const std::string& name) const {
    for (const auto& [known, descriptor] : made_)
      if (known == name) return descriptor;
    return nullptr;
  }
  cudnnStatus_t status = CUDNN_STATUS_SUCCESS;
  std::string where = "built";  ///< "graph: attribute 801", "graph: finalize"

 private:
  void build(const RecipeDescriptor& d) {
    cudnnBackendDescriptor_t descriptor = nullptr;
    if (!note(library_.create(d.type, &descriptor), d.name + ": create")) return;
    made_.emplace_back(d.name, descriptor);
    for (const RecipeAttribute& a : d.attributes) {
      std::vector<cudnnBackendDescriptor_t> others;
      for (const std::string& other : a.others) others.push_back(get(other));
      const void* values = a.others.empty()
                               ? static_cast<const void*>(a.bytes.empty() ? nullptr : a.bytes.data())
                               : others.data();
      if (!note(library_.set(descriptor, a.name, a.type, a.count, values),
                d.name + ": attribute " + std::to_string(int(a.name))))
        return;
    }
    if (d.type == CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR && library_.handle)
      note(library_.set(descriptor, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &library_.handle),
           d.name + ": handle");
    if (d.finalized && status == CUDNN_STATUS_SUCCESS)
      note(library_.finalize(descriptor), d.name + ": finalize");
  }
  bool note(cudnnStatus_t result, const std::string& place) {
    if (result != CUDNN_STATUS_SUCCESS) status = result, where = place;
    return result == CUDNN_STATUS_SUCCESS;
  }

  GraphLibrary library_;
  std::vector<std::pair<std::string, cudnnBackendDescriptor_t>> made_;
};

/// The configs of engines that a heuristic names for a graph; in `made`, which the caller destroys.
inline cudnnStatus_t engine_configs(const GraphLibrary& library, cudnnBackendDescriptor_t graph,
                                    cudnnBackendHeurMode_t mode,
                                    std::vector<cudnnBackendDescriptor_t>& made) {
  cudnnBackendDescriptor_t heuristic = nullptr;
  library.create(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, &heuristic);
  library.set(heuristic, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &graph);
  library.set(heuristic, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
  if (library.device)
    library.set(heuristic, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
                &library.device);
  int64_t count = 0;
  cudnnStatus_t status = library.finalize(heuristic);
  if (status == CUDNN_STATUS_SUCCESS)
    status = library.get(heuristic, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count,
                         nullptr);
  made.resize(size_t(count));
  for (auto& config : made) library.create(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, &config);
  int64_t filled = 0;
  if (status == CUDNN_STATUS_SUCCESS && count > 0)
    status = library.get(heuristic, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, count,
                         &filled, made.data());
  for (; int64_t(made.size()) > filled; made.pop_back()) library.destroy(made.back());
  library.destroy(heuristic);
  return status;
}

/// A plan of the config; the caller destroys it.
inline cudnnStatus_t make_plan(const GraphLibrary& library, cudnnBackendDescriptor_t config,
                               cudnnBackendDescriptor_t& plan) {
  library.create(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, &plan);
  if (library.handle)
    library.set(plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &library.handle);
  if (library.device)
    library.set(plan, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
                &library.device);
  library.set(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &config);
  return library.finalize(plan);
}

/// "usable" where an engine's plan can be made, else where the library said no.
inline std::string outcome(const GraphLibrary& library, const Recipe& recipe) {
  const Built built(library, recipe);
  if (built.status != CUDNN_STATUS_SUCCESS) return built.where;
  bool found = false;
  for (const cudnnBackendHeurMode_t mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
    std::vector<cudnnBackendDescriptor_t> configs;
    if (engine_configs(library, built.get("graph"), mode, configs) == CUDNN_STATUS_SUCCESS && !found &&
        !configs.empty()) {
      cudnnBackendDescriptor_t plan = nullptr;
      found = make_plan(library, configs[0], plan) == CUDNN_STATUS_SUCCESS;
      library.destroy(plan);
    }
    for (cudnnBackendDescriptor_t config : configs) library.destroy(config);
  }
  return found ? "usable" : "no engine";
}

}  // namespace cawe::emulated
