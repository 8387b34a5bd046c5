// SPDX-License-Identifier: Apache-2.0
// Mixed precision: networks compute in f16 or bf16, parameters and losses stay f32.
#pragma once

#include <unordered_map>
#include <vector>

#include "autograd/ops/elementwise.h"
#include "nn/module.h"

namespace cawe::nn {

/// x, or x in f32 where it is f16 or bf16: what losses and decisions are computed in.
inline Variable at_least_f32(const Variable& x) { return is_narrow(x.dtype()) ? cast(x, DType::f32) : x; }

/// A parameter as the 16-bit type of `x`, where x has one and the parameter is f32.
Variable as_computed(const Variable& parameter, const Variable& x);

/// While it lives, as_computed() on this thread converts all computed_parameters() of one of these modules together
/// when it is first asked for one of them, so that a device does it in one launch; the bits are the same. It lives as
/// long as a forward pass: it keeps the copies, and a parameter that changed since is converted anew.
class ComputedCopies {
 public:
  explicit ComputedCopies(std::vector<Module*> modules);
  ~ComputedCopies();
  ComputedCopies(const ComputedCopies&) = delete;
  ComputedCopies& operator=(const ComputedCopies&) = delete;

 private:
  friend Variable as_computed(const Variable& parameter, const Variable& x);
  struct Network {
    std::vector<Tensor> parameters, copies;  ///< copies: none until one is asked for
    std::vector<uint64_t> versions;          ///< of the parameters, when they were copied
  };
  struct Place {
    size_t network, parameter;
  };
  void find_parameters();
  /// `value`, f32, in a 16-bit type; undefined where it is none of the parameters, or was changed.
  Tensor copy_of(const Tensor& value, DType dtype);

  std::vector<Module*> modules_;
  std::vector<Network> networks_;                  ///< of the modules; none until something is asked for
  std::unordered_map<const void*, Place> places_;  ///< by address
  ComputedCopies* outer_;
};

}  // namespace cawe::nn
