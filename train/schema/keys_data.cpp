// SPDX-License-Identifier: Apache-2.0
// Keys of the data: where films and labels are, how they are split, what the network sees of them.
#include "data/formats/annotations/chexpert.h"
#include "data/formats/annotations/label_csv.h"
#include "data/transforms.h"
#include "train/recipe.h"
#include "train/schema/table.h"

namespace cawe::train {
namespace {

constexpr TaskBits kData = kTrained | kFilms;

std::string format_of(const Recipe& r) { return r.word("data.format"); }

void table_keys(Table& t) {
  const data::LabelCsvOptions usual;
  const auto column = [&](const std::string& name, const std::string& otherwise, const std::string& help) {
    t.word(name).on(kData, otherwise).only("data.format", {"table"}).refused().help(help);
  };
  column("data.image_column", usual.image_column,
         "file names or paths, relative to `data.images` or else `data.root`");
  column("data.patient_column", usual.patient_column,
         "persons; \"\": not known; the image column: every image stands for itself");
  column("data.patient_prefix", "",
         "put before every person's name, so that equal numbers of different sources stay apart: `\"nih:\"`");
  t.words("data.label_columns")
      .on(kData, Strings())
      .only("data.format", {"table"})
      .refused()
      .help(
          "0/1 (or yes/no, TRUE/FALSE) columns, a label each; `[\"*\"]`: every such column; or "
          "`data.finding_column`");
  column("data.finding_column", "", "one column of words, see `data.findings`; or `data.label_columns`");
  t.words("data.findings")
      .on(kData, Strings())
      .only("data.format", {"table"})
      .refused()
      .except("data.finding_column", {""})
      .help(
          "what each word sets: `[\"Pneumonia (virus) = pneumonia\", \"Normal = \", \"* = other\"]`; a cell "
          "that names nothing (empty, NA, NaN, null, none) is unknown unless a rule names that very word, "
          "`\" = \"` an empty cell");
  t.word("data.finding_separator")
      .on(kData, "")
      .only("data.format", {"table"})
      .refused()
      .except("data.finding_column", {""})
      .help("between several words of a cell, such as `|`");
  column("data.sex_column", usual.sex_column, "for results by subgroup, where the table has it");
  column("data.age_column", usual.age_column, "for results by subgroup, where the table has it");
  column("data.view_column", usual.view_column, "for results by subgroup, where the table has it");
  t.word("data.box_class")
      .on(kData, "lesion")
      .only("data.format", {"table"})
      .refused()
      .except("data.boxes", {""})
      .help("what the boxes are called");
}

void set_keys(Table& t) {
  const data::ChexpertOptions usual;
  const auto of = [](const char* format) { return Strings{format}; };
  t.word("data.classes_csv")
      .file()
      .on(kData, "stage_2_detailed_class_info.csv")
      .only("data.format", of("rsna"))
      .refused()
      .help("the challenge's file of classes");
  t.word("data.mapping")
      .file()
      .on(
          kData,
          [](const Recipe& r, const std::string&) {
            return Value(std::string(r.value("data.split_unit") == Value(std::string("image"))
                                         ? ""
                                         : "pneumonia-challenge-dataset-mappings_2018.json"));
          },
          "the challenge's name; \"\" with data.split_unit = image")
      .only("data.format", of("rsna"))
      .refused()
      .help("whose film it is: a patientId of RSNA names an image");
  t.word("data.rsna_labels")
      .on(kData, "detailed")
      .one_of({"detailed", "target"})
      .only("data.format", of("rsna"))
      .refused()
      .help("three labels from the class file, or one: has a box or not");
  t.word("data.uncertain")
      .on(kData, "ones")
      .one_of({"ones", "zeros", "ignore"})
      .only("data.format", of("chexpert"))
      .refused()
      .open("uncertain labels")
      .help("what -1 becomes; `ignore`: left out of the loss");
  t.word("data.blank")
      .on(kData, "zero")
      .one_of({"zero", "ignore"})
      .only("data.format", of("chexpert"))
      .refused()
      .open("empty labels")
      .help("what an empty cell becomes");
  t.word("data.views")
      .on(kData, "frontal")
      .one_of({"frontal", "lateral", "all"})
      .only("data.format", of("chexpert"))
      .refused()
      .open("views")
      .help("films that are used");
  t.word("data.strip_prefix")
      .on(kData, usual.strip_prefix)
      .only("data.format", of("chexpert"))
      .refused()
      .help("what the paths of the table begin with");
  t.word("data.test_csv")
      .file()
      .on(kData, "")
      .only("data.format", of("chexpert"))
      .refused()
      .help("another table, whose films are the test fold");
  t.word("data.annotations")
      .file()
      .on(kData, "annotations")
      .only("data.format", of("voc"))
      .refused()
      .help("folder of the XML files");
  t.word("data.voc_names")
      .on(kData, "both")
      .one_of({"both", "filename", "file"})
      .only("data.format", of("voc"))
      .refused()
      .help(
          "what says whose film an XML file is of: its `<filename>`, or the file's own name; `both`: where "
          "the two name different films that are both there, it is rejected");
  t.words("data.class_names")
      .on(kData, Strings())
      .only("data.format", of("voc"))
      .refused()
      .help("names of the objects that count");
  t.flag("data.one_based")
      .on(kData, true)
      .only("data.format", of("voc"))
      .refused()
      .help("the first pixel is 1, as VOC has it");
  t.flag("data.class_folders")
      .on(kData, false)
      .only("data.format", of("folder"))
      .refused()
      .help("the first folder's name is an image's label");
}

void unit_keys(Table& t) {
  t.word("data.split")
      .on(kData, "patient")
      .one_of({"patient", "name_hash", "file", "k_folds", "all"})
      .paper("8:2")
      .help(
          "by shares of persons, by the SHA-256 of file names, by a table, in folds, or everything is test");
  t.word("data.split_unit")
      .later(kData,
             "patient; image where every image is its own person, or where none is named and no split is "
             "drawn")
      .one_of({"patient", "image"})
      .help(
          "`image` only where persons are not known; where the data name none, no split is drawn without "
          "it");
  t.word("data.groups")
      .file()
      .on(kData, "")
      .help(
          "table image,group of films that belong together (`cawe data duplicates` makes it), beside the "
          "recipe or "
          "below `data.root`: a group is dealt to one fold and drawn as one, like a person; persons that are "
          "known "
          "stay together, too; \"\": none");
}

void drawing_keys(Table& t) {
  t.whole("data.split_seed")
      .on(kData, 2018)
      .from(0, kMost)
      .only("data.split", {"patient", "k_folds"})
      .open("split seed")
      .help("seed of the order that persons are dealt in");
  t.flag("data.stratify")
      .on(kData, true)
      .only("data.split", {"patient", "k_folds"})
      .open("persons with and without a box cut apart")
      .help(
          "persons with a box and those without are cut apart, so that every fold has its share, and as long "
          "as there "
          "are enough at least one with a box");
  t.number("data.test")
      .on(kData, 0.2)
      .from(0, 1)
      .only("data.split", {"patient"})
      .unlisted()
      .paper("0.2")
      .help("share of the persons that test");
  t.number("data.val")
      .on(kData, 0.1)
      .from(0, 1)
      .only("data.split", {"patient"})
      .unlisted()
      .open("validation split")
      .help("share of the other persons that validate");
}

void fold_keys(Table& t) {
  t.whole("data.train_count")
      .on(kData, 0)
      .from(0, kMost)
      .unit("images")
      .only("data.split", {"name_hash"})
      .unlisted()
      .help("images that train");
  t.word("data.split_file")
      .file()
      .on(kData, "")
      .only("data.split", {"file", "k_folds"})
      .unlisted()
      .help(
          "table image,patient,fold; with `k_folds` its folds, which have to be called 0 to `data.folds` - "
          "1, "
          "instead of drawn ones");
  t.whole("data.folds")
      .on(kData, 5)
      .from(2, 1000)
      .only("data.split", {"k_folds"})
      .unlisted()
      .help("number of folds");
  t.flag("data.cross_validate")
      .on(kColorizer, false)
      .help("with `data.split = \"k_folds\"`: every fold is held out once, results over all images");
  t.words("data.train_folds").on(kTrained, Strings{"train"}).help("folds that train");
  t.words("data.val_folds").on(kTrained, Strings{"val"}).help("folds that choose the checkpoint");
  t.words("data.test_folds").on(kData, Strings{"test"}).help("folds that the results are of");
}

/// In the order of the documentation.
void split_keys(Table& t) {
  unit_keys(t);
  drawing_keys(t);
  fold_keys(t);
}

void image_keys(Table& t) {
  t.group("Images");
  t.whole("image.size")
      .on(kClassifier, 224)
      .on(kDetectors, 512)
      .on(
          kColorizer,
          [](const Recipe& r, const std::string&) -> std::optional<Value> {
            const Strings phases = active_phases(r);
            if (phases.empty()) return std::nullopt;
            return Value(r.whole("phase." + phases.back() + ".size"));
          },
          "the last phase's")
      .from(16, 4096)
      .unit("px")
      .paper("detectors 512")
      .open("the classifier's size")
      .help("side of what the network sees");
  for (const char* side : {"image.width", "image.height"})
    t.whole(side)
        .on(
            kTrained, [](const Recipe& r, const std::string&) { return r.value("image.size"); }, "image.size")
        .from(16, 4096)
        .unit("px")
        .help("where the picture is no square");
  t.word("image.fit")
      .on(kTrained, "stretch")
      .one_of({"stretch", "pad", "crop"})
      .help("how a film becomes that size; `crop`: its middle square");
  t.flag("image.color").on(kTrained, false).help("pictures are read in colour; a colorizer's always are");
  t.flag("train.augment").on(kTrained, true).help("random changes of training images");
  const data::AugmentOptions usual;
  const auto change = [&](const char* name, double otherwise, double most, const char* help) {
    t.number(name)
        .on(kTrained, otherwise)
        .from(0, most)
        .only("train.augment", {"true"})
        .open("augmentation")
        .help(help);
  };
  change("augment.flip", usual.flip, 1, "share of images that are mirrored");
  change("augment.zoom", usual.zoom, 0.9, "enlarged by 1 ± this");
  change("augment.shift", usual.shift, 1, "moved by ± this share of half a side");
  change("augment.gain", usual.gain, 1, "contrast changed by 1 ± this, brightness by ± half of it");
  const data::BoxRules rules;
  t.number("augment.min_visible")
      .on(kDetectors, rules.min_visible)
      .from(0, 1)
      .open("boxes that the edge cuts")
      .help(
          "a box that an augmentation or `image.fit = \"crop\"` cuts counts while this share of its area is "
          "seen; "
          "else its place is trained neither as lesion nor as background");
  t.number("augment.min_box_px")
      .on(kDetectors, rules.min_px)
      .from(0, 4096)
      .unit("px")
      .open("boxes that the edge cuts")
      .help(
          "the same for the least side of what is seen of a cut box; a whole one counts however small it is");
}

}  // namespace

void data_keys(Table& t) {
  t.group("Data");
  t.word("data.root")
      .file()
      .needed(kData, "the folder that holds the images and tables")
      .help("folder of the data; may begin with `$CAWE_DATA`");
  t.word("data.images")
      .file()
      .on(kData, "images")
      .help("folder of the images, below it as all paths here that are not absolute; \"\": itself");
  t.flag("data.allow_outside")
      .on(kData, false)
      .help("images that a table, COCO or VOC file names may lie outside `data.root` and `data.images`");
  t.word("data.format")
      .on(kData, "table")
      .one_of({"table", "rsna", "coco", "chexpert", "voc", "folder"})
      .paper("CheXpert (classifier), RSNA (detectors)")
      .help(
          "`table`: metadata.csv; `rsna`: the challenge's files; `folder`: every picture below "
          "`data.images` (DICOM, PNG, JPEG, BMP, PNM by their endings)");
  t.word("data.labels_csv")
      .file()
      .on(
          kData,
          [](const Recipe& r, const std::string&) {
            const std::string format = format_of(r);
            return Value(std::string(format == "rsna"       ? "stage_2_train_labels.csv"
                                     : format == "chexpert" ? "train.csv"
                                                            : "metadata.csv"));
          },
          "table: metadata.csv, rsna: stage_2_train_labels.csv, chexpert: train.csv")
      .only("data.format", {"table", "rsna", "chexpert"})
      .refused()
      .help("the table of images");
  t.word("data.boxes")
      .file()
      .on(
          kData,
          [](const Recipe& r, const std::string&) {
            return Value(std::string(format_of(r) == "coco" ? "coco.json" : ""));
          },
          "table: \"\", coco: coco.json")
      .only("data.format", {"table", "coco"})
      .refused()
      .help("boxes in RSNA's form (table), or a COCO file");
  t.word("data.extension")
      .on(
          kData,
          [](const Recipe& r, const std::string&) {
            return Value(std::string(format_of(r) == "rsna" ? ".dcm" : ""));
          },
          "table: \"\", rsna: .dcm")
      .only("data.format", {"table", "rsna"})
      .refused()
      .help("put behind an image's name that has none");
  table_keys(t);
  set_keys(t);
  t.words("data.labels")
      .on(kData, Strings())
      .open("labels that are learnt")
      .help("of the data's labels these alone, in this order; `[]`: all");
  t.words("data.without_labels")
      .on(kData, Strings())
      .open("labels that are learnt")
      .help("labels of the data that are left out: `[\"Support Devices\"]`");
  t.flag("data.check_images")
      .on(kData, true)
      .help("every picture is opened before training; false: a bad one is found when its turn comes");
  t.flag("data.allow_damaged")
      .on(kData, false)
      .help(
          "true reads pixels that their decoder calls damaged as far as they go, with a warning a film; "
          "false refuses "
          "them");
  t.flag("data.strict").on(kData, true).help("false leaves unusable images out instead of refusing");
  t.whole("data.workers")
      .decides_nothing()
      .on(kTrained, 2)
      .from(0, 64)
      .unit("threads")
      .help("threads that decode and enhance");
  split_keys(t);
  image_keys(t);
}

}  // namespace cawe::train
