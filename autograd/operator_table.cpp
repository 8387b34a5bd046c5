// SPDX-License-Identifier: Apache-2.0
#include "autograd/operator_table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "autograd/f32_bar.h"
#include "autograd/layouts.h"
#include "autograd/operator_goldens.h"
#include "autograd/ops/elementwise.h"
#include "tensor/cpu/cpu_backend.h"
#include "tensor/io/json.h"
#include "tensor/parallel.h"
#include "tensor/primitives/backend.h"
#include "tensor/random.h"

namespace cawe {
namespace {

double draw(Values kind, const Random& random, uint64_t i, uint64_t count) {
  const double u = random.uniform_double(2 * i);
  switch (kind) {
    case Values::free:
      return random.normal(i);
    case Values::apart:
      return (random.bits(2 * i + 1) & 1 ? 1 : -1) * (0.2 + u);
    case Values::positive:
      return 0.2 + u;
    case Values::unit:
      return u;
    // A stride coprime to the count visits every value once; neighbouring values are 1 / count apart.
    case Values::distinct:
      return double(i * 7919 % count) / double(count) + 1e-4 * u / double(count);
  }
  return 0;
}

/// The same numbers in every dtype: drawn in f32, rounded to `through`, then converted to `dtype`.
Variable make_input(const CaseInput& input, size_t index, DType dtype, DType through) {
  const Random random(11, "operator input", uint64_t(index));
  const auto count = uint64_t(input.shape.numel());
  std::vector<float> values;
  for (uint64_t i = 0; i < count; ++i)
    values.push_back(float(draw(input.values, random, i, std::max<uint64_t>(count, 1))));
  Tensor t = Tensor::from(values, input.shape);
  if (!(input.parameter && is_narrow(through))) t = t.to(through);
  t = t.to(input.parameter && is_narrow(dtype) ? DType::f32 : dtype);
  if (input.channels_last) t = t.channels_last();
  return Variable(t.clone(), input.requires_grad);
}

std::vector<Variable> make_inputs(const OperatorCase& c, DType dtype, DType through = DType::f32) {
  std::vector<Variable> inputs;
  for (size_t i = 0; i < c.inputs.size(); ++i) inputs.push_back(make_input(c.inputs[i], i, dtype, through));
  return inputs;
}

}  // namespace

CaseResult run_case(const OperatorCase& c, DType dtype, Device device, DType through,
                    const Arrange& arrange) {
  std::vector<Variable> inputs = make_inputs(c, dtype, through);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Tensor there = inputs[i].value().to(device);
    inputs[i] = Variable(arrange ? arrange(there, int(i)) : there, inputs[i].requires_grad());
  }
  std::vector<Variable> wanted;
  for (const Variable& v : inputs)
    if (v.requires_grad()) wanted.push_back(v);
  const Variable y = c.call(inputs);
  const Random random(12, "operator seed");
  std::vector<float> seed;
  for (int64_t i = 0; i < y.numel(); ++i) seed.push_back(float(random.normal(uint64_t(i))));
  Tensor dy = Tensor::like(y.value());
  dy.copy_from(Tensor::from(seed, y.shape()).to(through).to(y.dtype()));
  if (arrange) dy = arrange(dy, kOutputGradient);
  return {y.value(), wanted.empty() ? std::vector<Tensor>{} : gradients(y, wanted, dy)};
}

double relative_difference(const Tensor& ours, const Tensor& truth, double least) {
  if (ours.shape() != truth.shape()) return INFINITY;
  const std::vector<double> a = ours.to(DType::f64).to_vector<double>(),
                            b = truth.to(DType::f64).to_vector<double>();
  double difference = 0, largest = std::max(1e-3, least);
  for (size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) return INFINITY;
    difference = std::max(difference, std::fabs(a[i] - b[i]));
    largest = std::max(largest, std::fabs(b[i]));
  }
  return difference / largest;
}

