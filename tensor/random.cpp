// SPDX-License-Identifier: Apache-2.0
#include "tensor/random.h"

#include <cmath>
#include <numeric>

#include "tensor/error.h"

namespace cawe {
namespace {

constexpr double kTwoPi = 6.283185307179586476925286766559;

uint64_t mix(uint64_t hash, uint64_t value) {  // FNV-1a over the eight bytes
  for (int i = 0; i < 8; ++i) hash = (hash ^ ((value >> (8 * i)) & 0xff)) * 0x100000001b3ull;
  return hash;
}

}  // namespace

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> c, std::array<uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * c[0];
    const uint64_t p1 = uint64_t{0xCD9E8D57u} * c[2];
    c = {uint32_t(p1 >> 32) ^ c[1] ^ k[0], uint32_t(p1), uint32_t(p0 >> 32) ^ c[3] ^ k[1], uint32_t(p0)};
    k[0] += 0x9E3779B9u;
    k[1] += 0xBB67AE85u;
  }
  return c;
}

Random::Random(uint64_t seed, std::string_view purpose, uint64_t a, uint64_t b, uint64_t c) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (unsigned char ch : purpose) hash = (hash ^ ch) * 0x100000001b3ull;
  const uint64_t key = mix(mix(hash, seed), a);
  key_ = {uint32_t(key), uint32_t(key >> 32)};
  high_ = mix(mix(key, b), c);
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
