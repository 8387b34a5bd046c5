// SPDX-License-Identifier: Apache-2.0
// A checkpoint: one safetensors file with weights, optimizer, state, recipe and manifest, verified by a
// digest.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tensor/io/safetensors.h"

namespace cawe::train {

struct Checkpoint {
  int64_t step = 0;
  std::string recipe;                        ///< resolved TOML: the network is built from it
  std::map<std::string, std::string> state;  ///< best score, early stopping, …; words and numbers as text
  std::string manifest;                      ///< hashes of the patients that trained it, one a line
  /// Whole checkpoints of models that this one's input went through (a detector's classifier), by role.
  std::map<std::string, std::string> chain;
  NamedTensors tensors;  ///< "model.<name>" and "optimizer.<name>.<m|v>"

  NamedTensors model() const;  ///< without "model."
  /// Without optimizers and other networks: what travels with a detector.
  Checkpoint model_alone() const;
};

/// The file's bytes; the digest is SHA-256 of them with the digest's own field zeroed.
std::string checkpoint_bytes(const Checkpoint& checkpoint);
void save_checkpoint(const std::string& path, const Checkpoint& checkpoint);
/// Throws data for a file that is damaged, no checkpoint, or whose header is not in canonical form.
Checkpoint parse_checkpoint(const std::string& bytes, const std::string& source);
Checkpoint load_checkpoint(const std::string& path);
/// By what the file says of itself: weights of other programs are none. Throws data for damaged safetensors.
bool is_checkpoint(const Safetensors& file);
bool is_checkpoint_file(const std::string& path);

/// RUN/checkpoints/step-00000320.safetensors
std::string checkpoint_path(const std::string& run, int64_t step);
std::string best_path(const std::string& run);
/// Steps of the checkpoints in a run, newest first.
std::vector<int64_t> checkpoint_steps(const std::string& run);
/// The newest one that is whole. A damaged one is named in `warnings` and the one before is used. Step 0
/// (nothing loaded) where there is none.
Checkpoint newest_checkpoint(const std::string& run, std::vector<std::string>* warnings);
/// Removes all but the newest `keep`; the best stays.
void prune_checkpoints(const std::string& run, int64_t keep);

/// What --weights means: a file, or a run folder (its best checkpoint, else its newest).
Checkpoint load_run_or_file(const std::string& path);

}  // namespace cawe::train
