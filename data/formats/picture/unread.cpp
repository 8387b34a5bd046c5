// SPDX-License-Identifier: Apache-2.0
// Files that are not read, known by their first bytes, so that a message can say what they are and what to do.
#include "data/formats/picture/picture.h"

namespace cawe::data {
namespace {

using namespace std::string_view_literals;

struct Known {
  size_t at;
  std::string_view bytes;
  const char* what;
};

constexpr const char* kConvert =
    ", which is not read (expected DICOM, PNG, JPEG, BMP or PNM). Convert it to PNG";

/// The first that fits counts. The fields of `ftyp` files begin at byte 4.
constexpr Known kKnown[] = {
    {0, "\0\5\26\7"sv,
     "a macOS resource fork (AppleDouble), no picture: the picture is the file whose name lacks the \"._\". "
     "Delete the "
     "\"._\" files"},
    {0, "\0\5\26\0"sv, "a macOS AppleSingle file, no picture. Unpack it on a Mac"},
    {0, "GIF8"sv, "a GIF picture"},
    {0, "II*\0"sv, "a TIFF picture"},
    {0, "MM\0*"sv, "a TIFF picture"},
    {0, "II+\0"sv, "a BigTIFF picture"},
    {0, "MM\0+"sv, "a BigTIFF picture"},
    {8, "WEBP"sv, "a WebP picture"},
    {0, "\0\0\0\14jP  "sv, "a JPEG 2000 picture"},
    {0, "\xFF\x4F\xFF\x51"sv, "a JPEG 2000 picture"},
    {0, "\0\0\0\14JXL "sv, "a JPEG XL picture"},
    {0, "\xFF\x0A"sv, "a JPEG XL picture"},
    {0, "II\xBC\1"sv, "a JPEG XR picture"},
    {4, "ftypavif"sv, "an AVIF picture"},
    {4, "ftypheic"sv, "a HEIC picture"},
    {4, "ftypheix"sv, "a HEIC picture"},
    {4, "ftypmif1"sv, "a HEIF picture"},
    {4, "ftypmsf1"sv, "a HEIF picture"},
    {4, "ftyp"sv, "a film of moving pictures"},
    {0, "P7\n"sv, "a PAM picture (P7)"},
    {0, "PF\n"sv, "a PFM picture of floating-point numbers (PF)"},
    {0, "Pf\n"sv, "a PFM picture of floating-point numbers (Pf)"},
    {0, "8BPS"sv, "a Photoshop picture"},
    {0, "\0\0\1\0"sv, "an icon"},
    {0, "%PDF"sv, "a PDF document"},
    {0, "%!PS"sv, "a PostScript document"},
    {344, "n+1\0"sv, "a NIfTI volume"},
    {344, "ni1\0"sv, "a NIfTI volume"},
    {0, "NRRD0"sv, "an NRRD volume"},
    {0, "\x89HDF"sv, "an HDF5 file"},
    {0, "PK\3\4"sv, "a ZIP archive. Unpack it"},
    {0, "\x1F\x8B"sv, "a gzip file. Unpack it"},
    {0, "7z\xBC\xAF"sv, "a 7z archive. Unpack it"},
    {0, "version https://git-lfs"sv, "a Git LFS pointer instead of the file. Run `git lfs pull`"},
    {0, "<!DOCTYPE"sv, "a web page. Was the download refused?"},
    {0, "<!doctype"sv, "a web page. Was the download refused?"},
    {0, "<html"sv, "a web page. Was the download refused?"},
    {0, "<svg"sv, "an SVG drawing"},
    {0, "<?xml"sv, "an XML text"},
};

}  // namespace

std::string unread_format(std::string_view bytes) {
  for (const Known& known : kKnown) {
    if (bytes.size() < known.at || bytes.substr(known.at, known.bytes.size()) != known.bytes) continue;
    const std::string what = known.what;
    return what.find(". ") == what.npos ? what + kConvert : what;
  }
  return "";
}

}  // namespace cawe::data
