// SPDX-License-Identifier: Apache-2.0
// Every operator with its proof: gradients against differences in f64, the fast f32 backend against the f64
// reference, the same bits on one and two threads. `cawe doctor --operators` prints it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "autograd/gradcheck.h"
#include "tensor/backend.h"

namespace cawe {

struct OperatorReport {
  std::string name;
  bool differentiable = false;
  bool covered = false;        ///< there is a row for it
  double gradcheck_error = 0;  ///< relative, f64
  double forward_error = 0;    ///< fast f32 against f64: largest difference / largest value
  double gradient_error = 0;   ///< the same of the gradients
  double golden_error = 0;     ///< fast f32 against PyTorch's numbers, relative
  double golden_share = 0;     ///< the same, as a share of what f32 may be off (f32_bar.h)
  int64_t goldens = 0;         ///< tensors compared with PyTorch's; 0: no file, or none for this row
  bool same_bits = true;       ///< one and two threads
  int64_t cases = 0;
  bool passed() const;
};

constexpr double kGradcheckBar = 1e-6, kFastBar = 1e-5;

/// Fills an input of `shape`. Kinds: "free" normal numbers; "apart" away from 0 by at least 0.2, so that no
/// kink is near; "positive"; "distinct" no two alike; "unit" in [0, 1].
enum class Values : uint8_t { free, apart, positive, distinct, unit };

struct CaseInput {
  Shape shape;
  Values values = Values::free;
  bool requires_grad = true;
  bool channels_last = false;
  bool parameter = false;  ///< stays f32 where the others are f16 or bf16
};

/// One setting of an operator. `call` builds whatever else it needs (targets, masks) from the dtype.
struct OperatorCase {
  std::vector<CaseInput> inputs;
  std::function<Variable(const std::vector<Variable>& inputs)> call;
};

struct CaseResult {
  Tensor y;
  std::vector<Tensor> gradients;  ///< of the inputs that require one, for dy of normal numbers
};
/// Inputs are drawn in f32 and then converted, so that both dtypes see the same numbers; `through`: rounded
/// to that dtype before.
CaseResult run_case(const OperatorCase& c, DType dtype, Device device = Device::cpu,
                    DType through = DType::f32);

/// An operator of autograd/ops, with the backend primitives that it is made of.
struct OperatorRow {
  std::string name;
  std::vector<std::string> primitives;
  std::vector<OperatorCase> cases;
};

/// A primitive without a gradient: the fast backend's outputs against the reference backend's, both f32.
struct PrimitiveRow {
  std::string name;
  std::function<std::vector<Tensor>(Backend& backend, int64_t variant)> run;
  int64_t variants = 1;
  bool decides = false;  ///< boxes, order: every backend must give the same bits
  std::string of = {};   ///< the primitive, where the row has another name
  const std::string& primitive() const { return of.empty() ? name : of; }
};

/// Largest difference over largest value; infinite where shapes differ or a value is not finite.
double relative_difference(const Tensor& ours, const Tensor& truth);
/// The same shape, dtype and bits.
bool same_bytes(const Tensor& a, const Tensor& b);

const std::vector<OperatorRow>& operator_rows();
const std::vector<PrimitiveRow>& primitive_rows();

/// Reports of all operators and primitives whose name contains `filter`. A primitive that no row names is
/// reported as not covered. `goldens`: tests/goldens/operators.txt, where it is there.
std::vector<OperatorReport> check_operators(const std::string& filter = "", const std::string& goldens = "");

/// An operator on a device: in each floating dtype against the CPU's f64 reference on the same, rounded
/// inputs.
struct DeviceReport {
  std::string name;
  std::vector<DType> dtypes;   ///< that it was run in
  std::vector<double> errors;  ///< by dtype: largest difference / largest value, of values and gradients
  double golden_error = 0;     ///< f32 against PyTorch's numbers, relative
  double golden_share = 0;     ///< of what f32 may be off (f32_bar.h)
  int64_t goldens = 0, cases = 0;
  bool repeats = true;  ///< a second run gives the same bits
  bool exact = false;   ///< a primitive that decides: equal to the CPU's f32 bit for bit
  bool passed() const;
};
/// Largest error allowed in a dtype.
double device_bar(DType dtype);
std::vector<DeviceReport> check_operators_on(Device device, const std::string& filter = "",
                                             const std::string& goldens = "");
std::string device_operators_text(Device device, const std::vector<DeviceReport>& reports);
std::string device_operators_json(Device device, const std::vector<DeviceReport>& reports);

std::string operators_text(const std::vector<OperatorReport>& reports);
/// {"operators": [{"name", "differentiable", "covered", "gradcheck_error", ...}]}
std::string operators_json(const std::vector<OperatorReport>& reports);

}  // namespace cawe
