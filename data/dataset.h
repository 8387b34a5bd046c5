// SPDX-License-Identifier: Apache-2.0
// What all readers share: rules for boxes, finding image files, joining tables, selecting samples.
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "data/folder_walk.h"
#include "data/sample.h"
#include "tensor/error.h"

namespace cawe::data {

/// Pixels by which a box may reach over the image's edge: it is clipped and a warning is kept. More is an
/// error.
constexpr double kBoxSlack = 1.0;

enum class BoxCheck { ok, clipped, bad };

/// Checks `box` against an image of width x height and clips it in place; with 0 x 0 (size not known yet)
/// only that it is finite, has an area and does not begin left of or above the image. For a bad box `field`
/// and `reason` say what is wrong.
BoxCheck check_box(BoxD* box, int width, int height, std::string* field, std::string* reason);

/// Whether a box may be written in shares of its film's width and height: corner and sides of at most 1. Also where the
/// corner is really the middle, as YOLO writes it.
bool is_share(const BoxD& box);

/// Adds a checked box to `sample`. A duplicate (same numbers and class) is dropped with a warning. `where`
/// begins messages. Returns false for a bad box, or the 10,001st of an image: it is noted in
/// `dataset->rejected`, and the caller must drop the image.
bool add_box(Dataset* dataset, Sample* sample, BoxD box, int box_class, const std::string& where);

/// Whether an error of this kind, while a film is read and decoded, is that film's alone: it is rejected and the others
/// are gone on with. Everything else ends the command.
bool rejects_one_film(Code code);

/// Removes the samples with the image ids in `gone`.
void drop_samples(Dataset* dataset, const std::vector<std::string>& gone);

/// What an image file says of itself: width and height, the patient's sex, age and view where it has them (DICOM),
/// and its hashes; throws data or io where it is no image. image_facts_with() of data/fingerprint.h works for every
/// format that is decoded.
struct ImageFacts {
  int width = 0, height = 0;
  std::string sex, view;
  float age = std::numeric_limits<float>::quiet_NaN();
  int orientation = 1;  ///< as Picture's: above 4, width and height are those of the stored picture exchanged
  std::string damage;   ///< of pixels that were let pass
  std::string file_hash, pixel_hash;  ///< as Sample's; may be empty
  ImageFacts() = default;
  ImageFacts(const std::pair<int, int>& size) : width(size.first), height(size.second) {}
};
using SizeOf = std::function<ImageFacts(const std::string& path)>;

/// Asks `size_of` for every sample, on all threads, and fills width, height and hashes, and sex, age and view where the
/// label file did not say; then checks its boxes again. A missing or broken file, an image whose real size differs from
/// what the label file said, a side over 16384 px or under `min_side`, or a bad box rejects the sample.
void resolve_images(Dataset* dataset, const SizeOf& size_of, int min_side = 1, bool quiet = true);

/// Joins boxes in RSNA form (patientId,x,y,width,height,Target) to samples of another reader. patientId names
/// the image's file by the rules of data/film_names.h; one that could be two images', and two that are one's,
/// throw data. Images without a row stay without box annotation and are counted; rows without an image are
/// rejected.
void attach_rsna_boxes(Dataset* dataset, const std::string& csv, const std::string& class_name = "opacity");

/// Counts samples, patients, boxes, images with boxes and positives of each label into dataset->counts. Every reader and
/// join ends with it, so that here is looked at the boxes as a whole: a warning is kept where all that there are have
/// corners and sides of at most a pixel, as those have that are written in shares of a film's width and height.
void count_samples(Dataset* dataset);

/// Leaves of the labels those at the places `kept`, in that order, and counts their positives anew.
void keep_labels(Dataset* dataset, const std::vector<size_t>& kept);

/// What readers of folders do alike (`file` is theirs): hidden names are passed over, macOS's "._" files with them; a
/// folder that cannot be read is rejected; one that is come upon twice is left out with a warning, since its `things`
/// are read already.
FolderVisitor visitor_of(Dataset* dataset, const std::string& things);

/// "a/b/img01.jpg" -> "img01"; "1.2.3.99" has no image ending and stays.
std::string stem(const std::string& file_name);

/// rejected.csv: file,field,reason.
constexpr const char* kRejectedHeader = "file,field,reason\n";
void write_rejected(const std::string& path, const std::vector<Rejected>& rejected);

}  // namespace cawe::data
