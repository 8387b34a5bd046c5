// SPDX-License-Identifier: Apache-2.0
// Procedural colour pictures for the colorizer. The colour of a thing follows from its shape and texture, so
// that it can be told from the gray picture.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/float_image.h"

namespace cawe::data {

/// What may be in a scene, in the order of its labels: sun, clouds, water, sand, tree, house, orange, apple.
const std::vector<std::string>& scene_things();

/// One colour picture with its labels.
struct Scene {
  FloatImage image;           ///< RGB in [0, 1], steps of 1/255
  std::vector<float> labels;  ///< one for each thing, 1 where it is in the picture
};

/// A pure function of its arguments. size: 16 to 4096 px a side.
Scene make_scene(int size, uint64_t seed, int64_t image);

struct SceneOptions {
  std::string out;  ///< folder to make; if it exists, it must be empty
  int64_t images = 200;
  int size = 128;
  uint64_t seed = 0;
};

/// Writes images/sNNNNN.png and metadata.csv (image, one column a thing, width, height), all or nothing.
void write_scenes(const SceneOptions& options);

}  // namespace cawe::data
