// SPDX-License-Identifier: Apache-2.0
// Rows of element-wise arithmetic, of a change of type and of gradients that gather.
#include "autograd/ops/elementwise.h"
#include "autograd/rows/rows.h"

namespace cawe {
namespace {

/// An element-wise operator on a flat tensor and on images of both memory orders.
OperatorRow unary(const std::string& name, const std::function<Variable(const Variable&)>& f,
                  Values values = Values::apart) {
  const auto call = [f](const In& in) { return f(in[0]); };
  return {name,
          {"unary", "unary_grad"},
          {{{contiguous({3, 7}, values)}, call},
           {{image({2, 5, 3, 4}, values)}, call},
           {{contiguous({2, 3, 33, 17}, values)}, call}}};
}

OperatorRow binary(const std::string& name,
                   const std::function<Variable(const Variable&, const Variable&)>& f) {
  const auto call = [f](const In& in) { return f(in[0], in[1]); };
  const Values v = Values::apart;
  return {name,
          {"binary", "sum_to"},
          {{{contiguous({4, 5}, v), contiguous({4, 5}, v)}, call},
           {{contiguous({4, 5}, v), contiguous({5}, v)}, call},
           {{contiguous({2, 1, 3}, v), contiguous({4, 1}, v)}, call},
           {{image({2, 3, 4, 5}, v), image({2, 3, 4, 5}, v)}, call},
           {{image({2, 3, 4, 5}, v), contiguous({1, 3, 1, 1}, v)}, call}}};
}

}  // namespace

std::vector<OperatorRow> elementwise_operator_rows() {
  std::vector<OperatorRow> rows{
      unary("relu", [](const Variable& x) { return relu(x); }),
      unary("leaky_relu", [](const Variable& x) { return leaky_relu(x, 0.2); }),
      unary("sigmoid", [](const Variable& x) { return sigmoid(x); }),
      unary("tanh", [](const Variable& x) { return tanh(x); }),
      unary("exp", [](const Variable& x) { return exp(x); }),
      unary(
          "log", [](const Variable& x) { return log(x); }, Values::positive),
      unary(
          "sqrt", [](const Variable& x) { return sqrt(x); }, Values::positive),
      unary("square", [](const Variable& x) { return square(x); }),
      unary("abs", [](const Variable& x) { return abs(x); }),
      unary("softplus", [](const Variable& x) { return softplus(x); }),
      unary("clamp", [](const Variable& x) { return clamp(x, -0.1, 1e9); }),
      unary("affine", [](const Variable& x) { return affine(x, -1.5, 0.25); }),
      binary("add", [](const Variable& a, const Variable& b) { return add(a, b); }),
      binary("sub", [](const Variable& a, const Variable& b) { return sub(a, b); }),
      binary("mul", [](const Variable& a, const Variable& b) { return mul(a, b); }),
      binary("div", [](const Variable& a, const Variable& b) { return div(a, b); })};
  // To f32 and back: a change of type in the middle of a network.
  rows.push_back({"cast", {"copy"}, {{{contiguous({4, 5})}, [](const In& in) {
                                        const DType other =
                                            in[0].dtype() == DType::f32 ? DType::f64 : DType::f32;
                                        return in[0].dtype() == DType::f64
                                                   ? square(in[0])
                                                   : cast(square(cast(in[0], other)), in[0].dtype());
                                      }}}});
  // A variable that is used twice: its gradients are added.
  rows.push_back({"accumulate", {"accumulate"}, {{{contiguous({4, 4})}, [](const In& in) {
                                                    return add(mul(in[0], in[0]), sigmoid(in[0]));
                                                  }}}});
  return rows;
}

}  // namespace cawe
