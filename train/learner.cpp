// SPDX-License-Identifier: Apache-2.0
#include "train/learner.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "tensor/communicator.h"
#include "tensor/io/format.h"

namespace cawe::train {
namespace {

std::string files_of(const data::Dataset* dataset, const data::Batch& batch) {
  std::string out;
  for (const int64_t i : batch.samples)
    out += (out.empty() ? "" : ", ") + (dataset ? dataset->samples[size_t(i)].path : std::to_string(i));
  return out;
}

std::string checkpoint_before(const RunFolder* run) {
  if (run == nullptr) return "none";
  const std::vector<int64_t> steps = checkpoint_steps(run->dir());
  return steps.empty() ? "none" : checkpoint_path(run->dir(), steps.front());
}

}  // namespace

Learner::Learner(Task& task, const OptimizerOptions& optimizer, const Precision& precision, bool graph,
                 int64_t micro_batch)
    : task_(task),
      precision_(precision),
      micro_batch_(micro_batch),
      optimizer_(task.module(), optimizer),
      scale_(precision),
      runner_(task, graph && micro_batch == 0) {
  task_.compute_in(precision.dtype);
}

LogLine Learner::step(const data::Batch& batch, double rate, std::optional<double> beta1,
                      const StepPlace& place, const std::function<void()>& meanwhile) {
  LogLine line;
  const double scale = scale_.value();
  const std::vector<Part> parts = gather_gradients(batch, scale, meanwhile);
  const std::unique_ptr<HostCopy> measured = measure(parts, scale);
  optimizer_.step(rate, beta1);  // before the host waits: neither idles
  double value = 0;
  const double norm = read(*measured, parts, &value, &line);
  if (!std::isfinite(norm) || !std::isfinite(value)) optimizer_.take_back();
  if (current_communicator().any(!std::isfinite(value))) explain(batch, place);
  // A finite loss is not enough: a detector's leaves out outputs behind which something may not be finite (loss_of()).
  try {
    scale_.accept(std::isfinite(norm));
  } catch (const Error& error) {
    fail(Code::numeric, "step ", place.step, ": ", error.what(), ". Files: ", files_of(place.dataset, batch),
         ". Checkpoint before: ", checkpoint_before(place.run));
  }
  line["loss"] = value;
  line["lr"] = rate;
  line["grad_norm"] = norm;
  if (precision_.dtype == DType::f16) line["loss_scale"] = scale;
  if (task_.trains_boxes()) count_boxes(batch, &line);
  return line;
}

void Learner::count_boxes(const data::Batch& batch, LogLine* line) {
  double counts[2] = {double(batch.boxes_cut), double(batch.boxes_dropped)};
  current_communicator().all_reduce_sum(counts, 2);
  (*line)["boxes_cut"] = double(boxes_cut_ += int64_t(counts[0]));
  (*line)["boxes_dropped"] = double(boxes_dropped_ += int64_t(counts[1]));
}

/// Calls run(part, share of the batch) for what is computed at once, in order.
void Learner::for_parts(const data::Batch& batch,
                        const std::function<void(const data::Batch&, double)>& run) const {
  const int64_t items = batch.images.dim(0), most = micro_batch_ > 0 ? micro_batch_ : items;
  for (int64_t begin = 0; begin < items; begin += most) {
    const int64_t end = std::min(begin + most, items);
    const double share = double(end - begin) / double(items);
    run(end - begin == items ? batch : data::part_of(batch, begin, end), share);
  }
}

/// Computes gradients; their losses stay where they are.
std::vector<Learner::Part> Learner::gather_gradients(const data::Batch& batch, double scale,
                                                     const std::function<void()>& meanwhile) {
  std::vector<Part> parts;
  for_parts(batch, [&](const data::Batch& part, double share) {
    const Task::Loss loss = runner_.run(task_.inputs(part), scale * share);
    if (parts.empty() && meanwhile) meanwhile();
    parts.push_back({share, loss.total.value(), loss.parts});
  });
  return parts;
}

/// Queues the norm of the gradients, and what brings it to the host with the losses and their terms.
std::unique_ptr<HostCopy> Learner::measure(const std::vector<Part>& parts, double scale) {
  std::vector<Tensor> losses, terms;
  for (const Part& part : parts) {
    losses.push_back(part.loss);
    for (const auto& [name, number] : part.terms) terms.push_back(number);
  }
  return optimizer_.measure(scale, losses, terms);
}

/// Returns the norm of the gradients, and adds the loss to `value` and its terms to `line`.
double Learner::read(HostCopy& measured, const std::vector<Part>& parts, double* value, LogLine* line) {
  const Optimizer::Told told = Optimizer::told(measured);
  auto loss = told.numbers.begin(), term = loss + int64_t(parts.size());
  for (const Part& part : parts) {
    *value += part.share * *loss++;
    for (const auto& [name, number] : part.terms) (*line)[name] += part.share * *term++;
  }
  return told.norm;
}

/// Repeats the batch with CheckFinite, to name the operator that first gave a value that is not finite; in the parts that
/// the memory was enough for. Another error is no cause of the loss, but of the operator's not being found.
void Learner::explain(const data::Batch& batch, const StepPlace& place) {
  std::string first = "the operator was not found when the batch was run again";
  try {
    const CheckFinite watching;
    for_parts(batch, [&](const data::Batch& part, double) { task_.loss(task_.inputs(part)); });
  } catch (const Error& error) {
    first = error.code() == Code::numeric ? error.what() : first + " (" + error.what() + ")";
  }
  fail(Code::numeric, "step ", place.step, ": the loss is not finite: ", first,
       ". Files: ", files_of(place.dataset, batch), ". Checkpoint before: ", checkpoint_before(place.run));
}

void Learner::save(Checkpoint* c, const std::string& optimizer) const {
  optimizer_.save(&c->tensors, optimizer);
  c->state[optimizer + "_steps"] = std::to_string(optimizer_.steps());
  if (precision_.dtype == DType::f16) c->state[optimizer + "_loss_scale"] = scale_.state();
  if (boxes_cut_ > 0) c->state["boxes_cut"] = std::to_string(boxes_cut_);
  if (boxes_dropped_ > 0) c->state["boxes_dropped"] = std::to_string(boxes_dropped_);
}

void Learner::load(const Checkpoint& c, const std::string& source, const std::string& optimizer) {
  optimizer_.load(c.tensors, state_number(c, optimizer + "_steps", source), source, optimizer);
  if (precision_.dtype == DType::f16)
    scale_.restore(state_word(c, optimizer + "_loss_scale", source), source);
  // A checkpoint has them where there were any.
  boxes_cut_ = c.state.count("boxes_cut") ? state_number(c, "boxes_cut", source) : 0;
  boxes_dropped_ = c.state.count("boxes_dropped") ? state_number(c, "boxes_dropped", source) : 0;
}

void save_network(nn::Module& module, const std::string& prefix, Checkpoint* c) {
  for (const auto& [name, t] : module.state()) c->tensors[prefix + "." + name] = t;
}

void restore_network(nn::Module& module, const std::string& prefix, const Checkpoint& c,
                     const std::string& source) {
  for (auto& [name, t] : module.state()) {
    const auto found = c.tensors.find(prefix + "." + name);
    CAWE_CHECK(
        found != c.tensors.end() && found->second.shape() == t.shape() && found->second.dtype() == t.dtype(),
        Code::data, source, ": ", prefix, ".", name, " is missing or has another shape");
    Tensor into = t;
    into.copy_from(found->second);
    into.storage().touch();
  }
}

void use_best(nn::Module& module, const RunFolder& run, bool chosen) {
  if (!chosen) return;
  const std::string file = best_path(run.dir());
  const Checkpoint best = load_checkpoint(file);
  run.check_own(best, file);
  restore_network(module, "model", best, file);
}

std::string state_word(const Checkpoint& c, const std::string& key, const std::string& source) {
  const auto found = c.state.find(key);
  CAWE_CHECK(found != c.state.end(), Code::data, source, ": state has no ", key);
  return found->second;
}

int64_t state_number(const Checkpoint& c, const std::string& key, const std::string& source) {
  char* end = nullptr;
  const std::string text = state_word(c, key, source);
  const long long value = std::strtoll(text.c_str(), &end, 10);
  CAWE_CHECK(!text.empty() && *end == '\0', Code::data, source, ": ", key, " is \"", text,
             "\" (expected a whole number)");
  return int64_t(value);
}

std::string exact_text(double v) {
  return rounded(v, 17);  // not shortest(): checkpoints keep their bytes
}

}  // namespace cawe::train
