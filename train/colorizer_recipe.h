// SPDX-License-Identifier: Apache-2.0
// The colorizer's networks, losses and phases from a recipe, and a trained one back from a checkpoint.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/leak.h"
#include "models/colorizer/colorize.h"
#include "models/colorizer/content.h"
#include "models/colorizer/critic.h"
#include "train/recipe.h"

namespace cawe::train {

/// What is trained in a part of the run, on images of one size.
struct GanPhase {
  enum class Kind : uint8_t { generator, critic, gan };
  std::string name;
  Kind kind = Kind::generator;
  bool freeze_encoder = false;  ///< its convolutions; norms go on learning
  int64_t size = 64, batch = 8;
  int64_t steps = 0;    ///< of one network each, one batch each
  double lr = 1e-3;     ///< gan: the generator's
  double lr_first = 0;  ///< rate of the first layers, rising geometrically to lr; 0: lr everywhere
  double rise = 0.3;    ///< share of the steps in which the rate rises (generator and critic)
  int64_t begin = 0;    ///< step of the run that it begins at
};

struct GanSettings {
  double adv_weight = 0.5;  ///< factor of L_A in the paper's Eq. 3
  double ttur = 5;          ///< the critic's rate over the generator's in the joint phase
  bool adaptive = false;    ///< critic until half its loss is below `threshold`, then the generator once
  double threshold = 0.65;
  int64_t d_steps = 1, g_steps = 1;  ///< not adaptive: so many of each in turn
  double weight_decay = 1e-3;        ///< decoupled, in every phase
  double clip = 0;                   ///< largest norm of gradients; 0: no limit
};

/// Keys model.depth, model.width.
models::GeneratorConfig generator_from(const Recipe& recipe);
/// Keys gan.critic_width, gan.dropout.
models::CriticConfig critic_from(const Recipe& recipe);
/// Keys gan.phi, gan.phi_depth, gan.phi_width, gan.phi_layers, gan.phi_weights, gan.phi_norm = "chw" | "hw",
/// gan.phi_loss = "l1" | "mse".
models::ContentConfig content_from(const Recipe& recipe);
/// Keys gan.adv_weight, gan.ttur, gan.alternate = "fixed" | "adaptive", gan.threshold, gan.d_steps,
/// gan.g_steps, train.weight_decay, train.clip.
GanSettings gan_from(const Recipe& recipe);
/// Key phases, a list of names; of each phase.NAME.train = "generator" | "critic" | "gan", freeze_encoder,
/// size, batch, steps (or epochs of `images`; 0 leaves the phase out), lr, lr_first, rise. Fills in the steps
/// that follow from epochs.
std::vector<GanPhase> phases_from(Recipe& recipe, int64_t images);
/// Keys color.render_factor, color.keep_luma, color.saturation, color.space.
models::ColorSettings color_from(const Recipe& recipe);
/// Likewise, of a recipe that uses a colorizer; those that are not given are filled in from it.
models::ColorSettings color_from(Recipe& recipe, const models::ColorSettings& otherwise);

/// Initial weights: everything from `seed`; then key init into the encoder (a classifier run or torchvision's
/// ResNet) or the whole generator (a colorizer run, DeOldify's file); gan.phi_init into phi.
struct ColorizerInit {
  std::string manifest, init_hash, phi_hash;
};
ColorizerInit initialise_colorizer(models::Generator& generator, models::Critic& critic,
                                   models::ContentLoss& content, const Recipe& recipe, uint64_t seed);

/// A trained generator with what it needs to know about itself.
struct LoadedColorizer {
  std::shared_ptr<models::Generator> net;
  models::ColorSettings settings;
  data::TrainedPatients patients;  ///< hashes of the images that trained it
  std::string bytes;               ///< the checkpoint, to travel with a detector
};
LoadedColorizer load_colorizer(const std::string& run_or_file);
LoadedColorizer parse_colorizer(const std::string& bytes, const std::string& source);

}  // namespace cawe::train
