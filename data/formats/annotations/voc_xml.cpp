// SPDX-License-Identifier: Apache-2.0
// One VOC annotation out of its XML, by pugixml. pugixml forgives much and knows no document types; what it
// forgives is refused here.
#include "data/formats/annotations/voc.h"
#include "tensor/error.h"
#include "tensor/io/format.h"

#ifdef CAWE_HAVE_PUGIXML
#include <algorithm>
#include <cstring>
#include <pugixml.hpp>
#endif

namespace cawe::data {
#ifdef CAWE_HAVE_PUGIXML
namespace {

constexpr int kMaxDepth = 32;
constexpr int64_t kMaxTags = 1000000;

/// A file's text and name; says in which line something is.
class Source {
 public:
  Source(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  std::string_view text() const { return text_; }
  const std::string& name() const { return name_; }
  /// Counts on from the last question: a file with many objects is asked once for each, in order.
  size_t line(ptrdiff_t offset) {
    const size_t to = std::min(text_.size(), size_t(std::max<ptrdiff_t>(0, offset)));
    if (to < at_) {
      at_ = 0;
      line_ = 1;
    }
    for (; at_ < to; ++at_) line_ += text_[at_] == '\n';
    return line_;
  }
  size_t line(const pugi::xml_node& node) { return line(node.offset_debug()); }
  [[noreturn]] void bad(ptrdiff_t offset, const std::string& what) {
    fail(Code::data, name_, ": line ", line(offset), ": ", what);
  }

 private:
  std::string_view text_;
  const std::string& name_;
  size_t at_ = 0, line_ = 1;
};

/// What a refusal of pugixml's means in the file. at_end: it came at the last byte.
std::string explain(const pugi::xml_parse_result& result, bool at_end) {
  switch (result.status) {
    case pugi::status_unrecognized_tag:
      return "a name was expected after '<'";
    case pugi::status_bad_doctype:
      return "document types and entities are refused";
    case pugi::status_bad_cdata:
    case pugi::status_bad_pi:
      return "CDATA, declarations and processing instructions are refused";
    case pugi::status_bad_comment:
      return "missing '-->'";
    case pugi::status_bad_attribute:
      return "an attribute without a value, or a value without quotes";
    case pugi::status_end_element_mismatch:
      return at_end ? "an element never ends" : "a closing tag closes another element than the one open";
    default:
      return result.description();
  }
}

/// Walks the tree and refuses what no VOC file needs.
class Strict : public pugi::xml_tree_walker {
 public:
  explicit Strict(Source* source) : source_(source) {}

  bool for_each(pugi::xml_node& node) override {
    const ptrdiff_t at = node.offset_debug();
    switch (node.type()) {
      case pugi::node_element:
        if (depth() >= kMaxDepth)
          source_->bad(at, detail::concat("nested deeper than ", kMaxDepth, " levels"));
        if (depth() == 0 && roots_++ > 0)
          source_->bad(at, "an element after the root element (expected one)");
        break;
      case pugi::node_pcdata:
        if (depth() == 0)
          source_->bad(at, roots_ ? "text after the root element" : "no element (expected XML)");
        check_entities(at);
        break;
      case pugi::node_doctype:
        source_->bad(at, "document types and entities are refused");
      case pugi::node_declaration:
        if (!node.previous_sibling()) break;
        [[fallthrough]];
      default:
        source_->bad(at, "CDATA, declarations and processing instructions are refused");
    }
    return true;
  }

  bool end(pugi::xml_node&) override {
    if (roots_ == 0) source_->bad(0, "no element (expected XML)");
    return true;
  }

 private:
  /// The text's own bytes from `at` to the next tag: pugixml would leave an unknown entity as it stands.
  void check_entities(ptrdiff_t at) {
    const std::string_view rest = source_->text().substr(size_t(at)), raw = rest.substr(0, rest.find('<'));
    for (size_t i = raw.find('&'); i != raw.npos; i = raw.find('&', i + 1)) {
      const auto begins = [&](std::string_view entity) { return raw.substr(i, entity.size()) == entity; };
      if (!begins("&lt;") && !begins("&gt;") && !begins("&amp;") && !begins("&quot;") && !begins("&apos;"))
        source_->bad(at, "an entity that is not built in (expected &lt; &gt; &amp; &quot; or &apos;)");
    }
  }

