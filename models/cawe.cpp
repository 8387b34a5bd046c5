// SPDX-License-Identifier: Apache-2.0
#include "models/cawe.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "autograd/ops/elementwise.h"
#include "tensor/primitives/cawe.h"
#include "tensor/primitives/elementwise.h"
#include "tensor/primitives/linear.h"
#include "tensor/primitives/pooling.h"
#include "tensor/primitives/reductions.h"
#include "tensor/primitives/resize.h"
#include "tensor/text.h"

namespace cawe::models {
namespace {

const std::vector<std::string> kMethods{"cawe", "gradcam", "cam", "hirescam", "layercam"};
const std::vector<std::string> kEmptySets{"top1", "all", "zero_map"};
const std::vector<std::string> kConstantMaps{"zeros", "ones", "half"};
const std::vector<std::string> kMapNorms{"minmax", "max", "none"};

template <class Enum>
Enum from_name(const char* key, const std::string& text, const std::vector<std::string>& names) {
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] == text) return Enum(i);
  fail(Code::usage, key, " = \"", text, "\" (expected one of ", names.front(), " ... ", names.back(),
       "). Did you mean \"", nearest_name(text, names), "\"?");
}

/// [N, labels] on F's device: 1 (or value(sigma)) where a label is active, else 0.
template <class Value>
Tensor spread(const Tensor& probabilities, const ActiveSets& active, Value value) {
  const std::vector<double> sigma = probabilities.to(DType::f64).to_vector<double>();
  const int64_t labels = probabilities.dim(1);
  std::vector<double> out(sigma.size(), 0.0);
  for (size_t n = 0; n < active.size(); ++n) {
    for (int64_t label : active[n]) {
      const size_t i = n * size_t(labels) + size_t(label);
      out[i] = value(sigma[i]);
    }
  }
  return Tensor::from(out, probabilities.shape()).to(probabilities.dtype()).to(probabilities.device());
}

Tensor product(const Tensor& p, const Tensor& q) {
  Tensor y = Tensor::empty({p.dim(0), q.dim(1)}, p.dtype(), Layout::contiguous, p.device());
  primitives::matmul(p, false, q, false, y);
  return y;
}

/// The paper's Eq. 2: ReLU(sum over k of w_k F_k).
Tensor weighted_map(const Tensor& w, const Tensor& features) {
  Tensor map = Tensor::empty({features.dim(0), 1, features.dim(2), features.dim(3)}, features.dtype(),
                             Layout::contiguous, features.device());
  primitives::cawe_map(w, features, map);
  return map;
}

double constant_value(ConstantMap rule) {
  return rule == ConstantMap::zeros ? 0.0 : rule == ConstantMap::ones ? 1.0 : 0.5;
}

/// Normalisation of each image of x [N, 1, H, W] to [0, 1] by settings.norm; constant maps become what the
/// settings say.
Tensor stretch(const Tensor& x, AttentionMaps& maps, const CaweSettings& settings) {
  const int64_t n = x.dim(0);
  Tensor low = Tensor::empty({n}, x.dtype(), Layout::contiguous, x.device()), high = Tensor::like(low);
  primitives::min_max(x, low, high);
  maps.low = low.to(DType::f64).to_vector<double>();
  maps.high = high.to(DType::f64).to_vector<double>();
  const bool scaled = settings.norm != MapNorm::none;
  if (settings.norm != MapNorm::minmax) low.fill(0);
  if (!scaled) high.fill(1);
  Tensor shifted = Tensor::like(x), y = Tensor::like(x), range = Tensor::like(low);
  const Shape by_image{n, 1, 1, 1};
  primitives::binary(BinaryOp::sub, high, low, range);
  primitives::binary(BinaryOp::sub, x, low.reshape(by_image), shifted);
  primitives::binary(BinaryOp::div, shifted, range.reshape(by_image), y);
  maps.constant.assign(size_t(n), false);
  for (int64_t i = 0; i < n; ++i) {
    const double a = maps.low[size_t(i)], b = maps.high[size_t(i)];
    const bool finite = std::isfinite(a) && std::isfinite(b) && all_finite(x.slice(0, i, i + 1));
    maps.constant[size_t(i)] = !finite || b - a <= 1e-8 * std::max(1.0, std::fabs(b));
    if (!maps.constant[size_t(i)] || (finite && !scaled)) continue;
    const bool wanted_nothing = i < int64_t(maps.active.size()) && maps.active[size_t(i)].empty();
    Tensor item = y.slice(0, i, i + 1);
    item.fill(wanted_nothing ? 0.0 : constant_value(settings.constant));
  }
  if (scaled) return y;
  Tensor clamped = Tensor::like(x);
  primitives::unary(UnaryOp::clamp, 0, 1, y, clamped);
  return clamped;
}

