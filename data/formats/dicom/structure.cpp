// SPDX-License-Identifier: Apache-2.0
#include "data/formats/dicom/structure.h"

#include <zlib.h>

#include <algorithm>
#include <cstdint>

#include "data/formats/picture/bytes.h"
#include "data/formats/picture/picture.h"

namespace cawe::data {
namespace {

/// Number of item tags, little- and big-endian: an upper bound of the nesting.
size_t item_tags(std::string_view bytes) {
  using namespace std::string_view_literals;
  return std::max(occurrences(bytes, "\xFE\xFF\x00\xE0"sv), occurrences(bytes, "\xFF\xFE\xE0\x00"sv));
}

void check_items(size_t items, const std::string& name) {
  if (items > kMaxDicomItems)
    refuse_picture("bad_header", name, ": DICOM with more than ", kMaxDicomItems,
                   " sequence items or fragments, which may lie in one another");
}

struct NoImage {
  std::string_view uid;  ///< whole, or the beginning of several
  const char* what;      ///< null: DCMTK names them, where such a file is read
};
/// Classes whose objects are no films (PS3.4 annex B.5; DICOMDIR: PS3.10); the first that fits counts. What is not in
/// this list is read, and rejected where it has no pixels.
constexpr NoImage kNoImages[] = {
    {kDicomDirClass, "a DICOMDIR, an index of other files: has no picture (give the files themselves)"},
    {"1.2.840.10008.5.1.4.1.1.88.59", "a Key Object Selection, a list of other images: has no picture"},
    {"1.2.840.10008.5.1.4.1.1.88", "a Structured Report: has no picture"},
    {"1.2.840.10008.5.1.4.1.1.11", "a Presentation State, how to show other images: has no picture"},
    {"1.2.840.10008.5.1.4.1.1.104", "an encapsulated document (PDF, CDA or a model): has no picture"},
    {"1.2.840.10008.5.1.4.1.1.9", "a waveform (ECG, sound): has no picture"},
    {"1.2.840.10008.5.1.4.1.1.66", nullptr},   // raw data, registrations, segmentations
    {"1.2.840.10008.5.1.4.1.1.67", nullptr},   // real-world values
    {"1.2.840.10008.5.1.4.1.1.68", nullptr},   // surfaces
    {"1.2.840.10008.5.1.4.1.1.200", nullptr},  // protocols
    {"1.2.840.10008.5.1.4.1.1.481", nullptr},  // radiotherapy
};

/// Whether `uid` is `root` or below it.
bool is_of(std::string_view uid, std::string_view root) {
  return uid.substr(0, root.size()) == root && (uid.size() == root.size() || uid[root.size()] == '.');
}

const NoImage* no_image(std::string_view sop_class) {
  for (const NoImage& kind : kNoImages)
    if (is_of(sop_class, kind.uid)) return &kind;
  return nullptr;
}

/// Where the data set begins: after the elements of group 2, which are explicit little-endian. npos where
/// these are malformed. `sop_class` gets their SOP class, without padding.
size_t dataset_begin(std::string_view bytes, std::string_view* sop_class) {
  size_t at = 132;
  if (bytes.size() < at) return bytes.npos;
  while (bytes.size() - at >= 8 && little_16(bytes, at) == 2) {
    const unsigned number = little_16(bytes, at + 2);
    const std::string_view vr = bytes.substr(at + 4, 2);
    const bool wide = vr == "OB" || vr == "OW" || vr == "UN" || vr == "UT" || vr == "SQ";
    if (wide && bytes.size() - at < 12) return bytes.npos;
    const size_t length = wide ? little_32(bytes, at + 8) : little_16(bytes, at + 6);
    at += wide ? 12 : 8;
    if (length > bytes.size() - at) return bytes.npos;
    if (number == 2) {
      *sop_class = bytes.substr(at, length);
      while (!sop_class->empty() && (sop_class->back() == '\0' || sop_class->back() == ' '))
        sop_class->remove_suffix(1);
    }
    at += length;
  }
  return at;
}

/// Inflates piece by piece and keeps nothing. Damaged data are counted up to the fault; DCMTK reports that.
void check_deflated(std::string_view packed, const std::string& name) {
  z_stream z{};
  CAWE_CHECK(inflateInit2(&z, -MAX_WBITS) == Z_OK, Code::internal, "zlib cannot start");
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  z.avail_in = uInt(std::min<size_t>(packed.size(), size_t(1) << 30));
  constexpr size_t kKept = 3;  // a tag may extend over two pieces
  std::string piece(kKept + (1 << 16), '\0');
  size_t total = 0, items = 0;
  int status = Z_OK;
  while (status == Z_OK && total <= kMaxInflated && items <= kMaxDicomItems) {
    z.next_out = reinterpret_cast<Bytef*>(piece.data() + kKept);
    z.avail_out = uInt(piece.size() - kKept);
    status = inflate(&z, Z_NO_FLUSH);
    const size_t made = piece.size() - kKept - z.avail_out;
    items += item_tags(std::string_view(piece).substr(0, kKept + made));
    piece.replace(0, kKept, piece.substr(made, kKept));
    total += made;
  }
  inflateEnd(&z);
  check_items(items, name);
  if (total > kMaxInflated)
    refuse_picture("bad_size", name, ": deflated DICOM unfolds to more than ", kMaxInflated, " bytes");
}

}  // namespace

std::string_view media_sop_class(std::string_view head) {
  std::string_view sop_class;
  dataset_begin(head, &sop_class);
  return sop_class;
}

bool is_no_image(std::string_view sop_class) {
  if (is_of(sop_class, "1.2.840.10008.5.1.4.1.1.481"))  // radiotherapy: RT Image, RT Dose, Enhanced RT Images
    for (const char* pixels : {"1", "2", "23", "24"})
      if (sop_class.substr(sop_class.rfind('.') + 1) == pixels) return false;
  return no_image(sop_class) != nullptr;
}

void refuse_no_image(std::string_view sop_class, const std::string& name) {
  const NoImage* kind = no_image(sop_class);
  if (kind != nullptr && kind->what != nullptr) refuse_picture("not_an_image", name, ": is ", kind->what);
}

void check_dicom_structure(std::string_view bytes, const std::string& name) {
  std::string_view sop_class;
  const size_t begin = dataset_begin(bytes, &sop_class);
  refuse_no_image(sop_class, name);
  check_items(item_tags(bytes), name);
  const std::string_view head = bytes.substr(0, 65536);
  if (head.find("1.2.840.10008.1.2.4.95") != head.npos)
    refuse_picture("unsupported_transfer_syntax", name,
                   ": DICOM whose pixels lie on a JPIP server is not read");
  if (head.find("1.2.840.10008.1.2.1.99") == head.npos) return;
  if (begin == bytes.npos) refuse_picture("truncated_header", name, ": deflated DICOM with a damaged header");
  check_deflated(bytes.substr(begin), name);
}

}  // namespace cawe::data