  Source* source_;
  int roots_ = 0;
};

void load(Source* source, pugi::xml_document* document) {
  const std::string_view text = source->text();
  const std::string& name = source->name();
  CAWE_CHECK(text.find('\0') == text.npos, Code::data, name, ": has NUL bytes (expected XML in UTF-8)");
  CAWE_CHECK(std::count(text.begin(), text.end(), '<') <= kMaxTags, Code::data, name, ": has more than ",
             kMaxTags, " tags");
  const unsigned kinds = pugi::parse_default | pugi::parse_pi | pugi::parse_declaration |
                         pugi::parse_doctype | pugi::parse_fragment;  // parsed so that they can be refused
  const auto result = document->load_buffer(text.data(), text.size(), kinds, pugi::encoding_utf8);
  if (!result) source->bad(result.offset, explain(result, size_t(result.offset) + 1 >= text.size()));
  Strict strict(source);
  document->traverse(strict);
}

pugi::xml_node need(const pugi::xml_node& node, const char* child, Source* source) {
  const pugi::xml_node found = node.child(child);
  if (!found) source->bad(node.offset_debug(), detail::concat("<", node.name(), "> has no <", child, ">"));
  return found;
}

/// An element's own text, without white space at its ends.
std::string text_of(const pugi::xml_node& node) {
  std::string text;
  for (const pugi::xml_node& part : node.children())
    if (part.type() == pugi::node_pcdata) text += part.value();
  static const char* const kSpace = " \t\n\r";
  const size_t begin = text.find_first_not_of(kSpace);
  return begin == text.npos ? "" : text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

double number(const pugi::xml_node& node, const char* child, Source* source) {
  const pugi::xml_node found = need(node, child, source);
  const std::string text = text_of(found);
  double value = 0;
  if (!parse_number(text, &value))
    source->bad(found.offset_debug(), detail::concat("<", child, "> is '", text, "' (expected a number)"));
  return value;
}

int side(const pugi::xml_node& size, const char* child, Source* source) {
  const double value = number(size, child, source);
  int64_t whole = 0;
  CAWE_CHECK(whole_number(value, &whole) && whole >= 0 && whole <= 16384, Code::data, source->name(), ": <",
             child, "> is ", value, " (expected a whole number from 1 to 16384, or 0 where it is not known)");
  return int(whole);
}

VocAnnotation::Object object_of(const pugi::xml_node& node, Source* source, bool one_based) {
  VocAnnotation::Object object;
  object.line = source->line(node);
  object.name = text_of(need(node, "name", source));
  if (object.name.empty()) source->bad(node.offset_debug(), "an object without a name");
  object.difficult = text_of(node.child("difficult")) == "1";
  const pugi::xml_node box = need(node, "bndbox", source);
  const double offset = one_based ? 1 : 0;
  object.box = {number(box, "xmin", source) - offset, number(box, "ymin", source) - offset,
                number(box, "xmax", source), number(box, "ymax", source)};
  return object;
}

}  // namespace

VocAnnotation parse_voc(std::string_view text, const std::string& name, bool one_based) {
  Source source(text, name);
  pugi::xml_document document;
  load(&source, &document);
  const pugi::xml_node root = document.document_element();
  CAWE_CHECK(std::strcmp(root.name(), "annotation") == 0, Code::data, name, ": root is <", root.name(),
             "> (expected <annotation>)");
  VocAnnotation out;
  out.file_name = text_of(need(root, "filename", &source));
  const pugi::xml_node size = need(root, "size", &source);
  out.width = side(size, "width", &source);
  out.height = side(size, "height", &source);
  if (out.width == 0 || out.height == 0) out.width = out.height = 0;
  for (const pugi::xml_node& node : root.children("object"))
    out.objects.push_back(object_of(node, &source, one_based));
  return out;
}

#else

VocAnnotation parse_voc(std::string_view, const std::string& name, bool) {
  fail(Code::unsupported, name, ": this build has no pugixml (install libpugixml-dev and build again)");
}

#endif
}  // namespace cawe::data
