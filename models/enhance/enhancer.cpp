// SPDX-License-Identifier: Apache-2.0
#include "models/enhance/enhancer.h"

#include <algorithm>
#include <mutex>

#include "tensor/text.h"

namespace cawe::models {

// A function for each file of the list in models/CMakeLists.txt, from which CMake writes this file.
#define CAWE_METHODS(file) std::vector<Method> file##_methods();
#include "enhancement_methods.inc"
#undef CAWE_METHODS

void check_gray(const Tensor& gray) {
  CAWE_CHECK(gray.rank() == 4 && gray.dim(1) == 1 && gray.dtype() == DType::f32, Code::shape,
             "enhance: an image of shape ", gray.shape(), " ", name(gray.dtype()),
             " (expected [N, 1, H, W] f32)");
}

Tensor Enhancer::map(const Tensor&) { return {}; }

Tensor Enhancer::with_map(const Tensor&, const Tensor&) {
  fail(Code::usage, "enhance: method \"", name(), "\" fuses no map, so it cannot be given another one");
}

std::shared_ptr<Enhancer> Enhancer::in_training(uint64_t) const { return nullptr; }

MethodKey number_key(std::string name, double otherwise, double low, double high, std::string help,
                     std::string open) {
  return {std::move(name), otherwise, low, high, {}, std::move(help), std::move(open)};
}

MethodKey whole_key(std::string name, int64_t otherwise, double low, double high, std::string help,
                    std::string open) {
  return {std::move(name), otherwise, low, high, {}, std::move(help), std::move(open)};
}

MethodKey word_key(std::string name, std::vector<std::string> choices, std::string help, std::string open) {
  std::string first = choices.at(0);
  return {std::move(name), std::move(first), 0, 0, std::move(choices), std::move(help), std::move(open)};
}

template <class T>
const T& MethodValues::get(const std::string& key) const {
  const auto found = values_.find(key);
  CAWE_CHECK(found != values_.end() && std::holds_alternative<T>(found->second), Code::internal,
             "enhance: \"", key, "\" is no key of this method, or of another type");
  return std::get<T>(found->second);
}
double MethodValues::number(const std::string& key) const { return get<double>(key); }
int64_t MethodValues::whole(const std::string& key) const { return get<int64_t>(key); }
const std::string& MethodValues::word(const std::string& key) const { return get<std::string>(key); }

namespace {

std::mutex registry_mutex;
std::vector<Method>& registry() {
  static std::vector<Method> all = [] {
    std::vector<Method> list;
    const auto add = [&](const std::vector<Method>& of_file) {
      list.insert(list.end(), of_file.begin(), of_file.end());
    };
#define CAWE_METHODS(file) add(file##_methods());
#include "enhancement_methods.inc"
#undef CAWE_METHODS
    return list;
  }();
  return all;
}

/// The method of a name, or null. Whoever calls holds the mutex.
const Method* method_called(const std::string& name) {
  const auto found =
      std::find_if(registry().begin(), registry().end(), [&](const Method& m) { return m.name == name; });
  return found == registry().end() ? nullptr : &*found;
}

}  // namespace

std::vector<Method> methods() {
  const std::lock_guard<std::mutex> lock(registry_mutex);
  return registry();
}

void register_method(Method method) {
  const std::lock_guard<std::mutex> lock(registry_mutex);
  CAWE_CHECK(method_called(method.name) == nullptr, Code::internal, "enhancer \"", method.name,
             "\" is registered twice");
  registry().push_back(std::move(method));
}

EnhancerNeeds enhancer_needs(const std::string& name) {
  const std::lock_guard<std::mutex> lock(registry_mutex);
  const Method* const method = method_called(name);
  if (method == nullptr) return {};
  EnhancerNeeds needs = method->needs;
  for (const MethodKey& key : method->keys) {
    const std::string section = key.name.substr(0, key.name.find('.'));
    if (std::find(needs.sections.begin(), needs.sections.end(), section) == needs.sections.end())
      needs.sections.push_back(section);
  }
  return needs;
}

std::vector<std::string> enhancer_names() {
  std::vector<std::string> names;
  for (const Method& method : methods()) names.push_back(method.name);
  std::sort(names.begin(), names.end());
  return names;
}

std::string enhancer_label(const std::string& name) {
  const std::lock_guard<std::mutex> lock(registry_mutex);
  const Method* const method = method_called(name);
  return method == nullptr ? name : method->label;
}

std::unique_ptr<Enhancer> make_enhancer(const std::string& name, const EnhancerOptions& options) {
  EnhancerFactory factory;
  EnhancerOptions complete = options;
  {
    const std::lock_guard<std::mutex> lock(registry_mutex);
    if (const Method* const method = method_called(name)) {
      factory = method->make;
      for (const MethodKey& key : method->keys) complete.values.set_default(key.name, key.otherwise);
    }
  }
  if (factory) return factory(complete);
  const std::string nearest = nearest_name(name, enhancer_names());
  fail(Code::usage, "enhance: no method \"", name, "\"",
       nearest.empty() ? std::string() : ". Did you mean \"" + nearest + "\"?");
}

}  // namespace cawe::models
