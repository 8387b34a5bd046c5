// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// Of each channel; of pictures with one, three times the first.
struct ChannelScale {
  float mean[3], stddev[3];
};

/// y[i] = (x[i] - mean) / stddev, channels interleaved: n numbers of y, i % 3 the channel. `gray`: x has one number for
/// three of y, x[i / 3]. y: f32, f16 or bf16. Both aligned to 16 bytes.
void normalise_films(Number y_number, const float* x, bool gray, const ChannelScale& by, int64_t n, void* y,
                     DeviceStream stream);

/// The same with each channel a plane of `cells` numbers (NCHW): three planes of y for an image. `gray`: x has one.
void normalise_planes(Number y_number, const float* x, bool gray, const ChannelScale& by, int64_t images,
                      int64_t cells, void* y, DeviceStream stream);

}  // namespace CAWE_DEVICE
