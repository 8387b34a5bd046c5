// SPDX-License-Identifier: Apache-2.0
// The colorizer's phases on a handful of images: which network learns, what a phase may change, rates by
// hand, a run that is stopped and resumed, losses that are not finite.
#include "train/gan_course.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tensor/random.h"

namespace cawe::train {
namespace {

TEST(OneCycle, RisesAndFallsAlongCosines) {
  const OneCycle c{1e-2, 100, 0.5};
  EXPECT_NEAR(c.at(0), 1e-2 / 25, 1e-12);
  EXPECT_NEAR(c.at(25), (1e-2 / 25 + 1e-2) / 2, 1e-12);  // half way up
  EXPECT_NEAR(c.at(50), 1e-2, 1e-12);
  EXPECT_NEAR(c.at(75), (1e-2 + 1e-2 / 250000) / 2, 1e-12);
  EXPECT_NEAR(c.beta1(0), 0.95, 1e-12);
  EXPECT_NEAR(c.beta1(50), 0.85, 1e-12);
  EXPECT_NEAR(c.beta1(75), 0.90, 1e-12);
  EXPECT_NEAR((OneCycle{1e-2, 100, 0}.at(0)), 1e-2, 1e-12);  // begins at the top
}

TEST(Phases, StepsFromEpochsAndRefusals) {
  Recipe recipe = Recipe::parse(
      "phases = [\"a\", \"b\"]\n[phase.a]\nbatch = 10\nepochs = 0.5\n[phase.b]\ntrain = \"gan\"\nsteps = 7\n",
      "recipe", "colorizer");
  const std::vector<GanPhase> phases = phases_from(recipe, 200);
  ASSERT_EQ(phases.size(), 2u);
  EXPECT_EQ(phases[0].steps, 10);
  EXPECT_EQ(phases[1].begin, 10);
  EXPECT_EQ(phases[1].steps, 7);
  EXPECT_EQ(phases[1].kind, GanPhase::Kind::gan);
  EXPECT_EQ(recipe.whole("phase.a.steps"), 10);  // filled in, for the resolved recipe
  Recipe small =
      Recipe::parse("phases = [\"a\"]\n[phase.a]\ntrain = \"critic\"\nsize = 32\n", "recipe", "colorizer");
  EXPECT_THROW(phases_from(small, 200), Error);  // no logit
  Recipe none = Recipe::parse("", "recipe", "colorizer");
  EXPECT_THROW(phases_from(none, 200), Error);
}

/// Six made-up colour images, and networks as narrow as they can be.
struct Bench {
  models::Generator generator{{18, 8}};
  models::Critic critic{{8, 0.15}};
  models::ContentLoss content{models::content_config(models::Phi::none)};
  data::Dataset dataset;
  GanJob job;

  explicit Bench(std::vector<GanPhase> phases, GanSettings settings = {}) {
    generator.initialise(1);
    critic.initialise(2);
    for (int i = 0; i < 6; ++i) {
      dataset.samples.emplace_back();
      dataset.samples.back().image_id = dataset.samples.back().path = "image" + std::to_string(i);
    }
    int64_t at = 0;
    for (GanPhase& p : phases) {
      p.size = 64;
      p.batch = 2;
      p.begin = at;
      at += p.steps;
    }
    job.generator = &generator;
    job.critic = &critic;
    job.content = &content;
    job.dataset = &dataset;
    job.train = {0, 1, 2, 3, 4, 5};
    job.loader.workers = 0;
    job.loader.decode = [](const data::Sample& s) {
      data::FloatImage image(64, 64, 3);
      Random random(3, s.image_id);
      for (float& v : image.pixels) v = random.next_uniform();
      return image;
    };
    job.phases = std::move(phases);
    job.settings = settings;
  }

