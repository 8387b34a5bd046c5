// SPDX-License-Identifier: Apache-2.0
// Greedy non-maximum suppression of several images at once: sort by score, lay the boxes in that order,
// compare all pairs into a bit mask, then walk the mask from the best box on. docs/lessons/nms.md derives
// the steps.
//
// Bytes     n boxes of 4 e bytes (f32: 16), c = ceil(n / 64) columns. Order: read (4 e + 16) n, write (4 e +
//           8) n; 8 of each only where there are classes. Mask: read 4 e n, each box again once per column,
//           from cache; write 256 c (c + 1). Walk: the mask once where everything is kept, else 8 B for each
//           kept box and column, until enough are kept. Result 8 for each place.
// FLOPs     20 per pair, n^2 / 2 pairs: bound by arithmetic from some thousand boxes on.
// Launch    mask: 64 threads for 64 x 64 pairs, only the c (c + 1) / 2 tiles on and above the diagonal. Walk:
//           one block per image, 64 to 1,024 threads, one barrier for 64 boxes. More blocks an image would not be
//           faster: what is decided about 64 boxes waits for the 64 before, so the walk is a chain of n / 64 rounds (2,000
//           boxes: 32), and a round is a few dependent loads and shuffles with a barrier. Blocks would wait for each
//           other through global memory in every round, some microseconds, to share at most n / 1,024 loads a thread.
// Numerics  overlaps as in tensor/box.h, each operation rounded by itself; strict >. The CPU's bits.
// Loads     boxes 128 bits per lane. The mask is stored by column: lanes are neighbouring rows and store
//           neighbouring words, 2 sectors for 8 lanes; by row each lane would take a sector of its own. While
//           warp 0 decides about 64 boxes, the other warps fetch what the boxes kept before say about the
//           next 64, and its own words for those were asked for before it began.
// Source    Felzenszwalb et al. 2010 (greedy suppression); the mask of 64 x 64 pairs is common usage.
#include "cuda/kernels/detection_nms.h"

#include "cuda/kernels/deciding.cuh"
#include "cuda/kernels/detection_boxes.cuh"
#include "cuda/kernels/scratch.h"
#include "cuda/kernels/sort.h"

