// SPDX-License-Identifier: Apache-2.0
// Initial values of parameters, drawn from Philox by (seed, full parameter name): independent of the order in
// which modules are built and of threads.
#pragma once

#include <cstdint>
#include <string>

#include "tensor/tensor.h"

namespace cawe::nn {

/// How a weight [out, in, ...] or a bias [out] starts. fan_in = in * kernel area, fan_out = out * kernel
/// area.
struct Init {
  enum class Kind : uint8_t {
    constant,                ///< `value`
    normal,                  ///< N(0, value^2)
    uniform,                 ///< U(-value, value)
    kaiming_normal_fan_out,  ///< N(0, 2 / fan_out): He et al. 2015, for ReLU
    kaiming_normal_fan_in,   ///< N(0, 2 / fan_in): the same variance for activations instead of gradients
    kaiming_uniform          ///< U(-b, b), b = sqrt(6 / ((1 + value^2) fan_in)); value is the slope a
  };
  Kind kind = Kind::constant;
  double value = 0;

  static Init constant(double v) { return {Kind::constant, v}; }
  static Init normal(double std) { return {Kind::normal, std}; }
  static Init uniform(double bound) { return {Kind::uniform, bound}; }
  static Init kaiming_normal() { return {Kind::kaiming_normal_fan_out, 0}; }
  static Init kaiming_normal_fan_in() { return {Kind::kaiming_normal_fan_in, 0}; }
  static Init kaiming_uniform(double a) { return {Kind::kaiming_uniform, a}; }
};

/// Fills w (f32 or f64, contiguous, on the CPU). Element i in row-major order comes from element i of the
/// stream Random(seed, name).
void initialise(Tensor& w, const Init& init, uint64_t seed, const std::string& name);

/// ICNR initialisation for the convolution before a pixel shuffle by 2 (Aitken et al. 2017, arXiv
/// 1707.02937): draws [out / 4, in, ...] kernels as initialise() would and repeats each four times, so that
/// all pixels of a 2 x 2 block start equal. Throws where out is no multiple of 4.
void initialise_icnr(Tensor& w, const Init& init, uint64_t seed, const std::string& name);

/// in * kernel area of a weight [out, in, ...].
int64_t fan_in(const Shape& weight);

}  // namespace cawe::nn
