// SPDX-License-Identifier: Apache-2.0
// Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") and the keys of its streams,
// for CPU and kernels alike. Who draws numbers includes random.h.
#pragma once

#include <cstdint>

#include "tensor/same_bits.h"

namespace cawe {

/// Four numbers of a stream, elements 4 b to 4 b + 3.
struct PhiloxBlock {
  uint32_t word[4];
};

/// What tells streams apart.
struct PhiloxStream {
  uint32_t key[2];
  uint64_t high;  ///< the upper half of the counter
};

/// Ten rounds on a 128-bit counter with a 64-bit key.
CAWE_SAME_BITS PhiloxBlock philox_rounds(PhiloxBlock c, uint32_t k0, uint32_t k1) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * c.word[0];
    const uint64_t p1 = uint64_t{0xCD9E8D57u} * c.word[2];
    c = {{uint32_t(p1 >> 32) ^ c.word[1] ^ k0, uint32_t(p1), uint32_t(p0 >> 32) ^ c.word[3] ^ k1,
          uint32_t(p0)}};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return c;
}

CAWE_SAME_BITS PhiloxBlock philox_block(const PhiloxStream& s, uint64_t b) {
  return philox_rounds({{uint32_t(b), uint32_t(b >> 32), uint32_t(s.high), uint32_t(s.high >> 32)}}, s.key[0],
                       s.key[1]);
}

/// FNV-1a over the eight bytes of `value`.
CAWE_SAME_BITS uint64_t fnv_mix(uint64_t hash, uint64_t value) {
  for (int i = 0; i < 8; ++i) hash = (hash ^ ((value >> (8 * i)) & 0xff)) * 0x100000001b3ull;
  return hash;
}

/// FNV-1a over the bytes of a text: what a purpose's key begins with.
CAWE_SAME_BITS uint64_t fnv_text(const char* text, uint64_t length) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (uint64_t i = 0; i < length; ++i)
    hash = (hash ^ static_cast<unsigned char>(text[i])) * 0x100000001b3ull;
  return hash;
}

/// The stream Random(seed, purpose, a, b, c); `purpose` is the text's fnv_text().
CAWE_SAME_BITS PhiloxStream philox_stream(uint64_t purpose, uint64_t seed, uint64_t a, uint64_t b,
                                          uint64_t c) {
  const uint64_t key = fnv_mix(fnv_mix(purpose, seed), a);
  return {{uint32_t(key), uint32_t(key >> 32)}, fnv_mix(fnv_mix(key, b), c)};
}

}  // namespace cawe
