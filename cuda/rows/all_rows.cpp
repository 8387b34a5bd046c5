// SPDX-License-Identifier: Apache-2.0
#include "cuda/rows/families.h"

namespace CAWE_DEVICE {

const std::vector<Row>& all_rows() {
  static const std::vector<Row> rows = [] {
    std::vector<Row> all;
    add_cawe_weights_rows(all);
    add_batch_norm_coefficients_rows(all);
    return all;
  }();
  return rows;
}

}  // namespace CAWE_DEVICE
