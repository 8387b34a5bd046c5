// SPDX-License-Identifier: Apache-2.0
// A test's DICOM file, compressed by DCMTK's encoders.
#pragma once

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dcostrmb.h>
#include <dcmtk/dcmdata/dcrleerg.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmjpeg/djencode.h>
#include <dcmtk/dcmjpls/djencode.h>
#include <gtest/gtest.h>

#include <string>

namespace cawe::data::dicom_bytes {

/// `parameter`: the encoder's; by none, DCMTK's usual one.
inline std::string compressed(const std::string& bytes, E_TransferSyntax syntax,
                              const DcmRepresentationParameter* parameter = nullptr) {
  static const bool once = [] {
    DcmRLEEncoderRegistration::registerCodecs();
    DJEncoderRegistration::registerCodecs();
    // The pixels as they are: the "cooked" way would apply the rescale first.
    DJLSEncoderRegistration::registerCodecs(0, 0, 0, 0, OFFalse);
    return true;
  }();
  (void)once;
  DcmInputBufferStream in;
  in.setBuffer(bytes.data(), offile_off_t(bytes.size()));
  in.setEos();
  DcmFileFormat file;
  file.transferInit();
  EXPECT_TRUE(file.read(in).good());
  file.transferEnd();
  file.loadAllDataIntoMemory();
  EXPECT_TRUE(file.getDataset()->chooseRepresentation(syntax, parameter).good());
  std::string out(bytes.size() * 2 + 100000, '\0');
  DcmOutputBufferStream to(out.data(), offile_off_t(out.size()));
  file.transferInit();
  EXPECT_TRUE(file.write(to, syntax, EET_UndefinedLength, nullptr).good());
  file.transferEnd();
  void* written = nullptr;
  offile_off_t size = 0;
  to.flushBuffer(written, size);
  out.resize(size_t(size));
  return out;
}

}  // namespace cawe::data::dicom_bytes
