// SPDX-License-Identifier: Apache-2.0
// Compares what a file declares with what it holds, before a decoder sees it: decoders allocate, recurse and
// loop as the file tells them to.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace cawe::data {

/// Most items that are accepted: DCMTK's parser recurses for each, with some 1.5 kB of stack.
constexpr size_t kMaxDicomItems = 2000;
/// Largest inflated size of a deflated DICOM that is accepted, in bytes.
constexpr size_t kMaxInflated = size_t(1) << 28;
/// Most scans of a progressive JPEG: each goes through the whole picture; encoders make about 10.
constexpr size_t kMaxJpegScans = 100;
/// Most inflated bytes behind the last row of a PNG: libpng warns of them and reads, and some writers leave a few.
constexpr int64_t kSparePngBytes = 65536;

/// Checks the number of items (and so the depth of sequences) and, for deflated data sets, the inflated size.
/// Throws PictureError.
void check_dicom_structure(std::string_view bytes, const std::string& name);

/// What a JPEG stream's markers say.
struct JpegFrame {
  int rows = 0, columns = 0;  ///< of the first frame header; 0 where there is none
  size_t scans = 0;
};
/// Reads a JPEG or JPEG-LS stream's markers without decoding.
JpegFrame scan_jpeg(std::string_view bytes);

/// Counts the bytes that zlib data inflate to, keeping none, and refuses a total below `expected` or
/// above it by more than `spare`.
class InflateMeter {
 public:
  InflateMeter(int64_t expected, const std::string& name, int64_t spare);
  ~InflateMeter();
  InflateMeter(const InflateMeter&) = delete;
  InflateMeter& operator=(const InflateMeter&) = delete;
  void add(std::string_view packed);
  void finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
  int64_t expected_, spare_, total_ = 0;
  bool ended_ = false;
  const std::string& name_;
};

}  // namespace cawe::data
