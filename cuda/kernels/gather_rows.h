// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// y[k] = x[index[k]]: rows of row_bytes bytes of any type. Index -1 gives a row of zeros, another one outside
/// [0, rows) a row of all-one bits: NaN in every floating type, -1 in every integer.
void gather_rows(const void* x, int64_t rows, int64_t row_bytes, const int64_t* index, int64_t n, void* y,
                 DeviceStream stream);

/// dx [rows, width] = for each row the sum of dy[k] over all k with index[k] = row, in the order of k; 0
/// where there is none. Indices outside [0, rows) add nothing. All floating types. `scratch`:
/// gather_rows_grad_scratch() bytes, 256-byte aligned.
size_t gather_rows_grad_scratch(int64_t n);
void gather_rows_grad(Number number, const void* dy, const int64_t* index, int64_t n, int64_t rows,
                      int64_t width, void* dx, void* scratch, DeviceStream stream);

}  // namespace CAWE_DEVICE
