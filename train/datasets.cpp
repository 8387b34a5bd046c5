// SPDX-License-Identifier: Apache-2.0
#include "train/datasets.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

#include "data/dataset.h"
#include "data/decode.h"
#include "data/fingerprint.h"
#include "data/formats/annotations/chexpert.h"
#include "data/formats/annotations/coco.h"
#include "data/formats/annotations/imagenet.h"
#include "data/formats/annotations/label_csv.h"
#include "data/formats/annotations/rsna.h"
#include "data/formats/annotations/voc.h"
#include "data/groups.h"
#include "data/hash.h"
#include "data/image_files.h"
#include "data/leak.h"
#include "tensor/error.h"
#include "tensor/text.h"
#include "train/label_choice.h"

namespace cawe::train {
namespace {

/// A path of the recipe: its writer may name any; one that is not absolute is below data.root.
std::string below(const std::string& root, const std::string& path) {
  if (path.empty()) return "";
  if (path.rfind("$CAWE_DATA", 0) == 0) return expand_root(path);
  return std::filesystem::path(path).is_absolute() ? path : root + "/" + path;
}

/// The file or folder that a key names; "": none. A missing one is bad data, as a missing data.root is.
std::string place_of(const Recipe& r, const std::string& key, const std::string& root) {
  const std::string path = below(root, r.word(key));
  std::error_code unknown;
  CAWE_CHECK(path.empty() || std::filesystem::exists(path, unknown), Code::data, path, ": no such file (",
             r.where(key), ")");
  return path;
}

/// The table of groups that lies beside the recipe; "" where there is none of this name.
std::string groups_beside(const Recipe& r) {
  const std::string name = r.word("data.groups");
  std::error_code unknown;
  const std::filesystem::path near = std::filesystem::path(r.source()).parent_path() / name;
  return !name.empty() && std::filesystem::is_regular_file(near, unknown) ? near.string() : "";
}

/// The table of groups: beside the recipe where there is one of this name, else as other paths. "": none.
std::string groups_of(const Recipe& r, const std::string& root) {
  const std::string near = groups_beside(r);
  return near.empty() ? place_of(r, "data.groups", root) : near;
}

/// Parses "word = label".
std::vector<std::pair<std::string, std::string>> parse_findings(const Recipe& recipe,
                                                                const std::string& key) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const std::string& item : recipe.words(key)) {
    const size_t equals = item.find(" = ");
    CAWE_CHECK(equals != std::string::npos, Code::usage, recipe.where(key), " holds \"", item,
               "\" (expected \"word in the table = label\", or \"word = \" for none)");
    out.emplace_back(item.substr(0, equals), item.substr(equals + 3));
  }
  return out;
}

data::Dataset read_table(const Recipe& r, const std::string& root, const std::string& images) {
  data::LabelCsvOptions o;
  o.csv = place_of(r, "data.labels_csv", root);
  o.images_dir = images;
  o.root = root;
  o.allow_outside = r.flag("data.allow_outside");
  o.image_column = r.word("data.image_column");
  o.patient_column = r.word("data.patient_column");
  o.patient_prefix = r.word("data.patient_prefix");
  o.extension = r.word("data.extension");
  o.label_columns = r.words("data.label_columns");
  for (auto at = o.label_columns.begin(); at != o.label_columns.end(); ++at)
    CAWE_CHECK(std::count(o.label_columns.begin(), at, *at) == 0, Code::usage, r.where("data.label_columns"),
               " holds \"", printable(*at, 80), "\" twice (expected each label once)");
  o.sex_column = r.word("data.sex_column");
  o.age_column = r.word("data.age_column");
  o.view_column = r.word("data.view_column");
  o.finding_column = r.word("data.finding_column");
  o.finding_separator = r.word("data.finding_separator");
  o.findings = parse_findings(r, "data.findings");
  data::Dataset dataset = data::read_label_csv(o);
  const std::string boxes = r.word("data.boxes"), box_class = r.word("data.box_class");
  if (!boxes.empty()) data::attach_rsna_boxes(&dataset, place_of(r, "data.boxes", root), box_class);
  return dataset;
}

