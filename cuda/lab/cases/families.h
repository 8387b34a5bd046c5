// SPDX-License-Identifier: Apache-2.0
// One function a family, in rows/FAMILY_rows.cpp; all_rows.cpp calls them.
#pragma once

#include "cuda/lab/cases/case.h"

namespace CAWE_DEVICE {

void add_attention_ladder_rows(std::vector<Row>& rows);
void add_attention_rows(std::vector<Row>& rows);
void add_batch_norm_coefficients_rows(std::vector<Row>& rows);
void add_batch_norm_rows(std::vector<Row>& rows);
void add_boxes_rows(std::vector<Row>& rows);
void add_cawe_fuse_rows(std::vector<Row>& rows);
void add_cawe_map_rows(std::vector<Row>& rows);
void add_cawe_weights_ladder_rows(std::vector<Row>& rows);
void add_cawe_weights_rows(std::vector<Row>& rows);
void add_content_loss_ladder_rows(std::vector<Row>& rows);
void add_content_loss_rows(std::vector<Row>& rows);
void add_elementwise_rows(std::vector<Row>& rows);
void add_gather_rows_rows(std::vector<Row>& rows);
void add_losses_rows(std::vector<Row>& rows);
void add_memory_rows(std::vector<Row>& rows);
void add_nms_ladder_rows(std::vector<Row>& rows);
void add_nms_rows(std::vector<Row>& rows);
void add_optimizer_rows(std::vector<Row>& rows);
void add_pooling_rows(std::vector<Row>& rows);
void add_reductions_rows(std::vector<Row>& rows);
void add_resize_rows(std::vector<Row>& rows);
void add_roi_align_rows(std::vector<Row>& rows);
void add_shuffle_rows(std::vector<Row>& rows);
void add_softmax_ladder_rows(std::vector<Row>& rows);
void add_softmax_rows(std::vector<Row>& rows);
void add_sort_rows(std::vector<Row>& rows);
void add_spectral_norm_rows(std::vector<Row>& rows);
void add_top_k_rows(std::vector<Row>& rows);
void add_weight_norm_rows(std::vector<Row>& rows);

}  // namespace CAWE_DEVICE
