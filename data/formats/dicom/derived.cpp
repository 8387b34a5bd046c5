// SPDX-License-Identifier: Apache-2.0
#include "data/formats/dicom/derived.h"

#include <map>
#include <utility>

#include "data/formats/dicom/elements.h"
#include "data/hash.h"
#include "data/leak.h"
#include "tensor/error.h"

namespace cawe::data {
namespace {

constexpr const char* kSecondaryCapture = "1.2.840.10008.5.1.4.1.1.7";

/// Elements sorted by tag, the order that the standard demands.
class Elements {
 public:
  void put(unsigned group, unsigned number, const std::string& vr, std::string value) {
    all_[{group, number}] = {vr, std::move(value)};
  }
  void put(const std::vector<DicomAttribute>& attributes) {
    for (const DicomAttribute& a : attributes) put(a.group, a.number, a.vr, a.value);
  }
  /// For attributes of type 2, which must be present but may be empty.
  void at_least_empty(unsigned group, unsigned number, const std::string& vr) {
    all_.emplace(std::make_pair(group, number), std::make_pair(vr, std::string()));
  }
  std::string bytes() const {
    std::string out;
    for (const auto& [tag, value] : all_)
      dicom_element(out, tag.first, tag.second, value.first, value.second);
    return out;
  }

 private:
  std::map<std::pair<unsigned, unsigned>, std::pair<std::string, std::string>> all_;
};

const DicomAttribute* find(const std::vector<DicomAttribute>& list, unsigned group, unsigned number) {
  for (const DicomAttribute& a : list)
    if (a.group == group && a.number == number) return &a;
  return nullptr;
}

void put_identity(const DicomOrigin& origin, Identity identity, Elements* e) {
  if (identity == Identity::keep) {
    e->put(origin.patient);
    e->put(origin.study);
  } else {
    e->put(0x10, 0x20, "LO", anonymous_id(origin.patient_id.empty() ? origin.key : origin.patient_id));
    const DicomAttribute* modality = find(origin.study, 0x8, 0x60);
    if (modality != nullptr) e->put({*modality});
  }
  if (find(origin.study, 0x8, 0x60) == nullptr) e->put(0x8, 0x60, "CS", "OT");
  for (const auto& [number, vr] :
       std::vector<std::pair<unsigned, const char*>>{{0x20, "DA"}, {0x30, "TM"}, {0x50, "SH"}, {0x90, "PN"}})
    e->at_least_empty(0x8, number, vr);
  for (const auto& [number, vr] :
       std::vector<std::pair<unsigned, const char*>>{{0x10, "PN"}, {0x20, "LO"}, {0x30, "DA"}, {0x40, "CS"}})
    e->at_least_empty(0x10, number, vr);
  e->at_least_empty(0x20, 0x10, "SH");
}

void put_uids(const DicomOrigin& origin, const DerivedImage& image, Identity identity,
              const std::string& pixels, Elements* e, std::string* instance) {
  const bool keep = identity == Identity::keep;
  const std::string study =
      origin.study_instance.empty() ? dicom_uid("study " + origin.key) : origin.study_instance;
  const std::string series = origin.series_instance.empty() ? study : origin.series_instance;
  e->put(0x20, 0xD, "UI", keep ? study : dicom_uid("anonymous " + study));
  const std::string who = keep ? "derived " : "derived anonymous ";
  e->put(0x20, 0xE, "UI", dicom_uid(who + series + " " + image.series + " " + image.description));
  *instance = dicom_uid(who + origin.key + " " + image.description + " " + sha256(pixels));
  e->put(0x8, 0x16, "UI", kSecondaryCapture);
  e->put(0x8, 0x18, "UI", *instance);
  if (origin.sop_class.empty() || origin.sop_instance.empty()) return;
  std::string source;
  dicom_element(source, 0x8, 0x1150, "UI", origin.sop_class);
  dicom_element(source, 0x8, 0x1155, "UI",
                keep ? origin.sop_instance : dicom_uid("anonymous " + origin.sop_instance));
  e->put(0x8, 0x2112, "SQ", dicom_item(source));
}

void put_pixels(const DerivedImage& image, std::string pixels, Elements* e) {
  e->put(0x28, 2, "US", dicom_us(unsigned(image.samples)));
  e->put(0x28, 4, "CS", image.samples == 3 ? "RGB" : "MONOCHROME2");
  if (image.samples == 3) e->put(0x28, 6, "US", dicom_us(0));
  e->put(0x28, 0x10, "US", dicom_us(unsigned(image.height)));
  e->put(0x28, 0x11, "US", dicom_us(unsigned(image.width)));
  e->put(0x28, 0x100, "US", dicom_us(unsigned(image.bits)));
  e->put(0x28, 0x101, "US", dicom_us(unsigned(image.bits)));
  e->put(0x28, 0x102, "US", dicom_us(unsigned(image.bits) - 1));
  e->put(0x28, 0x103, "US", dicom_us(0));
  if (image.samples == 1) {  // a window that maps 0 .. top to black .. white
    e->put(0x28, 0x1050, "DS", dicom_ds(double(1 << (image.bits - 1))));
    e->put(0x28, 0x1051, "DS", dicom_ds(double(1 << image.bits)));
  }
  e->put(0x7FE0, 0x10, image.bits > 8 ? "OW" : "OB", std::move(pixels));
}

}  // namespace

std::string derived_dicom(const DicomOrigin& origin, const DerivedImage& image, Identity identity) {
  CAWE_CHECK(
      (image.samples == 1 ? image.bits == 8 || image.bits == 16 : image.samples == 3 && image.bits == 8) &&
          image.width > 0 && image.height > 0 && image.width < 65536 && image.height < 65536 &&
          image.values.size() == size_t(image.width) * size_t(image.height) * size_t(image.samples),
      Code::internal, "derived_dicom: ", image.values.size(), " values of ", image.bits, " bits for ",
      image.width, " x ", image.height, " x ", image.samples);
  std::string pixels;
  pixels.reserve(image.values.size() * 2);
  for (const uint16_t v : image.values) {
    pixels += char(v & 0xFF);
    if (image.bits > 8) pixels += char(v >> 8);
  }
  Elements e;
  std::string instance;
  put_identity(origin, identity, &e);
  put_uids(origin, image, identity, pixels, &e, &instance);
  e.put(0x8, 0x8, "CS", "DERIVED\\SECONDARY");
  e.put(0x8, 0x64, "CS", "WSD");  // conversion type: made on a workstation
  e.put(0x8, 0x103E, "LO", image.series.substr(0, 64));
  e.put(0x8, 0x2111, "ST", image.description.substr(0, 1024));
  e.put(0x18, 0x1016, "LO", "cawe");
  e.put(origin.image);
  e.at_least_empty(0x20, 0x11, "IS");
  e.at_least_empty(0x20, 0x13, "IS");
  e.at_least_empty(0x20, 0x20, "CS");
  if (origin.lossy) {
    e.put(0x28, 0x2110, "CS", "01");
    e.put(0x28, 0x2112, "DS", origin.lossy_ratio);
    if (!origin.lossy_method.empty()) e.put(0x28, 0x2114, "CS", origin.lossy_method);
  }
  put_pixels(image, std::move(pixels), &e);
  return dicom_file(kSecondaryCapture, instance, e.bytes());
}

}  // namespace cawe::data
