// SPDX-License-Identifier: Apache-2.0
// The table's rows: every operator with the settings that it is tried at. A new operator adds a row here.
#include "autograd/ops/batch_norm.h"
#include "autograd/ops/conv2d.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/linear.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/pooling.h"
#include "autograd/ops/resize.h"
#include "autograd/ops/shape.h"
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

struct ConvCase {
  int64_t n, c, h, w, o, k;
  Conv2dParams p;
  bool bias, relu;
};

OperatorRow conv_row() {
  const ConvCase settings[] = {
      {1, 3, 9, 11, 5, 3, {1, 1, 1, 1}, true, false},  {2, 4, 8, 7, 6, 3, {2, 1, 1, 1}, false, false},
      {3, 3, 13, 10, 8, 7, {2, 3, 1, 1}, true, false}, {8, 16, 6, 6, 16, 1, {1, 0, 1, 1}, true, false},
      {2, 6, 9, 9, 4, 3, {1, 2, 2, 1}, true, false},   {2, 4, 7, 6, 8, 3, {1, 1, 1, 2}, true, false},
      {5, 8, 7, 5, 8, 3, {1, 1, 1, 1}, true, true},    {2, 5, 6, 8, 7, 1, {2, 0, 1, 1}, false, false},
      {11, 4, 5, 5, 4, 3, {1, 1, 1, 1}, true, false}};
  OperatorRow row{"conv2d", {"conv2d", "conv2d_grad_input", "conv2d_grad_weight"}, {}};
  for (const ConvCase& s : settings)
    for (const bool channels_last : {true, false}) {
      OperatorCase c;
      c.inputs = {{{s.n, s.c, s.h, s.w}, Values::free, true, channels_last},
                  contiguous({s.o, s.c / s.p.groups, s.k, s.k})};
      if (s.bias) c.inputs.push_back(contiguous({s.o}));
      c.call = [s](const In& in) { return conv2d(in[0], in[1], s.bias ? in[2] : Variable(), s.p, s.relu); };
      row.cases.push_back(c);
    }
  return row;
}

OperatorRow batch_norm_row() {
  OperatorRow row{"batch_norm",
                  {"channel_sums", "batch_norm_coefficients", "channel_affine", "batch_norm_grad_sums",
                   "batch_norm_grad_input", "channel_affine_grad"},
                  {}};
  for (const bool training : {true, false})
    for (const bool relu : {false, true})
      for (const bool residual : {false, true})
        for (const int64_t n : {1, 3, 8}) {
          OperatorCase c;
          const Shape shape{n, 5, 4, 3};
          c.inputs = {image(shape), parameter({5}, Values::positive), parameter({5})};
          if (residual) c.inputs.push_back(image(shape));
          c.call = [=](const In& in) {
            Tensor mean = beside(in[1], Tensor::full({5}, 0.1, DType::f64)),
                   var = beside(in[1], Tensor::full({5}, 0.9, DType::f64));
            return batch_norm(in[0], in[1], in[2], mean, var, training, 0.1, 1e-5,
                              residual ? in[3] : Variable(), relu);
          };
          row.cases.push_back(c);
        }
  return row;
}

std::vector<OperatorRow> image_rows() {
  const auto pool = [](Pool2dParams p) { return [p](const In& in) { return max_pool2d(in[0], p); }; };
  const auto up = [](const In& in) { return upsample_nearest(in[0], in[1]); };
  const auto resize = [](int64_t h, int64_t w) {
    return [h, w](const In& in) { return resize_bilinear(in[0], h, w); };
  };
  return {{"max_pool2d",
           {"max_pool2d", "max_pool2d_grad"},
           {{{image({2, 3, 8, 9}, Values::distinct)}, pool({3, 2, 1})},
            {{image({5, 4, 7, 6}, Values::distinct)}, pool({2, 2, 0})},
            {{contiguous({1, 2, 5, 5}, Values::distinct)}, pool({3, 1, 1})}}},
          {"global_avg_pool",
           {"global_avg_pool", "global_avg_pool_grad"},
           {{{image({3, 5, 4, 7})}, [](const In& in) { return global_avg_pool(in[0]); }},
            {{contiguous({1, 2, 1, 1})}, [](const In& in) { return global_avg_pool(in[0]); }}}},
          {"upsample_nearest",
           {"upsample_nearest", "upsample_nearest_grad"},
           {{{image({2, 3, 3, 4}), image({2, 3, 6, 8})}, up},
            {{image({1, 3, 3, 5}), image({1, 3, 5, 9})}, up},
            {{contiguous({2, 2, 2, 3})}, [](const In& in) { return upsample_nearest(in[0], 7, 5); }}}},
          {"resize_bilinear",
           {"resize_bilinear", "resize_bilinear_grad"},
           {{{image({2, 1, 4, 5})}, resize(9, 13)},
            {{image({1, 3, 8, 7})}, resize(5, 3)},
            {{contiguous({3, 2, 3, 3})}, resize(3, 6)}}}};
}

