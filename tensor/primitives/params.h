// SPDX-License-Identifier: Apache-2.0
// Parameters that primitives take as one value. Apart from the lists, so that who keeps parameters is not rebuilt
// where a list changes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace cawe {

/// Mean and standard deviation of the channels of a picture in [0, 1]; of one channel, the first.
struct NormaliseParams {
  std::array<float, 3> mean{0, 0, 0}, stddev{1, 1, 1};
};

/// Parameters of a two-dimensional convolution, the same along both axes, in cells.
struct Conv2dParams {
  int64_t stride = 1;
  int64_t padding = 0;
  int64_t dilation = 1;
  int64_t groups = 1;
};

/// Windows of pooling, the same along both axes, in cells.
struct Pool2dParams {
  int64_t kernel = 2;
  int64_t stride = 2;
  int64_t padding = 0;
};

/// Weights of the four offsets (dx, dy, dw, dh) of a box, as in Girshick et al. 2014 (arXiv 1311.2524): an
/// offset is multiplied by its weight when coded and divided by it when decoded. 1 for RPN and RetinaNet,
/// (10, 10, 5, 5) for the box head.
struct BoxCoding {
  double wx = 1, wy = 1, ww = 1, wh = 1;
};

/// How anchors are matched to true boxes by their IoU: foreground from `high` on, background below `low`,
/// else left out of the loss. With `low_quality` every true box also gets the anchors that overlap it most,
/// however little that is (Ren et al. 2015, arXiv 1506.01497).
struct MatchParams {
  double high = 0.5, low = 0.4;
  bool low_quality = true;
  /// Of the image, pixels. An anchor that reaches over its edge is left out, and is no box's best one. 0: none is.
  double width = 0, height = 0;
};

/// What becomes a candidate of detection, and of which class it is.
struct CandidateParams {
  BoxCoding coding;
  double width = 0, height = 0;  ///< of the image to which boxes are clipped, pixels
  double threshold = 0;          ///< only scores above it
  double smallest = 0;           ///< only boxes at least so wide and high, pixels
  /// Cuts the anchors into parts of these sizes, such as the levels of a pyramid; the class is then the part.
  /// Empty: the class is the score's place in its row.
  std::vector<int64_t> parts;
};

/// How many anchors of an image are drawn for a loss: at most `foreground` of the matched ones, then from the
/// background up to `count` in all. `purpose` names the stream of random numbers.
struct SampleParams {
  int64_t count = 256, foreground = 128;
  std::string purpose;
};

/// RoIAlign (He et al. 2017, arXiv 1703.06870): a region is cut into pooled x pooled bins, each the mean of
/// sampling_ratio^2 bilinear samples (0: as many per axis as the bin has cells, rounded up). aligned: cell
/// centres lie at half-integer coordinates and regions may be smaller than a cell (detectron2's rule);
/// otherwise a region is at least one cell wide and nothing is shifted by half a cell (torchvision's
/// default).
struct RoiAlignParams {
  int64_t pooled = 7;
  int64_t sampling_ratio = 2;
  bool aligned = false;
  std::vector<double> scales;  ///< of each level: its size / the image's size
};

/// One step of SGD in PyTorch's form. `first`: the velocity starts as the gradient.
struct SgdParams {
  double lr = 0.01, momentum = 0.9, weight_decay = 0;
  bool first = false;
};

/// One step of Adam (Kingma & Ba 2015, arXiv 1412.6980), or of AdamW (Loshchilov & Hutter 2019, arXiv
/// 1711.05101) where `decoupled`; `step` counts from 1.
struct AdamParams {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  bool decoupled = false;
  int64_t step = 1;
};

}  // namespace cawe
