// SPDX-License-Identifier: Apache-2.0
// Class-aware attention weight extraction (CAWE): one map for the set of classes that are active in an image,
// and for comparison the usual members of the class activation map (CAM) family. Symbols and the paper's
// equations are in docs/notation.md. Active sets and normalisation are per image, never over the batch.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "models/classifier.h"

namespace cawe::models {

/// How F's channels are weighted and summed to a map. s = sum over l in A of sigma_l, z the same sum of logits;
/// means are over the h w cells of a channel. All end in the ReLU of Eq. 2. gradcam, hirescam and layercam are those
/// of pytorch-grad-cam with z as the target (tests/goldens/cam.txt).
enum class CamMethod : uint8_t {
  /// L = ReLU(sum_k w_k F_k), w_k = mean(ReLU(ds/dF_k)): the paper's Eq. 1 and 2.
  cawe,
  /// w_k = mean(dz/dF_k): Selvaraju et al. 2017, arXiv 1610.02391, Eq. 1 and 2.
  gradcam,
  /// w_k = sum over l in A of W_lk, the linear layer's weights: Zhou et al. 2016, arXiv 1512.04150, Eq. 2. With a
  /// head that pools and is linear it is gradcam times h w.
  cam,
  /// L_ij = ReLU(sum_k (dz/dF_k)_ij F_kij): Draelos & Carin 2020, arXiv 2011.08891. Equals gradcam where all cells
  /// of a channel have one gradient, as behind an average pooling.
  hirescam,
  /// L_ij = ReLU(sum_k ReLU((dz/dF_k)_ij) F_kij): Jiang et al. 2021, "LayerCAM", IEEE TIP 30.
  layercam
};
enum class EmptySet : uint8_t { top1, all, zero_map };
enum class ConstantMap : uint8_t { zeros, ones, half };
/// How a map L >= 0 comes to [0, 1]: (L - min) / (max - min); L / max, where zero stays zero; or as Eq. 7 reads
/// literally, L itself, of which what exceeds 1 counts as 1 (its scale is that of Eq. 1: about the share of a
/// probability that a cell decides).
enum class MapNorm : uint8_t { minmax, max, none };

CamMethod cam_method(const std::string& name);      ///< throws Code::usage with the nearest name
EmptySet empty_set(const std::string& name);        ///< likewise
ConstantMap constant_map(const std::string& name);  ///< likewise
MapNorm map_norm(const std::string& name);          ///< likewise
const char* name(CamMethod method);
const char* name(EmptySet rule);
const char* name(ConstantMap rule);
const char* name(MapNorm norm);
// All names, in the order of the values.
const std::vector<std::string>& cam_method_names();
const std::vector<std::string>& empty_set_names();
const std::vector<std::string>& constant_map_names();
const std::vector<std::string>& map_norm_names();

/// How the active set and the map are computed.
struct CaweSettings {
  CamMethod method = CamMethod::cawe;
  double act_threshold = 0.5;           ///< class l is active where sigma_l >= it
  EmptySet if_none = EmptySet::top1;    ///< the active set of an image in which no class is active
  std::vector<int64_t> exclude_labels;  ///< never in the active set, e.g. "No Finding"
  std::vector<int64_t> targets;         ///< where not empty: these classes instead of the active set
  MapNorm norm = MapNorm::minmax;
  ConstantMap constant = ConstantMap::zeros;
  /// Scaled at F's size and then up-sampled, so that the map may miss 0 and 1. pytorch-grad-cam scales once more
  /// after it, which is what false gives.
  bool norm_before_resize = false;
  bool closed_form = true;  ///< false: by automatic differentiation, for any head
};

/// Label indices of each image's active set, sorted, without the excluded ones. Empty only under
/// EmptySet::zero_map.
using ActiveSets = std::vector<std::vector<int64_t>>;
/// probabilities [N, labels]: the sigmoids.
ActiveSets active_sets(const Tensor& probabilities, const CaweSettings& settings);
/// For each image whether no class reaches the threshold, so that its active set is a fallback: what settings.if_none
/// says. Never with settings.targets, which ask for no class to be active.
std::vector<bool> fallbacks(const Tensor& probabilities, const CaweSettings& settings);

/// Maps of a batch of N images, and what they were computed from.
struct AttentionMaps {
  Tensor probabilities;  ///< sigma [N, labels]
  ActiveSets active;
  std::vector<bool> fallback;     ///< no class of the image is active: `active` is what if_none says
  Tensor raw;                     ///< L [N, 1, h, w] before normalisation: the form worth saving
  Tensor map;                     ///< [N, 1, H, W] in [0, 1]
  std::vector<double> low, high;  ///< of each image's map before normalisation
  std::vector<bool> constant;     ///< the map has no range (constant or not finite), so it marks nothing
  int64_t constant_count() const;
};

/// The paper's Eq. 1 in closed form, for average pooling followed by a linear layer of weight [labels, K]:
/// w = ReLU(sum over l in A of sigma_l (1 - sigma_l) W_l) / (h w), [N, K]. The gradient of the pooling
/// contains the 1 / (h w), and all cells have the same gradient, so the mean of Eq. 1 does not divide again.
Tensor cawe_weights_closed_form(const Tensor& probabilities, const Tensor& fc_weight,
                                const ActiveSets& active, int64_t cells);

/// d(sum of sigma_l, or of logits, over each image's active set)/dF by automatic differentiation, for any
/// head: [N, K, h, w]. It stops at F; gradients of parameters are not touched.
Tensor attention_gradients(const std::function<Variable(const Variable&)>& head, const Tensor& features,
                           const ActiveSets& active, bool of_sigmoid);

/// L from F [N, K, h, w] and g of the same shape, by the method (not CamMethod::cam).
Tensor attention_from_gradients(const Tensor& features, const Tensor& gradients, CamMethod method);

/// Up-samples raw maps [N, 1, h, w] bilinearly to height x width and normalises each to [0, 1] by its own
/// range; fills map, low, high and constant of `maps` from maps.raw. A map with max - min <= 1e-8 max(1,
/// |max|), or with a value that is not finite, is marked constant and replaced, never divided by its range;
/// under MapNorm::none, which divides nothing, a finite one stays what it is.
void finish_maps(AttentionMaps& maps, int64_t height, int64_t width, const CaweSettings& settings);

/// An enhanced film and the attention maps it was made with; `maps.map` is left out.
struct EnhancedFilm {
  Tensor image;
  AttentionMaps maps;
};
/// attention_maps() and fusion in one: image [N, 1, H, W] in [0, 1], x its network input. On a GPU it takes
/// two launches after the network, without an image-sized map. Only for methods that weight channels, and
/// without norm_before_resize and zero_map, under MapNorm::minmax: can_enhance() tells.
bool can_enhance(const CaweSettings& settings);
EnhancedFilm enhance(Classifier& classifier, const Tensor& image, const Tensor& x, double alpha,
                     const CaweSettings& settings);

/// Network, active sets, maps and normalisation for x [N, 3, H, W], normalised. The network is in evaluation
/// mode meanwhile; its parameters get no gradients, and whether the caller records (NoGrad) changes nothing.
/// Several threads may share a network that already is in that mode.
AttentionMaps attention_maps(Classifier& classifier, const Tensor& x, int64_t height, int64_t width,
                             const CaweSettings& settings = {});

}  // namespace cawe::models
