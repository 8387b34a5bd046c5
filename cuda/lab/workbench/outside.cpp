// SPDX-License-Identifier: Apache-2.0
#include "cuda/lab/workbench/outside.h"

#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <sstream>

#include "cuda/lab/profile/process.h"
#include "cuda/lab/report/collect.h"
#include "cuda/lab/workbench/workbench.h"
#include "tensor/error.h"
#include "tensor/io/files.h"

namespace cawe::kernel_report {
namespace fs = std::filesystem;
namespace {

/// Gives a file's cawe_run() its inputs and keeps what it says of the results.
class RunningBench final : public Workbench {
 public:
  RunningBench(on_emulator::CaseContext& context, on_emulator::Case& kernel_case)
      : context_(context), case_(kernel_case) {}
  double error() const { return error_; }
  bool compared() const { return compared_; }

  float* normal(const char* name, int64_t n) override {
    const std::vector<float> values = on_emulator::random_tensor({n}, name).to_vector<float>();
    return input(values.data(), n);
  }

  void expect(const char* name, const float* device, const float* wanted, int64_t n,
              double tolerance) override {
    const Tensor want = Tensor::from(std::vector<float>(wanted, wanted + n), {n});
    const double error = on_emulator::relative_error(context_.download(device, {n}, DType::f32), want, name);
    CAWE_CHECK(tolerance >= 0, Code::usage, "expect(\"", name, "\"): a negative tolerance");
    case_.tolerance = compared_ ? std::min(case_.tolerance, tolerance) : tolerance;
    error_ = std::max(error_, error);
    compared_ = true;
  }

  void floor(double read, double written, double flops) override {
    case_.floor_read = read;
    case_.floor_written = written;
    case_.flops = flops;
  }

 protected:
  void* upload(const void* values, size_t bytes) override {
    std::vector<char> copy(bytes);
    std::memcpy(copy.data(), values, bytes);
    void* p = context_.upload(copy);
    copies_[p] = std::move(copy);
    return p;
  }
  void* fresh(size_t bytes) override { return context_.fresh<char>(int64_t(bytes)); }
  const void* copy_of(const void* p) override {
    const auto found = copies_.find(p);
    CAWE_CHECK(found != copies_.end(), Code::usage,
               "Workbench::host(): the pointer is no input of this bench");
    return found->second.data();
  }

 private:
  on_emulator::CaseContext& context_;
  on_emulator::Case& case_;
  std::map<const void*, std::vector<char>> copies_;
  double error_ = 0;
  bool compared_ = false;
};

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return fs::exists(name) ? name : "";
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (fs::exists(folder + "/" + name)) return folder + "/" + name;
  return "";
}

std::string compiler() {
  const char* wanted = std::getenv("CXX");
  const std::string found = find_program(wanted != nullptr && *wanted != '\0' ? wanted : "g++");
  CAWE_CHECK(!found.empty(), Code::usage,
             "no g++ in PATH: kernel files are compiled by it for the emulator (set CXX)");
  return found;
}

std::string first_error(const std::string& text) {
  std::istringstream lines(text);
  std::string first;
  for (std::string line; std::getline(lines, line);) {
    if (first.empty()) first = line;
    if (line.find("error") != std::string::npos) return line;
  }
  return first;
}

}  // namespace

std::string source_root() {
  const char* set = std::getenv("CAWE_SOURCE");
  const std::string root = set != nullptr ? set : CAWE_SOURCE_DIR;
  const std::string header = "cuda/lab/workbench/include/cawe/kernel.cuh";
  CAWE_CHECK(fs::exists(root + "/" + header), Code::usage, root, ": cawe's sources are not here (expected ",
             header, "; set CAWE_SOURCE)");
  return root;
}

OutsideKernel::OutsideKernel(const std::string& file) {
  CAWE_CHECK(fs::is_regular_file(file), Code::usage, file,
             ": no such kernel file (start from `cawe kernels --template ", file, "`)");
  std::string pattern = (fs::temp_directory_path() / "cawe-kernel-XXXXXX").string();
  CAWE_CHECK(mkdtemp(pattern.data()) != nullptr, Code::io, pattern, ": cannot make a folder");
  folder_ = pattern;
  const std::string object = folder_ + "/kernel.so";
  case_.file = fs::absolute(file).string();
  std::vector<std::string> words = {compiler(), "-std=c++17", "-fPIC", "-shared", "-Wall"};
  for (const std::string& folder : include_folders(case_.file, source_root())) words.push_back("-I" + folder);
  std::istringstream flags(CAWE_KERNEL_FLAGS);
  for (std::string flag; flags >> flag;) words.push_back(flag);
  words.insert(words.end(), {"-ffp-contract=off", "-x", "c++", file, "-nodefaultlibs", "-o", object});
  const gpu::Finished done = gpu::run_program(words);
  CAWE_CHECK(done.exit_code == 0, Code::data, file, ": does not compile: ", first_error(done.err));
  library_ = dlopen(object.c_str(), RTLD_NOW | RTLD_LOCAL);
  CAWE_CHECK(library_ != nullptr, Code::data, file, ": cannot be loaded: ", dlerror());
  const auto run = reinterpret_cast<void (*)(Workbench&)>(dlsym(library_, "cawe_run"));
  CAWE_CHECK(run != nullptr, Code::data, file,
             ": has no cawe_run() (expected `void cawe_run(cawe::Workbench& bench)`)");
  case_.name = fs::path(file).stem().string();
  case_.shape = "as in the file";
  case_.run = [this, run, file](on_emulator::CaseContext& context) {
    RunningBench bench(context, case_);
    context.measure([&] { run(bench); });
    CAWE_CHECK(bench.compared(), Code::data, file, ": compares nothing (call bench.expect() in cawe_run())");
    return bench.error();
  };
}

OutsideKernel::~OutsideKernel() {
  if (library_ != nullptr) dlclose(library_);
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void write_template(const std::string& file) {
  CAWE_CHECK(!fs::exists(file), Code::usage, file,
             ": exists already (the template is written to a new file only)");
  write_file(file, read_file(source_root() + "/cuda/lab/workbench/template.cuh"));
}

}  // namespace cawe::kernel_report
