// SPDX-License-Identifier: Apache-2.0
// Graphs with one mistake each: every attribute missing, of a wrong type, too few, too many or nullptr, links
// to what is not finalized, and things that do not go together.
#pragma once

#include "tests/cuda/emulator/vendor/graph_recipe.h"

namespace cawe::emulated {

struct Mistake {
  std::string name;
  Recipe recipe;
  /// The library does without (a default, or a value that it ignores or rounds by), the emulated one does
  /// not: a caller that means it would say so.
  bool library_lets_it_pass = false;
};

inline void replace(Recipe& r, const std::string& name, cudnnBackendAttributeName_t attribute,
                    const std::vector<int64_t>& values) {
  RecipeAttribute& a = descriptor(r, name).attribute(attribute);
  a.count = int64_t(values.size());
  a.bytes.resize(values.size() * sizeof(int64_t));
  std::memcpy(a.bytes.data(), values.data(), a.bytes.size());
}
/// An enumeration's value.
inline void replace(Recipe& r, const std::string& name, cudnnBackendAttributeName_t attribute, int value) {
  std::memcpy(descriptor(r, name).attribute(attribute).bytes.data(), &value, sizeof value);
}
inline void replace(Recipe& r, const std::string& name, cudnnBackendAttributeName_t attribute, bool value) {
  descriptor(r, name).attribute(attribute).bytes[0] = char(value);
}

/// Attributes without which the library has a default of its own.
inline bool has_default(cudnnBackendAttributeName_t name, const std::string& of) {
  switch (name) {
    case CUDNN_ATTR_TENSOR_UNIQUE_ID:
    case CUDNN_ATTR_TENSOR_DATA_TYPE:
    case CUDNN_ATTR_CONVOLUTION_COMP_TYPE:
    case CUDNN_ATTR_CONVOLUTION_CONV_MODE:
    case CUDNN_ATTR_POINTWISE_MATH_PREC:
      return true;
    case CUDNN_ATTR_POINTWISE_MODE:
      return of == "add";
    case CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR:
      return of == "adding";
    default:
      return false;
  }
}

/// Those that may be left out.
inline bool is_optional(cudnnBackendAttributeName_t name) {
  switch (name) {
    case CUDNN_ATTR_TENSOR_IS_VIRTUAL:
    case CUDNN_ATTR_POINTWISE_NAN_PROPAGATION:
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

/// Every attribute of the recipe, spoiled in each way.
inline std::vector<Mistake> spoiled_attributes(const std::string& title,
                                               const std::function<Recipe()>& right) {
  std::vector<Mistake> all;
  const Recipe whole = right();
  for (size_t d = 0; d < whole.size(); ++d)
    for (size_t i = 0; i < whole[d].attributes.size(); ++i) {
      const RecipeAttribute& was = whole[d].attributes[i];
      const std::string name =
          title + ": " + whole[d].name + ", attribute " + std::to_string(int(was.name)) + " ";
      const auto add = [&](const char* how, bool passes, const std::function<void(RecipeAttribute&)>& spoil) {
        Recipe r = right();
        spoil(r[d].attributes[i]);
        all.push_back({name + how, r, passes});
      };
      if (!is_optional(was.name)) {
        Recipe r = right();
        r[d].attributes.erase(r[d].attributes.begin() + int64_t(i));
        all.push_back({name + "missing", r, has_default(was.name, whole[d].name)});
      }
      add("of a wrong type", false, [](RecipeAttribute& a) {
        a.type = a.type == CUDNN_TYPE_INT64 ? CUDNN_TYPE_FLOAT : CUDNN_TYPE_INT64;
      });
      add("with no value", false, [](RecipeAttribute& a) { a.count = 0; });
      add("twice as many", false, [](RecipeAttribute& a) {
        const RecipeAttribute once = a;
        a.count *= 2;
        a.bytes.insert(a.bytes.end(), once.bytes.begin(), once.bytes.end());
        a.others.insert(a.others.end(), once.others.begin(), once.others.end());
      });
      add("nullptr", false, [](RecipeAttribute& a) { a.bytes.clear(), a.others.clear(); });
      for (const std::string& other : was.others) {
        Recipe r = right();
        descriptor(r, other).finalized = false;
        const bool passes = was.name == CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR;
        all.push_back({name + "not finalized: " + other, r, passes});
      }
    }
  return all;
}

/// What does not go together in a forward convolution with bias and ReLU.
inline std::vector<Mistake> mismatches() {
  std::vector<Mistake> all;
  const auto add = [&](const char* name, bool passes, const std::function<void(Recipe&)>& spoil) {
    Recipe r = fused_recipe();
    spoil(r);
    all.push_back({name, r, passes});
  };
  const auto ops = [](Recipe& r) -> RecipeAttribute& {
    return descriptor(r, "graph").attribute(CUDNN_ATTR_OPERATIONGRAPH_OPS);
  };
  add("an attribute of another descriptor", false,
      [](Recipe& r) { descriptor(r, "x").attributes[0].name = CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS; });
  add("three sizes, four strides", false, [](Recipe& r) {
    replace(r, "x", CUDNN_ATTR_TENSOR_DIMENSIONS, {2, 8, 6});
  });
  add("a size of 0", false, [](Recipe& r) { replace(r, "x", CUDNN_ATTR_TENSOR_DIMENSIONS, {2, 8, 6, 0}); });
  add("a size below 0", false, [](Recipe& r) {
    replace(r, "x", CUDNN_ATTR_TENSOR_DIMENSIONS, {2, 8, 6, -1});
  });
  add("a stride below 0", false, [](Recipe& r) {
    replace(r, "x", CUDNN_ATTR_TENSOR_STRIDES, {240, 30, 5, -1});
  });
  for (const int64_t bytes : {0, 2, -16})
    add("an alignment that the type does not have", false,
        [=](Recipe& r) { replace(r, "x", CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, std::vector<int64_t>{bytes}); });
  add("one id for two tensors", true,
      [](Recipe& r) { replace(r, "x", CUDNN_ATTR_TENSOR_UNIQUE_ID, std::vector<int64_t>{2}); });
  add("three directions", false,
      [](Recipe& r) { replace(r, "conv", CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, std::vector<int64_t>{3}); });
  add("padding below 0", false, [](Recipe& r) {
    replace(r, "conv", CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, {-1, -1});
  });
  add("stride 0", false, [](Recipe& r) {
    replace(r, "conv", CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, {0, 0});
  });
  add("dilation 0", false, [](Recipe& r) { replace(r, "conv", CUDNN_ATTR_CONVOLUTION_DILATIONS, {0, 0}); });
  add("an unknown mode", true, [](Recipe& r) { replace(r, "conv", CUDNN_ATTR_CONVOLUTION_CONV_MODE, 7); });
  add("sums in f64 of f32", false,
      [](Recipe& r) { replace(r, "conv", CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_DOUBLE); });
  add("sums in f16 of f32", false,
      [](Recipe& r) { replace(r, "conv", CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_HALF); });
  add("an image of f16, a filter of f32", false,
      [](Recipe& r) { replace(r, "x", CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_DATA_HALF); });
  add("a result of f16 of f32", false,
      [](Recipe& r) { replace(r, "y", CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_DATA_HALF); });
  add("sums that are rounded to f16", false,
      [](Recipe& r) { replace(r, "sums", CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_DATA_HALF); });
  add("sums of other sizes", false, [](Recipe& r) {
    replace(r, "sums", CUDNN_ATTR_TENSOR_DIMENSIONS, {2, 16, 6, 4});
  });
  add("a filter of other channels", false, [](Recipe& r) {
    replace(r, "w", CUDNN_ATTR_TENSOR_DIMENSIONS, {16, 7, 3, 3});
  });
  add("a filter of other outputs", false, [](Recipe& r) {
    replace(r, "w", CUDNN_ATTR_TENSOR_DIMENSIONS, {15, 8, 3, 3});
  });
  add("a bias of other channels", false, [](Recipe& r) {
    replace(r, "bias", CUDNN_ATTR_TENSOR_DIMENSIONS, {1, 15, 1, 1});
  });
  add("a biased result of other sizes", true, [](Recipe& r) {
    replace(r, "biased", CUDNN_ATTR_TENSOR_DIMENSIONS, {2, 16, 6, 4});
  });
  add("a result of other sizes", false, [](Recipe& r) {
    replace(r, "y", CUDNN_ATTR_TENSOR_DIMENSIONS, {2, 16, 6, 4});
  });
  add("an unknown pointwise mode", false,
      [](Recipe& r) { replace(r, "add", CUDNN_ATTR_POINTWISE_MODE, 9999); });
  add("a ReLU of two tensors", true,
      [](Recipe& r) { descriptor(r, "clipping").linked(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, {"bias"}); });
  add("operations out of order", true, [&](Recipe& r) { std::swap(ops(r).others[0], ops(r).others[2]); });
  add("a graph that ends in a virtual tensor", false,
      [&](Recipe& r) { ops(r).others.pop_back(), ops(r).count = 2; });
  add("a graph without its convolution", false,
      [&](Recipe& r) { ops(r).others.erase(ops(r).others.begin()), ops(r).count = 2; });
  add("an operation twice", false, [&](Recipe& r) { ops(r).others.push_back("convolve"), ops(r).count = 4; });
  add("sums in memory", false, [](Recipe& r) { replace(r, "sums", CUDNN_ATTR_TENSOR_IS_VIRTUAL, false); });
  add("a virtual result", false, [](Recipe& r) { replace(r, "y", CUDNN_ATTR_TENSOR_IS_VIRTUAL, true); });
  add("a virtual image", false, [](Recipe& r) { replace(r, "x", CUDNN_ATTR_TENSOR_IS_VIRTUAL, true); });
  return all;
}

inline std::vector<Mistake> all_mistakes() {
  std::vector<Mistake> all = mismatches();
  for (const auto& more : {spoiled_attributes("forward", [] { return fused_recipe(); }),
                           spoiled_attributes("by input", [] { return gradient_recipe(true); }),
                           spoiled_attributes("by weight", [] { return gradient_recipe(false); })})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

/// A pack of four addresses, which nothing reads.
inline Recipe pack_recipe() {
  RecipeDescriptor pack{"pack", CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, {}};
  pack.with<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, {1, 2, 3, 4})
      .with<uintptr_t>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, {4096, 8192, 12288, 16384})
      .with<uintptr_t>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, {20480});
  return {pack};
}

inline std::vector<std::pair<std::string, std::function<void(RecipeDescriptor&)>>> pack_mistakes() {
  return {{"right", [](RecipeDescriptor&) {}},
          {"without a workspace's address",
           [](RecipeDescriptor& d) {
             auto& bytes = d.attribute(CUDNN_ATTR_VARIANT_PACK_WORKSPACE).bytes;
             bytes.assign(bytes.size(), 0);
           }},
          {"fewer addresses than ids", [](RecipeDescriptor& d) { d.attributes[1].count = 3; }},
          {"no ids", [](RecipeDescriptor& d) { d.attributes.erase(d.attributes.begin()); }},
          {"no addresses", [](RecipeDescriptor& d) { d.attributes.erase(d.attributes.begin() + 1); }},
          {"ids of a wrong type", [](RecipeDescriptor& d) { d.attributes[0].type = CUDNN_TYPE_VOID_PTR; }},
          {"addresses of a wrong type", [](RecipeDescriptor& d) { d.attributes[1].type = CUDNN_TYPE_INT64; }},
          {"two workspaces", [](RecipeDescriptor& d) {
             d.attributes[2].count = 2;
             d.attributes[2].bytes.resize(2 * sizeof(uintptr_t));
           }}};
}

}  // namespace cawe::emulated
