// SPDX-License-Identifier: Apache-2.0
// For kernels that go cell by cell over images in either memory order: an NCHW tensor is n * c images of one
// channel, a channels-last one n images of c, where packs of channels can move together.
#pragma once

#include "cuda/kernels/divider.cuh"

namespace CAWE_DEVICE {
namespace {

/// Images [n, h, w, c] in memory.
struct Images {
  int64_t n, h, w, c;
  int64_t numbers() const { return h * w * c; }  ///< of one image
};

inline Images images_of(const Dims4& sizes, bool channels_last) {
  if (channels_last) return {sizes.n, sizes.h, sizes.w, sizes.c};
  return {sizes.n * sizes.c, sizes.h, sizes.w, 1};
}

/// Order in which threads are assigned to cells: packs of channels fastest, then x, y, images.
struct Numbering {
  unsigned count;
  Divider packs, w, h;
};

struct Cell {
  unsigned n, pack;
  int y, x;
};

__device__ __forceinline__ Cell cell_of(unsigned i, const Numbering& by) {
  const unsigned a = divide(i, by.packs), b = divide(a, by.w), n = divide(b, by.h);
  return {n, i - a * by.packs.divisor, int(b - n * by.h.divisor), int(a - b * by.w.divisor)};
}

/// Offset of the cell (y, x) of image n, h x w cells of c channels.
__device__ __forceinline__ int64_t offset_of(unsigned n, int y, int x, int h, int w, int c) {
  return ((int64_t(n) * h + y) * w + x) * c;
}

/// Channels that move together: 16 bytes of them, at most four, where their number and the tensors' alignment
/// allow it.
template <class T>
constexpr int kChannelPack = simt::kPerLoad<T> < 4 ? simt::kPerLoad<T> : 4;

template <class T, class... Pointers>
bool in_channel_packs(int64_t c, const Pointers*... tensors) {
  return c % kChannelPack<T> == 0 && (... && (reinterpret_cast<uintptr_t>(tensors) % 16 == 0));
}

/// The same with as many channels as 16 bytes hold.
template <class T, class... Pointers>
bool in_wide_packs(int64_t c, const Pointers*... tensors) {
  return c % simt::kPerLoad<T> == 0 && (... && (reinterpret_cast<uintptr_t>(tensors) % 16 == 0));
}

/// Calls launch(first image, images) for parts of at most kMostCounted numbers; an image has `most`.
template <class Launch>
void in_batches(int64_t n, int64_t most, const Launch& launch) {
  const int64_t step = most < kMostCounted ? kMostCounted / most : 1;
  for (int64_t first = 0; first < n; first += step) launch(first, n - first < step ? n - first : step);
}

inline Numbering numbering_of(int64_t n, int64_t h, int64_t w, int64_t packs) {
  return {unsigned(n * h * w * packs), make_divider(packs), make_divider(w), make_divider(h)};
}

}  // namespace
}  // namespace CAWE_DEVICE
