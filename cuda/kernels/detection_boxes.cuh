// SPDX-License-Identifier: Apache-2.0
// Boxes on the device, with the arithmetic of tensor/box.h bit for bit: every operation is rounded by itself.
#pragma once

#include "cuda/emulator/simt/simt.cuh"
#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

// std::min and std::max, also where a number is NaN.
template <class T>
__device__ __forceinline__ T least(T a, T b) {
  return b < a ? b : a;
}
template <class T>
__device__ __forceinline__ T most(T a, T b) {
  return a < b ? b : a;
}

template <class T>
struct DeviceBox {
  T x1, y1, x2, y2;
};

/// Box i of [.., 4]; boxes are 16-byte aligned. One 128-bit load in f32; two in f64, which touch each sector
/// twice.
__device__ __forceinline__ DeviceBox<float> load_box(const float* boxes, int64_t i) {
  const Pack<float, 4> p = reinterpret_cast<const Pack<float, 4>*>(boxes)[i];
  return {p.v[0], p.v[1], p.v[2], p.v[3]};
}
__device__ __forceinline__ DeviceBox<double> load_box(const double* boxes, int64_t i) {
  const auto* packs = reinterpret_cast<const Pack<double, 2>*>(boxes) + 2 * i;
  const Pack<double, 2> low = packs[0], high = packs[1];
  return {low.v[0], low.v[1], high.v[0], high.v[1]};
}
__device__ __forceinline__ void store_box(float* boxes, int64_t i, const DeviceBox<float>& b) {
  reinterpret_cast<Pack<float, 4>*>(boxes)[i] = {{b.x1, b.y1, b.x2, b.y2}};
}
__device__ __forceinline__ void store_box(double* boxes, int64_t i, const DeviceBox<double>& b) {
  auto* packs = reinterpret_cast<Pack<double, 2>*>(boxes) + 2 * i;
  packs[0] = {{b.x1, b.y1}};
  packs[1] = {{b.x2, b.y2}};
}

template <class T>
__device__ __forceinline__ T area(const DeviceBox<T>& b) {
  return mul_rn(sub_rn(b.x2, b.x1), sub_rn(b.y2, b.y1));
}

/// cawe::intersection
template <class T>
__device__ __forceinline__ T intersection(const DeviceBox<T>& a, const DeviceBox<T>& b) {
  const T w = sub_rn(least(a.x2, b.x2), most(a.x1, b.x1)), h = sub_rn(least(a.y2, b.y2), most(a.y1, b.y1));
  return w > T(0) && h > T(0) ? mul_rn(w, h) : T(0);
}

/// cawe::iou, given the intersection
template <class T>
__device__ __forceinline__ T overlap(const DeviceBox<T>& a, const DeviceBox<T>& b, T common) {
  return common > T(0) ? div_rn(common, sub_rn(add_rn(area(a), area(b)), common)) : T(0);
}

/// About 20 FLOPs, the division counted as 1.
template <class T>
__device__ __forceinline__ T overlap(const DeviceBox<T>& a, const DeviceBox<T>& b) {
  return overlap(a, b, intersection(a, b));
}

/// A row of a batch's truth: a box and its label.
constexpr int kTruthWidth = 5;
template <class T>
__device__ __forceinline__ DeviceBox<T> truth_box(const T* row) {
  return {row[0], row[1], row[2], row[3]};
}

}  // namespace
}  // namespace CAWE_DEVICE
