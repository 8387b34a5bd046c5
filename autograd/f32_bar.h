// SPDX-License-Identifier: Apache-2.0
// How far an f32 result may lie from the f64 truth, on any processor.
#pragma once

#include <algorithm>
#include <cstdint>

namespace cawe {

/// The measure is a peer: the distance from the truth of another f32 computation of the same numbers
/// (PyTorch's, or the CPU's where a device is judged). Ours may be four times as far, and four units in the
/// last place.
///
/// Why four times: the error of a long sum grows with the root of the terms that one accumulator takes, and
/// SSE has a quarter of AVX-512's accumulators: 2. A term is rounded once where product and sum are fused and
/// twice where they are not: the root of 2. That makes 2.8; the rest is for what a single draw adds. Why the
/// floor: a peer may hit the truth by luck, or sum in f64.
constexpr double kF32Factor = 4, kF32Floor = 4 * 0x1p-23;

/// Up to so many numbers, one of them may carry a tensor's whole distance from the truth: how far the
/// farthest of a peer's is, is then luck, and the Euclidean distance of all counts for each.
constexpr int64_t kFewNumbers = 64;

/// `peer`: the peer's distance from the truth; `scale`: how large the numbers are that were rounded.
constexpr double f32_bar(double peer, double scale) { return kF32Factor * peer + kF32Floor * scale; }

/// The bar of a gradient that came through a ReLU or another kink, for its norm alone. Among millions of
/// activations a few lie within rounding of the kink, and each that falls on the other side changes the
/// gradient by its own share: a thousandth of the norm or several, in any computation and in none. f64 is
/// where such gradients are compared number by number.
constexpr double kKinkBar = 1e-2;
constexpr double f32_kink_bar(double peer, double norm) {
  return std::max(f32_bar(peer, norm), kKinkBar * norm);
}

}  // namespace cawe
