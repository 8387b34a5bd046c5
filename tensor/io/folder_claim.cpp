// SPDX-License-Identifier: Apache-2.0
#include "tensor/io/folder_claim.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/text.h"

namespace cawe {
namespace fs = std::filesystem;
namespace {

std::string marker_text(const std::string& kind) { return "cawe " + kind + " 1\n"; }

/// What a short file says; "" for what is no regular file, or a link. A marker's name proves no size.
std::string text_of(const std::string& path) {
  std::error_code error;
  if (fs::symlink_status(path, error).type() != fs::file_type::regular) return "";
  std::ifstream file(path, std::ios::binary);
  std::string text(4096, '\0');
  file.read(text.data(), std::streamsize(text.size()));
  text.resize(size_t(file.gcount()));
  return text;
}

/// True where a folder holds nothing but a marker that a killed process had not finished.
bool only_begun(const std::string& dir, const std::string& kind) {
  for (const std::string& name : names_in(dir)) {
    const std::string path = dir + "/" + name;
    std::error_code e;
    if (!begins_with(name, std::string(kFolderMarker) + ".cawe-") || !is_unfinished(name) ||
        fs::symlink_status(path, e).type() != fs::file_type::regular ||
        !begins_with(marker_text(kind), text_of(path)))
      return false;
  }
  return true;
}

/// Throws usage where `dir` is not for us. Touches nothing.
void check_folder(const std::string& dir, const std::string& kind, const std::function<bool()>& older) {
  CAWE_CHECK(!dir.empty(), Code::usage, "a folder without a name cannot be made (an empty --out?)");
  std::error_code e;
  const fs::file_status there = fs::status(dir, e);
  if (!fs::exists(there)) return;
  CAWE_CHECK(fs::is_directory(there), Code::usage, dir, ": is a file (expected a folder)");
  const std::string found = folder_kind(dir);
  CAWE_CHECK(found.empty() || found == kind, Code::usage, dir, ": is the folder of a ", found,
             " (expected that of a ", kind, ", or a new one)");
  CAWE_CHECK(!found.empty() || only_begun(dir, kind) || (older && older()), Code::usage, dir,
             ": holds other files (expected a new or an empty folder)");
}

/// Field 22 of /proc/PROCESS/stat: when it began. "" where there is no such process or no /proc.
std::string start_of(long process) {
  const std::string stat = text_of("/proc/" + std::to_string(process) + "/stat");
  const size_t name_end = stat.rfind(')');  // the name may hold blanks and brackets
  if (name_end == std::string::npos) return "";
  std::istringstream fields(stat.substr(name_end + 1));
  std::string field;
  for (int i = 3; i <= 22; ++i) fields >> field;
  return field;
}

bool is_alive(const LockHolder& holder) {
  if (holder.process <= 0 || (::kill(pid_t(holder.process), 0) != 0 && errno == ESRCH)) return false;
  const std::string started = start_of(holder.process);
  return started.empty() || holder.started.empty() || started == holder.started;
}

/// File systems that are known to be this machine's alone, by their numbers in statfs(2).
bool on_local_disk(int fd) {
  struct statfs info {};
  if (::fstatfs(fd, &info) != 0) return false;
  for (const long local :
       {0xEF53L, 0x58465342L, 0x9123683EL, 0x01021994L, 0x794C7630L, 0x2FC12FC1L, 0xF2F52010L})
    if (long(info.f_type) == local) return true;  // ext, xfs, btrfs, tmpfs, overlay, zfs, f2fs
  return false;
}

bool same_file(int fd, const std::string& path) {
  struct stat open {
  }, named{};
  return ::fstat(fd, &open) == 0 && ::stat(path.c_str(), &named) == 0 && open.st_ino == named.st_ino &&
         open.st_dev == named.st_dev;
}

std::string content(int fd) {
  char text[512];
  const ssize_t length = ::pread(fd, text, sizeof text, 0);
  return length > 0 ? std::string(text, size_t(length)) : "";
}

}  // namespace

std::string folder_kind(const std::string& dir) {
  std::istringstream marker(text_of(dir + "/" + kFolderMarker));
  std::string program, kind, version;
  marker >> program >> kind >> version;
  return program == "cawe" && version == "1" ? kind : "";
}

std::string lock_text(const LockHolder& h) {
  return "host " + h.host + "\nspace " + h.space + "\nprocess " + std::to_string(h.process) + "\nstarted " +
         h.started + "\nsince " + h.since + "\n";
}

LockHolder parse_lock(std::string_view text) {
  LockHolder holder;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    const size_t blank = line.find(' ');
    if (blank == std::string::npos) continue;
    const std::string key = line.substr(0, blank), value = line.substr(blank + 1);
    if (key == "host") holder.host = value;
    if (key == "space") holder.space = value;
    if (key == "process") holder.process = std::strtol(value.c_str(), nullptr, 10);
    if (key == "started") holder.started = value;
    if (key == "since") holder.since = value;
  }
  return holder;
}

