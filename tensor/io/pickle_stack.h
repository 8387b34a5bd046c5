// SPDX-License-Identifier: Apache-2.0
// What the pickle machine works on: the bytes from which it reads, and the stack of values. For pickle.cpp alone.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tensor/error.h"
#include "tensor/io/pickle.h"

namespace cawe::pickle {

class Stack {
 public:
  Stack(const char* data, size_t bytes, size_t at, const std::string& source)
      : data_(data), bytes_(bytes), at_(at), source_(source) {}

 protected:
  using Kind = Value::Kind;
  static constexpr size_t kMaxString = 1 << 20;

  [[noreturn]] void refuse(const std::string& what) const {
    fail(Code::data, source_, ": pickle byte ", op_at_, ": ", what);
  }

  // --- Reading bytes ---
  const char* take(uint64_t n) {
    if (n > bytes_ - at_) refuse("the file ends inside the pickle (cut off?)");
    const char* p = data_ + at_;
    at_ += size_t(n);
    return p;
  }
  uint64_t number(size_t n) {
    const char* p = take(n);
    uint64_t v = 0;
    for (size_t i = n; i-- > 0;) v = (v << 8) | static_cast<unsigned char>(p[i]);
    return v;
  }
  std::string bytes(uint64_t n) {
    if (n > kMaxString) refuse("a string of " + std::to_string(n) + " bytes");
    const char* p = take(n);
    return std::string(p, size_t(n));
  }
  std::string line() {
    std::string out;
    for (char c = *take(1); c != '\n'; c = *take(1)) {
      out += c;
      if (out.size() > kMaxString) refuse("a line without its end");
    }
    return out;
  }

  // --- The stack ---
  Value* push(Kind kind) {
    document_.values.emplace_back();
    Value* v = &document_.values.back();
    v->kind = kind;
    stack_.push_back(v);
    return v;
  }
  bool push_integer(int64_t v) {
    push(Kind::integer)->integer = v;
    return true;
  }
  bool push_text(uint64_t n, Kind kind = Kind::text) {
    std::string text = bytes(n);
    push(kind)->text = std::move(text);
    return true;
  }
  bool push_tuple(std::vector<Value*> items) {
    Value* tuple = push(Kind::tuple);
    for (const Value* item : items) tuple->holds_numbers |= item->holds_numbers;
    tuple->items = std::move(items);
    return true;
  }
  bool push_tuple(size_t n) {
    std::vector<Value*> items(n);
    while (n-- > 0) items[n] = pop();
    return push_tuple(std::move(items));
  }
  /// An object that is not made, only named.
  bool push_skipped(const std::string& name, bool holds_numbers) {
    Value* v = push(Kind::skipped);
    v->text = name;
    v->holds_numbers = holds_numbers;
    return true;
  }
  Value* pop() {
    Value* v = top();
    stack_.pop_back();
    return v;
  }
  Value* top() {
    if (stack_.empty() || stack_.back()->kind == Kind::mark) refuse("a value is missing");
    return stack_.back();
  }
  Value* top(Kind kind, const char* what) {
    Value* v = top();
    if (v->kind != kind) refuse(std::string("what stands below is no ") + what);
    return v;
  }
  /// Values above the last mark, which goes.
  std::vector<Value*> pop_to_mark() {
    size_t i = stack_.size();
    while (i > 0 && stack_[i - 1]->kind != Kind::mark) --i;
    if (i == 0) refuse("a mark is missing");
    std::vector<Value*> out(stack_.begin() + std::ptrdiff_t(i), stack_.end());
    stack_.resize(i - 1);
    return out;
  }

  const char* data_;
  size_t bytes_, at_, op_at_ = 0;
  const std::string& source_;
  Document document_;
  std::vector<Value*> stack_;
};

}  // namespace cawe::pickle
