// SPDX-License-Identifier: Apache-2.0
// The stored samples of a DICOM file, read by DCMTK.
#include "data/formats/dicom/file.h"

#ifdef CAWE_HAVE_DCMTK
#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dccodec.h>
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

#include "data/formats/dicom/attributes.h"
#include "data/formats/dicom/decoder_log.h"
#include "data/formats/dicom/fragments.h"
#include "data/formats/dicom/stream.h"
#include "data/formats/dicom/structure.h"
#include "data/formats/hostile.h"
#include "data/formats/picture/jpeg_scans.h"
#include "tensor/text.h"
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
    listen_to_decoders();
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

/// A whole number, or `otherwise` where it is absent or empty. One that came in another kind of element than the
/// standard's (unknown, signed, text) is put back as it should be, for DCMTK's codecs know only that.
int number(DcmDataset& dataset, const DcmTagKey& tag, int otherwise, const std::string& name) {
  const std::optional<int> value = whole_of(dataset, tag, name);
  if (!value) return otherwise;
  if (*value > 65535)
    refuse_picture("bad_header", name, ": DICOM attribute ", tag_name(tag), " is ", *value,
                   " (expected up to 65535)");
  DcmElement* element = nullptr;
  if (dataset.findAndGetElement(tag, element).good() && element->ident() != EVR_US)
    dataset.putAndInsertUint16(DcmTag(tag, EVR_US), Uint16(*value));
  return *value;
}

/// A whole number that every picture must give (PS3.3 C.7.6.3): what is guessed in its place gives a wrong film.
int needed(DcmDataset& dataset, const DcmTagKey& tag, const std::string& name, int least, int most) {
  const int value = number(dataset, tag, -1, name);
  if (value == -1) refuse_picture("bad_header", name, ": DICOM without a value of ", tag_name(tag));
  if (value < least || value > most)
    refuse_picture("bad_header", name, ": DICOM attribute ", tag_name(tag), " is ", value, " (expected ",
                   least, " to ", most, ")");
  return value;
}

