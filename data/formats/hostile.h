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

/// What a JPEG stream's markers say.
struct JpegFrame {
  int rows = 0, columns = 0;  ///< of the first frame header; 0 where there is none
  int components = 0;         ///< of the same
  size_t scans = 0;
};
/// Reads a JPEG or JPEG-LS stream's markers without decoding.
JpegFrame scan_jpeg(std::string_view bytes);

/// Throws PictureError where a BMP or PNM has too few pixels; stb_image would fill them with zeros.
void check_bmp_size(std::string_view bytes, const std::string& name, int64_t width, int64_t height);
void check_pnm_size(std::string_view bytes, const std::string& name, int64_t pixel_bytes);

/// Counts the bytes that zlib data inflate to, keeping none, and refuses a total other than `expected`.
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
