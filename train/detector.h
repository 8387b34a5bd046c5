// SPDX-License-Identifier: Apache-2.0
// A trained detector with its whole chain: film in, boxes in pixels of the original film out.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/detection_model.h"
#include "train/enhancing.h"

namespace cawe::train {

/// One box found in an image, pixels of the original. Numbers have the digits that files give them
/// (thousandths of a pixel, nine of a score), so that a box in memory and the same box read from a file are
/// judged alike.
struct FoundBox {
  std::string image, patient, label;
  double x = 0, y = 0, width = 0, height = 0, score = 0;
};

/// A detector with its enhancement chain, loaded from a run or a checkpoint.
class Detector {
 public:
  /// A run folder or a checkpoint.
  explicit Detector(const std::string& run_or_file);
  Detector(std::shared_ptr<models::DetectionModel> net, Chain chain, data::LoaderOptions loader,
           Strings classes);

  /// Boxes of the samples at `indices`, image by image, best first. An image's boxes do not depend on the
  /// batch. `stoppable` begins the message of Code::interrupted where a signal asks to stop; "": it goes on, for
  /// those who stop in their own way. Where `problem` is given, a film that cannot be decoded (any more) has no boxes
  /// but a reason there, one for each sample; else it ends everything. Such samples need a width and a height.
  std::vector<std::vector<FoundBox>> detect(const data::Dataset& dataset, const std::vector<int64_t>& indices,
                                            bool quiet = true, const std::string& stoppable = "",
                                            std::vector<std::string>* problem = nullptr);
  const std::vector<std::string>& classes() const { return classes_; }
  /// The patients that trained the detector and every model of its chain.
  const std::vector<data::TrainedPatients>& trained() const { return trained_; }
  Chain& chain() { return chain_; }
  const data::LoaderOptions& loader() const { return loader_; }
  double& score_threshold() { return net_->postprocess_settings().score_threshold; }

 private:
  std::shared_ptr<models::DetectionModel> net_;
  Chain chain_;
  data::LoaderOptions loader_;
  std::vector<std::string> classes_;
  std::vector<data::TrainedPatients> trained_;
};

/// A film that a detector looked at, whether it found anything or not. patient: empty where the person is unknown.
struct FilmSeen {
  std::string image, patient;
  int width = 0, height = 0;
  int64_t boxes = 0;
  bool leak = false;  ///< a model of the chain was trained on it or on its person, which was allowed
};
/// The films at `indices`, for which `found` are the boxes; all persons as the samples have them.
std::vector<FilmSeen> films_seen(const data::Dataset& dataset, const std::vector<int64_t>& indices,
                                 const std::vector<std::vector<FoundBox>>& found);
/// What the lists of films begin with, by which an older one of this program is told from somebody's own file.
constexpr const char* kFilmsCsvHead = "image,patient,width,height,boxes";
constexpr const char* kFilmsJsonHead = R"({
 "info": {
  "description": "films that cawe detect looked at")";
/// image,patient,width,height,boxes: what eval::read_films() reads; where one has a leak also leak, 0 or 1.
std::string films_csv(const std::vector<FilmSeen>& films);
/// COCO's info and lists of images and categories; an image's id is its name, as in detections_json(), "leak": true in
/// those that have one.
std::string films_json(const std::vector<FilmSeen>& films, const Strings& classes);

/// image,patient,x,y,width,height,score,label
std::string detections_csv(const std::vector<std::vector<FoundBox>>& found);
/// COCO results: image_id is the image's name.
std::string detections_json(const std::vector<std::vector<FoundBox>>& found, const Strings& classes);

}  // namespace cawe::train
