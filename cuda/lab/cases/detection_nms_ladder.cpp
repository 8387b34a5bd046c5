// SPDX-License-Identifier: Apache-2.0
// The ladder of docs/lessons/nms.md: the same 500 boxes, five ways. Steps 1 to 4 leave a mask, which is
// walked here, on the host; step 5 leaves the answer.
#include <algorithm>

#include "cuda/kernels/detection_nms.h"
#include "cuda/lab/cases/families.h"
#include "cuda/lab/ladders/nms.h"
#include "tensor/backend.h"
#include "tensor/primitives/detection.h"

namespace CAWE_DEVICE {
namespace {

using Word = unsigned long long;
constexpr int64_t kBoxes = 500, kColumns = (kBoxes + 63) / 64;
constexpr double kThreshold = 0.5;

/// 40 objects of about 20 pixels in a picture of 400 x 400, each found a dozen times, some pixels off. Box i
/// has the i-th best score.
std::vector<float> scene() {
  Random random(21, "nms ladder");
  std::vector<float> objects, boxes;
  for (int64_t i = 0; i < 80; ++i) objects.push_back(float(random.next_below(380)));
  for (int64_t i = 0; i < kBoxes; ++i) {
    const uint64_t object = random.next_below(40);
    const float x = objects[2 * object] + float(random.next_below(5));
    const float y = objects[2 * object + 1] + float(random.next_below(5));
    boxes.insert(boxes.end(),
                 {x, y, x + float(18 + random.next_below(5)), y + float(18 + random.next_below(5))});
  }
  return boxes;
}

std::vector<int64_t> reference_kept(const std::vector<float>& boxes) {
  std::vector<float> scores;
  for (int64_t i = 0; i < kBoxes; ++i) scores.push_back(float(kBoxes - i));
  const ReferenceScope reference;
  Tensor kept = Tensor::empty({1, kBoxes}, DType::i64);
  primitives::nms(Tensor::from(boxes, {1, kBoxes, 4}), Tensor::from(scores, {1, kBoxes}), {}, {}, kThreshold,
                  kept);
  std::vector<int64_t> positions = kept.to_vector<int64_t>();
  positions.erase(std::find(positions.begin(), positions.end(), -1), positions.end());
  return positions;
}

/// What the host does with a mask whose word d of row i is mask[at(i, d)].
template <class At>
std::vector<int64_t> walk(const std::vector<Word>& mask, At at) {
  std::vector<Word> removed(size_t(kColumns), 0);
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < kBoxes; ++i) {
    if (removed[size_t(i / 64)] >> (i % 64) & 1) continue;
    kept.push_back(i);
    for (int64_t d = i / 64; d < kColumns; ++d) removed[size_t(d)] |= mask[size_t(at(i, d))];
  }
  return kept;
}

using MaskByRows = void (*)(const float*, int64_t, float, Word*, DeviceStream);

double run_by_rows(CaseContext& c, MaskByRows launch) {
  const std::vector<float> boxes = scene();
  const float* in = c.upload(boxes);
  // Words below the diagonal are neither written by every step nor looked at.
  Word* mask = c.upload(std::vector<Word>(size_t(kBoxes * kColumns), 0));
  c.measure([&] { launch(in, kBoxes, float(kThreshold), mask, c.stream()); });
  const auto at = [](int64_t i, int64_t d) { return i * kColumns + d; };
  return different(walk(c.download(mask, kBoxes * kColumns), at), reference_kept(boxes));
}

double run_by_columns(CaseContext& c) {
  const std::vector<float> boxes = scene();
  const float* in = c.upload(boxes);
  const int64_t words = nms_mask_words(kBoxes);
  // The last column's rows past the last box are neither written nor read, but come back with the others.
  Word* mask = c.upload(std::vector<Word>(size_t(words), ~Word(0)));
  c.measure([&] {
    nms_mask(Number::f32, in, nullptr, {1, kBoxes, nullptr, nullptr}, kThreshold, mask, c.stream());
  });
  const auto at = [](int64_t i, int64_t d) { return d * (d + 1) / 2 * 64 + i; };
  return different(walk(c.download(mask, words), at), reference_kept(boxes));
}

double run_on_device(CaseContext& c) {
  const std::vector<float> boxes = scene();
  const float* in = c.upload(boxes);
  std::vector<int64_t> order;
  for (int64_t i = 0; i < kBoxes; ++i) order.push_back(i);
  const int64_t* from = c.upload(order);
  Word* mask = c.fresh<Word>(nms_mask_words(kBoxes));
  auto* rows = c.fresh<uint32_t>(kBoxes);
  auto* kept = c.fresh<int64_t>(kBoxes);
  const Segments segments{1, kBoxes, nullptr, nullptr};
  c.measure([&] {
    nms_mask(Number::f32, in, nullptr, segments, kThreshold, mask, c.stream());
    nms_reduce(mask, from, segments, kBoxes, rows, kept, c.stream());
  });
  std::vector<int64_t> expected = reference_kept(boxes);
  expected.resize(size_t(kBoxes), -1);
  return different(c.download(kept, kBoxes), expected);
}

Case step(int number, const char* file, const char* change, std::function<double(CaseContext&)> run) {
  Case r;
  r.name = "nms_ladder";
  r.shape = "f32 500 step " + std::to_string(number);
  r.file = file;
  r.run = std::move(run);
  r.ladder = "nms";
  r.step = number;
  r.change = change;
  r.floor_read = kBoxes * 16;
  r.flops = 20. * kBoxes * kBoxes / 2;
  return r;
}

}  // namespace

