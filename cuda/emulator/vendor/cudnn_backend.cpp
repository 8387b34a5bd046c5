// SPDX-License-Identifier: Apache-2.0
// cuDNN's backend interface: descriptors are made, given attributes, finalized and read; a plan is executed.
#include <algorithm>
#include <cstring>

#include "cuda/emulator/vendor/backend_descriptor.h"

namespace cawe::emulated {
namespace {

bool is_known(cudnnBackendDescriptorType_t type) {
  switch (type) {
    case CUDNN_BACKEND_POINTWISE_DESCRIPTOR:
    case CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR:
    case CUDNN_BACKEND_ENGINE_DESCRIPTOR:
    case CUDNN_BACKEND_ENGINECFG_DESCRIPTOR:
    case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR:
    case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR:
    case CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR:
    case CUDNN_BACKEND_TENSOR_DESCRIPTOR:
      return true;
    default:
      return false;
  }
}

cudnnStatus_t finalize_heuristic(BackendDesc& d) {
  const auto graph = d.linked(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
  if (!graph) return CUDNN_STATUS_BAD_PARAM;
  if (!graph->meaning)
    return refuse(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "the operation graph is not finalized");
  if (!graph->meaning->handle) return refuse(CUDNN_STATUS_BAD_PARAM, "the operation graph has no handle");
  const auto mode = d.one<cudnnBackendHeurMode_t>(CUDNN_ATTR_ENGINEHEUR_MODE);
  if (mode < CUDNN_HEUR_MODE_INSTANT || mode > CUDNN_HEUR_MODE_A)
    return refuse(CUDNN_STATUS_BAD_PARAM, "heuristic ", int(mode));
  d.meaning = graph->meaning;
  d.engines = ask_heuristic(mode, *d.meaning);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finalize_plan(BackendDesc& d) {
  const auto config = d.linked(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
  if (!config || !find<DnnHandle>(d.one<cudnnHandle_t>(CUDNN_ATTR_EXECUTION_PLAN_HANDLE)))
    return CUDNN_STATUS_BAD_PARAM;
  if (config->type != CUDNN_BACKEND_ENGINECFG_DESCRIPTOR || !config->finalized)
    return refuse(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "the engine's config is not finalized");
  d.meaning = config->meaning, d.engine = config->engine;
  if (due(Fault::internal, int(d.engine))) return refuse(CUDNN_STATUS_INTERNAL_ERROR, "an injected fault");
  if (due(Fault::plan, int(d.engine)))
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "an injected fault: the plan");
  d.workspace = engine_workspace(d.engine, *d.meaning);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finalize_pack(const BackendDesc& d) {
  auto ids = d.list<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  const size_t pointers = d.list<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS).size();
  if (ids.size() != pointers)
    return refuse(CUDNN_STATUS_BAD_PARAM, ids.size(), " unique ids and ", pointers, " pointers");
  std::sort(ids.begin(), ids.end());
  if (std::adjacent_find(ids.begin(), ids.end()) != ids.end())
    return refuse(CUDNN_STATUS_BAD_PARAM, "a unique id twice");
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finalize(BackendDesc& d) {
  if (d.finalized) return refuse(CUDNN_STATUS_BAD_PARAM, "the descriptor is finalized already");
  if (const cudnnStatus_t status = check_complete(d)) return status;
  switch (d.type) {
    case CUDNN_BACKEND_TENSOR_DESCRIPTOR:
      return finalize_tensor(d);
    case CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR:
      return finalize_parameters(d);
    case CUDNN_BACKEND_POINTWISE_DESCRIPTOR:
      return finalize_pointwise(d);
    case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR:
      return finalize_graph(d);
    case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR:
      return finalize_heuristic(d);
    case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR:
      return finalize_plan(d);
    case CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR:
      return finalize_pack(d);
    case CUDNN_BACKEND_ENGINE_DESCRIPTOR:
    case CUDNN_BACKEND_ENGINECFG_DESCRIPTOR:
      return refuse(CUDNN_STATUS_NOT_SUPPORTED, "the emulator takes engines from a heuristic only");
    default:
      return finalize_operation(d);
  }
}

/// The engine of a heuristic's or config's answer, into a descriptor that the caller made.
cudnnStatus_t fill(cudnnBackendDescriptor_t handle, cudnnBackendDescriptorType_t type, int64_t engine,
                   const BackendDesc& from) {
  const auto target = find<BackendDesc>(handle);
  if (!target) return CUDNN_STATUS_BAD_PARAM;
  if (target->type != type || target->finalized)
    return refuse(CUDNN_STATUS_BAD_PARAM, "descriptor ", int(target->type),
                  " for an answer (expected a fresh ", int(type), ")");
  target->engine = engine, target->meaning = from.meaning, target->finalized = true;
  return CUDNN_STATUS_SUCCESS;
}

template <class T>
void copy_out(const std::vector<T>& found, int64_t requested, int64_t* count, void* values) {
  *count = int64_t(found.size());
  if (values) std::memcpy(values, found.data(), std::min(found.size(), size_t(requested)) * sizeof(T));
}

cudnnStatus_t get(const BackendDesc& d, cudnnBackendAttributeName_t name, int64_t requested, int64_t* count,
                  void* values) {
  const auto handles = static_cast<const cudnnBackendDescriptor_t*>(values);
  const bool of_one =
      d.type == CUDNN_BACKEND_ENGINE_DESCRIPTOR || d.type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR;
  if (of_one && due(Fault::answer, int(d.engine))) {
    *count = 0;
    return CUDNN_STATUS_SUCCESS;
  }
  if (name == CUDNN_ATTR_ENGINE_NUMERICAL_NOTE && due(Fault::notes, int(d.engine)))
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "an injected fault: the notes");
  switch (name) {
    case CUDNN_ATTR_ENGINE_GLOBAL_INDEX:
      copy_out<int64_t>({d.engine}, requested, count, values);
      return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_ENGINE_NUMERICAL_NOTE:
      copy_out(numerical_notes(d.engine), requested, count, values);
      return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE:
      copy_out(behaviour_notes(d.engine), requested, count, values);
      return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE:
      copy_out<int64_t>({int64_t(d.workspace)}, requested, count, values);
      return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_ENGINECFG_ENGINE:
      *count = 1;
      return handles ? fill(handles[0], CUDNN_BACKEND_ENGINE_DESCRIPTOR, d.engine, d) : CUDNN_STATUS_SUCCESS;
    default:
      break;
  }
  *count = handles ? std::min(requested, int64_t(d.engines.size())) : int64_t(d.engines.size());
  for (int64_t i = 0; handles && i < *count; ++i)
    if (const cudnnStatus_t status =
            fill(handles[i], CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, d.engines[size_t(i)], d))
      return status;
  return CUDNN_STATUS_SUCCESS;
}

/// The pointers of a pack, by unique id.
cudnnStatus_t place(const BackendDesc& pack, const GraphMeaning& g, Job& job) {
  const auto ids = pack.list<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  const auto pointers = pack.list<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
  std::map<int64_t, Strided*> wanted{{g.x, &job.c.x}, {g.w, &job.c.w}, {g.y, &job.c.y}};
  if (g.has_bias) wanted[g.bias_id] = &job.bias;
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto found = wanted.find(ids[i]);
    if (found == wanted.end())
      return refuse(CUDNN_STATUS_BAD_PARAM, "a pointer for tensor ", ids[i],
                    ", which the plan does not have");
    if (!pointers[i]) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "tensor ", ids[i], " is nullptr");
    if (reinterpret_cast<uintptr_t>(pointers[i]) % uintptr_t(g.alignment) != 0)
      return refuse(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "tensor ", ids[i], " is not aligned to ",
                    g.alignment, " bytes, as its descriptor says");
    found->second->p = static_cast<char*>(pointers[i]);
    wanted.erase(found);
  }
  if (!wanted.empty()) return refuse(CUDNN_STATUS_BAD_PARAM, "no pointer for tensor ", wanted.begin()->first);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t execute(cudnnHandle_t handle, const BackendDesc& plan, const BackendDesc& pack) {
  const GraphMeaning& g = *plan.meaning;
  Job job{};
  job.direction = g.direction;
  job.c = g.c;
  job.alpha = g.alpha, job.beta = g.beta;
  job.bias = g.bias, job.activation = g.activation;
  if (const cudnnStatus_t status = place(pack, g, job)) return status;
  job.old = job.c.output(job.direction);
  const auto notes = numerical_notes(plan.engine);
  job.c.tf32 = g.c.x.dtype == DType::f32 && state().options.tf32 &&
               std::find(notes.begin(), notes.end(), CUDNN_NUMERICAL_NOTE_TENSOR_CORE) != notes.end();
  if (!check_operands(job)) return CUDNN_STATUS_BAD_PARAM;
  if (due(Fault::internal, int(plan.engine))) return refuse(CUDNN_STATUS_INTERNAL_ERROR, "an injected fault");
  if (due(Fault::algorithm, int(plan.engine)))
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "an injected fault: the engine");
  job.workspace = {pack.one<void*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE), plan.workspace};
  if (!check_workspace(job.workspace, plan.workspace, kWorkspaceAlignment, {&job.c.x, &job.c.w, &job.c.y}))
    return CUDNN_STATUS_BAD_PARAM;
  if (plan.workspace > 0 && due(Fault::workspace))
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "an injected fault: the workspace");
  return enqueue_job(handle, job);
}

}  // namespace
}  // namespace cawe::emulated

