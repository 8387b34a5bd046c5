// SPDX-License-Identifier: Apache-2.0
// The colorizer at full size on one image of 256 px: a step of the generator (content loss on a full
// ResNet-34, critic, Adam) and one of the critic, with time and peak memory.
//   bench_full_size_gan [threads] [size]     (default 2 256)
#include <sys/resource.h>

#include <cstdlib>

#include "bench/steps.h"
#include "models/colorizer/content.h"
#include "models/colorizer/critic.h"
#include "models/colorizer/gan_losses.h"
#include "models/colorizer/generator.h"
#include "tensor/denormals.h"
#include "tensor/parallel.h"
#include "tensor/primitives/optimizers.h"

namespace {

using namespace cawe;

/// Adam with the settings of the joint phase, over all parameters that have a gradient.
class Adam {
 public:
  explicit Adam(nn::Module& net, double lr) : net_(net) {
    for (auto& p : net.parameters()) {
      for (auto* moments : {&m_, &v_}) {
        moments->push_back(Tensor::like(p.variable->value()));
        moments->back().fill(0);
      }
    }
    params_.lr = lr;
    params_.beta1 = 0;
    params_.beta2 = 0.9;
    params_.step = 0;
  }
  void step() {
    ++params_.step;
    size_t i = 0;
    for (auto& p : net_.parameters()) {
      Tensor value = p.variable->value();
      primitives::adam_step(value, p.variable->grad(), m_[i], v_[i], params_);
      p.variable->zero_grad();
      ++i;
    }
  }

 private:
  nn::Module& net_;
  AdamParams params_;
  std::vector<Tensor> m_, v_;
};

/// Gives phi random weights: only time and memory matter here.
void give_weights(models::ContentLoss& content) {
  models::ResNetConfig c;
  c.depth = 34;
  models::ResNet net(c);
  net.initialise(1);
  content.load(models::state_of(net), "random");
}

}  // namespace

int main(int argc, char** argv) {
  cawe::flush_denormals();
  using namespace cawe;
  set_num_threads(argc > 1 ? std::atoi(argv[1]) : 2);
  const int64_t side = argc > 2 ? std::atoll(argv[2]) : 256;
  models::Generator generator({});
  models::Critic critic({});
  models::ContentLoss content(models::content_config(models::Phi::resnet34));
  generator.initialise(0);
  critic.initialise(0);
  give_weights(content);
  std::printf("generator %lld parameters, critic %lld\n", static_cast<long long>(generator.parameter_count()),
              static_cast<long long>(critic.parameter_count()));
  const Tensor gray = bench::random_images(1, side), color = bench::random_images(1, side);
  Adam generator_adam(generator, 1e-5), critic_adam(critic, 5e-5);
  const std::string size = ", batch 1, " + std::to_string(side) + " px";
  bench::measure("Generator step" + size, 3, 1, [&] {
    const nn::EvalMode evaluating(critic);
    critic.set_requires_grad(false);
    const Variable made = generator.forward(Variable(gray));
    const Variable loss = models::generator_loss(content.forward(made, color, 1),
                                                 models::adversarial_loss(critic.forward(made)));
    backward(loss);
    generator_adam.step();
    critic.set_requires_grad(true);
  });
  bench::measure("Critic step" + size, 3, 1, [&] {
    Tensor made;
    {
      const NoGrad no_history;
      const nn::EvalMode evaluating(generator);
      made = generator.forward(Variable(gray)).value();
    }
    backward(models::critic_loss(critic.forward(Variable(color)), critic.forward(Variable(made))));
    critic_adam.step();
  });
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("peak of the whole process: %.2f GiB\n", double(usage.ru_maxrss) / 1048576);
}
