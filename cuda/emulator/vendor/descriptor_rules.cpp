// SPDX-License-Identifier: Apache-2.0
// Which attributes the descriptors of cuDNN's backend interface have, of which type and how many, which must
// be set and which can be read.
#include "cuda/emulator/vendor/backend_descriptor.h"

namespace cawe::emulated {
namespace {

enum class Use : uint8_t { required, optional, read };

struct Rule {
  cudnnBackendDescriptorType_t descriptor;
  cudnnBackendAttributeName_t name;
  cudnnBackendAttributeType_t type;
  int64_t least, most;
  Use use;
};

constexpr auto kTensor = CUDNN_BACKEND_TENSOR_DESCRIPTOR;
constexpr auto kParameters = CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR;
constexpr auto kPointwise = CUDNN_BACKEND_POINTWISE_DESCRIPTOR;
constexpr auto kForward = CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR;
constexpr auto kData = CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR;
constexpr auto kFilter = CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR;
constexpr auto kApply = CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR;
constexpr auto kGraph = CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR;
constexpr auto kHeuristic = CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR;
constexpr auto kConfig = CUDNN_BACKEND_ENGINECFG_DESCRIPTOR;
constexpr auto kEngine = CUDNN_BACKEND_ENGINE_DESCRIPTOR;
constexpr auto kPlan = CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR;
constexpr auto kPack = CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR;
constexpr auto kLink = CUDNN_TYPE_BACKEND_DESCRIPTOR;

constexpr int64_t kDims = 8, kMany = 1 << 20;

// The library has defaults for some that are required here: a caller that leaves them out means something
// else.
constexpr Rule kRules[] = {
    {kTensor, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, 1, Use::required},
    {kTensor, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, 1, Use::required},
    {kTensor, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 1, kDims, Use::required},
    {kTensor, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 1, kDims, Use::required},
    {kTensor, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, 1, Use::required},
    {kTensor, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, 1, Use::optional},
    {kParameters, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, 1, Use::required},
    {kParameters, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, 1, Use::required},
    {kParameters, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, 1, Use::required},
    {kParameters, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 1, kDims, Use::required},
    {kParameters, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 1, kDims, Use::required},
    {kParameters, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 1, kDims, Use::required},
    {kParameters, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 1, kDims, Use::required},
    {kPointwise, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, 1, Use::required},
    {kPointwise, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, 1, Use::required},
    {kPointwise, CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, CUDNN_TYPE_NAN_PROPOGATION, 1, 1, Use::optional},
    {kForward, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, kLink, 1, 1, Use::required},
    {kForward, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, kLink, 1, 1, Use::required},
    {kForward, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, kLink, 1, 1, Use::required},
    {kForward, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, kLink, 1, 1, Use::required},
    {kData, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, kLink, 1, 1, Use::required},
    {kData, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, kLink, 1, 1, Use::required},
    {kData, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, kLink, 1, 1, Use::required},
    {kData, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, kLink, 1, 1, Use::required},
    {kFilter, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, kLink, 1, 1, Use::required},
    {kFilter, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, kLink, 1, 1, Use::required},
    {kFilter, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, kLink, 1, 1, Use::required},
    {kFilter, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, kLink, 1, 1, Use::required},
    {kApply, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, kLink, 1, 1, Use::required},
    {kApply, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, kLink, 1, 1, Use::required},
    {kApply, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, kLink, 1, 1, Use::optional},
    {kApply, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, kLink, 1, 1, Use::required},
    {kGraph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, 1, Use::optional},
    {kGraph, CUDNN_ATTR_OPERATIONGRAPH_OPS, kLink, 1, kMany, Use::required},
    {kHeuristic, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, kLink, 1, 1, Use::required},
    {kHeuristic, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, 1, Use::required},
    {kHeuristic, CUDNN_ATTR_ENGINEHEUR_RESULTS, kLink, 0, kMany, Use::read},
    {kConfig, CUDNN_ATTR_ENGINECFG_ENGINE, kLink, 1, 1, Use::read},
    {kEngine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, 1, Use::read},
    {kEngine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE, 0, kMany, Use::read},
    {kEngine, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE, 0, kMany, Use::read},
    {kPlan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, 1, Use::required},
    {kPlan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, kLink, 1, 1, Use::required},
    {kPlan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, 1, Use::read},
    {kPack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 1, kMany, Use::required},
    {kPack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 1, kMany, Use::required},
    {kPack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, 1, Use::required},
};

/// alpha and beta may be of either type.
bool is_factor(cudnnBackendAttributeName_t name) {
  switch (name) {
    case CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA:
    case CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA:
    case CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA:
    case CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA:
    case CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA:
    case CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA:
      return true;
    default:
      return false;
  }
}

cudnnBackendDescriptorType_t owner_of_factor(cudnnBackendAttributeName_t name) {
  if (name <= CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA) return kForward;
  return name <= CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA ? kData : kFilter;
}

const Rule* rule_of(const BackendDesc& d, cudnnBackendAttributeName_t name) {
  for (const Rule& r : kRules)
    if (r.descriptor == d.type && r.name == name) return &r;
  return nullptr;
}

cudnnStatus_t check_count(cudnnBackendAttributeName_t name, int64_t count, int64_t least, int64_t most) {
  if (count >= least && count <= most) return CUDNN_STATUS_SUCCESS;
  return refuse(CUDNN_STATUS_BAD_PARAM, count, " values of attribute ", int(name), " (expected ", least,
                least == most ? "" : " or more", ")");
}

cudnnStatus_t wrong_type(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                         cudnnBackendAttributeType_t expected) {
  return refuse(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, "attribute ", int(name), " of type ", int(type),
                " (expected ", int(expected), ")");
}

}  // namespace

size_t attribute_bytes(cudnnBackendAttributeType_t type) {
  switch (type) {
    case CUDNN_TYPE_BOOLEAN:
      return sizeof(bool);
    case CUDNN_TYPE_INT64:
      return sizeof(int64_t);
    case CUDNN_TYPE_DOUBLE:
      return sizeof(double);
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR:
      return sizeof(void*);
    default:
      return sizeof(int);  // enumerations, float
  }
}

cudnnStatus_t check_set(const BackendDesc& d, cudnnBackendAttributeName_t name,
                        cudnnBackendAttributeType_t type, int64_t count, const void* values) {
  if (d.finalized)
    return refuse(CUDNN_STATUS_BAD_PARAM, "the descriptor is finalized: it takes no attribute");
  if (!values) return refuse(CUDNN_STATUS_BAD_PARAM, "the values' address is nullptr");
  if (is_factor(name) && owner_of_factor(name) == d.type) {
    if (type != CUDNN_TYPE_FLOAT && type != CUDNN_TYPE_DOUBLE)
      return wrong_type(name, type, CUDNN_TYPE_FLOAT);
    return check_count(name, count, 1, 1);
  }
  const Rule* rule = rule_of(d, name);
  if (!rule || rule->use == Use::read)
    return refuse(CUDNN_STATUS_BAD_PARAM, "descriptor ", int(d.type), " takes no attribute ", int(name));
  if (type != rule->type) return wrong_type(name, type, rule->type);
  return check_count(name, count, rule->least, rule->most);
}

cudnnStatus_t check_get(const BackendDesc& d, cudnnBackendAttributeName_t name,
                        cudnnBackendAttributeType_t type, int64_t requested) {
  if (!d.finalized) return refuse(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "the descriptor is not finalized");
  const Rule* rule = rule_of(d, name);
  if (!rule || rule->use != Use::read)
    return refuse(CUDNN_STATUS_BAD_PARAM, "descriptor ", int(d.type), " has no attribute ", int(name),
                  " that can be read here");
  if (type != rule->type) return wrong_type(name, type, rule->type);
  return check_count(name, requested, rule->least, kMany);
}

cudnnStatus_t check_complete(const BackendDesc& d) {
  for (const Rule& r : kRules)
    if (r.descriptor == d.type && r.use == Use::required && !d.has(r.name))
      return refuse(CUDNN_STATUS_BAD_PARAM, "attribute ", int(r.name), " was not set");
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace cawe::emulated
