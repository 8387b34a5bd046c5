// SPDX-License-Identifier: Apache-2.0
#include "tensor/io/state_dictionary.h"

#include <iterator>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tensor/error.h"
#include "tensor/io/elements.h"

namespace cawe {
namespace pickle {
namespace {

using Kind = Value::Kind;

constexpr int kMaxNesting = 4;
const char* const kWrappers[] = {"state_dict", "model_state_dict", "model", "net"};

using Entry = std::pair<const Value*, const Value*>;  // a key and its value

/// What is asked of dictionaries, each looked through once: a file of a megabyte may name one a million times.
class Dictionaries {
 public:
  struct Facts {
    std::vector<Entry> entries;      ///< of a key that is named again and again the last one
    bool has_tensors = false;        ///< by name
    const Value* wrapped = nullptr;  ///< the dictionary under the first of kWrappers that is one
  };

  const Facts& of(const Value& dictionary) {
    const auto [place, fresh] = facts_.try_emplace(&dictionary);
    Facts& f = place->second;
    if (!fresh || dictionary.kind != Kind::dict) return f;
    std::unordered_map<const Value*, size_t> at;
    size_t best = std::size(kWrappers);
    for (size_t i = 0; i + 1 < dictionary.items.size(); i += 2) {
      ++looked_at_;
      const Value *key = dictionary.items[i], *value = dictionary.items[i + 1];
      const auto [entry, first] = at.try_emplace(key, f.entries.size());
      if (first) f.entries.emplace_back(key, value);
      f.entries[entry->second].second = value;
    }
    for (const auto& [key, value] : f.entries) {
      if (key->kind != Kind::text) continue;
      f.has_tensors |= value->kind == Kind::tensor;
      for (size_t w = 0; w < best; ++w)
        if (value->kind == Kind::dict && key->text == kWrappers[w]) {
          best = w;
          f.wrapped = value;
        }
    }
    return f;
  }
  /// Opens {"state_dict": {...}} inside what was chosen already.
  const Value* opened(const Value* v) {
    for (int depth = 0; depth < kMaxNesting && of(*v).wrapped != nullptr; ++depth) v = of(*v).wrapped;
    return v;
  }
  /// Entries of all dictionaries that were looked at.
  size_t looked_at() const { return looked_at_; }

