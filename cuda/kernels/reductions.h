// SPDX-License-Identifier: Apache-2.0
// Launch functions of reductions: sums over rows and columns (reductions_sums.cu), extremes of items
// (reductions_extremes.cu), the largest number of rows (reductions_argmax.cu). Orders of summation depend on
// the shape alone: the same bits on every GPU.
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// Long sums are made in pieces, which a second launch adds. The number of pieces of a row of `length`
/// numbers:
int64_t row_pieces(int64_t length);
/// ... and of each of `columns` columns of `rows` numbers.
int64_t column_pieces(int64_t rows, int64_t columns);

/// y [rows, row_pieces(length)] = sums of the pieces of x [rows, length], divided by `divisor`. `out` equals
/// `in`, or one of them is f32 and the other f16 or bf16.
void sum_rows(Number in, Number out, const void* x, void* y, int64_t rows, int64_t length, double divisor,
              DeviceStream stream);
/// y [batch, column_pieces(rows, columns), columns] = sums of the pieces of x [batch, rows, columns], divided
/// by `divisor`.
void sum_columns(Number in, Number out, const void* x, void* y, int64_t batch, int64_t rows, int64_t columns,
                 double divisor, DeviceStream stream);

/// Bytes of scratch for min_max.
int64_t min_max_scratch(Number number, int64_t items, int64_t length);
/// Smallest and largest number of each of `items` items, which follow each other densely; `item` has an
/// item's sizes and strides. With NaNs the result is that of std::minmax_element over the item in row-major
/// order.
void min_max(Number number, const void* x, const StridedView& item, int64_t items, void* low, void* high,
             void* scratch, DeviceStream stream);

/// index[r] = column of the largest number of row r of x [rows, columns], the lowest on ties. A NaN is chosen
/// only as the first of its row (as by std::max_element). All floating types; columns >= 1.
void argmax_rows(Number number, const void* x, int64_t rows, int64_t columns, int64_t* index,
                 DeviceStream stream);

}  // namespace CAWE_DEVICE
