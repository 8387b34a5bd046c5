// SPDX-License-Identifier: Apache-2.0
#include "tensor/random.h"

#include <cmath>
#include <numeric>

#include "tensor/error.h"
#include "tensor/philox.h"

namespace cawe {
namespace {

constexpr double kTwoPi = 6.283185307179586476925286766559;

}  // namespace

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> c, std::array<uint32_t, 2> k) {
  const PhiloxBlock b = philox_rounds({{c[0], c[1], c[2], c[3]}}, k[0], k[1]);
  return {b.word[0], b.word[1], b.word[2], b.word[3]};
}

Random::Random(uint64_t seed, std::string_view purpose, uint64_t a, uint64_t b, uint64_t c) {
  const PhiloxStream stream = philox_stream(fnv_text(purpose.data(), purpose.size()), seed, a, b, c);
  key_ = {stream.key[0], stream.key[1]};
  high_ = stream.high;
}

std::array<uint32_t, 4> Random::block_of(uint64_t element) const {
  const uint64_t block = element >> 2;
  return philox4x32({uint32_t(block), uint32_t(block >> 32), uint32_t(high_), uint32_t(high_ >> 32)}, key_);
}

uint32_t Random::bits(uint64_t element) const { return block_of(element)[element & 3]; }

uint32_t Random::next_bits() {
  if (position_ >> 2 != block_number_) {
    block_ = block_of(position_);
    block_number_ = position_ >> 2;
  }
  return block_[position_++ & 3];
}

float Random::uniform(uint64_t element) const { return float(bits(element) >> 8) * 0x1p-24f; }

double Random::uniform_double(uint64_t element) const {
  const auto r =
      philox4x32({uint32_t(element), uint32_t(element >> 32), uint32_t(high_), uint32_t(high_ >> 32)},
                 {key_[0] ^ 0x5bf03635u, key_[1]});
  return double((uint64_t(r[0]) << 21) ^ (r[1] >> 11)) * 0x1p-53;
}

double Random::normal(uint64_t element) const {
  const auto r =
      philox4x32({uint32_t(element), uint32_t(element >> 32), uint32_t(high_), uint32_t(high_ >> 32)},
                 {key_[0] ^ 0x3c6ef372u, key_[1]});
  const double u = (double(r[0]) + 0.5) * 0x1p-32, v = (double(r[1]) + 0.5) * 0x1p-32;
  return std::sqrt(-2.0 * std::log(u)) * std::cos(kTwoPi * v);
}

uint64_t Random::next_below(uint64_t n) {
  CAWE_CHECK(n >= 1 && n <= 0xffffffffull, Code::internal, "Random::next_below: n is ", n,
             ", must be in [1, 2^32)");
  const uint32_t limit = uint32_t(0x100000000ull % n);  // values below it would favour the small residues
  uint32_t value;
  do value = next_bits();
  while (value < limit);
  return value % n;
}

std::vector<int64_t> Random::permutation(int64_t n) {
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (int64_t i = n - 1; i > 0; --i) std::swap(order[size_t(i)], order[next_below(uint64_t(i) + 1)]);
  return order;
}

}  // namespace cawe
