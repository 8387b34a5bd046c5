// SPDX-License-Identifier: Apache-2.0
// The stored samples of a DICOM file, read by DCMTK.
#include "data/formats/dicom/file.h"

#ifdef CAWE_HAVE_DCMTK
#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dcrledrg.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmdata/dcxfer.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>
#include <dcmtk/dcmjpls/djlsutil.h>
#include <dcmtk/oflog/oflog.h>

#include <algorithm>

#include "data/formats/dicom/stream.h"
#include "data/formats/hostile.h"
#endif

namespace cawe::data {

#ifndef CAWE_HAVE_DCMTK
Picture parse_dicom(std::string_view, const std::string& name, const ReadOptions&) {
  fail(Code::unsupported, name, ": this build cannot read DICOM (install libdcmtk-dev and build again)");
}
#else
namespace {

/// Registers DCMTK's codecs once and keeps it from writing to the console.
void prepare_dcmtk() {
  static const bool once = [] {
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    DcmRLEDecoderRegistration::registerCodecs();
    // YCbCr samples stay as stored; converting them to RGB is film.cpp's task.
    DJDecoderRegistration::registerCodecs(EDC_never);
    DJLSDecoderRegistration::registerCodecs();
    return true;
  }();
  (void)once;
  CAWE_CHECK(
      dcmDataDict.isDictionaryLoaded(), Code::unsupported,
      "DCMTK finds no data dictionary, so that DICOM cannot be read (unset DCMDICTPATH, or let it name "
      "dicom.dic of the package that libdcmtk comes in)");
}

/// A number, or `otherwise`: for an absent tag DCMTK returns 0, so the default is set afterwards.
int number(DcmDataset& dataset, const DcmTagKey& tag, int otherwise) {
  Uint16 value = 0;
  return dataset.findAndGetUint16(tag, value).good() ? int(value) : otherwise;
}

std::string text(DcmDataset& dataset, const DcmTagKey& tag) {
  OFString value;
  if (dataset.findAndGetOFString(tag, value).bad()) return "";
  std::string out(value.c_str());
  while (!out.empty() && (out.back() == ' ' || out.back() == '\0')) out.pop_back();
  return out;
}

void interleave(std::vector<uint8_t>& bytes, const Picture& p) {
  const size_t step = size_t(p.bits_allocated / 8), plane = size_t(p.rows) * size_t(p.columns),
               s = size_t(p.samples);
  std::vector<uint8_t> out(bytes.size());
  for (size_t f = 0; f < size_t(p.frames); ++f)
    for (size_t c = 0; c < s; ++c)
      for (size_t i = 0; i < plane; ++i)
        for (size_t b = 0; b < step; ++b)
          out[((f * plane + i) * s + c) * step + b] = bytes[((f * s + c) * plane + i) * step + b];
  bytes.swap(out);
}

/// Expands 4:2:2 samples: Y1 Y2 Cb Cr for two pixels becomes Y Cb Cr for each.
std::vector<uint8_t> full_chroma(const std::vector<uint8_t>& from) {
  std::vector<uint8_t> out;
  out.reserve(from.size() / 4 * 6);
  for (size_t i = 0; i + 3 < from.size(); i += 4)
    out.insert(out.end(), {from[i], from[i + 2], from[i + 3], from[i + 1], from[i + 2], from[i + 3]});
  return out;
}

}  // namespace

DicomFile::DicomFile(std::string_view bytes, const std::string& name, Part part)
    : name_(name), file_(new DcmFileFormat) {
  prepare_dcmtk();
  check_dicom_structure(bytes, name);
  open(bytes, part);
  if (part == Part::header) return;
  check_syntax();
  read_geometry(bytes.size());
  decompress();
}

DicomFile::~DicomFile() = default;

DcmDataset& DicomFile::dataset() const { return *file_->getDataset(); }

void DicomFile::open(std::string_view bytes, Part part) {
  if (bytes.size() == 132) refuse_picture("no_pixel_data", name_, ": DICOM preamble and nothing behind it");
  DicomStream stream(bytes);
  file_->transferInit();
  const OFCondition status = file_->readUntilTag(stream, EXS_Unknown, EGL_noChange, DCM_MaxReadLength,
                                                 part == Part::header ? DCM_PixelData : DCM_UndefinedTagKey);
  file_->transferEnd();
  if (status.good()) return;
  if (dataset().tagExists(DCM_Rows))
    refuse_picture("truncated_pixel_data", name_, ": DICOM ends inside its elements (", status.text(), ")");
  refuse_picture("truncated_header", name_, ": DICOM header cannot be read (", status.text(), ")");
}

void DicomFile::check_syntax() {
  OFString uid;
  DcmMetaInfo* meta = file_->getMetaInfo();
  if (meta == nullptr || meta->findAndGetOFString(DCM_TransferSyntaxUID, uid).bad() || uid.empty())
    refuse_picture("missing_transfer_syntax", name_, ": DICOM does not say its transfer syntax");
  geometry_.transfer_syntax = uid.c_str();
}

void DicomFile::read_geometry(size_t file_bytes) {
  DcmDataset& d = dataset();
  Picture& p = geometry_;
  p.kind = "dicom";
  if (!d.tagExists(DCM_PixelData))
    refuse_picture(d.tagExists(DCM_Rows) ? "truncated_pixel_data" : "no_pixel_data", name_,
                   ": DICOM without pixel data");
  p.rows = number(d, DCM_Rows, 0);
  p.columns = number(d, DCM_Columns, 0);
  p.samples = number(d, DCM_SamplesPerPixel, 1);
  p.bits_allocated = number(d, DCM_BitsAllocated, 0);
  p.bits_stored = number(d, DCM_BitsStored, p.bits_allocated);
  p.is_signed = number(d, DCM_PixelRepresentation, 0) == 1;
  p.photometric = text(d, DCM_PhotometricInterpretation);
  Sint32 frames = 1;
  if (d.findAndGetSint32(DCM_NumberOfFrames, frames).bad()) frames = 1;
  if (p.bits_allocated != 8 && p.bits_allocated != 16)
    refuse_picture(p.bits_allocated == 32 ? "pixel_data_undecodable" : "unsupported_bits_allocated", name_,
                   ": DICOM with ", p.bits_allocated, " bits a sample (expected 8 or 16)");
  if (p.bits_stored < 1 || p.bits_stored > p.bits_allocated)
    refuse_picture("bad_header", name_, ": BitsStored is ", p.bits_stored, " (expected 1 to ",
                   p.bits_allocated, ")");
  if (p.rows < 1 || p.columns < 1 || (p.samples != 1 && p.samples != 3) || frames < 1)
    refuse_picture("bad_header", name_, ": DICOM of ", p.rows, " rows, ", p.columns, " columns, ", p.samples,
                   " samples, ", frames, " frames");
  if (p.rows > kMaxSide || p.columns > kMaxSide || int64_t(frames) > kMaxSamples ||
      int64_t(p.rows) * p.columns * p.samples > kMaxSamples / frames)
    refuse_picture("bad_size", name_, ": DICOM of ", p.columns, " x ", p.rows, " x ", frames,
                   " frames (expected sides up to ", kMaxSide, " and ", kMaxSamples, " samples in all)");
  p.frames = int(frames);
  half_chroma_ = p.photometric == "YBR_FULL_422" && p.samples == 3 && p.bits_allocated == 8;
  // No codec here makes more than a few thousand samples from one byte: a file that claims more is refused.
  if (int64_t(p.count()) / 20000 > int64_t(file_bytes))
    refuse_picture("truncated_pixel_data", name_, ": ", file_bytes, " bytes cannot hold ", p.count(),
                   " samples");
}

/// Checks the frames' JPEG headers: the codec allocates by the stream's own size and goes through it once per
/// scan.
void DicomFile::check_jpeg_frames() const {
  DcmElement* element = nullptr;
  DcmPixelSequence* fragments = nullptr;
  const E_TransferSyntax syntax = DcmXfer(geometry_.transfer_syntax.c_str()).getXfer();
  if (dataset().findAndGetElement(DCM_PixelData, element).bad() || element->ident() != EVR_PixelData ||
      static_cast<DcmPixelData*>(element)->getEncapsulatedRepresentation(syntax, nullptr, fragments).bad())
    return;  // the codec will report what is wrong
  size_t scans = 0;
  for (unsigned long i = 1; i < fragments->card(); ++i) {
    DcmPixelItem* item = nullptr;
    Uint8* data = nullptr;
    if (fragments->getItem(item, i).bad() || item->getUint8Array(data).bad() || data == nullptr) continue;
    const std::string_view bytes(reinterpret_cast<const char*>(data), item->getLength());
    const JpegFrame frame = scan_jpeg(bytes);
    scans += frame.scans;
    const bool begins = bytes.substr(0, 2) == "\xFF\xD8";
    if (begins && frame.rows != 0 && (frame.rows != geometry_.rows || frame.columns != geometry_.columns))
      refuse_picture("bad_header", name_, ": DICOM of ", geometry_.columns, " x ", geometry_.rows,
                     " holds a JPEG of ", frame.columns, " x ", frame.rows);
    if (begins && frame.rows == 0)
      refuse_picture("truncated_pixel_data", name_, ": DICOM holds a JPEG without a frame header");
  }
  if (scans > kMaxJpegScans * size_t(geometry_.frames))
    refuse_picture("bad_header", name_, ": DICOM holds a JPEG of ", scans, " scans (expected up to ",
                   kMaxJpegScans, " a frame)");
}

void DicomFile::decompress() {
  const DcmXfer syntax(geometry_.transfer_syntax.c_str());
  if (syntax.getXfer() == EXS_Unknown)
    refuse_picture("unsupported_transfer_syntax", name_, ": unknown DICOM transfer syntax ",
                   geometry_.transfer_syntax);
  if (!syntax.isEncapsulated()) {
    planar_ = geometry_.samples == 3 && number(dataset(), DCM_PlanarConfiguration, 0) == 1;
    return;
  }
  half_chroma_ = false;  // decoders have expanded 4:2:2 already
  const bool jpeg_2000 = geometry_.transfer_syntax.rfind("1.2.840.10008.1.2.4.9", 0) == 0;
  if (jpeg_2000)
    refuse_picture("unsupported_transfer_syntax", name_, ": DICOM compressed by ", syntax.getXferName(),
                   " is not read (convert it, e.g. with gdcmconv --raw)");
  if (syntax.getXfer() != EXS_RLELossless) check_jpeg_frames();
  const OFCondition status = dataset().chooseRepresentation(EXS_LittleEndianExplicit, nullptr);
  if (status == EC_JLSInvalidCompressedData && geometry_.bits_stored < 8)
    refuse_picture("unsupported_transfer_syntax", name_, ": DICOM compressed by ", syntax.getXferName(),
                   " with ", geometry_.bits_stored, " bits a sample is not read (expected 8 to 16)");
  if (status.bad() || !dataset().canWriteXfer(EXS_LittleEndianExplicit))
    refuse_picture("truncated_pixel_data", name_, ": DICOM pixels (", syntax.getXferName(),
                   ") cannot be decoded (", status.text(), ")");
  planar_ = geometry_.samples == 3 && number(dataset(), DCM_PlanarConfiguration, 0) == 1;
}

std::vector<uint8_t> DicomFile::native_bytes(size_t expected) const {
  DcmElement* element = nullptr;
  if (dataset().findAndGetElement(DCM_PixelData, element).bad() || element == nullptr)
    refuse_picture("no_pixel_data", name_, ": DICOM without pixel data");
  const size_t have = element->getLength();
  if (have < expected)
    refuse_picture("truncated_pixel_data", name_, ": DICOM pixel data of ", have, " bytes (expected ",
                   expected, ")");
  std::vector<uint8_t> bytes(expected);
  Uint8* narrow = nullptr;
  Uint16* wide = nullptr;
  if (element->ident() != EVR_OW && element->getUint8Array(narrow).good() && narrow != nullptr) {
    std::copy(narrow, narrow + expected, bytes.begin());
  } else if (element->getUint16Array(wide).good() && wide != nullptr) {
    for (size_t i = 0; i < expected; ++i) bytes[i] = uint8_t(wide[i / 2] >> (i % 2 * 8));
  } else if (element->getUint8Array(narrow).good() && narrow != nullptr) {
    std::copy(narrow, narrow + expected, bytes.begin());
  } else {
    refuse_picture("pixel_data_undecodable", name_, ": DICOM pixel data have a wrong value representation");
  }
  return bytes;
}

Picture DicomFile::picture() const {
  Picture p = geometry_;
  const size_t samples = p.count(), step = size_t(p.bits_allocated / 8);
  p.bytes = native_bytes(half_chroma_ ? samples / 3 * 2 : samples * step);
  if (half_chroma_) p.bytes = full_chroma(p.bytes);
  if (planar_) interleave(p.bytes, p);
  return p;
}

Picture parse_dicom(std::string_view bytes, const std::string& name, const ReadOptions&) {
  return DicomFile(bytes, name).picture();
}
#endif

}  // namespace cawe::data
