// SPDX-License-Identifier: Apache-2.0
#include "cuda/lab/cases/families.h"

namespace CAWE_DEVICE {

const std::vector<Case>& all_cases() {
  static const std::vector<Case> cases = [] {
    std::vector<Case> all;
    add_attention_cases(all);
    add_attention_ladder_cases(all);
    add_attention_mma_cases(all);
    add_batch_norm_cases(all);
    add_batch_norm_coefficients_cases(all);
    add_cawe_fuse_cases(all);
    add_cawe_map_cases(all);
    add_cawe_weights_cases(all);
    add_cawe_weights_ladder_cases(all);
    add_content_loss_cases(all);
    add_content_loss_ladder_cases(all);
    add_detection_boxes_cases(all);
    add_detection_nms_cases(all);
    add_detection_nms_ladder_cases(all);
    add_detection_targets_cases(all);
    add_detection_top_k_cases(all);
    add_elementwise_cases(all);
    add_films_cases(all);
    add_gather_rows_cases(all);
    add_losses_cases(all);
    add_memory_cases(all);
    add_optimizers_cases(all);
    add_pooling_cases(all);
    add_reductions_cases(all);
    add_resize_cases(all);
    add_roi_align_cases(all);
    add_shuffle_cases(all);
    add_softmax_cases(all);
    add_softmax_ladder_cases(all);
    add_sort_cases(all);
    add_weight_norms_spectral_cases(all);
    add_weight_norms_weight_cases(all);
    return all;
  }();
  return cases;
}

}  // namespace CAWE_DEVICE
