// SPDX-License-Identifier: Apache-2.0
#include "models/weights.h"

#include <algorithm>

#include "nn/batch_norm.h"
#include "tensor/text.h"

namespace cawe::models {
namespace {

constexpr size_t kNamesShown = 3;
const std::string kCounter = "num_batches_tracked";
const std::string kClassWeight = "head.classification_head.cls_logits.weight";

bool skipped(const std::string& name, const std::vector<std::string>& skip) {
  return std::any_of(skip.begin(), skip.end(), [&](const std::string& s) { return begins_with(name, s); });
}

void describe(std::string& line, const char* what, const std::vector<std::string>& names) {
  if (names.empty()) return;
  line += ", " + std::to_string(names.size()) + " " + what + " (";
  for (size_t i = 0; i < names.size() && i < kNamesShown; ++i) line += (i ? ", " : "") + names[i];
  line += names.size() > kNamesShown ? ", ...)" : ")";
}

struct Match {
  std::string name;
  Tensor from;
};

LoadReport compare(const std::map<std::string, Tensor>& wanted, const NamedTensors& given,
                   const LoadOptions& options, std::vector<Match>& matches) {
  LoadReport report;
  for (const auto& [name, tensor] : wanted) {
    const auto found = given.find(name);
    const bool let_go = skipped(name, options.skip);
    if (found == given.end()) {
      if (ends_with(name, kCounter)) continue;
      (let_go ? report.skipped : report.missing).push_back(name);
    } else if (found->second.shape() != tensor.shape()) {
      if (let_go)
        report.skipped.push_back(name);
      else
        report.mismatched.push_back(
            detail::concat(name, ": ", found->second.shape(), ", expected ", tensor.shape()));
    } else if (let_go) {
      report.skipped.push_back(name);
    } else {
      report.loaded.push_back(name);
      matches.push_back({name, found->second});
    }
  }
  for (const auto& entry : given) {
    if (wanted.count(entry.first) || ends_with(entry.first, kCounter)) continue;
    (skipped(entry.first, options.skip) ? report.skipped : report.unexpected).push_back(entry.first);
  }
  return report;
}

/// Finds `head`<n>.weight or `head`<n>.bias in a name: n is `number`, ".weight" or ".bias" `tail`.
bool numbered(const std::string& name, const std::string& head, int& number, std::string& tail) {
  const size_t at = name.find(head);
  if (at == std::string::npos) return false;
  size_t i = at + head.size(), digits = 0;
  number = 0;
  for (; i < name.size() && name[i] >= '0' && name[i] <= '9' && digits < 4; ++i, ++digits)
    number = number * 10 + (name[i] - '0');
  tail = name.substr(i);
  return digits > 0 && (tail == ".weight" || tail == ".bias");
}

std::string current_name(std::string name) {
  if (begins_with(name, "module.")) name = name.substr(7);
  int number = 0;
  std::string tail;
  for (const std::string blocks : {"fpn.inner_blocks.", "fpn.layer_blocks."})
    if (numbered(name, blocks, number, tail)) return name.insert(name.size() - tail.size(), ".0");
  for (const std::string tower : {"classification_head.conv.", "regression_head.conv."})
    if (numbered(name, tower, number, tail))  // 0, 2, 4, 6: convolutions with their ReLUs between
      return name.substr(0, name.find(tower) + tower.size()) + std::to_string(number / 2) + ".0" + tail;
  for (const char* end : {"rpn.head.conv.weight", "rpn.head.conv.bias"})
    if (name == end) return name.insert(std::string("rpn.head.conv").size(), ".0.0");
  return name;
}

}  // namespace

std::string LoadReport::summary() const {
  std::string line = std::to_string(loaded.size()) + " loaded";
  describe(line, "missing", missing);
  describe(line, "unexpected", unexpected);
  describe(line, "of another shape", mismatched);
  describe(line, "skipped", skipped);
  return line;
}

LoadReport load_weights(nn::Module& module, const NamedTensors& weights, const LoadOptions& options,
                        const std::string& source) {
  NamedTensors given;
  for (const auto& [name, tensor] : weights) given[options.prefix + name] = tensor;
  std::vector<Match> matches;
  NamedTensors wanted = state_of(module);
  const LoadReport report = compare(wanted, given, options, matches);
  CAWE_CHECK(!options.strict || report.complete(), Code::data, source,
             ": the weights do not fit: ", report.summary(), options.hint ? ". " + options.hint(report) : "");
  for (const Match& m : matches)
    CAWE_CHECK(all_finite(m.from.to(Device::cpu)), Code::data, source, ": ", m.name,
               " holds a value that is not finite");
  for (const Match& m : matches) {
    Tensor& to = wanted.at(m.name);
    to.copy_from(m.from.to(to.device()));
    to.storage().touch();
  }
  const auto has = [&](const std::string& name) {
    return std::binary_search(report.loaded.begin(), report.loaded.end(), name);
  };
  module.each([&](const std::string& path, nn::Module& m) {
    auto* norm = dynamic_cast<nn::BatchNorm2d*>(&m);
    if (!norm || !has(path + "running_mean") || !has(path + "running_var")) return;
    norm->mark_loaded();
    if (norm->kind() == nn::NormKind::frozen && options.frozen_bn_eps >= 0)
      norm->set_eps(options.frozen_bn_eps);
  });
  return report;
}

NamedTensors state_of(nn::Module& module) {
  NamedTensors all;
  for (auto& [name, tensor] : module.state())
    CAWE_CHECK(all.emplace(name, tensor).second, Code::internal, "two parameters are called '", name, "'");
  return all;
}

NamedTensors with_current_names(const NamedTensors& weights, const std::string& source) {
  // Convolutions of an old tower are numbered 0, 2, 4, 6; a new one has no plain numbers, so the two cannot
  // be confused.
  NamedTensors all;
  const auto wrapped = weights.lower_bound("module.");
  const bool averaged = wrapped != weights.end() && begins_with(wrapped->first, "module.");
  for (const auto& [name, tensor] : weights) {
    if (averaged && name == "n_averaged") continue;
    const std::string current = current_name(name);
    CAWE_CHECK(all.emplace(current, tensor).second, Code::data, source, ": two tensors are called '", current,
               "' (an old and a new name in one file)");
  }
  return all;
}

bool is_torchvision_coco(const NamedTensors& weights) {
  if (!weights.count("backbone.body.bn1.running_mean") || weights.count("backbone.body.bn1." + kCounter))
    return false;
  const auto retina = weights.find(kClassWeight);
  if (retina != weights.end()) return retina->second.rank() == 4 && retina->second.dim(0) == 9 * 91;
  const auto faster = weights.find("roi_heads.box_predictor.cls_score.weight");
  return faster != weights.end() && faster->second.rank() == 2 && faster->second.dim(0) == 91;
}

}  // namespace cawe::models
