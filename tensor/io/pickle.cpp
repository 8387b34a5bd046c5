// SPDX-License-Identifier: Apache-2.0
#include "tensor/io/pickle.h"

#include <cstdio>
#include <unordered_map>

#include "tensor/error.h"
#include "tensor/io/elements.h"
#include "tensor/io/pickle_globals.h"
#include "tensor/io/pickle_stack.h"

namespace cawe::pickle {

namespace {

using Kind = Value::Kind;

// A value takes about 120 bytes of memory and may take one byte in the file: the limits keep a small file
// from filling the memory.
constexpr size_t kMaxValues = 1000000, kMaxSteps = 8 * kMaxValues;

class Machine : Stack {
 public:
  using Stack::Stack;

  size_t run() {
    for (size_t steps = 0;; ++steps) {
      op_at_ = at_;
      const int op = int(static_cast<unsigned char>(*take(1)));
      if (op == '.') break;
      if (!plain_value(op) && !container(op) && !memory(op) && !call(op)) {
        char text[8];
        std::snprintf(text, sizeof text, "0x%02x", unsigned(op));
        refuse(std::string("operation ") + text + ", which no state dictionary needs");
      }
      if (document_.values.size() > kMaxValues || steps > kMaxSteps)
        refuse("more than " + std::to_string(kMaxValues) + " values, which no state dictionary needs");
    }
    document_.root = pop();
    if (!stack_.empty()) refuse("values are left over");
    return at_;
  }
  Document take_document() { return std::move(document_); }

 private:
  // --- Operations: each group answers false where an operation is not its own ---
  bool plain_value(int op) {
    switch (op) {
      case 'N':
        return push(Kind::none) != nullptr;
      case 0x88:
        return push(Kind::yes) != nullptr;
      case 0x89:
        return push(Kind::other) != nullptr;  // false
      case 'J':
        return push_integer(int64_t(int32_t(uint32_t(number(4)))));
      case 'K':
        return push_integer(int64_t(number(1)));
      case 'M':
        return push_integer(int64_t(number(2)));
      case 0x8a:
        return push_long(size_t(number(1)));
      case 0x8b:
        return push_long(size_t(number(4)));
      case 'G':
        take(8);
        return push(Kind::other) != nullptr;  // a float
      case 'X':
      case 'T':
        return push_text(number(4));
      case 0x8c:
      case 'U':
        return push_text(number(1));
      case 'B':
        return push_text(number(4), Kind::other);  // bytes
      case 'C':
        return push_text(number(1), Kind::other);
      default:
        return false;
    }
  }
  bool push_long(size_t n) {
    if (n > 8) return push_text(n, Kind::big);  // the legacy file's magic number
    const uint64_t v = number(n);
    const bool negative = n > 0 && n < 8 && (v >> (8 * n - 1)) != 0;
    return push_integer(int64_t(negative ? v | ~uint64_t(0) << (8 * n) : v));
  }

  bool container(int op) {
    switch (op) {
      case '(':
        return push(Kind::mark) != nullptr;
      case '}':
        return push(Kind::dict) != nullptr;
      case ']':
        return push(Kind::list) != nullptr;
      case ')':
        return push(Kind::tuple) != nullptr;
      case 0x85:
        return push_tuple(1);
      case 0x86:
        return push_tuple(2);
      case 0x87:
        return push_tuple(3);
      case 't':
        return push_tuple(pop_to_mark());
      case 's': {
        Value *value = pop(), *key = pop();
        return append(Kind::dict, "dictionary", {key, value});
      }
      case 'u': {
        const std::vector<Value*> items = pop_to_mark();
        if (items.size() % 2 != 0) refuse("a key without its value");
        return append(Kind::dict, "dictionary", items);
      }
      case 'a': {
        Value* item = pop();
        return append(Kind::list, "list", {item});
      }
      case 'e':
        return append(Kind::list, "list", pop_to_mark());
      case 0x8f:
        return push_skipped("set", false);
      case 0x90: {
        const std::vector<Value*> items = pop_to_mark();
        if (top()->kind != Kind::skipped) refuse("what stands below is no set");
        return append(Kind::list, "set", items);
      }
      case 0x91:
        pop_to_mark();
        return push_skipped("frozenset", false);
      default:
        return false;
    }
  }
  /// To the container on top, of this kind; an object that is not made swallows the items.
  bool append(Kind kind, const char* what, const std::vector<Value*>& items) {
    Value* to = top();
    if (to->kind != kind && to->kind != Kind::skipped) refuse(std::string("what stands below is no ") + what);
    for (const Value* item : items) to->holds_numbers |= item->holds_numbers;
    if (to->kind == kind) to->items.insert(to->items.end(), items.begin(), items.end());
    return true;
  }

