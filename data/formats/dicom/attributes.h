// SPDX-License-Identifier: Apache-2.0
// Values of a DICOM file's attributes, read strictly: what is no value of its kind is refused with its tag
// and text.
#pragma once

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>

#include <optional>
#include <string>
#include <vector>

namespace cawe::data {

/// "(0028,1053) RescaleSlope", for messages.
std::string tag_name(const DcmTagKey& tag);

/// The value as it is stored, several values with backslashes between them, without the padding at its end;
/// "" where it is absent or empty. Throws PictureError for a value of more than 1024 bytes: none that is read
/// has so many.
std::string text_of(DcmItem& item, const DcmTagKey& tag, const std::string& name);
/// The first of its values, without spaces around it.
std::string first_of(DcmItem& item, const DcmTagKey& tag, const std::string& name);
/// Its values one by one, without spaces around them; an empty one is "".
std::vector<std::string> values_of(DcmItem& item, const DcmTagKey& tag, const std::string& name);

/// A decimal string (PS3.5 6.2, DS): digits with an optional sign, point and exponent. A comma in place of
/// the point is read as one, since it can mean nothing else there. Throws PictureError for any other text
/// ("abc", "nan", "inf", "1,234.5") and for a number that is not finite.
double decimal(const std::string& text, const DcmTagKey& tag, const std::string& name);
/// The first value as a decimal; nothing where it is absent or empty.
std::optional<double> decimal_of(DcmItem& item, const DcmTagKey& tag, const std::string& name);

/// The first value as a whole number that is not negative, of any value representation that holds one; nothing where it
/// is absent or empty. Throws PictureError for what is none.
std::optional<int> whole_of(DcmItem& item, const DcmTagKey& tag, const std::string& name);

/// The first item of a sequence, null where the sequence is absent or empty. Where it came as unknown, because a gateway
/// did not know its tag, the item lasts as long as `item`. Throws PictureError for what is no sequence.
DcmItem* first_item(DcmItem& item, const DcmTagKey& tag, const std::string& name);

/// NumberOfFrames: 1 where it is absent, empty or 0. Throws PictureError for what is no whole number.
int frames_of(DcmItem& item, const std::string& name);

}  // namespace cawe::data
