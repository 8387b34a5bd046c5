// SPDX-License-Identifier: Apache-2.0
// Softmax attention that never stores its scores as a whole.
#pragma once

#include "autograd/variable.h"

namespace cawe {

/// y[n, p] = sum_s softmax_s(scale q[n, p] . k[n, s]) v[n, s]. q: [N, P, D] queries, k: [N, S, D] keys, v:
/// [N, S, C] values; S and D at least 1. Returns [N, P, C]. The self-attention of SAGAN has scale 1. Memory
/// beside the outputs grows with P and S, not with P x S: scores are computed in tiles, and again for the
/// gradient. Saves q, k, v, y, and of each query the largest score m and sum_s exp(score - m).
/// Throws Code::shape and Code::dtype. Sources: Zhang et al. 2018 (arXiv 1805.08318), Rabe & Staats 2021
/// (arXiv 2112.05682), Dao et al. 2022 (arXiv 2205.14135).
Variable attention(const Variable& q, const Variable& k, const Variable& v, double scale = 1);

}  // namespace cawe
