// SPDX-License-Identifier: Apache-2.0
// One function a family, in FAMILY.cpp; all_cases.cpp calls them.
#pragma once

#include "cuda/lab/cases/case.h"

namespace CAWE_DEVICE {

void add_attention_cases(std::vector<Case>& cases);
void add_attention_ladder_cases(std::vector<Case>& cases);
void add_attention_mma_cases(std::vector<Case>& cases);
void add_batch_norm_cases(std::vector<Case>& cases);
void add_batch_norm_coefficients_cases(std::vector<Case>& cases);
void add_cawe_fuse_cases(std::vector<Case>& cases);
void add_cawe_map_cases(std::vector<Case>& cases);
void add_cawe_weights_cases(std::vector<Case>& cases);
void add_cawe_weights_ladder_cases(std::vector<Case>& cases);
void add_content_loss_cases(std::vector<Case>& cases);
void add_content_loss_ladder_cases(std::vector<Case>& cases);
void add_detection_boxes_cases(std::vector<Case>& cases);
void add_detection_nms_cases(std::vector<Case>& cases);
void add_detection_nms_ladder_cases(std::vector<Case>& cases);
void add_detection_targets_cases(std::vector<Case>& cases);
void add_detection_top_k_cases(std::vector<Case>& cases);
void add_elementwise_cases(std::vector<Case>& cases);
void add_films_cases(std::vector<Case>& cases);
void add_gather_rows_cases(std::vector<Case>& cases);
void add_losses_cases(std::vector<Case>& cases);
void add_memory_cases(std::vector<Case>& cases);
void add_optimizers_cases(std::vector<Case>& cases);
void add_pooling_cases(std::vector<Case>& cases);
void add_reductions_cases(std::vector<Case>& cases);
void add_resize_cases(std::vector<Case>& cases);
void add_roi_align_cases(std::vector<Case>& cases);
void add_shuffle_cases(std::vector<Case>& cases);
void add_softmax_cases(std::vector<Case>& cases);
void add_softmax_ladder_cases(std::vector<Case>& cases);
void add_sort_cases(std::vector<Case>& cases);
void add_weight_norms_spectral_cases(std::vector<Case>& cases);
void add_weight_norms_weight_cases(std::vector<Case>& cases);

}  // namespace CAWE_DEVICE
