// SPDX-License-Identifier: Apache-2.0
// Between file.cpp (samples) and film.cpp (what is seen): an opened, decompressed file. DCMTK stays in here.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "data/formats/picture/picture.h"

class DcmFileFormat;
class DcmDataset;

namespace cawe::data {

class DicomFile {
 public:
  /// header: only the elements before the pixels, of any transfer syntax.
  enum class Part { header, all };
  /// Opens and decompresses; throws PictureError. Long values are read from `bytes` when they are asked for:
  /// these must outlive the object.
  DicomFile(std::string_view bytes, const std::string& name, Part part = Part::all);
  ~DicomFile();
  DicomFile(const DicomFile&) = delete;
  DicomFile& operator=(const DicomFile&) = delete;

  DcmDataset& dataset() const;
  /// All samples, planes interleaved, YBR_FULL_422 at full width.
  Picture picture() const;

 private:
  void open(std::string_view bytes, Part part);
  void check_syntax();
  void read_geometry(size_t file_bytes);
  void check_jpeg_frames() const;
  void decompress();
  std::vector<uint8_t> native_bytes(size_t expected) const;

  std::string name_;
  std::unique_ptr<DcmFileFormat> file_;
  Picture geometry_;  ///< without bytes
  bool planar_ = false, half_chroma_ = false;
};

}  // namespace cawe::data
