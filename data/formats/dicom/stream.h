// SPDX-License-Identifier: Apache-2.0
// A DICOM file in memory that DCMTK may come back to. From a plain buffer it makes room for an element of any
// length that a file names, and then finds the file too short; where it can come back, it passes long
// elements by, sees that they are all there, and reads them when they are asked for.
#pragma once

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcistrma.h>
#include <dcmtk/dcmdata/dcistrmb.h>

#include <string_view>

namespace cawe::data {

/// `bytes` must live as long as the data set that was read from it.
class DicomStream : public DcmInputStream {
 public:
  explicit DicomStream(std::string_view bytes);

  /// A way back to here, also into a deflated data set, which is unfolded again from its beginning.
  DcmInputStreamFactory* newFactory() const override;
  OFCondition installCompressionFilter(E_StreamCompression type) override;

 private:
  std::string_view bytes_;
  DcmBufferProducer producer_;
  E_StreamCompression compression_ = ESC_none;
  offile_off_t folded_ = 0;  ///< where compressed bytes begin
};

}  // namespace cawe::data
