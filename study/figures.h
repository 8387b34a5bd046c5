// SPDX-License-Identifier: Apache-2.0
// The paper's four figures, made from a study's own films, maps and detections.
#pragma once

#include <vector>

#include "report/figures/figure.h"
#include "report/page/page.h"
#include "study/frame.h"
#include "study/study.h"

namespace cawe::study {

/// A test film as networks get it.
struct FittedFilm {
  data::FloatImage image;  ///< gray, [0, 1]
  Frame frame;
};
FittedFilm study_film(const StudyResult& study, size_t test_image);
/// The film of a test image after a method's enhancement.
data::FloatImage study_picture(const StudyResult& study, const std::string& method, size_t test_image);
/// The same as the colorizer of "color+cawe" makes it, before the map is fused.
data::FloatImage study_coloured(const StudyResult& study, size_t test_image);

/// Figures 1 (pipeline), 2 (attention), 3 (t-SNE) and 4 (FROC); without a classifier only the last; 3 needs four films whose
/// features can be compared. Films of 1 and 2 are drawn at random (streams "figure1.film" and "figure2.film" of boot.seed) from
/// those with a lesion; 1 has the best one, too, and 2 one with an active class where there is one.
std::vector<report::Figure> study_figures(const StudyResult& study,
                                          const std::vector<report::ReportRow>& rows);

}  // namespace cawe::study
