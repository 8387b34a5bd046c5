// SPDX-License-Identifier: Apache-2.0
// A kernel's lines: "Compiling entry function 'K' for 'sm_75'", "Function properties for K" with an indented
// line of stack and spills below, "Used .. registers, ..". Other functions have only the middle two.
#include "cuda/lab/profile/ptxas.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "cuda/lab/profile/demangle.h"
#include "tensor/error.h"

namespace cawe::gpu {
namespace {

bool starts_with(std::string_view text, std::string_view head) { return text.substr(0, head.size()) == head; }

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

class Parser {
 public:
  void line(std::string_view text);
  ResourceReport finish();

 private:
  using Amounts = std::vector<std::pair<int64_t, std::string_view>>;

  template <class... Parts>
  [[noreturn]] void bad(const Parts&... parts) const {
    fail(Code::data, "resource usage, line ", number_, ": ", parts...,
         "; expected the text of nvcc --resource-usage");
  }
  int64_t number(std::string_view& text) const;
  Amounts amounts(std::string_view text) const;
  std::string quoted(std::string_view& text) const;
  std::string symbol(std::string_view text) const;
  void begin_entry(std::string_view text);
  void begin_properties(std::string_view text);
  void stack(std::string_view text);
  void used(std::string_view text);
  void end_entry();

  ResourceReport report_;
  int64_t number_ = 0;
  std::string arch_;   // of the module's kernels so far; "": none yet
  bool open_ = false;  // kernels.back() still waits for lines
  bool has_stack_ = false, has_registers_ = false;
  StackUse* properties_ = nullptr;  // where the next indented line belongs
};

/// Takes a number off the front; old toolkits write sums ("32+16").
int64_t Parser::number(std::string_view& text) const {
  int64_t sum = 0;
  for (bool more = true; more;) {
    int value = 0;  // 32 bits: no amount here is larger, and sums of them cannot overflow
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || value < 0) bad("no amount at '", text.substr(0, 40), "'");
    text.remove_prefix(end - text.data());
    sum += value;
    more = starts_with(text, "+");
    if (more) text.remove_prefix(1);
  }
  return sum;
}

/// "0 bytes stack frame, used 1 barriers" -> {0, "bytes stack frame"}, {1, "barriers"}
Parser::Amounts Parser::amounts(std::string_view text) const {
  Amounts list;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    std::string_view part = trim(text.substr(begin, end - begin));
    if (starts_with(part, "Used ") || starts_with(part, "used ")) part.remove_prefix(5);
    const int64_t amount = number(part);
    list.emplace_back(amount, trim(part));
    begin = end + 1;
  }
  return list;
}

std::string Parser::symbol(std::string_view text) const {
  const bool valid = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '$' || c == '.';
  });
  if (!valid) bad("no name at '", text.substr(0, 40), "'");
  return std::string(text);
}

std::string Parser::quoted(std::string_view& text) const {
  const size_t begin = text.find('\''), end = begin == text.npos ? text.npos : text.find('\'', begin + 1);
  if (end == text.npos) bad("no name in quotes");
  std::string name = symbol(text.substr(begin + 1, end - begin - 1));
  text.remove_prefix(end + 1);
  return name;
}

void Parser::begin_entry(std::string_view text) {
  end_entry();
  KernelResources kernel;
  kernel.mangled = quoted(text);
  kernel.name = demangle(kernel.mangled);
  kernel.arch = kernel.compiled_for = arch_ = quoted(text);
  if (!starts_with(arch_, "sm_")) bad("architecture '", arch_, "'");
  for (FunctionResources& function : report_.functions)
    if (function.arch.empty()) function.arch = arch_;
  report_.kernels.push_back(std::move(kernel));
  open_ = true;
  has_stack_ = has_registers_ = false;
}

void Parser::begin_properties(std::string_view text) {
  const std::string mangled = symbol(trim(text));
  if (open_ && report_.kernels.back().mangled == mangled) {
    properties_ = &report_.kernels.back().stack;
    has_stack_ = true;
    return;
  }
  report_.functions.push_back({mangled, demangle(mangled), arch_, {}});
  properties_ = &report_.functions.back().stack;
}

void Parser::stack(std::string_view text) {
  bool frame = false, stores = false, loads = false;
  for (const auto& [amount, unit] : amounts(text)) {
    if (unit == "bytes stack frame") properties_->frame = amount, frame = true;
    if (unit == "bytes spill stores") properties_->spill_stores = amount, stores = true;
    if (unit == "bytes spill loads") properties_->spill_loads = amount, loads = true;
  }
  if (!frame || !stores || !loads) bad("stack frame, spill stores or spill loads are missing");
  properties_ = nullptr;
}

void Parser::used(std::string_view text) {
  if (!open_) bad("registers of no kernel");
  KernelResources& kernel = report_.kernels.back();
  for (const auto& [amount, unit] : amounts(text)) {
    if (unit == "registers") kernel.registers = static_cast<int>(amount), has_registers_ = true;
    if (unit == "barriers") kernel.barriers = static_cast<int>(amount);
    if (unit == "bytes smem") kernel.shared_bytes = amount;
    if (unit == "bytes cumulative stack size") kernel.cumulative_stack = amount;
    if (starts_with(unit, "bytes cmem[")) kernel.constant_bytes += amount;
  }
  end_entry();
}

void Parser::end_entry() {
  if (open_ && !(has_stack_ && has_registers_))
    bad("kernel ", report_.kernels.back().mangled, " has no ", has_stack_ ? "registers" : "stack frame",
        " before this line");
  open_ = false;
}

void Parser::line(std::string_view text) {
  ++number_;
  if (properties_ != nullptr) return stack(text);
  const size_t colon = text.find(':');
  const std::string_view tag = trim(text.substr(0, colon));
  if (tag == "ptxas warning" || tag == "nvcc warning") report_.warnings.emplace_back(trim(text));
  if (tag != "ptxas info" || colon == text.npos) return;
  const std::string_view fact = trim(text.substr(colon + 1));
  constexpr std::string_view kProperties = "Function properties for";
  if (starts_with(fact, "Compiling entry function")) begin_entry(fact);
  if (starts_with(fact, kProperties)) begin_properties(fact.substr(kProperties.size()));
  if (starts_with(fact, "Used")) used(fact);
  // "0 bytes gmem, .." opens a module, of an architecture not yet named.
  if (fact.find(" bytes gmem") != fact.npos) arch_.clear();
}

ResourceReport Parser::finish() {
  ++number_;
  if (properties_ != nullptr) bad("the text ends where a stack frame should be");
  end_entry();
  return std::move(report_);
}

}  // namespace

ResourceReport parse_resource_usage(std::string_view text) {
  Parser parser;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    parser.line(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parser.finish();
}

}  // namespace cawe::gpu
