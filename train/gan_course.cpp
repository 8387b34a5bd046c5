// SPDX-License-Identifier: Apache-2.0
#include "train/gan_course.h"

#include <cmath>
#include <cstdlib>

#include "models/classifier.h"
#include "models/colorizer/color_space.h"
#include "models/colorizer/gan_losses.h"
#include "tensor/backend.h"
#include "tensor/communicator.h"

namespace cawe::train {
namespace {

/// Scenes and their gray, which the host computes, on the network's device. Either may be there already.
void place_scenes(data::Batch* batch) {
  if (!batch->gray.defined()) batch->gray = models::gray_of(batch->images).to(compute_device());
  batch->images = batch->images.to(compute_device());
}

/// Gray and colour as networks want them. No part of the loss, since its constants come from the host.
std::vector<Tensor> scenes_of(data::Batch batch, DType dtype) {
  place_scenes(&batch);
  return {models::normalise_input(batch.gray, dtype), models::normalise_input(batch.images, dtype)};
}

/// Adam's settings: fastai's one-cycle ones (beta1 0.95, beta2 0.99), or the joint phase's (0, 0.9).
OptimizerOptions adam(const GanSettings& settings, bool joint) {
  OptimizerOptions o;
  o.kind = OptimizerOptions::Kind::adamw;
  o.beta1 = joint ? 0.0 : 0.95;
  o.beta2 = joint ? 0.9 : 0.99;
  o.weight_decay = settings.weight_decay;
  o.clip = settings.clip;
  return o;
}

/// Learning rates that rise geometrically over the generator's three parts.
OptimizerOptions by_parts(OptimizerOptions o, const GanPhase& phase) {
  if (phase.lr_first <= 0 || phase.lr <= 0) return o;
  const double lowest = phase.lr_first / phase.lr;
  o.share_of_rate = [lowest](const std::string& name) {
    return std::pow(lowest, double(2 - models::Generator::part_of(name)) / 2);
  };
  return o;
}

}  // namespace

std::vector<Tensor> GeneratorTask::inputs(const data::Batch& batch) {
  return scenes_of(batch, compute_dtype());
}

std::vector<nn::Module*> GeneratorTask::networks() {
  std::vector<nn::Module*> all{&generator_, &critic_};
  if (content_.module() != nullptr) all.push_back(content_.module());
  return all;
}

Task::Loss GeneratorTask::loss(const std::vector<Tensor>& inputs) {
  const Variable made = generator_.forward(Variable(inputs[0]));
  const Variable content = content_.forward(made, inputs[1], batch_items);
  if (adv_weight == 0) return {content, {{"loss.content", content.value()}}};
  const nn::EvalMode evaluating(critic_);
  const Variable adversarial = models::adversarial_loss(critic_.forward(made));
  return {models::generator_loss(content, adversarial, adv_weight),
          {{"loss.content", content.value()}, {"loss.adversarial", adversarial.value()}}};
}

std::vector<Tensor> CriticTask::inputs(const data::Batch& batch) {
  std::vector<Tensor> inputs = scenes_of(batch, compute_dtype());
  const Communicator& ranks = current_communicator();
  const int64_t first = batch_items * ranks.rank() / ranks.size();
  for (const char* purpose : {"real", "fake"})
    for (const Tensor& mask : critic_.dropout_masks(seed, purpose, step, first, batch.images.dim(0)))
      inputs.push_back(mask.to(compute_device()));
  return inputs;
}

Task::Loss CriticTask::loss(const std::vector<Tensor>& inputs) {
  Tensor made;
  {
    const NoGrad no_history;
    const nn::EvalMode evaluating(generator_);
    made = generator_.forward(Variable(inputs[0])).value();
  }
  const auto masks = inputs.begin() + 2, half = masks + (inputs.end() - masks) / 2;
  const Variable real = critic_.forward(Variable(inputs[1]), std::vector<Tensor>(masks, half));
  const Variable fake = critic_.forward(Variable(made), std::vector<Tensor>(half, inputs.end()));
  const Variable loss = models::critic_loss(real, fake);
  return {loss, {{"loss.critic", loss.value()}}};
}

GanCourse::GanCourse(const GanJob& job)
    : job_(job),
      generator_task_(*job.generator, *job.critic, *job.content),
      critic_task_(*job.generator, *job.critic),
      phase_(job.phases.size()) {
  critic_task_.seed = job_.seed;
}

int64_t GanCourse::steps() const { return job_.phases.back().begin + job_.phases.back().steps; }

size_t GanCourse::phase_at(int64_t step) const {
  size_t phase = 0;
  while (phase + 1 < job_.phases.size() && step >= job_.phases[phase + 1].begin) ++phase;
  return phase;
}

/// Begins a phase with new optimizers and a loader of its size: only the networks are taken over from the
/// last one.
void GanCourse::enter(size_t phase) {
  const GanPhase& p = job_.phases[phase];
  phase_ = phase;
  const bool joint = p.kind == GanPhase::Kind::gan;
  job_.generator->set_requires_grad(true);
  job_.critic->set_requires_grad(true);
  if (p.freeze_encoder) job_.generator->set_encoder_trainable(false);
  generator_task_.adv_weight = joint ? job_.settings.adv_weight : 0;
  generator_task_.batch_items = critic_task_.batch_items = p.batch;
  generator_.reset();
  critic_.reset();
  const OptimizerOptions options = adam(job_.settings, joint);
  if (p.kind != GanPhase::Kind::critic)
    generator_ = std::make_unique<Learner>(generator_task_, by_parts(options, p), job_.precision, job_.graph);
  if (p.kind != GanPhase::Kind::generator)
    critic_ = std::make_unique<Learner>(critic_task_, options, job_.precision, job_.graph);
  data::LoaderOptions loader = job_.loader;
  loader.width = loader.height = int(p.size);
  loader.batch = p.batch;
  loader.seed = job_.seed + phase;  // another data order in every phase
  feed_.reset();
  loader_ = std::make_unique<data::Loader>(*job_.dataset, job_.train, loader);
  feed_ = std::make_unique<BatchFeed>(*loader_, place_scenes);
  critics_turn_ = true;
  taken_ = 0;
}

void GanCourse::seek(int64_t step) {
  const size_t phase = phase_at(step);
  if (phase != phase_) enter(phase);
  job_.generator->train();
  job_.critic->train();
  feed_->seek(step - job_.phases[phase].begin);
}

LogLine GanCourse::one(int64_t step, const RunFolder* run) {
  if (phase_at(step) != phase_) seek(step);
  const GanPhase& p = job_.phases[phase_];
  const bool critic = p.kind == GanPhase::Kind::critic || (p.kind == GanPhase::Kind::gan && critics_turn_);
  LogLine line = learn(critic, feed_->next(), step, run);
  if (p.kind == GanPhase::Kind::gan) pass_turn(critic, line.at("loss"));
  for (const auto& [name, value] : line) last_[name] = value;
  last_["phase"] = double(phase_);
  return last_;
}

LogLine GanCourse::learn(bool critic, const data::Batch& batch, int64_t step, const RunFolder* run) {
  const GanPhase& p = job_.phases[phase_];
  const StepPlace place{step, job_.dataset, run};
  const int64_t within = step - p.begin;
  const OneCycle cycle{p.lr, p.steps, p.rise};
  const bool joint = p.kind == GanPhase::Kind::gan;
  const double rate = joint ? p.lr * (critic ? job_.settings.ttur : 1) : cycle.at(within);
  const auto meanwhile = [&] {
    if (within + 1 < p.steps) feed_->fetch_ahead();  // another phase has another loader
  };
  std::optional<double> beta1;
  if (!joint) beta1 = cycle.beta1(within);
  if (critic) {
    critic_task_.step = step;
    return critic_->step(batch, rate, beta1, place, meanwhile);
  }
  job_.critic->set_requires_grad(false);  // it passes gradients on to the generator and keeps none
  const LogLine line = generator_->step(batch, rate, beta1, place, meanwhile);
  job_.critic->set_requires_grad(true);
  return line;
}

void GanCourse::pass_turn(bool critic, double loss) {
  const GanSettings& s = job_.settings;
  ++taken_;
  const bool done =
      s.adaptive ? !critic || loss / 2 < s.threshold : taken_ >= (critic ? s.d_steps : s.g_steps);
  if (!done) return;
  critics_turn_ = !critics_turn_;
  taken_ = 0;
}

LogLine GanCourse::validate() { return job_.validate ? job_.validate() : LogLine{}; }

bool GanCourse::moves_score() const { return job_.phases[phase_].kind != GanPhase::Kind::critic; }

void GanCourse::save(Checkpoint* c) const {
  save_network(*job_.generator, "model", c);
  save_network(*job_.critic, "critic", c);
  if (generator_) generator_->save(c, "optimizer");
  if (critic_) critic_->save(c, "critic_optimizer");
  c->state["gan_turn"] = critics_turn_ ? "critic" : "generator";
  c->state["gan_turn_steps"] = std::to_string(taken_);
  for (const auto& [name, value] : last_) c->state["last." + name] = exact_text(value);
}

void GanCourse::restore(const Checkpoint& c, const std::string& source) {
  restore_network(*job_.generator, "model", c, source);
  restore_network(*job_.critic, "critic", c, source);
  for (const auto& [key, value] : c.state)
    if (key.rfind("last.", 0) == 0) last_[key.substr(5)] = std::strtod(value.c_str(), nullptr);
  const size_t phase = phase_at(c.step);
  if (c.step == job_.phases[phase].begin) return;  // a phase begins with new optimizers
  enter(phase);
  if (generator_) generator_->load(c, source, "optimizer");
  if (critic_) critic_->load(c, source, "critic_optimizer");
  critics_turn_ = state_word(c, "gan_turn", source) == "critic";
  taken_ = state_number(c, "gan_turn_steps", source);
}

}  // namespace cawe::train
