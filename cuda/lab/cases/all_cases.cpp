// SPDX-License-Identifier: Apache-2.0
#include "cuda/lab/cases/families.h"

namespace CAWE_DEVICE {

const std::vector<Row>& all_rows() {
  static const std::vector<Row> rows = [] {
    std::vector<Row> all;
    add_attention_ladder_rows(all);
    add_attention_rows(all);
    add_batch_norm_coefficients_rows(all);
    add_batch_norm_rows(all);
    add_boxes_rows(all);
    add_cawe_fuse_rows(all);
    add_cawe_map_rows(all);
    add_cawe_weights_ladder_rows(all);
    add_cawe_weights_rows(all);
    add_content_loss_ladder_rows(all);
    add_content_loss_rows(all);
    add_elementwise_rows(all);
    add_gather_rows_rows(all);
    add_losses_rows(all);
    add_memory_rows(all);
    add_nms_ladder_rows(all);
    add_nms_rows(all);
    add_optimizer_rows(all);
    add_pooling_rows(all);
    add_reductions_rows(all);
    add_resize_rows(all);
    add_roi_align_rows(all);
    add_shuffle_rows(all);
    add_softmax_ladder_rows(all);
    add_softmax_rows(all);
    add_sort_rows(all);
    add_spectral_norm_rows(all);
    add_top_k_rows(all);
    add_weight_norm_rows(all);
    return all;
  }();
  return rows;
}

}  // namespace CAWE_DEVICE
