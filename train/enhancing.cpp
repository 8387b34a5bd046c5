// SPDX-License-Identifier: Apache-2.0
#include "train/enhancing.h"
#include "tensor/backend.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "data/hash.h"
#include "tensor/io/files.h"
#include "tensor/text.h"
#include "train/label_choice.h"
#include "train/model_recipe.h"
#include "train/source_weights.h"

namespace cawe::train {
namespace {

/// Indices, in the classifier's labels, of the labels that `key` names.
std::vector<int64_t> label_numbers(const Recipe& recipe, const std::string& key, const Strings& labels) {
  std::vector<int64_t> numbers;
  if (labels.empty()) return numbers;  // no classifier, so they are not used
  for (const std::string& name : recipe.words(key)) {
    const auto found = std::find(labels.begin(), labels.end(), name);
    CAWE_CHECK(found != labels.end(), recipe.blame(key), recipe.where(key), " names \"", name,
               "\", which the classifier does not know (nearest: ", nearest_name(name, labels), ")");
    numbers.push_back(found - labels.begin());
  }
  return numbers;
}

/// cam.exclude_labels; nothing where there is no classifier, or where cam.targets say which classes count.
std::vector<int64_t> excluded(const Recipe& recipe, const Strings& labels) {
  const std::string key = "cam.exclude_labels";
  if (labels.empty() || !recipe.words("cam.targets").empty()) return {};
  std::vector<int64_t> numbers = label_numbers(recipe, key, labels);
  const std::set<int64_t> different(numbers.begin(), numbers.end());
  CAWE_CHECK(different.size() < labels.size(), recipe.blame(key), recipe.where(key),
             " holds every label of the classifier (", listed(labels),
             "), so that none may be active (expected to leave one at least)");
  return numbers;
}

models::CaweSettings cam_from(const Recipe& recipe, const std::vector<std::string>& labels) {
  models::CaweSettings s;
  s.method = models::cam_method(recipe.word("cam.method"));
  s.act_threshold = recipe.number("cam.act_threshold");
  s.if_none = models::empty_set(recipe.word("cam.if_none"));
  s.norm = models::map_norm(recipe.word("cam.norm"));
  s.constant = models::constant_map(recipe.word("cam.constant"));
  s.norm_before_resize = recipe.flag("cam.norm_before_resize");
  s.closed_form = recipe.flag("cam.closed_form");
  s.exclude_labels = excluded(recipe, labels);
  s.targets = label_numbers(recipe, "cam.targets", labels);
  return s;
}

/// The values of all methods' own keys.
models::MethodValues values_from(const Recipe& recipe) {
  models::MethodValues values;
  for (const models::Method& method : models::methods())
    for (const models::MethodKey& key : method.keys) {
      if (!recipe.value(key.name)) continue;  // no key of this task: the method has its default
      if (std::holds_alternative<double>(key.otherwise))
        values.set(key.name, recipe.number(key.name));
      else if (std::holds_alternative<int64_t>(key.otherwise))
        values.set(key.name, recipe.whole(key.name));
      else
        values.set(key.name, recipe.word(key.name));
    }
  return values;
}

/// The file that a person's recipe names; "" for a checkpoint's, whose chain is inside it: what it names may be anything.
std::string file_from(const Recipe& recipe, const std::string& key) {
  return recipe.blame(key) == Code::data ? "" : recipe.word(key);
}

/// Throws where films are read in colour for a method, all of which take gray ones. `cawe enhance` has no such key: it
/// reads every film as gray.
void check_gray_films(const Recipe& recipe, const std::string& method) {
  const std::string key = "image.color";
  CAWE_CHECK(method == "none" || recipe.value(key) != Value(true), recipe.blame(key), recipe.where(key),
             " is true, and enhance.method = \"", method,
             "\" takes gray films (expected false, or enhance.method = \"none\")");
}

/// Loads the classifier of methods that look at a map, from a file or from a checkpoint's chain.
void add_classifier(Recipe& recipe, const std::map<std::string, std::string>& embedded, Chain* chain,
                    models::EnhancerOptions* o) {
  if (!needs_classifier(chain->method)) return;
  const std::string file = file_from(recipe, "enhance.classifier");
  const auto inside = embedded.find("classifier");
  CAWE_CHECK(inside != embedded.end() || !file.empty(), recipe.blame("enhance.classifier"), recipe.source(),
             ": enhance.method = \"", chain->method,
             "\" needs enhance.classifier (a run folder or a checkpoint of a trained classifier)");
  // What messages about the classifier begin with: the name that it was given by, in a recipe or on a command line.
  const std::string source = inside != embedded.end() ? recipe.source() + " (its classifier)" : file;
  chain->classifier = inside != embedded.end() ? parse_classifier(inside->second, source)
                                               : load_classifier(weights_named(recipe, "enhance.classifier"));
  const int64_t input = recipe.whole("cam.input");
  o->classifier = chain->classifier.net;
  o->cam_input = input >= 0 ? input : chain->classifier.image_size;
  chain->trained.push_back(chain->classifier.patients);
  // Classes that are named count whatever is active, so that there is nothing to exclude.
  if (recipe.words("cam.targets").empty() && !recipe.has("cam.exclude_labels"))
    recipe.fill("cam.exclude_labels",
                labels_without_place(chain->classifier.labels, recipe.blame("cam.exclude_labels"), source));
}

/// Loads the colorizer of "color" and "color+cawe" from a file or from a checkpoint's chain.
void add_colorizer(Recipe& recipe, const std::map<std::string, std::string>& embedded, Chain* chain,
                   models::EnhancerOptions* o) {
  if (!needs_colorizer(chain->method)) return;
  const std::string file = file_from(recipe, "enhance.colorizer");
  const auto inside = embedded.find("colorizer");
  CAWE_CHECK(inside != embedded.end() || !file.empty(), recipe.blame("enhance.colorizer"), recipe.source(),
             ": enhance.method = \"", chain->method,
             "\" needs enhance.colorizer (a run folder or a checkpoint of a trained colorizer)");
  chain->colorizer = inside != embedded.end()
                         ? parse_colorizer(inside->second, recipe.source() + " (its colorizer)")
                         : load_colorizer(weights_named(recipe, "enhance.colorizer"));
  o->colorizer = chain->colorizer.net;
  o->color = color_from(recipe, chain->colorizer.settings);
  chain->trained.push_back(chain->colorizer.patients);
}

}  // namespace

bool needs_classifier(const std::string& method) { return models::enhancer_needs(method).classifier; }

bool needs_colorizer(const std::string& method) { return models::enhancer_needs(method).colorizer; }

LoadedClassifier parse_classifier(const std::string& bytes, const std::string& source) {
  const Checkpoint c = parse_checkpoint(bytes, source);
  const Recipe recipe = Recipe::of_checkpoint(c.recipe, source + " (its recipe)");
  CAWE_CHECK(recipe.task() == "classifier", Code::data, source, ": a checkpoint of task \"", recipe.task(),
             "\" (expected a classifier)");
  const std::string films = recipe.word("enhance.method");
  CAWE_CHECK(films == "none", Code::data, source, ": trained on films enhanced by ", films,
             " (expected a classifier of plain films: attention looks at those)");
  LoadedClassifier out;
  out.bytes = bytes;
  out.labels = recipe.words("labels");
  out.image_size = recipe.whole("image.size");
  out.net = with_weights(c.model(), source, [&] {
    return std::make_shared<models::Classifier>(classifier_from(recipe, int64_t(out.labels.size())));
  });
  out.net->to(compute_device());
  out.net->train(false);
  out.patients = data::parse_manifest("classifier " + source, c.manifest);
  return out;
}

namespace {

/// A run that was stopped gives weights as a finished one does: whoever takes it should know. A file was chosen by name.
void warn_of_stopped(const std::string& run, const Checkpoint& taken) {
  const std::vector<int64_t> there = checkpoint_steps(run);
  const int64_t steps = Recipe::of_checkpoint(taken.recipe, run + " (its recipe)").whole("train.steps");
  if (there.empty() || there.front() >= steps) return;
  // The best checkpoint is from before the end and does not know of it.
  const Checkpoint newest = taken.step == there.front() ? taken : newest_checkpoint(run);
  const auto early = newest.state.find("stopped_early");
  if (early != newest.state.end() && early->second == "1") return;
  warn_once(run + ": was trained to step " + std::to_string(there.front()) + " of " + std::to_string(steps) +
            " (`cawe train` with --resume goes on)");
}

}  // namespace

LoadedClassifier load_classifier(const std::string& path) {
  const Checkpoint taken = load_run_or_file(path);
  LoadedClassifier loaded = parse_classifier(checkpoint_bytes(taken.model_alone()), path);
  if (std::filesystem::is_directory(path)) warn_of_stopped(path, taken);
  return loaded;
}

Chain chain_from(Recipe& recipe, const std::map<std::string, std::string>& embedded) {
  Chain chain;
  chain.method = recipe.word("enhance.method");
  check_gray_films(recipe, chain.method);
  models::EnhancerOptions o;
  o.alpha = recipe.number("fuse.alpha");
  o.values = values_from(recipe);
  add_classifier(recipe, embedded, &chain, &o);
  o.cam = cam_from(recipe, chain.classifier.labels);
  add_colorizer(recipe, embedded, &chain, &o);
  chain.enhancer = models::make_enhancer(chain.method, o);
  return chain;
}

std::string chain_identity(const Chain& chain) {
  std::string identity = chain.enhancer->settings();
  if (chain.classifier.net) identity += " classifier " + data::sha256(chain.classifier.bytes);
  if (chain.colorizer.net) identity += " colorizer " + data::sha256(chain.colorizer.bytes);
  return identity;
}

Chain in_training(const Chain& chain, uint64_t seed) {
  Chain trains = chain;
  if (auto other = chain.enhancer->in_training(seed)) trains.enhancer = std::move(other);
  return trains;
}

Tensor to_tensor(const data::FloatImage& image) {
  const Tensor rows = Tensor::from(image.pixels, {1, image.height, image.width, image.channels});
  return rows.permute({0, 3, 1, 2}).contiguous();
}

data::FloatImage to_image(const Tensor& tensor, int64_t n) {
  const Tensor one = tensor.slice(0, n, n + 1).to(Device::cpu).permute({0, 2, 3, 1}).contiguous();
  data::FloatImage image(int(tensor.dim(3)), int(tensor.dim(2)), int(tensor.dim(1)));
  const float* p = one.data<float>();
  std::copy(p, p + one.numel(), image.pixels.begin());
  return image;
}

std::function<void(data::FloatImage&, const data::Sample&)> enhance_callback(const Chain& chain) {
  if (chain.method == "none") return {};
  const std::shared_ptr<models::Enhancer> enhancer = chain.enhancer;
  return [enhancer](data::FloatImage& image, const data::Sample&) {
    const NoGrad no_history;
    image = to_image(enhancer->apply(to_tensor(image)));
  };
}

}  // namespace cawe::train
