// SPDX-License-Identifier: Apache-2.0
#include "tensor/io/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <vector>

#include "tensor/error.h"

namespace cawe {
namespace {

[[noreturn]] void refuse(const std::string& path, const char* doing) {
  const int reason = errno;
  fail(Code::io, path, ": cannot ", doing, " (", std::strerror(reason), ")");
}

/// A temporary file that is closed on destruction, and removed unless it was kept.
class Temporary {
 public:
  explicit Temporary(const std::string& target) : target_(target) {
    // A killed process leaves its temporary file behind, and in a container the next one may have its process
    // id.
    static std::atomic<uint64_t> serial{0};
    do {
      path_ = target + "." + std::to_string(::getpid()) + "." + std::to_string(serial++) + ".part";
      fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    } while (fd_ < 0 && errno == EEXIST);
    if (fd_ < 0) refuse(target, "be written");
  }
  ~Temporary() {
    if (fd_ >= 0) ::close(fd_);
    if (!kept_) ::unlink(path_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  void write(const char* data, size_t bytes) {
    while (bytes > 0) {
      const ssize_t done = ::write(fd_, data, std::min<size_t>(bytes, size_t(1) << 30));
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) refuse(target_, "be written");
      data += done;
      bytes -= size_t(done);
    }
  }
  void rename_to_target() {
    if (::fsync(fd_) != 0) refuse(target_, "be flushed to disk");
    const int fd = fd_;
    fd_ = -1;
    if (::close(fd) != 0) refuse(target_, "be written");
    if (::rename(path_.c_str(), target_.c_str()) != 0) refuse(target_, "be put in place");
    kept_ = true;
  }

 private:
  std::string target_, path_;
  int fd_ = -1;
  bool kept_ = false;
};

}  // namespace

void write_file(const std::string& path, const void* data, size_t bytes) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  Temporary file(path);
  file.write(static_cast<const char*>(data), bytes);
  file.rename_to_target();
  // The folder is flushed too, so that the rename survives a crash; not where it cannot be opened for
  // reading.
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  const bool flushed = ::fsync(fd) == 0 || errno == EINVAL;  // some network file systems cannot
  const int reason = errno;
  ::close(fd);
  errno = reason;
  if (!flushed) refuse(path, "be flushed to disk: the folder's entry");
}

void write_file(const std::string& path, const std::string& text) {
  write_file(path, text.data(), text.size());
}

void remove_unfinished(const std::string& dir) {
  std::vector<std::filesystem::path> left;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir))
    if (entry.path().extension() == ".part") left.push_back(entry.path());
  for (const auto& path : left) std::filesystem::remove(path);
}

std::string read_file(const std::string& path, size_t max_bytes) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) refuse(path, "be read");
  CAWE_CHECK(S_ISREG(info.st_mode), Code::io, path, ": is ",
             S_ISDIR(info.st_mode) ? "a folder" : "no regular file", " (expected a file)");
  CAWE_CHECK(info.st_size >= 0 && size_t(info.st_size) <= max_bytes, Code::data, path, ": ", info.st_size,
             " bytes (expected at most ", max_bytes, ")");
  std::FILE* file = std::fopen(path.c_str(), "rb");
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
