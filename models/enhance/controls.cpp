// SPDX-License-Identifier: Apache-2.0
#include "models/enhance/controls.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "models/enhance/fusion.h"
#include "tensor/io/json.h"
#include "tensor/parallel.h"

namespace cawe::models {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kRed = 0.299, kBlue = 0.114;  // weights of luminance, BT.601

class Uniform : public Enhancer {
 public:
  explicit Uniform(const EnhancerOptions& options) : attention_(options), alpha_(options.alpha) {}
  std::string name() const override { return "uniform"; }
  std::string settings() const override {
    return json_text({{"method", "uniform"}, {"mean_of", json_ready(attention_.settings())}});
  }
  Tensor apply(const Tensor& gray) override {
    return fuse(gray, uniform_map(attention_.maps(gray).map), alpha_);
  }
  Tensor map(const Tensor& gray) override { return uniform_map(attention_.map(gray)); }
  int64_t constant_maps() const override { return attention_.constant_maps(); }

 private:
  CaweEnhancer attention_;
  double alpha_;
};

class Centre : public Enhancer {
 public:
  Centre(double sigma, double alpha) : sigma_(sigma), alpha_(alpha) { centre_map(1, 1, sigma); }
  std::string name() const override { return "centre"; }
  std::string settings() const override {
    return json_text({{"method", "centre"}, {"alpha", alpha_}, {"sigma", sigma_}});
  }
  Tensor apply(const Tensor& gray) override { return fuse(gray, map(gray), alpha_); }
  Tensor map(const Tensor& gray) override {
    check_gray(gray);
    return centre_map(gray.dim(2), gray.dim(3), sigma_)
        .expand({gray.dim(0), 1, gray.dim(2), gray.dim(3)})
        .contiguous()
        .to(gray.device());
  }

 private:
  double sigma_, alpha_;
};

class Colormap : public Enhancer {
 public:
  explicit Colormap(double saturation) : saturation_(saturation) {
    colour_mapped(Tensor::zeros({1, 1, 1, 1}), saturation);
  }
  std::string name() const override { return "colormap"; }
  std::string settings() const override {
    return json_text({{"method", "colormap"}, {"saturation", saturation_}});
  }
  Tensor apply(const Tensor& gray) override { return colour_mapped(gray, saturation_); }

 private:
  double saturation_;
};

}  // namespace

Tensor uniform_map(const Tensor& maps) {
  CAWE_CHECK(maps.rank() == 4 && maps.dim(1) == 1 && maps.dtype() == DType::f32, Code::shape,
             "uniform: maps ", maps.shape(), " (expected [N, 1, H, W] f32)");
  const Tensor host = maps.to(Device::cpu).contiguous();
  Tensor out = Tensor::like(host);
  const int64_t pixels = host.dim(2) * host.dim(3);
  for (int64_t n = 0; n < host.dim(0); ++n) {
    const float mean = float(tree_sum(host.data<float>() + n * pixels, pixels) / double(pixels));
    std::fill_n(out.data<float>() + n * pixels, pixels, mean);
  }
  return out.to(maps.device());
}

Tensor centre_map(int64_t rows, int64_t columns, double sigma) {
  CAWE_CHECK(sigma > 0, Code::usage, "centre.sigma = ", sigma, " (expected more than 0)");
  CAWE_CHECK(rows > 0 && columns > 0, Code::shape, "centre: a map of ", rows, " x ", columns);
  const auto along = [sigma](int64_t i, int64_t n) {
    const double u = ((double(i) + 0.5) / double(n) - 0.5) / sigma;
    return std::exp(-u * u / 2);
  };
  // The Gaussian is largest in the middle and smallest in the corners.
  const double least = along(0, rows) * along(0, columns),
               range = along(rows / 2, rows) * along(columns / 2, columns) - least;
  Tensor out = Tensor::full({1, 1, rows, columns}, 1);
  if (range <= 0) return out;
  for (int64_t y = 0; y < rows; ++y)
    for (int64_t x = 0; x < columns; ++x)
      out.data<float>()[y * columns + x] =
          float(std::clamp((along(y, rows) * along(x, columns) - least) / range, 0.0, 1.0));
  return out;
}

Tensor colour_mapped(const Tensor& gray, double saturation) {
  check_gray(gray);
  CAWE_CHECK(saturation >= 0 && saturation <= 1, Code::usage, "colormap.saturation = ", saturation,
             " (expected 0 to 1)");
  check_unit_range("film", gray);
  const Tensor in = gray.to(Device::cpu).contiguous();
  Tensor out = Tensor::empty({in.dim(0), 3, in.dim(2), in.dim(3)});
  const int64_t pixels = in.dim(2) * in.dim(3);
  const double blue = kBlue / (1 - kBlue), red = kRed / (1 - kRed), longest = std::sqrt(1 + red * red);
  parallel_for(in.numel(), 1 << 14, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const double g = in.data<float>()[i], c = std::cos(kPi * g), d = std::sin(kPi * g);
      const double e = saturation * g * (1 - g) / longest;
      float* to = out.data<float>() + i / pixels * 3 * pixels + i % pixels;
      to[0] = float(g + e * (d - c * blue));
      to[pixels] = float(g - e * (c * blue + d * red));
      to[2 * pixels] = float(g + e * (c - d * red));
    }
  });
  return out.to(gray.device());
}

std::vector<Method> controls_methods() {
  return {{"uniform",
           "uniform map",
           [](const EnhancerOptions& o) { return std::make_unique<Uniform>(o); },
           {true, false, {"cam", "fuse"}},
           {}},
          {"centre",
           "centre map",
           [](const EnhancerOptions& o) {
             return std::make_unique<Centre>(o.values.number("centre.sigma"), o.alpha);
           },
           {false, false, {"fuse"}},
           {number_key("centre.sigma", 0.25, 1e-3, 1e3,
                       "width of the centre control's Gaussian, as a share of each side")}},
          {"colormap",
           "fixed colours",
           [](const EnhancerOptions& o) {
             return std::make_unique<Colormap>(o.values.number("colormap.saturation"));
           },
           {},
           {number_key("colormap.saturation", 1, 0, 1, "saturation of the fixed colour map")}}};
}

}  // namespace cawe::models
