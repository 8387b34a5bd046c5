// SPDX-License-Identifier: Apache-2.0
// Launch functions of element-wise arithmetic (elementwise_unary.cu, elementwise_unary_grad.cu,
// elementwise_binary.cu); the functors are those of tensor/elementwise.h. All operands of a call have one
// type; f16 and bf16 are computed in f32.
#pragma once

#include "cuda/kernels/types.h"

namespace cawe {
enum class UnaryOp : uint8_t;
enum class BinaryOp : uint8_t;
}  // namespace cawe

namespace CAWE_DEVICE {

/// A tensor of a call: its first element and its strides. All have the output's sizes; an input repeats along
/// dimensions of stride 0.
struct Operand {
  const void* data;
  StridedView view;
};
/// The output of a call.
struct Result {
  void* data;
  StridedView view;
};

/// y = op(x) with the parameters a and b; y may be x.
void unary(Number number, UnaryOp op, double a, double b, const Operand& x, const Result& y,
           DeviceStream stream);
/// dx = dy * slope(x, y)
void unary_grad(Number number, UnaryOp op, double a, double b, const Operand& x, const Operand& y,
                const Operand& dy, const Result& dx, DeviceStream stream);
/// y = op(p, q)
void binary(Number number, BinaryOp op, const Operand& p, const Operand& q, const Result& y,
            DeviceStream stream);
/// y += x
void accumulate(Number number, const Operand& x, const Result& y, DeviceStream stream);

}  // namespace CAWE_DEVICE
