// SPDX-License-Identifier: Apache-2.0
// What the tests of decoding in children share.
#pragma once

#include <dirent.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "data/formats/picture/picture.h"
#include "data/jail.h"
#include "data/phantom/chest.h"
#include "tensor/io/files.h"

namespace cawe::data {

/// Jailed while it lives.
struct Jailed {
  Jailed() { decode_in_jail(CAWE_PROGRAM); }
  ~Jailed() { decode_in_jail(""); }
};

inline std::string phantom() {
  const std::string dir = ::testing::TempDir() + "jail-" + std::to_string(::getpid());
  const std::string remove = "rm -rf '" + dir + "'";
  EXPECT_EQ(std::system(remove.c_str()), 0);
  PhantomOptions options;
  options.out = dir;
  options.images = 1;
  options.chest.size = 64;
  write_phantoms(options);
  const std::string bytes = read_file(dir + "/images/p00000_0.dcm");
  EXPECT_EQ(std::system(remove.c_str()), 0);
  return bytes;
}

/// Processes whose parent this one is.
inline std::vector<pid_t> children() {
  std::vector<pid_t> found;
  DIR* folder = ::opendir("/proc");
  while (const dirent* entry = ::readdir(folder)) {
    std::ifstream stat(std::string("/proc/") + entry->d_name + "/stat");
    std::string number, name, state, parent;
    stat >> number >> name >> state >> parent;
    if (parent == std::to_string(::getpid())) found.push_back(pid_t(std::atoi(number.c_str())));
  }
  ::closedir(folder);
  return found;
}

inline std::string kind_of(const std::function<void()>& fn) {
  try {
    fn();
  } catch (const PictureError& error) {
    return error.kind();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace cawe::data