data::Dataset read_rsna(const Recipe& r, const std::string& root, const std::string& images, bool by_image) {
  data::RsnaOptions o;
  o.labels_csv = place_of(r, "data.labels_csv", root);
  o.mapping_json = place_of(r, "data.mapping", root);
  o.images_dir = images;
  o.root = root;
  o.allow_outside = r.flag("data.allow_outside");
  o.extension = r.word("data.extension");
  o.labels = r.word("data.rsna_labels") == "detailed" ? data::RsnaLabels::detailed : data::RsnaLabels::target;
  if (o.labels == data::RsnaLabels::detailed) o.classes_csv = place_of(r, "data.classes_csv", root);
  o.split_by_image = by_image;
  return data::read_rsna(o);
}

/// `tested` gets the images of data.test_csv.
data::Dataset read_chexpert(const Recipe& r, const std::string& root, std::set<std::string>* tested) {
  using Options = data::ChexpertOptions;
  Options o;
  o.csv = place_of(r, "data.labels_csv", root);
  o.root = root;
  o.allow_outside = r.flag("data.allow_outside");
  o.strip_prefix = r.word("data.strip_prefix");
  const std::string uncertain = r.word("data.uncertain");
  o.uncertain = uncertain == "ones"    ? Options::Uncertain::ones
                : uncertain == "zeros" ? Options::Uncertain::zeros
                                       : Options::Uncertain::ignore;
  o.blank = r.word("data.blank") == "zero" ? Options::Blank::zero : Options::Blank::ignore;
  const std::string views = r.word("data.views");
  o.views = views == "frontal"   ? Options::Views::frontal
            : views == "lateral" ? Options::Views::lateral
                                 : Options::Views::all;
  data::Dataset all = data::read_chexpert(o);
  const std::string official = r.word("data.test_csv");
  if (official.empty()) return all;
  o.csv = place_of(r, "data.test_csv", root);
  std::set<std::string> others;
  for (const data::Sample& sample : all.samples) others.insert(sample.image_id);
  data::Dataset test = data::read_chexpert(o);
  CAWE_CHECK(!test.samples.empty(), Code::data, o.csv, ": data.views = \"", views, "\" leaves none of its ",
             counted(test.counts["rows"], "row"), " to test on (", r.where("data.test_csv"),
             "; expected films of these views, another data.views, or \"\" for no such table)");
  for (data::Sample& sample : test.samples) {
    CAWE_CHECK(others.count(sample.image_id) == 0, Code::data, o.csv, ": image ", sample.image_id,
               " is in the other table, too (expected films of other persons)");
    tested->insert(sample.image_id);
    all.samples.push_back(std::move(sample));
  }
  data::count_samples(&all);
  return all;
}

data::Dataset read_voc(const Recipe& r, const std::string& root, const std::string& images) {
  data::VocOptions o;
  o.annotations_dir = place_of(r, "data.annotations", root);
  o.images_dir = images;
  o.root = root;
  o.allow_outside = r.flag("data.allow_outside");
  o.class_names = r.words("data.class_names");
  o.one_based = r.flag("data.one_based");
  const std::string names = r.word("data.voc_names");
  o.names = names == "both"       ? data::VocNames::both
            : names == "filename" ? data::VocNames::filename
                                  : data::VocNames::file;
  return data::read_voc(o);
}

/// Folds of data.split_file for data.split = k_folds: they must be "0" to "k-1", each with an image.
data::Split read_k_folds(const Recipe& r, const std::string& path, const data::Dataset& dataset) {
  const data::Split split = data::read_split(path, dataset, r.word("data.patient_prefix"));
  const int64_t k = r.whole("data.folds");
  std::set<std::string> wanted, found(split.fold.begin(), split.fold.end());
  for (int64_t f = 0; f < k; ++f) wanted.insert(std::to_string(f));
  CAWE_CHECK(found == wanted, Code::usage, r.where("data.split_file"), ": ", path, " has the folds ",
             listed({found.begin(), found.end()}), " (expected 0 to ", k - 1, ": data.folds is ", k, ")");
  return split;
}

