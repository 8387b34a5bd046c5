// SPDX-License-Identifier: Apache-2.0
#include "cuda/kernels/memory.h"

#include <cstring>

#include "cuda/backend/views.h"
#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"

namespace CAWE_DEVICE {
namespace {

constexpr DType kAll[] = {DType::f32, DType::f64, DType::f16, DType::bf16,
                          DType::i32, DType::i64, DType::u8,  DType::boolean};

using ViewOf = std::function<Tensor(const Tensor& whole)>;
Tensor everything(const Tensor& whole) { return whole; }

/// A dense tensor, and the view of it that takes part.
struct Operand {
  Tensor whole;
  ViewOf view = everything;
};

std::vector<uint8_t> bytes_of(const Tensor& dense) {
  std::vector<uint8_t> bytes(size_t(dense.numel()) * size_of(dense.dtype()));
  std::memcpy(bytes.data(), dense.raw(), bytes.size());
  return bytes;
}

/// Numbers that every type can hold, with fractions and halfway cases for the floating ones.
Tensor values(const Shape& shape, DType dtype, Layout layout = Layout::contiguous) {
  Tensor t = random_tensor(shape, "memory", DType::f64);
  for (int64_t i = 0; i < t.numel(); ++i) {
    double& v = t.data<double>()[i];
    if (dtype == DType::u8 || dtype == DType::boolean) v = std::fabs(v * 40);
    if (i % 7 == 0) v = double(i % 200);
    if (i % 7 == 1) v = 1.0 + double(i % 64) / 256 + 0x1p-9;  // halfway between neighbours of bf16
  }
  Tensor converted = Tensor::empty(shape, dtype, layout);
  converted.copy_from(t);
  return converted;
}

char* at_view(void* whole, const Tensor& view) {
  return static_cast<char*>(whole) + view.offset() * int64_t(size_of(view.dtype()));
}

/// Copies or converts on the device and by the CPU's backend; how many bytes differ, those around y's view
/// included.
double run_copy(CaseContext& c, const Operand& x, const Operand& y) {
  const Tensor from = x.view(x.whole), to = y.view(y.whole);
  const char* in = at_view(c.upload(x.whole), from);
  void* const whole = c.upload(y.whole);
  char* const out = at_view(whole, to);
  c.measure([&] {
    if (from.dtype() == to.dtype())
      copy(int(size_of(to.dtype())), in, view_of(from), out, view_of(to), c.stream());
    else
      convert(Element(from.dtype()), in, view_of(from), Element(to.dtype()), out, view_of(to), c.stream());
  });
  const std::vector<uint8_t> got =
      c.download(static_cast<uint8_t*>(whole), y.whole.numel() * int64_t(size_of(to.dtype())));
  Tensor expected = y.whole.clone(), part = y.view(expected);
  const ReferenceScope reference;
  part.copy_from(from);
  return different(got, bytes_of(expected), "bytes");
}

double run_fill(CaseContext& c, const Operand& y, double value) {
  const Tensor to = y.view(y.whole);
  Tensor one = Tensor::full({1}, value, to.dtype());
  uint64_t bits = 0;
  std::memcpy(&bits, one.raw(), size_of(to.dtype()));
  void* const whole = c.upload(y.whole);
  c.measure([&] { fill(int(size_of(to.dtype())), bits, at_view(whole, to), view_of(to), c.stream()); });
  const std::vector<uint8_t> got =
      c.download(static_cast<uint8_t*>(whole), y.whole.numel() * int64_t(size_of(to.dtype())));
  Tensor expected = y.whole.clone(), part = y.view(expected);
  const ReferenceScope reference;
  part.fill(value);
  return different(got, bytes_of(expected), "bytes");
}

Case make_case(const std::string& name, const std::string& text, const char* file,
               std::function<double(CaseContext&)> run) {
  Case r;
  r.name = name;
  r.shape = text;
  r.file = file;
  r.run = std::move(run);
  return r;
}

Case copy_case(const std::string& text, const Operand& x, const Operand& y) {
  const bool same = x.whole.dtype() == y.whole.dtype();
  return make_case(same ? "copy" : "convert", text,
                   same ? "cuda/kernels/memory.cu" : "cuda/kernels/memory_convert.cu",
                   [=](CaseContext& c) { return run_copy(c, x, y); });
}

void add_fills(std::vector<Case>& cases) {
  const char* const file = "cuda/kernels/memory.cu";
  for (const DType dtype : kAll) {
    const double value = dtype == DType::boolean ? 1 : 3;
    const std::string type = name(dtype);
    // An odd number, so that some of it is left behind the last 16 bytes.
    const Operand flat{values({10007}, dtype)};
    cases.push_back(
        make_case("fill", type + " 10007", file, [=](CaseContext& c) { return run_fill(c, flat, value); }));
    cases.back().floor_written = 10007 * double(size_of(dtype));
    cases.back().sectors = sectors_of(cases.back().floor_written) + 1;
    const Operand part{values({9, 11, 13}, dtype), [](const Tensor& t) {
                         return t.slice(0, 1, 8).slice(1, 2, 9).slice(2, 3, 12).transpose(0, 2);
                       }};
    cases.push_back(make_case("fill", type + " 7x7x9 of 9x11x13, transposed", file,
                              [=](CaseContext& c) { return run_fill(c, part, value); }));
  }
}

void add_copies(std::vector<Case>& cases) {
  for (const DType dtype : kAll) {
    const std::string type = name(dtype);
    const double e = double(size_of(dtype));
    cases.push_back(copy_case(type + " 3x5x667", {values({3, 5, 667}, dtype)}, {values({3, 5, 667}, dtype)}));
    cases.back().floor_read = cases.back().floor_written = 10005 * e;
    cases.back().sectors = 2 * (sectors_of(10005 * e) + 1);
    // 4 x 5 x 7 rows of an odd number: no unit is wider than an element.
    cases.push_back(
        copy_case(type + " slices 4x5x7",
                  {values({6, 9, 11}, dtype),
                   [](const Tensor& t) { return t.slice(0, 1, 5).slice(1, 3, 8).slice(2, 2, 9); }},
                  {values({4, 5, 10}, dtype), [](const Tensor& t) { return t.slice(2, 0, 7); }}));
    cases.push_back(copy_case(type + " 2x37x5x9 to channels-last", {values({2, 37, 5, 9}, dtype)},
                              {values({2, 37, 5, 9}, dtype, Layout::channels_last)}));
  }
  // 64 planes of 256 cells become 256 rows of 64: 2 x 8 tiles an image, all full; each moves 4,096 B in whole
  // sectors both ways, and makes 32 stores and 32 loads of 32 words in shared memory without a conflict.
  cases.push_back(copy_case("f32 2x64x16x16 to channels-last", {values({2, 64, 16, 16}, DType::f32)},
                            {values({2, 64, 16, 16}, DType::f32, Layout::channels_last)}));
  cases.back().floor_read = cases.back().floor_written = 32768 * 4;
  cases.back().sectors = 2 * 32768 * 4 / 32;
  cases.back().wavefronts = 2 * 16 * 64;
  cases.back().min_simt = 0.95;
  // 8-byte lanes take two phases of 16.
  cases.push_back(copy_case("f64 1x64x8x8 to NCHW",
                            {values({1, 64, 8, 8}, DType::f64, Layout::channels_last)},
                            {values({1, 64, 8, 8}, DType::f64)}));
  cases.back().floor_read = cases.back().floor_written = 4096 * 8;
  cases.back().sectors = 2 * 4096 * 8 / 32;
  cases.back().wavefronts = 4 * 64 * 2;
  // Two lanes share a word; 32 elements are 64 B.
  cases.push_back(copy_case("bf16 2x32x16x16 to channels-last", {values({2, 32, 16, 16}, DType::bf16)},
                            {values({2, 32, 16, 16}, DType::bf16, Layout::channels_last)}));
  cases.back().floor_read = cases.back().floor_written = 16384 * 2;
  cases.back().sectors = 2 * 16384 * 2 / 32;
  cases.back().wavefronts = 2 * 8 * 64;
  // Half of each row of 64 floats: runs of 128 B, moved 16 B a lane; 8 lanes a run.
  cases.push_back(copy_case(
      "f32 half of 50x64", {values({50, 64}, DType::f32), [](const Tensor& t) { return t.slice(1, 32, 64); }},
      {values({50, 32}, DType::f32)}));
  cases.back().floor_read = cases.back().floor_written = 50 * 128;
  cases.back().sectors = 2 * 50 * 4;
  // Three channels are too few for tiles: 32 lanes write 128 B and read runs of 10 or 11 floats in 3 planes,
  // 1 to 2 sectors more than the 4 that they fill.
  cases.push_back(copy_case("f32 1x3x32x33 to channels-last", {values({1, 3, 32, 33}, DType::f32)},
                            {values({1, 3, 32, 33}, DType::f32, Layout::channels_last)}));
  cases.back().floor_read = cases.back().floor_written = 3168 * 4;
  cases.back().sectors = 99 * 4 + 99 * 6;
  // One row for all: 40 floats are read, 16 B a lane, and written 30 times.
  cases.push_back(copy_case("f32 40 to 30x40",
                            {values({40}, DType::f32),
                             [](const Tensor& t) {
                               return t.expand({30, 40});
                             }},
                            {values({30, 40}, DType::f32)}));
  cases.back().floor_read = 40 * 4;
  cases.back().floor_written = 1200 * 4;
}

void add_conversions(std::vector<Case>& cases) {
  for (const DType from : kAll)
    for (const DType to : kAll) {
      if (from == to) continue;
      const std::string types = std::string(name(from)) + " to " + name(to);
      const double wide = double(std::max(size_of(from), size_of(to)));
      cases.push_back(copy_case(types + " 1501", {values({1501}, from)}, {values({1501}, to)}));
      cases.back().floor_read = 1501 * double(size_of(from));
      cases.back().floor_written = 1501 * double(size_of(to));
      // Packs are a multiple of a sector only in the wider type; 2 requests may end inside one.
      cases.back().sectors = sectors_of(cases.back().floor_read) + sectors_of(cases.back().floor_written) + 2;
      if (wide < 8)
        cases.push_back(copy_case(types + " 3x6x7x5 to channels-last", {values({3, 6, 7, 5}, from)},
                                  {values({3, 6, 7, 5}, to, Layout::channels_last)}));
    }
}

/// Tensors of one list: `x_shift` and `y_shift` elements lie before each.
struct ListCase {
  std::vector<int64_t> sizes;
  DType from, to;
  int64_t x_shift = 0, y_shift = 0;
};

/// How many bytes differ from the CPU's, those before each tensor of y included.
double run_list(CaseContext& c, const ListCase& list) {
  std::vector<Tensor> x, y;
  std::vector<ListedCopy> entries;
  std::vector<void*> written;
  for (const int64_t n : list.sizes) {
    x.push_back(values({list.x_shift + n}, list.from));
    y.push_back(values({list.y_shift + n}, list.to));
    const Tensor from = x.back().slice(0, list.x_shift, list.x_shift + n),
                 to = y.back().slice(0, list.y_shift, list.y_shift + n);
    const char* in = at_view(c.upload(x.back()), from);
    written.push_back(c.upload(y.back()));
    entries.push_back({in, at_view(written.back(), to), n});
  }
  c.measure([&] {
    convert_list(Element(list.from), Element(list.to), entries.data(), int64_t(entries.size()), c.stream());
  });
  double wrong = 0;
  const ReferenceScope reference;
  for (size_t i = 0; i < x.size(); ++i) {
    const std::vector<uint8_t> got =
        c.download(static_cast<uint8_t*>(written[i]), y[i].numel() * int64_t(size_of(list.to)));
    Tensor part = y[i].slice(0, list.y_shift, y[i].numel());
    part.copy_from(x[i].slice(0, list.x_shift, x[i].numel()));
    wrong += different(got, bytes_of(y[i]), "bytes of tensor " + std::to_string(i));
  }
  return wrong;
}

void add_lists(std::vector<Case>& cases) {
  const auto add = [&](const std::string& text, const ListCase& list) {
    double n = 0;
    for (const int64_t size : list.sizes) n += double(size);
    const std::string types = std::string(name(list.from)) + " to " + name(list.to);
    cases.push_back(make_case("convert_list", types + " " + text, "cuda/kernels/memory_list.cu",
                              [=](CaseContext& c) { return run_list(c, list); }));
    cases.back().floor_read = n * double(size_of(list.from));
    cases.back().floor_written = n * double(size_of(list.to));
    cases.back().unique_allowance =
        1.05 + 32 * double(list.sizes.size()) / std::min(cases.back().floor_read, cases.back().floor_written);
    cases.back().reason = "tensors end within a sector";
  };
  // Three whole blocks, a part of one in whole packs, a pack and one number more, nothing.
  const std::vector<int64_t> few{12288, 1000, 5, 0};
  // The fifth number is a request of its own, in the sector of the pack before it. In 16 bits the 1000 numbers are
  // 62.5 sectors, and the pack and the fifth number half of one.
  for (const DType narrow : {DType::f16, DType::bf16})
    for (const bool back : {false, true}) {
      add("13293 in 4", back ? ListCase{few, narrow, DType::f32} : ListCase{few, DType::f32, narrow});
      cases.back().sectors = (1536 + 125 + 2) + (768 + 63 + 2);
      cases.back().min_simt = 0.9;
    }
  // Two numbers a pack: the five are two packs, one request, and one number.
  for (const bool back : {false, true}) {
    add("13293 in 4", back ? ListCase{few, DType::f64, DType::f32} : ListCase{few, DType::f32, DType::f64});
    cases.back().sectors = (3072 + 250 + 2) + (1536 + 125 + 2);
  }
  std::vector<int64_t> many;  // two launches, and blocks of all fillings
  for (int64_t i = 0; i < 70; ++i) many.push_back(1 + i * 37 % 101 + (i % 16 == 3 ? 4096 : 0));
  add("70 tensors", {many, DType::f32, DType::bf16});
  add("70 tensors, both unaligned", {many, DType::bf16, DType::f32, 1, 1});
  add("70 tensors, x unaligned", {many, DType::f32, DType::f16, 1, 0});
  add("70 tensors, y unaligned", {many, DType::f32, DType::f16, 0, 1});
}

}  // namespace

void add_memory_cases(std::vector<Case>& cases) {
  add_fills(cases);
  add_copies(cases);
  add_conversions(cases);
  add_lists(cases);
}

}  // namespace CAWE_DEVICE
