// SPDX-License-Identifier: Apache-2.0
#include "models/enhance/gray_levels.h"

#include <algorithm>
#include <cmath>

#include "tensor/parallel.h"

namespace cawe::models {

Tensor map_gray_levels(const char* name, const Tensor& gray, const GrayLevelMethod& method) {
  CAWE_CHECK(gray.rank() == 4 && gray.dim(1) == 1, Code::shape, name, ": image ", gray.shape(),
             " (expected [N, 1, H, W])");
  const Tensor in = gray.contiguous();
  Tensor out = Tensor::empty(in.shape());
  const int64_t rows = in.dim(2), columns = in.dim(3), size = rows * columns;
  parallel_tasks(in.dim(0), [&](int64_t n) {
    const float* from = in.data<float>() + n * size;
    std::vector<uint8_t> levels(static_cast<size_t>(size));
    for (int64_t i = 0; i < size; ++i)
      levels[size_t(i)] = uint8_t(std::clamp(std::floor(255.0f * from[i] + 0.5f), 0.0f, 255.0f));
    const std::vector<uint8_t> result = method(n, levels, rows, columns);
    float* to = out.data<float>() + n * size;
    for (int64_t i = 0; i < size; ++i) to[i] = float(result[size_t(i)]) / 255.0f;
  });
  return out;
}

}  // namespace cawe::models