data::Split make_split(const Recipe& r, const data::Dataset& dataset, const std::string& root,
                       bool by_image) {
  const std::string how = r.word("data.split");
  data::SplitOptions o;
  o.seed = uint64_t(r.whole("data.split_seed"));
  o.stratify = r.flag("data.stratify");
  o.unit = by_image ? data::SplitUnit::image : data::SplitUnit::patient;
  if (how == "patient") {
    o.test = r.number("data.test");
    o.val = r.number("data.val");
    return data::split_by_patient(dataset, o);
  }
  if (how == "name_hash") {
    const int64_t count = r.whole("data.train_count"), all = int64_t(dataset.samples.size());
    CAWE_CHECK(count <= all, Code::usage, r.where("data.train_count"), " is ", count, " (expected 0 to ", all,
               ", as many as there are images)");
    return data::split_by_name_hash(dataset, count);
  }
  const std::string file = how == "file" || how == "k_folds" ? place_of(r, "data.split_file", root) : "";
  CAWE_CHECK(how != "file" || !file.empty(), Code::usage, r.source(),
             ": data.split_file is missing (expected a CSV image,patient,fold)");
  if (how == "file") return data::read_split(file, dataset, r.word("data.patient_prefix"));
  if (how == "k_folds")
    return file.empty() ? data::split_k_folds(dataset, r.whole("data.folds"), o)
                        : read_k_folds(r, file, dataset);
  data::Split all;
  all.fold.assign(dataset.samples.size(), "test");
  return all;
}

/// A person or group is whole in the fold of the first of its films that `folds` know, by whatever name.
/// Where they know films of it in two folds, the model of the other one is refused as a leak.
data::Split split_by_person(const data::Dataset& dataset, const PersonFolds& folds) {
  std::map<std::string, std::string> fold_of;  // by Sample::patient_id
  for (const data::Sample& sample : dataset.samples)
    for (const std::string& person : data::persons_of(sample))
      if (const auto found = folds.find(person); found != folds.end())
        fold_of.emplace(sample.patient_id, found->second);
  data::Split split;
  for (const data::Sample& sample : dataset.samples) {
    const auto found = fold_of.find(sample.patient_id);
    split.fold.push_back(found == fold_of.end() ? kOtherPersons : found->second);
  }
  return split;
}

/// Makes the images of data.test_csv the test fold. Throws usage where the split put others in it, leak where
/// one of its patients is in another fold.
void test_official(const Recipe& r, const std::set<std::string>& tested, const data::Dataset& dataset,
                   data::Split* split) {
  if (tested.empty()) return;
  for (size_t i = 0; i < split->fold.size(); ++i) {
    const bool official = tested.count(dataset.samples[i].image_id) > 0;
    CAWE_CHECK(official || split->fold[i] != "test", Code::usage, r.where("data.test_csv"),
               ": the split has a test fold of its own (expected data.test = 0 beside it)");
    if (official) split->fold[i] = "test";
  }
  data::check_patients_apart(dataset, *split);
}

/// Folds that a split may have, also where no image fell into one. `folds`, where given, make it.
std::set<std::string> folds_of(const Recipe& r, const data::Split& split, const PersonFolds* folds) {
  std::set<std::string> all(split.fold.begin(), split.fold.end());
  const std::string how = r.word("data.split");
  if (folds != nullptr) {
    for (const auto& [person, fold] : *folds) all.insert(fold);
    all.insert(kOtherPersons);
  } else if (how == "patient") {
    all.insert({"train", "val", "test"});
  } else if (how == "name_hash") {
    all.insert({"train", "test"});
  }
  return all;
}

