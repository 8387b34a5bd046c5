// SPDX-License-Identifier: Apache-2.0
// A DICOM file in memory as a seekable DCMTK stream. From a plain buffer DCMTK allocates whatever length an
// element declares, and only then finds the file too short. With a stream to which it can return, it skips
// long elements, checks that they are complete, and reads them when they are asked for.
#pragma once

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcistrma.h>
#include <dcmtk/dcmdata/dcistrmb.h>

#include <cstdint>
#include <string_view>

namespace cawe::data {

/// `bytes` must live as long as the data set that was read from it.
class DicomStream : public DcmInputStream {
 public:
  explicit DicomStream(std::string_view bytes, size_t max_elements = SIZE_MAX);

  /// The parser marks the beginning of every element. After `max_elements` of them the stream ends, so that a
  /// file made of nothing else cannot keep it busy.
  void mark() override;
  OFBool eos() override;
  offile_off_t avail() override;
  bool too_many() const { return elements_ > max_elements_; }

  /// Lets DCMTK return to this position, also inside a deflated data set, which is then inflated again from
  /// its beginning.
  DcmInputStreamFactory* newFactory() const override;
  OFCondition installCompressionFilter(E_StreamCompression type) override;

 private:
  std::string_view bytes_;
  size_t max_elements_, elements_ = 0;
  DcmBufferProducer producer_;
  E_StreamCompression compression_ = ESC_none;
  offile_off_t folded_ = 0;  ///< where deflated bytes begin
};

}  // namespace cawe::data
