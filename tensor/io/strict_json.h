// SPDX-License-Identifier: Apache-2.0
// JSON from untrusted files: duplicate keys, deep nesting and huge files are refused; typed access with the
// path of the field in every message. Include <nlohmann/json.hpp> only in .cpp files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace cawe {

/// Limits of what is read.
struct JsonLimits {
  size_t bytes = size_t(1) << 30;
  int depth = 64;
  size_t values = size_t(100) << 20;
};

/// Throws data, "NAME: byte 17: …", for a syntax error, a duplicate key or an exceeded limit.
nlohmann::json parse_json(std::string_view text, const std::string& name, const JsonLimits& limits = {});
nlohmann::json read_json(const std::string& path, const JsonLimits& limits = {});

// Access to an object's fields; `where` begins the message, e.g. "PATH: images[3]". All throw data.
const nlohmann::json& json_field(const nlohmann::json& object, const char* key, const std::string& where);
const nlohmann::json& json_array(const nlohmann::json& object, const char* key, const std::string& where);
std::string json_string(const nlohmann::json& object, const char* key, const std::string& where);
double json_number(const nlohmann::json& object, const char* key, const std::string& where);
int64_t json_integer(const nlohmann::json& object, const char* key, const std::string& where);

}  // namespace cawe
