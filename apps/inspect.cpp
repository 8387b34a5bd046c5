// SPDX-License-Identifier: Apache-2.0
// cawe inspect: what a file is, for any file that the program reads.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "apps/commands.h"
#include "data/formats/picture/picture.h"
#include "tensor/error.h"
#include "tensor/io/atomic_file.h"
#include "tensor/io/header_json.h"
#include "tensor/io/npy.h"
#include "tensor/io/pth.h"
#include "tensor/io/weights_file.h"
#include "train/checkpoint.h"

namespace cawe::apps {
namespace fs = std::filesystem;
namespace {

std::string shape_text(const Tensor& t) { return detail::concat(t.shape()); }

/// Name, dtype and shape of every tensor, as JSON or as a table.
std::string tensors_text(const NamedTensors& tensors, bool json) {
  std::string out;
  int64_t values = 0;
  for (const auto& [name, t] : tensors) {
    values += t.numel();
    if (json)
      out += (out.empty() ? "" : ",") + quoted(name) + ":{\"dtype\":\"" + cawe::name(t.dtype()) +
             "\",\"shape\":" + shape_text(t) + "}";
    else
      out += "  " + name + "  " + cawe::name(t.dtype()) + " " + shape_text(t) + "\n";
  }
  return json ? "\"tensors\":{" + out + "},\"values\":" + std::to_string(values)
              : out + std::to_string(tensors.size()) + " tensors, " + std::to_string(values) + " values\n";
}

std::string checkpoint_text(const std::string& path, const train::Checkpoint& c, bool json) {
  const int64_t patients = std::count(c.manifest.begin(), c.manifest.end(), '\n');
  if (json)
    return "{\"file\":" + quoted(path) + ",\"kind\":\"checkpoint\",\"step\":" + std::to_string(c.step) +
           ",\"patients\":" + std::to_string(patients) + ",\"recipe\":" + quoted(c.recipe) + "," +
           tensors_text(c.model(), true) + "}";
  return path + ": checkpoint after step " + std::to_string(c.step) + ", trained on " +
         std::to_string(patients) + " persons\n" + tensors_text(c.model(), false) + "recipe:\n" + c.recipe;
}

std::string weights_text(const std::string& path, const NamedTensors& tensors, const char* kind, bool json) {
  if (json)
    return "{\"file\":" + quoted(path) + ",\"kind\":\"" + kind + "\"," + tensors_text(tensors, true) + "}";
  return path + ": " + kind + "\n" + tensors_text(tensors, false);
}

std::string folder_text(const std::string& path, bool json) {
  const std::vector<int64_t> steps = train::checkpoint_steps(path);
  CAWE_CHECK(!steps.empty() || fs::exists(path + "/recipe.toml"), Code::data, path,
             ": a folder, but no run (expected recipe.toml or checkpoints/)");
  if (json) {
    std::string list;
    for (const int64_t s : steps) list += (list.empty() ? "" : ",") + std::to_string(s);
    return "{\"file\":" + quoted(path) + ",\"kind\":\"run\",\"checkpoints\":[" + list +
           "],\"best\":" + (fs::exists(train::best_path(path)) ? "true" : "false") + "}";
  }
  std::string out = path + ": run with " + std::to_string(steps.size()) + " checkpoints" +
                    (steps.empty() ? "" : ", newest after step " + std::to_string(steps[0])) + "\n";
  return out + (fs::exists(path + "/recipe.toml") ? read_file(path + "/recipe.toml") : "");
}

/// Describes weights of any format; empty text where the file has none.
std::string model_text(const std::string& path, bool json) {
  const std::string bytes = read_file(path);
  if (bytes.compare(0, 6, "\x93NUMPY") == 0)
    return weights_text(path, {{"array", parse_npy(bytes.data(), bytes.size(), path)}}, "npy", json);
  if (bytes.compare(0, 4, "PK\3\4") == 0 || bytes.compare(0, 4, "\x80\x02\x8a\x0a") == 0)
    return weights_text(path, parse_pth(bytes, path), "pth", json);
  if (!looks_like_safetensors(bytes.data(), bytes.size())) return "";
  const Safetensors file = parse_safetensors(bytes.data(), bytes.size(), path);
  if (train::is_checkpoint(file)) return checkpoint_text(path, train::parse_checkpoint(bytes, path), json);
  return weights_text(path, file.tensors, "safetensors", json);
}

void run(Common& common, const std::string& path) {
  common.begin();
  CAWE_CHECK(fs::exists(path), Code::data, path, ": no such file");
  if (fs::is_directory(path)) {
    std::printf("%s\n", folder_text(path, common.json).c_str());
    return;
  }
  const std::string model = model_text(path, common.json);
  if (!model.empty()) {
    std::printf("%s\n", model.c_str());
    return;
  }
  if (!common.json) {
    const data::Picture p = data::read_picture(path);
    std::printf(
        "%s: %s, %d x %d (columns x rows), %d frames, %d samples of %d bits, %s%s\nsha256 of the samples: "
        "%s\n",
        path.c_str(), p.kind.c_str(), p.columns, p.rows, p.frames, p.samples, p.bits_stored,
        p.photometric.c_str(),
        p.transfer_syntax.empty() ? "" : (", transfer syntax " + p.transfer_syntax).c_str(),
        data::picture_hash(p).c_str());
    return;
  }
  bool ok = true;
  const std::string json = data::inspect_picture_json(path, &ok);
  std::printf("%s\n", json.c_str());
  if (!ok) {
    data::read_picture(path);  // throws the error line and exit code for an unreadable file
  }
}

}  // namespace

void add_inspect(CLI::App& app, Common& common) {
  auto path = std::make_shared<std::string>();
  CLI::App* sub =
      add_command(app, common, "inspect", "Say what a file is: film, picture, weights, checkpoint, run.",
                  "cawe inspect film.dcm --json");
  sub->add_option("file", *path, "file or run folder")->required();
  sub->callback([&common, path] { run(common, *path); });
}

}  // namespace cawe::apps
