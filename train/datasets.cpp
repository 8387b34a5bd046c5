// SPDX-License-Identifier: Apache-2.0
#include "train/datasets.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

#include "data/dataset.h"
#include "data/decode.h"
#include "data/formats/annotations/chexpert.h"
#include "data/formats/annotations/coco.h"
#include "data/formats/annotations/imagenet.h"
#include "data/formats/annotations/label_csv.h"
#include "data/formats/annotations/rsna.h"
#include "data/formats/annotations/voc.h"
#include "data/hash.h"
#include "tensor/error.h"

namespace cawe::train {
namespace {

/// The keys of one section.
class Section {
 public:
  Section(Recipe& recipe, std::string name) : recipe_(recipe), name_(std::move(name)) {}
  std::string key(const std::string& k) const { return name_ + "." + k; }
  std::string word(const std::string& k, const std::string& otherwise) {
    return recipe_.word(key(k), otherwise);
  }
  Recipe& recipe() { return recipe_; }

 private:
  Recipe& recipe_;
  std::string name_;
};

std::string joined(const std::string& root, const std::string& path) {
  return path.empty() ? "" : root + "/" + path;
}

/// Parses "word = label".
std::vector<std::pair<std::string, std::string>> parse_findings(Recipe& recipe, const std::string& key) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const std::string& item : recipe.words(key, {})) {
    const size_t equals = item.find(" = ");
    CAWE_CHECK(equals != std::string::npos, Code::usage, recipe.where(key), " holds \"", item,
               "\" (expected \"word in the table = label\", or \"word = \" for none)");
    out.emplace_back(item.substr(0, equals), item.substr(equals + 3));
  }
  return out;
}

data::Dataset read_table(Section& s, const std::string& root, const std::string& images) {
  data::LabelCsvOptions o;
  o.csv = joined(root, s.word("labels_csv", "metadata.csv"));
  o.images_dir = images;
  o.image_column = s.word("image_column", "image");
  o.patient_column = s.word("patient_column", "patient");
  o.patient_prefix = s.word("patient_prefix", "");
  o.extension = s.word("extension", "");
  o.label_columns = s.recipe().words(s.key("label_columns"), {});
  o.sex_column = s.word("sex_column", o.sex_column);
  o.age_column = s.word("age_column", o.age_column);
  o.view_column = s.word("view_column", o.view_column);
  o.finding_column = s.word("finding_column", "");
  o.finding_separator = s.word("finding_separator", "");
  o.findings = parse_findings(s.recipe(), s.key("findings"));
  data::Dataset dataset = data::read_label_csv(o);
  const std::string boxes = s.word("boxes", ""), box_class = s.word("box_class", "lesion");
  if (!boxes.empty()) data::attach_rsna_boxes(&dataset, joined(root, boxes), box_class);
  return dataset;
}

data::Dataset read_rsna(Section& s, const std::string& root, const std::string& images, bool by_image) {
  data::RsnaOptions o;
  o.labels_csv = joined(root, s.word("labels_csv", "stage_2_train_labels.csv"));
  o.classes_csv = joined(root, s.word("classes_csv", "stage_2_detailed_class_info.csv"));
  const std::string mapping =
      s.word("mapping", by_image ? "" : "pneumonia-challenge-dataset-mappings_2018.json");
  o.mapping_json = joined(root, mapping);
  o.images_dir = images;
  o.extension = s.word("extension", ".dcm");
  o.labels = s.recipe().choice(s.key("rsna_labels"), "detailed", {"detailed", "target"}) == "detailed"
                 ? data::RsnaLabels::detailed
                 : data::RsnaLabels::target;
  o.split_by_image = by_image;
  return data::read_rsna(o);
}

