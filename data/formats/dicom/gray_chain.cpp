// SPDX-License-Identifier: Apache-2.0
#include "data/formats/dicom/gray_chain.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <vector>

#include "data/formats/dicom/attributes.h"
#include "data/formats/dicom/lookup.h"
#include "tensor/text.h"

namespace cawe::data {
namespace {

/// Step 1: which bits of a sample are its value.
struct StoredBits {
  int bits = 8;        ///< BitsStored
  int shift = 0;       ///< unused bits below it: HighBit + 1 - BitsStored
  int lossy_bits = 0;  ///< Picture's
  bool is_signed = false;

  /// Number of stored values and the smallest of them.
  int count() const { return 1 << bits; }
  int low() const { return is_signed ? -(count() / 2) : 0; }
  int high() const { return low() + count() - 1; }
  /// Value of a sample; what lies in other bits (overlays, junk) is dropped, the sign extended. A lossy codec has no
  /// such bits: what lies beyond the stored values is its overshoot, and white would turn black.
  int value(int sample) const {
    if (lossy_bits > shift + bits) return std::clamp(extended(sample, lossy_bits) >> shift, low(), high());
    return extended((sample >> shift) & (count() - 1), bits);
  }
  /// The number that its lowest `width` bits say.
  int extended(int sample, int width) const {
    const int raw = sample & ((1 << width) - 1);
    return is_signed && (raw >> (width - 1)) != 0 ? raw - (1 << width) : raw;
  }
};

/// Refuses samples that plainly do not lie where HighBit says, but in the lowest bits: the film would be nearly
/// black.
void check_shift(const StoredBits& stored, const Picture& picture, const std::string& name) {
  const int below = (1 << stored.shift) - 1;
  bool all_low = true, any_below = false;
  for (size_t i = 0; i < picture.count() && all_low; ++i) {
    const int sample = picture.at(i);
    all_low = sample >= stored.low() && sample < stored.count();
    any_below = any_below || (sample & below) != 0;
  }
  if (all_low && any_below)
    refuse_picture("bad_header", name, ": DICOM attribute ", tag_name(DCM_HighBit), " is ",
                   stored.shift + stored.bits - 1, ", but all samples lie in the lowest ", stored.bits,
                   " bits, which are as many as ", tag_name(DCM_BitsStored), " says (expected ",
                   stored.bits - 1, ")");
}

StoredBits stored_bits(DcmDataset& dataset, const Picture& picture, const std::string& name) {
  StoredBits out;
  out.bits = picture.bits_stored;
  out.lossy_bits = picture.lossy_bits;
  out.is_signed = picture.is_signed;
  Uint16 high = 0;
  if (dataset.findAndGetUint16(DCM_HighBit, high).good() && high < picture.bits_allocated)
    out.shift = std::max(0, int(high) + 1 - out.bits);
  if (out.shift > 0) check_shift(out, picture, name);
  return out;
}

/// Item 0 of a functional group macro within item 0 of the frames' or the shared groups.
DcmItem* group_item(DcmDataset& dataset, const DcmTagKey& groups, const DcmTagKey& macro,
                    const std::string& name) {
  DcmItem* group = first_item(dataset, groups, name);
  return group == nullptr ? nullptr : first_item(*group, macro, name);
}

/// The item that says a step: the frame's, the shared one, the data set; each where it has one of the
/// attributes.
DcmItem& holder(DcmDataset& dataset, const DcmTagKey& macro, std::initializer_list<DcmTagKey> attributes,
                const std::string& name) {
  for (const DcmTagKey& groups : {DCM_PerFrameFunctionalGroupsSequence, DCM_SharedFunctionalGroupsSequence}) {
    DcmItem* item = group_item(dataset, groups, macro, name);
    if (item == nullptr) continue;
    for (const DcmTagKey& tag : attributes)
      if (item->tagExistsWithValue(tag)) return *item;
  }
  return dataset;
}

/// Step 2.
struct Modality {
  std::optional<Lookup> lookup;
  double slope = 1, intercept = 0;
  double low = 0, high = 0;  ///< ends of its output

