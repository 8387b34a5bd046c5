// SPDX-License-Identifier: Apache-2.0
#include "train/model_steps.h"

#include <map>

#include "models/classifier.h"
#include "models/colorizer/content.h"
#include "models/colorizer/critic.h"
#include "models/colorizer/gan_losses.h"
#include "models/colorizer/generator.h"
#include "models/faster_rcnn.h"
#include "models/retinanet.h"
#include "models/weights.h"
#include "nn/precision.h"
#include "tensor/random.h"

namespace cawe::train {
namespace {

/// Uniform in [0, 1).
std::vector<float> uniform(int64_t n) {
  std::vector<float> values(static_cast<size_t>(n));
  const Random random(0, "bench images");
  for (size_t i = 0; i < values.size(); ++i) values[i] = random.uniform(i);
  return values;
}

/// Films or scenes as a loader gives them, in host memory, and on their way to a network by the trainer's calls
/// (train/trainer.cpp, train/gan_course.cpp). An input is made by these calls too, so that it lies in memory as the trainer's.
class Pictures {
 public:
  /// [n, channels, side, side], uniform in [0, 1).
  Pictures(int64_t n, int64_t channels, int64_t side)
      : host_(Tensor::from(uniform(n * channels * side * side), {n, channels, side, side}).channels_last()) {}
  Tensor films(DType dtype, Device device) const { return models::normalised_films(host_.to(device), dtype); }
  Tensor scenes(DType dtype, Device device) const { return models::normalise_input(host_.to(device), dtype); }
  /// Into the input x, which stays where it is as a captured step needs it.
  void films_to(Tensor& x) const { x.copy_from(films(x.dtype(), x.device())); }
  void scenes_to(Tensor& x) const { x.copy_from(scenes(x.dtype(), x.device())); }

 private:
  Tensor host_;
};

/// Initialises a network. What was drawn for the first one of a name is kept for the others: drawing it takes seconds, of
/// which the time with a GPU has few.
void draw(nn::Module& net, const std::string& name, uint64_t seed) {
  static std::map<std::string, std::map<std::string, Tensor>> drawn;
  const auto [kept, is_first] = drawn.try_emplace(name);
  if (is_first) net.initialise(seed);
  for (auto& [key, value] : net.state()) {
    Tensor into = value;
    if (is_first)
      kept->second[key] = value.clone();
    else
      into.copy_from(kept->second.at(key));
  }
}

void place(nn::Module& net, const std::string& name, Device device, DType dtype) {
  draw(net, name, 0);
  net.to(device, dtype);
}

/// Loss and gradients as a training step has them (train/step_runner.cpp).
template <class LossOf>
Variable differentiated(const std::vector<nn::Module*>& networks, LossOf loss_of) {
  Variable loss;
  {
    const nn::ComputedCopies copies(networks);
    loss = loss_of();
  }
  backward(loss);
  return loss;
}

class ClassifierStep final : public ModelStep {
 public:
  ClassifierStep(int64_t batch, DType dtype, Device device)
      : net_(models::ClassifierConfig{}),
        films_(batch, 1, 224),
        x_(films_.films(dtype, device)),
        targets_(Tensor::zeros({batch, 14}).to(device)) {
    place(net_, "resnet50", device, dtype);
  }
  nn::Module& module() override { return net_; }
  void upload() override { films_.films_to(x_); }
  Variable loss_and_gradients() override {
    return differentiated(
        {&net_}, [&] { return models::multilabel_loss(net_.forward(Variable(x_)).logits, targets_); });
  }
  void infer_on_device() override {
    const NoGrad inference;
    const nn::EvalMode evaluating(net_);
    net_.forward(Variable(x_));
  }

 private:
  models::Classifier net_;
  Pictures films_;
  Tensor x_, targets_;
};

class DetectorStep final : public ModelStep {
 public:
  static constexpr int64_t kSide = 512;
  DetectorStep(const std::string& name, std::unique_ptr<models::DetectionModel> net, int64_t batch,
               DType dtype, Device device)
      : net_(std::move(net)),
        films_(batch, 1, kSide),
        x_(films_.films(dtype, device)),
        truths_(static_cast<size_t>(batch)),
        draws_(static_cast<size_t>(batch)) {
    place(*net_, name, device, dtype);
    for (size_t i = 0; i < truths_.size(); ++i) {
      truths_[i].boxes = {{100, 120, 220, 260}};
      truths_[i].labels = {0};
      draws_[i].image = i;
    }
    prepare();
  }
  nn::Module& module() override { return *net_; }
  void upload() override { films_.films_to(x_); }
  void prepare() override {
    const std::vector<Tensor> made = net_->targets(kSide, kSide, truths_, draws_, x_.device());
    if (targets_.empty()) targets_ = made;
    for (size_t i = 0; i < made.size(); ++i)
      if (targets_[i].raw() != made[i].raw()) targets_[i].copy_from(made[i]);
  }
  Variable loss_and_gradients() override {
    return differentiated({net_.get()}, [&] { return net_->loss_of(Variable(x_), targets_).total; });
  }
  void infer_on_device() override { found_ = net_->find(x_); }
  void bring_to_host() override { models::to_host(found_, {}); }

