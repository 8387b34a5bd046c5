// SPDX-License-Identifier: Apache-2.0
// Class-aware attention weight extraction (spec 1.3 to 1.6): one map for the set of classes that an image
// activates, and the usual members of the CAM family beside it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "models/classifier.h"

namespace cawe::models {

/// What is summed over the channels of F, given g = d(sum over the active set)/dF.
enum class CamMethod : uint8_t {
  cawe,      ///< mean(ReLU(g)) of the sum of sigmoids (Eq. 1 and 2)
  gradcam,   ///< mean(g) of the sum of logits (Selvaraju et al. 2017)
  cam,       ///< weights of the linear layer (Zhou et al. 2016)
  hirescam,  ///< g (.) F, logits (Draelos & Carin 2020)
  layercam   ///< ReLU(g) (.) F, logits (Jiang et al. 2021)
};
enum class EmptySet : uint8_t { top1, all, zero_map };
enum class ConstantMap : uint8_t { zeros, ones, half };
/// How a map L >= 0 comes to [0, 1]: (L - min) / (max - min), or L / max, where zero stays zero.
enum class MapNorm : uint8_t { minmax, max };

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

struct CaweSettings {
  CamMethod method = CamMethod::cawe;
  double act_threshold = 0.5;           ///< class l is active where sigma_l >= it
  EmptySet if_none = EmptySet::top1;    ///< where no class is
  std::vector<int64_t> exclude_labels;  ///< never active; "No Finding", say
  std::vector<int64_t> targets;         ///< where not empty: these classes instead of the active set
  MapNorm norm = MapNorm::minmax;
  ConstantMap constant = ConstantMap::zeros;
  bool norm_before_resize = false;  ///< as pytorch-grad-cam does; else the image-sized map reaches 0 and 1
  bool closed_form = true;          ///< false: by automatic differentiation, for any head
};

/// Labels of each image: sorted, without the excluded ones. Empty only under EmptySet::zero_map.
using ActiveSets = std::vector<std::vector<int64_t>>;
/// probabilities [N, labels].
ActiveSets active_sets(const Tensor& probabilities, const CaweSettings& settings);

struct AttentionMaps {
  Tensor probabilities;  ///< sigma [N, labels]
  ActiveSets active;
  Tensor raw;                     ///< L [N, 1, h, w], not normalised: what is worth keeping
  Tensor map;                     ///< [N, 1, H, W] in [0, 1]
  std::vector<double> low, high;  ///< range of the map that was normalised, by image
  std::vector<bool> constant;     ///< the guard spoke: that image's map says nothing
  int64_t constant_count() const;
};

/// Eq. 1 in closed form for average pooling and a linear layer of weight [labels, K]:
/// w = ReLU(sum over A of sigma (1 - sigma) W) / (h w); [N, K]. The pooling's 1 / (h w) is in the gradient,
/// so the mean of Eq. 1 does not divide again.
Tensor cawe_weights_closed_form(const Tensor& probabilities, const Tensor& fc_weight,
                                const ActiveSets& active, int64_t cells);

/// d(sum of sigma_l, or of logits, over each image's active set)/dF by automatic differentiation, for any
/// head: [N, K, h, w]. The walk stops at F; no parameter's gradient is touched.
Tensor attention_gradients(const std::function<Variable(const Variable&)>& head, const Tensor& features,
                           const ActiveSets& active, bool of_sigmoid);

/// L from F [N, K, h, w] and g of the same shape, by the method (not CamMethod::cam).
Tensor attention_from_gradients(const Tensor& features, const Tensor& gradients, CamMethod method);

/// Up-samples raw maps [N, 1, h, w] bilinearly to height x width and brings each image's own to [0, 1];
/// fills map, low, high, constant of `maps` from maps.raw. Constant or non-finite maps are never stretched.
void finish_maps(AttentionMaps& maps, int64_t height, int64_t width, const CaweSettings& settings);

/// An enhanced film and what its map was like; `maps.map` is left out.
struct EnhancedFilm {
  Tensor image;
  AttentionMaps maps;
};
/// attention_maps() and fusion at once: image [N, 1, H, W] in [0, 1], x its network input. On a GPU in two
/// launches behind the network, without an image-sized map. Not for methods without weights a channel,
/// norm_before_resize, MapNorm::max or zero_map.
bool can_enhance(const CaweSettings& settings);
EnhancedFilm enhance(Classifier& classifier, const Tensor& image, const Tensor& x, double alpha,
                     const CaweSettings& settings);

/// All of it for x [N, 3, H, W] normalised: the network in evaluation mode, without a history.
AttentionMaps attention_maps(Classifier& classifier, const Tensor& x, int64_t height, int64_t width,
                             const CaweSettings& settings = {});

}  // namespace cawe::models