/// ", which is a RT Plan Storage", or "" for a class without a name.
std::string object_name(DcmItem& dataset, const std::string& name) {
  const std::string uid = first_of(dataset, DCM_SOPClassUID, name);
  const char* known = uid.empty() ? nullptr : dcmFindNameOfUID(uid.c_str());
  return known == nullptr ? "" : std::string(": its object is a ") + known;
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

DicomFile::DicomFile(std::string_view bytes, const std::string& name, Frames frames,
                     const ReadOptions& options)
    : name_(name), options_(options), file_(new DcmFileFormat) {
  prepare_dcmtk();
  check_dicom_structure(bytes, name);
  open(bytes);
  check_syntax();
  read_geometry(bytes.size(), frames);
  decompress();
}

DicomFile::~DicomFile() = default;

DcmDataset& DicomFile::dataset() const { return *file_->getDataset(); }

void DicomFile::open(std::string_view bytes) {
  if (bytes.size() == 132) refuse_picture("no_pixel_data", name_, ": DICOM preamble and nothing behind it");
  DicomStream stream(bytes, kMaxDicomElements);
  file_->transferInit();
  const OFCondition status = file_->read(stream, EXS_Unknown, EGL_noChange, DCM_MaxReadLength);
  file_->transferEnd();
  if (stream.too_many())
    refuse_picture("bad_header", name_, ": DICOM with more than ", kMaxDicomElements, " elements");
  refuse_no_image(first_of(dataset(), DCM_SOPClassUID, name_), name_);
  if (status.good()) return;
  if (dataset().tagExists(DCM_Rows))
    refuse_picture("truncated_pixel_data", name_, ": DICOM ends inside its elements (", status.text(), ")");
  refuse_picture("truncated_header", name_, ": DICOM header cannot be read (", status.text(), ")");
}

std::string DicomFile::transfer_syntax() const {
  DcmMetaInfo* meta = file_->getMetaInfo();
  return meta == nullptr ? "" : first_of(*meta, DCM_TransferSyntaxUID, name_);
}

void DicomFile::check_syntax() {
  geometry_.transfer_syntax = transfer_syntax();
  if (geometry_.transfer_syntax.empty())
    refuse_picture("missing_transfer_syntax", name_, ": DICOM does not say its transfer syntax");
  DcmDataset& d = dataset();
  if (!d.tagExists(DCM_PixelData))
    refuse_picture(d.tagExists(DCM_Rows) ? "truncated_pixel_data" : "no_pixel_data", name_,
                   ": DICOM without pixel data", object_name(d, name_));
  const DcmXfer syntax(geometry_.transfer_syntax.c_str());
  if (syntax.getXfer() == EXS_Unknown || !syntax.isEncapsulated() ||
      DcmCodecList::canChangeCoding(syntax.getXfer(), EXS_LittleEndianExplicit))
    return;
  const bool video = geometry_.transfer_syntax.rfind("1.2.840.10008.1.2.4.10", 0) == 0;
  refuse_picture("unsupported_transfer_syntax", name_, ": DICOM compressed by ", syntax.getXferName(),
                 video ? " is a video, which is not read (expected a still picture)"
                       : " is not read (convert it, e.g. with gdcmconv --raw)");
}

void DicomFile::read_geometry(size_t file_bytes, Frames wanted) {
  DcmDataset& d = dataset();
  Picture& p = geometry_;
  p.kind = "dicom";
  p.rows = number(d, DCM_Rows, 0, name_);
  p.columns = number(d, DCM_Columns, 0, name_);
  p.samples = number(d, DCM_SamplesPerPixel, 1, name_);
  p.bits_allocated = number(d, DCM_BitsAllocated, 0, name_);
  p.photometric = first_of(d, DCM_PhotometricInterpretation, name_);
  const int frames = frames_of(d, name_);
  if (frames != 1 && wanted == Frames::one)
    refuse_picture("several_frames", name_, ": DICOM of ", frames, " frames (expected one film)");
  if (p.bits_allocated != 8 && p.bits_allocated != 16)
    refuse_picture(p.bits_allocated == 32 ? "pixel_data_undecodable" : "unsupported_bits_allocated", name_,
                   ": DICOM with ", p.bits_allocated, " bits a sample (expected 8 or 16)");
  p.bits_stored = needed(d, DCM_BitsStored, name_, 1, p.bits_allocated);
  p.is_signed = needed(d, DCM_PixelRepresentation, name_, 0, 1) == 1;
  number(d, DCM_HighBit, 0, name_);  // for the gray chain
  if (p.rows < 1 || p.columns < 1 || (p.samples != 1 && p.samples != 3))
    refuse_picture("bad_header", name_, ": DICOM of ", p.rows, " rows, ", p.columns, " columns, ", p.samples,
                   " samples, ", frames, " frames");
  if (p.rows > kMaxSide || p.columns > kMaxSide || int64_t(frames) > kMaxSamples ||
      int64_t(p.rows) * p.columns * p.samples > kMaxSamples / frames)
    refuse_picture("bad_size", name_, ": DICOM of ", p.columns, " x ", p.rows, " x ", frames,
                   " frames (expected sides up to ", kMaxSide, " and ", kMaxSamples, " samples in all)");
  p.frames = frames;
  half_chroma_ = (p.photometric == "YBR_FULL_422" || p.photometric == "YBR_PARTIAL_422") && p.samples == 3 &&
                 p.bits_allocated == 8;
  // No codec here makes more than a few thousand samples from one byte: a file that claims more is refused.
  if (int64_t(p.count()) / 20000 > int64_t(file_bytes))
    refuse_picture("truncated_pixel_data", name_, ": ", file_bytes, " bytes cannot hold ", p.count(),
                   " samples");
}

/// Joins each frame's fragments and looks at what their streams declare.
void DicomFile::check_fragments() {
  DcmElement* element = nullptr;
  DcmPixelSequence* fragments = nullptr;
  const E_TransferSyntax syntax = DcmXfer(geometry_.transfer_syntax.c_str()).getXfer();
  if (dataset().findAndGetElement(DCM_PixelData, element).bad() || element->ident() != EVR_PixelData ||
      static_cast<DcmPixelData*>(element)->getEncapsulatedRepresentation(syntax, nullptr, fragments).bad())
    return;  // the codec will report what is wrong
  const Picture& p = geometry_;
  const size_t frames = size_t(p.frames), plane = size_t(p.rows) * size_t(p.columns),
               segments = size_t(p.samples * p.bits_allocated / 8);
  const bool rle = syntax == EXS_RLELossless;
  const std::vector<std::string> streams =
      rle ? rle_streams(*fragments, frames, segments, plane) : jpeg_streams(*fragments, frames);
  if (streams.empty())
    refuse_picture("truncated_pixel_data", name_, ": DICOM whose compressed pixel data are empty");
  if (!rle) check_jpeg_frames(streams);
  for (size_t i = 0; i < streams.size() && rle && geometry_.damage.empty(); ++i)
    geometry_.damage = rle_damage(streams[i], segments, plane);
  if (streams.size() + 1 != fragments->card()) replace_fragments(*fragments, streams);
}

/// Checks the frames' JPEG headers: the codec allocates by the stream's own size and goes through it once per
/// scan. The stream also says whether its colours are RGB or YCbCr, whatever the DICOM header calls them.
void DicomFile::check_jpeg_frames(const std::vector<std::string>& streams) {
  for (const std::string& stream : streams) {
    const JpegFrame frame = scan_jpeg(stream);
    if (frame.rows != 0 && (frame.rows != geometry_.rows || frame.columns != geometry_.columns))
      refuse_picture("bad_header", name_, ": DICOM of ", geometry_.columns, " x ", geometry_.rows,
                     " holds a JPEG of ", frame.columns, " x ", frame.rows);
    if (frame.rows == 0)
      refuse_picture("truncated_pixel_data", name_, ": DICOM holds a JPEG without a frame header");
    if (frame.components != 0 && frame.components != geometry_.samples)
      refuse_picture("bad_header", name_, ": DICOM of ", geometry_.samples,
                     " samples a pixel holds a JPEG of ", frame.components, " components");
    if (frame.scans > kMaxJpegScans)
      refuse_picture("bad_header", name_, ": DICOM holds a JPEG of ", frame.scans, " scans (expected up to ",
                     kMaxJpegScans, " a frame)");
    geometry_.lossy_bits = std::max(geometry_.lossy_bits, lossy_bits(stream));
    if (geometry_.damage.empty()) geometry_.damage = missing_scans(stream).text;
  }
  if (geometry_.samples != 3) return;
  const JpegColour colour = jpeg_colour(streams[0]);
  const bool says_ybr = geometry_.photometric.rfind("YBR", 0) == 0;
  if (colour == JpegColour::ybr && !says_ybr) geometry_.photometric = "YBR_FULL";
  if (colour == JpegColour::rgb && says_ybr) geometry_.photometric = "RGB";
}

void DicomFile::decompress() {
  const DcmXfer syntax(geometry_.transfer_syntax.c_str());
  if (syntax.getXfer() == EXS_Unknown)
    refuse_picture("unsupported_transfer_syntax", name_, ": unknown DICOM transfer syntax ",
                   printable(geometry_.transfer_syntax, 80));
  if (!syntax.isEncapsulated()) {
    planar_ = geometry_.samples == 3 && needed(dataset(), DCM_PlanarConfiguration, name_, 0, 1) == 1;
    return;
  }
  half_chroma_ = false;  // decoders have expanded 4:2:2 already
  check_fragments();
  const DecoderLog log;
  const OFCondition status = dataset().chooseRepresentation(EXS_LittleEndianExplicit, nullptr);
  if (status == EC_JLSInvalidCompressedData && geometry_.bits_stored < 8)
    refuse_picture("unsupported_transfer_syntax", name_, ": DICOM compressed by ", syntax.getXferName(),
                   " with ", geometry_.bits_stored, " bits a sample is not read (expected 8 to 16)");
  if (status.bad() || !dataset().canWriteXfer(EXS_LittleEndianExplicit))
    refuse_picture("truncated_pixel_data", name_, ": DICOM pixels (", syntax.getXferName(),
                   ") cannot be decoded (", status.text(), ")");
  if (geometry_.damage.empty()) geometry_.damage = log.damage();
  if (!geometry_.damage.empty() && !options_.allow_damaged)
    refuse_damaged(name_, std::string("DICOM (") + syntax.getXferName() + ")",
                   printable(geometry_.damage, 200));
  planar_ = geometry_.samples == 3 && number(dataset(), DCM_PlanarConfiguration, 0, name_) == 1;
  take_decoded_geometry();
}

/// The codec writes the samples as wide as the stream has them.
void DicomFile::take_decoded_geometry() {
  const int decoded = number(dataset(), DCM_BitsAllocated, geometry_.bits_allocated, name_);
  if (decoded == geometry_.bits_allocated) return;
  if (decoded != 8 || geometry_.bits_stored > 8)
    refuse_picture("bad_header", name_, ": DICOM of ", geometry_.bits_stored, " bits in ",
                   geometry_.bits_allocated, " holds a compressed picture of ", decoded, " bits a sample");
  geometry_.bits_allocated = decoded;
}

std::vector<uint8_t> DicomFile::native_bytes(size_t expected) const {
  DcmElement* element = nullptr;
  if (dataset().findAndGetElement(DCM_PixelData, element).bad() || element == nullptr)
    refuse_picture("no_pixel_data", name_, ": DICOM without pixel data");
  if (geometry_.bits_allocated == 16 && element->getVR() == EVR_OB &&
      geometry_.transfer_syntax == "1.2.840.10008.1.2.2")
    refuse_picture("pixel_data_undecodable", name_,
                   ": big-endian DICOM whose samples of 16 bits are said to be bytes (expected OW)");
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
  // Some label full chroma as half: the length tells.
  DcmElement* element = nullptr;
  const bool half = half_chroma_ && dataset().findAndGetElement(DCM_PixelData, element).good() &&
                    element->getLength() < samples;
  p.bytes = native_bytes(half ? samples / 3 * 2 : samples * step);
  if (half) p.bytes = full_chroma(p.bytes);
  if (planar_) interleave(p.bytes, p);
  return p;
}

Picture parse_dicom(std::string_view bytes, const std::string& name, const ReadOptions& options) {
  return DicomFile(bytes, name, DicomFile::Frames::any, options).picture();
}
#endif

}  // namespace cawe::data