  bool memory(int op) {
    switch (op) {
      case 0x80:
        if (number(1) > 5) refuse("an unknown pickle protocol (expected at most 5)");
        return true;
      case 0x95:
        take(8);
        return true;  // a frame's length
      case 'q':
        return remember(number(1));
      case 'r':
        return remember(number(4));
      case 0x94:
        return remember(memo_.size());
      case 'h':
        return recall(number(1));
      case 'j':
        return recall(number(4));
      default:
        return false;
    }
  }
  bool remember(uint64_t index) {
    memo_[index] = top();
    return true;
  }
  bool recall(uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) refuse("nothing was remembered as " + std::to_string(index));
    stack_.push_back(found->second);
    return true;
  }

  bool call(int op) {
    switch (op) {
      case 'c': {
        const std::string module = line();
        return global(module, line());
      }
      case 0x93: {
        const Value *name = pop(), *module = pop();
        if (name->kind != Kind::text || module->kind != Kind::text) refuse("a global whose name is no text");
        return global(module->text, name->text);
      }
      case 'Q':
        return storage(pop());
      case 'R':
      case 0x81: {
        const Value *arguments = pop(), *function = pop();
        return called(*function, *arguments);
      }
      case 0x92: {
        const Value *words = pop(), *arguments = pop(), *function = pop();
        if (words->kind != Kind::dict || !words->items.empty()) refuse("a call with named arguments");
        return called(*function, *arguments);
      }
      case 'b': {  // attributes: an OrderedDict's _metadata, which loading does not need
        const Value* state = pop();
        Value* of = top();
        if (of->kind != Kind::dict && of->kind != Kind::skipped) refuse("what stands below is no dictionary");
        of->holds_numbers |= of->kind == Kind::skipped && state->holds_numbers;
        return true;
      }
      default:
        return false;
    }
  }
  bool called(const Value& function, const Value& arguments) {
    const bool known = function.kind == Kind::global;
    if ((!known && function.kind != Kind::skipped) || arguments.kind != Kind::tuple)
      refuse("a call of something that is no function");
    if (!known) return push_skipped(function.text, function.holds_numbers || arguments.holds_numbers);
    return reduce(*function.global, arguments);
  }
  bool global(const std::string& module, const std::string& name) {
    const std::string whole = module + "." + name;
    if (const Global* known = find_global(whole)) {
      push(Kind::global)->global = known;
      return true;
    }
    if (is_dangerous(module, name))
      refuse(
          "it names " + shown(whole) +
          ", which no file of weights needs and which could run something; nothing was executed (do not load "
          "this file in Python)");
    return push_skipped(shown(whole), false);
  }

