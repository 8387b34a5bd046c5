// SPDX-License-Identifier: Apache-2.0
// Not a PTX compiler: the text is cut at ; { } and line ends, and a piece counts by its first word. Operands
// never look like an opcode, so that a vector operand {%f1, %f2} cut in two does no harm.
#include "cuda/lab/profile/ptx.h"

#include <algorithm>
#include <utility>

#include "cuda/lab/profile/demangle.h"
#include "tensor/error.h"

namespace cawe::gpu {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

/// Takes the next word (up to a blank or one of `stops`) off the front.
std::string_view word(std::string_view& text, std::string_view stops = "") {
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  size_t end = 0;
  while (end < text.size() && kSpace.find(text[end]) == kSpace.npos && stops.find(text[end]) == stops.npos)
    ++end;
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(end);
  return taken;
}

/// "ld.global.nc.v4.f32" -> ld, global, nc, v4, f32
std::vector<std::string_view> split_opcode(std::string_view opcode) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0; begin <= opcode.size();) {
    const size_t end = std::min(opcode.find('.', begin), opcode.size());
    parts.push_back(opcode.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

/// Bytes of an element: "f32" -> 4, "b128" -> 16; 0 where this is no type.
int element_bytes(std::string_view type) {
  for (const auto& [bits, bytes] : {std::pair{"8", 1}, {"16", 2}, {"32", 4}, {"64", 8}, {"128", 16}})
    if (type.size() > 1 && type.substr(1) == bits) return bytes;
  return 0;
}

class Counter {
 public:
  explicit Counter(PtxCounts& counts) : counts_(counts) {}

  void instruction(std::string_view text) {
    std::string_view first = word(text);
    if (!first.empty() && first.back() == ':') first = word(text);   // a label
    if (!first.empty() && first.front() == '@') first = word(text);  // a predicate
    const std::vector<std::string_view> parts = split_opcode(first);
    const std::string_view op = parts[0], next = parts.size() > 1 ? parts[1] : "";
    if (op == "ld" || op == "ldu" || op == "st") access(op != "st", parts);
    if (op == "cp" && next == "async" && parts.size() > 2 && (parts[2] == "ca" || parts[2] == "cg"))
      ++counts_.async_copies;
    if (op == "bar" || op == "barrier") {  // bar.warp.sync and barrier.cluster.* are not the block's
      const std::string_view kind = next == "cta" && parts.size() > 2 ? parts[2] : next;
      if (kind == "sync" || kind == "red") ++counts_.barriers;
    }
    if (op == "shfl") ++counts_.shuffles;
    if (op == "atom") ++counts_.atomics;
    if (op == "red") ++counts_.reductions;
    if (op == "call") ++counts_.calls;
  }

 private:
  void access(bool load, const std::vector<std::string_view>& parts) {
    VectorCounts* counts = load ? &counts_.load_generic : &counts_.store_generic;
    int length = 1;
    for (const std::string_view part : parts) {
      const std::string_view space = part.substr(0, part.find(':'));  // shared::cta
      if (space == "global") counts = load ? &counts_.load_global : &counts_.store_global;
      if (space == "shared") counts = load ? &counts_.load_shared : &counts_.store_shared;
      if (space == "param" || space == "const" || space == "local") return;
      if (part == "v2") length = 2;
      if (part == "v4") length = 4;
      if (part == "v8") length = 8;
    }
    ++(length == 1 ? counts->scalar : length == 2 ? counts->v2 : length == 4 ? counts->v4 : counts->v8);
    if (length * element_bytes(parts.back()) == 16) ++counts->bytes16;
  }

  PtxCounts& counts_;
};

/// Walks the text piece by piece, without comments and strings.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::vector<PtxCounts> read() {
    std::string piece;
    for (size_t at = 0; at < text_.size();) {
      if (skip(at)) continue;
      const char c = text_[at++];
      if (std::string_view(";{}\n").find(c) == std::string_view::npos) {
        piece += c;
        continue;
      }
      end_piece(piece);
      piece.clear();
      if (c == '{') open();
      if (c == '}') close();
    }
    end_piece(piece);
    CAWE_CHECK(depth_ == 0 && !pending_, Code::data, "PTX: the text ends within ",
               entries_.empty() ? "a function" : entries_.back().mangled,
               "; give the whole output of nvcc -ptx");
    return std::move(entries_);
  }

 private:
  /// Moves past a comment or string that begins here. One that does not end takes the rest.
  bool skip(size_t& at) const {
    const std::string_view two = text_.substr(at, 2);
    if (two == "//") {
      at = std::min(text_.find('\n', at), text_.size());
    } else if (two == "/*") {
      const size_t end = text_.find("*/", at + 2);
      at = end == text_.npos ? text_.size() : end + 2;
    } else if (text_[at] == '"') {
      const size_t end = text_.find('"', at + 1);
      at = end == text_.npos ? text_.size() : end + 1;
    } else {
      return false;
    }
    return true;
  }

  void end_piece(std::string_view piece) {
    if (depth_ > 0) {
      if (inside_) Counter(entries_.back()).instruction(piece);
      return;
    }
    while (!piece.empty()) {
      const std::string_view token = word(piece, "(");
      if (token.empty()) piece.remove_prefix(std::min<size_t>(1, piece.size()));
      if (token == ".target") target_ = word(piece, ",");
      if (token == ".entry") begin_entry(word(piece, "("));
    }
  }

  void begin_entry(std::string_view mangled) {
    CAWE_CHECK(!mangled.empty() && !pending_, Code::data, "PTX: an .entry without ",
               pending_ ? "a body" : "a name", "; give the whole output of nvcc -ptx");
    PtxCounts counts;
    counts.mangled = mangled;
    counts.name = demangle(counts.mangled);
    counts.arch = target_;
    entries_.push_back(std::move(counts));
    pending_ = true;
  }

  void open() {
    if (depth_++ == 0) inside_ = std::exchange(pending_, false);
  }

  void close() {
    CAWE_CHECK(depth_ > 0, Code::data, "PTX: a closing brace too many; give the whole output of nvcc -ptx");
    if (--depth_ == 0) inside_ = false;
  }

  std::string_view text_;
  std::vector<PtxCounts> entries_;
  std::string target_;
  int64_t depth_ = 0;
  bool pending_ = false;  // an .entry waits for its body
  bool inside_ = false;   // the open braces are an entry's
};

}  // namespace

std::vector<PtxCounts> parse_ptx(std::string_view text) { return Reader(text).read(); }

}  // namespace cawe::gpu
