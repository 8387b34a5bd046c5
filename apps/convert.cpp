// SPDX-License-Identifier: Apache-2.0
// cawe convert: a .pth file as safetensors. Nothing in it is executed.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/named_files.h"
#include "apps/outputs.h"
#include "models/weights.h"
#include "tensor/error.h"
#include "tensor/io/safetensors.h"
#include "tensor/io/weights_file.h"
#include "tensor/text.h"
#include "train/checkpoint.h"

namespace cawe::apps {
namespace {

struct Options {
  std::string in, out, map, part;
};

/// "; skipped: args (argparse.Namespace)"
std::string ending(const PthFile& file) {
  const std::string note = file.note();
  return note.empty() ? "" : "; " + printable(note, 2000);
}

/// The file's tensors. A checkpoint of this program says by its digest whether it is whole; what is made of it does not.
PthFile read_whole(const Options& o) {
  if (train::is_checkpoint_file(o.in)) train::load_checkpoint(o.in);
  PthFile file = read_weight_file(o.in, o.part);
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
  const PthFile file = read_whole(o);
  NamedTensors tensors = file.tensors;
  if (o.map == "torchvision") tensors = models::with_current_names(tensors, o.in);
  int64_t values = 0;
  for (const auto& item : tensors) values += item.second.numel();
  save_safetensors(o.out, {tensors, {{"source", "converted by cawe"}}});
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
  sub->add_option("out", o->out, ".safetensors")->required();
  sub->add_option("--part", o->part, "the entry to take where a .pth holds several, e.g. model_ema");
  sub->add_option("--map", o->map, "torchvision: older files' names to today's")
      ->check(CLI::IsMember({"torchvision"}));
  sub->callback([&common, o] { run(common, *o); });
}

}  // namespace cawe::apps