Tensor resize(const Tensor& x, int64_t height, int64_t width) {
  if (x.dim(2) == height && x.dim(3) == width) return x;
  Tensor y = Tensor::empty({x.dim(0), x.dim(1), height, width}, x.dtype(), Layout::contiguous, x.device());
  primitives::resize_bilinear(x, y);
  return y;
}

}  // namespace

CamMethod cam_method(const std::string& text) { return from_name<CamMethod>("cam.method", text, kMethods); }
EmptySet empty_set(const std::string& text) { return from_name<EmptySet>("cam.if_none", text, kEmptySets); }
ConstantMap constant_map(const std::string& text) {
  return from_name<ConstantMap>("cam.constant", text, kConstantMaps);
}
MapNorm map_norm(const std::string& text) { return from_name<MapNorm>("cam.norm", text, kMapNorms); }
const char* name(CamMethod method) { return kMethods[size_t(method)].c_str(); }
const char* name(EmptySet rule) { return kEmptySets[size_t(rule)].c_str(); }
const char* name(ConstantMap rule) { return kConstantMaps[size_t(rule)].c_str(); }
const char* name(MapNorm norm) { return kMapNorms[size_t(norm)].c_str(); }
const std::vector<std::string>& cam_method_names() { return kMethods; }
const std::vector<std::string>& empty_set_names() { return kEmptySets; }
const std::vector<std::string>& constant_map_names() { return kConstantMaps; }
const std::vector<std::string>& map_norm_names() { return kMapNorms; }

int64_t AttentionMaps::constant_count() const { return std::count(constant.begin(), constant.end(), true); }

namespace {

/// The labels that may be active; one at least, unless settings.targets say which count.
std::vector<int64_t> allowed_labels(const Tensor& probabilities, const CaweSettings& settings) {
  CAWE_CHECK(probabilities.rank() == 2, Code::shape, "active_sets: probabilities of shape ",
             probabilities.shape(), " (expected [N, labels])");
  const int64_t labels = probabilities.dim(1);
  for (const auto& list : {settings.exclude_labels, settings.targets})
    for (int64_t label : list)
      CAWE_CHECK(label >= 0 && label < labels, Code::usage, "active_sets: label ", label, " of ", labels,
                 " (expected 0 to ", labels - 1, ")");
  std::vector<int64_t> allowed;
  for (int64_t l = 0; l < labels; ++l) {
    const auto& out = settings.exclude_labels;
    if (std::find(out.begin(), out.end(), l) == out.end()) allowed.push_back(l);
  }
  CAWE_CHECK(!allowed.empty() || !settings.targets.empty(), Code::usage,
             "active_sets: exclude_labels leaves none of ", counted(labels, "label"),
             " (expected one at least that may be active)");
  return allowed;
}

}  // namespace

