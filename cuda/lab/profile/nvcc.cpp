// SPDX-License-Identifier: Apache-2.0
#include "cuda/lab/profile/nvcc.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "cuda/lab/profile/process.h"
#include "tensor/error.h"

namespace cawe::gpu {
namespace {

bool can_run(const std::string& file) {
  struct stat info;
  return ::stat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(file.c_str(), X_OK) == 0;
}

std::optional<std::string> find_in(const std::string& path, const std::string& program) {
  std::istringstream folders(path);
  for (std::string folder; std::getline(folders, folder, ':');)
    if (!folder.empty() && can_run(folder + "/" + program)) return folder + "/" + program;
  return std::nullopt;
}

/// "sm_90" -> 90, "sm_90a" -> 90
int arch_number(const std::string& arch) {
  const bool valid = arch.rfind("sm_", 0) == 0 && arch.size() >= 5 && arch.size() <= 7 &&
                     std::isdigit(static_cast<unsigned char>(arch[3])) &&
                     std::all_of(arch.begin() + 3, arch.end(),
                                 [](unsigned char c) { return std::isdigit(c) || c == 'a' || c == 'f'; });
  CAWE_CHECK(valid, Code::usage, "architecture '", arch, "': expected one such as sm_90");
  return std::atoi(arch.c_str() + 3);
}

/// Architectures that this nvcc compiles for. Empty for toolkits before CUDA 11, which cannot list them.
std::vector<std::string> known_archs(const std::string& nvcc) {
  const Finished listed = run_program({nvcc, "--list-gpu-code"});
  std::vector<std::string> archs;
  std::istringstream words(listed.exit_code == 0 ? listed.out : "");
  for (std::string word; words >> word;)
    if (word.rfind("sm_", 0) == 0) archs.push_back(word);
  return archs;
}

/// Architectures of GPUs that toolkits have dropped, from which on there are shuffles of part of a warp.
constexpr int kDropped[] = {50, 52, 53, 60, 61, 62, 70, 72};

/// The architecture itself, or for a dropped one the next newer among `known`.
std::string compiled_arch(const std::string& asked, const std::vector<std::string>& known) {
  const int number = arch_number(asked);
  const std::string plain = "sm_" + std::to_string(number);  // the list leaves out sm_90a and its like
  if (known.empty() || std::find(known.begin(), known.end(), plain) != known.end()) return asked;
  std::string best;
  for (const std::string& arch : known)
    if (arch_number(arch) >= number && (best.empty() || arch_number(arch) < arch_number(best))) best = arch;
  CAWE_CHECK(!best.empty(), Code::usage, "this nvcc knows neither ", asked,
             " nor a newer one; use a newer CUDA toolkit or another GPU");
  if (std::find(std::begin(kDropped), std::end(kDropped), number) == std::end(kDropped)) {
    std::string all;
    for (const std::string& arch : known) all += " " + arch;
    fail(Code::usage, "architecture '", asked, "': this nvcc does not know it (expected one of", all, ")");
  }
  return best;
}

std::vector<std::string> command(const std::string& nvcc, const CudaSource& source,
                                 const std::vector<std::string>& archs) {
  std::vector<std::string> arguments{nvcc, "-std=c++17"};
  for (const std::string& arch : archs) {
    arguments.push_back("-gencode");
    arguments.push_back("arch=compute_" + arch.substr(3) + ",code=" + arch);
  }
  for (const std::string& folder : source.include) arguments.push_back("-I" + folder);
  arguments.insert(arguments.end(), source.flags.begin(), source.flags.end());
  return arguments;
}

/// The first line that says what is wrong.
std::string first_complaint(const std::string& text) {
  std::istringstream lines(text);
  std::string first;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("error") != line.npos || line.find("fatal") != line.npos) return line;
    if (first.empty()) first = line;
  }
  return first.empty() ? "it printed nothing" : first;
}

