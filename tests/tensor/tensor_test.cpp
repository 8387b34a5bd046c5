// SPDX-License-Identifier: Apache-2.0
// Views and copies of tensors against plain index arithmetic.
#include "tensor/tensor.h"
#include "tensor/tensor_budget.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <thread>

#include "tensor/backend.h"

namespace cawe {
namespace {

template <class Fn>
Code code_of(Fn call) {
  try {
    call();
  } catch (const Error& e) {
    return e.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return Code::internal;
}

Tensor counting(const Shape& shape, float from = 0) {
  std::vector<float> v(size_t(shape.numel()));
  std::iota(v.begin(), v.end(), from);
  return Tensor::from(v, shape);
}

std::vector<float> values(const Tensor& t) { return t.to_vector<float>(); }

TEST(Tensor, MakesWhatItIsAskedFor) {
  const Tensor t = Tensor::full({2, 3}, 1.5, DType::f64);
  EXPECT_EQ(t.to_vector<double>(), std::vector<double>(6, 1.5));
  EXPECT_EQ(Tensor::zeros({2, 2}, DType::i64).to_vector<int64_t>(), std::vector<int64_t>(4, 0));
  EXPECT_EQ(Tensor::scalar(7).item(), 7);
  EXPECT_EQ(Tensor::scalar(7).rank(), 0);
  EXPECT_FALSE(Tensor().defined());
  EXPECT_EQ(Tensor::empty({3, 0, 2}).numel(), 0);
  EXPECT_TRUE(Tensor::empty({3, 0, 2}).to_vector<float>().empty());
  EXPECT_EQ(code_of([] { Tensor::empty({2, -1}); }), Code::shape);
  EXPECT_EQ(code_of([] { Tensor::from(std::vector<float>{1, 2, 3}, {2, 2}); }), Code::shape);
  EXPECT_EQ(code_of([] { Tensor::zeros({2}).data<double>(); }), Code::dtype);
  EXPECT_EQ(code_of([] { Tensor().data<float>(); }), Code::internal);
  EXPECT_EQ(code_of([] { Tensor::zeros({2}).item(); }), Code::shape);
}

TEST(Tensor, ViewsShareStorage) {
  Tensor t = counting({2, 3, 4});
  const Tensor row = t.slice(0, 1, 2), column = t.slice(-1, 2, 4), turned = t.permute({2, 0, 1});
  EXPECT_EQ(values(row), (std::vector<float>{12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}));
  EXPECT_EQ(values(column), (std::vector<float>{2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23}));
  EXPECT_EQ(turned.shape(), (Shape{4, 2, 3}));
  EXPECT_EQ(values(turned.slice(0, 1, 2)), (std::vector<float>{1, 5, 9, 13, 17, 21}));
  EXPECT_EQ(values(t.transpose(0, -1).slice(0, 3, 4)), (std::vector<float>{3, 15, 7, 19, 11, 23}));
  t.data<float>()[14] = -1;  // [1, 0, 2]
  EXPECT_EQ(values(row)[2], -1);
  EXPECT_EQ(values(column)[6], -1);
  EXPECT_EQ(values(turned)[size_t(2 * 6 + 3)], -1);
  EXPECT_EQ(row.storage().id(), t.storage().id());
  EXPECT_EQ(t.slice(1, 3, 3).numel(), 0);
  EXPECT_EQ(code_of([&] { t.slice(1, 2, 4); }), Code::shape);
  EXPECT_EQ(code_of([&] { t.slice(3, 0, 1); }), Code::shape);
  EXPECT_EQ(code_of([&] { t.slice(0, 2, 1); }), Code::shape);
  EXPECT_EQ(code_of([&] { t.permute({0, 1, 1}); }), Code::shape);
  EXPECT_EQ(code_of([&] { t.permute({0, 1}); }), Code::shape);
}

TEST(Tensor, ReshapeKeepsTheLogicalOrder) {
  const Tensor t = counting({2, 3, 4});
  EXPECT_EQ(t.reshape({4, -1}).shape(), (Shape{4, 6}));
  EXPECT_EQ(t.reshape({4, -1}).storage().id(), t.storage().id());
  EXPECT_EQ(values(t.permute({1, 0, 2}).reshape({6, 4})),
            (std::vector<float>{0,  1,  2,  3,  12, 13, 14, 15, 4,  5,  6,  7,
                                16, 17, 18, 19, 8,  9,  10, 11, 20, 21, 22, 23}));
  EXPECT_EQ(t.flatten(1).shape(), (Shape{2, 12}));
  EXPECT_EQ(t.flatten().shape(), (Shape{24}));
  EXPECT_EQ(t.unsqueeze(0).shape(), (Shape{1, 2, 3, 4}));
  EXPECT_EQ(t.unsqueeze(-1).shape(), (Shape{2, 3, 4, 1}));
  EXPECT_EQ(values(t.unsqueeze(1)), values(t));
  EXPECT_EQ(code_of([&] { t.reshape({5, 5}); }), Code::shape);
  EXPECT_EQ(code_of([&] { t.reshape({-1, 5}); }), Code::shape);
  EXPECT_EQ(code_of([&] { t.reshape({-1, -1}); }), Code::shape);
}

TEST(Tensor, ExpandRepeatsWithoutCopying) {
  const Tensor t = counting({3, 1}).expand({2, 3, 2});
  EXPECT_EQ(values(t), (std::vector<float>{0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2}));
  EXPECT_FALSE(t.is_dense());
  EXPECT_TRUE(t.clone().is_dense());
  EXPECT_EQ(values(t.clone()), values(t));
  EXPECT_EQ(code_of([] { counting({3}).expand({2}); }), Code::shape);
  EXPECT_EQ(code_of([] { counting({2, 3}).expand({3}); }), Code::shape);
}

TEST(Tensor, KnowsItsMemoryOrder) {
  const Tensor t = counting({2, 3, 4, 5}), last = t.channels_last();
  EXPECT_TRUE(t.is_contiguous() && t.is_dense() && !t.is_channels_last());
  EXPECT_TRUE(!last.is_contiguous() && last.is_dense() && last.is_channels_last());
  EXPECT_EQ(values(last), values(t));
  EXPECT_EQ(last.data<float>()[1], 20) << "the second number in memory is the next channel's";
  EXPECT_EQ(values(last.contiguous()), values(t));
  EXPECT_EQ(t.contiguous().storage().id(), t.storage().id());
  EXPECT_TRUE(Tensor::like(last).is_channels_last());
  EXPECT_TRUE(last.clone().is_channels_last());
  EXPECT_TRUE(last.to(DType::f64).is_channels_last());
  EXPECT_FALSE(t.slice(3, 0, 2).is_dense());
  EXPECT_TRUE(t.slice(0, 1, 2).is_dense());
  EXPECT_TRUE(Tensor::like(t.slice(3, 0, 2)).is_contiguous());
  const Tensor vector = counting({2, 3, 1, 1});
  EXPECT_TRUE(vector.is_contiguous() && vector.is_channels_last());
  EXPECT_TRUE(t.permute({3, 1, 0, 2}).is_dense());
}

/// One value as each dtype keeps it.
double kept_as(DType dtype, double v) {
  switch (dtype) {
    case DType::f64:
      return v;
    case DType::f32:
      return double(float(v));
    case DType::f16:
      return double(to_float(to_half(float(v))));
    case DType::bf16:
      return double(to_float(to_bfloat16(float(v))));
    case DType::boolean:
      return v != 0;
    default:
      return std::trunc(v);
  }
}

TEST(Tensor, ConvertsBetweenAllTypes) {
  const DType all[] = {DType::f32, DType::f64, DType::f16, DType::bf16,
                       DType::i32, DType::i64, DType::u8,  DType::boolean};
  const std::vector<double> source{0, 1, 2.75, 100, 3.140625, 250.5};
  for (const bool reference : {false, true}) {
    auto plain = reference ? std::make_unique<ReferenceScope>() : nullptr;
    for (DType from : all)
      for (DType to : all) {
        const Tensor x = Tensor::from(source, {2, 3}).to(from);
        const std::vector<double> got = x.to(to).to(DType::f64).to_vector<double>();
        for (size_t i = 0; i < source.size(); ++i)
          EXPECT_EQ(got[i], kept_as(to, kept_as(from, source[i])))
              << source[i] << " " << name(from) << " to " << name(to);
      }
  }
}

/// Index arithmetic by hand, element by element.
float at(const Tensor& t, int64_t n, int64_t c, int64_t h, int64_t w) {
  return t.data<float>()[n * t.stride(0) + c * t.stride(1) + h * t.stride(2) + w * t.stride(3)];
}

TEST(Tensor, CopiesBetweenAnyStrides) {
  // Odd sizes; large enough that tiles and chunks of the fast copies have rests.
  const Shape shape{3, 19, 17, 21};
  const Tensor base = counting(shape), wide = counting({3, 19, 17, 42}, 1e6f),
               tall = counting({6, 19, 17, 21}, 2e6f);
  const std::vector<Tensor> sources{base,
                                    base.channels_last(),
                                    wide.slice(3, 5, 26),
                                    tall.slice(0, 2, 5),
                                    tall.channels_last().slice(0, 1, 4),
                                    counting({21, 17, 19, 3}).permute({3, 2, 1, 0}),
                                    counting({19, 1, 21}).reshape({19, 1, 21}).expand({3, 19, 17, 21})};
  for (const bool reference : {false, true}) {
    auto plain = reference ? std::make_unique<ReferenceScope>() : nullptr;
    for (size_t s = 0; s < sources.size(); ++s) {
      const std::vector<Tensor> targets{
          Tensor::zeros(shape), Tensor::zeros(shape, DType::f32, Layout::channels_last),
          Tensor::zeros({3, 19, 17, 50}).slice(3, 7, 28),
          Tensor::zeros({3, 40, 17, 21}, DType::f32, Layout::channels_last).slice(1, 3, 22),
          Tensor::zeros({21, 3, 17, 19}).permute({1, 3, 2, 0})};
      for (size_t t = 0; t < targets.size(); ++t) {
        Tensor target = targets[t];
        target.copy_from(sources[s]);
        int64_t wrong = 0;
        for (int64_t n = 0; n < shape[0]; ++n)
          for (int64_t c = 0; c < shape[1]; ++c)
            for (int64_t h = 0; h < shape[2]; ++h)
              for (int64_t w = 0; w < shape[3]; ++w)
                wrong += at(target, n, c, h, w) != at(sources[s], n, c, h, w);
        EXPECT_EQ(wrong, 0) << "source " << s << ", target " << t << (reference ? ", reference" : "");
      }
    }
  }
  EXPECT_EQ(code_of([&] { Tensor::zeros({2}).copy_from(counting({3})); }), Code::shape);
}

TEST(Tensor, CopiesTouchNothingBesideTheView) {
  Tensor whole = Tensor::full({4, 5, 6}, -1);
  whole.slice(1, 1, 3).slice(2, 2, 5).copy_from(counting({4, 2, 3}));
  whole.slice(0, 3, 4).fill(-2);
  int64_t untouched = 0;
  const std::vector<float> all = values(whole);
  for (float v : all) untouched += v == -1;
  EXPECT_EQ(untouched, 3 * (30 - 6));
  EXPECT_EQ(all[size_t(1 * 30 + 1 * 6 + 2)], 6);
  EXPECT_EQ(all[size_t(3 * 30)], -2);
}

TEST(Tensor, SeesWhatIsNotFinite) {
  Tensor t = counting({3, 4});
  EXPECT_TRUE(all_finite(t));
  for (double bad : {double(NAN), double(INFINITY), -double(INFINITY)})
    for (DType dtype : {DType::f32, DType::f64, DType::f16, DType::bf16}) {
      Tensor x = t.clone();
      x.data<float>()[11] = float(bad);
      EXPECT_FALSE(all_finite(x.to(dtype))) << name(dtype);
      EXPECT_TRUE(all_finite(x.to(dtype).slice(0, 0, 2))) << "outside the view";
    }
  EXPECT_TRUE(all_finite(Tensor::zeros({2}, DType::i64)));
  EXPECT_TRUE(all_finite(Tensor::full({2}, 1e300, DType::f64)));
  EXPECT_TRUE(all_finite(Tensor::empty({0})));
}

TEST(TensorBudget, StopsBeforeTheMemoryIsTaken) {
  const auto code_of = [](const std::function<void()>& fn) {
    try {
      fn();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  {
    const TensorBudget budget(4000, "too large");
    EXPECT_EQ(code_of([] { Tensor::zeros({int64_t(1) << 50}, DType::u8); }), "too large");
    EXPECT_EQ(code_of([] { Tensor::zeros({900}); }), "no error");
    EXPECT_EQ(code_of([] { Tensor::zeros({101}); }), "too large") << "what was freed counts";
    {
      const TensorBudget inner(1000, "inner");
      EXPECT_EQ(code_of([] { Tensor::zeros({300}); }), "inner");
      EXPECT_EQ(code_of([] { Tensor::zeros({100}); }), "no error");
    }
    EXPECT_EQ(code_of([] { Tensor::zeros({1}); }), "too large") << "the inner one's tensors count here, too";
    std::thread([&] { EXPECT_EQ(code_of([] { Tensor::zeros({5000}); }), "no error"); }).join();
  }
  EXPECT_EQ(code_of([] { Tensor::zeros({5000}); }), "no error");
}

TEST(Tensor, DevicesThatAreNotThereSaySo) {
  EXPECT_EQ(code_of([] { Tensor::zeros({2}).to(Device::cuda); }), Code::unsupported);
}

}  // namespace
}  // namespace cawe
