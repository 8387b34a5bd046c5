// SPDX-License-Identifier: Apache-2.0
// cawe convert: a .pth file as safetensors. Nothing in it is executed.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/named_files.h"
#include "apps/outputs.h"
#include "data/leak.h"
#include "models/weights.h"
#include "tensor/error.h"
#include "tensor/io/file_beginning.h"
#include "tensor/io/files.h"
#include "tensor/io/safetensors.h"
#include "tensor/io/weights_file.h"
#include "tensor/text.h"
#include "train/checkpoint.h"
#include "train/source_weights.h"

namespace cawe::apps {
namespace fs = std::filesystem;
namespace {

struct Options {
  std::string in, out, map, part;
};

/// "; skipped: args (argparse.Namespace)"
std::string ending(const PthFile& file) {
  const std::string note = file.note();
  return note.empty() ? "" : "; " + printable(note, 2000);
}

/// Throws usage where a file of another kind would be lost: `cawe convert *.pth` may name two models. An empty one and
/// an open one (/dev/stdout) lose nothing.
void check_replaced(const std::string& out) {
  std::error_code error;
  if (!fs::is_regular_file(out, error) || fs::file_size(out, error) == 0 || is_open_file(out)) return;
  const std::string begin = read_beginning(out, 10);
  CAWE_CHECK(looks_like_safetensors(begin.data(), begin.size()), Code::usage, out,
             ": is there and is no safetensors file (expected a new name for OUT, or a .safetensors file to "
             "replace)");
}

/// The file, with who trained it as convert keeps that. A checkpoint of this program says by its digest whether it is
/// whole; what is made of it does not.
PthFile read_whole(const Options& o) {
  std::string manifest;
  if (train::is_checkpoint_file(o.in)) manifest = train::load_checkpoint(o.in).manifest_with_chain(o.in);
  PthFile file = read_weight_file(o.in, o.part);
  if (manifest.empty()) manifest = train::kept_manifest(file);
  file.metadata = {{"source", "converted by cawe"}};
  if (!manifest.empty())
    file.metadata[train::kManifestKey] = data::manifest_text(data::parse_manifest(o.in, manifest));
  for (const auto& item : file.tensors)
    CAWE_CHECK(can_name_tensor(item.first), Code::data, o.in, ": \"", printable(item.first, 100),
               "\" cannot name a tensor of safetensors (expected UTF-8, at least one character, no NUL, not ",
               "__metadata__)");
  if (!file.widened.empty())
    warning(detail::concat(o.in, ": ", counted(int64_t(file.widened.size()), "tensor"), " of int8/int16 ",
                           file.widened.size() == 1 ? "is" : "are", " written as int32"));
  return file;
}

void run(Common& common, const Options& o) {
  common.begin();
  check_file(o.in, "IN");
  check_out_file(o.out, "OUT");
  ReadFiles({o.in}).keep(o.out, "OUT");
  check_replaced(o.out);
  const PthFile file = read_whole(o);
  NamedTensors tensors = file.tensors;
  if (o.map == "torchvision") tensors = models::with_current_names(tensors, o.in);
  int64_t values = 0;
  for (const auto& item : tensors) values += item.second.numel();
  save_safetensors(o.out, {tensors, file.metadata});
  if (common.json)
    print_json({{"out", o.out},
                {"tensors", tensors.size()},
                {"values", values},
                {"part", file.part},
                {"parts", file.parts},
                {"skipped", file.skipped}});
  else
    print_lines(detail::concat(o.out, ": ", tensors.size(), " tensors, ", values, " values", ending(file)));
}

}  // namespace

void add_convert(CLI::App& app, Common& common) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = add_command(app, common, "convert", "Turn PyTorch's .pth weights into safetensors.",
                              "cawe convert resnet50.pth resnet50.safetensors --map torchvision");
  sub->add_option("in", o->in, ".pth (zip or legacy) or .safetensors")->required();
  sub->add_option(
         "out", o->out,
         ".safetensors; a file of another kind is not replaced. Made of a checkpoint, it keeps whose films "
         "trained that")
      ->required();
  sub->add_option("--part", o->part, "the entry to take where a .pth holds several, e.g. model_ema");
  sub->add_option("--map", o->map, "torchvision: older files' names to today's")
      ->check(CLI::IsMember({"torchvision"}));
  sub->callback([&common, o] { run(common, *o); });
}

}  // namespace cawe::apps