Finished compile(const CudaSource& source, std::vector<std::string> arguments,
                 const std::vector<std::string>& last_arguments) {
  arguments.insert(arguments.end(), last_arguments.begin(), last_arguments.end());
  Finished finished = run_program(arguments);
  const std::string complaint = finished.exit_code == 0 ? "" : first_complaint(finished.err + finished.out);
  CAWE_CHECK(complaint.find("Unsupported gpu architecture") == std::string::npos, Code::usage, complaint);
  CAWE_CHECK(finished.exit_code == 0, Code::internal, "nvcc cannot compile ", source.file, " (exit code ",
             finished.exit_code, "): ", complaint);
  return finished;
}

/// An empty file under the system's folder for such, removed with it. Not a pipe: nvcc hands the PTX that it
/// wrote to ptxas for a check, which would wait for its own output.
class TemporaryFile {
 public:
  TemporaryFile() {
    path_ = (std::filesystem::temp_directory_path() / "cawe-ptx-XXXXXX").string();
    const int file = ::mkstemp(path_.data());
    CAWE_CHECK(file >= 0, Code::io, "cannot make the temporary file ", path_, ": ", std::strerror(errno));
    ::close(file);
  }
  ~TemporaryFile() { ::unlink(path_.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }
  std::string text() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

 private:
  std::string path_;
};

/// Rows for the architectures asked for, out of those compiled.
template <class Row>
void append_rows(const std::vector<Row>& compiled, const std::string& arch, const std::string& real,
                 std::vector<Row>& rows) {
  for (const Row& row : compiled) {
    if (row.arch != real) continue;
    rows.push_back(row);
    rows.back().arch = arch;
  }
}

}  // namespace

NvccPlaces nvcc_places() {
  NvccPlaces places;
  if (const char* cudacxx = std::getenv("CUDACXX")) places.cudacxx = cudacxx;
  if (const char* path = std::getenv("PATH")) places.path = path;
  return places;
}

std::optional<std::string> find_nvcc(const NvccPlaces& places) {
  if (!places.cudacxx.empty()) {
    const bool is_path = places.cudacxx.find('/') != std::string::npos;
    if (is_path && can_run(places.cudacxx)) return places.cudacxx;
    const std::optional<std::string> found = is_path ? std::nullopt : find_in(places.path, places.cudacxx);
    CAWE_CHECK(found, Code::usage, "CUDACXX names '", places.cudacxx,
               "', which cannot be run; set it to the path of nvcc or unset it");
    return found;
  }
  return find_in(places.path + ":" + places.toolkit, "nvcc");
}

Answer<ResourceReport> resource_usage(const CudaSource& source, const std::vector<std::string>& archs,
                                      const std::optional<std::string>& nvcc) {
  if (!nvcc) return {std::nullopt, "no nvcc"};
  CAWE_CHECK(!archs.empty(), Code::usage, "resource_usage: no architecture given; name one such as sm_90");
  const std::vector<std::string> known = known_archs(*nvcc);
  std::vector<std::string> real, distinct;
  for (const std::string& arch : archs) {
    real.push_back(compiled_arch(arch, known));
    if (std::find(distinct.begin(), distinct.end(), real.back()) == distinct.end())
      distinct.push_back(real.back());
  }
  const Finished finished = compile(source, command(*nvcc, source, distinct),
                                    {"--resource-usage", "-x", "cu", "-c", source.file, "-o", "/dev/null"});
  const ResourceReport compiled = parse_resource_usage(finished.out + finished.err);
  ResourceReport report;
  report.warnings = compiled.warnings;
  for (size_t i = 0; i < archs.size(); ++i) {
    append_rows(compiled.kernels, archs[i], real[i], report.kernels);
    append_rows(compiled.functions, archs[i], real[i], report.functions);
  }
  return {std::move(report), ""};
}

Answer<std::vector<PtxCounts>> ptx_counts(const CudaSource& source, const std::string& arch,
                                          const std::optional<std::string>& nvcc) {
  if (!nvcc) return {std::nullopt, "no nvcc"};
  const std::string real = compiled_arch(arch, known_archs(*nvcc));
  const TemporaryFile ptx;
  compile(source, command(*nvcc, source, {real}), {"-ptx", "-x", "cu", source.file, "-o", ptx.path()});
  return {parse_ptx(ptx.text()), ""};
}

}  // namespace cawe::gpu
