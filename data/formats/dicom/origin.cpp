// SPDX-License-Identifier: Apache-2.0
// What a derived image takes over from its source: a fixed list of attributes.
#include <algorithm>

#include "data/formats/dicom/derived.h"
#include "data/formats/dicom/file.h"
#include "data/formats/dicom/structure.h"
#include "data/hash.h"
#include "tensor/error.h"
#include "tensor/io/format.h"
#include "tensor/text.h"

#ifdef CAWE_HAVE_DCMTK
#include "data/formats/dicom/attributes.h"
#include "data/formats/dicom/characters.h"
#endif

namespace cawe::data {

namespace {

struct Kept {
  unsigned group, number;
  const char* vr;
};
/// The character set and the patient's id. No other patient attribute is ever copied: outputs carry no
/// personal data.
constexpr Kept kPatient[] = {{0x8, 0x5, "CS"}, {0x10, 0x20, "LO"}};
constexpr Kept kStudy[] = {{0x8, 0x20, "DA"}, {0x8, 0x30, "TM"},   {0x8, 0x50, "SH"},
                           {0x8, 0x60, "CS"}, {0x8, 0x1030, "LO"}, {0x20, 0x10, "SH"}};
/// Body part, pixel spacing, view, orientation, laterality, text in the pixels.
constexpr Kept kImage[] = {{0x18, 0x15, "CS"}, {0x18, 0x1164, "DS"}, {0x18, 0x5101, "CS"},
                           {0x20, 0x13, "IS"}, {0x20, 0x20, "CS"},   {0x20, 0x60, "CS"},
                           {0x20, 0x62, "CS"}, {0x28, 0x30, "DS"},   {0x28, 0x301, "CS"}};

/// A valid one, or none.
bool is_uid(const std::string& text) {
  return text.size() <= 64 && text.find_first_not_of("0123456789.") == std::string::npos;
}

template <size_t N>
bool of_list(const std::vector<DicomAttribute>& attributes, const Kept (&list)[N]) {
  return attributes.size() <= N &&
         std::all_of(attributes.begin(), attributes.end(), [&](const DicomAttribute& a) {
           return a.value.size() <= kLongestAttribute && std::any_of(list, list + N, [&](const Kept& k) {
                    return k.group == a.group && k.number == a.number && k.vr == a.vr;
                  });
         });
}

/// Compression ratio as a DS value, at least 1.
std::string ratio(size_t raw_bytes, size_t file_bytes) {
  return fixed(std::max(1.0, double(raw_bytes) / double(file_bytes)), 2);
}

/// The text with "_" for what VR LO cannot hold: bytes that are not UTF-8, control characters, the backslash that parts
/// values, blanks at the ends, which readers take away.
std::string without_forbidden(std::string_view text) {
  std::string out;
  for (uint32_t character = 0; !text.empty();) {
    const size_t length = utf8_character(text, &character);
    const bool control = character < 0x20 || (character >= 0x7F && character < 0xA0);  // C0, DEL, C1
    const bool keep = length > 0 && !control && character != '\\';
    out += keep ? std::string(text.substr(0, length)) : "_";
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  if (!out.empty() && out.front() == ' ') out.front() = '_';
  if (!out.empty() && out.back() == ' ') out.back() = '_';
  return out;
}

/// The PatientID of a film that has no other than its id: up to 64 bytes of VR LO. Where that is not the id itself a
/// hash of the id tells it from those of other films that would be the same.
std::string patient_id_of(const std::string& image_id) {
  constexpr size_t kLongest = 64, kHash = 8;
  std::string id = without_forbidden(image_id);
  if (id == image_id && id.size() <= kLongest) return id;
  size_t cut = std::min(id.size(), kLongest - 1 - kHash);
  while (cut < id.size() && (static_cast<unsigned char>(id[cut]) & 0xC0) == 0x80)
    --cut;  // not in a character
  return id.substr(0, cut) + "-" + sha256(image_id).substr(0, kHash);
}

}  // namespace

bool is_origin(const DicomOrigin& o) {
  return is_uid(o.sop_class) && is_uid(o.sop_instance) && is_uid(o.study_instance) &&
         is_uid(o.series_instance) && of_list(o.patient, kPatient) && of_list(o.study, kStudy) &&
         of_list(o.image, kImage) && o.lossy_ratio.size() <= kLongestAttribute &&
         o.lossy_method.size() <= kLongestAttribute && o.key.size() <= 64 &&
         o.patient_id.size() <= 4 * kLongestAttribute;  // in UTF-8
}

DicomOrigin picture_origin(std::string_view bytes, const std::string& image_id, bool jpeg, size_t raw_bytes) {
  DicomOrigin origin;
  origin.key = sha256(bytes) + " " + image_id;
  const std::string id = patient_id_of(image_id);
  origin.patient_id = id;
  origin.patient = {{0x8, 0x5, "CS", "ISO_IR 192"}, {0x10, 0x20, "LO", id}};
  origin.study = {{0x8, 0x60, "CS", "OT"}};
  origin.lossy = jpeg;
  if (jpeg) {
    origin.lossy_method = "ISO_10918_1";
    origin.lossy_ratio = ratio(raw_bytes, bytes.size());
  }
  return origin;
}

#ifdef CAWE_HAVE_DCMTK
namespace {

std::string value_of(DcmDataset& d, unsigned group, unsigned number, const std::string& name) {
  return text_of(d, DcmTagKey(Uint16(group), Uint16(number)), name);
}

template <size_t N>
std::vector<DicomAttribute> kept(DcmDataset& d, const Kept (&list)[N], const std::string& name) {
  std::vector<DicomAttribute> out;
  for (const Kept& k : list) {
    const std::string value = value_of(d, k.group, k.number, name);
    if (!value.empty()) out.push_back({k.group, k.number, k.vr, value});
  }
  return out;
}

/// "" where it is not valid: such a file gets new UIDs.
std::string uid_of(DcmDataset& d, unsigned group, unsigned number, const std::string& name) {
  const std::string uid = value_of(d, group, number, name);
  return is_uid(uid) ? uid : "";
}

/// Bytes of the pixels, unpacked.
size_t raw_bytes(DcmDataset& d) {
  Uint16 rows = 0, columns = 0, samples = 1, bits = 8;
  d.findAndGetUint16(DCM_Rows, rows);
  d.findAndGetUint16(DCM_Columns, columns);
  d.findAndGetUint16(DCM_SamplesPerPixel, samples);
  d.findAndGetUint16(DCM_BitsAllocated, bits);
  return size_t(rows) * columns * samples * bits / 8;
}

void find_loss(DcmDataset& d, const std::string& syntax, size_t file_bytes, const std::string& name,
               DicomOrigin* origin) {
  // Transfer syntaxes with loss: JPEG baseline and extended, near-lossless JPEG-LS.
  const bool jpeg = syntax == "1.2.840.10008.1.2.4.50" || syntax == "1.2.840.10008.1.2.4.51";
  const bool near = syntax == "1.2.840.10008.1.2.4.81";
  origin->lossy = jpeg || near || value_of(d, 0x28, 0x2110, name) == "01";
  if (!origin->lossy) return;
  origin->lossy_ratio = value_of(d, 0x28, 0x2112, name);
  origin->lossy_method = value_of(d, 0x28, 0x2114, name);
  if (origin->lossy_method.empty() && (jpeg || near))
    origin->lossy_method = jpeg ? "ISO_10918_1" : "ISO_14495_1";
  if (origin->lossy_ratio.empty()) origin->lossy_ratio = jpeg || near ? ratio(raw_bytes(d), file_bytes) : "1";
}

}  // namespace

DicomOrigin origin_of(const DicomFile& file, std::string_view bytes, const std::string& name) {
  DcmDataset& d = file.dataset();
  DicomOrigin origin;
  origin.key = sha256(bytes);
  origin.sop_class = uid_of(d, 0x8, 0x16, name);
  origin.sop_instance = uid_of(d, 0x8, 0x18, name);
  origin.study_instance = uid_of(d, 0x20, 0xD, name);
  origin.series_instance = uid_of(d, 0x20, 0xE, name);
  origin.patient = kept(d, kPatient, name);
  origin.study = kept(d, kStudy, name);
  origin.image = kept(d, kImage, name);
  origin.patient_id = patient_id_of(d, name);
  find_loss(d, file.transfer_syntax(), bytes.size(), name, &origin);
  return origin;
}
#endif

}  // namespace cawe::data
