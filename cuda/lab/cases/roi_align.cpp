// SPDX-License-Identifier: Apache-2.0
#include "cuda/kernels/roi_align.h"

#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/primitives/roi_align.h"

namespace CAWE_DEVICE {
namespace {

constexpr DType kFloating[] = {DType::f32, DType::f64, DType::f16, DType::bf16};

struct Problem {
  std::string what;
  DType dtype;
  int64_t n, c;
  std::vector<std::pair<int64_t, int64_t>> sizes;  ///< of the levels
  RoiAlignParams p;
  std::vector<float> rois;
  std::vector<int32_t> place;

  int64_t regions() const { return int64_t(place.size()) / 2; }
  Shape level(size_t l) const { return {n, c, sizes[l].first, sizes[l].second}; }
  Shape pooled() const { return {regions(), c, p.pooled, p.pooled}; }
  int64_t bytes(const Shape& s) const { return s.numel() * int64_t(size_of(dtype)); }
  RoiRule rule() const { return {int(p.pooled), int(p.sampling_ratio), p.aligned}; }
};

constexpr Layout kLast = Layout::channels_last;

Tensor level_values(const Problem& k, size_t l) {
  return random_tensor(k.level(l), "level " + std::to_string(l), k.dtype, kLast);
}

/// The levels' memory is the caller's.
RoiPyramid pyramid_of(const Problem& k, const std::vector<void*>& memory) {
  RoiPyramid pyramid{};
  pyramid.levels = int(k.sizes.size());
  pyramid.n = k.n;
  pyramid.c = k.c;
  for (size_t l = 0; l < k.sizes.size(); ++l)
    pyramid.level[l] = {memory[l], int(k.sizes[l].first), int(k.sizes[l].second), k.p.scales[l]};
  return pyramid;
}

RoiList upload_list(CaseContext& c, const Problem& k) {
  return {c.upload(k.rois), c.upload(k.place), k.regions()};
}

Tensor reference_rois(const Problem& k) { return Tensor::from(k.rois, {k.regions(), 4}); }
/// What is nowhere is an empty slot.
Tensor reference_place(const Problem& k) {
  std::vector<int32_t> place = k.place;
  for (size_t i = 0; i < place.size(); i += 2)
    if (place[i] < 0 || place[i] >= k.n || place[i + 1] >= int32_t(k.sizes.size())) place[i + 1] = -1;
  return Tensor::from(place, {k.regions(), 2});
}

double run_forward(CaseContext& c, const Problem& k) {
  std::vector<Tensor> truth;
  std::vector<void*> memory;
  for (size_t l = 0; l < k.sizes.size(); ++l) {
    const Tensor x = level_values(k, l);
    memory.push_back(c.upload(x));
    truth.push_back(x.to(DType::f64));
  }
  const RoiPyramid pyramid = pyramid_of(k, memory);
  const RoiList list = upload_list(c, k);
  void* const y = c.fresh<char>(k.bytes(k.pooled()));
  void* const scratch = c.fresh<char>(roi_align_scratch(number_for(k.dtype), pyramid, k.regions(), k.rule()));
  c.measure([&] { roi_align(number_for(k.dtype), pyramid, list, k.rule(), y, scratch, c.stream()); });
  Tensor expected = Tensor::empty(k.pooled(), DType::f64);
  const ReferenceScope reference;
  primitives::roi_align(truth, reference_rois(k), reference_place(k), k.p, expected);
  return relative_error(c.download(y, k.pooled(), k.dtype, kLast), expected);
}

double run_gradient(CaseContext& c, const Problem& k) {
  const Tensor dy = random_tensor(k.pooled(), "roi gradient", k.dtype, kLast);
  std::vector<Tensor> expected;
  std::vector<void*> memory;
  for (size_t l = 0; l < k.sizes.size(); ++l) {
    memory.push_back(c.fresh<char>(k.bytes(k.level(l))));
    expected.push_back(Tensor::empty(k.level(l), DType::f64));
  }
  const RoiPyramid pyramid = pyramid_of(k, memory);
  const RoiList list = upload_list(c, k);
  const void* const g = c.upload(dy);
  void* const scratch = c.fresh<char>(roi_align_scratch(number_for(k.dtype), pyramid, k.regions(), k.rule()));
  c.measure([&] { roi_align_grad(number_for(k.dtype), g, list, k.rule(), pyramid, scratch, c.stream()); });
  const ReferenceScope reference;
  primitives::roi_align_grad(dy.to(DType::f64), reference_rois(k), reference_place(k), k.p, expected);
  double error = 0;
  for (size_t l = 0; l < expected.size(); ++l)
    error = std::max(error, relative_error(c.download(memory[l], k.level(l), k.dtype, kLast), expected[l]));
  return error;
}

double tolerance(DType dtype) {
  return dtype == DType::f32 ? 2e-6 : dtype == DType::f64 ? 1e-14 : dtype == DType::f16 ? 6e-4 : 5e-3;
}

Case make_case(const std::string& name, const Problem& k, double (*run)(CaseContext&, const Problem&)) {
  Case r;
  r.name = name;
  r.shape = std::string(cawe::name(k.dtype)) + " " + k.what;
  r.file = "cuda/kernels/roi_align.cu";
  r.run = [=](CaseContext& c) { return run(c, k); };
  r.tolerance = tolerance(k.dtype);
  return r;
}

/// Forward and gradient; the cases are the last two.
void add_both(std::vector<Case>& cases, const Problem& k) {
  cases.push_back(make_case("roi_align", k, run_forward));
  cases.push_back(make_case("roi_align_grad", k, run_gradient));
}

/// Without regions.
Problem make_problem(const std::string& what, DType dtype, int64_t n, int64_t c,
                     const std::vector<std::pair<int64_t, int64_t>>& sizes, const RoiAlignParams& p) {
  Problem k;
  k.what = what;
  k.dtype = dtype;
  k.n = n;
  k.c = c;
  k.sizes = sizes;
  k.p = p;
  return k;
}

/// With `of_image` boxes an image about one of side `image`, some beyond its sides, some small; levels in
/// turn, every fifth slot empty.
Problem scattered(Problem k, int64_t of_image, double image) {
  const Random random(25, "scattered boxes");
  for (int64_t r = 0; r < k.n * of_image; ++r) {
    const auto u = [&](int64_t i) { return random.uniform_double(uint64_t(4 * r + i)); };
    const double x = image * (1.2 * u(0) - 0.2), y = image * (1.2 * u(1) - 0.2);
    const double most = r % 7 == 6 ? image / 64 : 0.9 * image;
    for (const double side : {x, y, x + most * u(2), y + most * u(3)}) k.rois.push_back(float(side));
    k.place.push_back(int32_t(r / of_image));
    k.place.push_back(r % 5 == 3 ? -1 : int32_t(r % int64_t(k.sizes.size())));
  }
  return k;
}

/// Two regions of 4 x 4 cells on a level of 8 x 8, 2 x 2 bins with 2 x 2 samples: in a bin that begins at
/// cell b they lie at b + 0.5 and b + 1.5, and so on the cells b, b + 1, b + 2. The channels of a cell are
/// one load of a warp: `cell` sectors.
void add_counted(std::vector<Case>& cases, DType dtype) {
  const double e = double(size_of(dtype));
  const int64_t c = dtype == DType::f64 ? 64 : 128;
  const double cell = double(c) * e / 32, share = dtype == DType::f64 ? 16 : 8;
  Problem k = make_problem("8x8, 2 regions", dtype, 1, c, {{8, 8}}, {2, 2, false, {1}});
  k.rois = {0, 0, 4, 4, 2, 2, 6, 6};
  k.place = {0, 0, 0, 0};
  add_both(cases, k);
  Case &forward = cases[cases.size() - 2], &gradient = cases.back();
  // Shares: 8 bins in a warp. It reads the places and the boxes, writes 3 shares a bin and their number.
  const double list = 2 * (8 + 16), table = 8 * (3 * share + 4);
  const double making = 1 + 1 + 3 * (8 * share / 32) + 1;
  // A warp a bin: place, two numbers of shares, 3 rows, 3 x 3 columns and cells, the result.
  forward.sectors = uint64_t(making + 8 * (1 + 2 + 3 + 9 + 9 * cell + cell));
  // Of 25 cells each, 9 are both regions'.
  forward.floor_read = 41 * double(c) * e + list + table;
  forward.floor_written = 8 * double(c) * e + table;
  forward.flops = 2 * 9 * 8 * double(c);
  forward.min_simt = 0.9;
  // One tile. Places and boxes; rows and columns each read the numbers of 4 bins, in a sector, and thrice
  // their shares, in two. A region's bins lie over 3 rows each: 6 rows times 2 bins of the row are read. All
  // is written.
  gradient.sectors = uint64_t(making + 2 + 2 * (1 + 3 * 2) + 2 * 6 * 2 * cell + 64 * cell);
  gradient.floor_read = 8 * double(c) * e + list + table;
  gradient.floor_written = 64 * double(c) * e + table;
  gradient.flops = 2 * 9 * 8 * double(c);
  if (dtype != DType::f32) return;  // words of 8 bytes take two phases, 16-bit types are as f32
  // Votes of 8 warps: 8 written, 8 each read; found: written, read for rows and for columns. Shares: 8 zeros
  // and 3 values each way. A warp looks at 4 bins of its row; the 12 that touch it read their region and, for
  // each of 2 columns of bins, 8 shares.
  gradient.wavefronts = 8 + 64 + 1 + 2 + 2 * (8 + 3) + 8 * 4 + 12 * (1 + 2 * 8);
}

}  // namespace

void add_roi_align_cases(std::vector<Case>& cases) {
  const RoiAlignParams two_levels{3, 2, true, {0.25, 0.125}}, adaptive{2, 0, false, {0.2, 0.1, 1.0 / 64}},
      quarter{3, 2, false, {0.25}}, torchvision{7, 2, false, {0.25}}, one_sample{1, 1, false, {0.25}},
      whole{2, 2, false, {1}};
  for (const DType dtype : kFloating) {
    add_counted(cases, dtype);
    add_both(cases, scattered(make_problem("2 levels, 2 images, 5 channels", dtype, 2, 5, {{13, 17}, {7, 9}},
                                           two_levels),
                              7, 64));
    add_both(cases, scattered(make_problem("adaptive, 3 levels, 16 channels", dtype, 1, 16,
                                           {{12, 9}, {5, 7}, {1, 1}}, adaptive),
                              9, 64));
  }
  // More regions than a block looks at together (256), and than it has slots for (128 bins).
  add_both(cases, scattered(make_problem("300 regions", DType::f32, 1, 4, {{9, 10}}, one_sample), 300, 40));
  add_both(cases,
           scattered(make_problem("40 regions, 7x7 bins", DType::f32, 1, 4, {{9, 8}}, torchvision), 40, 36));
  // Several tiles each way: of 32, 16 and 8 rows, the last with two blocks of channels.
  for (const int64_t c : {12, 64, 132})
    add_both(cases, scattered(make_problem("35x19, " + std::to_string(c) + " channels", DType::f32, 1, c,
                                           {{35, 19}}, quarter),
                              4, 100));
  cases.push_back(make_case("roi_align_grad",
                            make_problem("no regions", DType::f32, 1, 8, {{3, 4}}, torchvision),
                            run_gradient));  // forward has nothing to launch
  Problem nowhere = make_problem("places that are none", DType::f32, 2, 4, {{4, 4}}, whole);
  nowhere.rois = {0, 0, 4, 4, 0, 0, 4, 4, 0, 0, 4, 4, 1, 1, 3, 3};
  nowhere.place = {0, 0, -1, 0, 2, 0, 1, 1};
  add_both(cases, nowhere);
}

}  // namespace CAWE_DEVICE
