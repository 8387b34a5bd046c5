// SPDX-License-Identifier: Apache-2.0
// The gray chain: from a frame's stored samples to what a viewer shows, by DICOM PS3.3, each step once and in
// this order. docs/adr/0013-the-gray-chain.md says what is read where the standard leaves it open or files
// break it.
//
//   1. stored value     C.7.6.3.1    BitsStored, HighBit, PixelRepresentation: the bits that count
//   2. modality value   C.11.1       Modality LUT Sequence, else RescaleSlope and RescaleIntercept
//   3. VOI              C.11.2       VOI LUT Sequence, else the first window, else the range of step 2
//   4. presentation     C.7.6.3.1.2  MONOCHROME1 is turned over
//
// In an enhanced object steps 2 and 3 are in functional groups (C.7.6.16.2.9 Pixel Value Transformation,
// C.7.6.16.2.10 Frame VOI LUT): per frame, else shared, else the data set's own attributes.
#pragma once

#include <string>

#include "data/float_image.h"
#include "data/formats/picture/picture.h"

class DcmDataset;

namespace cawe::data {

/// Gray of one frame in [0, 1]. Throws PictureError: bad_header where an attribute is no number or the chain leads to
/// none, unsupported_photometric.
FloatImage gray_image(DcmDataset& dataset, const Picture& picture, const std::string& name);

/// Three samples a pixel as gray: luma of YBR, 0.299 R + 0.587 G + 0.114 B of RGB (three equal ones are kept
/// exactly). Colour has neither modality nor VOI step in the standard (C.11.1, C.11.2 are for gray).
FloatImage colour_to_gray(DcmDataset& dataset, const Picture& picture, const std::string& name);

}  // namespace cawe::data
