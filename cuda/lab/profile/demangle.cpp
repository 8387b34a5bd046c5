// SPDX-License-Identifier: Apache-2.0
#include "cuda/lab/profile/demangle.h"

#include <cxxabi.h>

#include <cctype>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace cawe::gpu {
namespace {

/// At most how many characters the name unfolds to. Back references (S_, T_) may repeat what stands before,
/// and each composite type (one capital letter opens it) may hold several of them: with r references spread
/// over c composites the length grows at most by (1 + r/c)^c, which a short hostile name can make
/// astronomical.
double unfolded_length(std::string_view mangled) {
  double references = 0, composites = 1;
  for (const char c : mangled) {
    if (c == 'S' || c == 'T')
      ++references;
    else if (std::isupper(static_cast<unsigned char>(c)) &&
             std::string_view("PRKE").find(c) == std::string_view::npos)
      ++composites;
  }
  return double(mangled.size()) * std::pow(1 + references / composites, composites);
}

}  // namespace

std::string demangle(const std::string& mangled) {
  if (mangled.rfind("_Z", 0) != 0 || mangled.size() > 1024 || unfolded_length(mangled) > 1e7) return mangled;
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status), &std::free);
  return status == 0 && text ? text.get() : mangled;
}

}  // namespace cawe::gpu
