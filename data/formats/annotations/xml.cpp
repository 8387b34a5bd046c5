// SPDX-License-Identifier: Apache-2.0
// The strict little XML parser behind VOC annotations (declared in voc.h).
#include "data/formats/annotations/voc.h"
#include "tensor/error.h"

namespace cawe::data {
namespace {

constexpr int kMaxDepth = 32;
constexpr size_t kMaxNodes = 1000000;

class Parser {
 public:
  Parser(std::string_view text, const std::string& name) : text_(text), name_(name) {
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") text_.remove_prefix(3);
  }

  XmlNode document() {
    skip_space();
    if (starts("<?xml")) skip_past("?>");
    skip_misc();
    if (!starts("<")) bad("no element (expected XML)");
    XmlNode root = element(0);
    skip_misc();
    if (at_ != text_.size()) bad("text after the root element");
    return root;
  }

 private:
  [[noreturn]] void bad(const std::string& what) const {
    size_t line = 1;
    for (size_t i = 0; i < at_ && i < text_.size(); ++i) line += text_[i] == '\n';
    fail(Code::data, name_, ": line ", line, ": ", what);
  }

  bool starts(std::string_view what) const { return text_.substr(at_, what.size()) == what; }
  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
  static bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == ':';
  }

  void advance(size_t to) {
    for (; at_ < to; ++at_) line_ += text_[at_] == '\n';
  }
  void skip_space() {
    size_t to = at_;
    while (to < text_.size() && is_space(text_[to])) ++to;
    advance(to);
  }
  void skip_past(std::string_view end) {
    const size_t found = text_.find(end, at_);
    if (found == text_.npos) bad("missing '" + std::string(end) + "'");
    advance(found + end.size());
  }
  /// Skips white space and comments.
  void skip_misc() {
    for (skip_space(); starts("<!--"); skip_space()) skip_comment();
  }
  void skip_comment() {
    advance(at_ + 4);
    skip_past("-->");
  }

  std::string read_name() {
    size_t end = at_;
    while (end < text_.size() && is_name(text_[end])) ++end;
    if (end == at_) bad("a name was expected");
    const std::string name(text_.substr(at_, end - at_));
    advance(end);
    return name;
  }

  void refuse_markup() const {
    if (starts("<!DOCTYPE") || starts("<!ENTITY")) bad("document types and entities are refused");
    if (starts("<!") || starts("<?")) bad("CDATA, declarations and processing instructions are refused");
  }

  /// Skips attributes; true where the tag ends with "/>", false where with ">".
  bool attributes() {
    while (true) {
      skip_space();
      if (starts("/>") || starts(">")) {
        const bool empty = starts("/>");
        advance(at_ + (empty ? 2 : 1));
        return empty;
      }
      read_name();
      skip_space();
      if (!starts("=")) bad("an attribute without a value");
      advance(at_ + 1);
      skip_space();
      if (!starts("\"") && !starts("'")) bad("an attribute's value without quotes");
      const std::string quote(text_.substr(at_, 1));
      advance(at_ + 1);
      skip_past(quote);
    }
  }

  XmlNode element(int depth) {
    refuse_markup();
    if (depth >= kMaxDepth) bad(detail::concat("nested deeper than ", kMaxDepth, " levels"));
    if (++nodes_ > kMaxNodes) bad(detail::concat("more than ", kMaxNodes, " elements"));
    XmlNode node;
    node.line = line_;
    advance(at_ + 1);
    node.name = read_name();
    if (!attributes()) content(depth, &node);
    return node;
  }

  void content(int depth, XmlNode* node) {
    while (true) {
      if (at_ >= text_.size()) bad("element <" + node->name + "> never ends");
      if (starts("</")) break;
      if (starts("<!--")) {
        skip_comment();
      } else if (text_[at_] == '<') {
        node->children.push_back(element(depth + 1));
      } else if (text_[at_] == '&') {
        node->text += entity();
      } else {
        node->text += text_[at_];
        advance(at_ + 1);
      }
    }
    advance(at_ + 2);
    const std::string end = read_name();
    if (end != node->name) bad("</" + end + "> closes <" + node->name + ">");
    skip_space();
    if (!starts(">")) bad("a closing tag without '>'");
    advance(at_ + 1);
    trim(&node->text);
  }

  static void trim(std::string* text) {
    while (!text->empty() && is_space(text->back())) text->pop_back();
    size_t begin = 0;
    while (begin < text->size() && is_space((*text)[begin])) ++begin;
    text->erase(0, begin);
  }

  char entity() {
    static const std::pair<std::string_view, char> kBuiltIn[] = {
        {"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
    for (const auto& [name, value] : kBuiltIn) {
      if (!starts(name)) continue;
      advance(at_ + name.size());
      return value;
    }
    bad("an entity that is not built in (expected &lt; &gt; &amp; &quot; or &apos;)");
  }

  std::string_view text_;
  const std::string& name_;
  size_t at_ = 0, line_ = 1, nodes_ = 0;
};

}  // namespace

const XmlNode* XmlNode::child(const std::string& wanted) const {
  for (const XmlNode& node : children)
    if (node.name == wanted) return &node;
  return nullptr;
}

XmlNode parse_xml(std::string_view text, const std::string& name) {
  CAWE_CHECK(text.find('\0') == text.npos, Code::data, name, ": has NUL bytes (expected XML in UTF-8)");
  return Parser(text, name).document();
}

}  // namespace cawe::data
