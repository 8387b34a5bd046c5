// SPDX-License-Identifier: Apache-2.0
// The operator table on a device: every operator in every floating dtype against the CPU.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "autograd/f32_bar.h"
#include "autograd/layouts.h"
#include "autograd/operator_goldens.h"
#include "autograd/operator_table.h"
#include "tensor/cpu/cpu_backend.h"
#include "tensor/io/json.h"
#include "tensor/primitives/backend.h"

namespace cawe {
namespace {

constexpr DType kFloating[] = {DType::f32, DType::f64, DType::f16, DType::bf16};

double largest_error(const CaseResult& ours, const CaseResult& truth, double cancelling) {
  double error = relative_difference(ours.y, truth.y);
  for (size_t i = 0; i < truth.gradients.size(); ++i)
    error = std::max(error, relative_difference(ours.gradients[i], truth.gradients[i], cancelling));
  return error;
}

bool same_again(const CaseResult& a, const CaseResult& b) {
  bool same = same_bytes(a.y, b.y);
  for (size_t i = 0; i < a.gradients.size(); ++i) same &= same_bytes(a.gradients[i], b.gradients[i]);
  return same;
}

void note_golden(const GoldenDifference& d, DeviceReport* r) {
  r->golden_error = std::max(r->golden_error, d.relative);
  r->golden_share = std::max(r->golden_share, d.of_bar);
  ++r->goldens;
}

void compare_goldens(const OperatorGoldens& goldens, const std::string& key, const CaseResult& ours,
                     double cancelling, DeviceReport* r) {
  const auto compare = [&](const std::string& name, const Tensor& t, double least) {
    if (!goldens.has(name)) return;
    note_golden(goldens.difference(name, t.to(Device::cpu), least), r);
  };
  compare(key + ".y", ours.y, 0);
  for (size_t i = 0; i < ours.gradients.size(); ++i)
    compare(key + ".g" + std::to_string(i), ours.gradients[i], cancelling);
}

DeviceReport check_row(Device device, const OperatorRow& row, const OperatorGoldens& goldens) {
  DeviceReport r;
  r.name = row.name;
  r.cases = int64_t(row.cases.size());
  for (const DType dtype : kFloating) {
    double error = 0;
    for (size_t n = 0; n < row.cases.size(); ++n) {
      const OperatorCase& c = row.cases[n];
      const DType through = dtype == DType::f64 ? DType::f32 : dtype;
      const CaseResult ours = run_case(c, dtype, device, through);
      const CaseResult truth = run_case(c, DType::f64, Device::cpu, through);
      error = std::max(error, largest_error(ours, truth, c.cancelling));
      r.repeats &= same_again(ours, run_case(c, dtype, device, through));
      if (dtype == DType::f32)
        compare_goldens(goldens, row.name + "." + std::to_string(n), ours, c.cancelling, &r);
    }
    r.dtypes.push_back(dtype);
    r.errors.push_back(error);
  }
  LayoutReport layouts;
  for (const OperatorCase& c : row.cases) layouts.add(check_layouts(c, DType::f32, device));
  r.layout_faults = layouts.faults;
  return r;
}

DeviceReport check_primitive(Device device, const PrimitiveRow& row, const OperatorGoldens& goldens) {
  DeviceReport r;
  r.name = row.name;
  r.cases = row.variants;
  r.exact = row.decides;
  double error = 0;
  for (int64_t v = 0; v < row.variants; ++v) {
    const std::vector<Tensor> ours = row.run(primitive_backend(device), v),
                              again = row.run(primitive_backend(device), v);
    const std::vector<Tensor> truth = row.run(cpu_reference_backend(), v);
    for (size_t i = 0; i < truth.size(); ++i) {
      const double difference = relative_difference(ours[i], truth[i]);
      error = std::max(error, row.decides && !same_bytes(ours[i], truth[i]) ? INFINITY : difference);
      r.repeats &= same_bytes(ours[i], again[i]);
      const std::string key = row.name + "." + std::to_string(v) + ".out" + std::to_string(i);
      if (!goldens.has(key)) continue;
      note_golden(goldens.difference(key, ours[i].to(Device::cpu)), &r);
    }
  }
  r.dtypes = {DType::f32};
  r.errors = {error};
  r.layout_faults = check_layouts(row, primitive_backend(device)).faults;
  return r;
}

}  // namespace

double device_bar(DType dtype) {
  // f16 and bf16: a few units in the last place of 11 and 8 bits, since chains of operators round in between.
  return dtype == DType::f64 ? 1e-12 : dtype == DType::f16 ? 4e-3 : dtype == DType::bf16 ? 3e-2 : kFastBar;
}

bool DeviceReport::passed() const {
  for (size_t i = 0; i < errors.size(); ++i)
    if (!(errors[i] <= (exact ? 0 : device_bar(dtypes[i])))) return false;
  return golden_share <= 1 && repeats && layout_faults.empty() && cases > 0;
}

std::vector<DeviceReport> check_operators_on(Device device, const std::string& filter,
                                             const std::string& goldens_file) {
  const OperatorGoldens goldens(goldens_file);
  std::vector<DeviceReport> reports;
  for (const OperatorRow& row : operator_rows())
    if (row.name.find(filter) != std::string::npos) reports.push_back(check_row(device, row, goldens));
  for (const PrimitiveRow& row : primitive_rows())
    if (row.name.find(filter) != std::string::npos) reports.push_back(check_primitive(device, row, goldens));
  return reports;
}

namespace {

std::string error_of(const DeviceReport& r, DType dtype) {
  const auto at = std::find(r.dtypes.begin(), r.dtypes.end(), dtype);
  if (at == r.dtypes.end()) return "-";
  char text[24];
  std::snprintf(text, sizeof text, "%.1e", r.errors[size_t(at - r.dtypes.begin())]);
  return text;
}

}  // namespace

std::string device_operators_text(Device device, const std::vector<DeviceReport>& reports) {
  char line[280];
  std::snprintf(line, sizeof line, "on %s: %s\n%-24s %5s %9s %9s %9s %9s %9s %7s %s\n", name(device),
                backend(device).name(), "operator", "cases", "f32", "f64", "f16", "bf16", "PyTorch",
                "repeats", "layouts");
  std::string out = line;
  int64_t failed = 0;
  for (const DeviceReport& r : reports) {
    char golden[24] = "-";
    if (r.goldens > 0) std::snprintf(golden, sizeof golden, "%.1e", r.golden_error);
    failed += !r.passed();
    std::snprintf(line, sizeof line, "%-24s %5lld %9s %9s %9s %9s %9s %7s %-7s ", r.name.c_str(),
                  static_cast<long long>(r.cases), error_of(r, DType::f32).c_str(),
                  error_of(r, DType::f64).c_str(), error_of(r, DType::f16).c_str(),
                  error_of(r, DType::bf16).c_str(), golden, r.repeats ? "yes" : "NO",
                  r.layout_faults.empty() ? "yes" : "NO");
    out += line + std::string(r.exact ? "exact " : "") + (r.passed() ? "" : "FAILED") +
           layout_faults_text(r.layout_faults) + "\n";
  }
  std::snprintf(
      line, sizeof line,
      "%zu operators, %lld failed (bars: f32 %.0e, f64 %.0e, f16 %.0e, bf16 %.0e; PyTorch's f64: %.0f times "
      "the distance of its f32 and %.0e, at most %.0e; exact: the CPU's bits)\n",
      reports.size(), static_cast<long long>(failed), device_bar(DType::f32), device_bar(DType::f64),
      device_bar(DType::f16), device_bar(DType::bf16), kF32Factor, kF32Floor, kGoldenBar);
  return out + line;
}

std::string device_operators_json(Device device, const std::vector<DeviceReport>& reports) {
  Json rows = Json::array();
  for (const DeviceReport& r : reports) {
    Json row{{"name", r.name}, {"cases", r.cases}};
    for (size_t d = 0; d < r.dtypes.size(); ++d)
      row[std::string(name(r.dtypes[d])) + "_error"] = json_rounded(r.errors[d], kErrorDigits);
    row["goldens"] = r.goldens;
    row["golden_error"] = json_rounded(r.golden_error, kErrorDigits);
    row["repeats"] = r.repeats;
    row["layouts"] = r.layout_faults.empty();
    row["layout_faults"] = r.layout_faults;
    row["passed"] = r.passed();
    rows.push_back(row);
  }
  return json_text({{"device", name(device)}, {"operators", rows}}, JsonLayout::lines);
}

}  // namespace cawe
