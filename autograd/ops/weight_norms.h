// SPDX-License-Identifier: Apache-2.0
// Reparametrised weights: the weight that a layer uses is computed from trained parameters.
#pragma once

#include "autograd/variable.h"

namespace cawe {

/// Spectral normalisation (Miyato et al. 2018, arXiv 1802.05957; PyTorch's torch.nn.utils.spectral_norm with
/// its eps of 1e-12): y = w / sigma, sigma = u^T w v with w [O, ...] seen as a matrix [O, K]. Where `iterate`
/// (in training), one power iteration first updates v = w^T u / |w^T u| and u = w v / |w v| in place. u: [O],
/// v: [K] in the order of a contiguous w, of w's dtype and device. The gradient (dy - <dy, y> u v^T) / sigma
/// takes u and v, after this update, as constants. All ranks hold the same w, u and v and keep them equal.
/// Throws Code::shape and Code::dtype.
Variable spectral_norm(const Variable& w, Tensor& u, Tensor& v, bool iterate);

/// Weight normalisation (Salimans and Kingma 2016, arXiv 1602.07868; torch.nn.utils.weight_norm, dim 0): y[o]
/// = g[o] v[o] / |v[o]|. v: [O, ...]; g: [O] or [O, 1, ...]. Gradients by v and g. Throws Code::shape and
/// Code::dtype.
Variable weight_norm(const Variable& v, const Variable& g);

}  // namespace cawe
