// SPDX-License-Identifier: Apache-2.0
// Launch functions of reductions: sums over rows and columns (reductions_sums.cu), extremes of items
// (reductions_extremes.cu), the largest number of rows (reductions_argmax.cu). All in an order that only the
// shape decides: the same bits on every GPU.
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// Long sums are made in pieces, and the pieces summed in a second launch. How many a row of `length` numbers
/// has:
int64_t row_pieces(int64_t length);
/// ... and each of `columns` columns of `rows` numbers.
int64_t column_pieces(int64_t rows, int64_t columns);

/// y [rows, row_pieces(length)] = sums of the pieces of x [rows, length], over divisor. `out` is `in`, or f32
/// on one side and f16 or bf16 on the other.
void sum_rows(Number in, Number out, const void* x, void* y, int64_t rows, int64_t length, double divisor,
              DeviceStream stream);
/// y [batch, column_pieces(rows, columns), columns] = sums of the pieces of x [batch, rows, columns], over
/// divisor.
void sum_columns(Number in, Number out, const void* x, void* y, int64_t batch, int64_t rows, int64_t columns,
                 double divisor, DeviceStream stream);

/// Bytes of scratch for min_max.
int64_t min_max_scratch(Number number, int64_t items, int64_t length);
/// Least and greatest number of each of `items` items, which lie densely one after another; `item` is the
/// shape of one and the order in which it lies. NaNs do what they do in std::minmax_element over the item in
/// row-major order.
void min_max(Number number, const void* x, const StridedView& item, int64_t items, void* low, void* high,
             void* scratch, DeviceStream stream);

/// index[r] = column of the largest number of row r of x [rows, columns], the lowest on ties. NaN never wins,
/// but where it comes first in its row (std::max_element's answer). All floating types; columns >= 1.
void argmax_rows(Number number, const void* x, int64_t rows, int64_t columns, int64_t* index,
                 DeviceStream stream);

}  // namespace CAWE_DEVICE
