// SPDX-License-Identifier: Apache-2.0
// What the descriptors of cuDNN's backend interface say together: tensors, operations, and a graph of them.
#include <algorithm>

#include "cuda/emulator/vendor/backend_descriptor.h"

namespace cawe::emulated {
namespace {

/// The attributes of a convolution's operation.
struct Names {
  Direction direction;
  cudnnBackendAttributeName_t convolution, x, w, y, alpha, beta;
};

bool names_of(cudnnBackendDescriptorType_t type, Names& names) {
  switch (type) {
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
      names = {Direction::forward,
               CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
               CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
               CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
               CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
               CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
               CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
      return true;
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
      names = {Direction::data,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
      return true;
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR:
      names = {Direction::filter,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
      return true;
    default:
      return false;
  }
}

/// The linked descriptor of this type, finalized; nullptr with a complaint where it is not.
std::shared_ptr<BackendDesc> finalized(const BackendDesc& d, cudnnBackendAttributeName_t name,
                                       cudnnBackendDescriptorType_t type) {
  std::shared_ptr<BackendDesc> found = d.linked(name);
  if (found && found->type == type && found->finalized) return found;
  if (found)
    complain(detail::concat("attribute ", int(name), " is descriptor ", int(found->type),
                            found->finalized ? "" : ", not finalized", " (expected ", int(type), ")"));
  return nullptr;
}

std::shared_ptr<BackendDesc> tensor(const BackendDesc& d, cudnnBackendAttributeName_t name) {
  return finalized(d, name, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
}

bool is_virtual(const BackendDesc& t) {
  return t.has(CUDNN_ATTR_TENSOR_IS_VIRTUAL) && t.one<bool>(CUDNN_ATTR_TENSOR_IS_VIRTUAL);
}
int64_t id_of(const BackendDesc& t) { return t.one<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID); }

/// Sizes and parameters; the caller knows the types.
cudnnStatus_t read_operation(const BackendDesc& d, const Names& names, Convolution& c) {
  const auto x = tensor(d, names.x), w = tensor(d, names.w), y = tensor(d, names.y);
  const auto p = finalized(d, names.convolution, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  if (!x || !w || !y || !p) return CUDNN_STATUS_BAD_PARAM;
  c.x = x->elements, c.w = w->elements, c.y = y->elements;
  c.params.padding = p->one<int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
  c.params.stride = p->one<int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
  c.params.dilation = p->one<int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS);
  if (c.x.size[1] % c.w.size[1] != 0)
    return refuse(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "x has ", c.x.size[1],
                  " channels, no multiple of the filter's ", c.w.size[1]);
  c.params.groups = c.x.size[1] / c.w.size[1];
  return check_shapes(c);
}

double factor(const BackendDesc& d, cudnnBackendAttributeName_t name, double fallback) {
  if (!d.has(name)) return fallback;
  const bool wide = d.values.at(name).bytes.size() == sizeof(double);
  return wide ? d.one<double>(name) : double(d.one<float>(name));
}

cudnnStatus_t no_pattern(const char* what) { return refuse(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, what); }

/// Reads the operations of a graph one after the other.
class GraphReader {
 public:
  explicit GraphReader(GraphMeaning& meaning) : g_(meaning) {}

  cudnnStatus_t convolution(const BackendDesc& d, const Names& names) {
    const auto p = d.linked(names.convolution), x = d.linked(names.x), w = d.linked(names.w),
               y = d.linked(names.y);
    if (!p || !x || !w || !y) return CUDNN_STATUS_BAD_PARAM;
    if (const cudnnStatus_t status = read_operation(d, names, g_.c)) return status;
    g_.direction = names.direction;
    g_.alpha = factor(d, names.alpha, 1), g_.beta = factor(d, names.beta, 0);
    g_.x = id_of(*x), g_.w = id_of(*w), g_.y = id_of(*y);
    compute_ = p->one<cudnnDataType_t>(CUDNN_ATTR_CONVOLUTION_COMP_TYPE);
    if (g_.c.x.dtype != g_.c.w.dtype && g_.direction == Direction::forward)
      return refuse(CUDNN_STATUS_NOT_SUPPORTED, "an image of ", name(g_.c.x.dtype), " and a filter of ",
                    name(g_.c.w.dtype));
    const auto& result = g_.direction == Direction::forward ? y : g_.direction == Direction::data ? x : w;
    for (const auto& t : {x, w, y})
      if (t != result && is_virtual(*t)) return no_pattern("an input of the convolution is virtual");
    promise({x, w, y});
    return follow(result);
  }

  cudnnStatus_t pointwise(const BackendDesc& d) {
    const auto f = d.linked(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR),
               x = d.linked(CUDNN_ATTR_OPERATION_POINTWISE_XDESC),
               y = d.linked(CUDNN_ATTR_OPERATION_POINTWISE_YDESC);
    if (!f || !x || !y) return CUDNN_STATUS_BAD_PARAM;
    if (!last_ || g_.direction != Direction::forward)
      return no_pattern("a pointwise operation that does not follow a forward convolution");
    if (x != last_ || !is_virtual(*x))
      return no_pattern("a pointwise operation must read the virtual result of the operation before it");
    if (f->one<cudnnDataType_t>(CUDNN_ATTR_POINTWISE_MATH_PREC) != compute_)
      return refuse(CUDNN_STATUS_NOT_SUPPORTED,
                    "a pointwise operation in another type than the convolution's");
    if (f->one<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE) == CUDNN_POINTWISE_ADD) {
      const auto b = d.linked(CUDNN_ATTR_OPERATION_POINTWISE_BDESC);
      if (!b) return CUDNN_STATUS_BAD_PARAM;
      if (g_.has_bias || g_.activation != Activation::none)
        return no_pattern("an addition behind another operation");
      if (b->elements.size != Sizes{1, g_.c.y.size[1], 1, 1} || is_virtual(*b))
        return refuse(CUDNN_STATUS_NOT_SUPPORTED, "what is added must have the sizes 1, ", g_.c.y.size[1],
                      ", 1, 1");
      g_.has_bias = true, g_.bias = b->elements, g_.bias_id = id_of(*b);
      promise({b});
    } else {
      if (g_.activation != Activation::none) return no_pattern("two ReLUs");
      const bool keeps_nan =
          f->has(CUDNN_ATTR_POINTWISE_NAN_PROPAGATION) &&
          f->one<cudnnNanPropagation_t>(CUDNN_ATTR_POINTWISE_NAN_PROPAGATION) == CUDNN_PROPAGATE_NAN;
      g_.activation = keeps_nan ? Activation::relu : Activation::relu_without_nan;
    }
    promise({y});
    return follow(y);
  }

  /// The result goes to memory, in the inputs' type; everything in between is as wide as the sums.
  cudnnStatus_t end() {
    if (!last_) return no_pattern("no convolution");
    if (is_virtual(*last_)) return no_pattern("the result is virtual");
    const DType type = g_.direction == Direction::data ? g_.c.w.dtype : g_.c.x.dtype;
    const cudnnDataType_t wanted = type == DType::f64 ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT;
    if (compute_ != wanted)
      return refuse(CUDNN_STATUS_NOT_SUPPORTED, "compute type ", int(compute_), " for ", name(type),
                    " (expected ", int(wanted), ")");
    if (g_.direction == Direction::forward) g_.c.y = last_->elements, g_.y = id_of(*last_);
    for (const Strided* t : {&g_.c.x, &g_.c.w, &g_.c.y, g_.has_bias ? &g_.bias : &g_.c.y})
      if (t->dtype != type)
        return refuse(CUDNN_STATUS_NOT_SUPPORTED, "tensors of ", name(type), " and ", name(t->dtype));
    for (const DType between : between_)
      if (between != (type == DType::f64 ? DType::f64 : DType::f32))
        return refuse(CUDNN_STATUS_NOT_SUPPORTED, "a virtual tensor of ", name(between),
                      " would round the sums");
    std::vector<int64_t> ids{g_.x, g_.w, g_.y};
    if (g_.has_bias) ids.push_back(g_.bias_id);
    std::sort(ids.begin(), ids.end());
    if (std::adjacent_find(ids.begin(), ids.end()) != ids.end())
      return refuse(CUDNN_STATUS_BAD_PARAM, "two tensors with the same unique id");
    return CUDNN_STATUS_SUCCESS;
  }

 private:
  /// What the tensors in memory promise of their addresses; those in registers have none.
  void promise(const std::vector<std::shared_ptr<BackendDesc>>& tensors) {
    for (const auto& t : tensors)
      if (!is_virtual(*t))
        g_.alignment = std::max(g_.alignment, t->one<int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT));
  }

  cudnnStatus_t follow(const std::shared_ptr<BackendDesc>& result) {
    if (result->elements.size != (last_ ? last_ : result)->elements.size)
      return refuse(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "a pointwise operation changes the sizes");
    last_ = result;
    if (is_virtual(*result)) between_.push_back(result->elements.dtype);
    return CUDNN_STATUS_SUCCESS;
  }

  GraphMeaning& g_;
  std::shared_ptr<BackendDesc> last_;
  std::vector<DType> between_;
  cudnnDataType_t compute_ = CUDNN_DATA_FLOAT;
};

bool all_equal(const std::vector<int64_t>& v) {
  return std::all_of(v.begin(), v.end(), [&](int64_t x) { return x == v[0]; });
}

}  // namespace

cudnnStatus_t finalize_tensor(BackendDesc& d) {
  const auto sizes = d.list<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS),
             strides = d.list<int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
  const auto alignment = d.one<int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
  if (!element_type(d.one<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE), d.elements.dtype))
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "a data type that networks here do not have");
  if (sizes.size() != strides.size())
    return refuse(CUDNN_STATUS_BAD_PARAM, sizes.size(), " sizes and ", strides.size(), " strides");
  if (sizes.size() != 4) return refuse(CUDNN_STATUS_NOT_SUPPORTED, "the emulator takes four sizes only");
  for (const int64_t v :
       {*std::min_element(sizes.begin(), sizes.end()), *std::min_element(strides.begin(), strides.end())})
    if (v < 1) return refuse(CUDNN_STATUS_BAD_PARAM, "a size or stride below 1");
  if (alignment < 1 || alignment % int64_t(size_of(d.elements.dtype)) != 0)
    return refuse(CUDNN_STATUS_BAD_PARAM, "an alignment of ", alignment, " bytes for ",
                  name(d.elements.dtype));
  std::copy(sizes.begin(), sizes.end(), d.elements.size.begin());
  std::copy(strides.begin(), strides.end(), d.elements.stride.begin());
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finalize_parameters(const BackendDesc& d) {
  const auto before = d.list<int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS),
             behind = d.list<int64_t>(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS),
             strides = d.list<int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES),
             dilations = d.list<int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS);
  if (d.one<int64_t>(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS) != 2)
    return refuse(CUDNN_STATUS_BAD_PARAM, "the emulator takes two directions only");
  for (const auto& list : {before, behind, strides, dilations})
    if (list.size() != 2) return refuse(CUDNN_STATUS_BAD_PARAM, list.size(), " values for two directions");
  if (before != behind || !all_equal(before) || !all_equal(strides) || !all_equal(dilations))
    return refuse(CUDNN_STATUS_NOT_SUPPORTED,
                  "the emulator takes the same padding, stride and dilation everywhere");
  if (before[0] < 0 || strides[0] < 1 || dilations[0] < 1)
    return refuse(CUDNN_STATUS_BAD_PARAM, "padding ", before[0], ", stride ", strides[0], ", dilation ",
                  dilations[0]);
  if (d.one<cudnnConvolutionMode_t>(CUDNN_ATTR_CONVOLUTION_CONV_MODE) != CUDNN_CROSS_CORRELATION)
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "another mode than CUDNN_CROSS_CORRELATION");
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finalize_pointwise(const BackendDesc& d) {
  const auto mode = d.one<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE);
  if (mode != CUDNN_POINTWISE_ADD && mode != CUDNN_POINTWISE_RELU_FWD)
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "pointwise mode ", int(mode), " (expected ADD or RELU_FWD)");
  if (mode == CUDNN_POINTWISE_ADD && d.has(CUDNN_ATTR_POINTWISE_NAN_PROPAGATION))
    return refuse(CUDNN_STATUS_BAD_PARAM, "a way to treat NaN for an addition");
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finalize_operation(const BackendDesc& d) {
  Names names{};
  if (names_of(d.type, names)) {
    Convolution c;
    return read_operation(d, names, c);
  }
  const auto x = tensor(d, CUDNN_ATTR_OPERATION_POINTWISE_XDESC),
             y = tensor(d, CUDNN_ATTR_OPERATION_POINTWISE_YDESC);
  const auto f =
      finalized(d, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
  if (!x || !y || !f) return CUDNN_STATUS_BAD_PARAM;
  const bool two = f->one<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE) == CUDNN_POINTWISE_ADD;
  if (two != d.has(CUDNN_ATTR_OPERATION_POINTWISE_BDESC))
    return refuse(CUDNN_STATUS_BAD_PARAM, two ? "an addition of one tensor" : "a ReLU of two tensors");
  return !two || tensor(d, CUDNN_ATTR_OPERATION_POINTWISE_BDESC) ? CUDNN_STATUS_SUCCESS
                                                                 : CUDNN_STATUS_BAD_PARAM;
}

