// SPDX-License-Identifier: Apache-2.0
// cawe enhance: films in, enhanced films (PNG or DICOM) out.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>

#include "apps/commands.h"
#include "apps/enhanced_files.h"
#include "apps/inputs.h"
#include "apps/named_files.h"
#include "apps/outputs.h"
#include "data/dataset.h"
#include "data/formats/picture/png.h"
#include "data/hash.h"
#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/io/json.h"
#include "tensor/parallel.h"
#include "tensor/stop_signal.h"
#include "tensor/text.h"
#include "train/enhancing.h"

namespace cawe::apps {
namespace fs = std::filesystem;
namespace {

struct Options {
  std::string method, out, classifier, colorizer, format = "png", anon = "keep", patients;
  std::vector<std::string> input, set;
  std::optional<double> alpha;
  bool maps = false, overwrite = false, allow_rejects = false, allow_leak = false, allow_damaged = false;
  std::optional<bool> untrusted;
};

/// "color or color+cawe": the methods that need something, for messages.
template <class Needs>
std::string methods_with(const Needs& needs) {
  std::vector<std::string> names;
  for (const std::string& name : models::enhancer_names())
    if (needs(name)) names.push_back(name);
  const std::string last = names.back();
  names.pop_back();
  return names.empty() ? last : listed(names, ", ", names.size()) + " or " + last;
}

bool fuses(const std::string& method) {
  const std::vector<std::string> sections = models::enhancer_needs(method).sections;
  return std::find(sections.begin(), sections.end(), "fuse") != sections.end();
}

/// Throws usage for an option that would have no effect beside another.
void check_effects(const Options& o) {
  const auto check = [&](bool given, const char* option, const auto& needs, const char* lacks) {
    CAWE_CHECK(!given || needs(o.method), Code::usage, option, ": --method ", o.method, " ", lacks,
               " (expected ", methods_with(needs), ")");
  };
  check(!o.classifier.empty(), "--classifier", train::needs_classifier, "reads no classifier");
  check(!o.colorizer.empty(), "--colorizer", train::needs_colorizer, "does not color");
  check(o.alpha.has_value(), "--alpha", fuses, "has no alpha");
  CAWE_CHECK(o.anon == "keep" || o.format != "png", Code::usage, "--anon ", o.anon,
             ": --format png names no person in a file (expected dicom or same)");
}

/// Throws usage for a key of --set that an option decides.
void check_keys(const train::Recipe& recipe, const Common& common, const Options& o) {
  CAWE_CHECK(recipe.task() == "enhance", Code::usage, recipe.where("task"), " is no key here");
  const std::tuple<const char*, const char*, bool> decided[] = {
      {"enhance.method", "--method", true},
      {"enhance.classifier", "--classifier", true},
      {"enhance.colorizer", "--colorizer", true},
      {"fuse.alpha", "--alpha", o.alpha.has_value()},
      {"medga.seed", "--seed", common.seed_given}};
  for (const auto& [key, option, decides] : decided)
    CAWE_CHECK(!decides || !recipe.has(key), Code::usage, recipe.where(key), " is what ", option,
               " says here (expected that alone)");
}

train::Chain make_chain(const Common& common, const Options& o) {
  CAWE_CHECK(!train::needs_classifier(o.method) || !o.classifier.empty(), Code::usage, "--method ", o.method,
             " needs --classifier (a run folder or a checkpoint of a trained classifier)");
  CAWE_CHECK(!train::needs_colorizer(o.method) || !o.colorizer.empty(), Code::usage, "--method ", o.method,
             " needs --colorizer (a run folder or a checkpoint of a trained colorizer)");
  check_effects(o);
  train::Recipe recipe = train::Recipe::parse("", "--set", "enhance", o.set);
  check_keys(recipe, common, o);
  recipe.put("enhance.method", o.method);
  recipe.put("enhance.classifier", o.classifier);
  if (!o.colorizer.empty()) recipe.put("enhance.colorizer", o.colorizer);
  if (o.alpha) recipe.put("fuse.alpha", *o.alpha);
  if (common.seed_given) recipe.put("medga.seed", int64_t(common.seed));
  if (!common.quiet) warn(recipe);
  return train::chain_from(recipe);
}

OutputStyle style_of(const Options& o, const train::Chain& chain) {
  OutputStyle style;
  style.format = o.format == "png"     ? OutputFormat::png
                 : o.format == "dicom" ? OutputFormat::dicom
                                       : OutputFormat::same;
  style.identity = o.anon == "keep" ? data::Identity::keep : data::Identity::hash;
  style.method = o.method;
  style.description =
      "Enhanced by cawe " CAWE_VERSION ", for research use only: " + chain.enhancer->settings();
  if (!chain.classifier.bytes.empty())
    style.description += ", classifier sha256 " + data::sha256(chain.classifier.bytes);
  if (!chain.colorizer.bytes.empty())
    style.description += ", colorizer sha256 " + data::sha256(chain.colorizer.bytes);
  return style;
}

/// A film as it is read again: those of a folder do not fit into memory all at once.
struct Source {
  std::string bytes;
  data::DecodedFilm film;
};

Source read_source(const data::Sample& sample, const OutputStyle& style) {
  Source source{data::read_film(sample), {}};
  data::ReadOptions options;
  options.allow_damaged = sample.allow_damaged;
  options.origin = style.format != OutputFormat::png;
  source.film = data::decode_film(source.bytes, sample.path, options);
  return source;
}

/// Writes one film's files, the map first: if the film is there, everything is.
void enhance_film(const Source& source, const data::Sample& sample, const std::string& to,
                  const std::string& map_to, models::Enhancer& enhancer, const OutputStyle& style) {
  const NoGrad no_history;
  const data::DecodedFilm& film = source.film;
  make_folders(fs::path(to).parent_path().string());
  const Tensor gray = train::to_tensor(film.image);
  const std::string out =
      encode_enhanced(train::to_image(enhancer.apply(gray)), film, source.bytes, sample, style);
  if (!map_to.empty()) data::write_png(map_to, train::to_image(enhancer.map(gray)));
  try {
    write_file(to, out);
  } catch (...) {
    std::error_code ignored;
    if (!map_to.empty()) fs::remove(map_to, ignored);
    throw;
  }
}

/// Enhances all films, on a CPU several at a time. Returns for each what is wrong with it; empty where it is written.
std::vector<std::string> enhance_all(const data::Dataset& dataset, const OutputNames& names,
                                     models::Enhancer& enhancer, const OutputStyle& style,
                                     const Common& common) {
  const size_t count = dataset.samples.size();
  std::vector<std::string> problem(count);
  std::mutex mutex;
  int64_t done = 0;
  Progress progress("enhancing", int64_t(count), common.quiet);
  const auto one = [&](int64_t i) {
    check_stop("enhancing (each film that is written is whole; --overwrite makes all of them again)");
    const data::Sample& sample = dataset.samples[size_t(i)];
    bool is_read = false;
    try {
      const Source source = read_source(sample, style);
      is_read = true;
      enhance_film(source, sample, names.film(size_t(i)), names.map(size_t(i)), enhancer, style);
    } catch (const Error& error) {
      // What fails in writing (a full disk) will fail for every film.
      if (is_read ? error.code() != Code::data : !data::rejects_one_film(error.code())) throw;
      problem[size_t(i)] = error.what();
    }
    const std::lock_guard<std::mutex> lock(mutex);
    progress.update(++done);
  };
  if (common.device_kind() == Device::cpu)
    parallel_tasks(int64_t(count), one);
  else
    for (int64_t i = 0; i < int64_t(count); ++i) one(i);
  return problem;
}

/// Every file that is read and may not be written over.
ReadFiles read_files(const Options& o, const InputFiles& files) {
  std::vector<std::string> read;
  for (const std::string& named : {o.classifier, o.colorizer, o.patients})
    if (!named.empty()) read.push_back(named);
  for (const InputFile& film : files.films) read.push_back(film.path);
  return ReadFiles(read);
}

/// The films as they are named, before any is read.
data::Dataset named_films(const InputFiles& files) {
  data::Dataset named;
  for (const InputFile& film : files.films) {
    named.samples.emplace_back();
    named.samples.back().path = film.path;
    named.samples.back().image_id = film.id;
  }
  return named;
}

void run(Common& common, const Options& o) {
  common.begin();
  check_out_folder(o.out, "--out");
  choose_decoding(o.input, o.untrusted);
  check_lists(o.out);
  const InputFiles files = list_inputs(o.input);
  check_file_or_folder(o.classifier, "--classifier");
  check_file_or_folder(o.colorizer, "--colorizer");
  check_file(o.patients, "--patients");
  const ReadFiles read = read_files(o, files);
  read.keep(rejected_path(o.out), "--out");
  read.keep(damaged_path(o.out), "--out");
  train::Chain chain = make_chain(common, o);
  const bool maps = o.maps && bool(chain.enhancer->map(Tensor::zeros({1, 1, 32, 32})));
  CAWE_CHECK(maps || !o.maps, Code::usage, "--maps: --method ", o.method, " has no map");
  const OutputStyle style = style_of(o, chain);
  // What the names of the outputs speak against is said before anything is read and an earlier list removed.
  OutputNames(named_films(files), o.out, style, maps, o.overwrite, read);
  Inputs inputs = read_inputs(files, o.out, common.quiet, o.allow_damaged);
  data::Dataset& dataset = inputs.dataset;
  if (!o.patients.empty()) name_patients(&inputs, o.patients);
  const bool leak =
      !check_input_leaks(inputs, chain.trained, {o.classifier, o.colorizer}, o.allow_leak).empty();
  const OutputNames names(dataset, o.out, style, maps, o.overwrite, read);
  make_folders(o.out);
  const std::vector<std::string> problem = enhance_all(dataset, names, *chain.enhancer, style, common);
  const size_t written = reject_films(&dataset, problem, o.out).size();
  const size_t damaged = report_damaged(dataset, o.out);
  common.status = report_rejected(dataset, o.out, o.allow_rejects);
  const size_t rejected = dataset.rejected.size();
  const long long constant = static_cast<long long>(chain.enhancer->constant_maps());
  Json result{{"method", o.method},
              {"out", o.out},
              {"format", o.format},
              {"written", written},
              {"rejected", rejected},
              {"damaged", damaged},
              {"left_out", Json(files.left_out)},
              {"constant_maps", constant},
              {"settings", json_ready(chain.enhancer->settings())}};
  if (leak) result["leak"] = "allowed";
  if (common.json)
    print_json(result);
  else
    print_lines(detail::concat(o.out, ": ", counted(int64_t(written), "film"), " enhanced by ", o.method,
                               ", ", rejected, " rejected",
                               damaged > 0 ? ", " + std::to_string(damaged) + " damaged" : "",
                               constant > 0 ? ", " + counted(constant, "map") + " said nothing" : "",
                               leak ? ", a leak was allowed" : "", ". For research use only."));
}

}  // namespace

void add_enhance(CLI::App& app, Common& common) {
  auto o = std::make_shared<Options>();
  CLI::App* sub =
      add_command(app, common, "enhance", "Enhance films by attention, by colour or by contrast methods.",
                  "cawe enhance --method cawe --classifier runs/classifier --input films/ --out enhanced");
  sub->add_option("--method", o->method, "how")->required()->check(CLI::IsMember(models::enhancer_names()));
  sub->add_option("--input", o->input, kInputHelp)->required();
  sub->add_option("--out", o->out,
                  "folder for the enhanced films: OUT/ID.png, with the folders of the id (p1/view1.png)")
      ->required();
  sub->add_option(
      "--classifier", o->classifier,
      "run or checkpoint whose attention is used (" + methods_with(train::needs_classifier) + ")");
  sub->add_option("--colorizer", o->colorizer,
                  "run or checkpoint that colors (" + methods_with(train::needs_colorizer) + ")");
  const train::Rule& fusion = *train::find_key("fuse.alpha")->rule(train::kEnhance);
  sub->add_option("--alpha", o->alpha,
                  "share of the film that stays where a map is fused (default " +
                      train::toml_text(*fusion.value) + ")")
      ->check(CLI::Range(0.0, 1.0));
  sub->add_option("--patients", o->patients, kPatientsHelp);
  sub->add_option("--set", o->set, "key=value of a recipe, e.g. afda.range=minmax; may be repeated")
      ->allow_extra_args(false);
  sub->add_option("--format", o->format,
                  "png (16 bits where the film has more than 8), dicom (a derived image), or same (DICOM "
                  "stays DICOM)")
      ->check(CLI::IsMember({"png", "dicom", "same"}))
      ->capture_default_str();
  sub->add_option("--anon", o->anon,
                  "DICOM output: keep PatientID and study, or hash the id and renew the study")
      ->check(CLI::IsMember({"keep", "hash"}))
      ->capture_default_str();
  sub->add_flag("--maps", o->maps, "also write the maps that are fused, as ID_map.png");
  sub->add_flag("--overwrite", o->overwrite, "replace files that are there already");
  sub->add_flag("--allow-rejects", o->allow_rejects, "exit 0 although some inputs are bad");
  add_decoding(*sub, &o->untrusted);
  sub->add_flag("--allow-damaged", o->allow_damaged, kAllowDamagedHelp);
  sub->add_flag("--allow-leak", o->allow_leak, "go on although a patient trained a model of the chain");
  sub->callback([&common, o] { run(common, *o); });
}

}  // namespace cawe::apps
