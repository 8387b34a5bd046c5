// SPDX-License-Identifier: Apache-2.0
// What the tests of tensor/io share: a folder of one's own, messages of errors, the golden files' contents.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace cawe::testing {

/// A fresh folder, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "cawe_io_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;  // what is left in /tmp is no failure of the test
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all, ignored);
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::vector<std::string> files() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      out.push_back(entry.path().filename().string());
    return out;
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The message of the cawe::Error that `fn` throws, begun by its code's name; "no error" otherwise.
inline std::string message_of(const std::function<void()>& fn) {
  try {
    fn();
  } catch (const Error& error) {
    return std::string(name(error.code())) + ": " + error.what();
  }
  return "no error";
}

/// Expects an error of `code` whose message contains `part`, in one line.
inline void expect_error(const char* code, const std::string& part, const std::function<void()>& fn) {
  const std::string message = message_of(fn);
  EXPECT_EQ(message.find(std::string(code) + ": "), 0u) << message;
  EXPECT_NE(message.find(part), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
}

struct Golden {
  std::string dtype;
  std::vector<int64_t> shape;
  std::vector<double> values;
};

/// tests/goldens/weights/expected.txt: file -> tensor's name (spaces as '_') -> contents.
inline std::map<std::string, std::map<std::string, Golden>> goldens() {
  std::map<std::string, std::map<std::string, Golden>> out;
  std::ifstream in("tests/goldens/weights/expected.txt");
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string file, tensor, shape;
    Golden golden;
    words >> file >> tensor >> golden.dtype >> shape;
    std::istringstream sizes(shape);
    for (std::string size; shape != "-" && std::getline(sizes, size, 'x');)
      golden.shape.push_back(std::stoll(size));
    for (std::string number; words >> number;) golden.values.push_back(std::stod(number));
    out[file][tensor] = golden;
  }
  return out;
}

inline void expect_golden(const Tensor& x, const Golden& golden, const std::string& what) {
  EXPECT_EQ(name(x.dtype()), golden.dtype) << what;
  EXPECT_EQ(x.shape(), Shape(golden.shape)) << what;
  EXPECT_TRUE(x.is_contiguous()) << what;
  EXPECT_EQ(x.to(DType::f64).to_vector<double>(), golden.values) << what;
}

}  // namespace cawe::testing
