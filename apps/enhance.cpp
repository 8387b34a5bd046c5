// SPDX-License-Identifier: Apache-2.0
// cawe enhance: films in, enhanced films (PNG) out.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "apps/commands.h"
#include "apps/inputs.h"
#include "data/decode.h"
#include "data/png.h"
#include "tensor/error.h"
#include "tensor/text.h"
#include "train/enhancing.h"

namespace cawe::apps {
namespace fs = std::filesystem;
namespace {

struct Options {
  std::string method, out, classifier, colorizer;
  std::vector<std::string> input;
  double alpha = 0.5;
  bool maps = false, allow_rejects = false, allow_leak = false;
};

void run(Common& common, const Options& o) {
  common.begin();
  train::Recipe recipe;
  recipe.put("enhance.method", o.method);
  recipe.put("enhance.classifier", o.classifier);
  recipe.put("enhance.colorizer", o.colorizer);
  recipe.put("fuse.alpha", o.alpha);
  CAWE_CHECK((o.method != "cawe" && o.method != "color+cawe") || !o.classifier.empty(), Code::usage,
             "--method ", o.method,
             " needs --classifier (a run folder or a checkpoint of a trained classifier)");
  CAWE_CHECK((o.method != "color" && o.method != "color+cawe") || !o.colorizer.empty(), Code::usage,
             "--method ", o.method,
             " needs --colorizer (a run folder or a checkpoint of a trained colorizer)");
  train::Chain chain = train::chain_from(recipe);
  const data::Dataset dataset = read_inputs(o.input);
  std::vector<int64_t> all(dataset.samples.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = int64_t(i);
  const std::string leak = data::check_leaks(dataset, all, chain.trained, o.allow_leak);
  if (!leak.empty()) std::fprintf(stderr, "cawe: warning: %s\n", leak.c_str());
  std::error_code e;
  fs::create_directories(o.out, e);
  CAWE_CHECK(!e, Code::io, o.out, ": cannot be made (", e.message(), ")");
  const auto cawe_method = std::dynamic_pointer_cast<models::CaweEnhancer>(chain.enhancer);
  const NoGrad no_history;
  Progress progress("enhancing", int64_t(dataset.samples.size()), common.quiet);
  for (size_t i = 0; i < dataset.samples.size(); ++i) {
    const data::Sample& sample = dataset.samples[i];
    const Tensor film = train::to_tensor(data::decode_gray(sample));
    data::write_png(o.out + "/" + sample.image_id + ".png", train::to_image(chain.enhancer->apply(film)));
    if (o.maps && cawe_method)
      data::write_png(o.out + "/" + sample.image_id + "_map.png",
                      train::to_image(cawe_method->maps(film).map));
    progress.update(int64_t(i) + 1);
  }
  common.status = report_rejected(dataset, o.out, o.allow_rejects);
  const long long written = static_cast<long long>(dataset.samples.size()),
                  rejected = static_cast<long long>(dataset.rejected.size());
  const long long constant = static_cast<long long>(chain.enhancer->constant_maps());
  if (common.json)
    std::printf("{\"method\":\"%s\",\"written\":%lld,\"rejected\":%lld,\"constant_maps\":%lld}\n",
                o.method.c_str(), written, rejected, constant);
  else
    std::printf("%s: %lld films enhanced by %s, %lld rejected%s. For research use only.\n", o.out.c_str(),
                written, o.method.c_str(), rejected,
                constant > 0 ? (", " + std::to_string(constant) + " maps said nothing").c_str() : "");
}

}  // namespace

void add_enhance(CLI::App& app, Common& common) {
  auto o = std::make_shared<Options>();
  CLI::App* sub =
      add_command(app, common, "enhance", "Enhance films by attention or by contrast methods.",
                  "cawe enhance --method cawe --classifier runs/classifier --input films/ --out enhanced");
  sub->add_option("--method", o->method, "none, cawe, color, color+cawe, afda, medga or clahe")
      ->required()
      ->check(CLI::IsMember(models::enhancer_names()));
  sub->add_option("--input", o->input, "files or folders (DICOM, PNG, JPEG)")->required();
  sub->add_option("--out", o->out, "folder for the enhanced films")->required();
  sub->add_option("--classifier", o->classifier, "run or checkpoint whose attention is used (cawe)");
  sub->add_option("--colorizer", o->colorizer, "run or checkpoint that colors (color, color+cawe)");
  sub->add_option("--alpha", o->alpha, "share of the film that stays (cawe)")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  sub->add_flag("--maps", o->maps, "also write the attention maps (cawe)");
  sub->add_flag("--allow-rejects", o->allow_rejects, "exit 0 although some inputs are bad");
  sub->add_flag("--allow-leak", o->allow_leak, "go on although a patient trained the classifier");
  sub->callback([&common, o] { run(common, *o); });
}

}  // namespace cawe::apps