ActiveSets active_sets(const Tensor& probabilities, const CaweSettings& settings) {
  const std::vector<int64_t> allowed = allowed_labels(probabilities, settings);
  const int64_t labels = probabilities.dim(1);
  const std::vector<double> sigma = probabilities.to(DType::f64).to_vector<double>();
  ActiveSets sets(size_t(probabilities.dim(0)), settings.targets);
  if (!settings.targets.empty()) return sets;
  for (size_t n = 0; n < sets.size(); ++n) {
    const double* p = sigma.data() + n * size_t(labels);
    for (int64_t l : allowed)
      if (p[l] >= settings.act_threshold) sets[n].push_back(l);
    if (!sets[n].empty() || settings.if_none == EmptySet::zero_map) continue;
    sets[n] = allowed;
    if (settings.if_none == EmptySet::top1)
      sets[n] = {*std::max_element(allowed.begin(), allowed.end(),
                                   [p](int64_t a, int64_t b) { return p[a] < p[b]; })};
  }
  return sets;
}

std::vector<bool> fallbacks(const Tensor& probabilities, const CaweSettings& settings) {
  CaweSettings strict = settings;
  strict.if_none = EmptySet::zero_map;
  std::vector<bool> out;
  for (const std::vector<int64_t>& set : active_sets(probabilities, strict)) out.push_back(set.empty());
  return out;
}

Tensor cawe_weights_closed_form(const Tensor& probabilities, const Tensor& fc_weight,
                                const ActiveSets& active, int64_t cells) {
  const Tensor slopes = spread(probabilities, active, [](double s) { return s * (1 - s); });
  const Tensor sums = product(slopes, fc_weight);
  Tensor positive = Tensor::like(sums), w = Tensor::like(sums);
  primitives::unary(UnaryOp::relu, 0, 0, sums, positive);
  primitives::unary(UnaryOp::affine, 1.0 / double(cells), 0, positive, w);
  return w;
}

Tensor attention_gradients(const std::function<Variable(const Variable&)>& head, const Tensor& features,
                           const ActiveSets& active, bool of_sigmoid) {
  const WithGrad recorded;  // films are enhanced, and studies drawn, where nothing else is recorded
  const Variable leaf(features, true);
  const Variable logits = head(leaf);
  const Variable root = of_sigmoid ? sigmoid(logits) : logits;
  return gradients(root, {leaf}, spread(root.value(), active, [](double) { return 1.0; }))[0];
}

namespace {

/// The paper's Eq. 1 for cawe, the mean gradient for gradcam; undefined for the others.
Tensor weights_from_gradients(const Tensor& g, CamMethod method) {
  if (method != CamMethod::cawe && method != CamMethod::gradcam) return {};
  Tensor w = Tensor::empty({g.dim(0), g.dim(1)}, g.dtype(), Layout::contiguous, g.device());
  if (method == CamMethod::cawe)
    primitives::cawe_weights(g, w);
  else
    primitives::global_avg_pool(g, w);
  return w;
}

}  // namespace

Tensor attention_from_gradients(const Tensor& features, const Tensor& g, CamMethod method) {
  if (const Tensor w = weights_from_gradients(g, method)) return weighted_map(w, features);
  CAWE_CHECK(method != CamMethod::cam, Code::internal,
             "attention_from_gradients: CAM takes the linear layer's weights, not gradients");
  Tensor gate = g, products = Tensor::like(features);
  if (method == CamMethod::layercam) {
    gate = Tensor::like(g);
    primitives::unary(UnaryOp::relu, 0, 0, g, gate);
  }
  primitives::binary(BinaryOp::mul, gate, features, products);
  Tensor sums = Tensor::empty({g.dim(0), 1, g.dim(2), g.dim(3)}, g.dtype(), Layout::contiguous, g.device());
  primitives::sum_to(products, sums);
  Tensor map = Tensor::like(sums);
  primitives::unary(UnaryOp::relu, 0, 0, sums, map);
  return map;
}

