// SPDX-License-Identifier: Apache-2.0
// Program addresses to source lines, by addr2line (binutils). Without it places are "?".
#include <cxxabi.h>
#include <elf.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>

#include "cuda/emulator/simt/core.h"

extern char** environ;

namespace cawe::simt {
namespace core {
namespace {

/// Standard output of a program, run without a shell; empty where it cannot be run.
std::string output_of(const std::vector<std::string>& words) {
  int ends[2];
  if (pipe(ends) != 0) return "";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  std::vector<char*> arguments;
  for (const std::string& w : words) arguments.push_back(const_cast<char*>(w.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int status = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n; status == 0 && (n = read(ends[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, size_t(n));
  close(ends[0]);
  if (status == 0) waitpid(child, nullptr, 0);
  return text;
}

std::string resolved(const std::string& path) {
  char full[PATH_MAX];
  return realpath(path.c_str(), full) != nullptr ? full : path;
}

/// Frames inside the dialect's own headers: the line that called them is the interesting one.
bool is_dialect(const std::string& file) {
  for (const char* header : {"on_emulator.h", "numbers.cuh", "mma.cuh"})
    if (file.find(std::string("cuda/emulator/simt/") + header) != std::string::npos) return true;
  return false;
}

/// "file:12 (discriminator 3)" -> file, 12
bool parse_place(const std::string& text, Place* place) {
  const size_t colon = text.rfind(':', text.find(" (discriminator"));
  if (colon == std::string::npos || text[0] == '?') return false;
  const std::string root = CAWE_SOURCE_DIR "/";
  // A compiler cache may have made the path relative to the build folder:
  // "…/build/../cuda/kernels/detection_nms.cu".
  const std::string file = std::filesystem::path(text.substr(0, colon)).lexically_normal().string();
  place->file = file.rfind(root, 0) == 0 ? file.substr(root.size()) : file;
  place->line = std::atoi(text.c_str() + colon + 1);
  return place->line > 0;
}

void ask(const std::string& module, const std::vector<uint32_t>& addresses,
         std::map<uint32_t, Place>* places) {
  std::vector<std::string> words = {"addr2line", "-a", "-i", "-e", resolved(module)};
  for (const uint32_t address : addresses) {
    char text[24];
    // A return address: the call lies just before it.
    std::snprintf(text, sizeof text, "0x%x", address - 1);
    words.emplace_back(text);
  }
  // Each address: its own line, then its frames, the innermost first.
  const std::string output = output_of(words);
  uint32_t address = 0;
  bool chosen = true;
  for (size_t at = 0; at < output.size();) {
    const size_t end = output.find('\n', at);
    const std::string line = output.substr(at, end - at);
    at = end == std::string::npos ? output.size() : end + 1;
    if (line.rfind("0x", 0) == 0) {
      address = uint32_t(std::strtoull(line.c_str(), nullptr, 16)) + 1;
      chosen = false;
      continue;
    }
    Place place;
    if (chosen || !parse_place(line, &place)) continue;
    (*places)[address] = place;
    chosen = !is_dialect(place.file);
  }
}

struct Symbols {
  std::map<uint32_t, std::string> functions;                       ///< by address
  std::vector<std::pair<std::string, size_t>> thread_local_bytes;  ///< __shared__ arrays, see on_emulator.h
};

/// Names in an ELF file, local ones included. The file is this program or one that our compiler made; sizes
/// are checked all the same.
Symbols read_symbols(const std::string& path) {
  Symbols names;
  std::ifstream in(path, std::ios::binary);
  const std::string file{std::istreambuf_iterator<char>(in), {}};
  Elf64_Ehdr header;
  if (file.size() < sizeof header) return names;
  std::memcpy(&header, file.data(), sizeof header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return names;
  const auto section = [&](size_t index, Elf64_Shdr* out) {
    const size_t at = header.e_shoff + index * sizeof *out;
    if (index >= header.e_shnum || at + sizeof *out > file.size()) return false;
    std::memcpy(out, file.data() + at, sizeof *out);
    return out->sh_type == SHT_NOBITS || out->sh_offset + out->sh_size <= file.size();
  };
  for (size_t i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr table, text;
    if (!section(i, &table) || table.sh_type != SHT_SYMTAB || !section(table.sh_link, &text)) continue;
    for (size_t at = 0; at + sizeof(Elf64_Sym) <= table.sh_size; at += sizeof(Elf64_Sym)) {
      Elf64_Sym symbol;
      std::memcpy(&symbol, file.data() + table.sh_offset + at, sizeof symbol);
      const int type = ELF64_ST_TYPE(symbol.st_info);
      if ((type != STT_FUNC && type != STT_TLS) || symbol.st_name >= text.sh_size) continue;
      const char* begin = file.data() + text.sh_offset + symbol.st_name;
      std::string name(begin, strnlen(begin, text.sh_size - symbol.st_name));
      if (type == STT_FUNC)
        names.functions.emplace(uint32_t(symbol.st_value), std::move(name));
      else if (symbol.st_shndx != SHN_UNDEF)
        names.thread_local_bytes.emplace_back(std::move(name), symbol.st_size);
    }
  }
  return names;
}

const Symbols& symbols_of(const std::string& module) {
  static std::mutex lock;
  static auto& known = *new std::map<std::string, Symbols>;
  const std::lock_guard<std::mutex> hold(lock);
  const auto [entry, fresh] = known.try_emplace(module);
  if (fresh) entry->second = read_symbols(resolved(module));
  return entry->second;
}

void replace_all(std::string* text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text->find(from, at)) != std::string::npos; at += to.size())
    text->replace(at, from.size(), to);
}

}  // namespace

std::string kernel_name(const std::string& module, uint32_t address, const std::string& otherwise) {
  const Symbols& symbols = symbols_of(module);
  const auto found = symbols.functions.find(address);
  if (found == symbols.functions.end()) return otherwise;
  int status = 0;
  char* readable = abi::__cxa_demangle(found->second.c_str(), nullptr, nullptr, &status);
  const std::string name = status == 0 ? short_kernel_name(readable) : otherwise;
  std::free(readable);
  return name;
}

size_t static_shared_of(const std::string& module, uint32_t address) {
  const Symbols& symbols = symbols_of(module);
  const auto kernel = symbols.functions.find(address);
  if (kernel == symbols.functions.end()) return 0;
  // A variable in a function is called _ZZ<function>E<variable>; functions of C++ are called _Z<function>.
  const std::string& name = kernel->second;
  const std::string own =
      "_ZZ" + (name.rfind("_Z", 0) == 0 ? name.substr(2) : std::to_string(name.size()) + name) + "E";
  size_t bytes = 0;
  for (const auto& [variable, size] : symbols.thread_local_bytes)
    if (variable.rfind(own, 0) == 0) bytes += size;
  return bytes;
}

std::map<uint32_t, Place> find_places(const std::string& module, const std::vector<uint32_t>& addresses) {
  static std::map<std::string, std::map<uint32_t, Place>> known;  // asked under the launch lock
  std::map<uint32_t, Place>& places = known[module];
  std::vector<uint32_t> unknown;
  constexpr size_t kBatch = 1000;
  for (const uint32_t address : addresses)
    if (places.emplace(address, Place{}).second) unknown.push_back(address);
  for (size_t begin = 0; begin < unknown.size(); begin += kBatch)
    ask(module,
        {unknown.begin() + long(begin), unknown.begin() + long(std::min(unknown.size(), begin + kBatch))},
        &places);
  std::map<uint32_t, Place> found;
  for (const uint32_t address : addresses) found[address] = places[address];
  return found;
}

}  // namespace core

std::string short_kernel_name(const std::string& demangled) {
  std::string name = demangled;
  core::replace_all(&name, "(anonymous namespace)::", "");
  core::replace_all(&name, "<unnamed>::", "");
  for (const char* scope : {"cawe::on_emulator::", "cawe::on_cuda::", "cawe::simt::", "cawe::elementwise::"})
    core::replace_all(&name, scope, "");
  for (const char* half : {"_Float16", "__half"}) core::replace_all(&name, half, "half");
  core::replace_all(&name, "__nv_bfloat16", "bf16");
  if (name.rfind("void ", 0) == 0) name.erase(0, 5);
  // The parameters: from the parenthesis that is in no template argument.
  int depth = 0;
  for (size_t i = 0; i < name.size(); ++i) {
    depth += name[i] == '<' ? 1 : name[i] == '>' ? -1 : 0;
    if (name[i] == '(' && depth == 0) return name.substr(0, i);
  }
  return name;
}

}  // namespace cawe::simt
