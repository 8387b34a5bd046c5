// SPDX-License-Identifier: Apache-2.0
// The film as a viewer shows it (gray_chain.h), and its few tags.
#include "data/formats/dicom/film.h"
#include "data/formats/dicom/file.h"
#include "data/subject.h"

#ifdef CAWE_HAVE_DCMTK
#include "data/formats/dicom/attributes.h"
#include "data/formats/dicom/characters.h"
#include "data/formats/dicom/gray_chain.h"
#endif

namespace cawe::data {

#ifndef CAWE_HAVE_DCMTK
Film parse_film(std::string_view, const std::string& name, const ReadOptions&) {
  fail(Code::unsupported, name, ": this build cannot read DICOM (install libdcmtk-dev and build again)");
}
#else
namespace {

DicomTags tags_of(DcmDataset& d, const std::string& name) {
  const auto plain = [&](const DcmTagKey& tag) { return utf8_of(first_of(d, tag, name), ""); };
  DicomTags tags;
  tags.patient_id = patient_id_of(d, name);
  tags.study_instance = plain(DCM_StudyInstanceUID);
  tags.sop_instance = plain(DCM_SOPInstanceUID);
  tags.sex = parse_sex(plain(DCM_PatientSex));
  tags.age = parse_age(plain(DCM_PatientAge));
  tags.view = parse_view(plain(DCM_ViewPosition));
  Uint16 bits = 0;
  if (d.findAndGetUint16(DCM_BitsStored, bits).good()) tags.bits = bits;
  tags.burned_in = first_of(d, DCM_BurnedInAnnotation, name) == "YES";
  return tags;
}

}  // namespace

Film parse_film(std::string_view bytes, const std::string& name, const ReadOptions& options) {
  const DicomFile file(bytes, name, DicomFile::Frames::one, options);
  const Picture p = file.picture();
  DcmDataset& d = file.dataset();
  Film film;
  film.tags = tags_of(d, name);
  film.damage = p.damage;
  if (options.origin) film.origin = origin_of(file, bytes, name);
  film.image = p.samples == 3 ? colour_to_gray(d, p, name) : gray_image(d, p, name);
  return film;
}
#endif

}  // namespace cawe::data
