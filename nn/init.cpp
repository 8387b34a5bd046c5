// SPDX-License-Identifier: Apache-2.0
#include "nn/init.h"

#include <cmath>

#include "tensor/parallel.h"
#include "tensor/random.h"

namespace cawe::nn {
namespace {

constexpr int64_t kGrain = 16384;

template <class T, class Draw>
void fill_each(Tensor& w, Draw draw) {
  T* values = w.data<T>();
  parallel_for(w.numel(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) values[i] = T(draw(uint64_t(i)));
  });
}

template <class T>
void fill_random(Tensor& w, bool normal, double scale, const Random& random) {
  if (normal)
    fill_each<T>(w, [&](uint64_t i) { return scale * random.normal(i); });
  else
    fill_each<T>(w, [&](uint64_t i) { return scale * (2.0 * random.uniform_double(i) - 1.0); });
}

int64_t receptive_field(const Shape& weight) {
  int64_t area = 1;
  for (int i = 2; i < weight.rank(); ++i) area *= weight[i];
  return area;
}

double scale_of(const Init& init, const Shape& shape) {
  if (init.kind == Init::Kind::kaiming_normal_fan_out)
    return std::sqrt(2.0 / double(shape[0] * receptive_field(shape)));
  if (init.kind == Init::Kind::kaiming_normal_fan_in) return std::sqrt(2.0 / double(fan_in(shape)));
  if (init.kind == Init::Kind::kaiming_uniform)
    return std::sqrt(6.0 / ((1.0 + init.value * init.value) * double(fan_in(shape))));
  return init.value;
}

}  // namespace

int64_t fan_in(const Shape& weight) {
  CAWE_CHECK(weight.rank() >= 2, Code::shape, "initialise: a weight of shape ", weight,
             " has no fan-in (expected rank 2 or more)");
  return weight[1] * receptive_field(weight);
}

void initialise(Tensor& w, const Init& init, uint64_t seed, const std::string& name) {
  CAWE_CHECK(w.is_contiguous() && w.device() == Device::cpu, Code::internal, "initialise: '", name,
             "' is not contiguous on the CPU. Initialise before moving the module.");
  if (init.kind == Init::Kind::constant) {
    w.fill(init.value);
  } else {
    const bool normal = init.kind != Init::Kind::uniform && init.kind != Init::Kind::kaiming_uniform;
    const double scale = scale_of(init, w.shape());
    const Random random(seed, name);
    if (w.dtype() == DType::f64)
      fill_random<double>(w, normal, scale, random);
    else
      fill_random<float>(w, normal, scale, random);
  }
  w.storage().touch();
}

void initialise_icnr(Tensor& w, const Init& init, uint64_t seed, const std::string& name) {
  CAWE_CHECK(w.rank() >= 2 && w.dim(0) % 4 == 0, Code::shape, "ICNR: a weight of shape ", w.shape(),
             " (expected a multiple of 4 outputs)");
  Shape few = w.shape();
  few[0] /= 4;
  Tensor kernels = Tensor::empty(few, w.dtype());
  initialise(kernels, init, seed, name);
  for (int64_t o = 0; o < w.dim(0); ++o) w.slice(0, o, o + 1).copy_from(kernels.slice(0, o / 4, o / 4 + 1));
  w.storage().touch();
}

}  // namespace cawe::nn
