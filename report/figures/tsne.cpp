// SPDX-License-Identifier: Apache-2.0
// The t-SNE of four sets of films as one drawing.
#include "report/figures/tsne.h"

#include "report/charts/chart.h"
#include "report/charts/svg.h"
#include "report/figures/draw.h"
#include "tensor/error.h"
#include "tensor/io/format.h"

namespace cawe::report {

Figure figure_tsne(const TsneExample& e) {
  const struct {
    std::string name, colour;
    const FeatureSet* set;
  } kinds[] = {{"normal", "#d64545", &e.normal},
               {"abnormal", "#3a9a50", &e.abnormal},
               {"normal, enhanced", "#8e4ec6", &e.enhanced_normal},
               {"abnormal, enhanced", "#2f7fe0", &e.enhanced_abnormal}};
  std::vector<float> features;
  int64_t n = 0;
  for (const auto& kind : kinds) {
    CAWE_CHECK(int64_t(kind.set->features.size()) == int64_t(kind.set->images.size()) * e.dim, Code::internal,
               "figure 3: ", kind.set->features.size(), " features for ", kind.set->images.size(),
               " films of ", e.dim, " (", kind.name, ")");
    features.insert(features.end(), kind.set->features.begin(), kind.set->features.end());
    n += int64_t(kind.set->images.size());
  }
  const TsneResult result = tsne(features, n, e.dim, e.options);
  Figure figure;
  figure.name = "figure3";
  figure.title = "Figure 3: features before and after";
  figure.csv = csv_line({"part", "group", "image", "x", "y", "value"});
  std::vector<ScatterGroup> groups;
  size_t at = 0;
  for (const auto& kind : kinds) {
    if (kind.set->images.empty()) continue;
    groups.push_back({kind.name + " (" + std::to_string(kind.set->images.size()) + ")", kind.colour, {}});
    for (const std::string& image : kind.set->images) {
      groups.back().points.emplace_back(result.points[2 * at], result.points[2 * at + 1]);
      figure.csv += csv_line({"point", kind.name, image, csv_number(result.points[2 * at]),
                              csv_number(result.points[2 * at + 1]), ""});
      ++at;
    }
  }
  const auto quantity = [&](const char* part, const std::string& value) {
    figure.csv += csv_line({part, "", "", "", "", value});
  };
  quantity("kl", csv_number(result.kl));
  quantity("perplexity", csv_number(result.perplexity));
  quantity("iterations", std::to_string(e.options.iterations));
  const std::string kl = svg::number(result.kl, 3);
  figure.caption = "t-SNE of the classifier's pooled features" +
                   (e.enhancement.empty() ? std::string() : ", enhancement " + e.enhancement) +
                   ". KL divergence at the end " + kl +
                   ". Only who is near whom says something; distances "
                   "between groups, their sizes and the axes do not.";
  figure.svg = scatter_svg({figure.title, figure.caption}, groups,
                           {"KL divergence " + kl,
                            "perplexity " + svg::number(result.perplexity, result.lowered ? 1 : 0) +
                                (result.lowered ? ", lowered: few films" : ""),
                            std::to_string(e.options.iterations) + " iterations"});
  return figure;
}

}  // namespace cawe::report
