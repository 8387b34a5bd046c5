// SPDX-License-Identifier: Apache-2.0
// The t-SNE of four sets of films as one drawing.
#include "report/figures/tsne.h"

#include "report/charts/chart.h"
#include "report/charts/svg.h"
#include "report/figures/draw.h"
#include "report/neighbours.h"
#include "tensor/error.h"
#include "tensor/io/format.h"

namespace cawe::report {
namespace {

struct Moved {
  NeighbourMix mix;
  std::string sentence;
  std::vector<std::string> notes;
};

Moved moved_films(const TsneExample& e) {
  std::vector<float> plain, enhanced;
  for (const auto& [from, to] :
       {std::pair<const FeatureSet*, const FeatureSet*>{&e.normal, &e.enhanced_normal},
        {&e.abnormal, &e.enhanced_abnormal}}) {
    CAWE_CHECK(from->images == to->images, Code::internal,
               "figure 3: enhanced films are others than the plain ones");
    plain.insert(plain.end(), from->features.begin(), from->features.end());
    enhanced.insert(enhanced.end(), to->features.begin(), to->features.end());
  }
  Moved out;
  out.mix = neighbour_mix(plain, enhanced, e.dim);
  const std::string k = std::to_string(out.mix.k), share = svg::number(100 * out.mix.same_share, 0) + " %",
                    chance = svg::number(100 * out.mix.by_chance, 0) + " %",
                    far = svg::number(out.mix.moved_relative(), 2);
  out.sentence = "of the " + k + " films nearest to a film, " + share +
                 " are of its kind (plain or enhanced; " + chance +
                 " where these are mixed), and a film lies " + far +
                 " times as far from its enhanced version as from the nearest other plain film.";
  out.notes = {"in the features themselves:",     share + " of the " + k + " nearest films are",
               "of the same kind (plain or",      "enhanced; mixed: " + chance + ")",
               "a film to its enhanced version:", far + " × its nearest plain film"};
  return out;
}

/// Films of one kind, with their name and colour.
struct Kind {
  std::string name, colour;
  const FeatureSet* set;
};

std::vector<Kind> kinds_of(const TsneExample& e) {
  return {{"normal", "#d64545", &e.normal},
          {"abnormal", "#3a9a50", &e.abnormal},
          {"normal, enhanced", "#8e4ec6", &e.enhanced_normal},
          {"abnormal, enhanced", "#2f7fe0", &e.enhanced_abnormal}};
}

TsneResult tsne_of(const TsneExample& e) {
  std::vector<float> features;
  int64_t n = 0;
  for (const Kind& kind : kinds_of(e)) {
    CAWE_CHECK(int64_t(kind.set->features.size()) == int64_t(kind.set->images.size()) * e.dim, Code::internal,
               "figure 3: ", kind.set->features.size(), " features for ", kind.set->images.size(),
               " films of ", e.dim, " (", kind.name, ")");
    features.insert(features.end(), kind.set->features.begin(), kind.set->features.end());
    n += int64_t(kind.set->images.size());
  }
  return tsne(features, n, e.dim, e.options);
}

/// The points of each kind, as they are drawn; and as lines of the table.
std::vector<ScatterGroup> groups_of(const TsneExample& e, const TsneResult& result, std::string* csv) {
  std::vector<ScatterGroup> groups;
  size_t at = 0;
  for (const Kind& kind : kinds_of(e)) {
    if (kind.set->images.empty()) continue;
    groups.push_back({kind.name + " (" + std::to_string(kind.set->images.size()) + ")", kind.colour, {}});
    for (const std::string& image : kind.set->images) {
      const double x = result.points[2 * at], y = result.points[2 * at + 1];
      groups.back().points.emplace_back(x, y);
      *csv += csv_line({"point", kind.name, image, csv_number(x), csv_number(y), ""});
      ++at;
    }
  }
  return groups;
}

std::string quantities(const TsneExample& e, const TsneResult& result, const Moved& moved) {
  std::vector<std::pair<const char*, std::string>> all{{"kl", csv_number(result.kl)},
                                                       {"perplexity", csv_number(result.perplexity)},
                                                       {"iterations", std::to_string(e.options.iterations)}};
  if (!moved.notes.empty())
    all.insert(all.end(), {{"neighbours", std::to_string(moved.mix.k)},
                           {"same_share", csv_number(moved.mix.same_share)},
                           {"same_by_chance", csv_number(moved.mix.by_chance)},
                           {"moved", csv_number(moved.mix.moved)},
                           {"nearest", csv_number(moved.mix.nearest)}});
  std::string csv;
  for (const auto& [part, value] : all) csv += csv_line({part, "", "", "", "", value});
  return csv;
}

std::string caption_of(const TsneExample& e, const std::string& kl, const Moved& moved) {
  return "t-SNE of the classifier's pooled features" +
         (e.enhancement.empty() ? std::string() : ", enhancement " + e.enhancement) +
         (e.chosen.empty() ? "" : "; " + e.chosen) + ". (a) KL divergence at the end " + kl +
         ". Only who is near whom says something; distances between groups, their sizes and the axes do "
         "not." +
         (moved.notes.empty() ? "" : " (b) In the features themselves: " + moved.sentence);
}

}  // namespace

Figure figure_tsne(const TsneExample& e) {
  const TsneResult result = tsne_of(e);
  Moved moved;
  if (!e.enhanced_normal.images.empty() || !e.enhanced_abnormal.images.empty()) moved = moved_films(e);
  Figure figure;
  figure.name = "figure3";
  figure.title = "Figure 3: features before and after";
  figure.csv = csv_line({"part", "group", "image", "x", "y", "value"});
  const std::vector<ScatterGroup> groups = groups_of(e, result, &figure.csv);
  figure.csv += quantities(e, result, moved);
  const std::string kl = svg::number(result.kl, 3);
  figure.caption = caption_of(e, kl, moved);
  const std::vector<std::string> notes{"KL divergence " + kl,
                                       "perplexity " +
                                           svg::number(result.perplexity, result.lowered ? 1 : 0) +
                                           (result.lowered ? ", lowered: few films" : ""),
                                       std::to_string(e.options.iterations) + " iterations"};
  figure.svg = scatter_svg({figure.title, figure.caption}, groups, {{"a", notes}, {"b", moved.notes}});
  return figure;
}

}  // namespace cawe::report
