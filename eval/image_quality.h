// SPDX-License-Identifier: Apache-2.0
// How similar two pictures are, and how colourful one is.
#pragma once

#include <cstdint>
#include <vector>

namespace cawe::eval {

/// Planes of height x width, values in [0, 1]; colour is three planes R, G, B.
struct Picture {
  int64_t channels = 0, height = 0, width = 0;
  std::vector<float> data;
};

/// -10 log10(MSE) in dB over all channels; infinite for equal pictures. Throws Error(shape) on different
/// sizes.
double psnr(const Picture& a, const Picture& b);

/// Mean structural similarity (Wang et al. 2004, "Image quality assessment: from error visibility to
/// structural similarity"): Gaussian window 11 x 11 of standard deviation 1.5, K = (.01, .03), data range 1,
/// only windows wholly inside the picture, mean over channels. Throws Error(shape) on different sizes or
/// sides under 11.
double ssim(const Picture& a, const Picture& b);

/// Colourfulness of Hasler & Suesstrunk 2003 on the 0..255 scale: sqrt(var rg + var yb) + 0.3 sqrt(mean(rg)^2
/// + mean(yb)^2), with rg = R - G, yb = (R + G) / 2 - B. A gray picture has 0. Throws Error(shape) unless
/// there are three channels.
double colourfulness(const Picture& picture);

/// Frechet distance between the Gaussians fitted to two sets of feature vectors (rows x dim each): |m1 -
/// m2|^2 + tr(S1 + S2 - 2 (S1^1/2 S2 S1^1/2)^1/2), negative eigenvalues clamped to 0. Only with Inception's
/// features it is the published FID; with others, name it by its features. With fewer vectors than features
/// only nine digits are certain: roots of eigenvalues that are zero but for rounding errors enter it. Throws
/// Error(shape) for fewer than two vectors, Error(numeric) for values that are not finite,
/// Error(unsupported) in a build without Eigen.
double frechet_distance(const std::vector<float>& a, const std::vector<float>& b, int64_t dim);

}  // namespace cawe::eval
