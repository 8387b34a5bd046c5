// SPDX-License-Identifier: Apache-2.0
#include "tensor/io/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "tensor/error.h"
#include "tensor/stop_signal.h"
#include "tensor/text.h"

namespace cawe {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void refuse(const std::string& path, const char* doing) {
  const int reason = errno;
  fail(Code::io, path, ": cannot ", doing, " (", std::strerror(reason), ")");
}

/// A descriptor that is closed on destruction.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  /// Some file systems report only here that the disk is full.
  bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t done = ::write(fd, text.data(), std::min<size_t>(text.size(), size_t(1) << 30));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return false;
    text.remove_prefix(size_t(done));
  }
  return true;
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

/// "PATH.cawe-PROCESS-NUMBER.part". A container's next process may have the same number as one that was
/// killed: the caller tries until a name is free.
std::string temporary_name(const std::string& path) {
  static std::atomic<uint64_t> serial{0};
  constexpr size_t kLongest = 200;           // a name may have 255 bytes, with what is added here
  const size_t begin = path.rfind('/') + 1;  // 0 where there is none
  return path.substr(0, std::min(path.size(), begin + kLongest)) + ".cawe-" + std::to_string(::getpid()) +
         "-" + std::to_string(serial++) + ".part";
}

std::mutex own_mutex;
std::multiset<std::string> own_folders;  // with the slash at their ends

/// Length of the beginning of `path` that names an OwnFolder, with its slash; 0 where there is none. Of one inside
/// another the outer.
size_t own_beginning(const std::string& path) {
  const std::lock_guard<std::mutex> lock(own_mutex);
  size_t shortest = 0;
  for (const std::string& dir : own_folders)
    if (begins_with(path, dir) && (shortest == 0 || dir.size() < shortest)) shortest = dir.size();
  return shortest;
}

bool is_link(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
}

/// For folders of `path` behind its own beginning.
void refuse_linked_folders(const std::string& path, size_t own) {
  for (size_t slash = path.find('/', own); slash != path.npos; slash = path.find('/', slash + 1))
    CAWE_CHECK(!is_link(path.substr(0, slash)), Code::usage, path.substr(0, slash),
               ": is a link (expected a folder of this program's own: what a link leads to is not touched)");
}

/// Where a path leads.
struct Target {
  std::string path;     ///< with the symbolic links at its end followed
  int descriptor = -1;  ///< the open file of this process that it names
  bool exists = false, regular = false;
  bool own_link = false;  ///< a link in an OwnFolder, which is not followed
  mode_t mode = 0;        ///< permissions, where it exists
};

/// The open file that `path` names in this process's own list of them, /proc/PROCESS/fd; -1 for any other
/// path. Opening that name again would begin at the file's first byte, over what the shell or a caller wrote
/// there.
int own_descriptor(const std::string& path) {
  char folder[PATH_MAX];
  if (::realpath(folder_of(path).c_str(), folder) == nullptr) return -1;
  if (folder != "/proc/" + std::to_string(::getpid()) + "/fd") return -1;
  const std::string number = path.substr(path.rfind('/') + 1);
  if (number.empty() || number.find_first_not_of("0123456789") != number.npos) return -1;
  return std::atoi(number.c_str());
}

Target target_of(std::string path) {
  CAWE_CHECK(!path.empty(), Code::usage, "a file without a name cannot be written (an empty --out?)");
  const std::string asked = path;
  Target target;
  if (const size_t own = own_beginning(path); own > 0) {
    refuse_linked_folders(path, own);
    target.own_link = is_link(path);
  }
  constexpr int kMostLinks = 40;  // as Linux
  for (int links = 0; !target.own_link; ++links) {
    target.descriptor = own_descriptor(path);
    char to[PATH_MAX];
    const ssize_t length = target.descriptor >= 0 ? -1 : ::readlink(path.c_str(), to, sizeof to);
    if (length < 0) break;
    errno = ELOOP;
    if (links == kMostLinks) refuse(asked, "be written");
    const std::string next(to, size_t(length));
    path = next.front() == '/' ? next : folder_of(path) + (folder_of(path) == "." ? "/" : "") + next;
  }
  target.path = path;
  struct stat info {};
  target.exists = !target.own_link && ::stat(path.c_str(), &info) == 0;
  if (target.exists) {
    target.regular = S_ISREG(info.st_mode);
    target.mode = info.st_mode & 0777;
    CAWE_CHECK(!S_ISDIR(info.st_mode), Code::io, asked, ": cannot be written (it is a folder)");
  }
  return target;
}