cudnnStatus_t finalize_graph(BackendDesc& d) {
  auto meaning = std::make_shared<GraphMeaning>();
  GraphReader reader(*meaning);
  bool first = true;
  for (const cudnnBackendDescriptor_t handle :
       d.list<cudnnBackendDescriptor_t>(CUDNN_ATTR_OPERATIONGRAPH_OPS)) {
    const auto operation = find<BackendDesc>(handle);
    if (!operation) return CUDNN_STATUS_BAD_PARAM;
    if (!operation->finalized)
      return refuse(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "an operation is not finalized");
    Names names{};
    const bool convolves = names_of(operation->type, names);
    if (convolves != first || (!convolves && operation->type != CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR))
      return no_pattern("a graph is a convolution, then pointwise operations in their order");
    if (const cudnnStatus_t status =
            first ? reader.convolution(*operation, names) : reader.pointwise(*operation))
      return status;
    first = false;
  }
  if (const cudnnStatus_t status = reader.end()) return status;
  if (d.has(CUDNN_ATTR_OPERATIONGRAPH_HANDLE)) {
    meaning->handle = d.one<cudnnHandle_t>(CUDNN_ATTR_OPERATIONGRAPH_HANDLE);
    if (!find<DnnHandle>(meaning->handle)) return CUDNN_STATUS_BAD_PARAM;
  }
  d.meaning = std::move(meaning);
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace cawe::emulated
