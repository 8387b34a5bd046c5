// SPDX-License-Identifier: Apache-2.0
// cawe phantom: procedural chests or colour scenes as files.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/named_files.h"
#include "data/phantom/chest.h"
#include "data/phantom/scenes.h"
#include "tensor/error.h"

namespace cawe::apps {
namespace {

struct Options {
  std::string out, kind = "chest", format = "dicom", difficulty = "easy";
  int64_t images = 200, first_patient = 0;
  int size = 128;
  double lesion_free = 0.4;
};

void run(Common& common, const Options& o) {
  common.begin();
  check_out_folder(o.out, "--out");
  if (o.kind == "scenes") {
    data::SceneOptions scenes;
    scenes.out = o.out;
    scenes.images = o.images;
    scenes.size = o.size;
    scenes.seed = common.seed;
    data::write_scenes(scenes);
  } else {
    data::PhantomOptions phantoms;
    phantoms.out = o.out;
    phantoms.images = o.images;
    phantoms.first_patient = o.first_patient;
    phantoms.format = o.format;
    phantoms.chest.size = o.size;
    phantoms.chest.seed = common.seed;
    phantoms.chest.lesion_free = o.lesion_free;
    phantoms.chest.difficulty = o.difficulty == "hard" ? data::Difficulty::hard : data::Difficulty::easy;
    data::write_phantoms(phantoms);
  }
  if (common.json)
    print_json({{"out", o.out}, {"kind", o.kind}, {"images", o.images}});
  else
    std::printf(
        "%s: %lld %s\n", o.out.c_str(), static_cast<long long>(o.images),
        o.kind == "scenes" ? "colour scenes" : "procedural chest films (not evidence about patients)");
}

}  // namespace

void add_phantom(CLI::App& app, Common& common) {
  auto o = std::make_shared<Options>();
  CLI::App* sub =
      add_command(app, common, "phantom", "Make procedural chest films with lesions, or colour scenes.",
                  "cawe phantom --out phantoms --images 500 --size 128 --seed 1");
  sub->add_option("--out", o->out, "folder to make")->required();
  sub->add_option("--kind", o->kind, "chest or scenes")
      ->check(CLI::IsMember({"chest", "scenes"}))
      ->capture_default_str();
  sub->add_option("--images", o->images, "how many")
      ->check(CLI::Range(int64_t(1), int64_t(1000000)))
      ->capture_default_str();
  sub->add_option("--first-patient", o->first_patient,
                  "number of the first patient: films of others than another set's (chests)")
      ->check(CLI::Range(int64_t(0), int64_t(100000000)))
      ->capture_default_str();
  sub->add_option("--size", o->size, "pixels a side")->check(CLI::Range(16, 4096))->capture_default_str();
  sub->add_option("--format", o->format, "dicom or png (chests)")
      ->check(CLI::IsMember({"dicom", "png"}))
      ->capture_default_str();
  sub->add_option("--difficulty", o->difficulty, "easy or hard (chests)")
      ->check(CLI::IsMember({"easy", "hard"}))
      ->capture_default_str();
  sub->add_option("--lesion-free", o->lesion_free, "share of films without a lesion")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  sub->callback([&common, o] { run(common, *o); });
}

}  // namespace cawe::apps
