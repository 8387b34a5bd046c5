// SPDX-License-Identifier: Apache-2.0
#include "tensor/io/state_dictionary.h"

#include <string_view>
#include <vector>

#include "tensor/error.h"
#include "tensor/text.h"

namespace cawe {
namespace pickle {
namespace {

using Kind = Value::Kind;

constexpr int kMaxNesting = 4;
const char* const kWrappers[] = {"state_dict", "model_state_dict", "model", "net"};

const Value* entry_of(const Value& dictionary, std::string_view key) {
  for (size_t i = 0; i + 1 < dictionary.items.size(); i += 2)
    if (dictionary.items[i]->kind == Kind::text && dictionary.items[i]->text == key)
      return dictionary.items[i + 1];
  return nullptr;
}

bool has_tensors_by_name(const Value& v) {
  if (v.kind != Kind::dict) return false;
  for (size_t i = 0; i + 1 < v.items.size(); i += 2)
    if (v.items[i]->kind == Kind::text && v.items[i + 1]->kind == Kind::tensor) return true;
  return false;
}

/// Opens {"state_dict": {...}} inside what was chosen already.
const Value* opened(const Value* v) {
  for (int depth = 0; depth < kMaxNesting; ++depth) {
    const Value* inner = nullptr;
    for (const char* wrapper : kWrappers)
      if (inner == nullptr && (inner = entry_of(*v, wrapper)) != nullptr && inner->kind != Kind::dict)
        inner = nullptr;
    if (inner == nullptr) return v;
    v = inner;
  }
  return v;
}

std::string what_is(const Value& v) {
  switch (v.kind) {
    case Kind::skipped:
      return v.text;
    case Kind::dict:
      return has_tensors_by_name(v) ? "tensors by name" : "dictionary";
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

std::string shown(const std::string& key) { return printable(key, 80); }

/// The state dictionary, and what the file says beside it. Wrappers are looked for first, since an entry beside
/// one (the best accuracy, say) may be a tensor too.
const Value* choose(const Value& root, const std::string& part, const std::string& source, PthFile* out) {
  CAWE_CHECK(root.kind != Kind::skipped, Code::data, source, ": holds an object of ", root.text,
             ", which only its own code could build; nothing was executed (save model.state_dict() instead)");
  CAWE_CHECK(root.kind == Kind::dict, Code::data, source,
             ": holds no dictionary (expected a state dictionary: torch.save(model.state_dict(), ...))");
  std::vector<const Value*> with_tensors;
  for (size_t i = 0; i + 1 < root.items.size(); i += 2) {
    if (root.items[i]->kind != Kind::text || root.items[i + 1]->kind != Kind::dict) continue;
    if (!has_tensors_by_name(*opened(root.items[i + 1]))) continue;
    with_tensors.push_back(root.items[i]);
    out->parts.push_back(shown(root.items[i]->text));
  }
  const Value* chosen = nullptr;
  if (!part.empty()) {
    for (const Value* key : with_tensors)
      if (key->text == part) chosen = key;
    CAWE_CHECK(chosen != nullptr, Code::usage, source, ": holds no tensors by name under \"", printable(part),
               "\" (expected ", out->parts.empty() ? "no part: there is none" : listed(out->parts), ")");
  } else {
    for (const char* wrapper : kWrappers)
      for (const Value* key : with_tensors)
        if (chosen == nullptr && key->text == wrapper) chosen = key;
    for (const char* wrapper : kWrappers) {
      const Value* v = chosen == nullptr ? entry_of(root, wrapper) : nullptr;
      CAWE_CHECK(
          v == nullptr || v->kind != Kind::skipped || !v->holds_numbers, Code::data, source, ": \"", wrapper,
          "\" is an object of ", v == nullptr ? "" : v->text,
          ", which only its own code could build; nothing was executed (save model.state_dict() instead)");
    }
    if (chosen == nullptr && !has_tensors_by_name(root) && !with_tensors.empty()) {
      CAWE_CHECK(with_tensors.size() == 1, Code::data, source,
                 ": holds several parts with tensors by name: ", listed(out->parts),
                 " (`cawe convert FILE OUT.safetensors --part NAME` takes one)");
      chosen = with_tensors.front();
    }
  }
  if (chosen == nullptr) return &root;
  out->part = shown(chosen->text);
  return opened(entry_of(root, chosen->text));
}

/// Names of entries that are no tensors of the weights.
void list_skipped(const Value& of, const Value* weights, PthFile* out) {
  for (size_t i = 0; i + 1 < of.items.size(); i += 2) {
    const Value &key = *of.items[i], &value = *of.items[i + 1];
    if (&of == weights ? value.kind == Kind::tensor && key.kind == Kind::text
                       : key.kind == Kind::text && shown(key.text) == out->part)
      continue;
    out->skipped.push_back((key.kind == Kind::text ? shown(key.text) : "an entry without a name") + " (" +
                           what_is(value) + ")");
  }
}

}  // namespace

StateDictionary state_dictionary(const Value& root, const std::string& part, const std::string& source,
                                 PthFile* out) {
  const Value* v = choose(root, part, source, out);
  StateDictionary refs;
  for (size_t i = 0; i + 1 < v->items.size(); i += 2) {
    const Value &key = *v->items[i], &value = *v->items[i + 1];
    if (key.kind != Kind::text) continue;
    CAWE_CHECK(value.kind != Kind::skipped || !value.holds_numbers, Code::data, source, ": ",
               printable(key.text), " is made by ", value.text,
               ", which is no plain tensor (expected dense numbers; quantized, sparse and complex ones are "
               "not read)");
    if (value.kind == Kind::tensor) refs[key.text] = value.tensor.get();
  }
  CAWE_CHECK(!refs.empty(), Code::data, source,
             ": holds no tensors by name (expected a state dictionary, or one under \"state_dict\", "
             "\"model_state_dict\", \"model\" or \"net\")");
  list_skipped(root, v, out);
  if (v != &root) list_skipped(*v, v, out);
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
