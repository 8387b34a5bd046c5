// SPDX-License-Identifier: Apache-2.0
// Safetensors and npy: round trips of every dtype, files of other programs, malformed files.
#include <gtest/gtest.h>
#include <cstring>

#include "tensor/io/files.h"
#include "tensor/io/npy.h"
#include "tensor/io/safetensors.h"
#include "tests/tensor/io_support.h"

namespace cawe {
namespace {

using testing::expect_error;
using testing::TemporaryFolder;

Safetensors load_safetensors(const std::string& path) {
  const std::string bytes = read_file(path);
  return parse_safetensors(bytes.data(), bytes.size(), path);
}

Tensor load_npy(const std::string& path) {
  const std::string bytes = read_file(path);
  return parse_npy(bytes.data(), bytes.size(), path);
}

// --- Safetensors ---

constexpr DType kAll[] = {DType::f32, DType::f64, DType::f16, DType::bf16,
                          DType::i32, DType::i64, DType::u8,  DType::boolean};

Tensor some(DType dtype, const Shape& shape) {
  Tensor x = Tensor::empty(shape);
  for (int64_t i = 0; i < x.numel(); ++i)
    x.data<float>()[i] = dtype == DType::boolean ? float(i % 2) : float(i * 3 % 7) + 0.5f;
  return x.to(dtype);
}

std::string bytes_of(const Tensor& x) {
  const Tensor dense = x.contiguous();
  return std::string(static_cast<const char*>(dense.raw()), size_t(x.numel()) * size_of(x.dtype()));
}

TEST(Safetensors, EveryDtypeAndShapeComesBack) {
  const TemporaryFolder folder;
  Safetensors file;
  for (const DType dtype : kAll) {
    file.tensors[name(dtype)] = some(dtype, {2, 3});
    file.tensors[std::string(name(dtype)) + ".scalar"] = some(dtype, {});
    file.tensors[std::string(name(dtype)) + ".empty"] = some(dtype, {2, 0});
  }
  file.tensors["view"] = some(DType::f32, {3, 4}).transpose(0, 1);
  file.tensors["nhwc"] = some(DType::f32, {2, 3, 4, 5}).channels_last();
  file.metadata = {{"step", "17"}, {"text", "line\n\"quoted\" \\ \x01 größe"}, {"", ""}};
  save_safetensors(folder / "a.safetensors", file);
  const Safetensors back = load_safetensors(folder / "a.safetensors");
  EXPECT_EQ(back.metadata, file.metadata);
  ASSERT_EQ(back.tensors.size(), file.tensors.size());
  for (const auto& [key, x] : file.tensors) {
    const Tensor& y = back.tensors.at(key);
    EXPECT_EQ(y.dtype(), x.dtype()) << key;
    EXPECT_EQ(y.shape(), x.shape()) << key;
    EXPECT_TRUE(y.is_contiguous()) << key;
    EXPECT_EQ(bytes_of(y), bytes_of(x)) << key;
  }
}

TEST(Safetensors, BytesAreCanonical) {
  Safetensors file;
  file.tensors["b"] = Tensor::from<float>({1, 2}, {2});
  file.tensors["a"] = Tensor::from<uint8_t>({7}, {1, 1});
  file.metadata["k"] = "v";
  const std::string header =
      "{\"__metadata__\":{\"k\":\"v\"},\"a\":{\"dtype\":\"U8\",\"shape\":[1,1],\"data_offsets\":[0,1]},"
      "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[1,9]}}";
  const std::string bytes = to_safetensors(file);
  const size_t padded = (header.size() + 7) / 8 * 8;
  EXPECT_EQ(bytes.substr(0, 8), std::string(1, char(padded)) + std::string(7, '\0'));
  EXPECT_EQ(bytes.substr(8, padded), header + std::string(padded - header.size(), ' '));
  EXPECT_EQ(bytes.substr(8 + padded), std::string("\x07\0\0\x80\x3F\0\0\0\x40", 9));
  EXPECT_EQ(to_safetensors(parse_safetensors(bytes.data(), bytes.size(), "x")), bytes);
  EXPECT_EQ(to_safetensors({}).size(), 16u);
}

TEST(Safetensors, WhatCouldNotBeReadIsNotWritten) {
  const Tensor x = some(DType::f32, {1});
  for (const std::string& name :
       {std::string(), std::string("a\0b", 3), std::string("\xff"), std::string("__metadata__")})
    expect_error("data", "cannot name a tensor", [&] { to_safetensors({{{name, x}}, {}}); });
  expect_error("data", "metadata \"path\" is not UTF-8", [&] { to_safetensors({{}, {{"path", "\xe4"}}}); });
  expect_error("internal", "tensor \"a\" is undefined", [&] { to_safetensors({{{"a", Tensor()}}, {}}); });
}

TEST(Safetensors, ReadsPythonsFile) {
  const auto expected = testing::goldens().at("torch.safetensors");
  const Safetensors file = load_safetensors("tests/goldens/weights/torch.safetensors");
  EXPECT_EQ(file.tensors.size(), expected.size());
  EXPECT_EQ(file.metadata.at("größe"), "\"1\"\n");
  for (const auto& [key, golden] : expected) {
    std::string name = key;
    if (file.tensors.count(name) == 0)
      for (char& c : name)
        if (c == '_') c = ' ';
    ASSERT_EQ(file.tensors.count(name), 1u) << key;
    testing::expect_golden(file.tensors.at(name), golden, key);
  }
}

std::string with_header(const std::string& header, size_t data_bytes) {
  std::string out;
  for (int i = 0; i < 8; ++i) out += char((header.size() >> (8 * i)) & 0xFF);
  return out + header + std::string(data_bytes, '\0');
}

struct Malformed {
  const char *header, *message;
  size_t data_bytes = 4;
};

TEST(Safetensors, MalformedHeadersAreNamed) {
  const Malformed cases[] = {
      {"", "8 bytes (expected a safetensors file)", 0},
      {"[]", "expected '{'"},
      {" {}", "expected '{'", 0},
      {"{}", "tensors end at 0, the file's data at 4"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}", "not JSON near"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} x", "not JSON near"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},}", "not JSON near"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", "tensor \"a\" lacks dtype, shape or data_offsets"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", "unknown key \"x\""},
      {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
       "'dtype' appears twice"},
      {"{\"a\":{\"dtype\":\"F8\",\"shape\":[1],\"data_offsets\":[0,4]}}", "dtype F8 (expected F32,"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", "holds 4 bytes (expected 8"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", "data_offsets are not a range"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", "data_offsets are not a range"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,4]}}",
       "data_offsets is no list of at most 2 numbers"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", "begins at 4 (expected 0", 8},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
       "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
       "begins at 0 (expected 4: no gap, no overlap)"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
       "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
       "'a' appears twice", 8},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}", "holds 8 bytes"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "the file's data at 4 (cut off?)"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "the file's data at 5", 5},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", "expected a whole number"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}", "expected a whole number"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[01],\"data_offsets\":[0,4]}}", "not JSON near"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}}",
       "expected a whole number from 0 to 2^53"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}",
       "no list of at most 6 numbers"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4503599627370496,4503599627370496],\"data_offsets\":[0,4]}}",
       "larger than memory"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[0,4503599627370496,4503599627370496],\"data_offsets\":[0,0]}}",
       "larger than memory"},
      {"{\"\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "without a proper name"},
      {"{\"a\\u0000\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "without a proper name"},
      {"{\"a\xff\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "not JSON near"},
      {"{\"a\\ud800\":1}", "not JSON near"},
      {"{\"a\\x\":1}", "not JSON near"},
      {"{\"a\n\":1}", "not JSON near"},
      {"{\"a", "not JSON near"},
      {"{\"a\":[[[[[[1]]]]]]}", "nested deeper than 4"},
      {"{\"a\":[[1]]}", "is array (expected an object)"},
      {"{\"__metadata__\":{\"a\":1}}", "__metadata__.a: is number (expected a string)"},
      {"{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", "'a' appears twice"},
      {"{\"__metadata__\":{},\"__metadata__\":{}}", "'__metadata__' appears twice"},
  };
  for (const Malformed& c : cases) {
    SCOPED_TRACE(c.header);
    const std::string bytes = with_header(c.header, c.data_bytes);
    expect_error("data", c.message, [&] { parse_safetensors(bytes.data(), bytes.size(), "f.safetensors"); });
    expect_error("data",
                 "f.safetensors: ", [&] { parse_safetensors(bytes.data(), bytes.size(), "f.safetensors"); });
  }
}

TEST(Safetensors, CutOffAndHugeFilesAreNamed) {
  const std::string whole = to_safetensors({{{"a", some(DType::f32, {3})}}, {{"k", "v"}}});
  for (size_t size = 0; size < whole.size(); ++size)
    expect_error("data", "f: ", [&] { parse_safetensors(whole.data(), size, "f"); });
  std::string huge = whole;
  huge[6] = 1;  // a header of 2^48 bytes and more
  expect_error("data", "not safetensors, or cut off",
               [&] { parse_safetensors(huge.data(), huge.size(), "f"); });
  std::string boolean = to_safetensors({{{"a", some(DType::boolean, {3})}}, {}});
  boolean.back() = 2;
  expect_error("data", "element 2 is 2 (expected a boolean, 0 or 1)",
               [&] { parse_safetensors(boolean.data(), boolean.size(), "f"); });
}

TEST(Safetensors, ManyTensorsAndLongNamesTakeLinearTime) {
  // The reader compares names, the writer must not look each up among those before: 0.3 s, once minutes.
  NamedTensors many;
  for (int i = 0; i < 30000; ++i) many["t" + std::to_string(i)] = Tensor::zeros({0});
  const std::string bytes = to_safetensors({many, {}});
  EXPECT_EQ(parse_safetensors(bytes.data(), bytes.size(), "f").tensors.size(), many.size());
  std::string header = "{";
  for (int i = 0; i < 160000; ++i)
    header += "\"" + std::to_string(i) + "\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},";
  header.back() = '}';
  const std::string more = with_header(header.c_str(), 0);
  expect_error("data", "f: header: has more than 1048576 values",
               [&] { parse_safetensors(more.data(), more.size(), "f"); });
  const std::string name(1000000, 'n'), entry = "\":{\"dtype\":\"F8\",\"shape\":[0],\"data_offsets\":[0,0]}}";
  const std::string long_name = with_header(("{\"" + name + entry).c_str(), 0);
  const std::string said =
      testing::message_of([&] { parse_safetensors(long_name.data(), long_name.size(), "f"); });
  EXPECT_NE(said.find("dtype F8"), std::string::npos);
  EXPECT_LT(said.size(), 400u);
}

TEST(Safetensors, NoMetadataMayBeWrittenAsNull) {
  const std::string bytes = with_header(
      "{\"__metadata__\":null,\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4);
  const Safetensors file = parse_safetensors(bytes.data(), bytes.size(), "f");
  EXPECT_EQ(file.metadata.size(), 0u);
  EXPECT_EQ(file.tensors.count("a"), 1u);
}

// --- npy ---

TEST(Npy, EveryDtypeComesBack) {
  const TemporaryFolder folder;
  for (const DType dtype : kAll) {
    for (const Shape& shape : {Shape{}, Shape{5}, Shape{2, 3}, Shape{0, 3}, Shape{1, 2, 3, 1, 2, 1}}) {
      const Tensor x = some(dtype, shape);
      if (dtype == DType::bf16) {
        expect_error("dtype", "npy has no bf16", [&] { to_npy(x); });
        continue;
      }
      write_file(folder / "x.npy", to_npy(x));
      const Tensor y = load_npy(folder / "x.npy");
      EXPECT_EQ(y.dtype(), dtype);
      EXPECT_EQ(y.shape(), shape);
      EXPECT_EQ(bytes_of(y), bytes_of(x));
    }
  }
  const Tensor view = some(DType::f32, {2, 3}).transpose(0, 1);
  const std::string bytes = to_npy(view);
  EXPECT_EQ(bytes_of(parse_npy(bytes.data(), bytes.size(), "x")), bytes_of(view));
}

TEST(Npy, ReadsNumPysFiles) {
  int files = 0;
  for (const auto& [file, tensors] : testing::goldens()) {
    if (file.find(".npy") == std::string::npos) continue;
    testing::expect_golden(load_npy("tests/goldens/weights/" + file), tensors.at("-"), file);
    ++files;
  }
  EXPECT_EQ(files, 12);
  const std::string folder = "tests/goldens/weights/";
  expect_error("data", "dtype '>f4' (expected <f4,", [&] { load_npy(folder + "bad_big_endian.npy"); });
  expect_error("data", "dtype '|O' (expected <f4,", [&] { load_npy(folder + "bad_object.npy"); });
  expect_error("data", "expected a string", [&] { load_npy(folder + "bad_struct.npy"); });
}

TEST(Npy, MalformedFilesAreNamed) {
  const Malformed cases[] = {
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "4 bytes of values (expected 8)"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", "8 bytes of values (expected 4)", 8},
      {"{'descr': '<f4', 'fortran_order': False, }", "expected descr, fortran_order and shape, once each"},
      {"{'descr': '<f4', 'descr': '<f4', 'descr': '<f4'}", "key 'descr' twice"},
      {"{'descr': '<f4', 'fortran_order': 0, 'shape': (1,), }", "fortran_order is 0"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "a size that is not a number"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1), }", "more than 6 dimensions"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999999,999999999999999), }",
       "larger than memory"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (0,999999999999999,999999999999999), }",
       "larger than memory"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", "unknown key 'x'"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } x", "once each"},
      {"{'descr': '<f4", "expected '''"},
  };
  for (const Malformed& c : cases) {
    SCOPED_TRACE(c.header);
    std::string bytes("\x93NUMPY\x01\x00", 8);
    bytes += char(std::strlen(c.header));
    bytes += '\0';
    bytes += c.header + std::string(c.data_bytes, '\0');
    expect_error("data", c.message, [&] { parse_npy(bytes.data(), bytes.size(), "f.npy"); });
  }
  const std::string whole = to_npy(some(DType::f32, {3}));
  for (size_t size = 0; size < whole.size(); ++size)
    expect_error("data", "f: ", [&] { parse_npy(whole.data(), size, "f"); });
  std::string version = whole;
  version[6] = 9;
  expect_error("data", "npy version 9 (expected 1, 2 or 3)",
               [&] { parse_npy(version.data(), version.size(), "f"); });
}

}  // namespace
}  // namespace cawe
