// SPDX-License-Identifier: Apache-2.0
// The operator table: rows by family in the order of tensor/primitives/all.inc, then operators of no family.
#include "autograd/rows/rows.h"
#include "tensor/primitives/backend.h"

namespace cawe {
namespace {

template <class Row>
std::vector<Row> joined(const std::vector<std::vector<Row>>& families) {
  std::vector<Row> all;
  for (const std::vector<Row>& rows : families) all.insert(all.end(), rows.begin(), rows.end());
  return all;
}

}  // namespace

const std::vector<OperatorRow>& operator_rows() {
  static const std::vector<OperatorRow> all = joined<OperatorRow>({
      // clang-format off
      elementwise_operator_rows(),
      reductions_operator_rows(),
      linear_operator_rows(),
      conv2d_operator_rows(),
      batch_norm_operator_rows(),
      pooling_operator_rows(),
      resize_operator_rows(),
      shuffle_operator_rows(),
      weight_norms_operator_rows(),
      losses_operator_rows(),
      content_loss_operator_rows(),
      softmax_operator_rows(),
      attention_operator_rows(),
      gather_rows_operator_rows(),
      roi_align_operator_rows(),
      shape_operator_rows(),
      // clang-format on
  });
  return all;
}

const std::vector<PrimitiveRow>& primitive_rows() {
  static const std::vector<PrimitiveRow> all = joined<PrimitiveRow>({
      // clang-format off
      memory_primitive_rows(),
      batch_norm_primitive_rows(),
      reductions_primitive_rows(),
      weight_norms_primitive_rows(),
      content_loss_primitive_rows(),
      detection_primitive_rows(),
      cawe_primitive_rows(),
      optimizers_primitive_rows(),
      films_primitive_rows(),
      // clang-format on
  });
  return all;
}

}  // namespace cawe
