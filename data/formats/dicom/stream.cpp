// SPDX-License-Identifier: Apache-2.0
#include "data/formats/dicom/stream.h"

#include <memory>

namespace cawe::data {
namespace {

/// A position in a DICOM file: the bytes read; those after `folded` came out of a decompression filter.
struct Place {
  std::string_view bytes;
  E_StreamCompression compression;
  offile_off_t folded, at;
};

class WayBack : public DcmInputStreamFactory {
 public:
  explicit WayBack(const Place& place) : place_(place) {}

  DcmInputStream* create() const override {
    auto stream = std::make_unique<DicomStream>(place_.bytes);
    if (place_.compression == ESC_none) {
      stream->skip(place_.at);
    } else {
      stream->skip(place_.folded);
      stream->installCompressionFilter(place_.compression);
      stream->skip(place_.at - place_.folded);
    }
    return stream.release();
  }
  DcmInputStreamFactory* clone() const override { return new WayBack(place_); }
  /// DCMTK has two kinds of factory; this one it never takes for a file with a name.
  DcmInputStreamFactoryType ident() const override { return DFT_DcmInputTempFileStreamFactory; }

 private:
  Place place_;
};

}  // namespace

// The base class only stores the producer's address, so passing it before it is constructed is safe.
DicomStream::DicomStream(std::string_view bytes, size_t max_elements)
    : DcmInputStream(&producer_), bytes_(bytes), max_elements_(max_elements) {
  producer_.setBuffer(bytes.data(), offile_off_t(bytes.size()));
  producer_.setEos();
}

void DicomStream::mark() {
  ++elements_;
  DcmInputStream::mark();
}

OFBool DicomStream::eos() { return too_many() || DcmInputStream::eos(); }

offile_off_t DicomStream::avail() { return too_many() ? 0 : DcmInputStream::avail(); }

DcmInputStreamFactory* DicomStream::newFactory() const {
  return new WayBack({bytes_, compression_, folded_, tell()});
}

OFCondition DicomStream::installCompressionFilter(E_StreamCompression type) {
  folded_ = tell();
  compression_ = type;
  return DcmInputStream::installCompressionFilter(type);
}

}  // namespace cawe::data
