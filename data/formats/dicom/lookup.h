// SPDX-License-Identifier: Apache-2.0
// A lookup table of the Modality or VOI LUT Sequence (PS3.3 C.11.1.1.1, C.11.2.1.1).
#pragma once

#include <optional>
#include <string>
#include <vector>

class DcmItem;
class DcmTagKey;

namespace cawe::data {

struct Lookup {
  double first = 0;  ///< input that the first entry is for
  int bits = 0;      ///< of the output: 0 to 2^bits - 1, never signed
  std::vector<double> entries;

  double top() const { return double((1 << bits) - 1); }
  /// Inputs outside take the first or the last entry; one between two whole numbers the nearest.
  double at(double input) const;
};

/// The first item's table, or nothing where there is no item. `low` and `high` are the ends of its input:
/// they tell whether the descriptor's 16 bits of the first input are signed, which its value representation
/// often does not. Entries may be words (US, SS or OW) or, up to 8 bits, bytes packed in OW or OB. Throws
/// PictureError.
std::optional<Lookup> read_lookup(DcmItem& from, const DcmTagKey& sequence, double low, double high,
                                  const std::string& name);

}  // namespace cawe::data
