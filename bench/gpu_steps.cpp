// SPDX-License-Identifier: Apache-2.0
// Full-size networks on a GPU: training steps (loss, gradients, SGD) and inference, queued operator by
// operator or captured as one graph; one JSON object per line.
//   bench_gpu_steps [--from N] [FILTER]   FILTER: part of "resnet50 training b8 bf16 captured"; without the
//                                         first N types and batches
//   bench_gpu_steps --once FILTER         one step between cudaProfilerStart and Stop, for ncu
//   bench_gpu_steps --list [FILTER]       the names of what would be timed; needs no GPU
// A line {"begin": N} says that a network of type and batch N begins.
// Exit codes: 0 done, 77 no GPU, 9: the device was lost in the type and batch that began last (go on with --from N + 1).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "bench/machine.h"
#include "train/model_steps.h"

namespace cawe::bench {
namespace {

struct Options {
  std::string filter;
  size_t from = 0;
  bool once = false, list = false;
  bool done = false;  ///< the one step was made; what follows is slow under ncu
};

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Median milliseconds of five rounds of steps, of three steps where one takes more than 0.2 s. The host waits for
/// the device once per round, so that queueing may run ahead; a round takes at least 0.05 s.
void measure(Machine& m, Options& options, const std::string& name, int64_t batch,
             const std::function<void()>& step) {
  Backend& device = backend(m.device());
  for (int i = 0; i < 2; ++i) {
    step();
    device.synchronize();
    say_goes_on();
  }
  if (options.once) {
    m.profile(true);
    step();
    device.synchronize();
    m.profile(false);
    options.done = true;
  }
  m.take_peak();
  const auto round_of = [&](int count) {
    const double start = now();
    for (int i = 0; i < count; ++i) step();
    device.synchronize();
    const double ms = 1000 * (now() - start) / count;
    say_goes_on();
    return ms;
  };
  std::vector<double> ms{round_of(1)};
  if (ms[0] > 200) {
    ms.push_back(round_of(1));
    ms.push_back(round_of(1));
  } else {
    const int count = int(std::clamp(50 / ms[0], 1.0, double(m.most_steps())));
    ms.clear();
    for (int round = 0; round < 5; ++round) ms.push_back(round_of(count));
  }
  std::sort(ms.begin(), ms.end());
  Json line{{"case", name},
            {"batch", int(batch)},
            {"median_ms", json_fixed(ms[ms.size() / 2], 3)},
            {"min_ms", json_fixed(ms.front(), 3)},
            {"max_ms", json_fixed(ms.back(), 3)},
            {"peak_mb", json_fixed(double(m.take_peak()) / 1048576, 0)}};
  m.tell(&line);
  say(line);
}

class Sgd {
 public:
  void step(nn::Module& net) { apply(lists_of(net), Tensor()); }

  /// As training does it (train/learner.cpp): norm and loss come to the host in one copy, for which it waits when the step,
  /// whose gradients are clipped by the norm, is queued.
  void step_told(nn::Module& net, const Variable& loss) {
    const Lists lists = lists_of(net);
    const Tensor told = Tensor::empty({4}, DType::f64, Layout::contiguous, loss.device());
    primitives::copy_list({loss.value().reshape({1})}, {told.slice(0, 3, 4)});
    Tensor measured = told;
    primitives::gradient_norm(lists.gradients, 1, 1, measured);
    const std::unique_ptr<HostCopy> copy = backend(told.device()).begin_host_copy(told);
    apply(lists, told.slice(0, 2, 3));
    copy->wait();
  }

 private:
  struct Lists {
    std::vector<Tensor> values, gradients;
  };
  static Lists lists_of(nn::Module& net) {
    Lists lists;
    for (const auto& p : net.parameters()) {
      if (!p.variable->grad().defined()) continue;
      lists.values.push_back(p.variable->value());
      lists.gradients.push_back(p.variable->grad());
    }
    return lists;
  }
  void apply(const Lists& lists, const Tensor& factor) {
    if (velocity_.empty())
      for (const Tensor& v : lists.values) {
        velocity_.push_back(Tensor::like(v));
        velocity_.back().fill(0);
      }
    primitives::sgd_steps(lists.values, lists.gradients, velocity_, factor, {0.001, 0.9, 0, false});
  }

