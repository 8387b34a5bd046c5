// SPDX-License-Identifier: Apache-2.0
// What a file declares against what it holds, before a decoder is let at it: decoders allocate, recurse and
// loop by the file's own word.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace cawe::data {

/// More is not read: DCMTK's parser recurses once an item, with some 1.5 kB of stack each.
constexpr size_t kMaxDicomItems = 2000;
/// What a deflated DICOM may unfold to, in bytes.
constexpr size_t kMaxInflated = size_t(1) << 28;
/// Each scan of a progressive JPEG goes over the whole picture; encoders make about 10.
constexpr size_t kMaxJpegScans = 100;

/// Items (so, sequences in sequences) and, for deflated data sets, the unfolded size. Throws PictureError.
void check_dicom_structure(std::string_view bytes, const std::string& name);

struct JpegFrame {
  int rows = 0, columns = 0;  ///< of the first frame header; 0 where there is none
  size_t scans = 0;
};
/// Reads a JPEG or JPEG-LS stream's markers without decoding.
JpegFrame scan_jpeg(std::string_view bytes);

/// stb_image fills with zeros what a BMP or PNM lacks. Throws PictureError where pixels are missing.
void check_bmp_size(std::string_view bytes, const std::string& name, int64_t width, int64_t height);
void check_pnm_size(std::string_view bytes, const std::string& name, int64_t pixel_bytes);

/// Counts what zlib data unfold to, without keeping it, and refuses more or less than `expected`.
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
