// SPDX-License-Identifier: Apache-2.0
// events.out.tfevents.*: the run's numbers for TensorBoard. Each start of a run writes a file of its own.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace cawe::train {

/// A record of TensorFlow's TFRecord format: u64 length, masked CRC-32C of it, data, masked CRC-32C of the
/// data.
std::string tfrecord(std::string_view data);

class TensorBoard {
 public:
  /// The file is made in `dir` with the first numbers. After a resume at `first_step`, what earlier files of
  /// the folder say about later steps no longer counts.
  TensorBoard(std::string dir, int64_t first_step);
  /// Adds one scalar a name. Does nothing in a build without protobuf.
  void add(int64_t step, const std::map<std::string, double>& numbers);

 private:
  std::string dir_, path_;
  int64_t first_step_;
};

}  // namespace cawe::train
