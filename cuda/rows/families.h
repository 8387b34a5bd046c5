// SPDX-License-Identifier: Apache-2.0
// One function a family, in rows/FAMILY_rows.cpp; all_rows.cpp calls them.
#pragma once

#include "cuda/rows/row.h"

namespace CAWE_DEVICE {

void add_batch_norm_coefficients_rows(std::vector<Row>& rows);
void add_cawe_weights_rows(std::vector<Row>& rows);

}  // namespace CAWE_DEVICE