// 500 boxes are 8 columns, the last of 52. 250 sectors of boxes; a tile has 32, the last ones 26.
void add_detection_nms_ladder_cases(std::vector<Case>& cases) {
  const char *ladder = "cuda/lab/ladders/nms.cu", *production = "cuda/kernels/detection_nms.cu";
  // Rows: 8 times all. A warp from row r on loads boxes r + 1 to 499, a sector each: r = 0, 32, .. 480. Each
  // word stored lies in a sector of its own.
  cases.push_back(step(1, ladder,
                       "a thread for 64 pairs; boxes from global memory, mask by rows, host walks it",
                       [](CaseContext& c) { return run_by_rows(c, nms_square); }));
  cases.back().sectors = 8 * 250 + (16 * 499 - 32 * 120) + 500 * 8;
  // Columns like rows. In shared memory: 8 rows are one wavefront for each box behind the first of them.
  cases.push_back(step(2, ladder, "the column's 64 boxes in shared memory",
                       [](CaseContext& c) { return run_by_rows(c, nms_square_shared); }));
  cases.back().sectors = 8 * 250 + 8 * 250 + 500 * 8;
  cases.back().wavefronts = 8 * (7 * 8 + 7) + (63 * 499 - 8 * (62 * 63 / 2));
  // 36 of 64 tiles. All 8 rows of a wavefront now read all boxes of the column.
  cases.push_back(step(3, ladder, "only the tiles on and above the diagonal",
                       [](CaseContext& c) { return run_by_rows(c, nms_triangle_shared); }));
  cases.back().sectors = (28 * 32 + 8 * 26) + (35 * 32 + 26) + (35 * 64 + 52);
  cases.back().wavefronts = (28 * 8 + 8 * 7) + 28 * 64 * 8 + 7 * 52 * 8 + 52 * 7;
  // 4 words a sector.
  cases.push_back(step(4, production, "mask by columns, only its upper triangle", run_by_columns));
  cases.back().sectors = (28 * 32 + 8 * 26) + (35 * 32 + 26) + (35 * 16 + 13);
  cases.back().wavefronts = (28 * 8 + 8 * 7) + 28 * 64 * 8 + 7 * 52 * 8 + 52 * 7;
  // The walk, at most: where everything is kept it reads the whole mask once (detection_nms.cpp). How much it
  // reads follows from the boxes, so there is no floor.
  cases.push_back(step(5, production, "the device walks the mask: words for the next column asked for ahead",
                       run_on_device));
  cases.back().sectors = 2823 + 1117;
  cases.back().floor_read = 0;
}

}  // namespace CAWE_DEVICE