 private:
  std::unique_ptr<models::DetectionModel> net_;
  Pictures films_;
  Tensor x_;
  std::vector<models::Truth> truths_;
  std::vector<models::DrawKey> draws_;
  std::vector<Tensor> targets_;
  models::FoundOnDevice found_;
};

constexpr int64_t kColorizerSide = 256;

/// The generator with its content loss and the critic's judgement.
class GeneratorStep final : public ModelStep {
 public:
  GeneratorStep(int64_t batch, DType dtype, Device device)
      : generator_({}),
        critic_({}),
        content_(models::content_config(models::Phi::resnet34)),
        gray_scenes_(batch, 1, kColorizerSide),
        scenes_(batch, 3, kColorizerSide),
        gray_(gray_scenes_.scenes(dtype, device)),
        color_(scenes_.scenes(dtype, device)),
        batch_(batch) {
    place(generator_, "generator", device, dtype);
    place(critic_, "critic", device, dtype);
    models::ResNetConfig c;
    c.depth = 34;
    models::ResNet body(c);
    draw(body, "resnet34", 1);
    content_.load(models::state_of(body), "random");
    content_.to(device, dtype);
    critic_.set_requires_grad(false);
  }
  nn::Module& module() override { return generator_; }
  void upload() override {
    gray_scenes_.scenes_to(gray_);
    scenes_.scenes_to(color_);
  }
  Variable loss_and_gradients() override {
    const nn::EvalMode evaluating(critic_);
    return differentiated({&generator_, &critic_, content_.module()}, [&] {
      const Variable made = generator_.forward(Variable(gray_));
      return models::generator_loss(content_.forward(made, color_, batch_),
                                    models::adversarial_loss(critic_.forward(made)));
    });
  }
  void infer_on_device() override {
    const NoGrad inference;
    const nn::EvalMode evaluating(generator_);
    generator_.forward(Variable(gray_));
  }

 private:
  models::Generator generator_;
  models::Critic critic_;
  models::ContentLoss content_;
  Pictures gray_scenes_, scenes_;
  Tensor gray_, color_;
  int64_t batch_;
};

class CriticStep final : public ModelStep {
 public:
  CriticStep(int64_t batch, DType dtype, Device device)
      : critic_({}),
        scenes_(batch, 3, kColorizerSide),
        color_(scenes_.scenes(dtype, device)),
        made_(color_.clone()) {
    place(critic_, "critic", device, dtype);
  }
  nn::Module& module() override { return critic_; }
  void upload() override { scenes_.scenes_to(color_); }
  Variable loss_and_gradients() override {
    return differentiated({&critic_}, [&] {
      return models::critic_loss(critic_.forward(Variable(color_)), critic_.forward(Variable(made_)));
    });
  }
  void infer_on_device() override {
    const NoGrad inference;
    const nn::EvalMode evaluating(critic_);
    critic_.forward(Variable(color_));
  }

 private:
  models::Critic critic_;
  Pictures scenes_;
  Tensor color_, made_;
};

}  // namespace

const std::vector<std::string>& model_step_names() {
  static const std::vector<std::string> names{"resnet50", "retinanet", "faster_rcnn", "generator", "critic"};
  return names;
}

std::vector<int64_t> timed_batches(const std::string& name) {
  if (name == "generator" || name == "critic") return {8, 2, 32};
  return {32, 2, 8};
}

std::unique_ptr<ModelStep> make_model_step(const std::string& name, int64_t batch, DType dtype,
                                           Device device) {
  if (name == "resnet50") return std::make_unique<ClassifierStep>(batch, dtype, device);
  if (name == "generator") return std::make_unique<GeneratorStep>(batch, dtype, device);
  if (name == "critic") return std::make_unique<CriticStep>(batch, dtype, device);
  std::unique_ptr<models::DetectionModel> net;
  if (name == "retinanet") net = std::make_unique<models::RetinaNet>(models::RetinaNetConfig{});
  if (name == "faster_rcnn") net = std::make_unique<models::FasterRcnn>(models::FasterRcnnConfig{});
  CAWE_CHECK(net != nullptr, Code::usage, "no network '", name,
             "' (expected resnet50, retinanet, faster_rcnn, generator or critic)");
  return std::make_unique<DetectorStep>(name, std::move(net), batch, dtype, device);
}

}  // namespace cawe::train
