// SPDX-License-Identifier: Apache-2.0
#include "train/checkpoint.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "data/hash.h"
#include "tensor/io/files.h"

namespace cawe::train {
namespace fs = std::filesystem;
namespace {

const char* const kFormat = "cawe-checkpoint-1";
const std::string kNoDigest(64, '0');

Safetensors to_file(const Checkpoint& c, const std::string& digest) {
  Safetensors file;
  file.tensors = c.tensors;
  file.metadata["digest"] = digest;
  file.metadata["format"] = kFormat;
  file.metadata["step"] = std::to_string(c.step);
  file.metadata["recipe"] = c.recipe;
  file.metadata["manifest"] = c.manifest;
  for (const auto& [key, value] : c.state) file.metadata["state." + key] = value;
  // The chain's checkpoints are stored as u8 tensors: in the JSON metadata their size would double.
  for (const auto& [role, bytes] : c.chain)
    file.tensors["chain." + role] =
        Tensor::from(std::vector<uint8_t>(bytes.begin(), bytes.end()), {int64_t(bytes.size())});
  return file;
}

int64_t step_of(const std::string& text, const std::string& source) {
  char* end = nullptr;
  const long long step = std::strtoll(text.c_str(), &end, 10);
  CAWE_CHECK(!text.empty() && *end == '\0' && step >= 0, Code::data, source, ": step is \"", text, "\"");
  return step;
}

}  // namespace

NamedTensors Checkpoint::model() const {
  NamedTensors out;
  for (const auto& [name, t] : tensors)
    if (name.rfind("model.", 0) == 0) out[name.substr(6)] = t;
  return out;
}

Checkpoint Checkpoint::model_alone() const {
  Checkpoint alone = *this;
  for (auto it = alone.tensors.begin(); it != alone.tensors.end();)
    it = it->first.rfind("model.", 0) == 0 ? std::next(it) : alone.tensors.erase(it);
  return alone;
}

std::string Checkpoint::manifest_with_chain(const std::string& source,
                                            const std::map<std::string, std::string>& now) const {
  std::string all = manifest;
  for (const auto& [role, bytes] : chain) {
    const auto same = now.find(role);
    if (same == now.end() || same->second != bytes)
      all += parse_checkpoint(bytes, source + " (its " + role + ")").manifest;
  }
  return all;
}

std::string checkpoint_bytes(const Checkpoint& checkpoint) {
  std::string bytes = to_safetensors(to_file(checkpoint, kNoDigest));
  const std::string digest = data::sha256(bytes);
  const size_t at = bytes.find("\"digest\":\"" + kNoDigest) + 10;
  bytes.replace(at, 64, digest);
  return bytes;
}

void save_checkpoint(const std::string& path, const Checkpoint& checkpoint) {
  write_file(path, checkpoint_bytes(checkpoint));
}

Checkpoint parse_checkpoint(const std::string& bytes, const std::string& source) {
  const Safetensors file = parse_safetensors(bytes.data(), bytes.size(), source);
  const auto text = [&](const std::string& key) {
    const auto found = file.metadata.find(key);
    CAWE_CHECK(found != file.metadata.end(), Code::data, source, ": \"", key,
               "\" is missing: weights, but no checkpoint of this program");
    return found->second;
  };
  CAWE_CHECK(text("format") == kFormat, Code::data, source, ": format \"", text("format"), "\" (expected ",
             kFormat, ")");
  Checkpoint c;
  c.step = step_of(text("step"), source);
  c.recipe = text("recipe");
  c.manifest = text("manifest");
  for (const auto& [key, value] : file.metadata)
    if (key.rfind("state.", 0) == 0) c.state[key.substr(6)] = value;
  for (const auto& [name, t] : file.tensors) {
    if (name.rfind("chain.", 0) != 0) {
      c.tensors[name] = t;
      continue;
    }
    CAWE_CHECK(t.dtype() == DType::u8, Code::data, source, ": ", name, " is ", cawe::name(t.dtype()),
               " (expected u8)");
    const std::vector<uint8_t> inner = t.to_vector<uint8_t>();
    c.chain[name.substr(6)] = std::string(inner.begin(), inner.end());
  }
  // Writing it again must give the same bytes: that reveals any changed bit and any other order.
  CAWE_CHECK(checkpoint_bytes(c) == bytes, Code::data, source,
             ": damaged (its digest does not fit its content). Use the checkpoint before it.");
  return c;
}

bool is_checkpoint(const Safetensors& file) {
  const auto format = file.metadata.find("format");
  return format != file.metadata.end() && format->second.rfind("cawe-checkpoint", 0) == 0;
}

bool is_checkpoint_file(const std::string& path) {
  const std::string bytes = read_file(path);
  return looks_like_safetensors(bytes.data(), bytes.size()) &&
         is_checkpoint(parse_safetensors(bytes.data(), bytes.size(), path));
}

Checkpoint load_checkpoint(const std::string& path) { return parse_checkpoint(read_file(path), path); }

std::string checkpoint_path(const std::string& run, int64_t step) {
  char name[40];
  std::snprintf(name, sizeof name, "step-%08lld.safetensors", static_cast<long long>(step));
  return run + "/checkpoints/" + name;
}

std::string best_path(const std::string& run) { return run + "/checkpoints/best.safetensors"; }

std::vector<int64_t> checkpoint_steps(const std::string& run) {
  std::vector<int64_t> steps;
  for (const std::string& name : names_in(run + "/checkpoints")) {
    const std::string digits = name.size() == 25 ? name.substr(5, 8) : "";
    if (name.rfind("step-", 0) == 0 && digits.find_first_not_of("0123456789") == std::string::npos &&
        !digits.empty())
      steps.push_back(std::stoll(digits));
  }
  std::sort(steps.rbegin(), steps.rend());
  return steps;
}

Checkpoint newest_checkpoint(const std::string& run, std::vector<std::string>* warnings) {
  const std::vector<int64_t> steps = checkpoint_steps(run);
  for (const int64_t step : steps) {
    Checkpoint newest;
    try {
      newest = load_checkpoint(checkpoint_path(run, step));
    } catch (const Error& error) {
      if (error.code() != Code::data) throw;
      if (warnings != nullptr)
        warnings->push_back(std::string(error.what()) + (step == steps.back()
                                                             ? " None is left: the run begins anew."
                                                             : " Going on from the one before."));
      continue;
    }
    CAWE_CHECK(newest.step == step, Code::data, checkpoint_path(run, step), ": is the checkpoint of step ",
               newest.step, " (expected that of its name; give it its name again, or remove it)");
    return newest;
  }
  return {};
}

void prune_checkpoints(const std::string& run, int64_t keep) {
  const std::vector<int64_t> steps = checkpoint_steps(run);
  std::error_code e;
  for (size_t i = size_t(std::max<int64_t>(1, keep)); i < steps.size(); ++i)
    fs::remove(checkpoint_path(run, steps[i]), e);
}

namespace {

void remove_or_throw(const std::string& path) {
  std::error_code e;
  fs::remove(path, e);
  CAWE_CHECK(!e, Code::io, path, ": cannot be removed (", e.message(), ")");
}

std::string state_of(const Checkpoint& c, const std::string& key) {
  const auto found = c.state.find(key);
  return found == c.state.end() ? "" : found->second;
}

}  // namespace

void set_aside(const std::string& path, const std::string& ending) {
  write_file(path + ending, read_file(path));
  remove_or_throw(path);
}

void set_damaged_aside(const std::string& run, int64_t step) {
  for (const int64_t damaged : checkpoint_steps(run))
    if (damaged > step) set_aside(checkpoint_path(run, damaged), ".damaged");
}

bool is_best_of(const Checkpoint& best, const Checkpoint& later) {
  const std::string at = state_of(best, "best_at");  // number of the validation that saved it
  return best.step <= later.step && at == state_of(best, "validations") && at == state_of(later, "best_at") &&
         state_of(best, "best_score") == state_of(later, "best_score");
}

void remove_best(const std::string& run) { remove_or_throw(best_path(run)); }

namespace {

std::string file_of(const std::string& path) {
  if (!fs::is_directory(path)) return path;
  if (fs::exists(best_path(path))) return best_path(path);
  const std::vector<int64_t> steps = checkpoint_steps(path);
  CAWE_CHECK(!steps.empty(), Code::data, path,
             ": no checkpoint in this folder (expected a run folder or a .safetensors file)");
  return checkpoint_path(path, steps.front());
}

}  // namespace

Checkpoint load_run_or_file(const std::string& path) { return load_checkpoint(file_of(path)); }

std::string weights_hash(const std::string& path) { return data::sha256(read_file(file_of(path))); }

}  // namespace cawe::train
