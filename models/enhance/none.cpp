// SPDX-License-Identifier: Apache-2.0
// The films as they are: what the other methods are compared with.
#include <nlohmann/json.hpp>

#include "models/enhance/enhancer.h"
#include "tensor/io/json.h"

namespace cawe::models {
namespace {

class None : public Enhancer {
 public:
  std::string name() const override { return "none"; }
  std::string settings() const override { return json_text({{"method", "none"}}); }
  Tensor apply(const Tensor& gray) override {
    check_gray(gray);
    return gray;
  }
};

}  // namespace

std::vector<Method> none_methods() {
  return {{"none", "none", [](const EnhancerOptions&) { return std::make_unique<None>(); }, {}, {}}};
}

}  // namespace cawe::models