  double at(double stored) const { return lookup ? lookup->at(stored) : stored * slope + intercept; }
};

Modality modality_of(DcmDataset& dataset, const StoredBits& stored, const std::string& name) {
  DcmItem& item = holder(dataset, DCM_PixelValueTransformationSequence,
                         {DCM_ModalityLUTSequence, DCM_RescaleSlope, DCM_RescaleIntercept}, name);
  const double first = stored.low(), last = first + stored.count() - 1;
  Modality m;
  m.lookup = read_lookup(item, DCM_ModalityLUTSequence, first, last, name);
  if (m.lookup) {
    m.high = m.lookup->top();
    return m;
  }
  m.slope = decimal_of(item, DCM_RescaleSlope, name).value_or(1);
  m.intercept = decimal_of(item, DCM_RescaleIntercept, name).value_or(0);
  if (m.slope == 0)
    refuse_picture("bad_header", name, ": DICOM attribute ", tag_name(DCM_RescaleSlope),
                   " is 0: every pixel would be the same");
  m.low = std::min(m.at(first), m.at(last));
  m.high = std::max(m.at(first), m.at(last));
  if (!std::isfinite(m.low) || !std::isfinite(m.high))
    refuse_picture("bad_header", name, ": DICOM's rescale by ", m.slope, " and ", m.intercept,
                   " gives no finite values");
  return m;
}

struct Window {
  double center = 0, width = 0;
};

/// The first window that says something: pairs of which a half is empty and "0, 0", which vendors write for
/// none, are passed over.
std::optional<Window> first_window(DcmItem& item, const std::string& name) {
  const std::vector<std::string> centers = values_of(item, DCM_WindowCenter, name),
                                 widths = values_of(item, DCM_WindowWidth, name);
  for (size_t i = 0; i < std::min(centers.size(), widths.size()); ++i) {
    if (centers[i].empty() || widths[i].empty()) continue;
    const Window w{decimal(centers[i], DCM_WindowCenter, name), decimal(widths[i], DCM_WindowWidth, name)};
    if (w.center != 0 || w.width != 0) return w;
  }
  return std::nullopt;
}

enum class Shape { linear, linear_exact, sigmoid };

Shape shape_of(DcmItem& item, const std::string& name) {
  const std::string text = first_of(item, DCM_VOILUTFunction, name);
  if (text.empty() || text == "LINEAR") return Shape::linear;
  if (text == "LINEAR_EXACT") return Shape::linear_exact;
  if (text == "SIGMOID") return Shape::sigmoid;
  refuse_picture("bad_header", name, ": DICOM attribute ", tag_name(DCM_VOILUTFunction), " is \"",
                 printable(text, 80), "\" (expected LINEAR, LINEAR_EXACT or SIGMOID)");
}

/// The window's formulas, C.11.2.1.2.1 and C.11.2.1.3, with an output range of 0 to 1.
double windowed(double x, const Window& window, Shape shape) {
  const double c = window.center, w = window.width;
  if (shape == Shape::sigmoid) return 1 / (1 + std::exp(-4 * (x - c) / w));
  if (shape == Shape::linear_exact) return (x - c) / w + 0.5;
  if (x <= c - 0.5 - (w - 1) / 2) return 0;
  if (x > c - 0.5 + (w - 1) / 2) return 1;
  return (x - (c - 0.5)) / (w - 1) + 0.5;
}

/// Step 3.
struct Voi {
  std::optional<Lookup> lookup;
  std::optional<Window> window;  ///< by neither: the whole range
  Shape shape = Shape::linear;
};

Voi voi_of(DcmDataset& dataset, const Modality& modality, const std::string& name) {
  DcmItem& item =
      holder(dataset, DCM_FrameVOILUTSequence, {DCM_VOILUTSequence, DCM_WindowCenter, DCM_WindowWidth}, name);
  Voi voi;
  voi.lookup = read_lookup(item, DCM_VOILUTSequence, modality.low, modality.high, name);
  if (voi.lookup) return voi;
  voi.window = first_window(item, name);
  if (!voi.window) return voi;
  voi.shape = shape_of(item, name);
  const double width = voi.window->width;
  if (voi.shape == Shape::linear ? width < 1 : width <= 0)
    refuse_picture("bad_header", name, ": DICOM attribute ", tag_name(DCM_WindowWidth), " is ", width,
                   voi.shape == Shape::linear ? " (expected at least 1)" : " (expected more than 0)");
  return voi;
}

/// Steps 2 and 3 of a stored value; the result may lie outside [0, 1].
double shown(const StoredBits& stored, int value, const Modality& modality, const Voi& voi) {
  const double x = modality.at(double(value));
  if (voi.lookup) return voi.lookup->at(x) / voi.lookup->top();
  if (voi.window) return windowed(x, *voi.window, voi.shape);
  if (modality.lookup) return x / modality.high;
  // The whole range of a straight line: slope and intercept cancel, and with them their rounding.
  const double share = double(value - stored.low()) / double(stored.count() - 1);
  return modality.slope > 0 ? share : 1 - share;
}

/// Every stored value's gray: [low, low + count).
std::vector<float> gray_table(DcmDataset& dataset, const StoredBits& stored, const std::string& photometric,
                              const std::string& name) {
  const bool inverted = photometric == "MONOCHROME1";
  if (!inverted && photometric != "MONOCHROME2")
    refuse_picture("unsupported_photometric", name, ": DICOM's photometric interpretation is \"",
                   printable(photometric, 80),
                   "\" with 1 sample a pixel (expected MONOCHROME1 or MONOCHROME2; RGB and YBR have 3)");
  const Modality modality = modality_of(dataset, stored, name);
  const Voi voi = voi_of(dataset, modality, name);
  std::vector<float> table(size_t(stored.count()));
  for (int i = 0; i < stored.count(); ++i) {
    const double v = shown(stored, stored.low() + i, modality, voi);
    if (!std::isfinite(v))
      refuse_picture("bad_header", name,
                     ": DICOM's rescale and window give no finite gray for the stored value ",
                     stored.low() + i);
    const double clipped = std::clamp(v, 0.0, 1.0);
    table[size_t(i)] = float(inverted ? 1 - clipped : clipped);
  }
  return table;
}

}  // namespace

FloatImage gray_image(DcmDataset& dataset, const Picture& picture, const std::string& name) {
  const StoredBits stored = stored_bits(dataset, picture, name);
  const std::vector<float> table = gray_table(dataset, stored, picture.photometric, name);
  FloatImage out(picture.columns, picture.rows, 1);
  for (size_t i = 0; i < out.pixels.size(); ++i)
    out.pixels[i] = table[size_t(stored.value(picture.at(i)) - stored.low())];
  return out;
}

FloatImage colour_to_gray(DcmDataset& dataset, const Picture& picture, const std::string& name) {
  const std::string& kind = picture.photometric;
  const bool partial = kind == "YBR_PARTIAL_422",
             luma = partial || kind == "YBR_FULL" || kind == "YBR_FULL_422";
  if (!luma && kind != "RGB")
    refuse_picture("unsupported_photometric", name, ": DICOM's photometric interpretation is \"",
                   printable(kind, 80), "\" with 3 samples a pixel (expected RGB or YBR)");
  if (picture.is_signed) refuse_picture("bad_header", name, ": DICOM has colours with a sign");
  const StoredBits stored = stored_bits(dataset, picture, name);
  const float top = float(stored.count() - 1);
  // Studio range (C.7.6.3.1.2): black is 16 of 255 and white 235.
  const float black = partial ? 16.0f / 255.0f : 0.0f, range = partial ? 219.0f / 255.0f : 1.0f;
  FloatImage out(picture.columns, picture.rows, 1);
  for (size_t i = 0; i < out.pixels.size(); ++i) {
    const auto v = [&](size_t c) { return float(stored.value(picture.at(i * 3 + c))) / top; };
    const bool gray = luma || (v(0) == v(1) && v(0) == v(2));
    const float shade = gray ? v(0) : 0.299f * v(0) + 0.587f * v(1) + 0.114f * v(2);
    out.pixels[i] = std::clamp((shade - black) / range, 0.0f, 1.0f);
  }
  return out;
}

}  // namespace cawe::data