/// Throws usage where the recipe names a fold that the split cannot have. One of a key's default may be missing.
void check_fold_names(const Recipe& r, const std::set<std::string>& there) {
  for (const auto& [key, purpose] : kFoldKeys) {
    if (!r.value(key)) continue;  // no key of this task
    const Strings usual = std::get<Strings>(*r.otherwise(key));
    for (const std::string& fold : r.words(key))
      CAWE_CHECK(there.count(fold) || std::count(usual.begin(), usual.end(), fold), Code::usage, r.where(key),
                 " names fold \"", printable(fold, 80), "\", which no image is in (the folds are ",
                 listed({there.begin(), there.end()}), ")");
  }
}

}  // namespace

std::string expand_root(const std::string& path) {
  const std::string name = "$CAWE_DATA";
  if (path.rfind(name, 0) != 0) return path;
  const char* given = std::getenv("CAWE_DATA");
  return (given != nullptr && *given != '\0' ? std::string(given) : "../shared/data") +
         path.substr(name.size());
}

void place_groups(Recipe* recipe) {
  const std::string near = groups_beside(*recipe);
  if (near.empty()) return;
  recipe->put("data.groups", std::filesystem::absolute(near).lexically_normal().string());
}

namespace {

/// Text whose parts cannot run into one another: no name holds the byte between them.
class Parts {
 public:
  Parts() { text_.precision(9); }
  template <class T>
  void put(const T& value) {
    text_ << value << '\0';
  }
  template <class T>
  void put_all(const T& list) {
    put(list.size());
    for (const auto& value : list) put(value);
  }
  void put_boxes(const std::vector<Box>& boxes) {
    put(boxes.size());
    for (const Box& b : boxes)
      for (const float edge : {b.x1, b.y1, b.x2, b.y2}) put(edge);
  }
  std::string hash() const { return data::sha256(text_.str()); }

 private:
  std::ostringstream text_;
};

}  // namespace

DataHashes hashes_of_data(const data::Dataset& dataset) {
  Parts films, persons, labels, boxes, all;
  persons.put(dataset.patients_known);
  labels.put_all(dataset.label_names);
  boxes.put_all(dataset.class_names);
  for (const data::Sample& s : dataset.samples) {
    std::error_code unknown;
    films.put(s.image_id);
    films.put(s.file_hash.empty() ? std::to_string(std::filesystem::file_size(s.path, unknown))
                                  : s.file_hash);
    films.put(s.width);
    films.put(s.height);
    persons.put(s.patient_id);
    persons.put(s.sex);
    persons.put(s.view);
    persons.put(s.age);
    labels.put_all(s.labels);
    boxes.put(s.has_box_annotation);
    boxes.put_boxes(s.boxes);
    boxes.put_all(s.box_classes);
    boxes.put_boxes(s.ignored);
  }
  DataHashes hashes;
  for (const auto& [name, part] : {std::pair<const char*, const Parts*>{"films", &films},
                                   {"persons", &persons},
                                   {"labels", &labels},
                                   {"boxes", &boxes}})
    hashes.parts.emplace_back(std::string("data_") + name, part->hash());
  for (const auto& [name, hash] : hashes.parts) all.put(hash);
  hashes.all = all.hash();
  return hashes;
}

namespace {

std::string sentence_of(const data::Rejected& one) { return one.file + ": " + one.field + ": " + one.reason; }

}  // namespace

