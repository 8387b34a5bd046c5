// SPDX-License-Identifier: Apache-2.0
// cawe inspect: what a file is, for any file that the program reads.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/commands.h"
#include "apps/inputs.h"
#include "apps/named_files.h"
#include "data/formats/picture/picture.h"
#include "data/jail.h"
#include "data/leak.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/io/json.h"
#include "tensor/io/npy.h"
#include "tensor/io/pth.h"
#include "tensor/io/weights_file.h"
#include "tensor/text.h"
#include "train/checkpoint.h"
#include "train/recipe.h"

namespace cawe::apps {
namespace fs = std::filesystem;
namespace {

using Widened = std::map<std::string, std::string>;

/// Name, dtype and shape of every tensor, into `json` where that is not null, and otherwise as a table; of those that
/// are widened also the dtype that the file holds.
std::string describe_tensors(const NamedTensors& tensors, const Widened& widened, Json* json) {
  std::string table;
  int64_t values = 0;
  Json list = Json::object();
  for (const auto& [name, t] : tensors) {
    values += t.numel();
    Json shape = Json::array();
    for (int i = 0; i < t.rank(); ++i) shape.push_back(t.dim(i));
    const auto narrow = widened.find(name);
    Json entry{{"dtype", cawe::name(t.dtype())}, {"shape", shape}};
    if (narrow != widened.end()) entry["stored_dtype"] = narrow->second;
    if (json != nullptr)
      list.get_ref<Json::object_t&>().emplace_back(name, std::move(entry));
    else
      table +=
          detail::concat("  ", printable(name, 200), "  ", cawe::name(t.dtype()), " ", t.shape(),
                         narrow == widened.end() ? "" : " (stored as " + narrow->second + ", widened)", "\n");
  }
  if (json != nullptr) json->update({{"tensors", list}, {"values", values}});
  return table + std::to_string(tensors.size()) + " tensors, " + std::to_string(values) + " values\n";
}

/// Whether a checkpoint's recipe says that nobody knows whose films trained it. One that is no recipe says nothing.
bool trains_on_images(const std::string& text) {
  try {
    return train::Recipe::of_checkpoint(text, "").value("data.split_unit") ==
           train::Value(std::string("image"));
  } catch (const Error&) {
    return false;
  }
}

std::string checkpoint_text(const std::string& path, const train::Checkpoint& c, bool as_json) {
  const data::TrainedPatients trained = data::parse_manifest(path, c.manifest);
  const int64_t patients = int64_t(trained.hashes.size() - trained.groups.size());
  Json json{{"file", path},         {"kind", "checkpoint"},          {"step", c.step},
            {"patients", patients}, {"films", trained.films.size()}, {"recipe", c.recipe}};
  const std::string table = describe_tensors(c.model(), {}, as_json ? &json : nullptr);
  if (as_json) return json_text(json);
  const std::string trained_on = trains_on_images(c.recipe) ? counted(int64_t(trained.films.size()), "image")
                                                            : counted(patients, "person");
  return path + ": checkpoint after step " + std::to_string(c.step) + ", trained on " + trained_on + "\n" +
         table + "recipe:\n" + c.recipe;
}

std::string weights_text(const std::string& path, const NamedTensors& tensors, const Widened& widened,
                         const char* kind, bool as_json) {
  Json json{{"file", path}, {"kind", kind}};
  const std::string table = describe_tensors(tensors, widened, as_json ? &json : nullptr);
  return as_json ? json_text(json) : path + ": " + kind + "\n" + table;
}

std::string pth_text(const std::string& path, const PthFile& file, bool as_json) {
  Json json{
      {"file", path}, {"kind", "pth"}, {"part", file.part}, {"parts", file.parts}, {"skipped", file.skipped}};
  const std::string table = describe_tensors(file.tensors, file.widened, as_json ? &json : nullptr),
                    note = file.note();
  if (as_json) return json_text(json);
  return path + ": pth" + (note.empty() ? "" : ", " + printable(note, 2000)) + "\n" + table;
}

std::string folder_text(const std::string& path, bool json) {
  const std::vector<int64_t> steps = train::checkpoint_steps(path);
  CAWE_CHECK(!steps.empty() || fs::exists(path + "/recipe.toml"), Code::data, path,
             ": a folder, but no run (expected recipe.toml or checkpoints/)");
  if (json)
    return json_text({{"file", path},
                      {"kind", "run"},
                      {"checkpoints", Json(steps)},
                      {"best", fs::exists(train::best_path(path))}});
  std::string out = path + ": run with " + std::to_string(steps.size()) + " checkpoints" +
                    (steps.empty() ? "" : ", newest after step " + std::to_string(steps[0])) + "\n";
  return out + (fs::exists(path + "/recipe.toml") ? read_file(path + "/recipe.toml") : "");
}

/// Describes weights of any format; empty text where the file has none.
std::string model_text(const std::string& path, bool json) {
  const std::string bytes = read_file(path);
  if (bytes.compare(0, 6, "\x93NUMPY") == 0)
    return weights_text(path, {{"array", parse_npy(bytes.data(), bytes.size(), path)}}, {}, "npy", json);
  if (bytes.compare(0, 4, "PK\3\4") == 0 || bytes.compare(0, 4, "\x80\x02\x8a\x0a") == 0)
    return pth_text(path, read_pth(bytes, path), json);
  if (!looks_like_safetensors(bytes.data(), bytes.size())) return "";
  const Safetensors file = parse_safetensors(bytes.data(), bytes.size(), path);
  if (train::is_checkpoint(file)) return checkpoint_text(path, train::parse_checkpoint(bytes, path), json);
  return weights_text(path, file.tensors, file.widened, "safetensors", json);
}

/// A picture or film, its samples as they are stored.
std::string picture_text(const std::string& path, const data::ReadOptions& options) {
  const data::Picture p = data::read_picture(path, {options.allow_damaged, true});
  std::string text =
      detail::concat(path, ": ", p.kind, ", ", p.columns, " x ", p.rows, " (columns x rows), ", p.frames,
                     " frames, ", p.samples, " samples of ", p.bits_stored, " bits, ", p.photometric);
  if (!p.transfer_syntax.empty()) text += ", transfer syntax " + p.transfer_syntax;
  text += "\nsha256 of the samples: " + data::picture_hash(p);
  if (p.orientation != 1)
    text += detail::concat("\nstored turned (EXIF orientation ", p.orientation, "): read upright as ",
                           p.orientation >= 5 ? p.rows : p.columns, " x ",
                           p.orientation >= 5 ? p.columns : p.rows, ", which boxes refer to");
  if (!p.damage.empty()) text += "\ndamaged: " + p.damage;
  return text;
}

/// Names of tensors and a checkpoint's recipe are words of a file from anywhere.
void print_text(const std::string& text, const Common& common) {
  if (common.json)
    std::printf("%s\n", text.c_str());
  else
    print_lines(text);
}

void run(Common& common, const std::string& path, const data::ReadOptions& options, bool untrusted) {
  common.begin();
  check_file_or_folder(path, "FILE", Code::data);
  if (fs::is_directory(path)) {
    print_text(folder_text(path, common.json), common);
    return;
  }
  const std::string model = model_text(path, common.json);
  if (!model.empty()) {
    print_text(model, common);
    return;
  }
  if (untrusted) data::decode_in_jail("/proc/self/exe");
  if (!common.json) {
    print_lines(picture_text(path, options));
    return;
  }
  bool ok = true;
  const std::string json = data::inspect_picture_json(path, &ok, options);
  std::printf("%s\n", json.c_str());
  if (!ok) {
    data::read_picture(path, options);  // throws the error line and exit code for an unreadable file
  }
}

}  // namespace

void add_inspect(CLI::App& app, Common& common) {
  auto path = std::make_shared<std::string>();
  auto options = std::make_shared<data::ReadOptions>();
  auto untrusted = std::make_shared<std::optional<bool>>();
  CLI::App* sub =
      add_command(app, common, "inspect", "Say what a file is: film, picture, weights, checkpoint, run.",
                  "cawe inspect film.dcm --json");
  sub->add_option("file", *path, "file or run folder")->required();
  sub->add_flag("--allow-damaged", options->allow_damaged,
                "read pixels that are damaged as far as they go, and say so");
  add_decoding(*sub, untrusted.get(), "");
  sub->callback(
      [&common, path, options, untrusted] { run(common, *path, *options, untrusted->value_or(true)); });
}

}  // namespace cawe::apps
