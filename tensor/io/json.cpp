// SPDX-License-Identifier: Apache-2.0
#include "tensor/io/json.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "tensor/io/format.h"
#include "tensor/text.h"

namespace cawe {
namespace {

class Printer {
 public:
  explicit Printer(JsonLayout layout) : layout_(layout) {}
  std::string take() { return std::move(out_); }

  void value(const Json& v, int depth) {
    switch (v.type()) {
      case Json::value_t::object:
      case Json::value_t::array:
        return container(v, depth);
      case Json::value_t::string:
        return string(v.get_ref<const std::string&>());
      case Json::value_t::number_float:
        out_ += std::isfinite(v.get<double>()) ? shortest(v.get<double>()) : "null";
        return;
      case Json::value_t::binary:  // not in JSON: here it is text that needs nothing more, see json_ready()
        out_.append(v.get_binary().begin(), v.get_binary().end());
        return;
      default:  // whole numbers, true, false, null
        out_ += v.dump();
    }
  }

 private:
  void container(const Json& v, int depth) {
    const bool object = v.is_object();
    const bool indented = layout_ == JsonLayout::indented && !v.empty();
    const bool lines = layout_ == JsonLayout::lines && !object && depth <= 1;
    out_ += object ? '{' : '[';
    bool first = true;
    for (auto item = v.begin(); item != v.end(); ++item) {
      if (!std::exchange(first, false)) out_ += ',';
      if (indented || lines) out_ += '\n';
      if (indented) out_.append(size_t(depth) + 1, ' ');
      if (object) {
        string(item.key());
        out_ += indented ? ": " : ":";
      }
      value(*item, depth + 1);
    }
    if (indented || (lines && depth == 0)) out_ += '\n';
    if (indented) out_.append(size_t(depth), ' ');
    out_ += object ? '}' : ']';
  }

  void escape(uint32_t c) {
    char text[16];
    std::snprintf(text, sizeof text, "\\u%04x", unsigned(c));
    out_ += text;
  }

  void string(const std::string& text) {
    // nlohmann decides what is UTF-8 and escapes; its short forms of control characters become the long one.
    static const std::string kShort = "bfnrt", kMeant = "\b\f\n\r\t";
    const std::string quoted = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
    for (size_t i = 0; i < quoted.size(); ++i) {
      const char c = quoted[i];
      if (c == '\\') {
        const size_t at = kShort.find(quoted[++i]);
        if (at != kShort.npos)
          escape(uint32_t(kMeant[at]));
        else
          (out_ += c) += quoted[i];
      } else if (c == '<' && layout_ == JsonLayout::script) {
        escape(uint32_t(c));
      } else if (c >= 0 && c < 0x7f) {
        out_ += c;
      } else {
        i += other(std::string_view(quoted).substr(i)) - 1;
      }
    }
  }

  /// A character beyond ASCII: its bytes.
  size_t other(std::string_view text) {
    uint32_t c = 0;
    const size_t bytes = std::max<size_t>(utf8_character(text, &c), 1);
    if (is_control(c))
      escape(c);
    else
      out_ += text.substr(0, bytes);
    return bytes;
  }

  const JsonLayout layout_;
  std::string out_;
};

}  // namespace

std::string json_text(const Json& value, JsonLayout layout) {
  Printer printer(layout);
  printer.value(value, 0);
  return printer.take();
}

Json json_ready(const std::string& text) { return Json::binary({text.begin(), text.end()}); }

Json json_rounded(double number, int digits) {
  return std::isfinite(number) ? json_ready(rounded(number, digits)) : Json(nullptr);
}

Json json_fixed(double number, int decimals) {
  return std::isfinite(number) ? json_ready(fixed(number, decimals)) : Json(nullptr);
}

}  // namespace cawe
