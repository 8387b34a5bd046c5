// SPDX-License-Identifier: Apache-2.0
#include "train/source_weights.h"

#include <filesystem>

#include "data/hash.h"
#include "models/foreign_weights.h"
#include "tensor/io/weights_file.h"
#include "tensor/text.h"
#include "train/checkpoint.h"

namespace cawe::train {

SourceWeights read_source_weights(const std::string& run_or_file) {
  SourceWeights source;
  if (std::filesystem::is_directory(run_or_file) || is_checkpoint_file(run_or_file)) {
    const Checkpoint c = load_run_or_file(run_or_file);
    source.tensors = c.model();
    source.manifest = c.manifest_with_chain(run_or_file);
    source.task = Recipe::of_checkpoint(c.recipe, run_or_file + " (its recipe)").task();
  } else {
    const PthFile file = read_weight_file(run_or_file);
    const NamedTensors named = models::with_current_names(file.tensors, run_or_file);
    source.manifest = kept_manifest(file);
    const std::string wrapper = models::wrapper_prefix(named);
    source.tensors = models::unwrapped(named, run_or_file);
    std::string note = file.note();
    if (!wrapper.empty())
      note += (note.empty() ? "" : "; ") + ("names without their beginning \"" + wrapper + "\"");
    if (!note.empty()) warn_once(run_or_file + ": " + note);
  }
  std::string bytes;
  for (const auto& [name, t] : source.tensors)
    bytes += data::sha256(
        {static_cast<const char*>(t.contiguous().raw()), size_t(t.numel()) * size_of(t.dtype())});
  source.hash = data::sha256(bytes);
  return source;
}

std::string kept_manifest(const PthFile& file) {
  const auto kept = file.metadata.find(kManifestKey);
  return kept == file.metadata.end() ? "" : kept->second;
}

std::string weights_named(const Recipe& recipe, const std::string& key) {
  const std::string place = recipe.word(key);
  std::error_code unknown;
  CAWE_CHECK(std::filesystem::exists(place, unknown), Code::data, place, ": no such file or run (",
             recipe.where(key), ")");
  return place;
}

}  // namespace cawe::train