std::vector<OperatorRow> loss_rows() {
  return {{"bce_with_logits",
           {"bce_with_logits", "bce_with_logits_grad"},
           {{{contiguous({4, 5})},
             [](const In& in) {
               return bce_with_logits(in[0], coins({4, 5}, in[0]));
             }},
            {{contiguous({9, 3})},
             [](const In& in) {
               return bce_with_logits(in[0], coins({9, 3}, in[0]), coins({9, 3}, in[0]),
                                      beside(in[0], Tensor::full({3}, 2.5)));
             }}}},
          {"sigmoid_focal_loss",
           {"sigmoid_focal_loss", "sigmoid_focal_loss_grad"},
           {{{contiguous({3, 40})},
             [](const In& in) {
               return sigmoid_focal_loss(in[0], coins({3, 40}, in[0], true));
             }},
            {{contiguous({2, 9})},
             [](const In& in) {
               return sigmoid_focal_loss(in[0], coins({2, 9}, in[0]), 0.4, 1.5);
             }},
            {{contiguous({2, 9})},
             [](const In& in) {
               return sigmoid_focal_loss(in[0], coins({2, 9}, in[0]), 0.4, 0);
             }}}},
          {"smooth_l1",
           {"smooth_l1", "smooth_l1_grad"},
           {{{contiguous({2, 6, 4}, Values::apart)},
             [](const In& in) {
               return smooth_l1(in[0], beside(in[0], Tensor::zeros({2, 6, 4})), coins({2, 6}, in[0]), 0);
             }},
            {{contiguous({3, 5, 4}, Values::apart)},
             [](const In& in) {
               return smooth_l1(in[0], beside(in[0], Tensor::zeros({3, 5, 4})), coins({3, 5}, in[0]), 0.11);
             }},
            {{contiguous({3, 5, 4}, Values::apart)},
             [](const In& in) {
               return smooth_l1(in[0], beside(in[0], Tensor::zeros({3, 5, 4})), coins({3, 5}, in[0]), 3.0);
             }}}},
          {"softmax",
           {"softmax", "softmax_grad"},
           {{{contiguous({5, 7})}, [](const In& in) { return softmax(in[0]); }},
            {{contiguous({1, 1})}, [](const In& in) { return softmax(in[0]); }}}},
          {"cross_entropy",
           {"min_max", "unary", "binary", "sum_to", "gather_rows"},
           {{{contiguous({6, 4})},
             [](const In& in) {
               return cross_entropy(
                   in[0], Tensor::from(std::vector<int64_t>{0, 3, 1, 2, 2, 0}, {6}).to(in[0].device()));
             }}}},
          {"batch_mean", {"copy", "sum_to", "unary"}, {{{contiguous({7})}, [](const In& in) {
                                                          return batch_mean(in[0]);
                                                        }}}}};
}

