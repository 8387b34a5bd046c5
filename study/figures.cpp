// SPDX-License-Identifier: Apache-2.0
#include "study/figures.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "autograd/ops/pooling.h"
#include "data/decode.h"
#include "data/formats/picture/png.h"
#include "report/figures/attention.h"
#include "report/figures/froc.h"
#include "report/figures/pipeline.h"
#include "report/figures/tsne.h"
#include "tensor/backend.h"
#include "tensor/io/format.h"
#include "tensor/random.h"
#include "tensor/text.h"
#include "train/detector_recipe.h"

namespace cawe::study {
namespace {

constexpr size_t kTsneFilms = 100;     ///< of each kind, as in the paper's Fig. 3
constexpr size_t kLeastTsneFilms = 4;  ///< of both kinds: fewer have no neighbours, one cannot be drawn
constexpr size_t kDrawnBoxes = 4, kDrawnChannels = 6;

report::FigurePicture picture_of(const data::FloatImage& image) {
  const std::vector<uint16_t> values = data::to_8bit(image);
  return {image.width, image.height, image.channels, {values.begin(), values.end()}};
}

/// One channel of feature maps [1, K, h, w], stretched to 0 ... 255.
report::FigurePicture channel_picture(const Tensor& features, int64_t channel) {
  const int64_t rows = features.dim(2), columns = features.dim(3);
  const std::vector<float> all = features.contiguous().to_vector<float>();
  const auto begin = all.begin() + channel * rows * columns, end = begin + rows * columns;
  const auto [low, high] = std::minmax_element(begin, end);
  const float range = *high > *low ? *high - *low : 1;
  report::FigurePicture p{columns, rows, 1, {}};
  for (auto it = begin; it != end; ++it) p.pixels.push_back(uint8_t(std::lround(255 * (*it - *low) / range)));
  return p;
}

/// The row with the most stages of the pipeline (Figure 1 draws them); nullptr: no row's detector sees its film's map.
const StudyRow* richest_row(const StudyResult& study) {
  const StudyRow* richest = nullptr;
  int most = 0;
  for (const StudyRow& row : study.rows) {
    if (row.plan.kind != RowKind::paper || !train::needs_classifier(row.plan.method)) continue;
    const int stages = row.plan.method == "color+cawe" ? 3 : row.plan.method == "cawe" ? 2 : 1;
    if (stages <= most) continue;
    richest = &row;
    most = stages;
  }
  return richest;
}

/// A film, and how it was chosen, in words.
struct Chosen {
  size_t film;
  std::string how;
};

/// One of `films`, drawn by the study's bootstrap seed. `with`: what these test films have, "a lesion".
Chosen drawn(const StudyResult& study, const std::vector<size_t>& films, const char* stream,
             const std::string& with) {
  const uint64_t seed = study.settings.options.seed;
  Random random(seed, stream);
  return {films[size_t(random.next_below(films.size()))],
          "drawn at random from the " + counted(int64_t(films.size()), "test film") + " with " + with +
              " (boot.seed " + std::to_string(seed) + ")"};
}

/// Of `films`, the one on which the row's first seed is the surest and right: the highest score of a box that is the film's
/// surest and finds a lesion. None where there is no such box.
std::vector<Chosen> best_of(const StudyResult& study, const StudyRow& row, const std::vector<size_t>& films) {
  std::vector<const eval::Detection*> surest(study.truth.size(), nullptr);
  for (const eval::Detection& d : row.detections[0]) {
    const eval::Detection*& best = surest.at(size_t(d.image));
    if (best == nullptr || d.score > best->score) best = &d;
  }
  std::vector<Chosen> out;
  double score = 0;
  for (const size_t i : films) {
    if (surest[i] == nullptr || (!out.empty() && surest[i]->score <= score)) continue;
    const auto boxes = report::report_boxes(study.truth[i], {*surest[i]}, study.settings.options.froc);
    if (!boxes[0].hit) continue;
    score = surest[i]->score;
    out = {{i, "the best of them: its surest box finds a lesion, with the highest such score (" +
                   fixed(score, 2) + ")"}};
  }
  return out;
}

/// The films of figure 1: one drawn at random, and the best one.
std::vector<Chosen> pipeline_films(const StudyResult& study, const StudyRow& row,
                                   const std::vector<size_t>& with_lesion) {
  std::vector<Chosen> chosen{drawn(study, with_lesion, "figure1.film", "a lesion")};
  const std::vector<Chosen> best = best_of(study, row, with_lesion);
  if (best.empty())
    chosen[0].how += "; on none of them the surest box finds a lesion";
  else if (best[0].film == chosen[0].film)
    chosen[0].how += ", and " + best[0].how;
  else
    chosen.push_back(best[0]);
  return chosen;
}

/// The film of figure 2: one with an active class where there is one.
Chosen attention_film(const StudyResult& study, const std::vector<size_t>& with_lesion) {
  std::vector<size_t> active;
  for (const size_t i : with_lesion)
    if (study.map_classes.at(i).kind != report::MapOf::fallback) active.push_back(i);
  if (active.empty()) {
    Chosen any = drawn(study, with_lesion, "figure2.film", "a lesion");
    any.how += "; on none of them is a class active";
    return any;
  }
  const bool asked = study.map_classes.at(active[0]).kind == report::MapOf::asked;
  return drawn(study, active, "figure2.film", asked ? "a lesion" : "a lesion and an active class");
}

report::PipelineExample pipeline(const StudyResult& study, const Chosen& chosen, const StudyRow& row) {
  const size_t i = chosen.film;
  const FittedFilm film = study_film(study, i);
  report::PipelineExample e;
  e.image = study.truth[i].id;
  e.chosen = chosen.how;
  e.grey = picture_of(film.image);
  e.map = picture_of(train::to_image(study.map_maker(i)->maps(train::to_tensor(film.image)).map));
  if (row.plan.method == "color+cawe") e.colour = picture_of(study_coloured(study, i));
  e.fused = picture_of(study_picture(study, row.plan.method, i));
  e.method = row.plan.method;
  e.alpha = study.alpha;
  e.width = film.frame.width;
  e.height = film.frame.height;
  e.truth = seen(lesions_in(film.frame, study.truth[i]));
  std::vector<eval::Detection> mine;
  for (const eval::Detection& d : row.detections[0])
    if (d.image == int64_t(i)) mine.push_back(d);
  std::stable_sort(mine.begin(), mine.end(),
                   [](const eval::Detection& a, const eval::Detection& b) { return a.score > b.score; });
  mine.resize(std::min(mine.size(), kDrawnBoxes));
  e.found = seen(film.frame, report::report_boxes(study.truth[i], mine, study.settings.options.froc));
  e.detector = train::detector_title(row.plan.detector);
  e.rule = eval::describe(study.settings.options.froc);
  return e;
}

report::Figure attention(const StudyResult& study, const Chosen& chosen) {
  const size_t i = chosen.film;
  const FittedFilm film = study_film(study, i);
  const auto maker = study.map_maker(i);
  const train::LoadedClassifier& classifier = study.chain(study.map_method(), i).classifier;
  const models::AttentionMaps maps = maker->maps(train::to_tensor(film.image));
  const Tensor x = maker->network_input(train::to_tensor(film.image)).to(compute_device());
  const Tensor features = classifier.net->forward(Variable(x)).features.value().to(Device::cpu);
  const int64_t cells = features.dim(2) * features.dim(3);
  const Tensor fc = classifier.net->fc().weight().to(Device::cpu);
  report::AttentionExample e;
  e.image = study.truth[i].id;
  e.chosen = chosen.how;
  e.kind = map_classes(study, i, maps).kind;
  e.film = picture_of(film.image);
  e.map = picture_of(train::to_image(maps.map));
  e.width = film.frame.width;
  e.height = film.frame.height;
  e.truth = seen(lesions_in(film.frame, study.truth[i]));
  const std::vector<float> sigma = maps.probabilities.to(Device::cpu).to_vector<float>();
  for (size_t l = 0; l < sigma.size(); ++l) {
    report::AttentionExample::Class c;
    c.name = classifier.labels[l];
    c.sigma = double(sigma[l]);
    c.in_map = std::count(maps.active[0].begin(), maps.active[0].end(), int64_t(l)) > 0;
    if (c.in_map) {
      const Tensor w =
          models::cawe_weights_closed_form(maps.probabilities.to(Device::cpu), fc, {{int64_t(l)}}, cells);
      for (const float v : w.to_vector<float>()) c.gradients.push_back(double(v));
    }
    e.classes.push_back(c);
  }
  const std::vector<float> weights =
      models::cawe_weights_closed_form(maps.probabilities.to(Device::cpu), fc, maps.active, cells)
          .to_vector<float>();
  std::vector<int64_t> order(weights.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return weights[size_t(a)] > weights[size_t(b)]; });
  for (size_t k = 0; k < std::min(kDrawnChannels, order.size()); ++k)
    e.channels.push_back({order[k], double(weights[size_t(order[k])]), channel_picture(features, order[k])});
  return report::figure_attention(e);
}

/// Features of the classifier after global average pooling, of films as they are and as a method enhances
/// them.
class Features {
 public:
  explicit Features(const StudyResult& study) : study_(study) {}
  void add(size_t test_image, const std::string& method, report::FeatureSet* set) {
    const data::FloatImage picture = study_picture(study_, method, test_image);
    const Tensor x =
        study_.map_maker(test_image)->network_input(train::to_tensor(picture)).to(compute_device());
    const Variable features =
        study_.chain(study_.map_method(), test_image).classifier.net->forward(Variable(x)).features;
    const std::vector<float> pooled = global_avg_pool(features).value().to(Device::cpu).to_vector<float>();
    dim = int64_t(pooled.size());
    set->images.push_back(study_.truth[test_image].id);
    set->features.insert(set->features.end(), pooled.begin(), pooled.end());
  }
  int64_t dim = 0;

