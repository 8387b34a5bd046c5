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

/// The contents of a checkpoint.
struct Checkpoint {
  int64_t step = 0;
  std::string recipe;                        ///< resolved TOML, from which the network is built
  std::map<std::string, std::string> state;  ///< best score, early stopping, …, all as text
  std::string manifest;                      ///< hashes of the patients that trained it, one per line
  /// Complete checkpoints of the models that made this one's input (a detector's classifier), by role.
  std::map<std::string, std::string> chain;
  NamedTensors tensors;  ///< "model.<name>" and "optimizer.<name>.<m|v>"

  NamedTensors model() const;  ///< the network's tensors, names without "model."
  /// A copy without optimizers and other networks, to be embedded in a detector's checkpoint.
  Checkpoint model_alone() const;
  /// The manifest, and those of the chain's checkpoints but for those that are in `now`, too: what enhanced the films
  /// of these weights has shaped them. `source` begins messages.
  std::string manifest_with_chain(const std::string& source,
                                  const std::map<std::string, std::string>& now = {}) const;
};

/// The file's bytes; the digest is their SHA-256, computed with the digest's own field zeroed.
std::string checkpoint_bytes(const Checkpoint& checkpoint);
void save_checkpoint(const std::string& path, const Checkpoint& checkpoint);
/// Throws data for a file that is damaged or no checkpoint, or whose header is not in canonical form.
Checkpoint parse_checkpoint(const std::string& bytes, const std::string& source);
Checkpoint load_checkpoint(const std::string& path);
/// True where the metadata say so; other programs' weights are no checkpoints. Throws data for damaged
/// safetensors.
bool is_checkpoint(const Safetensors& file);
bool is_checkpoint_file(const std::string& path);

/// RUN/checkpoints/step-00000320.safetensors
std::string checkpoint_path(const std::string& run, int64_t step);
std::string best_path(const std::string& run);
/// Steps of the checkpoints in a run, newest first.
std::vector<int64_t> checkpoint_steps(const std::string& run);
/// The newest undamaged checkpoint; damaged ones are named in `warnings`. Step 0 and nothing loaded where
/// there is none. Throws data for one of another step than its name says.
Checkpoint newest_checkpoint(const std::string& run, std::vector<std::string>* warnings = nullptr);
/// Removes all but the newest `keep`; the best one stays.
void prune_checkpoints(const std::string& run, int64_t keep);
/// Gives a file the name FILE.damaged or FILE.before, which nothing reads: it is the user's, and may be looked into.
void set_aside(const std::string& path, const std::string& ending);
/// The same for all checkpoints of a run after `step`, from which it goes on since they are damaged. Else they would
/// stand for its newest, and pruning would take what is saved from now on.
void set_damaged_aside(const std::string& run, int64_t step);

/// Whether `best` is the one that the validations until `later` chose.
bool is_best_of(const Checkpoint& best, const Checkpoint& later);
/// Throws io where it stays.
void remove_best(const std::string& run);

/// Loads what --weights names: a file, or a run folder (its best checkpoint, else its newest).
Checkpoint load_run_or_file(const std::string& path);
/// SHA-256 of the file that it loads.
std::string weights_hash(const std::string& path);

}  // namespace cawe::train