/// `tested` gets the images of data.test_csv.
data::Dataset read_chexpert(Section& s, const std::string& root, std::set<std::string>* tested) {
  using Options = data::ChexpertOptions;
  Recipe& r = s.recipe();
  Options o;
  o.csv = joined(root, s.word("labels_csv", "train.csv"));
  o.root = root;
  o.strip_prefix = s.word("strip_prefix", o.strip_prefix);
  const std::string uncertain = r.choice(s.key("uncertain"), "ones", {"ones", "zeros", "ignore"});
  o.uncertain = uncertain == "ones"    ? Options::Uncertain::ones
                : uncertain == "zeros" ? Options::Uncertain::zeros
                                       : Options::Uncertain::ignore;
  o.blank = r.choice(s.key("blank"), "zero", {"zero", "ignore"}) == "zero" ? Options::Blank::zero
                                                                           : Options::Blank::ignore;
  const std::string views = r.choice(s.key("views"), "frontal", {"frontal", "lateral", "all"});
  o.views = views == "frontal"   ? Options::Views::frontal
            : views == "lateral" ? Options::Views::lateral
                                 : Options::Views::all;
  data::Dataset all = data::read_chexpert(o);
  const std::string official = s.word("test_csv", "");
  if (official.empty()) return all;
  o.csv = joined(root, official);
  std::set<std::string> others;
  for (const data::Sample& sample : all.samples) others.insert(sample.image_id);
  for (data::Sample& sample : data::read_chexpert(o).samples) {
    CAWE_CHECK(others.count(sample.image_id) == 0, Code::data, o.csv, ": image ", sample.image_id,
               " is in the other table, too (expected films of other persons)");
    tested->insert(sample.image_id);
    all.samples.push_back(std::move(sample));
  }
  data::count_samples(&all);
  return all;
}

data::Dataset read_voc(Section& s, const std::string& root, const std::string& images) {
  data::VocOptions o;
  o.annotations_dir = joined(root, s.word("annotations", "annotations"));
  o.images_dir = images;
  o.class_names = s.recipe().words(s.key("class_names"), {});
  o.one_based = s.recipe().flag(s.key("one_based"), true);
  return data::read_voc(o);
}

data::Split make_split(Section& s, const data::Dataset& dataset, const std::string& root, bool by_image) {
  const std::string how =
      s.recipe().choice(s.key("split"), "patient", {"patient", "name_hash", "file", "k_folds", "all"});
  data::SplitOptions o;
  o.seed = uint64_t(s.recipe().whole(s.key("split_seed"), 2018, 0, INT64_MAX));
  o.stratify = s.recipe().flag(s.key("stratify"), true);
  o.unit = by_image ? data::SplitUnit::image : data::SplitUnit::patient;
  if (how == "patient") {
    o.test = s.recipe().real(s.key("test"), 0.2, 0, 1);
    o.val = s.recipe().real(s.key("val"), 0.1, 0, 1);
    return data::split_by_patient(dataset, o);
  }
  if (how == "name_hash")
    return data::split_by_name_hash(
        dataset, s.recipe().whole(s.key("train_count"), 0, 0, int64_t(dataset.samples.size())));
  if (how == "file")
    return data::read_split(
        joined(root, s.recipe().needed_word(s.key("split_file"), "a CSV image,patient,fold")), dataset);
  if (how == "k_folds") return data::split_k_folds(dataset, s.recipe().whole(s.key("folds"), 5, 2, 1000), o);
  data::Split all;
  all.fold.assign(dataset.samples.size(), "test");
  return all;
}

/// Makes the images of data.test_csv the test fold. Throws usage where the split put others in it, leak where
/// one of its patients is in another fold.
void test_official(Section& s, const std::set<std::string>& tested, const data::Dataset& dataset,
                   data::Split* split) {
  if (tested.empty()) return;
  for (size_t i = 0; i < split->fold.size(); ++i) {
    const bool official = tested.count(dataset.samples[i].image_id) > 0;
    CAWE_CHECK(official || split->fold[i] != "test", Code::usage, s.recipe().where(s.key("test_csv")),
               ": the split has a test fold of its own (expected ", s.key("test"), " = 0 beside it)");
    if (official) split->fold[i] = "test";
  }
  data::check_patients_apart(dataset, *split);
}

/// Files enter by size, not by content: reading a quarter of a million films only to hash them takes hours.
std::string hash_of_data(const data::Dataset& dataset) {
  std::ostringstream text;
  text.precision(9);
  for (const data::Sample& s : dataset.samples) {
    std::error_code unknown;
    text << s.image_id << ',' << s.patient_id << ',' << std::filesystem::file_size(s.path, unknown);
    for (const float label : s.labels) text << ',' << label;
    for (const Box& b : s.boxes) text << ';' << b.x1 << ',' << b.y1 << ',' << b.x2 << ',' << b.y2;
    text << '\n';
  }
  return data::sha256(text.str());
}

}  // namespace

std::string expand_root(const std::string& path) {
  const std::string name = "$CAWE_DATA";
  if (path.rfind(name, 0) != 0) return path;
  const char* given = std::getenv("CAWE_DATA");
  return (given != nullptr && *given != '\0' ? std::string(given) : "../shared/data") +
         path.substr(name.size());
}

