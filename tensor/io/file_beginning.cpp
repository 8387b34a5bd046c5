// SPDX-License-Identifier: Apache-2.0
#include "tensor/io/file_beginning.h"

#include <sys/stat.h>

#include <cstdio>

namespace cawe {

std::string read_beginning(const std::string& path, size_t bytes) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return "";
  std::FILE* file = std::fopen(path.c_str(), "rbe");
  if (file == nullptr) return "";
  std::string begin(bytes, '\0');
  begin.resize(std::fread(begin.data(), 1, bytes, file));
  std::fclose(file);
  return begin;
}

}  // namespace cawe