std::vector<OperatorRow> shape_rows() {
  return {
      {"linear",
       {"linear", "linear_grad_input", "linear_grad_weight"},
       {{{contiguous({5, 7}), contiguous({3, 7}), contiguous({3})},
         [](const In& in) { return linear(in[0], in[1], in[2]); }},
        {{contiguous({1, 16}), contiguous({9, 16})}, [](const In& in) { return linear(in[0], in[1]); }},
        {{contiguous({32, 24}), contiguous({10, 24}), contiguous({10})},
         [](const In& in) { return linear(in[0], in[1], in[2]); }}}},
      {"matmul",
       {"matmul"},
       {{{contiguous({4, 6}), contiguous({6, 5})}, [](const In& in) { return matmul(in[0], in[1]); }},
        {{contiguous({2, 6, 4}), contiguous({2, 6, 5})},
         [](const In& in) { return matmul(in[0], in[1], true, false); }},
        {{contiguous({2, 4, 6}), contiguous({2, 5, 6})},
         [](const In& in) { return matmul(in[0], in[1], false, true); }}}},
      {"reshape",
       {"copy"},
       {{{contiguous({4, 6})},
         [](const In& in) {
           return square(reshape(in[0], {3, -1}));
         }},
        {{image({2, 3, 4, 5})},
         [](const In& in) {
           return square(reshape(in[0], {2, -1}));
         }}}},
      {"permute",
       {},
       {{{contiguous({2, 3, 4})},
         [](const In& in) {
           return square(permute(in[0], {2, 0, 1}));
         }},
        {{image({2, 3, 4, 5})},
         [](const In& in) {
           return square(permute(in[0], {0, 2, 3, 1}));
         }}}},
      {"slice",
       {"copy", "fill"},
       {{{contiguous({5, 6})}, [](const In& in) { return slice(in[0], 1, 2, 5); }},
        {{image({4, 3, 2, 2})}, [](const In& in) { return slice(in[0], 0, 1, 3); }}}},
      {"concat",
       {"copy"},
       {{{contiguous({2, 3}), contiguous({2, 5})},
         [](const In& in) {
           return concat({in[0], in[1]}, 1);
         }},
        {{image({2, 3, 4, 4}), image({2, 2, 4, 4})},
         [](const In& in) {
           return concat({in[0], in[1]}, 1);
         }}}},
      {"sum",
       {"sum_to"},
       {{{contiguous({3, 4, 5})}, [](const In& in) { return sum(in[0], {1}); }},
        {{contiguous({3, 4})}, [](const In& in) { return sum(in[0]); }},
        {{image({2, 3, 4, 5})},
         [](const In& in) {
           return sum(in[0], {2, 3});
         }}}},
      {"mean",
       {"sum_to"},
       {{{contiguous({3, 4, 5})},
         [](const In& in) {
           return mean(in[0], {0, 2});
         }}}},
      {"gather_rows",
       {"gather_rows", "gather_rows_grad"},
       {{{contiguous({6, 3})}, [](const In& in) {
           return gather_rows(in[0], Tensor::from(std::vector<int64_t>{4, 0, 4, 2}, {4}).to(in[0].device()));
         }}}}};
}

std::vector<OperatorRow> elementwise_rows() {
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
  // Through f32 and back: a change of type in the middle of a network.
  rows.push_back({"cast", {"copy"}, {{{contiguous({4, 5})}, [](const In& in) {
                                        const DType other =
                                            in[0].dtype() == DType::f32 ? DType::f64 : DType::f32;
                                        return in[0].dtype() == DType::f64
                                                   ? square(in[0])
                                                   : cast(square(cast(in[0], other)), in[0].dtype());
                                      }}}});
  // A variable that is used twice: gradients gather.
  rows.push_back({"accumulate", {"accumulate"}, {{{contiguous({4, 4})}, [](const In& in) {
                                                    return add(mul(in[0], in[0]), sigmoid(in[0]));
                                                  }}}});
  return rows;
}

}  // namespace

const std::vector<OperatorRow>& operator_rows() {
  static const std::vector<OperatorRow> all = [] {
    std::vector<OperatorRow> rows = elementwise_rows();
    rows.push_back(conv_row());
    rows.push_back(batch_norm_row());
    for (const auto& more : {image_rows(), loss_rows(), shape_rows()})
      rows.insert(rows.end(), more.begin(), more.end());
    for (const auto& more : {gan_operator_rows(), attention_operator_rows(), roi_align_operator_rows()})
      rows.insert(rows.end(), more.begin(), more.end());
    return rows;
  }();
  return all;
}

}  // namespace cawe
