// SPDX-License-Identifier: Apache-2.0
// A SAX handler that builds the value and refuses what a plain parser lets through.
#include "tensor/io/strict_json.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "tensor/error.h"
#include "tensor/io/files.h"
#include "tensor/text.h"

namespace cawe {
namespace {

using nlohmann::json;

class Builder : public nlohmann::json_sax<json> {
 public:
  Builder(const std::string& name, const JsonLimits& limits) : name_(name), limits_(limits) {}
  json take() { return std::move(root_); }

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { fail(Code::data, name_, ": binary values are not JSON"); }

  bool start_object(size_t) override { return open(json::object()); }
  bool start_array(size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& value) override {
    CAWE_CHECK(!stack_.back()->contains(value), Code::data, name_, ": key '", printable(value, 80),
               "' appears twice in one object");
    key_ = std::move(value);
    return true;
  }

  bool parse_error(size_t position, const std::string& token, const json::exception&) override {
    const std::string_view near = std::string_view(token).substr(token.size() > 40 ? token.size() - 40 : 0);
    fail(Code::data, name_, ": byte ", position, ": not JSON near '", printable(near), "'");
  }

 private:
  template <class T>
  bool put(T&& value) {
    add(json(std::forward<T>(value)));
    return true;
  }

  json* add(json value) {
    CAWE_CHECK(++values_ <= limits_.values, Code::data, name_, ": has more than ", limits_.values, " values");
    if (stack_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    json& parent = *stack_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    return &(parent[key_] = std::move(value));
  }

  bool open(json value) {
    CAWE_CHECK(int(stack_.size()) < limits_.depth, Code::data, name_, ": is nested deeper than ",
               limits_.depth, " levels");
    stack_.push_back(add(std::move(value)));
    return true;
  }

  bool close() {
    stack_.pop_back();
    return true;
  }

  const std::string& name_;
  const JsonLimits& limits_;
  json root_;
  std::vector<json*> stack_;  // open containers; only the last one grows, so the pointers stay valid
  std::string key_;
  size_t values_ = 0;
};

}  // namespace

json parse_json(std::string_view text, const std::string& name, const JsonLimits& limits) {
  CAWE_CHECK(text.size() <= limits.bytes, Code::data, name, ": has ", text.size(),
             " bytes (expected at most ", limits.bytes, ")");
  Builder builder(name, limits);
  json::sax_parse(text, &builder);
  return builder.take();
}

json read_json(const std::string& path, const JsonLimits& limits) {
  return parse_json(read_file(path, limits.bytes), path, limits);
}

const json& json_field(const json& object, const char* key, const std::string& where) {
  CAWE_CHECK(object.is_object(), Code::data, where, ": is ", object.type_name(), " (expected an object)");
  const auto found = object.find(key);
  CAWE_CHECK(found != object.end(), Code::data, where, ": has no '", key, "'");
  return *found;
}

const json& json_array(const json& object, const char* key, const std::string& where) {
  const json& value = json_field(object, key, where);
  CAWE_CHECK(value.is_array(), Code::data, where, ".", key, ": is ", value.type_name(),
             " (expected an array)");
  return value;
}

std::string json_string(const json& object, const char* key, const std::string& where) {
  const json& value = json_field(object, key, where);
  CAWE_CHECK(value.is_string(), Code::data, where, ".", key, ": is ", value.type_name(),
             " (expected a string)");
  return value.get<std::string>();
}

double json_number(const json& object, const char* key, const std::string& where) {
  const json& value = json_field(object, key, where);
  CAWE_CHECK(value.is_number(), Code::data, where, ".", key, ": is ", value.type_name(),
             " (expected a number)");
  const double number = value.get<double>();
  CAWE_CHECK(std::isfinite(number), Code::data, where, ".", key, ": is not finite");
  return number;
}

int64_t json_integer(const json& object, const char* key, const std::string& where) {
  const json& value = json_field(object, key, where);
  const bool fits = value.is_number_integer() &&
                    (!value.is_number_unsigned() || value.get<uint64_t>() <= uint64_t(INT64_MAX));
  CAWE_CHECK(fits, Code::data, where, ".", key, ": is ", printable(value.dump(), 40),
             " (expected an integer)");
  return value.get<int64_t>();
}

}  // namespace cawe
