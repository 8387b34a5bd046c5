// SPDX-License-Identifier: Apache-2.0
// Does an attention map find the lesions? Measured without a detector, against three maps that contain no
// information about the film.
//
// Pointing game (Zhang et al. 2016, arXiv 1608.00507): is the map's maximum in a true box? Several equal
// maxima share the answer, so that a constant map scores the boxes' fraction of the area. Energy (Wang et al.
// 2020, arXiv 1910.01279): the fraction of the map's sum that is inside the boxes. Compared with a Gaussian
// at the image's centre, with maps of other images (shuffled), and with a uniform map (the boxes' fraction of
// the area).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/bootstrap.h"
#include "tensor/box.h"

namespace cawe::eval {

/// A non-negative map of rows x columns cells that spans its image, and the image's true boxes.
struct MapSample {
  std::string patient;
  std::string label;  ///< class, by which results are also given; may be empty
  int64_t rows = 0, columns = 0;
  std::vector<float> map;        ///< row by row
  double width = 0, height = 0;  ///< of the image in whose pixels the boxes are given
  std::vector<BoxD> boxes;       ///< at least one
};

/// Pointing game (0 to 1) and energy (0 to 1) of one map.
struct MapFigures {
  double pointing = 0, energy = 0;
};

/// Both figures of one map; a cell counts by the exact fraction of it that boxes cover. A map that sums to 0
/// is taken as uniform. Throws Error(data) on a map that is empty, negative or not finite, or without boxes.
MapFigures map_figures(const MapSample& sample);
/// The boxes' fraction of the image's area: both figures of a uniform map.
double box_area_share(const MapSample& sample);

/// Mean of the map inside a box, cells weighted by the fraction of them that it covers; NaN for a box outside
/// the image.
double mean_inside(const MapSample& sample, const BoxD& box);

enum class MapVerdict {
  informative,            ///< pointing better than shuffled maps and than the centre
  no_better_than_centre,  ///< better than shuffled maps, not than the centre
  uninformative           ///< not better than shuffled maps
};
/// The verdict as one sentence for the report.
std::string describe(MapVerdict verdict);

/// Figures of one class over all its images, with intervals by patient, beside those of the controls.
struct LocalisationRow {
  std::string label;  ///< "all" or a class
  int64_t images = 0, patients = 0;
  Interval pointing, energy;
  Interval pointing_centre, energy_centre, pointing_shuffled, energy_shuffled, area;
  Difference pointing_over_shuffled, pointing_over_centre, energy_over_shuffled, energy_over_centre;
  MapVerdict verdict = MapVerdict::uninformative;
};

/// First a row "all", then one for each class in alphabetical order (if there are several). The shuffled map
/// of an image is the mean over up to ten other patients' maps, taken at fixed distances in a seeded order.
std::vector<LocalisationRow> localisation(const std::vector<MapSample>& samples, int64_t draws = kDraws,
                                          uint64_t seed = 0);

}  // namespace cawe::eval