  std::vector<Tensor> velocity_;
};

/// A step: `forget` drops what the last one left, `prepare` makes ready what `queue` reads, in the same tensors; `queue`,
/// which brings nothing to the host, can be captured; `after` follows it.
struct Work {
  std::function<void()> forget, prepare, queue, after;
};

bool is_detector(const std::string& net) { return net == "retinanet" || net == "faster_rcnn"; }
bool is_colorizer(const std::string& net) { return net == "generator" || net == "critic"; }

/// What is timed of a network, most wanted first.
///   training_with_targets  of a detector: true boxes go to the device, then gradients and SGD
///   training               gradients and SGD of what lies on the device
///   inference, detect      a forward pass; detections come to the host
///   training_with_films    of a classifier or detector: true boxes before the step, the next batch's films behind it; gradients
///                          are clipped by their norm, and the host waits for that and the loss. Of what a training step does
///                          this leaves out the loader, a detector's single losses, which come to the host in the same copy, and
///                          of the classifier the upload of its labels, their mask and their scale (a few KB) and Adam, for which
///                          SGD stands here. The colorizer has no such case: its critic's step also runs the generator and
///                          uploads dropout's masks, its host makes the gray pictures, and both networks have AdamW.
std::vector<std::string> cases_of(const std::string& net, DType dtype) {
  std::vector<std::string> cases{"training", "inference"};
  if (is_detector(net)) cases = {"training_with_targets", "detect", "training"};
  if (dtype == DType::bf16 && !is_colorizer(net)) cases.push_back("training_with_films");
  return cases;
}

Work work_of(const std::string& what, train::ModelStep& step, Sgd& sgd) {
  const auto nothing = [] {};
  if (what == "inference" || what == "detect")
    return {nothing, nothing, [&] { step.infer_on_device(); }, [&] { step.bring_to_host(); }};
  const auto forget = [&] { step.module().zero_grad(); };
  const auto update = [&] { sgd.step(step.module()); };
  if (what == "training") return {forget, nothing, [&] { step.loss_and_gradients(); }, update};
  const auto prepare = [&] { step.prepare(); };
  if (what == "training_with_targets") return {forget, prepare, [&] { step.loss_and_gradients(); }, update};
  const auto loss = std::make_shared<Variable>();
  return {forget, prepare, [&step, loss] { *loss = step.loss_and_gradients(); },
          [&step, &sgd, loss] {
            step.upload();
            sgd.step_told(step.module(), *loss);
          }};
}

bool wanted(const Options& options, const std::string& name) {
  return !options.done && name.find(options.filter) != std::string::npos;
}

/// Measures a step operator by operator, and as one graph.
void both_ways(Machine& m, Options& options, const std::string& name, int64_t batch, const Work& work) {
  const auto step = [&] {
    work.forget();
    work.prepare();
    work.queue();
    work.after();
  };
  const bool plain = wanted(options, name + " plain");
  if (plain) measure(m, options, name + " plain", batch, step);
  if (!wanted(options, name + " captured")) return;
  // Libraries choose their algorithms, and memory is taken, before.
  for (int i = 0; i < 2 && !plain; ++i) {
    step();
    backend(m.device()).synchronize();
    say_goes_on();
  }
  work.forget();
  work.prepare();
  const std::unique_ptr<CapturedWork> captured = backend(m.device()).capture(work.queue);
  CAWE_CHECK(captured != nullptr, Code::internal, "the step was not captured");
  measure(m, options, name + " captured", batch, [&] {
    work.prepare();
    captured->launch();
    work.after();
  });
}

struct Size {
  DType dtype;
  int64_t batch;
};

/// f32 is called tf32 where it may be computed so.
std::string type_name(DType dtype) {
  const char* tf32 = std::getenv("CAWE_TF32");
  return dtype == DType::f32 && tf32 && std::strcmp(tf32, "1") == 0 ? "tf32" : cawe::name(dtype);
}

/// Without "plain" or "captured".
std::string title(const std::string& net, const std::string& what, const Size& size) {
  return detail::concat(net, " ", what, " b", size.batch, " ", type_name(size.dtype));
}

/// The wanted cases of a network in a size.
std::vector<std::string> names_of(const Options& o, const std::string& net, const Size& size) {
  std::vector<std::string> names;
  for (const std::string& what : cases_of(net, size.dtype))
    for (const char* way : {" plain", " captured"})
      if (wanted(o, title(net, what, size) + way)) names.push_back(title(net, what, size) + way);
  return names;
}

/// A network's cases; if one fails, the others of this network and size are left out.
void run_cases(Machine& m, Options& o, size_t part, const std::string& net, const Size& size) {
  say_begins(part);
  const auto step = train::make_model_step(net, size.batch, size.dtype, m.device());
  // Again: whoever waits for a word is not to take a network that takes long to make for a hang.
  say_begins(part);
  Sgd sgd;
  for (const std::string& what : cases_of(net, size.dtype))
    both_ways(m, o, title(net, what, size), size.batch, work_of(what, *step, sgd));
}

/// Most wanted first: a run may be cut. By the place of a batch among a network's (train::timed_batches).
constexpr struct {
  DType dtype;
  size_t batch;
} kParts[] = {{DType::bf16, 0}, {DType::f32, 0}, {DType::bf16, 1}, {DType::f32, 1},
              {DType::bf16, 2}, {DType::f32, 2}, {DType::f16, 0}};

/// The networks that have a wanted case in part `part`, each with its size there.
std::vector<std::pair<std::string, Size>> networks_of(const Options& o, size_t part) {
  std::vector<std::pair<std::string, Size>> networks;
  for (const std::string& net : train::model_step_names()) {
    const Size size{kParts[part].dtype, train::timed_batches(net).at(kParts[part].batch)};
    if (!names_of(o, net, size).empty()) networks.emplace_back(net, size);
  }
  return networks;
}

int list(const Options& o) {
  for (size_t part = o.from; part < std::size(kParts); ++part)
    for (const auto& [net, size] : networks_of(o, part))
      for (const std::string& name : names_of(o, net, size)) std::printf("%s\n", name.c_str());
  return 0;
}

int run(Options& o) {
  if (o.list) return list(o);
  const std::unique_ptr<Machine> m = need_machine();
  for (size_t part = o.from; part < std::size(kParts) && !o.done; ++part) {
    for (const auto& [net, size] : networks_of(o, part)) {
      if (o.done) break;
      attempt(*m, detail::concat(net, " b", size.batch, " ", type_name(size.dtype)),
              [&, &net = net, &size = size] { run_cases(*m, o, part, net, size); });
    }
  }
  return 0;
}

}  // namespace
}  // namespace cawe::bench

int main(int argc, char** argv) {
  cawe::bench::Options options;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--once") == 0)
      options.once = true;
    else if (std::strcmp(argv[i], "--list") == 0)
      options.list = true;
    else if (std::strcmp(argv[i], "--from") == 0 && i + 1 < argc)
      options.from = size_t(std::atoi(argv[++i]));
    else
      options.filter = argv[i];
  }
  return cawe::bench::run(options);
}