SplitData load_data(const Recipe& r, bool quiet, const PersonFolds* folds) {
  const std::string root = expand_root(r.word("data.root"));
  CAWE_CHECK(!root.empty(), Code::usage, r.where("data.root"),
             " is empty (expected the folder of the data, \".\" for this one)");
  CAWE_CHECK(std::filesystem::is_directory(root), Code::data, root, ": no such folder (",
             r.where("data.root"), ")");
  const std::string folder = r.word("data.images"), images = folder.empty() ? root : below(root, folder);
  const std::string format = r.word("data.format");
  const bool by_image = r.value("data.split_unit") == Value(std::string("image"));
  SplitData out;
  out.warnings = check_folds_apart(r);
  std::set<std::string> tested;
  if (format == "table") out.dataset = read_table(r, root, images);
  if (format == "rsna") out.dataset = read_rsna(r, root, images, by_image);
  if (format == "coco")
    out.dataset =
        data::read_coco(place_of(r, "data.boxes", root), {images, root, r.flag("data.allow_outside")});
  if (format == "chexpert") out.dataset = read_chexpert(r, root, &tested);
  if (format == "voc") out.dataset = read_voc(r, root, images);
  if (format == "folder") {
    const bool color = r.task() == "colorizer" || r.flag("image.color");
    out.dataset = data::read_image_folder({images, r.flag("data.class_folders"), color});
  }
  CAWE_CHECK(!out.dataset.samples.empty(), Code::data, root, ": no usable image (",
             out.dataset.rejected.size(), " rejected",
             out.dataset.rejected.empty() ? "" : "; first: " + sentence_of(out.dataset.rejected[0]), ")");
  choose_labels(r, &out.dataset);
  data::check_files_differ(out.dataset.samples);
  out.persons_known = data::film_unit(out.dataset) == data::FilmUnit::patient;
  if (const std::string groups = groups_of(r, root); !groups.empty())
    data::apply_groups(groups, &out.dataset);
  // Opening a million pictures takes an hour: with check_images off a bad one is found when it is loaded.
  data::ReadOptions reading;
  reading.allow_damaged = r.flag("data.allow_damaged");
  for (data::Sample& sample : out.dataset.samples) sample.allow_damaged = reading.allow_damaged;
  if (r.flag("data.check_images")) {
    data::resolve_images(&out.dataset, data::image_facts_with(reading), 1, quiet);
  }
  CAWE_CHECK(!out.dataset.samples.empty(), Code::data, root, ": no usable image (first problem: ",
             out.dataset.rejected.empty() ? "none" : sentence_of(out.dataset.rejected[0]), ")");
  if (r.flag("data.strict") && !out.dataset.rejected.empty())
    fail(Code::data, sentence_of(out.dataset.rejected[0]), " (", out.dataset.rejected.size(),
         " rejected in all; ", "data.strict = false leaves them out)");
  out.unit = data::film_unit(out.dataset);
  out.hashes = hashes_of_data(out.dataset);
  // Where every person is an image, the recipe of a run says image and must deal what the run did, although
  // names of persons ("a-1.png", "a.png") may be in another order than those of images ("a", "a-1").
  const bool persons_are_images = out.dataset.patients_known && !out.persons_known;
  out.split = folds != nullptr ? split_by_person(out.dataset, *folds)
                               : make_split(r, out.dataset, root, by_image && !persons_are_images);
  test_official(r, tested, out.dataset, &out.split);
  check_fold_names(r, folds_of(r, out.split, folds));
  for (std::string& warning : data_warnings(r, out.dataset, out.split, folds == nullptr))
    out.warnings.push_back(std::move(warning));
  if (const std::string torn = data::torn_groups(out.dataset, out.split); !torn.empty())
    out.warnings.push_back(torn);
  out.split_hash = data::sha256(data::split_text(out.dataset, out.split));
  if (by_image || !out.persons_known) out.split_note = "image-level split: optimistic";
  if (out.unit == data::FilmUnit::group) out.split_note = "by groups of films that are alike";
  return out;
}

data::LoaderOptions loader_from(const Recipe& r, int64_t batch, uint64_t seed) {
  data::LoaderOptions o;
  o.batch = batch;
  o.seed = seed;
  o.width = int(r.whole("image.width"));
  o.height = int(r.whole("image.height"));
  const std::string fit = r.word("image.fit");
  o.fit = fit == "pad" ? data::Fit::pad : fit == "crop" ? data::Fit::crop : data::Fit::stretch;
  if (r.flag("image.color")) o.decode = data::decode_color;
  o.augment = r.flag("train.augment");
  o.augmentation.flip = r.number("augment.flip");
  o.augmentation.zoom = r.number("augment.zoom");
  o.augmentation.shift = r.number("augment.shift");
  o.augmentation.gain = r.number("augment.gain");
  if (r.value("augment.min_visible"))
    o.box_rules = {r.number("augment.min_visible"), r.number("augment.min_box_px")};
  o.workers = int(r.whole("data.workers"));
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
