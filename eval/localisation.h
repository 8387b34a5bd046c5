// SPDX-License-Identifier: Apache-2.0
// Does an attention map find the lesions? Asked before any detection, against three maps that know nothing.
//
// Pointing: does the map's maximum lie in a true box (several equal maxima share the answer, so that a
// constant map points with the boxes' share of the area). Energy: the share of the map's sum that lies inside
// the boxes. Compared with a Gaussian at the image's centre, with the maps of other images (shuffled), and
// with a uniform map (the boxes' share of the area).
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
  std::string label;  ///< class by which results are also given; may be empty
  int64_t rows = 0, columns = 0;
  std::vector<float> map;        ///< row by row
  double width = 0, height = 0;  ///< of the image the boxes are in
  std::vector<BoxD> boxes;       ///< at least one
};

struct MapFigures {
  double pointing = 0, energy = 0;
};

/// Both figures of one map, cells weighted by the exact share of them that boxes cover. A map without energy
/// is taken as uniform. Throws Error(data) on a map that is empty, negative or not finite, or without boxes.
MapFigures map_figures(const MapSample& sample);
/// The boxes' share of the image's area: what a uniform map gets for both figures.
double box_area_share(const MapSample& sample);

/// Mean of the map inside a box, cells weighted by the share of them that it covers; NaN for a box outside of
/// the image.
double mean_inside(const MapSample& sample, const BoxD& box);

enum class MapVerdict {
  informative,            ///< pointing better than shuffled and than the centre
  no_better_than_centre,  ///< better than shuffled, not than the centre
  uninformative           ///< not better than a shuffled map
};
/// One sentence for the report.
std::string describe(MapVerdict verdict);

struct LocalisationRow {
  std::string label;  ///< "all" or a class
  int64_t images = 0, patients = 0;
  Interval pointing, energy;
  Interval pointing_centre, energy_centre, pointing_shuffled, energy_shuffled, area;
  Difference pointing_over_shuffled, pointing_over_centre, energy_over_shuffled, energy_over_centre;
  MapVerdict verdict = MapVerdict::uninformative;
};

/// First row "all", then one a class in alphabetical order (where there is more than one). The shuffled map
/// of an image is the mean over up to ten other patients' maps, taken at fixed distances in a seeded order.
std::vector<LocalisationRow> localisation(const std::vector<MapSample>& samples, int64_t draws = 2000,
                                          uint64_t seed = 0);

}  // namespace cawe::eval
