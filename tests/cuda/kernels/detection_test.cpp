// SPDX-License-Identifier: Apache-2.0
// What decides in detection must not depend on the device: suppression, top-k, decoding, matching and draws on the
// emulator equal the CPU bit for bit, on 10,000 small crowds full of ties and of overlaps exactly at the
// threshold.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "cuda/kernels/detection_boxes.h"
#include "cuda/kernels/detection_nms.h"
#include "cuda/kernels/detection_sample.h"
#include "cuda/kernels/detection_top_k.h"
#include "cuda/kernels/sort.h"
#include "tensor/backend.h"
#include "tensor/box.h"
#include "tensor/denormals.h"
#include "tensor/philox.h"
#include "tensor/primitives/detection.h"
#include "tensor/random.h"
#include "tests/cuda/device_buffer.h"

namespace cawe::on_emulator {
namespace {

using simt::DeviceBuffer;

template <class T>
constexpr Number kNumber = sizeof(T) == 8 ? Number::f64 : Number::f32;

/// Several crowds for one launch: crowd s has sizes[s] boxes, from box s * longest on; the rest is padding
/// that must not matter.
template <class T>
struct Batch {
  int64_t crowds, longest;
  double threshold;
  bool has_classes;
  std::vector<int64_t> sizes, classes;
  std::vector<T> boxes, scores, deltas;
  int64_t at_threshold = 0, score_ties = 0;

