// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cuda/kernels/segments.h"
#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// Greedy non-maximum suppression, each segment by itself: kept[s, most] gets the positions (in boxes) of
/// the first `most` boxes kept, best first, then -1. A box is suppressed where its overlap with a
/// kept box of its class is above the threshold. boxes [.., 4], scores [..], classes [..] or nullptr (all of
/// one class), 16-byte aligned; f32 and f64. Ties by lower position; a NaN score comes last. Nothing is
/// copied to the host. `scratch`: nms_scratch() bytes, 256-byte aligned.
size_t nms_scratch(Number number, const Segments& segments);
void nms(Number number, const void* boxes, const void* scores, const int64_t* classes,
         const Segments& segments, double threshold, int64_t most, int64_t* kept, void* scratch,
         DeviceStream stream);

// --- its two halves, for boxes in descending order of their scores, segment s from box s * longest on
/// Words of the mask for one segment of n boxes.
int64_t nms_mask_words(int64_t n);
/// mask: for each column of 64 boxes, one word for each box before its end: bit j of word i of column d is 1
/// where box i suppresses box 64 d + j. [segments, nms_mask_words(longest)].
void nms_mask(Number number, const void* boxes, const int64_t* classes, const Segments& segments,
              double threshold, unsigned long long* mask, DeviceStream stream);
/// From the mask to what is kept, kept[s, most]; kept_rows [segments, longest] is scratch. order [segments, longest]
/// says where each box came from.
void nms_reduce(const unsigned long long* mask, const int64_t* order, const Segments& segments, int64_t most,
                uint32_t* kept_rows, int64_t* kept, DeviceStream stream);

}  // namespace CAWE_DEVICE
