// SPDX-License-Identifier: Apache-2.0
// What the cases of attention's two kernels share.
#pragma once

#include "cuda/kernels/attention.h"
#include "cuda/lab/cases/families.h"

namespace CAWE_DEVICE {

struct AttentionInputs {
  Tensor q, k, v, dy;
};

/// Of attention() y and seen, of attention_grad() the gradients.
struct AttentionResults {
  Tensor y, seen, dq, dk, dv;
};

AttentionInputs random_attention(const AttentionSizes& z, DType dtype);
/// All five in f64, by the reference.
AttentionResults attention_in_f64(const AttentionInputs& x, double scale);
/// Measures attention(), or attention_grad() on the y and seen of `expected`.
AttentionResults run_attention(CaseContext& c, const AttentionSizes& z, const AttentionInputs& x);
AttentionResults run_attention_grad(CaseContext& c, const AttentionSizes& z, const AttentionInputs& x,
                                    const AttentionResults& expected);
/// A case without a `run`: names, floors and FLOPs of all that is added and multiplied.
Case attention_case(const std::string& name, const std::string& file, bool gradient, const AttentionSizes& z,
                    DType dtype, double tolerance);

}  // namespace CAWE_DEVICE
