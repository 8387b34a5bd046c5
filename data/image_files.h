// SPDX-License-Identifier: Apache-2.0
// Which file a table, a COCO or a VOC file means when it names an image, and what the image is called.
#pragma once

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "data/sample.h"

namespace cawe::data {

/// What lies in folders. Each folder is listed once, so that a million names cost a few questions to the
/// disk.
class FolderNames {
 public:
  /// Whether a file of this path is there (links followed).
  bool has(const std::string& path);
  /// Files in `path`'s folder that are called as it is, with a known image ending behind; sorted.
  std::vector<std::string> with_ending(const std::string& path);
  /// The name of a file in `path`'s folder that differs from it only in upper and lower case or by its
  /// image ending; "" where there is none. For messages.
  std::string near(const std::string& path);

 private:
  using Names = std::unordered_map<std::string, std::vector<std::string>>;  // by the name in lower case
  const Names& folder_of(const std::string& path);
  std::unordered_map<std::string, Names> folders_;
};

/// Where images are that somebody else's file names.
struct ImagePlaces {
  ImagePlaces(const char* folder) : images_dir(folder) {}
  ImagePlaces(std::string folder, std::string data_root = "", bool outside = false)
      : images_dir(std::move(folder)), root(std::move(data_root)), allow_outside(outside) {}
  std::string images_dir;      ///< what names are relative to
  std::string root;            ///< the data folder; empty: images_dir
  bool allow_outside = false;  ///< names may lead out of both
};

/// Finds the images that a table names. Whoever wrote the recipe may read what he likes; whoever wrote the
/// table may not: `/etc/x.png` and `../../x.png` are refused unless they stay below `root` or `images_dir`.
/// `..` is resolved in the text of the path, so it never climbs out through a link; links that lie in the
/// folder are followed, since only who owns the folder can have put them there.
class ImageFiles {
 public:
  explicit ImageFiles(ImagePlaces places);

  struct Found {
    std::string name;  ///< as it was named, with "/" between folders and without "." and ".."
    std::string path;  ///< where it lies, or should
  };
  /// The path of `name` without a look at the disk, but for a name with a backslash. Throws data beginning
  /// with `where` for one that is empty or leads outside.
  Found place(const std::string& name, const std::string& where);
  /// The same, found on the disk where it is called a little otherwise: `extension` is put behind a name
  /// that has no image ending; else one known ending is tried; a name that begins at the root
  /// ("images/a.png") counts from there; blanks around the name are part of it only where such a file is
  /// there. Throws data, too, where two files could be meant ("a.dcm" and
  /// "a.png"). A file that is not there is no error yet.
  Found find(const std::string& name, const std::string& extension, const std::string& where);

 private:
  Found look(const std::string& name, const std::string& extension, const std::string& where);
  bool inside(const std::string& path) const;
  /// The one file that `path` means, or "".
  std::string existing(const std::string& path, const std::string& where);

  ImagePlaces places_;
  std::vector<std::string> allowed_;  ///< folders that names may lead into, absolute
  FolderNames folders_;
};

/// An image as its file names it: the path, and the place that names it, for messages.
struct NamedImage {
  std::string name, where;
};

/// Ids of images: the file's name without folders and image ending; where two images would share one, all
/// of the list get their paths without ending instead ("p1/view1"). Throws data naming both where even
/// these are equal: an image named twice, "a.png" beside "a.dcm".
std::vector<std::string> image_ids(const std::vector<NamedImage>& images);

/// Throws data, naming both, where two samples are one file: by another way through folders, by a link, or in two tables
/// of one data set. Files that are not there are let be.
void check_files_differ(const std::vector<Sample>& samples);

}  // namespace cawe::data
