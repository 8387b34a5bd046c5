// SPDX-License-Identifier: Apache-2.0
// From which classes a film's attention map comes, in words: the same in the viewer and in figure 2.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace cawe::report {

/// Why a map is of these classes.
enum class MapOf {
  active,    ///< each reaches the threshold
  fallback,  ///< none does, and these stand in: the likeliest, all, or none at all
  asked      ///< the settings name them, whatever is active
};

const char* name(MapOf kind);  ///< "active", "fallback", "asked"

/// The classes of a map, with their probabilities.
struct MapClasses {
  MapOf kind = MapOf::active;
  std::vector<std::pair<std::string, double>> classes;
};

/// "active classes: nodule 0.93, mass 0.61", "no class is active (fallback: the likeliest, consolidation 0.38)", "no class
/// is active (fallback: an empty map)", "classes asked for: nodule 0.12"; "" where there is no class and no fallback.
std::string describe(const MapClasses& of);

}  // namespace cawe::report
