// SPDX-License-Identifier: Apache-2.0
#include "train/toml_limits.h"

#include <algorithm>
#include <vector>

namespace cawe::train {
namespace {

class Scanner {
 public:
  Scanner(std::string_view text, int most) : text_(text), most_(most) {}

  int first_too_deep() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#')
        at_ = std::min(text_.find('\n', at_), text_.size());
      else if (c == '"' || c == '\'')
        skip_string(c);
      else
        take(c);
      if (depth() > most_) return line_;
    }
    return 0;
  }

 private:
  /// The line's own key, or a list or table in braces and the key that is being read or was read last in it.
  struct Level {
    int parts = 0, dots = 0;
  };

  int depth() const { return header_ + closed_ + int(open_.size()) + open_.back().parts + open_.back().dots; }

  void take(char c) {
    ++at_;
    Level& level = open_.back();
    switch (c) {
      case '\n':
        ++line_;
        if (open_.size() > 1) return;  // inside a list
        level = {};
        in_header_ = false;
        line_begins_ = true;
        return;
      case ' ':
      case '\t':
      case '\r':
        return;
      case '.':
        ++level.dots;
        break;
      case '=':
        level.parts = level.dots + 1;
        level.dots = 0;
        break;
      case ',':
        level = {};
        break;
      case '[':
      case '{':
        opens(c);
        break;
      case ']':
      case '}':
        closes();
        break;
      default:
        break;
    }
    line_begins_ = false;
  }

  void opens(char c) {
    if (in_header_) return;  // the second bracket of [[…]]
    if (c == '[' && line_begins_) {
      in_header_ = true;
      header_ = 0;
      return;
    }
    open_.back().dots = 0;
    closed_ += open_.back().parts;
    open_.push_back({});
  }

  void closes() {
    if (in_header_) {
      header_ = open_.back().dots + 1;
      open_.back() = {};
      in_header_ = false;
    } else if (open_.size() > 1) {
      open_.pop_back();
      closed_ -= open_.back().parts;
    }
  }

  /// To behind a string's last quote; one without its end ends with the line, where the parser refuses it.
  void skip_string(char quote) {
    line_begins_ = false;
    const std::string three(3, quote);
    const bool many = text_.compare(at_, 3, three) == 0;
    at_ += many ? 3 : 1;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n' && !many) return;
      if (c == '\\' && quote == '"' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') {
        at_ += 2;
        continue;
      }
      line_ += c == '\n';
      if (c == quote && (!many || text_.compare(at_, 3, three) == 0)) {
        at_ += many ? 3 : 1;
        // Up to two quotes more are the text's own: """a"""" says a".
        for (int i = 0; many && i < 2 && at_ < text_.size() && text_[at_] == quote; ++i) ++at_;
        return;
      }
      ++at_;
    }
  }

  std::string_view text_;
  int most_;
  size_t at_ = 0;
  int line_ = 1, header_ = 0, closed_ = 0;
  bool in_header_ = false, line_begins_ = true;
  std::vector<Level> open_{1};
};

}  // namespace

int line_nested_deeper(std::string_view text, int most) { return Scanner(text, most).first_too_deep(); }

std::string toml_excess(std::string_view text) {
  if (text.size() > kMostTomlBytes)
    return ": has " + std::to_string(text.size()) + " bytes (expected a recipe of at most " +
           std::to_string(kMostTomlBytes) + ")";
  const int line = line_nested_deeper(text);
  if (line == 0) return "";
  return ":" + std::to_string(line) + ": is nested deeper than " + std::to_string(kMostTomlDepth) +
         " levels (expected section.key = value)";
}

}  // namespace cawe::train