 private:
  const StudyResult& study_;
};

/// The films of one kind, with or without boxes, whose features can be compared: those of one network. With a classifier
/// for each fold these are the first one's films.
std::vector<size_t> tsne_films(const StudyResult& study, bool abnormal) {
  const bool per_fold = study.chains.at(study.map_method()).size() > 1;
  std::vector<size_t> films;
  for (size_t i = 0; i < study.truth.size() && films.size() < kTsneFilms; ++i)
    if (study.truth[i].boxes.empty() != abnormal && (!per_fold || study.fold_of(i) == 0)) films.push_back(i);
  return films;
}

/// None where there are too few films.
std::vector<report::Figure> tsne(const StudyResult& study, const StudyRow& row) {
  const std::vector<size_t> normal = tsne_films(study, false), abnormal = tsne_films(study, true);
  if (normal.size() + abnormal.size() < kLeastTsneFilms) return {};
  report::TsneExample e;
  Features features(study);
  const auto add = [&](size_t film, report::FeatureSet* plain, report::FeatureSet* enhanced) {
    features.add(film, "none", plain);
    features.add(film, row.plan.method, enhanced);
  };
  for (const size_t film : normal) add(film, &e.normal, &e.enhanced_normal);
  for (const size_t film : abnormal) add(film, &e.abnormal, &e.enhanced_abnormal);
  e.dim = features.dim;
  e.enhancement = method_name(row.plan.enhancement);
  if (study.chains.at(study.map_method()).size() > 1)
    e.chosen = "films of the first fold alone, since each fold has a classifier of its own";
  return {report::figure_tsne(e)};
}

}  // namespace

