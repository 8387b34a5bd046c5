// SPDX-License-Identifier: Apache-2.0
// Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2,
// 3"). No hidden state: a value depends on its key and counter alone, so that threads, workers, ranks and
// resumed runs draw the same numbers.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace cawe {

/// Ten rounds of Philox4x32 on a 128-bit counter with a 64-bit key.
std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

/// A stream of random numbers, named by what it is for. `purpose` is hashed (FNV-1a) together with the
/// numbers into the key; the element index is the counter.
class Random {
 public:
  explicit Random(uint64_t seed, std::string_view purpose = "", uint64_t a = 0, uint64_t b = 0,
                  uint64_t c = 0);

  /// Value at an explicit position; independent of calls made before.
  uint32_t bits(uint64_t element) const;
  /// Uniform in [0, 1), 24 bits: (bits >> 8) * 2^-24. Exact on every device.
  float uniform(uint64_t element) const;
  /// Uniform in [0, 1), 53 bits.
  double uniform_double(uint64_t element) const;
  /// Normal(0, 1) by Box-Muller, computed in double.
  double normal(uint64_t element) const;

  /// The same values in sequence, from element 0 on.
  uint32_t next_bits();
  float next_uniform() { return float(next_bits() >> 8) * 0x1p-24f; }
  double next_uniform(double low, double high) { return low + (high - low) * uniform_double(position_++); }
  double next_normal() { return normal(position_++); }
  /// Uniform integer in [0, n), n >= 1, without modulo bias.
  uint64_t next_below(uint64_t n);
  /// Fisher-Yates permutation of 0..n-1.
  std::vector<int64_t> permutation(int64_t n);

 private:
  std::array<uint32_t, 4> block_of(uint64_t element) const;

  std::array<uint32_t, 2> key_;
  uint64_t high_;
  uint64_t position_ = 0;
  // One block holds four elements: next_bits() keeps the last one.
  uint64_t block_number_ = ~uint64_t{0};
  std::array<uint32_t, 4> block_{};
};

}  // namespace cawe