LockHolder this_process() {
  LockHolder me;
  char text[256] = {};
  if (::gethostname(text, sizeof text - 1) == 0) me.host = text;
  if (me.host.empty()) me.host = "unknown";
  const ssize_t length = ::readlink("/proc/self/ns/pid", text, sizeof text);
  me.space = length > 0 ? std::string(text, size_t(length)) : "-";
  me.process = long(::getpid());
  me.started = start_of(me.process);
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &utc);
  me.since = text;
  return me;
}

bool may_take(SystemLock system, bool local_disk, const LockHolder& before, const LockHolder& me,
              bool alive) {
  if (system == SystemLock::held) return false;
  if (before.host.empty() || (system == SystemLock::got && local_disk)) return true;
  const bool findable = before.host == me.host && before.space == me.space;
  // The system's lock tells of this machine's other processes, also of those in other containers.
  if (findable || (before.host == me.host && system == SystemLock::got))
    return system == SystemLock::got || !alive || before.process == me.process;
  return false;
}

void mark_folder(const std::string& dir, const std::string& kind, const std::function<bool()>& older) {
  check_folder(dir, kind, older);
  make_folders(dir);
  if (!folder_kind(dir).empty()) return;
  const std::string marker = dir + "/" + kFolderMarker;
  std::error_code error;
  const fs::file_type there = fs::symlink_status(marker, error).type();
  CAWE_CHECK(there == fs::file_type::not_found || there == fs::file_type::regular, Code::usage, marker,
             ": is a link or a folder (expected a file of one line, or none)");
  try {
    write_file(marker, marker_text(kind));
  } catch (const Error&) {
    if (folder_kind(dir) != kind)
      throw;  // else another process marked it meanwhile, and took our half-written file
  }
}

FolderClaim::FolderClaim(const std::string& dir, const std::string& kind, const std::function<bool()>& older)
    : dir_(dir), path_(dir + "/" + kFolderLock) {
  mark_folder(dir, kind, older);
  own_.emplace(dir);
  lock(kind);
  remove_unfinished(dir);
}

void FolderClaim::lock(const std::string& kind) {
  const auto refuse = [&](const LockHolder& holder) {
    fail(Code::usage, dir_, ": another process works in this ", kind,
         holder.host.empty()
             ? std::string()
             : detail::concat(" (", holder.process, " on ", holder.host, ", since ", holder.since, ")"),
         ". Wait until it ends or choose another --out; if it is gone, remove ", path_, ".");
  };
  const auto broken = [&](const char* what) {
    const int reason = errno;
    fail(Code::io, path_, ": cannot ", what, " (", std::strerror(reason), ")");
  };
  const LockHolder me = this_process();
  for (;;) {
    // Not through a link: what it points at is not ours.
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    CAWE_CHECK(
        fd_ >= 0 || errno != ELOOP, Code::usage, path_,
        ": is a link (expected a file of this program's own, or none: what a link leads to is not touched)");
    if (fd_ < 0) broken("be made");
    const bool got = ::flock(fd_, LOCK_EX | LOCK_NB) == 0;
    const SystemLock system = got                    ? SystemLock::got
                              : errno == EWOULDBLOCK ? SystemLock::held
                                                     : SystemLock::none;
    const LockHolder before = parse_lock(content(fd_));
    if (!may_take(system, on_local_disk(fd_), before, me, is_alive(before))) {
      ::close(fd_);
      fd_ = -1;
      refuse(before);
    }
    if (same_file(fd_, path_)) break;  // else the one before removed it meanwhile
    ::close(fd_);
  }
  const std::string text = lock_text(me);
  if (::ftruncate(fd_, 0) != 0 || ::pwrite(fd_, text.data(), text.size(), 0) != ssize_t(text.size())) {
    const int reason = errno;
    ::close(fd_);
    fd_ = -1;
    errno = reason;
    broken("be written");
  }
}

FolderClaim::~FolderClaim() {
  if (fd_ < 0) return;
  if (same_file(fd_, path_)) ::unlink(path_.c_str());
  ::close(fd_);
}

}  // namespace cawe
