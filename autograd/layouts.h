// SPDX-License-Identifier: Apache-2.0
// The ways in which a tensor can lie in memory, and the check that an operator's numbers do not depend on them.
// Kernels read raw memory; one that is handed a view without regard to its strides reads other numbers and
// says nothing. The layout test and `cawe doctor --operators` run every row of the operator table through here.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "autograd/operator_table.h"

namespace cawe {

/// Where a tensor's numbers lie in memory.
enum class Placement : uint8_t {
  contiguous,       ///< the last dimension runs fastest, no gaps
  channels_last,    ///< NHWC; rank 4 only
  sliced,           ///< the middle of longer rows: gaps, and a start that vector loads do not find aligned
  sliced_channels,  ///< some channels of a channels-last image with more of them; rank 4 only
  expanded,         ///< one item repeated along the first dimension (stride 0)
  expanded_last,    ///< one number repeated along the last dimension, as the gradient of a sum is
  transposed        ///< no gaps, but the first dimension runs fastest
};
inline constexpr std::array kPlacements{
    Placement::contiguous, Placement::channels_last, Placement::sliced,    Placement::sliced_channels,
    Placement::expanded,   Placement::expanded_last, Placement::transposed};
/// "contiguous", "channels-last", "sliced", ..
const char* name(Placement placement);
/// False where a tensor of this shape lies no differently from a contiguous one, or cannot lie so.
bool applies(Placement placement, const Shape& shape);
/// A tensor of x's shape, dtype and device that lies so; x itself where `placement` does not apply. It has x's
/// values; an expanded one those of x's first item along its dimension. What a kernel should not read (gaps)
/// is NaN, or 0 in integers.
Tensor placed(const Tensor& x, Placement placement);

/// While it lives, what rows of the table make besides their inputs (rows.h: constants of operators, tensors
/// of primitives) lies in this placement on this thread; with `values_only` it has the values that the
/// placement leaves, contiguous: the numbers to compare with.
class PlacementScope {
 public:
  explicit PlacementScope(Placement placement, bool values_only = false);
  ~PlacementScope();
  PlacementScope(const PlacementScope&) = delete;
  PlacementScope& operator=(const PlacementScope&) = delete;

 private:
  bool active_before_, values_only_before_;
  Placement before_;
};
/// Says what a tensor made by a row is for.
enum class Use : uint8_t {
  input,        ///< only read: any placement
  output,       ///< written, perhaps also read: not expanded, where two elements would be one
  dense_output  ///< the same, of a primitive whose contract wants it without gaps
};
/// x as the PlacementScope of this thread wants it; x itself without one.
Tensor in_scope(const Tensor& x, Use use = Use::input);

/// What check_layouts() found.
struct LayoutReport {
  int64_t runs = 0;  ///< results that were compared with the contiguous ones
  std::vector<std::string>
      faults;  ///< of what differed, each once: "expanded x", "sliced dy", "transposed input 1"
  bool passed() const { return faults.empty() && runs > 0; }
  void add(const LayoutReport& more);
};
/// What follows FAILED on a row's line: ": expanded x, sliced dy and 2 more"; "" for none.
std::string layout_faults_text(const std::vector<std::string>& faults);

/// Largest relative difference that another order of summation may make: 5e-6 in f32, 1e-13 in f64.
double layout_bar(DType dtype);
/// Runs a case with its inputs in every placement, all of them and its constants at once, then each input alone;
/// then with its output's gradient in every placement. Value and gradients must be
/// those of contiguous tensors with the same numbers, within layout_bar(). An Error counts as a fault.
/// dtype: f32 or f64.
LayoutReport check_layouts(const OperatorCase& c, DType dtype, Device device = Device::cpu);
/// The same for a primitive's tensors, outputs too, in f32; of one that decides, the same bits.
LayoutReport check_layouts(const PrimitiveRow& row, PrimitiveBackend& backend);

}  // namespace cawe
