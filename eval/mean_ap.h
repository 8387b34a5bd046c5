// SPDX-License-Identifier: Apache-2.0
// Average precision of box detections: the twelve COCO figures (as pycocotools computes them) and Pascal
// VOC's AP.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "eval/bootstrap.h"
#include "eval/detections.h"

namespace cawe::eval {

/// COCO's summary. IoU .50:.05:.95, 101 recall points, at most 1, 10 or 100 detections for each image and
/// category; areas below 32 x 32, up to 96 x 96, above. Duplicates are false positives, crowd regions are
/// ignored. NaN where no true box of that size exists (pycocotools prints -1). Source: pycocotools
/// cocoeval.py.
struct CocoSummary {
  double ap = 0, ap50 = 0, ap75 = 0;
  double ap_small = 0, ap_medium = 0, ap_large = 0;
  double ar1 = 0, ar10 = 0, ar100 = 0;
  double ar_small = 0, ar_medium = 0, ar_large = 0;

  /// The twelve under the names AP, AP50, AP75, APsmall … ARlarge, in COCO's printing order.
  std::vector<std::pair<std::string, double>> named() const;
};

/// Images keep the given order, which decides ties of scores between images (in pycocotools the ids ascend).
/// Throws Error(data) on bad detections.
CocoSummary coco_summary(const std::vector<TruthImage>& truth, const std::vector<Detection>& detections);

/// COCO's AP at IoU 0.5 with all labels taken as one and weighted images, for intervals. Truth and detections
/// are matched once, so that bootstrap draws are cheap.
class Ap50 {
 public:
  Ap50(const std::vector<TruthImage>& truth, const std::vector<Detection>& detections);
  /// NaN where no lesion was drawn.
  double value(const std::vector<int32_t>& image_weights) const;
  double value() const;
  /// value() of the draws of a block, for a BlockStatistic: out[lane], the same bits. Safe from several threads.
  void values(const DrawBlock& block, double* out) const;

 private:
  struct Scored {
    int64_t image;
    bool hit;
  };
  std::vector<Scored> scored_;  ///< up to the last hit: no precision behind it counts
  std::vector<int64_t> lesions_, scored_of_image_;
};

/// Pascal VOC's AP (Everingham et al. 2010): a detection whose best true box has IoU >= threshold is a hit,
/// but only the first for that box; later ones are false positives.
struct PascalAp {
  double eleven_point = 0;  ///< mean over recall 0, .1 … 1 of the highest precision at that recall or above
  double every_point = 0;   ///< area under the precision envelope
};
/// AP over all boxes as one label; a detection that is no hit and lies in a crowd region is left out. NaN without true
/// boxes that are no crowds. `inclusive_pixels` adds VOC's +1 to widths and heights.
PascalAp pascal_ap(const std::vector<TruthImage>& truth, const std::vector<Detection>& detections,
                   double threshold, bool inclusive_pixels = true);

}  // namespace cawe::eval