  std::vector<T> part(const std::vector<T>& all, int64_t s, int64_t width) const {
    const auto from = all.begin() + s * longest * width;
    return std::vector<T>(from, from + sizes[size_t(s)] * width);
  }
  Box at(int64_t s, int64_t i) const {
    const T* b = boxes.data() + (s * longest + i) * 4;
    return {float(b[0]), float(b[1]), float(b[2]), float(b[3])};
  }
};

/// Pairs of one class whose overlap is the threshold itself, and neighbours in the list with equal scores.
template <class T>
void count_ties(Batch<T>* b) {
  for (int64_t s = 0; s < b->crowds; ++s)
    for (int64_t i = 0; i < b->sizes[size_t(s)]; ++i) {
      const size_t at = size_t(s * b->longest + i);
      b->score_ties += i > 0 && b->scores[at] == b->scores[at - 1];
      for (int64_t j = 0; j < i; ++j) {
        const bool same = !b->has_classes || b->classes[at] == b->classes[size_t(s * b->longest + j)];
        b->at_threshold += same && iou(b->at(s, i), b->at(s, j)) == float(b->threshold);
      }
    }
}

/// Boxes of 2, 3, 4 or 6 pixels on a small grid; scores in tenths.
template <class T>
Batch<T> make_batch(uint64_t number, int64_t crowds, int64_t longest) {
  constexpr double kThresholds[] = {1. / 2, 1. / 3, 1. / 4, 1. / 5, 0.3, 0};
  constexpr int kSides[] = {2, 3, 4, 6};
  Random random(5, "crowds", number);
  Batch<T> b;
  b.crowds = crowds, b.longest = longest;
  b.threshold = kThresholds[number % 6];
  b.has_classes = number % 3 != 0;
  const auto below = [&](uint64_t n) { return T(random.next_below(n)); };
  for (int64_t s = 0; s < crowds; ++s) {
    b.sizes.push_back(int64_t(random.next_below(uint64_t(longest) + 1)));
    for (int64_t i = 0; i < longest; ++i) {
      const T x = below(14), y = below(14);
      const int w = kSides[random.next_below(4)], h = kSides[random.next_below(4)];
      b.boxes.insert(b.boxes.end(), {x, y, x + T(w), y + T(h)});
      b.scores.push_back(below(11) / 10);
      b.classes.push_back(int64_t(random.next_below(3)) - 1);
      for (int k = 0; k < 4; ++k) b.deltas.push_back(T(random.next_normal()) * T(k < 2 ? 1 : 3));
    }
  }
  count_ties(&b);
  return b;
}

/// The first `most` that are kept of each crowd; 0: all.
template <class T>
void expect_same_suppression(const Batch<T>& b, int64_t most = 0) {
  if (most == 0) most = b.longest;
  const DeviceBuffer<T> boxes(b.boxes), scores(b.scores);
  const DeviceBuffer<int64_t> classes(b.classes), sizes(b.sizes);
  const Segments segments{b.crowds, b.longest, nullptr, sizes.get()};
  DeviceBuffer<int64_t> kept(size_t(b.crowds * most));
  const DeviceBuffer<char> scratch(nms_scratch(kNumber<T>, segments));
  nms(kNumber<T>, boxes.get(), scores.get(), b.has_classes ? classes.get() : nullptr, segments, b.threshold,
      most, kept.get(), scratch.get(), nullptr);
  Tensor expected = Tensor::empty({b.crowds, most}, DType::i64);
  primitives::nms(Tensor::from(b.boxes, {b.crowds, b.longest, 4}),
                  Tensor::from(b.scores, {b.crowds, b.longest}),
                  b.has_classes ? Tensor::from(b.classes, {b.crowds, b.longest}) : Tensor(),
                  Tensor::from(b.sizes, {b.crowds}), b.threshold, expected);
  const std::vector<int64_t> got = kept.to_host(), wanted = expected.to_vector<int64_t>();
  for (int64_t s = 0; s < b.crowds; ++s)
    ASSERT_TRUE(std::equal(got.begin() + s * most, got.begin() + (s + 1) * most, wanted.begin() + s * most))
        << "crowd " << s << " of " << b.sizes[size_t(s)] << ", threshold " << b.threshold;
}

template <class T>
void expect_same_top(const Batch<T>& b, int64_t k) {
  const DeviceBuffer<T> scores(b.scores);
  const DeviceBuffer<int64_t> sizes(b.sizes);
  const Segments segments{b.crowds, b.longest, nullptr, sizes.get()};
  DeviceBuffer<int64_t> out(size_t(b.crowds * k));
  const DeviceBuffer<char> scratch(top_k_scratch(kNumber<T>, segments, k) + 1);
  top_k(kNumber<T>, scores.get(), segments, k, out.get(), scratch.get(), nullptr);
  const std::vector<int64_t> got = out.to_host();
  for (int64_t s = 0; s < b.crowds; ++s) {
    const int64_t size = b.sizes[size_t(s)];
    Tensor chosen = Tensor::empty({1, k}, DType::i64);
    primitives::top_k(Tensor::from(b.part(b.scores, s, 1), {1, size}), {size}, k, chosen);
    std::vector<int64_t> expected = chosen.to_vector<int64_t>();
    for (int64_t& i : expected) i += i < 0 ? 0 : s * b.longest;
    ASSERT_EQ(std::vector<int64_t>(got.begin() + s * k, got.begin() + (s + 1) * k), expected)
        << "crowd " << s;
  }
}

/// All boxes as candidates of one image, each its own anchor.
template <class T>
void expect_same_decoding(const Batch<T>& b) {
  const int64_t n = b.crowds * b.longest;
  const DeviceBuffer<T> deltas(b.deltas), anchors(b.boxes), scores(b.scores);
  DeviceBuffer<T> out(size_t(4 * n)), kept(static_cast<size_t>(n));
  DeviceBuffer<int64_t> classes(static_cast<size_t>(n)), count(1);
  decode_filtered(kNumber<T>, {1, n, 1, scores.get(), deltas.get(), anchors.get(), false, false, n, nullptr},
                  {10, 10, 5, 5, 19.5, 17, -1, 0}, {out.get(), kept.get(), classes.get(), count.get(), n},
                  nullptr);
  Tensor expected = Tensor::empty({1, n, 4}, DTypeOf<T>::value),
         more = Tensor::empty({1, n}, DTypeOf<T>::value), ids = Tensor::empty({1, n}, DType::i64),
         all = Tensor::empty({1}, DType::i64);
  primitives::decode_filtered(Tensor::from(b.scores, {1, n, 1}), Tensor::from(b.deltas, {1, n, 4}),
                              Tensor::from(b.boxes, {n, 4}), {}, {{10, 10, 5, 5}, 19.5, 17, -1, 0, {}},
                              expected, more, ids, all);
  EXPECT_EQ(count.to_host(), all.to_vector<int64_t>());
  EXPECT_EQ(std::memcmp(out.to_host().data(), expected.data<T>(), size_t(4 * n) * sizeof(T)), 0);
}

/// The first boxes of a crowd are the truth, the next ones ignored regions, the others anchors. On a grid, several anchors
/// are a truth's best and overlaps lie exactly at both limits, and regions cover halves.
template <class T>
void expect_same_matching(const Batch<T>& b, int64_t s) {
  const std::vector<T> all = b.part(b.boxes, s, 4);
  const int64_t n = b.sizes[size_t(s)], truths = std::min<int64_t>(n / 4, 6),
                regions = s % 3 == 0 ? std::min<int64_t>(n / 6, 3) : 0, anchors = n - truths - regions;
  if (anchors == 0) return;
  std::vector<T> truth;
  for (int64_t g = 0; g < truths + regions; ++g) {
    truth.insert(truth.end(), all.begin() + 4 * g, all.begin() + 4 * (g + 1));
    truth.push_back(g < truths ? T(0) : T(-2));
  }
  truth.insert(truth.end(), {T(0), T(0), T(20), T(20), T(-1)});  // no box
  const int64_t rows = truths + regions + 1;
  const std::vector<T> rest(all.begin() + 4 * (truths + regions), all.end());
  MatchParams p{b.threshold + 0.25, b.threshold, s % 2 == 0};
  if (s % 5 == 1) p.width = 15, p.height = 12;
  const DeviceBuffer<T> a(rest), g(truth);
  DeviceBuffer<int64_t> matched(static_cast<size_t>(anchors));
  const Matching m{a.get(), false, nullptr, g.get(), 1, anchors, rows, p.width, p.height};
  const DeviceBuffer<char> scratch(match_scratch(kNumber<T>, m));
  match_anchors(kNumber<T>, m, {p.high, p.low, p.low_quality}, matched.get(), scratch.get(), nullptr);
  Tensor expected = Tensor::empty({1, anchors}, DType::i64);
  primitives::match_anchors(Tensor::from(rest, {anchors, 4}), {}, Tensor::from(truth, {1, rows, 5}), p,
                            expected);
  ASSERT_EQ(matched.to_host(), expected.to_vector<int64_t>()) << "crowd " << s << " of " << n;
}

/// Crowds as images whose boxes are matched, left out or background by their scores.
template <class T>
void expect_same_draws(const Batch<T>& b, uint64_t number) {
  std::vector<int64_t> matched, keys;
  for (const T score : b.scores) matched.push_back(score > T(0.7) ? 3 : score < T(0.2) ? -2 : -1);
  for (int64_t s = 0; s < b.crowds; ++s) keys.insert(keys.end(), {int64_t(number), s / 2, 1000 * s});
  const SampleParams p{b.longest / 2, b.longest / 8, "crowds"};
  const DeviceBuffer<int64_t> m(matched), k(keys);
  DeviceBuffer<int64_t> drawn(matched.size()), chosen(size_t(b.crowds * p.count));
  sample_matches(m.get(), k.get(), b.crowds, b.longest,
                 {p.count, p.foreground, fnv_text(p.purpose.data(), p.purpose.size())}, drawn.get(),
                 chosen.get(), nullptr);
  Tensor expected = Tensor::empty({b.crowds, b.longest}, DType::i64),
         places = Tensor::empty({b.crowds, p.count}, DType::i64);
  primitives::sample_matches(Tensor::from(matched, {b.crowds, b.longest}), Tensor::from(keys, {b.crowds, 3}),
                             p, expected, places);
  ASSERT_EQ(drawn.to_host(), expected.to_vector<int64_t>());
  ASSERT_EQ(chosen.to_host(), places.to_vector<int64_t>());
}

template <class T>
void check_batch(uint64_t number, int64_t crowds, int64_t longest, int64_t* at_threshold,
                 int64_t* score_ties) {
  const Batch<T> b = make_batch<T>(number, crowds, longest);
  *at_threshold += b.at_threshold;
  *score_ties += b.score_ties;
  expect_same_suppression(b, number % 4 == 3 ? longest / 4 + 1 : 0);
  if (number % 8 == 0) expect_same_draws(b, number);  // blocks of 1,024 threads take their time
  expect_same_top(b, number % 2 == 0 ? longest : longest / 3 + 1);
  expect_same_decoding(b);
  for (int64_t s = 0; s < crowds; s += 10) expect_same_matching(b, s);
}

TEST(Detection, TenThousandCrowdsAsOnTheCpu) {
  simt::options() = {};
  const ReferenceScope reference;
  constexpr int64_t kLongest[] = {12, 32, 64, 70, 20, 33, 50, 128, 16, 60, 24, 65, 40, 34, 8, 200};
  int64_t at_threshold = 0, score_ties = 0, crowds = 0;
  for (uint64_t number = 0; crowds < 10000 && !HasFatalFailure(); ++number, crowds += 125) {
    const int64_t longest = kLongest[number % 16];
    if (number / 16 % 2 == 0)
      check_batch<float>(number, 125, longest, &at_threshold, &score_ties);
    else
      check_batch<double>(number, 125, longest, &at_threshold, &score_ties);
  }
  EXPECT_EQ(crowds, 10000);
  EXPECT_GT(at_threshold, 100000) << "overlaps that are the threshold itself";
  EXPECT_GT(score_ties, 10000);
}

/// Every number times 2^power, below the smallest normal one too.
std::vector<float> scaled(std::vector<float> x, int power) {
  const KeepDenormals exact;
  for (float& v : x) v = std::ldexp(v, power);
  return x;
}

/// The program counts denormals as 0, a GPU does not: decisions about scores, areas and corners that small
/// must be the same all the same.
TEST(Detection, DenormalsDecideAsOnADevice) {
  simt::options() = {};
  ASSERT_TRUE(denormals_are_flushed()) << "the tests have the program's mode";
  const ReferenceScope reference;
  for (const uint64_t number : {1, 2, 3, 4}) {
    const Batch<float> plain = make_batch<float>(number, 20, 40);
    Batch<float> tiny = plain;
    tiny.scores = scaled(plain.scores, -140);
    expect_same_top(tiny, 40);
    tiny.boxes = scaled(plain.boxes, -71);  // areas of 4 to 36 times 2^-142
    expect_same_suppression(tiny);
    for (int64_t s = 0; s < tiny.crowds; ++s) expect_same_matching(tiny, s);
    tiny.boxes = scaled(plain.boxes, -130);
    expect_same_decoding(tiny);
  }
}

/// [0, 0, 4, 2] and [0, 0, 2, 2] overlap by 4 / 8, exactly half; [0, 0, 4, 2] and [10, ..] not at all.
TEST(Detection, ExactlyAtTheThresholdIsKept) {
  simt::options() = {};
  const std::vector<float> boxes{0, 0, 2, 2, 0, 0, 4, 2, 10, 0, 12, 2}, scores{0.5f, 0.9f, 0.9f};
  const auto kept_at = [&](double threshold, const std::vector<int64_t>& classes) {
    const DeviceBuffer<float> b(boxes), s(scores);
    const DeviceBuffer<int64_t> c(classes);
    const Segments segments{1, 3, nullptr, nullptr};
    DeviceBuffer<int64_t> kept(3);
    const DeviceBuffer<char> scratch(nms_scratch(Number::f32, segments));
    nms(Number::f32, b.get(), s.get(), c.get(), segments, threshold, 3, kept.get(), scratch.get(), nullptr);
    return kept.to_host();
  };
  EXPECT_EQ(kept_at(0.5, {0, 0, 0}), (std::vector<int64_t>{1, 2, 0}));
  EXPECT_EQ(kept_at(0.49, {0, 0, 0}), (std::vector<int64_t>{1, 2, -1}));
  EXPECT_EQ(kept_at(0.49, {1, 0, 0}), (std::vector<int64_t>{1, 2, 0}));
}

/// Past what one block sorts, and 47 columns of the mask.
TEST(Detection, ThreeThousandBoxes) {
  simt::options() = {};
  const ReferenceScope reference;
  Batch<float> b = make_batch<float>(7, 1, 3000);
  b.sizes[0] = 3000;
  for (size_t i = 0; i < b.boxes.size(); i += 4) {  // spread out, so that a good part is kept
    const float right = float(i / 4 % 41) * 7, down = float(i / 4 % 43) * 7;
    b.boxes[i] += right, b.boxes[i + 2] += right;
    b.boxes[i + 1] += down, b.boxes[i + 3] += down;
  }
  expect_same_suppression(b);
}

TEST(Detection, TheBestOfAHundredThousand) {
  simt::options() = {};
  const ReferenceScope reference;
  Batch<float> b;
  b.crowds = 2, b.longest = 50000;
  b.sizes = {50000, 49000};
  const Random random(5, "many scores");
  for (int64_t i = 0; i < 100000; ++i) b.scores.push_back(float(random.bits(uint64_t(i)) % 5000) / 5000);
  for (const int64_t k : {1, 2, 10, 999, 1000, 2048}) expect_same_top(b, k);
}

}  // namespace
}  // namespace cawe::on_emulator