namespace CAWE_DEVICE {
namespace {

using Word = unsigned long long;
constexpr int kColumn = 64;

/// Where column d of a segment's mask begins: columns before it have 64, 128, .. words.
__device__ __forceinline__ int64_t column_begin(int64_t d) { return d * (d + 1) / 2 * kColumn; }

template <class T>
__global__ void __launch_bounds__(256)
    lay_in_order(const T* __restrict__ boxes, const int64_t* __restrict__ classes,
                 const int64_t* __restrict__ order, Segments segments, T* __restrict__ boxes_out,
                 int64_t* __restrict__ classes_out) {
  const int64_t s = blockIdx.y, i = int64_t(blockIdx.x) * 256 + threadIdx.x;
  if (i >= size_of(segments, s)) return;
  const int64_t to = s * segments.longest + i, from = order[to];
  store_box(boxes_out, to, load_box(boxes, from));
  if (classes != nullptr) classes_out[to] = classes[from];
}

/// Tile t of the upper triangle, counted by columns: (0,0) (0,1) (1,1) (0,2) ..
__device__ __forceinline__ int column_of_tile(int64_t t) {
  int d = int((sqrt(8. * double(t) + 1.) - 1.) / 2.);
  if (int64_t(d) * (d + 1) / 2 > t) --d;  // the square root was rounded up
  if (int64_t(d + 1) * (d + 2) / 2 <= t) ++d;
  return d;
}

template <class T, bool kClasses>
__global__ void __launch_bounds__(kColumn)
    mask_of_tile(const T* __restrict__ boxes, const int64_t* __restrict__ classes, Segments segments,
                 T threshold, Word* __restrict__ mask, int64_t mask_words) {
  __align__(16) __shared__ T column[kColumn * 4];
  __shared__ int64_t column_classes[kColumn];
  const int64_t s = blockIdx.y;
  const int n = int(size_of(segments, s)), d = column_of_tile(blockIdx.x), t = int(threadIdx.x);
  const int row = int(blockIdx.x - int64_t(d) * (d + 1) / 2) * kColumn + t, first = d * kColumn;
  if (first >= n) return;
  boxes += s * segments.longest * 4;
  if (kClasses) classes += s * segments.longest;
  if (first + t < n) {
    store_box(column, t, load_box(boxes, first + t));
    if (kClasses) column_classes[t] = classes[first + t];
  }
  __syncthreads();
  if (row >= n) return;
  const DeviceBox<T> mine = load_box(boxes, row);
  const int64_t my_class = kClasses ? classes[row] : 0;
  const int width = n - first < kColumn ? n - first : kColumn;
  Word bits = 0;
  for (int j = 0; j < width; ++j) {
    const bool above = overlap(mine, load_box(column, j)) > threshold;
    const bool same = !kClasses || column_classes[j] == my_class;
    bits |= Word(above & same) << j;
  }
  if (row >= first) bits &= ~Word(1) << t;  // on the diagonal only later boxes count
  mask[s * mask_words + column_begin(d) + row] = bits;
}

__device__ __forceinline__ Word warp_or(Word word) {
  for (int distance = 16; distance > 0; distance /= 2) word |= __shfl_xor_sync(0xffffffffu, word, distance);
  return word;
}

/// Word `i` of a column, or 0 beyond its end.
__device__ __forceinline__ Word word_of(const Word* column, int64_t i, int64_t end) {
  return i < end ? column[i] : 0;
}

/// Which of the 64 boxes in `alive` are kept: the first suppresses others, then the next one left, and so on.
/// Lanes hold the mask words of boxes `lane` and 32 + lane; boxes whose word is 0 suppress nothing and take
/// no step.
__device__ __forceinline__ Word decide(Word alive, Word low, Word high) {
  const Word busy = __ballot_sync(0xffffffffu, low != 0) | Word(__ballot_sync(0xffffffffu, high != 0)) << 32;
  Word left = alive & busy;
  while (left != 0) {
    const int i = __ffsll(static_cast<long long>(left)) - 1;
    const Word word = __shfl_sync(0xffffffffu, i < 32 ? low : high, i % 32);
    alive &= ~word;
    left &= ~word & (left - 1);
  }
  return alive;
}

/// Walks the columns of one segment. In step d, warp 0 decides about column d and finds what its kept boxes
/// suppress in column d + 1; the other warps collect what all boxes kept before suppress in column d + 1.
__global__ void __launch_bounds__(1024)
    reduce_by_columns(const Word* __restrict__ mask, int64_t mask_words, const int64_t* __restrict__ order,
                      Segments segments, int64_t most, uint32_t* kept_rows, int64_t* __restrict__ kept) {
  __shared__ Word collected[2][32];  // of even and of odd steps, so that one barrier per step is enough
  __shared__ int kept_until[2];
  const int64_t s = blockIdx.x;
  const int n = int(size_of(segments, s)), columns = (n + kColumn - 1) / kColumn;
  const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32, warps = int(blockDim.x) / 32;
  mask += s * mask_words;
  kept_rows += s * segments.longest;
  // Of warp 0: the mask words of column d's own boxes, and which boxes are suppressed.
  Word low = 0, high = 0, removed = 0;
  if (warp == 0) {
    low = word_of(mask, lane, n);
    high = word_of(mask, 32 + lane, n);
  }
  int count = 0;
  for (int d = 0; d < columns && count < most; ++d) {
    const int parity = d % 2;
    const Word* next = mask + column_begin(d + 1);
    const int64_t end = d + 1 < columns ? n : 0;
    Word found = 0;
    if (warp == 0) {
      const int64_t here = d * kColumn + lane, there = here + kColumn;
      const Word below_low = word_of(next, here, end), below_high = word_of(next, here + 32, end);
      const Word next_low = word_of(next, there, end), next_high = word_of(next, there + 32, end);
      const int width = n - d * kColumn;
      const Word all = width < kColumn ? (Word(1) << width) - 1 : ~Word(0);
      const Word alive = decide(all & ~removed, low, high);
      const bool keeps_low = alive >> lane & 1, keeps_high = alive >> 32 >> lane & 1;
      if (keeps_low) kept_rows[count + __popcll(alive & ((Word(1) << lane) - 1))] = uint32_t(here);
      if (keeps_high)
        kept_rows[count + __popcll(alive & ((Word(1) << 32 << lane) - 1))] = uint32_t(here + 32);
      found = (keeps_low ? below_low : 0) | (keeps_high ? below_high : 0);
      low = next_low;
      high = next_high;
      if (lane == 0) kept_until[parity] = count + __popcll(alive);
    } else if (end != 0) {
      for (int k = int(threadIdx.x) - 32; k < count; k += int(blockDim.x) - 32) found |= next[kept_rows[k]];
    }
    found = warp_or(found);
    if (lane == 0) collected[parity][warp] = found;
    __syncthreads();
    count = kept_until[parity];
    if (warp == 0) removed = warp_or(lane < warps ? collected[parity][lane] : 0);
  }
  for (int64_t k = threadIdx.x; k < most; k += blockDim.x)
    kept[s * most + k] = k < count ? order[s * segments.longest + kept_rows[k]] : -1;
}

/// The arrays of nms() in scratch memory.
template <class T>
struct Ordered {
  int64_t* order;
  T* boxes;
  int64_t* classes;
  Word* mask;
  uint32_t* kept_rows;
  char* sort;
};

template <class T>
Ordered<T> cut(Scratch& scratch, const Segments& g, Number number) {
  const int64_t n = g.count * g.longest;
  Ordered<T> o;
  o.order = scratch.take<int64_t>(n);
  o.boxes = scratch.take<T>(4 * n);
  o.classes = scratch.take<int64_t>(n);
  o.mask = scratch.take<Word>(g.count * nms_mask_words(g.longest));
  o.kept_rows = scratch.take<uint32_t>(n);
  o.sort = scratch.take<char>(int64_t(argsort_scratch(number, g)));
  return o;
}

int64_t columns_of(int64_t n) { return (n + kColumn - 1) / kColumn; }

template <class T>
void launch_mask(const T* boxes, const int64_t* classes, const Segments& g, double threshold, Word* mask,
                 DeviceStream stream) {
  const int64_t columns = columns_of(g.longest);
  const dim3 grid(unsigned(columns * (columns + 1) / 2), unsigned(g.count));
  if (classes != nullptr)
    CAWE_LAUNCH((mask_of_tile<T, true>), grid, kColumn, 0, stream, boxes, classes, g, T(threshold), mask,
                nms_mask_words(g.longest));
  else
    CAWE_LAUNCH((mask_of_tile<T, false>), grid, kColumn, 0, stream, boxes, classes, g, T(threshold), mask,
                nms_mask_words(g.longest));
}

}  // namespace

int64_t nms_mask_words(int64_t n) { return columns_of(n) * (columns_of(n) + 1) / 2 * kColumn; }

void nms_mask(Number number, const void* boxes, const int64_t* classes, const Segments& g, double threshold,
              unsigned long long* mask, DeviceStream stream) {
  if (g.count == 0 || g.longest == 0) return;
  CAWE_DISPATCH_EXACT(number, T,
                      launch_mask(static_cast<const T*>(boxes), classes, g, threshold, mask, stream))
}

void nms_reduce(const unsigned long long* mask, const int64_t* order, const Segments& g, int64_t most,
                uint32_t* kept_rows, int64_t* kept, DeviceStream stream) {
  if (g.count == 0) return;
  // A quarter of the boxes: more warps would have little to fetch, and each is one more to wait for.
  unsigned threads = 64;
  while (threads < 1024 && int64_t(threads) * 4 < g.longest) threads *= 2;
  CAWE_LAUNCH(reduce_by_columns, unsigned(g.count), threads, 0, stream, mask, nms_mask_words(g.longest),
              order, g, most, kept_rows, kept);
}

size_t nms_scratch(Number number, const Segments& g) {
  Scratch scratch(nullptr);
  CAWE_DISPATCH_EXACT(number, T, cut<T>(scratch, g, number))
  return scratch.used;
}

void nms(Number number, const void* boxes, const void* scores, const int64_t* classes, const Segments& g,
         double threshold, int64_t most, int64_t* kept, void* memory, DeviceStream stream) {
  if (g.count == 0) return;
  CAWE_DISPATCH_EXACT(number, T, {
    Scratch scratch(memory);
    const Ordered<T> o = cut<T>(scratch, g, number);
    argsort_descending(number, scores, g, o.order, o.sort, stream);
    const dim3 grid(unsigned((g.longest + 255) / 256), unsigned(g.count));
    if (g.longest > 0)
      CAWE_LAUNCH(lay_in_order<T>, grid, 256, 0, stream, static_cast<const T*>(boxes), classes, o.order, g,
                  o.boxes, o.classes);
    nms_mask(number, o.boxes, classes == nullptr ? nullptr : o.classes, g, threshold, o.mask, stream);
    nms_reduce(o.mask, o.order, g, most, o.kept_rows, kept, stream);
  })
}

}  // namespace CAWE_DEVICE
