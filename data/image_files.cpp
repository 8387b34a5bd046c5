// SPDX-License-Identifier: Apache-2.0
#include "data/image_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>

#include "data/formats/table/csv.h"
#include "data/image_name.h"
#include "tensor/error.h"
#include "tensor/text.h"

namespace cawe::data {
namespace fs = std::filesystem;
namespace {

std::string name_of(const std::string& path) { return fs::path(path).filename().string(); }

/// "C:/x" and "C:\x".
bool has_drive(const std::string& name) {
  return name.size() > 2 && name[1] == ':' && (name[2] == '/' || name[2] == '\\') &&
         ((name[0] >= 'A' && name[0] <= 'Z') || (name[0] >= 'a' && name[0] <= 'z'));
}

std::string absolute(const std::string& path) {
  std::error_code error;
  const fs::path full = fs::absolute(path.empty() ? "." : path, error).lexically_normal();
  const std::string text = full.string();
  return text.size() > 1 && text.back() == '/' ? text.substr(0, text.size() - 1) : text;
}

bool below(const std::string& path, const std::string& folder) {
  return folder == "/" || (path.size() > folder.size() && path.compare(0, folder.size(), folder) == 0 &&
                           path[folder.size()] == '/');
}

}  // namespace

const FolderNames::Names& FolderNames::folder_of(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  const auto known = folders_.find(folder);
  if (known != folders_.end()) return known->second;
  Names& names = folders_[folder];
  std::error_code error;
  fs::directory_iterator it(folder.empty() ? "." : folder, error);
  for (const fs::directory_iterator end; !error && it != end; it.increment(error)) {
    std::error_code unknown;
    if (it->is_directory(unknown)) continue;
    const std::string name = it->path().filename().string();
    names[lower(name)].push_back(name);
  }
  for (auto& [key, all] : names) std::sort(all.begin(), all.end());
  return names;
}

bool FolderNames::has(const std::string& path) {
  const Names& names = folder_of(path);
  const std::string name = name_of(path);
  const auto found = names.find(lower(name));
  return found != names.end() && std::count(found->second.begin(), found->second.end(), name) > 0;
}

std::vector<std::string> FolderNames::with_ending(const std::string& path) {
  const Names& names = folder_of(path);
  const std::string name = name_of(path);
  std::vector<std::string> out;
  for (const std::string& ending : image_endings()) {
    const auto found = names.find(lower(name) + ending);
    if (found == names.end()) continue;
    for (const std::string& file : found->second)
      if (without_image_ending(file) == name) out.push_back(file);
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string FolderNames::near(const std::string& path) {
  const Names& names = folder_of(path);
  const std::string name = lower(name_of(path)), plain = without_image_ending(name);
  const auto same = names.find(name);
  if (same != names.end()) return same->second.front();
  for (const std::string& ending : image_endings())
    if (const auto found = names.find(plain + ending); found != names.end()) return found->second.front();
  const auto bare = names.find(plain);
  return bare != names.end() ? bare->second.front() : "";
}

ImageFiles::ImageFiles(ImagePlaces places) : places_(std::move(places)) {
  std::vector<std::string> folders{places_.images_dir};
  if (!places_.root.empty()) folders.push_back(places_.root);
  for (const std::string& folder : folders) {
    allowed_.push_back(absolute(folder));
    // A table may name a film by the folder's real path as well.
    std::error_code error;
    const std::string real = fs::weakly_canonical(folder.empty() ? "." : folder, error).string();
    if (!error && real != allowed_.back()) allowed_.push_back(real);
  }
}

bool ImageFiles::inside(const std::string& path) const {
  const std::string full = absolute(path);
  return std::any_of(allowed_.begin(), allowed_.end(),
                     [&](const std::string& folder) { return below(full, folder); });
}

ImageFiles::Found ImageFiles::place(const std::string& given, const std::string& where) {
  std::string name = given;
  const fs::path dir(places_.images_dir);
  if (name.find('\\') != name.npos && (has_drive(name) || !folders_.has((dir / name).string())))
    std::replace(name.begin(), name.end(), '\\', '/');
  CAWE_CHECK(name.find('\0') == name.npos, Code::data, where, ": an image's name has a NUL in it");
  const bool drive = has_drive(name);
  name = fs::path(name).lexically_normal().string();
  CAWE_CHECK(!name.empty() && name.back() != '/' && name_of(name) != "." && name_of(name) != "..", Code::data,
             where, ": image '", given, "' names a folder (expected a file)");
  CAWE_CHECK(!without_image_ending(name_of(name)).empty(), Code::data, where, ": image '", given,
             "' has no name before its ending (expected a file)");
  const bool climbs = name.compare(0, 3, "../") == 0, stays = !climbs && name[0] != '/' && !drive;
  const fs::path joined = dir / name;  // an absolute name stays as it is
  Found found{name, climbs ? joined.lexically_normal().string() : joined.string()};
  CAWE_CHECK(stays || places_.allow_outside || (!drive && inside(found.path)), Code::data, where, ": image '",
             given, "' lies outside the data folder ",
             places_.root.empty() ? places_.images_dir : places_.root,
             " (expected a path below it; data.allow_outside = true lets this file name any path)");
  return found;
}

std::string ImageFiles::existing(const std::string& path, const std::string& where) {
  if (folders_.has(path)) return path;
  if (!image_ending(path).empty()) return "";
  const std::vector<std::string> files = folders_.with_ending(path);
  CAWE_CHECK(files.size() < 2, Code::data, where, ": image '", name_of(path), "' may be ", files[0], " or ",
             files[1], " (expected the name with its ending)");
  return files.empty() ? "" : (fs::path(path).parent_path() / files[0]).string();
}

ImageFiles::Found ImageFiles::find(const std::string& given, const std::string& extension,
                                   const std::string& where) {
  const std::string bare(trimmed(given));
  if (bare != given && !bare.empty()) {
    Found as_written = look(given, extension, where);
    return folders_.has(as_written.path) ? as_written : look(bare, extension, where);
  }
  return look(given, extension, where);
}

ImageFiles::Found ImageFiles::look(const std::string& given, const std::string& extension,
                                   const std::string& where) {
  std::string name = given;
  const bool ends = name.size() >= extension.size() &&
                    lower(name.substr(name.size() - extension.size())) == lower(extension);
  if (!ends && image_ending(name).empty()) name += extension;
  Found found = place(name, where);
  std::string path = existing(found.path, where);
  if (path.empty() && !places_.root.empty() && !fs::path(found.name).is_absolute()) {
    const std::string from_root = (fs::path(places_.root) / found.name).lexically_normal().string();
    if (places_.allow_outside || inside(from_root)) path = existing(from_root, where);
  }
  if (!path.empty()) found.path = path;
  return found;
}

namespace {

/// Two images with one id, by position; both 0 where there are none.
std::pair<size_t, size_t> first_clash(const std::vector<std::string>& ids) {
  std::unordered_map<std::string, size_t> seen;
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto [at, fresh] = seen.emplace(ids[i], i);
    if (!fresh) return {at->second, i};
  }
  return {0, 0};
}

}  // namespace

std::vector<std::string> image_ids(const std::vector<NamedImage>& images) {
  std::vector<std::string> names, paths;
  for (const NamedImage& image : images) {
    paths.push_back(without_image_ending(image.name));
    names.push_back(name_of(paths.back()));
  }
  if (first_clash(names).second == 0) return names;
  const auto [a, b] = first_clash(paths);
  CAWE_CHECK(b == 0, Code::data, images[b].where, ": image '", paths[b], "' has a row already (",
             images[a].where, " names '", images[a].name, "', this one '", images[b].name,
             "'; expected names that differ without their endings)");
  return paths;
}

void check_files_differ(const std::vector<Sample>& samples) {
  std::map<std::pair<uint64_t, uint64_t>, const Sample*> seen;
  for (const Sample& sample : samples) {
    struct stat file = {};
    if (::stat(sample.path.c_str(), &file) != 0) continue;
    const auto [at, fresh] = seen.emplace(std::pair(uint64_t(file.st_dev), uint64_t(file.st_ino)), &sample);
    if (fresh) continue;
    const Sample& before = *at->second;
    const auto from = [](const Sample& s) { return s.where.empty() ? "" : " (" + s.where + ")"; };
    fail(Code::data, sample.where, sample.where.empty() ? "" : ": ", sample.path,
         " has a row already: it is the file ", before.path, from(before),
         " (expected one name for each film; links count as the file they lead to)");
  }
}

}  // namespace cawe::data
