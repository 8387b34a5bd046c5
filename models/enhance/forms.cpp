// SPDX-License-Identifier: Apache-2.0
// Other forms of giving a detector the class-aware map than the paper's product (Eq. 7), each with the map of "cawe":
// "cawe-channel": the film stays as it is and the map takes the third channel.
// "cawe-lift": the map brightens and darkens nothing.
// "cawe-drawn": Eq. 7 with an alpha of its own for each training film, so that the detector sees lesions under many
// weights; films that are tested get fuse.alpha.
#include <nlohmann/json.hpp>
#include <optional>

#include "models/enhance/enhancer.h"
#include "models/enhance/fusion.h"
#include "tensor/io/json.h"
#include "tensor/philox.h"
#include "tensor/random.h"

namespace cawe::models {
namespace {

/// The map of "cawe", given in another form: with_map() says in which.
class Form : public CaweEnhancer {
 public:
  Form(const EnhancerOptions& options, std::string name) : CaweEnhancer(options), name_(std::move(name)) {}
  std::string name() const override { return name_; }
  std::string settings() const override {
    return json_text({{"method", name_}, {"cawe", json_ready(CaweEnhancer::settings())}});
  }
  Tensor apply(const Tensor& gray) override { return with_map(gray, maps(gray).map); }

 private:
  std::string name_;
};

class Channel : public Form {
 public:
  explicit Channel(const EnhancerOptions& options) : Form(options, "cawe-channel") {}
  Tensor with_map(const Tensor& gray, const Tensor& map) override { return map_as_channel(gray, map); }
};

class Lift : public Form {
 public:
  explicit Lift(const EnhancerOptions& options) : Form(options, "cawe-lift") {}
  Tensor with_map(const Tensor& gray, const Tensor& map) override { return lift(gray, map, options().alpha); }
};

/// A film's alpha is drawn from the seed and the film's own pixels, so that it is the same in every epoch, worker and
/// resumed run.
class Drawn : public Form {
 public:
  explicit Drawn(const EnhancerOptions& options, std::optional<uint64_t> seed = {})
      : Form(options, "cawe-drawn"),
        low_(options.values.number("cawe-drawn.low")),
        high_(options.values.number("cawe-drawn.high")),
        seed_(seed) {
    CAWE_CHECK(low_ <= high_, Code::usage, "cawe-drawn.low = ", low_, " and cawe-drawn.high = ", high_,
               " (expected low <= high)");
  }
  std::string settings() const override {
    Json json{{"method", name()}, {"low", low_}, {"high", high_}};
    if (seed_) json["drawn_from"] = *seed_;
    json["cawe"] = json_ready(CaweEnhancer::settings());
    return json_text(json);
  }
  Tensor with_map(const Tensor& gray, const Tensor& map) override {
    if (!seed_) return fuse(gray, map, options().alpha);
    check_gray(gray);
    Tensor out = Tensor::like(gray);
    for (int64_t n = 0; n < gray.dim(0); ++n)
      out.slice(0, n, n + 1)
          .copy_from(
              fuse(gray.slice(0, n, n + 1), map.slice(0, n, n + 1), alpha_of(gray.slice(0, n, n + 1))));
    return out;
  }
  std::shared_ptr<Enhancer> in_training(uint64_t seed) const override {
    return std::make_shared<Drawn>(options(), seed);
  }

 private:
  double alpha_of(const Tensor& film) const {
    const std::vector<float> pixels = film.to(Device::cpu).to_vector<float>();
    const uint64_t key =
        fnv_text(reinterpret_cast<const char*>(pixels.data()), pixels.size() * sizeof(float));
    return low_ + (high_ - low_) * Random(*seed_, "fuse.alpha", key).uniform_double(0);
  }

  double low_, high_;
  std::optional<uint64_t> seed_;
};

template <class T>
std::unique_ptr<Enhancer> make(const EnhancerOptions& o) {
  return std::make_unique<T>(o);
}

MethodKey while_learning(MethodKey key) {
  key.learning_only = true;
  return key;
}

}  // namespace

std::vector<Method> forms_methods() {
  return {{"cawe-channel", "CAWE as a channel", make<Channel>, {true, false, {"cam"}}, {}},
          {"cawe-lift", "CAWE lift", make<Lift>, {true, false, {"cam", "fuse"}}, {}},
          {"cawe-drawn",
           "CAWE, drawn alpha",
           [](const EnhancerOptions& o) { return std::make_unique<Drawn>(o); },
           {true, false, {"cam", "fuse"}},
           {while_learning(
                number_key("cawe-drawn.low", 0.5, 0, 1, "least alpha that a training film is fused with")),
            while_learning(number_key("cawe-drawn.high", 1, 0, 1,
                                      "largest alpha that a training film is fused with"))}}};
}

}  // namespace cawe::models