void finish_maps(AttentionMaps& maps, int64_t height, int64_t width, const CaweSettings& settings) {
  CAWE_CHECK(maps.raw.rank() == 4 && maps.raw.dim(1) == 1, Code::shape, "finish_maps: raw maps of shape ",
             maps.raw.shape(), " (expected [N, 1, h, w])");
  maps.map = settings.norm_before_resize ? resize(stretch(maps.raw, maps, settings), height, width)
                                         : stretch(resize(maps.raw, height, width), maps, settings);
}

namespace {

/// The channels' weights [N, K] of the method; undefined for methods that weight every cell by itself.
Tensor attention_weights(Classifier& classifier, const Tensor& features, const AttentionMaps& maps,
                         const CaweSettings& settings, Tensor* gradients) {
  const Tensor& fc = classifier.fc().weight();
  if (settings.method == CamMethod::cam)
    return product(spread(maps.probabilities, maps.active, [](double) { return 1.0; }), fc);
  if (settings.method == CamMethod::cawe && settings.closed_form)
    return cawe_weights_closed_form(maps.probabilities, fc, maps.active, features.dim(2) * features.dim(3));
  const auto head = [&classifier](const Variable& f) { return classifier.head(f); };
  *gradients = attention_gradients(head, features, maps.active, settings.method == CamMethod::cawe);
  return weights_from_gradients(*gradients, settings.method);
}

/// Feature maps and active sets of x; the network is in evaluation mode.
Tensor look(Classifier& classifier, const Tensor& x, const CaweSettings& settings, AttentionMaps* maps) {
  const NoGrad no_history;
  const Classifier::Output out = classifier.forward(Variable(x));
  maps->probabilities = sigmoid(out.logits).value();
  maps->active = active_sets(maps->probabilities, settings);
  maps->fallback = fallbacks(maps->probabilities, settings);
  return out.features.value();
}

}  // namespace

AttentionMaps attention_maps(Classifier& classifier, const Tensor& x, int64_t height, int64_t width,
                             const CaweSettings& settings) {
  const nn::EvalMode evaluating(classifier);
  AttentionMaps maps;
  const Tensor features = look(classifier, x, settings, &maps);
  Tensor g;
  const Tensor w = attention_weights(classifier, features, maps, settings, &g);
  maps.raw = w.defined() ? weighted_map(w, features) : attention_from_gradients(features, g, settings.method);
  finish_maps(maps, height, width, settings);
  return maps;
}

bool can_enhance(const CaweSettings& settings) {
  const bool by_channel = settings.method != CamMethod::hirescam && settings.method != CamMethod::layercam;
  return by_channel && !settings.norm_before_resize && settings.norm == MapNorm::minmax &&
         settings.if_none != EmptySet::zero_map;
}

EnhancedFilm enhance(Classifier& classifier, const Tensor& image, const Tensor& x, double alpha,
                     const CaweSettings& settings) {
  CAWE_CHECK(can_enhance(settings), Code::internal,
             "enhance: these settings need attention_maps() and fuse()");
  const nn::EvalMode evaluating(classifier);
  EnhancedFilm film;
  const Tensor features = look(classifier, x, settings, &film.maps);
  Tensor unused, range = Tensor::empty({image.dim(0), 3}, DType::f64, Layout::contiguous, image.device());
  const Tensor w = attention_weights(classifier, features, film.maps, settings, &unused);
  film.maps.raw = Tensor::empty({features.dim(0), 1, features.dim(2), features.dim(3)}, features.dtype(),
                                Layout::contiguous, features.device());
  film.image = Tensor::like(image);
  primitives::cawe_enhance(image, w, features, alpha, constant_value(settings.constant), film.maps.raw, range,
                           film.image);
  const std::vector<double> found = range.to_vector<double>();
  for (size_t n = 0; n < size_t(image.dim(0)); ++n) {
    film.maps.low.push_back(found[3 * n]);
    film.maps.high.push_back(found[3 * n + 1]);
    film.maps.constant.push_back(found[3 * n + 2] != 0);
  }
  return film;
}

}  // namespace cawe::models