FittedFilm study_film(const StudyResult& study, size_t test_image) {
  const data::LoaderOptions& loader = study.loader;
  const data::Sample& sample = study.data.dataset.samples[size_t(study.test[test_image])];
  FittedFilm film;
  film.image = data::fit_image(data::decode_gray(sample), loader.width, loader.height, loader.fit,
                               loader.filter, &film.frame.geometry);
  film.frame.width = loader.width;
  film.frame.height = loader.height;
  return film;
}

data::FloatImage study_picture(const StudyResult& study, const std::string& method, size_t test_image) {
  const Tensor film = train::to_tensor(study_film(study, test_image).image);
  return train::to_image(study.chain(method, test_image).enhancer->apply(film));
}

data::FloatImage study_coloured(const StudyResult& study, size_t test_image) {
  const Tensor film = train::to_tensor(study_film(study, test_image).image);
  // Eq. 7 with a map of ones is the picture itself.
  const Tensor ones = Tensor::full(film.shape(), 1);
  return train::to_image(study.chain("color+cawe", test_image).enhancer->with_map(film, ones));
}

std::vector<report::Figure> study_figures(const StudyResult& study,
                                          const std::vector<report::ReportRow>& rows) {
  const NoGrad no_history;
  std::vector<report::Figure> figures;
  std::vector<size_t> with_lesion;
  for (size_t i = 0; i < study.truth.size(); ++i)
    if (has_lesion(study.truth[i])) with_lesion.push_back(i);
  if (!with_lesion.empty() && study.map_maker(with_lesion[0])) {
    const StudyRow* row = richest_row(study);
    if (row != nullptr) {
      std::vector<report::PipelineExample> films;
      for (const Chosen& chosen : pipeline_films(study, *row, with_lesion))
        films.push_back(pipeline(study, chosen, *row));
      figures.push_back(report::figure_pipeline(films));
    }
    figures.push_back(attention(study, attention_film(study, with_lesion)));
    if (row != nullptr)
      for (report::Figure& figure : tsne(study, *row)) figures.push_back(std::move(figure));
  }
  figures.push_back(report::figure_froc(rows));
  return figures;
}

}  // namespace cawe::study
