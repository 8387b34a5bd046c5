// SPDX-License-Identifier: Apache-2.0
#include "data/fingerprint.h"

#include <algorithm>

#include "data/hash.h"
#include "tensor/error.h"

namespace cawe::data {

std::string pixel_hash(const FloatImage& film) {
  std::string text = detail::concat(film.width, " ", film.height, "\n");
  text.reserve(text.size() + film.pixels.size());
  const size_t channels = size_t(film.channels);
  for (size_t i = 0; i + channels <= film.pixels.size(); i += channels) {
    const float* p = film.pixels.data() + i;
    const bool gray = channels < 3 || (p[0] == p[1] && p[0] == p[2]);
    const float v = gray ? p[0] : 0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2];
    text += char(static_cast<unsigned char>(std::clamp(v, 0.f, 1.f) * 255.f + 0.5f));
  }
  return sha256(text);
}

}  // namespace cawe::data