  /// ("storage", type, key, location, elements[, view])
  bool storage(const Value* id) {
    const std::vector<Value*>& t = id->items;
    const bool fits = id->kind == Kind::tuple && t.size() >= 5 && t[0]->kind == Kind::text &&
                      t[0]->text == "storage" && t[2]->kind == Kind::text && t[4]->kind == Kind::integer &&
                      t[4]->integer >= 0;
    if (fits && t[1]->kind == Kind::skipped) return push_skipped(t[1]->text, true);  // quantized, complex …
    if (!fits || t[1]->kind != Kind::global || t[1]->global->call != Call::storage)
      refuse("a persistent object that is no storage");
    if (t.size() > 5 && t[5]->kind != Kind::none)
      refuse("a view of a storage (a form older than PyTorch 0.4; save the file again)");
    const StorageRef ref{t[2]->text, t[1]->global->type, t[4]->integer};
    const StorageRef& known = document_.storages.emplace(ref.key, ref).first->second;
    if (known.type.dtype != ref.type.dtype || known.type.size != ref.type.size ||
        known.elements != ref.elements)
      refuse("storage \"" + shown(ref.key) + "\" comes with two types or sizes");
    Value* v = push(Kind::storage);
    v->holds_numbers = true;
    v->tensor = std::make_unique<TensorRef>();
    v->tensor->storage = &known;
    return true;
  }

  bool reduce(const Global& function, const Value& arguments) {
    const std::vector<Value*>& a = arguments.items;
    switch (function.call) {
      case Call::ordered_dict:
        if (!a.empty()) refuse("an OrderedDict with arguments");
        return push(Kind::dict) != nullptr;
      case Call::default_dict:  // its only argument makes what is missing, which is never asked for
        if (a.size() > 1) refuse("a defaultdict with values");
        return push(Kind::dict) != nullptr;
      case Call::size:
        if (a.size() != 1 || a[0]->kind != Kind::tuple) refuse("a torch.Size of no tuple");
        stack_.push_back(a[0]);
        return true;
      case Call::parameter:
        if (!a.empty() && a[0]->kind == Kind::skipped) return push_skipped(a[0]->text, true);
        if (a.empty() || a[0]->kind != Kind::tensor) refuse("a parameter without a tensor");
        return rebuild(*a[0]->tensor);
      case Call::tensor: {
        if (!a.empty() && a[0]->kind == Kind::skipped) return push_skipped(a[0]->text, true);
        if (a.size() < 4 || a[0]->kind != Kind::storage || a[1]->kind != Kind::integer)
          refuse("a tensor without a storage");
        // What else PyTorch says of it: that it is to be negated or conjugated.
        if (a.size() > 6 && a[6]->kind == Kind::dict)
          for (const Value* item : a[6]->items)
            if (item->kind == Kind::yes)
              refuse(
                  "a tensor that is to be negated or conjugated when it is read (save tensor.resolve_neg() "
                  "instead)");
        TensorRef ref = *a[0]->tensor;
        ref.offset = a[1]->integer;
        ref.shape = integers(*a[2]);
        ref.strides = integers(*a[3]);
        return rebuild(ref);
      }
      case Call::tensor_of_type:  // (how it is rebuilt, its class, arguments of that, attributes)
        if (a.size() < 3 || a[2]->kind != Kind::tuple ||
            (a[0]->kind == Kind::global && a[0]->global->call == Call::tensor_of_type))
          refuse("a tensor of a class without its arguments");
        return called(*a[0], *a[2]);
      case Call::storage:
        break;
    }
    refuse(std::string("a call of ") + function.name);
  }
  bool rebuild(const TensorRef& ref) {
    if (ref.offset < 0 || ref.shape.size() != ref.strides.size())
      refuse("a tensor whose sizes, strides and offset do not fit");
    Value* v = push(Kind::tensor);
    v->holds_numbers = true;
    v->tensor = std::make_unique<TensorRef>(ref);
    return true;
  }
  std::vector<int64_t> integers(const Value& v) {
    if (v.kind != Kind::tuple || v.items.size() > size_t(Shape::kMaxRank))
      refuse("a tensor's sizes or strides are no tuple of at most six numbers");
    std::vector<int64_t> out;
    for (const Value* item : v.items) {
      if (item->kind != Kind::integer || item->integer < 0) refuse("a tensor's size or stride is no number");
      out.push_back(item->integer);
    }
    return out;
  }

  std::unordered_map<uint64_t, Value*> memo_;
};

}  // namespace

Document read(const char* data, size_t bytes, size_t* at, const std::string& source) {
  Machine machine(data, bytes, *at, source);
  *at = machine.run();
  return machine.take_document();
}

}  // namespace cawe::pickle
