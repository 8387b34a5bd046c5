// SPDX-License-Identifier: Apache-2.0
// cawe convert: a .pth file as safetensors. Nothing in it is executed.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/outputs.h"
#include "models/weights.h"
#include "tensor/error.h"
#include "tensor/io/weights_file.h"

namespace cawe::apps {
namespace {

struct Options {
  std::string in, out, map;
};

void run(Common& common, const Options& o) {
  common.begin();
  ReadFiles({o.in}).keep(o.out, "OUT");
  NamedTensors tensors = load_weight_file(o.in);
  if (o.map == "torchvision") tensors = models::with_current_names(tensors);
  int64_t values = 0;
  for (const auto& item : tensors) values += item.second.numel();
  save_safetensors(o.out, {tensors, {{"source", "converted by cawe"}}});
  if (common.json)
    print_json({{"out", o.out}, {"tensors", tensors.size()}, {"values", values}});
  else
    print_lines(detail::concat(o.out, ": ", tensors.size(), " tensors, ", values, " values"));
}

}  // namespace

void add_convert(CLI::App& app, Common& common) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = add_command(app, common, "convert", "Turn PyTorch's .pth weights into safetensors.",
                              "cawe convert resnet50.pth resnet50.safetensors --map torchvision");
  sub->add_option("in", o->in, ".pth (zip or legacy) or .safetensors")->required();
  sub->add_option("out", o->out, ".safetensors")->required();
  sub->add_option("--map", o->map, "torchvision: older files' names to today's")
      ->check(CLI::IsMember({"torchvision"}));
  sub->callback([&common, o] { run(common, *o); });
}

}  // namespace cawe::apps
