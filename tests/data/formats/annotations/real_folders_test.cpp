// SPDX-License-Identifier: Apache-2.0
// Counts and splits on the real folders of the data pack, as its README and published splits state them.
#include <gtest/gtest.h>

#include <set>

#include "data/dataset.h"
#include "data/formats/annotations/coco.h"
#include "data/formats/annotations/imagenet.h"
#include "data/formats/annotations/label_csv.h"
#include "data/formats/annotations/rsna.h"
#include "data/formats/annotations/voc.h"
#include "data/split.h"
#include "tensor/error.h"
#include "tests/data_dir.h"

namespace cawe::data {
namespace {

using cawe::testing::data_dir;

std::string at(const std::string& path) { return (data_dir() / path).string(); }

Dataset table(const std::string& folder) {
  LabelCsvOptions options;
  options.csv = at(folder + "/metadata.csv");
  options.images_dir = at(folder + "/images");
  return read_label_csv(options);
}

void expect_counts(const Dataset& data, size_t images, int64_t patients, int64_t boxes) {
  EXPECT_EQ(data.samples.size(), images);
  EXPECT_EQ(data.counts.at("patients"), patients);
  EXPECT_EQ(data.counts.at("boxes"), boxes);
  EXPECT_TRUE(data.rejected.empty()) << data.rejected[0].file << " " << data.rejected[0].reason;
}

TEST(RealFolders, TbThroughTableAndCocoAgree) {
  CAWE_NEEDS_DATA("cxr_tb");
  Dataset data = table("cxr_tb");
  attach_rsna_boxes(&data, at("cxr_tb/boxes_rsna.csv"), "tb");
  count_samples(&data);
  expect_counts(data, 650, 650, 982);
  EXPECT_EQ(data.counts.at("images with boxes"), 649);
  const Dataset coco = read_coco(at("cxr_tb/coco.json"), at("cxr_tb/images"));
  expect_counts(coco, 650, 650, 982);
  std::map<std::string, const Sample*> by_id;
  for (const Sample& sample : coco.samples) by_id[sample.image_id] = &sample;
  for (const Sample& sample : data.samples) {
    const Sample& other = *by_id.at(sample.image_id);
    ASSERT_EQ(sample.boxes.size(), other.boxes.size()) << sample.image_id;
    for (size_t i = 0; i < sample.boxes.size(); ++i) {
      double best = 0;
      for (const Box& box : other.boxes) best = std::max<double>(best, iou(sample.boxes[i], box));
      EXPECT_GT(best, 0.999) << sample.image_id;
    }
  }
  const Split split = split_by_name_hash(data, 520);
  int64_t boxes = 0;
  for (const int64_t i : split.indices("test")) boxes += int64_t(data.samples[size_t(i)].boxes.size());
  EXPECT_EQ(split.indices("test").size(), 130u);
  EXPECT_EQ(boxes, 198) << "the boxes of the published split";
}

TEST(RealFolders, CovidMassKermany) {
  CAWE_NEEDS_DATA("cxr_covid");
  CAWE_NEEDS_DATA("cxr_nih_mass");
  CAWE_NEEDS_DATA("cxr_kermany");
  Dataset covid = table("cxr_covid");
  attach_rsna_boxes(&covid, at("cxr_covid/boxes_rsna.csv"), "lung");
  count_samples(&covid);
  expect_counts(covid, 181, 113, 362);
  Dataset mass = table("cxr_nih_mass");
  attach_rsna_boxes(&mass, at("cxr_nih_mass/boxes_rsna.csv"), "mass");
  count_samples(&mass);
  expect_counts(mass, 35, 29, 214);

  LabelCsvOptions options;
  options.csv = at("cxr_kermany/metadata.csv");
  options.images_dir = at("cxr_kermany/images");
  options.finding_column = "finding";
  options.findings = {{"Normal", ""}, {"*", "Pneumonia"}};
  const Dataset kermany = read_label_csv(options);
  expect_counts(kermany, 320, 306, 0);
  EXPECT_EQ(kermany.counts.at("positive Pneumonia"), 160);
  options.findings.pop_back();
  EXPECT_THROW(read_label_csv(options), cawe::Error) << "a word that the map forgets";
}

TEST(RealFolders, RsnaTinyFiveFoldsByPatient) {
  CAWE_NEEDS_DATA("rsna_tiny");
  Dataset data = table("rsna_tiny");
  attach_rsna_boxes(&data, at("rsna_tiny/boxes_rsna.csv"));
  count_samples(&data);
  expect_counts(data, 240, 94, 61);
  EXPECT_EQ(data.counts.at("images with box annotation"), 159);
  EXPECT_EQ(data.counts.at("images with boxes"), 35);
  const Split split = split_k_folds(data, 5, {});
  check_patients_apart(data, split);
  std::set<std::string> boxed;
  for (const Sample& sample : data.samples)
    if (!sample.boxes.empty()) boxed.insert(sample.patient_id);
  EXPECT_EQ(boxed.size(), 12u);
}

TEST(RealFolders, RsnaStageTwoSample) {
  CAWE_NEEDS_DATA("rsna_labels");
  RsnaOptions options;
  options.labels_csv = at("rsna_labels/stage_2_train_labels_sample.csv");
  options.classes_csv = at("rsna_labels/stage_2_detailed_class_info_sample.csv");
  options.labels = RsnaLabels::detailed;
  options.split_by_image = true;
  const Dataset data = read_rsna(options);
  EXPECT_EQ(data.counts.at("rows"), 3557);
  EXPECT_EQ(data.samples.size(), 3132u);
  EXPECT_EQ(data.counts.at("images with boxes"), data.counts.at("positive Lung Opacity"));
  EXPECT_TRUE(data.rejected.empty());
  EXPECT_FALSE(data.patients_known);
}

TEST(RealFolders, BloodCellsVocAndCocoAgree) {
  CAWE_NEEDS_DATA("bccd");
  const Dataset voc = read_voc({at("bccd/annotations"), at("bccd/images"), {}, true});
  const Dataset coco = read_coco(at("bccd/coco.json"), at("bccd/images"));
  EXPECT_EQ(coco.samples.size() + coco.rejected.size(), 80u);
  EXPECT_EQ(voc.samples.size(), 80u);
  EXPECT_EQ(voc.class_names.size(), 3u);
  int64_t boxes = voc.counts.at("boxes");
  for (const std::string& warning : voc.warnings) boxes += warning.find("dropped") != std::string::npos;
  EXPECT_EQ(boxes, 1051);
}

TEST(RealFolders, PhotosAsAFolder) {
  CAWE_NEEDS_DATA("photos");
  EXPECT_EQ(read_image_folder({at("photos/images"), false}).samples.size(), 118u);
}

TEST(RealFolders, PublishedCocoGroundTruth) {
  CAWE_NEEDS_DATA("eval");
  const Dataset data = read_coco(at("eval/coco100/ground_truth.json"), "");
  EXPECT_EQ(data.samples.size() + data.rejected.size(), 100u);
  EXPECT_TRUE(data.rejected.empty()) << data.rejected[0].reason;
}

}  // namespace
}  // namespace cawe::data