 private:
  std::unordered_map<const Value*, Facts> facts_;
  size_t looked_at_ = 0;
};

const Value* entry_of(const std::vector<Entry>& entries, std::string_view name) {
  for (const auto& [key, value] : entries)
    if (key->kind == Kind::text && key->text == name) return value;
  return nullptr;
}

std::string what_is(const Value& v, Dictionaries* dictionaries) {
  switch (v.kind) {
    case Kind::skipped:
      return v.text;
    case Kind::dict:
      return dictionaries->of(v).has_tensors ? "tensors by name" : "dictionary";
    case Kind::tuple:
    case Kind::list:
      return "list";
    case Kind::text:
      return "text";
    case Kind::none:
      return "None";
    case Kind::tensor:
      return "tensor";
    case Kind::global:
      return "a name";
    default:
      return "value";
  }
}

/// The state dictionary, and what the file says beside it. Wrappers are looked for first, since an entry beside
/// one (the best accuracy, say) may be a tensor too.
const Value* choose(const Value& root, const std::string& part, const std::string& source,
                    Dictionaries* dictionaries, PthFile* out) {
  CAWE_CHECK(root.kind != Kind::skipped, Code::data, source, ": holds an object of ", root.text,
             ", which only its own code could build; nothing was executed (save model.state_dict() instead)");
  CAWE_CHECK(root.kind == Kind::dict, Code::data, source,
             ": holds no dictionary (expected a state dictionary: torch.save(model.state_dict(), ...))");
  const std::vector<Entry>& entries = dictionaries->of(root).entries;
  std::vector<const Value*> with_tensors;
  for (const auto& [key, value] : entries) {
    if (key->kind != Kind::text || value->kind != Kind::dict) continue;
    if (!dictionaries->of(*dictionaries->opened(value)).has_tensors) continue;
    with_tensors.push_back(key);
    out->parts.push_back(shown(key->text));
  }
  const Value* chosen = nullptr;
  if (!part.empty()) {
    for (const Value* key : with_tensors)
      if (key->text == part) chosen = key;
    CAWE_CHECK(chosen != nullptr, Code::usage, source, ": holds no tensors by name under \"", shown(part),
               "\" (expected ", out->parts.empty() ? "no part: there is none" : listed(out->parts), ")");
  } else {
    for (const char* wrapper : kWrappers)
      for (const Value* key : with_tensors)
        if (chosen == nullptr && key->text == wrapper) chosen = key;
    for (const char* wrapper : kWrappers) {
      const Value* v = chosen == nullptr ? entry_of(entries, wrapper) : nullptr;
      CAWE_CHECK(
          v == nullptr || v->kind != Kind::skipped || !v->holds_numbers, Code::data, source, ": \"", wrapper,
          "\" is an object of ", v == nullptr ? "" : v->text,
          ", which only its own code could build; nothing was executed (save model.state_dict() instead)");
    }
    if (chosen == nullptr && !dictionaries->of(root).has_tensors && !with_tensors.empty()) {
      CAWE_CHECK(with_tensors.size() == 1, Code::data, source,
                 ": holds several parts with tensors by name: ", listed(out->parts),
                 " (`cawe convert FILE OUT.safetensors --part NAME` takes one)");
      chosen = with_tensors.front();
    }
  }
  if (chosen == nullptr) return &root;
  out->part = shown(chosen->text);
  return dictionaries->opened(entry_of(entries, chosen->text));
}

/// Names of entries that are no tensors of the weights.
void list_skipped(const Value& of, const Value* weights, Dictionaries* dictionaries, PthFile* out) {
  for (const auto& [key, value] : dictionaries->of(of).entries) {
    if (&of == weights ? value->kind == Kind::tensor && key->kind == Kind::text
                       : key->kind == Kind::text && shown(key->text) == out->part)
      continue;
    out->skipped.push_back((key->kind == Kind::text ? shown(key->text) : "an entry without a name") + " (" +
                           what_is(*value, dictionaries) + ")");
  }
}

}  // namespace

StateDictionary state_dictionary(const Value& root, const std::string& part, const std::string& source,
                                 PthFile* out, size_t* looked_at) {
  Dictionaries dictionaries;
  const Value* v = choose(root, part, source, &dictionaries, out);
  StateDictionary refs;
  for (const auto& [key, value] : dictionaries.of(*v).entries) {
    if (key->kind != Kind::text) continue;
    CAWE_CHECK(value->kind != Kind::skipped || !value->holds_numbers, Code::data, source, ": ",
               shown(key->text), " is made by ", value->text,
               ", which is no plain tensor (expected dense numbers; quantized, sparse and complex ones are "
               "not read)");
    if (value->kind == Kind::tensor) refs[key->text] = value->tensor.get();
  }
  CAWE_CHECK(!refs.empty(), Code::data, source,
             ": holds no tensors by name (expected a state dictionary, or one under \"state_dict\", "
             "\"model_state_dict\", \"model\" or \"net\")");
  list_skipped(root, v, &dictionaries, out);
  if (v != &root) list_skipped(*v, v, &dictionaries, out);
  if (looked_at != nullptr) *looked_at = dictionaries.looked_at();
  return refs;
}

}  // namespace pickle

std::string PthFile::note() const {
  std::string text =
      part.empty() || (parts.size() < 2 && skipped.empty()) ? "" : "weights of \"" + part + "\"";
  std::vector<std::string> others;
  for (const std::string& name : parts)
    if (name != part) others.push_back("\"" + name + "\"");
  if (!others.empty())
    text += (text.empty() ? "beside " : ", beside ") + listed(others) +
            " (`cawe convert FILE OUT.safetensors --part NAME` takes another)";
  if (!skipped.empty()) text += (text.empty() ? "skipped: " : "; skipped: ") + listed(skipped);
  return text;
}

}  // namespace cawe