void write_through(const std::string& asked, const Target& target, std::string_view text) {
  if (target.descriptor == STDOUT_FILENO) std::fflush(stdout);  // what was printed before stays before
  Descriptor file(target.descriptor >= 0 ? ::fcntl(target.descriptor, F_DUPFD_CLOEXEC, 0)
                                         : ::open(target.path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.get() < 0 || !write_all(file.get(), text) || !file.close()) refuse(asked, "be written");
}

/// A temporary file, removed unless it was put in place.
class Temporary {
 public:
  Temporary(const std::string& asked, const Target& target) : asked_(asked), target_(target) {
    // What replaces a private file is never readable by others, not even before it is whole.
    const mode_t mode = target.exists ? 0600 : 0666;
    do {
      path_ = temporary_name(target.path);
      fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    } while (fd_ < 0 && errno == EEXIST);
    if (fd_ < 0) refuse(asked_, "be written");
  }
  ~Temporary() {
    if (fd_ >= 0) ::close(fd_);
    if (!kept_) ::unlink(path_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  void write(std::string_view text) {
    if (!write_all(fd_, text)) refuse(asked_, "be written");
  }
  void put_in_place() {
    if (target_.exists && ::fchmod(fd_, target_.mode) != 0 && errno != EPERM && errno != ENOTSUP)
      refuse(asked_, "keep its permissions");  // some network and foreign file systems have none to keep
    if (::fsync(fd_) != 0) refuse(asked_, "be flushed to disk");
    if (::close(std::exchange(fd_, -1)) != 0) refuse(asked_, "be written");
    if (::rename(path_.c_str(), target_.path.c_str()) != 0) refuse(asked_, "be put in place");
    kept_ = true;
  }

 private:
  const std::string& asked_;
  const Target& target_;
  std::string path_;
  int fd_ = -1;
  bool kept_ = false;
};

/// Makes a rename in this folder survive a crash; not where the folder cannot be opened for reading.
void flush_folder(const std::string& path) {
  const Descriptor folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return;
  const bool flushed = ::fsync(folder.get()) == 0 || errno == EINVAL;  // some network file systems cannot
  if (!flushed) refuse(path, "be flushed to disk: the folder's entry");
}

}  // namespace

void write_file(const std::string& path, const void* data, size_t bytes) {
  write_file(path, std::string_view(static_cast<const char*>(data), bytes));
}

void write_file(const std::string& path, std::string_view text) {
  const Target target = target_of(path);
  if (target.descriptor >= 0 || (target.exists && !target.regular)) return write_through(path, target, text);
  Temporary file(path, target);
  file.write(text);
  file.put_in_place();
  flush_folder(target.path);
}

bool is_open_file(const std::string& path) { return target_of(path).descriptor >= 0; }

void append_file(const std::string& path, std::string_view text) {
  const Target target = target_of(path);
  if (target.descriptor >= 0) return write_through(path, target, text);
  CAWE_CHECK(
      !target.own_link, Code::usage, path,
      ": is a link (expected a file of this program's own, or none: what a link leads to is not touched)");
  // Links of other folders were followed already, so that none is left to follow.
  Descriptor file(::open(target.path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666));
  struct stat before {};
  if (file.get() < 0 || ::fstat(file.get(), &before) != 0) refuse(path, "be written");
  if (!write_all(file.get(), text)) {
    const int reason = errno;
    if (S_ISREG(before.st_mode) && ::ftruncate(file.get(), before.st_size) != 0)
      fail(Code::io, path, ": cannot be written (", std::strerror(reason),
           "), and its last line is not whole");
    errno = reason;
    refuse(path, "be written");
  }
  if (!file.close()) refuse(path, "be written");
}

OwnFolder::OwnFolder(std::string dir) : dir_(std::move(dir) + "/") {
  const std::lock_guard<std::mutex> lock(own_mutex);
  own_folders.insert(dir_);
}

OwnFolder::~OwnFolder() {
  const std::lock_guard<std::mutex> lock(own_mutex);
  own_folders.erase(own_folders.find(dir_));
}

void refuse_linked_folder(const std::string& dir) {
  if (const size_t own = own_beginning(dir); own > 0) refuse_linked_folders(dir + "/", own);
}

void make_folders(const std::string& dir) {
  CAWE_CHECK(!dir.empty(), Code::usage, "a folder without a name cannot be made (an empty --out?)");
  refuse_linked_folder(dir);
  std::error_code error;
  fs::create_directories(dir, error);
  CAWE_CHECK(!error, Code::io, dir, ": this folder cannot be made (", error.message(), ")");
  CAWE_CHECK(fs::is_directory(dir), Code::io, dir, ": is a file (expected a folder)");
}

NewFolder::NewFolder(const std::string& out) : out_(out) {
  CAWE_CHECK(!out.empty(), Code::usage, "no output folder given (--out DIR)");
  check_stop(out);  // from here on a signal is recorded, so that what is begun can be taken back
  std::error_code e;
  std::error_code unknown;
  const fs::file_status there = fs::status(out, e), link = fs::symlink_status(out, unknown);
  CAWE_CHECK(there.type() != fs::file_type::none, Code::io, out, ": cannot be made (", e.message(), ")");
  CAWE_CHECK(!fs::is_symlink(link) || fs::exists(there), Code::usage, out,
             ": is a link to nothing (expected a new or an empty folder)");
  inside_ = fs::exists(there);
  CAWE_CHECK(!inside_ || (fs::is_directory(there) && fs::is_empty(out, e)), Code::usage, out,
             ": is there already (expected a new or an empty folder)");
  const fs::path whole = fs::path(out).lexically_normal();  // "films/" is "films" for what stands beside it
  const std::string name = (whole.has_filename() ? whole : whole.parent_path()).string();
  if (!inside_ && !fs::path(name).parent_path().empty()) make_folders(fs::path(name).parent_path().string());
  do {
    part_ = temporary_name(inside_ ? out + "/films" : name);
  } while (!fs::create_directory(part_, e) && !e);
  CAWE_CHECK(!e, Code::io, out, ": cannot be made (", e.message(), ")");
}

NewFolder::~NewFolder() {
  std::error_code e;
  if (!done_) fs::remove_all(part_, e);
}

void NewFolder::finish() {
  std::error_code e;
  if (inside_) {
    for (const fs::directory_entry& entry : fs::directory_iterator(part_, e))
      if (!e) fs::rename(entry.path(), fs::path(out_) / entry.path().filename(), e);
    if (!e) fs::remove(part_, e);
  } else {
    fs::rename(part_, out_, e);
  }
  if (!e) flush_folder(out_);
  done_ = inside_ || !e;  // what was moved in part is whole only together with what is left
  CAWE_CHECK(!e, Code::io, out_, ": cannot be put in place (", e.message(), ")",
             inside_ ? "; it is in " + part_ : "");
}

bool is_unfinished(const std::string& name) {
  const auto digits_before = [&](size_t end) {
    size_t begin = end;
    while (begin > 0 && name[begin - 1] >= '0' && name[begin - 1] <= '9') --begin;
    return begin == end ? std::string::npos : begin;
  };
  const std::string mark = ".cawe-", end = ".part";
  if (name.size() < end.size() || name.compare(name.size() - end.size(), end.size(), end) != 0) return false;
  const size_t number = digits_before(name.size() - end.size());
  if (number == std::string::npos || number == 0 || name[number - 1] != '-') return false;
  const size_t process = digits_before(number - 1);
  return process != std::string::npos && process > mark.size() &&
         name.compare(process - mark.size(), mark.size(), mark) == 0;
}

std::vector<std::string> names_in(const std::string& dir) {
  std::vector<std::string> names;
  std::error_code e;
  fs::directory_iterator entry(dir, e);
  for (; !e && entry != fs::directory_iterator(); entry.increment(e))
    names.push_back(entry->path().filename().string());
  CAWE_CHECK(!e || e == std::errc::no_such_file_or_directory, Code::io, dir, ": this folder cannot be read (",
             e.message(), ")");
  std::sort(names.begin(), names.end());
  return names;
}

void remove_unfinished(const std::string& dir) {
  refuse_linked_folder(dir);
  for (const std::string& name : names_in(dir)) {
    const fs::path path = fs::path(dir) / name;
    std::error_code e;
    if (is_unfinished(name) && fs::symlink_status(path, e).type() == fs::file_type::regular)
      fs::remove(path, e);
  }
}

std::string read_file(const std::string& path, size_t max_bytes) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) refuse(path, "be read");
  CAWE_CHECK(S_ISREG(info.st_mode), Code::io, path, ": is ",
             S_ISDIR(info.st_mode) ? "a folder" : "no regular file", " (expected a file)");
  CAWE_CHECK(info.st_size >= 0 && size_t(info.st_size) <= max_bytes, Code::data, path, ": ", info.st_size,
             " bytes (expected at most ", max_bytes, ")");
  std::FILE* file = std::fopen(path.c_str(), "rbe");  // e: no child process gets it
  if (file == nullptr) refuse(path, "be read");
  std::string bytes(size_t(info.st_size), '\0');
  const size_t got = std::fread(bytes.data(), 1, bytes.size(), file);
  const bool broken = std::ferror(file) != 0;
  std::fclose(file);
  if (broken) fail(Code::io, path, ": cannot be read to its end");
  CAWE_CHECK(got == bytes.size(), Code::io, path, ": became shorter while it was read");
  return bytes;
}

}  // namespace cawe