CAWE_EMULATED_BEGIN

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type,
                                           cudnnBackendDescriptor_t* descriptor) {
  return dnn_call(__func__, [&]() -> cudnnStatus_t {
    if (!descriptor) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "the result's address is nullptr");
    if (!is_known(type))
      return refuse(CUDNN_STATUS_NOT_SUPPORTED, "descriptor ", int(type), " is none of the emulator's");
    auto made = std::make_shared<BackendDesc>();
    made->type = type;
    *descriptor = new_handle(std::move(made));
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
  const Entry entry(__func__);
  return destroy<BackendDesc>(descriptor) ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor) {
  return dnn_call(__func__, [&]() -> cudnnStatus_t {
    const auto d = find<BackendDesc>(descriptor);
    if (!d) return CUDNN_STATUS_BAD_PARAM;
    const cudnnStatus_t status = finalize(*d);
    d->finalized = d->finalized || status == CUDNN_STATUS_SUCCESS;
    return status;
  });
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count, const void* values) {
  return dnn_call(__func__, [&]() -> cudnnStatus_t {
    const auto d = find<BackendDesc>(descriptor);
    if (!d) return CUDNN_STATUS_BAD_PARAM;
    if (const cudnnStatus_t status = check_set(*d, name, type, count, values)) return status;
    const auto first = static_cast<const char*>(values);
    d->values[name] = {count, {first, first + size_t(count) * attribute_bytes(type)}};
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const descriptor,
                                       cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                                       int64_t requested, int64_t* count, void* values) {
  return dnn_call(__func__, [&]() -> cudnnStatus_t {
    const auto d = find<BackendDesc>(descriptor);
    if (!d) return CUDNN_STATUS_BAD_PARAM;
    if (const cudnnStatus_t status = check_get(*d, name, type, requested)) return status;
    int64_t unused = 0;
    return get(*d, name, requested, count ? count : &unused, values);
  });
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t variant_pack) {
  return dnn_call(__func__, [&]() -> cudnnStatus_t {
    const auto p = find<BackendDesc>(plan), v = find<BackendDesc>(variant_pack);
    if (!p || !v || !find<DnnHandle>(handle)) return CUDNN_STATUS_BAD_PARAM;
    if (!p->finalized || p->type != CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR || !v->finalized ||
        v->type != CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR)
      return refuse(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED,
                    "a plan and a variant pack, both finalized, are executed");
    return execute(handle, *p, *v);
  });
}

CAWE_EMULATED_END
