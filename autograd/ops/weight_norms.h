// SPDX-License-Identifier: Apache-2.0
// Normalised weights: what a layer multiplies with is computed from what is trained.
#pragma once

#include "autograd/variable.h"

namespace cawe {

/// y = w / sigma, sigma = u^T w v with w [O, ...] seen as a matrix [O, K]; where `iterate` (in training), one
/// power iteration before moves v = w^T u / |w^T u| and u = w v / |w v| in place (Miyato et al. 2018, arXiv
/// 1802.05957; PyTorch's torch.nn.utils.spectral_norm with its eps of 1e-12). u: [O], v: [K] in the order of
/// a contiguous w, of w's dtype and device. The gradient (dy - <dy, y> u v^T) / sigma takes u and v as
/// constants, with the values that they have after this call. All ranks hold w, u and v alike and keep them
/// alike. Throws Code::shape and Code::dtype.
Variable spectral_norm(const Variable& w, Tensor& u, Tensor& v, bool iterate);

/// y[o] = g[o] v[o] / |v[o]| (Salimans and Kingma 2016, arXiv 1602.07868; torch.nn.utils.weight_norm, dim 0).
/// v: [O, ...]; g: [O] or [O, 1, ...]. Gradients by v and g. Throws Code::shape and Code::dtype.
Variable weight_norm(const Variable& v, const Variable& g);

}  // namespace cawe