bool same_bytes(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  const Tensor x = a.to(Device::cpu).contiguous(), y = b.to(Device::cpu).contiguous();
  return x.numel() == 0 || std::memcmp(x.raw(), y.raw(), size_t(x.numel()) * size_of(x.dtype())) == 0;
}

namespace {

class Threads {
 public:
  explicit Threads(int n) : before_(num_threads()) { set_num_threads(n); }
  ~Threads() { set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

bool same_on_one_thread(const OperatorCase& c, const CaseResult& two) {
  const Threads one(1);
  const CaseResult alone = run_case(c, DType::f32);
  bool same = same_bytes(alone.y, two.y);
  for (size_t i = 0; i < two.gradients.size(); ++i) same &= same_bytes(alone.gradients[i], two.gradients[i]);
  return same;
}

void compare_golden(const OperatorGoldens& goldens, const std::string& key, const Tensor& t,
                    OperatorReport* r, double least = 0) {
  if (!goldens.has(key)) return;
  const GoldenDifference d = goldens.difference(key, t, least);
  r->golden_error = std::max(r->golden_error, d.relative);
  r->golden_share = std::max(r->golden_share, d.of_bar);
  ++r->goldens;
}

OperatorReport check_row(const OperatorRow& row, const OperatorGoldens& goldens) {
  OperatorReport r;
  r.name = row.name;
  r.differentiable = r.covered = true;
  r.cases = int64_t(row.cases.size());
  const Threads two(2);
  LayoutReport layouts;
  for (size_t n = 0; n < row.cases.size(); ++n) {
    const OperatorCase& c = row.cases[n];
    r.gradcheck_error = std::max(r.gradcheck_error, gradcheck(c.call, make_inputs(c, DType::f64)));
    const CaseResult fast = run_case(c, DType::f32), truth = run_case(c, DType::f64);
    r.forward_error = std::max(r.forward_error, relative_difference(fast.y, truth.y));
    for (size_t i = 0; i < truth.gradients.size(); ++i)
      r.gradient_error = std::max(r.gradient_error,
                                  relative_difference(fast.gradients[i], truth.gradients[i], c.cancelling));
    r.same_bits &= same_on_one_thread(c, fast);
    const std::string key = row.name + "." + std::to_string(n);
    compare_golden(goldens, key + ".y", fast.y, &r);
    for (size_t i = 0; i < fast.gradients.size(); ++i)
      compare_golden(goldens, key + ".g" + std::to_string(i), fast.gradients[i], &r, c.cancelling);
    layouts.add(check_layouts(c, DType::f32));
  }
  r.layout_faults = layouts.faults;
  return r;
}

OperatorReport check_primitive(const PrimitiveRow& row, const OperatorGoldens& goldens) {
  OperatorReport r;
  r.name = row.name;
  r.covered = true;
  r.cases = row.variants;
  const Threads two(2);
  for (int64_t v = 0; v < row.variants; ++v) {
    const std::vector<Tensor> fast = row.run(cpu_backend(), v), truth = row.run(cpu_reference_backend(), v);
    std::vector<Tensor> alone;
    {
      const Threads one(1);
      alone = row.run(cpu_backend(), v);
    }
    for (size_t i = 0; i < truth.size(); ++i) {
      r.forward_error = std::max(r.forward_error, relative_difference(fast[i], truth[i]));
      r.same_bits &= same_bytes(fast[i], alone[i]);
      compare_golden(goldens, row.name + "." + std::to_string(v) + ".out" + std::to_string(i), fast[i], &r);
    }
  }
  r.layout_faults = check_layouts(row, cpu_backend()).faults;
  return r;
}

}  // namespace

bool OperatorReport::passed() const {
  return covered && gradcheck_error <= kGradcheckBar && forward_error <= kFastBar &&
         gradient_error <= kFastBar && golden_share <= 1 && same_bits && layout_faults.empty();
}

std::vector<OperatorReport> check_operators(const std::string& filter, const std::string& goldens_file) {
  const OperatorGoldens goldens(goldens_file);
  std::vector<OperatorReport> reports;
  std::set<std::string> named;
  const auto wanted = [&](const std::string& name) { return name.find(filter) != std::string::npos; };
  for (const OperatorRow& row : operator_rows()) {
    named.insert(row.primitives.begin(), row.primitives.end());
    if (wanted(row.name)) reports.push_back(check_row(row, goldens));
  }
  for (const PrimitiveRow& row : primitive_rows()) {
    named.insert(row.primitive());
    if (wanted(row.name)) reports.push_back(check_primitive(row, goldens));
  }
  for (const std::string& name : primitive_names()) {
    if (named.count(name) > 0 || !wanted(name)) continue;
    OperatorReport missing;
    missing.name = name;
    reports.push_back(missing);
  }
  return reports;
}

std::string operators_text(const std::vector<OperatorReport>& reports) {
  char line[280];
  std::snprintf(line, sizeof line, "%-24s %5s %12s %12s %12s %12s %9s %7s %s\n", "operator", "cases",
                "gradcheck", "f32 forward", "f32 gradient", "PyTorch", "same bits", "layouts", "");
  std::string out = line;
  int64_t failed = 0;
  for (const OperatorReport& r : reports) {
    char gradcheck_text[24] = "-", gradient_text[24] = "-", golden_text[24] = "-";
    if (r.differentiable) {
      std::snprintf(gradcheck_text, sizeof gradcheck_text, "%.1e", r.gradcheck_error);
      std::snprintf(gradient_text, sizeof gradient_text, "%.1e", r.gradient_error);
    }
    if (r.goldens > 0) std::snprintf(golden_text, sizeof golden_text, "%.1e", r.golden_error);
    failed += !r.passed();
    std::snprintf(line, sizeof line, "%-24s %5lld %12s %12.1e %12s %12s %9s %7s ", r.name.c_str(),
                  static_cast<long long>(r.cases), gradcheck_text, r.forward_error, gradient_text,
                  golden_text, r.same_bits ? "yes" : "NO", r.layout_faults.empty() ? "yes" : "NO");
    out += line +
           std::string(!r.covered   ? "NOT COVERED"
                       : r.passed() ? ""
                                    : "FAILED") +
           layout_faults_text(r.layout_faults) + "\n";
  }
  std::snprintf(
      line, sizeof line,
      "%zu operators, %lld failed (bars: gradcheck %.0e, f32 against f64 %.0e, PyTorch's f64: %.0f times the "
      "distance of its f32 and %.0e, at most %.0e)\n",
      reports.size(), static_cast<long long>(failed), kGradcheckBar, kFastBar, kF32Factor, kF32Floor,
      kGoldenBar);
  return out + line;
}

std::string operators_json(const std::vector<OperatorReport>& reports) {
  Json rows = Json::array();
  for (const OperatorReport& r : reports)
    rows.push_back({{"name", r.name},
                    {"differentiable", r.differentiable},
                    {"covered", r.covered},
                    {"cases", r.cases},
                    {"gradcheck_error", json_rounded(r.gradcheck_error, kErrorDigits)},
                    {"forward_error", json_rounded(r.forward_error, kErrorDigits)},
                    {"gradient_error", json_rounded(r.gradient_error, kErrorDigits)},
                    {"goldens", r.goldens},
                    {"golden_error", json_rounded(r.golden_error, kErrorDigits)},
                    {"golden_share", json_rounded(r.golden_share, kErrorDigits)},
                    {"same_bits", r.same_bits},
                    {"layouts", r.layout_faults.empty()},
                    {"layout_faults", r.layout_faults},
                    {"passed", r.passed()}});
  return json_text({{"operators", rows}}, JsonLayout::lines);
}

}  // namespace cawe
