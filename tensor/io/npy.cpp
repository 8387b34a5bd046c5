// SPDX-License-Identifier: Apache-2.0
#include "tensor/io/npy.h"

#include <cctype>
#include <cstring>
#include <set>
#include <utility>
#include <vector>

#include "tensor/io/elements.h"

namespace cawe {
namespace {

const std::pair<const char*, DType> kDescr[] = {
    {"<f4", DType::f32}, {"<f8", DType::f64}, {"<f2", DType::f16},    {"<i4", DType::i32},
    {"<i8", DType::i64}, {"|u1", DType::u8},  {"|b1", DType::boolean}};

/// The header is a Python dictionary with three keys; nothing else is understood.
class NpyHeader {
 public:
  NpyHeader(const char* data, size_t bytes, const std::string& source) : text_(data, bytes), source_(source) {
    expect('{');
    while (!take('}')) {
      const std::string key = quoted_word();
      expect(':');
      if (key == "descr") {
        descr_ = quoted_word();
      } else if (key == "fortran_order") {
        const std::string value = word();
        if (value != "True" && value != "False")
          refuse("fortran_order is " + shown(value) + " (expected True or False)");
        fortran = value == "True";
      } else if (key == "shape") {
        read_shape();
      } else {
        refuse("unknown key '" + shown(key) + "'");
      }
      if (!keys_.insert(key).second) refuse("key '" + key + "' twice");
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skip();
    if (at_ != text_.size() || keys_.size() != 3)
      refuse("expected descr, fortran_order and shape, once each");
    for (const auto& [name, t] : kDescr)
      if (descr_ == name) {
        dtype = t;
        return;
      }
    refuse("dtype '" + shown(descr_) + "' (expected <f4, <f8, <f2, <i4, <i8, |u1 or |b1)");
  }
  DType dtype = DType::f32;
  bool fortran = false;
  std::vector<int64_t> shape;

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    fail(Code::data, source_, ": npy header: ", what);
  }
  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool take(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) refuse(std::string("expected '") + c + "'");
  }
  std::string word() {
    skip();
    std::string out;
    while (at_ < text_.size() && std::isalnum(static_cast<unsigned char>(text_[at_]))) out += text_[at_++];
    return out;
  }
  std::string quoted_word() {
    skip();
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) refuse("expected a string");
    const char quote = text_[at_++];
    std::string out;
    while (at_ < text_.size() && text_[at_] != quote) out += text_[at_++];
    expect(quote);
    return out;
  }
  void read_shape() {
    expect('(');
    while (!take(')')) {
      const std::string digits = word();
      if (digits.empty() || digits.size() > 15 || digits.find_first_not_of("0123456789") != std::string::npos)
        refuse("a size that is not a number");
      if (shape.size() == size_t(Shape::kMaxRank)) refuse("more than 6 dimensions");
      shape.push_back(std::stoll(digits));
      if (!take(',')) {
        expect(')');
        break;
      }
    }
  }

  std::string text_, source_, descr_;
  size_t at_ = 0;
  std::set<std::string> keys_;
};

}  // namespace

Tensor parse_npy(const char* data, size_t bytes, const std::string& source) {
  CAWE_CHECK(bytes >= 10 && std::memcmp(data, "\x93NUMPY", 6) == 0, Code::data, source, ": not an npy file");
  const auto byte = [&](size_t i) { return size_t(static_cast<unsigned char>(data[i])); };
  const size_t version = byte(6), start = version == 1 ? 10 : 12;
  CAWE_CHECK(version >= 1 && version <= 3 && bytes >= start, Code::data, source, ": npy version ", version,
             " (expected 1, 2 or 3)");
  const size_t header =
      version == 1 ? byte(8) | byte(9) << 8 : byte(8) | byte(9) << 8 | byte(10) << 16 | byte(11) << 24;
  CAWE_CHECK(header <= bytes - start, Code::data, source, ": npy header of ", header, " bytes in a file of ",
             bytes, " (cut off)");
  const NpyHeader h(data + start, header, source);
  const size_t size = bytes - start - header;
  const int64_t expected = bytes_of(h.shape, size_of(h.dtype));
  CAWE_CHECK(expected >= 0, Code::data, source, ": an array larger than memory");
  CAWE_CHECK(size == size_t(expected), Code::data, source, ": ", size, " bytes of values (expected ",
             expected, ")");
  Shape stored(h.shape);
  if (h.fortran) stored = Shape(std::vector<int64_t>(h.shape.rbegin(), h.shape.rend()));
  Tensor t = Tensor::empty(stored, h.dtype);
  put_elements({h.dtype, size_of(h.dtype)}, data + start + header, t.numel(), t.raw(), source);
  if (!h.fortran) return t;
  std::vector<int> order;
  for (int i = t.rank() - 1; i >= 0; --i) order.push_back(i);
  return t.permute(order).contiguous();
}

std::string to_npy(const Tensor& x) {
  const char* descr = nullptr;
  for (const auto& [name, t] : kDescr)
    if (t == x.dtype()) descr = name;
  CAWE_CHECK(descr != nullptr, Code::dtype, "npy has no ", name(x.dtype()), " (convert to f32 first)");
  std::string header = std::string("{'descr': '") + descr + "', 'fortran_order': False, 'shape': (";
  for (int i = 0; i < x.rank(); ++i) header += (i > 0 ? ", " : "") + std::to_string(x.dim(i));
  if (x.rank() == 1) header += ',';
  header += "), }";
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string out("\x93NUMPY\x01\x00", 8);
  out += char(header.size() & 0xFF);
  out += char(header.size() >> 8);
  out += header;
  const Tensor host = x.to(Device::cpu).contiguous();
  if (host.numel() > 0)
    out.append(static_cast<const char*>(host.raw()), size_t(host.numel()) * size_of(host.dtype()));
  return out;
}

}  // namespace cawe
