// SPDX-License-Identifier: Apache-2.0
// Launch functions of ordered.cu: one block of n threads on a stream, for tests of the order between streams.
#pragma once

namespace cawe::emulated {
struct Stream;
}

namespace cawe::ordered {

/// p[i] += amount
void add(float* p, float amount, int n, emulated::Stream* stream);
/// to[i] = from[i]
void move(const float* from, float* to, int n, emulated::Stream* stream);
/// *count += n, atomically
void count(unsigned* count, int n, emulated::Stream* stream);

}  // namespace cawe::ordered
