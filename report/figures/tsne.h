// SPDX-License-Identifier: Apache-2.0
// Figure 3: t-SNE of normal and abnormal films before and after enhancement.
#pragma once

#include <string>
#include <vector>

#include "report/figures/figure.h"
#include "report/tsne.h"

namespace cawe::report {

/// Features of the films of one kind, images x dim, row by row.
struct FeatureSet {
  std::vector<std::string> images;
  std::vector<float> features;
};

/// The paper's choice: 100 films of each kind and their enhanced versions.
struct TsneExample {
  FeatureSet normal, abnormal;                    ///< drawn red and green
  FeatureSet enhanced_normal, enhanced_abnormal;  ///< purple and blue; may be empty
  int64_t dim = 0;
  std::string enhancement;  ///< "Color + CAWE"
  std::string chosen;       ///< which films these are: "films of the first fold …"; may be empty
  TsneOptions options;
};

/// Named "figure3"; the drawing states the KL divergence and the perplexity used, and how far the enhanced films have moved
/// (report/neighbours.h, of the features, not of the drawing). CSV: part,group,image,x,y,value with parts point, kl,
/// perplexity and iterations, and, where there are enhanced films, neighbours, same_share, same_by_chance, moved and
/// nearest. Throws Error(internal) where sizes do not match or enhanced films are others than the plain ones, and what
/// tsne() throws.
Figure figure_tsne(const TsneExample& example);

}  // namespace cawe::report
