// SPDX-License-Identifier: Apache-2.0
// Every operator with its evidence: gradients against central differences in f64, the fast f32 backend
// against the f64 reference, PyTorch's numbers, the same bits on one and two threads. `cawe doctor
// --operators` prints it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "autograd/gradcheck.h"
#include "tensor/backend.h"

namespace cawe {

class PrimitiveBackend;  // tensor/primitives/backend.h

/// The evidence for one operator or primitive: largest errors over all cases of its row.
struct OperatorReport {
  std::string name;
  bool differentiable = false;
  bool covered = false;        ///< a row of the table tests it
  double gradcheck_error = 0;  ///< relative, f64
  double forward_error = 0;    ///< fast f32 against f64: largest difference / largest value
  double gradient_error = 0;   ///< the same of the gradients
  double golden_error = 0;     ///< fast f32 against PyTorch's outputs and gradients, relative
  double golden_share = 0;     ///< the same, as a share of what f32 may be off (f32_bar.h)
  /// How many tensors were compared with PyTorch's; 0: no file, or none for this row.
  int64_t goldens = 0;
  bool same_bits = true;  ///< on one and on two threads
  /// Layouts of memory in which fast f32 gave other numbers (layouts.h): "expanded x", "sliced dy".
  std::vector<std::string> layout_faults;
  int64_t cases = 0;
  bool passed() const;
};

constexpr int kErrorDigits = 3;  ///< of errors in JSON; null where one is not finite
constexpr double kGradcheckBar = 1e-6, kFastBar = 1e-5;

/// How an input is filled: "free" normal numbers; "apart" at least 0.2 away from 0, where a function may have
/// a kink; "positive"; "distinct" no two equal; "unit" in [0, 1].
enum class Values : uint8_t { free, apart, positive, distinct, unit };

/// An input of a case.
struct CaseInput {
  Shape shape;
  Values values = Values::free;
  bool requires_grad = true;
  bool channels_last = false;
  bool parameter = false;  ///< stays f32 where the others are f16 or bf16
};

/// One setting of an operator. `call` makes whatever else it needs (targets, masks) in the inputs' dtype.
struct OperatorCase {
  std::vector<CaseInput> inputs;
  std::function<Variable(const std::vector<Variable>& inputs)> call;
  /// Where the true gradient is 0 because sums cancel exactly: the size of these sums. Rounding leaves a
  /// remainder that is measured relative to them, since nothing can be relative to 0.
  double cancelling = 0;
};

/// Output and gradients of a case.
struct CaseResult {
  Tensor y;
  std::vector<Tensor> gradients;  ///< of the inputs that require one, for dy of normal numbers
};
/// Gives a tensor of a case another place in memory: input number `input`, or kOutputGradient, dy.
using Arrange = std::function<Tensor(const Tensor& t, int input)>;
constexpr int kOutputGradient = -1;
/// Runs a case. Inputs are drawn in f32, rounded to `through` and then converted to `dtype`, so that runs in
/// different dtypes see the same numbers. `arrange`: where the inputs and dy lie; as the case says without it.
CaseResult run_case(const OperatorCase& c, DType dtype, Device device = Device::cpu,
                    DType through = DType::f32, const Arrange& arrange = {});

/// An operator of autograd/ops, with the backend primitives that it is made of.
struct OperatorRow {
  std::string name;
  std::vector<std::string> primitives;
  std::vector<OperatorCase> cases;
};

/// A primitive without a gradient: the fast backend's outputs against the reference backend's, both f32.
struct PrimitiveRow {
  std::string name;
  std::function<std::vector<Tensor>(PrimitiveBackend& backend, int64_t variant)> run;
  int64_t variants = 1;
  bool decides = false;  ///< a result is a choice (boxes, an order): every backend must give the same bits
  std::string of = {};   ///< the primitive's name, where the row's differs
  const std::string& primitive() const { return of.empty() ? name : of; }
};

/// Largest difference / largest value, the latter counted as at least `least` and 1e-3. Infinite where shapes
/// differ or a value is not finite.
double relative_difference(const Tensor& ours, const Tensor& truth, double least = 0);
/// The same shape, dtype and bits.
bool same_bytes(const Tensor& a, const Tensor& b);

/// The rows of the table: operators, and primitives without a gradient.
const std::vector<OperatorRow>& operator_rows();
const std::vector<PrimitiveRow>& primitive_rows();

/// Reports of all operators and primitives whose name contains `filter`. A primitive that no row names is
/// reported as not covered. `goldens`: path of tests/goldens/operators.txt, "" or missing for none.
std::vector<OperatorReport> check_operators(const std::string& filter = "", const std::string& goldens = "");

/// An operator on a device: in each floating dtype against the CPU's f64 reference on the same, already
/// rounded inputs.
struct DeviceReport {
  std::string name;
  std::vector<DType> dtypes;   ///< those it was run in
  std::vector<double> errors;  ///< by dtype: largest difference / largest value, of values and gradients
  double golden_error = 0;     ///< f32 against PyTorch's numbers, relative
  double golden_share = 0;     ///< of what f32 may be off (f32_bar.h)
  int64_t goldens = 0, cases = 0;
  bool repeats = true;  ///< a second run gives the same bits
  bool exact = false;   ///< a primitive whose result is a choice: equal to the CPU's f32 bit for bit
  /// Layouts of memory in which f32 gave other numbers (layouts.h): "expanded x", "sliced dy".
  std::vector<std::string> layout_faults;
  bool passed() const;
};
/// Largest relative error allowed in a dtype.
double device_bar(DType dtype);
/// Runs all rows whose name contains `filter` on a device.
std::vector<DeviceReport> check_operators_on(Device device, const std::string& filter = "",
                                             const std::string& goldens = "");
std::string device_operators_text(Device device, const std::vector<DeviceReport>& reports);
std::string device_operators_json(Device device, const std::vector<DeviceReport>& reports);

std::string operators_text(const std::vector<OperatorReport>& reports);
/// {"operators": [{"name", "differentiable", "covered", "gradcheck_error", ...}]}
std::string operators_json(const std::vector<OperatorReport>& reports);

}  // namespace cawe
