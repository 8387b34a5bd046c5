// SPDX-License-Identifier: Apache-2.0
// Compares what a file declares with what it holds, before a decoder sees it: decoders allocate, recurse and
// loop as the file tells them to.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace cawe::data {

/// Most scans of a progressive JPEG: each goes through the whole picture; encoders make about 10.
constexpr size_t kMaxJpegScans = 100;
/// Most inflated bytes behind the last row of a PNG: libpng warns of them and reads, and some writers leave a few.
constexpr int64_t kSparePngBytes = 65536;

/// What a JPEG stream's markers say.
struct JpegFrame {
  int rows = 0, columns = 0;  ///< of the first frame header; 0 where there is none
  int components = 0;         ///< of the same
  size_t scans = 0;
};
/// Reads a JPEG or JPEG-LS stream's markers without decoding.
JpegFrame scan_jpeg(std::string_view bytes);

/// Counts the bytes that a PNG's zlib data inflate to, keeping none, and refuses a total below `expected` or above it
/// by more than kSparePngBytes.
class InflateMeter {
 public:
  InflateMeter(int64_t expected, const std::string& name);
  ~InflateMeter();
  InflateMeter(const InflateMeter&) = delete;
  InflateMeter& operator=(const InflateMeter&) = delete;
  void add(std::string_view packed);
  void finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
  int64_t expected_, total_ = 0;
  bool ended_ = false;
  const std::string& name_;
};

}  // namespace cawe::data
