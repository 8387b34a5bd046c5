// SPDX-License-Identifier: Apache-2.0
// From stored samples to the film as a viewer shows it: modality transform, window (VOI), polarity, each once
// and in this order.
#include <algorithm>
#include <cmath>
#include <functional>

#include "data/formats/dicom/file.h"
#include "data/formats/dicom/film.h"
#include "data/subject.h"

#ifdef CAWE_HAVE_DCMTK
#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>
#endif

namespace cawe::data {

#ifndef CAWE_HAVE_DCMTK
Film parse_film(std::string_view, const std::string& name, const ReadOptions&) {
  fail(Code::unsupported, name, ": this build cannot read DICOM (install libdcmtk-dev and build again)");
}
DicomTags parse_dicom_tags(std::string_view bytes, const std::string& name) {
  return parse_film(bytes, name).tags;
}
#else
namespace {

std::string text(DcmItem& item, const DcmTagKey& tag) {
  OFString value;
  if (item.findAndGetOFString(tag, value).bad()) return "";
  std::string out(value.c_str());
  while (!out.empty() && (out.back() == ' ' || out.back() == '\0')) out.pop_back();
  return out;
}

double real(DcmItem& item, const DcmTagKey& tag, double otherwise) {
  Float64 value = 0;
  return item.findAndGetFloat64(tag, value).good() && std::isfinite(value) ? value : otherwise;
}

/// A lookup table of the Modality or VOI LUT Sequence.
struct Lut {
  double first = 0;
  int bits = 0;
  std::vector<double> values;
  double at(double x) const {
    const double i = std::clamp(std::floor(x - first + 0.5), 0.0, double(values.size() - 1));
    return values[size_t(i)];
  }
};

bool read_lut(DcmDataset& dataset, const DcmTagKey& sequence, bool is_signed, const std::string& name,
              Lut* lut) {
  DcmItem* item = nullptr;
  if (dataset.findAndGetSequenceItem(sequence, item, 0).bad() || item == nullptr) return false;
  const auto entry = [&](unsigned long i) {
    Uint16 unsigned_value = 0;
    Sint16 signed_value = 0;
    if (item->findAndGetUint16(DCM_LUTDescriptor, unsigned_value, i).good()) return int(unsigned_value);
    if (item->findAndGetSint16(DCM_LUTDescriptor, signed_value, i).good()) return int(uint16_t(signed_value));
    refuse_picture("bad_header", name, ": DICOM lookup table without a descriptor");
  };
  const size_t count = entry(0) == 0 ? 65536 : size_t(entry(0));
  lut->first = is_signed ? double(int16_t(entry(1))) : double(entry(1));
  lut->bits = entry(2);
  const Uint16* values = nullptr;
  unsigned long have = 0;
  if (item->findAndGetUint16Array(DCM_LUTData, values, &have).bad() || values == nullptr || have < count ||
      lut->bits < 1 || lut->bits > 16)
    refuse_picture("bad_header", name, ": DICOM lookup table of ", have, " entries with ", lut->bits,
                   " bits (expected ", count, ")");
  lut->values.assign(values, values + count);
  return true;
}

using Map = std::function<double(double)>;

/// Stored value to modality value, e.g. Hounsfield units.
Map modality_map(DcmDataset& d, bool is_signed, const std::string& name) {
  Lut lut;
  if (read_lut(d, DCM_ModalityLUTSequence, is_signed, name, &lut))
    return [lut](double x) { return lut.at(x); };
  const double slope = real(d, DCM_RescaleSlope, 1), intercept = real(d, DCM_RescaleIntercept, 0);
  if (slope == 0) refuse_picture("bad_header", name, ": RescaleSlope is 0");
  return [slope, intercept](double x) { return x * slope + intercept; };
}

/// Modality value to [0, 1].
Map voi_map(DcmDataset& d, const Map& modality, const Picture& p, const std::string& name) {
  Lut lut;
  if (read_lut(d, DCM_VOILUTSequence, p.is_signed, name, &lut)) {
    const double top = double((1 << lut.bits) - 1);
    return [lut, top](double x) { return lut.at(x) / top; };
  }
  const double c = real(d, DCM_WindowCenter, NAN), w = real(d, DCM_WindowWidth, NAN);
  if (!std::isfinite(c) || !std::isfinite(w)) {
    const double low = p.is_signed ? -std::ldexp(1.0, p.bits_stored - 1) : 0.0;
    const double a = modality(low), b = modality(low + std::ldexp(1.0, p.bits_stored) - 1);
    const double from = std::min(a, b), range = std::fabs(b - a);
    return [from, range](double x) { return (x - from) / range; };
  }
  const std::string shape = text(d, DCM_VOILUTFunction);
  if (shape == "SIGMOID" && w > 0) return [c, w](double x) { return 1 / (1 + std::exp(-4 * (x - c) / w)); };
  if (shape == "LINEAR_EXACT" && w > 0) return [c, w](double x) { return (x - c) / w + 0.5; };
  if (w < 1) refuse_picture("bad_header", name, ": WindowWidth is ", w, " (expected at least 1)");
  return [c, w](double x) {
    if (x <= c - 0.5 - (w - 1) / 2) return 0.0;
    if (x > c - 0.5 + (w - 1) / 2) return 1.0;
    return (x - (c - 0.5)) / (w - 1) + 0.5;
  };
}

/// A stored sample without its unused high bits, sign-extended.
double stored_value(const Picture& p, size_t i, int high_bit) {
  const int shift = std::max(0, high_bit + 1 - p.bits_stored);
  const int mask = (1 << p.bits_stored) - 1;
  const int raw = (p.at(i) >> shift) & mask;
  return p.is_signed && (raw >> (p.bits_stored - 1)) != 0 ? raw - (mask + 1) : raw;
}

FloatImage colour_to_gray(const Picture& p) {
  FloatImage out(p.columns, p.rows, 1);
  const float top = p.bits_allocated == 8 ? 255.0f : 65535.0f;
  const bool luma = p.photometric.rfind("YBR", 0) == 0;
  for (size_t i = 0; i < out.pixels.size(); ++i) {
    const auto v = [&](size_t c) { return float(p.at(i * 3 + c)); };
    out.pixels[i] = (luma ? v(0) : 0.299f * v(0) + 0.587f * v(1) + 0.114f * v(2)) / top;
  }
  return out;
}

DicomTags tags_of(DcmDataset& d) {
  Uint16 rows = 0, columns = 0;
  d.findAndGetUint16(DCM_Rows, rows);
  d.findAndGetUint16(DCM_Columns, columns);
  DicomTags tags;
  tags.patient_id = text(d, DCM_PatientID);
  tags.study_instance = text(d, DCM_StudyInstanceUID);
  tags.sop_instance = text(d, DCM_SOPInstanceUID);
  tags.modality = text(d, DCM_Modality);
  tags.sex = parse_sex(text(d, DCM_PatientSex));
  tags.age = parse_age(text(d, DCM_PatientAge));
  tags.view = parse_view(text(d, DCM_ViewPosition));
  tags.rows = rows;
  tags.columns = columns;
  Uint16 bits = 0;
  if (d.findAndGetUint16(DCM_BitsStored, bits).good()) tags.bits = bits;
  tags.burned_in = text(d, DCM_BurnedInAnnotation) == "YES";
  return tags;
}

}  // namespace

Film parse_film(std::string_view bytes, const std::string& name, const ReadOptions&) {
  const DicomFile file(bytes, name);
  const Picture p = file.picture();
  DcmDataset& d = file.dataset();
  if (p.frames != 1)
    refuse_picture("several_frames", name, ": DICOM of ", p.frames, " frames (expected one film)");
  Film film;
  film.tags = tags_of(d);
  if (p.samples == 3) {
    film.image = colour_to_gray(p);
    return film;
  }
  const bool inverted = p.photometric == "MONOCHROME1";
  if (!inverted && p.photometric != "MONOCHROME2")
    refuse_picture("unsupported_photometric", name, ": DICOM's photometric interpretation is \"",
                   p.photometric, "\" (expected MONOCHROME1, MONOCHROME2, RGB or YBR)");
  Uint16 high = 0;
  if (d.findAndGetUint16(DCM_HighBit, high).bad() || high >= p.bits_allocated)
    high = Uint16(p.bits_stored - 1);
  const Map modality = modality_map(d, p.is_signed, name), voi = voi_map(d, modality, p, name);
  // A table over all stored values, in place of a call of the maps for each pixel.
  const int count = 1 << p.bits_stored, low = p.is_signed ? -(count / 2) : 0;
  std::vector<float> table(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    const double v = std::clamp(voi(modality(double(low + i))), 0.0, 1.0);
    table[size_t(i)] = float(inverted ? 1 - v : v);
  }
  film.image = FloatImage(p.columns, p.rows, 1);
  for (size_t i = 0; i < film.image.pixels.size(); ++i)
    film.image.pixels[i] = table[size_t(int(stored_value(p, i, high)) - low)];
  return film;
}

DicomTags parse_dicom_tags(std::string_view bytes, const std::string& name) {
  return tags_of(DicomFile(bytes, name, DicomFile::Part::header).dataset());
}
#endif

}  // namespace cawe::data
