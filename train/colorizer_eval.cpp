// SPDX-License-Identifier: Apache-2.0
#include "train/colorizer_eval.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "autograd/ops/pooling.h"
#include "data/formats/picture/png.h"
#include "eval/bootstrap.h"
#include "eval/image_quality.h"
#include "models/classifier.h"
#include "models/colorizer/color_space.h"
#include "tensor/io/format.h"
#include "tensor/io/json.h"
#include "tensor/text.h"
#include "train/enhancing.h"

namespace cawe::train {
namespace {

/// U, V and CIE a, b of a pixel.
std::array<double, 4> chroma_of(const double rgb[3]) {
  const double y = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
  double lab[3];
  models::rgb_to_lab(rgb, lab);
  return {0.492 * (rgb[2] - y), 0.877 * (rgb[0] - y), lab[1], lab[2]};
}

std::vector<std::array<double, 4>> chroma_plane(const Tensor& image) {
  const Tensor x = image.contiguous();
  const float* p = x.data<float>();
  const int64_t plane = x.dim(2) * x.dim(3);
  std::vector<std::array<double, 4>> out;
  for (int64_t i = 0; i < plane; ++i) {
    const double rgb[3] = {double(p[i]), double(p[i + plane]), double(p[i + 2 * plane])};
    out.push_back(chroma_of(rgb));
  }
  return out;
}

/// Mean |dU| + |dV| and mean distance in CIE a, b from the truth; `mine` returns pixel i's colour.
template <class Mine>
std::pair<double, double> chroma_error(const std::vector<std::array<double, 4>>& truth, Mine mine) {
  double uv = 0, ab = 0;
  for (size_t i = 0; i < truth.size(); ++i) {
    const std::array<double, 4> c = mine(i);
    uv += std::fabs(c[0] - truth[i][0]) + std::fabs(c[1] - truth[i][1]);
    ab += std::hypot(c[2] - truth[i][2], c[3] - truth[i][3]);
  }
  return {uv / double(truth.size()), ab / double(truth.size())};
}

eval::Picture picture(const Tensor& image) {
  return {image.dim(1), image.dim(2), image.dim(3), image.contiguous().to_vector<float>()};
}

/// Adds the pooled features of phi's last stage, [1, C].
void add_features(models::ResNet& phi, const Tensor& image, std::vector<float>* rows) {
  const NoGrad no_history;
  const Device device = phi.parameters().front().variable->device();
  const Variable x(models::normalise_input(image.to(device)));
  const Variable pooled = global_avg_pool(phi.forward(x).back());
  const std::vector<float> row = pooled.value().to_vector<float>();
  rows->insert(rows->end(), row.begin(), row.end());
}

Tensor three(const Tensor& gray) {
  return gray.expand({gray.dim(0), 3, gray.dim(2), gray.dim(3)}).contiguous();
}

/// A sample's picture from the loader, [1, 3, H, W].
Tensor truth_of(const data::Loader& loader, int64_t sample) {
  const data::FloatImage image = loader.picture(sample);
  return Tensor::from(image.pixels, {1, image.height, image.width, 3}).permute({0, 3, 1, 2}).contiguous();
}

data::LoaderOptions plain(data::LoaderOptions o) {
  o.shuffle = o.augment = false;
  o.rank = 0;
  o.ranks = 1;
  o.workers = 0;
  return o;
}

using Member = double ColorScore::*;
struct Column {
  const char* name;
  Member member;
};
constexpr Column kColumns[] = {{"psnr", &ColorScore::psnr},
                               {"ssim", &ColorScore::ssim},
                               {"colourfulness", &ColorScore::colourfulness},
                               {"true_colourfulness", &ColorScore::true_colourfulness},
                               {"chroma_error", &ColorScore::chroma},
                               {"chroma_error_of_gray", &ColorScore::chroma_of_gray},
                               {"chroma_error_of_mean_colour", &ColorScore::chroma_of_mean},
                               {"ab_error", &ColorScore::ab},
                               {"ab_error_of_gray", &ColorScore::ab_of_gray},
                               {"ab_error_of_mean_colour", &ColorScore::ab_of_mean}};
constexpr size_t kCount = sizeof kColumns / sizeof kColumns[0];

}  // namespace

MeanChroma ColorEvaluator::mean_chroma(const std::vector<int64_t>& indices, size_t limit) const {
  const data::Loader loader(*dataset, indices, plain(fitting));
  const size_t count = std::min(limit, indices.size());
  std::array<double, 4> sum{};
  double pixels = 0;
  for (size_t k = 0; k < count; ++k)
    for (const auto& c : chroma_plane(truth_of(loader, indices[k * indices.size() / count]))) {
      for (size_t i = 0; i < 4; ++i) sum[i] += c[i];
      ++pixels;
    }
  return {sum[0] / pixels, sum[1] / pixels, sum[2] / pixels, sum[3] / pixels};
}

ColorEvaluation ColorEvaluator::evaluate(models::Generator& generator, models::ContentLoss& content,
                                         const std::vector<int64_t>& indices, const MeanChroma& mean,
                                         bool quiet) const {
  const data::Loader loader(*dataset, indices, plain(fitting));
  Progress progress("colorizing", int64_t(indices.size()), quiet);
  ColorEvaluation out;
  std::vector<float> ours, theirs, grays;
  for (const int64_t i : indices) {
    const Tensor truth = truth_of(loader, i), gray = models::gray_of(truth);
    const Tensor made = models::colorize(generator, gray, settings);
    const auto true_chroma = chroma_plane(truth), own_chroma = chroma_plane(made);
    const eval::Picture a = picture(made), b = picture(truth);
    ColorScore s;
    s.image = dataset->samples[size_t(i)].image_id;
    s.psnr = eval::psnr(a, b);
    s.ssim = eval::ssim(a, b);
    s.colourfulness = eval::colourfulness(a);
    s.true_colourfulness = eval::colourfulness(b);
    std::tie(s.chroma, s.ab) = chroma_error(true_chroma, [&](size_t k) { return own_chroma[k]; });
    std::tie(s.chroma_of_gray, s.ab_of_gray) =
        chroma_error(true_chroma, [](size_t) { return std::array<double, 4>{}; });
    std::tie(s.chroma_of_mean, s.ab_of_mean) = chroma_error(true_chroma, [&](size_t) {
      return std::array<double, 4>{mean.u, mean.v, mean.a, mean.b};
    });
    out.scores.push_back(s);
    if (models::ResNet* phi = content.resnet()) {
      add_features(*phi, made, &ours);
      add_features(*phi, truth, &theirs);
      add_features(*phi, three(gray), &grays);
    }
    progress.update(int64_t(out.scores.size()));
  }
  out.fid_lite = out.fid_lite_of_gray = std::nan("");
  if (models::ResNet* phi = content.resnet(); phi && indices.size() >= 2) {
    const int64_t channels = phi->stages().channels[3];
    out.fid_lite = eval::frechet_distance(ours, theirs, channels);
    out.fid_lite_of_gray = eval::frechet_distance(grays, theirs, channels);
  }
  return out;
}

void ColorEvaluator::write_pictures(models::Generator& generator, const std::vector<int64_t>& indices,
                                    const std::string& path, size_t limit) const {
  const data::Loader loader(*dataset, indices, plain(fitting));
  const size_t count = std::min(limit, indices.size()), columns = std::min<size_t>(4, count);
  const size_t rows = (count + columns - 1) / columns;
  const int gap = 4, side_x = fitting.width, side_y = fitting.height;
  data::FloatImage sheet(int(columns) * (3 * side_x + 2 * gap), int(rows) * (side_y + gap), 3);
  std::fill(sheet.pixels.begin(), sheet.pixels.end(), 1.0f);
  for (size_t k = 0; k < count; ++k) {
    const Tensor truth = truth_of(loader, indices[k * indices.size() / count]);
    const Tensor gray = models::gray_of(truth);
    const data::FloatImage parts[] = {to_image(three(gray)), to_image(truth),
                                      to_image(models::colorize(generator, gray, settings))};
    for (int part = 0; part < 3; ++part)
      for (int y = 0; y < side_y; ++y)
        std::copy(parts[part].row(y), parts[part].row(y) + 3 * side_x,
                  sheet.row(int(k / columns) * (side_y + gap) + y) +
                      3 * (int(k % columns) * (3 * side_x + 2 * gap) + part * side_x));
  }
  data::write_png(path, sheet);
}

std::string scores_csv(const std::vector<ColorScore>& scores) {
  std::string out = "image";
  for (const Column& c : kColumns) out += std::string(",") + c.name;
  out += "\n";
  for (const ColorScore& s : scores) {
    out += csv_field(s.image);
    for (const Column& c : kColumns) out += "," + shortest(s.*c.member);
    out += "\n";
  }
  return out;
}

std::string color_results_json(const ColorEvaluation& evaluation, const MeanChroma& mean,
                               const std::string& features) {
  const std::vector<ColorScore>& scores = evaluation.scores;
  eval::Clusters images;
  images.count = int64_t(scores.size());
  for (int64_t i = 0; i < images.count; ++i) images.of_item.push_back(i);
  const auto means = [&](const std::vector<int32_t>& weights, double* values) {
    for (size_t k = 0; k < kCount; ++k) {
      double sum = 0, n = 0;
      for (size_t i = 0; i < scores.size(); ++i) {
        const double v = scores[i].*kColumns[k].member;
        if (!std::isfinite(v)) continue;  // the PSNR of equal pictures
        sum += double(weights[i]) * v;
        n += double(weights[i]);
      }
      values[k] = sum / n;
    }
  };
  std::array<double, kCount> value{};
  means(std::vector<int32_t>(scores.size(), 1), value.data());
  const auto drawn = eval::bootstrap(images, int64_t(kCount), means);
  const auto column = [](Member m) {
    size_t k = 0;
    while (kColumns[k].member != m) ++k;
    return k;
  };
  const auto interval = [](const eval::Interval& i) {
    return Json{{"value", i.value}, {"ci_low", i.low}, {"ci_high", i.high}};
  };
  Json json{{"images", images.count}};
  for (size_t k = 0; k < kCount; ++k)
    json[kColumns[k].name] = interval(eval::percentile_interval(value[k], drawn[k]));
  const std::tuple<const char*, Member, Member> pairs[] = {
      {"chroma_error_minus_gray", &ColorScore::chroma, &ColorScore::chroma_of_gray},
      {"chroma_error_minus_mean_colour", &ColorScore::chroma, &ColorScore::chroma_of_mean},
      {"ab_error_minus_gray", &ColorScore::ab, &ColorScore::ab_of_gray},
      {"ab_error_minus_mean_colour", &ColorScore::ab, &ColorScore::ab_of_mean}};
  for (const auto& [name, ours, other] : pairs) {
    const size_t a = column(other), b = column(ours);
    const eval::Difference d = eval::paired_difference(value[b] - value[a], drawn[a], drawn[b]);
    json[name] = interval(d.interval);
    json[name]["p"] = d.p;
  }
  json["fid_lite"] = {
      {"value", evaluation.fid_lite}, {"of_gray", evaluation.fid_lite_of_gray}, {"features", features}};
  json["mean_colour"] = {{"u", mean.u}, {"v", mean.v}};
  json["use"] = "for research use only";
  return json_text(json) + "\n";
}

}  // namespace cawe::train
