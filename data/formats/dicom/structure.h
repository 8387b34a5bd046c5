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
/// Largest inflated size of a deflated DICOM that is accepted, in bytes.
constexpr size_t kMaxInflated = size_t(1) << 28;

/// Checks the kind of object by the file's meta group, the number of items (and so the depth of sequences)
/// and, for deflated data sets, the inflated size. In linear time. Throws PictureError.
void check_dicom_structure(std::string_view bytes, const std::string& name);

/// Throws PictureError "not_an_image" where the SOP class is that of a DICOMDIR, a Structured Report or
/// another object that has no picture by its nature, naming it.
void refuse_no_image(std::string_view sop_class, const std::string& name);

}  // namespace cawe::data
