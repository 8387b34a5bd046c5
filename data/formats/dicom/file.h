// SPDX-License-Identifier: Apache-2.0
// An opened, decompressed DICOM file: what file.cpp (stored samples) and film.cpp (the film as shown) share.
// DCMTK is used nowhere else.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/formats/picture/picture.h"

class DcmFileFormat;
class DcmDataset;

namespace cawe::data {

struct DicomOrigin;

/// One opened file. Throws PictureError for anything that cannot be decoded.
class DicomFile {
 public:
  /// one: more are refused, before anything is decoded.
  enum class Frames { any, one };
  /// Opens and decompresses; throws PictureError. Long values are read from `bytes` only when they are
  /// needed, so `bytes` must outlive the object.
  DicomFile(std::string_view bytes, const std::string& name, Frames frames, const ReadOptions& options = {});
  ~DicomFile();
  DicomFile(const DicomFile&) = delete;
  DicomFile& operator=(const DicomFile&) = delete;

  DcmDataset& dataset() const;
  /// UID, "" where the file does not say it.
  std::string transfer_syntax() const;
  /// All samples, interleaved by pixel, YBR_FULL_422 expanded to full width.
  Picture picture() const;

 private:
  void open(std::string_view bytes);
  void check_syntax();
  void read_geometry(size_t file_bytes, Frames frames);
  void check_fragments();
  void check_jpeg_frames(const std::vector<std::string>& streams);
  void decompress();
  void take_decoded_geometry();
  std::vector<uint8_t> native_bytes(size_t expected) const;

  std::string name_;
  ReadOptions options_;
  std::unique_ptr<DcmFileFormat> file_;
  Picture geometry_;  ///< without samples
  bool planar_ = false, half_chroma_ = false;
};

/// What a derived image takes over from it (derived.h). `bytes`: of the file. Throws PictureError for an attribute that
/// is too long to be valid.
DicomOrigin origin_of(const DicomFile& file, std::string_view bytes, const std::string& name);

}  // namespace cawe::data