  std::vector<float> values(nn::Module& module, const std::string& part) {
    std::vector<float> all;
    for (const auto& [name, t] : module.state())
      if (name.find(part) != std::string::npos && t.dtype() == DType::f32) {
        const std::vector<float> v = t.to_vector<float>();
        all.insert(all.end(), v.begin(), v.end());
      }
    return all;
  }
};

GanPhase phase(GanPhase::Kind kind, int64_t steps, double lr = 1e-3, bool freeze = false) {
  GanPhase p;
  p.kind = kind;
  p.steps = steps;
  p.lr = lr;
  p.freeze_encoder = freeze;
  return p;
}
constexpr GanPhase::Kind kGenerator = GanPhase::Kind::generator, kCritic = GanPhase::Kind::critic,
                         kGan = GanPhase::Kind::gan;

/// 'D' or 'G' for each step, by which network's weights moved; nothing of the other may.
std::string turns(Bench& bench, int64_t steps) {
  GanCourse course(bench.job);
  course.seek(0);
  std::string out;
  for (int64_t step = 0; step < steps; ++step) {
    const auto g = bench.values(bench.generator, ""), d = bench.values(bench.critic, "");
    course.one(step, nullptr);
    const bool g_moved = bench.values(bench.generator, "") != g,
               d_moved = bench.values(bench.critic, "") != d;
    out += g_moved && d_moved ? 'X' : d_moved ? 'D' : g_moved ? 'G' : '-';
  }
  return out;
}

TEST(GanCourse, FixedTurnsMoveOneNetworkAtATime) {
  // "Nothing" includes norms' statistics and the directions of spectral norm.
  Bench one_to_one({phase(kGan, 5, 1e-4)});
  EXPECT_EQ(turns(one_to_one, 5), "DGDGD");
  GanSettings settings;
  settings.d_steps = 2;
  settings.g_steps = 3;
  Bench two_to_three({phase(kGan, 7, 1e-4)}, settings);
  EXPECT_EQ(turns(two_to_three, 7), "DDGGGDD");
}

TEST(GanCourse, AdaptiveTurnsWaitForTheCritic) {
  GanSettings settings;
  settings.adaptive = true;
  settings.threshold = 0;  // never good enough
  Bench never({phase(kGan, 4, 1e-4)}, settings);
  EXPECT_EQ(turns(never, 4), "DDDD");
  settings.threshold = 1e6;  // always
  Bench always({phase(kGan, 4, 1e-4)}, settings);
  EXPECT_EQ(turns(always, 4), "DGDG");
}

TEST(GanCourse, TheThresholdIsOfTheMeanOfRealAndFake) {
  // The loss is the sum of both terms: half of it is compared.
  GanSettings settings;
  settings.adaptive = true;
  Bench first({phase(kGan, 2, 1e-4)}, settings);
  GanCourse course(first.job);
  course.seek(0);
  const double mean = course.one(0, nullptr).at("loss.critic") / 2;
  settings.threshold = 1.5 * mean;
  Bench below({phase(kGan, 2, 1e-4)}, settings);
  EXPECT_EQ(turns(below, 2), "DG");
  settings.threshold = 0.75 * mean;
  Bench above({phase(kGan, 2, 1e-4)}, settings);
  EXPECT_EQ(turns(above, 2), "DD");
}

TEST(GanCourse, PhasesTrainWhatTheySay) {
  Bench bench({phase(kGenerator, 2, 1e-3, true), phase(kCritic, 1), phase(kGenerator, 1)});
  GanCourse course(bench.job);
  course.seek(0);
  const auto conv = bench.values(bench.generator, "encoder.layer1.0.conv1.weight"),
             norm = bench.values(bench.generator, "encoder.layer1.0.bn1.weight"),
             decoder = bench.values(bench.generator, "to_rgb"), critic = bench.values(bench.critic, "");
  for (int64_t step = 0; step < 2; ++step) course.one(step, nullptr);
  EXPECT_EQ(bench.values(bench.generator, "encoder.layer1.0.conv1.weight"), conv);
  EXPECT_NE(bench.values(bench.generator, "encoder.layer1.0.bn1.weight"), norm);  // norms go on learning
  EXPECT_NE(bench.values(bench.generator, "to_rgb"), decoder);
  EXPECT_EQ(bench.values(bench.critic, ""), critic);
  const auto generator = bench.values(bench.generator, "");
  EXPECT_TRUE(course.moves_score());
  course.one(2, nullptr);
  EXPECT_FALSE(course.moves_score()) << "the generator stayed: patience does not count a validation here";
  EXPECT_EQ(bench.values(bench.generator, ""), generator);
  EXPECT_NE(bench.values(bench.critic, ""), critic);
  course.one(3, nullptr);
  EXPECT_TRUE(course.moves_score());
  EXPECT_NE(bench.values(bench.generator, "encoder.layer1.0.conv1.weight"), conv);
}

TEST(GanCourse, TwoTimeScales) {
  // Adam's first step moves every weight by about the rate: the critic's bias moves five times as far.
  Bench bench({phase(kGan, 2, 1e-4)});
  GanCourse course(bench.job);
  course.seek(0);
  const auto bias = bench.values(bench.critic, "block.1.conv.bias"),
             out = bench.values(bench.generator, "to_rgb.bias");
  EXPECT_NEAR(course.one(0, nullptr).at("lr"), 5e-4, 1e-12);
  EXPECT_NEAR(course.one(1, nullptr).at("lr"), 1e-4, 1e-12);
  const auto bias2 = bench.values(bench.critic, "block.1.conv.bias"),
             out2 = bench.values(bench.generator, "to_rgb.bias");
  // v = 0.1 g^2, corrected by 1 - 0.9: the step is exactly lr g / |g|, epsilon apart.
  for (size_t i = 0; i < bias.size(); ++i) EXPECT_NEAR(std::fabs(bias2[i] - bias[i]), 5e-4, 1e-5);
  for (size_t i = 0; i < out.size(); ++i) EXPECT_NEAR(std::fabs(out2[i] - out[i]), 1e-4, 1e-6);
}

TEST(GanCourse, GoesOnFromAnyStepBitByBit) {
  GanSettings settings;
  settings.d_steps = 2;
  const std::vector<GanPhase> phases{phase(kGenerator, 2), phase(kCritic, 2), phase(kGan, 4, 1e-4)};
  Bench whole(phases, settings);
  std::vector<Checkpoint> saved;
  {
    GanCourse course(whole.job);
    course.seek(0);
    for (int64_t step = 0; step < 8; ++step) {
      course.one(step, nullptr);
      Checkpoint c;
      c.step = step + 1;
      course.save(&c);
      saved.push_back(parse_checkpoint(checkpoint_bytes(c), "memory"));
    }
  }
  const std::string want = checkpoint_bytes(saved.back());
  for (int64_t cut : {1, 2, 3, 5, 6, 7}) {  // inside phases, at their borders, inside a turn
    Bench rest(phases, settings);
    rest.generator.initialise(9);
    rest.critic.initialise(9);
    GanCourse course(rest.job);
    course.restore(saved[size_t(cut - 1)], "memory");
    course.seek(cut);
    for (int64_t step = cut; step < 8; ++step) course.one(step, nullptr);
    Checkpoint c;
    c.step = 8;
    course.save(&c);
    EXPECT_EQ(checkpoint_bytes(c) == want, true) << "cut after step " << cut;
  }
}

TEST(GanCourse, ALossThatIsNotFiniteStopsWithItsFiles) {
  Bench bench({phase(kGenerator, 2)});
  Tensor bias;
  for (auto& p : bench.generator.parameters())
    if (p.name == "to_rgb.bias") bias = p.variable->value();
  bias.fill(std::numeric_limits<double>::quiet_NaN());
  GanCourse course(bench.job);
  course.seek(0);
  try {
    course.one(0, nullptr);
    FAIL() << "a loss that is not finite went through";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::numeric);
    const std::string what = e.what();
    EXPECT_NE(what.find("image"), std::string::npos) << what;
    EXPECT_NE(what.find("Checkpoint before: none"), std::string::npos) << what;
  }
}

}  // namespace
}  // namespace cawe::train
