// SPDX-License-Identifier: Apache-2.0
// The run's numbers for TensorBoard, events.out.tfevents.*. Each start of a run writes a new file.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace cawe::train {

/// A record of TensorFlow's TFRecord format: u64 length, masked CRC-32C of it, data, masked CRC-32C of the
/// data.
std::string tfrecord(std::string_view data);

/// Writes one events file.
class TensorBoard {
 public:
  /// Makes the file in `dir` when the first numbers come. After a resume at `first_step`, readers ignore what
  /// earlier files say about later steps.
  TensorBoard(std::string dir, int64_t first_step);
  /// Adds a scalar for each name. Does nothing in a build without protobuf.
  void add(int64_t step, const std::map<std::string, double>& numbers);

 private:
  std::string dir_, path_;
  int64_t first_step_;
};

}  // namespace cawe::train
