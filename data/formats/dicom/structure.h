// SPDX-License-Identifier: Apache-2.0
// What a DICOM file declares, looked at before DCMTK sees it: its parser recurses, allocates and searches as
// the file tells it to.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cawe::data {

/// Most items that are accepted: DCMTK's parser recurses for each, with some 1.5 kB of stack.
constexpr size_t kMaxDicomItems = 2000;
/// Most elements that are accepted, in all items together. DCMTK sorts each into its item by a search from
/// the end: quadratic where they come in falling order, 3 s for so many. A film has some hundreds.
/// DicomStream counts them as they are read.
constexpr size_t kMaxDicomElements = 10000;
/// Most bytes of an attribute's value that is read: none has so many.
constexpr size_t kLongestAttribute = 1024;
/// Largest inflated size of a deflated DICOM that is accepted, in bytes.
constexpr size_t kMaxInflated = size_t(1) << 28;

/// Checks the kind of object by the file's meta group, the number of items (and so the depth of sequences)
/// and, for deflated data sets, the inflated size. In linear time. Throws PictureError.
void check_dicom_structure(std::string_view bytes, const std::string& name);

/// SOP class of a DICOMDIR.
constexpr std::string_view kDicomDirClass = "1.2.840.10008.1.3.10";
/// SOP class of a file's object by its meta group (0002,0002), which comes first: the first bytes of the file do. ""
/// where they do not say it.
std::string_view media_sop_class(std::string_view head);
/// Whether objects of this class have no film by their nature: DICOMDIR, Structured Reports, plans of radiotherapy, …
bool is_no_image(std::string_view sop_class);
/// Throws PictureError "not_an_image" for those of them that DCMTK has no better name for.
void refuse_no_image(std::string_view sop_class, const std::string& name);

}  // namespace cawe::data