SplitData load_data(Recipe& recipe, const std::string& section) {
  Section s(recipe, section);
  const std::string root =
      expand_root(recipe.needed_word(s.key("root"), "the folder that holds the images and tables"));
  CAWE_CHECK(std::filesystem::is_directory(root), Code::data, root, ": no such folder (",
             recipe.where(s.key("root")), ")");
  const std::string below = s.word("images", "images"), images = below.empty() ? root : joined(root, below);
  const std::string format =
      recipe.choice(s.key("format"), "table", {"table", "rsna", "coco", "chexpert", "voc", "folder"});
  const bool by_image = recipe.choice(s.key("split_unit"), "patient", {"patient", "image"}) == "image";
  SplitData out;
  std::set<std::string> tested;
  if (format == "table") out.dataset = read_table(s, root, images);
  if (format == "rsna") out.dataset = read_rsna(s, root, images, by_image);
  if (format == "coco") out.dataset = data::read_coco(joined(root, s.word("boxes", "coco.json")), images);
  if (format == "chexpert") out.dataset = read_chexpert(s, root, &tested);
  if (format == "voc") out.dataset = read_voc(s, root, images);
  if (format == "folder")
    out.dataset = data::read_image_folder({images, recipe.flag(s.key("class_folders"), false)});
  CAWE_CHECK(!out.dataset.samples.empty(), Code::data, root, ": no usable image (",
             out.dataset.rejected.size(), " rejected",
             out.dataset.rejected.empty()
                 ? ""
                 : "; first: " + out.dataset.rejected[0].file + ": " + out.dataset.rejected[0].reason,
             ")");
  // Opening a million pictures takes an hour: with check_images off a bad one is found when it is loaded.
  if (recipe.flag(s.key("check_images"), true)) data::resolve_images(&out.dataset, data::image_facts);
  CAWE_CHECK(!out.dataset.samples.empty(), Code::data, root, ": no usable image (first problem: ",
             out.dataset.rejected.empty()
                 ? "none"
                 : out.dataset.rejected[0].file + ": " + out.dataset.rejected[0].reason,
             ")");
  if (recipe.flag(s.key("strict"), true) && !out.dataset.rejected.empty())
    fail(Code::data, out.dataset.rejected[0].file, ": ", out.dataset.rejected[0].field, ": ",
         out.dataset.rejected[0].reason, " (", out.dataset.rejected.size(), " rejected in all; ",
         s.key("strict"), " = false leaves them out)");
  out.data_hash = hash_of_data(out.dataset);
  out.split = make_split(s, out.dataset, root, by_image);
  test_official(s, tested, out.dataset, &out.split);
  out.split_hash = data::sha256(data::split_text(out.dataset, out.split));
  if (by_image || !out.dataset.patients_known) out.split_note = "image-level split: optimistic";
  return out;
}

data::LoaderOptions loader_from(Recipe& recipe, int64_t size, int64_t batch, uint64_t seed) {
  data::LoaderOptions o;
  o.batch = batch;
  o.seed = seed;
  const int64_t side = recipe.whole("image.size", size, 16, 4096);
  o.width = int(recipe.whole("image.width", side, 16, 4096));
  o.height = int(recipe.whole("image.height", side, 16, 4096));
  const std::string fit = recipe.choice("image.fit", "stretch", {"stretch", "pad", "crop"});
  o.fit = fit == "pad" ? data::Fit::pad : fit == "crop" ? data::Fit::crop : data::Fit::stretch;
  if (recipe.flag("image.color", false)) o.decode = data::decode_color;
  o.augment = recipe.flag("train.augment", true);
  o.augmentation.flip = recipe.real("augment.flip", o.augmentation.flip, 0, 1);
  o.augmentation.zoom = recipe.real("augment.zoom", o.augmentation.zoom, 0, 0.9);
  o.augmentation.shift = recipe.real("augment.shift", o.augmentation.shift, 0, 1);
  o.augmentation.gain = recipe.real("augment.gain", o.augmentation.gain, 0, 1);
  o.workers = int(recipe.whole("data.workers", 2, 0, 64));
  return o;
}

std::vector<int64_t> fold_indices(const data::Split& split, const Strings& folds) {
  std::vector<int64_t> out;
  for (const std::string& fold : folds) {
    const std::vector<int64_t> part = split.indices(fold);
    out.insert(out.end(), part.begin(), part.end());
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace cawe::train
