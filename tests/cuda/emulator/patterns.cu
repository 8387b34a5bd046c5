// SPDX-License-Identifier: Apache-2.0
// Access patterns whose counts are known by hand: the test states them.
#include "cuda/emulator/simt/simt.cuh"
#include "tests/cuda/emulator/planted.h"

namespace cawe::patterns {
namespace {

__global__ void strided_kernel(const float* in, float* out, int stride, int offset) {
  out[threadIdx.x] = in[size_t(threadIdx.x) * stride + offset];
}

__global__ void vectors_kernel(const float4* in, float4* out) { out[threadIdx.x] = in[threadIdx.x]; }

template <int kPad>
__global__ void transpose_kernel(const float* in, float* out) {
  __shared__ float tile[32][32 + kPad];
  const int x = threadIdx.x, y = threadIdx.y;
  tile[y][x] = in[y * 32 + x];
  __syncthreads();
  out[y * 32 + x] = tile[x][y];
}

__global__ void shared_vectors_kernel(const float4* in, float4* out) {
  __shared__ float4 s[32];
  s[threadIdx.x] = in[threadIdx.x];
  __syncwarp();
  out[threadIdx.x] = s[31 - threadIdx.x];
}

__global__ void broadcast_kernel(const float* in, float* out) {
  __shared__ float s[32];
  s[threadIdx.x] = in[threadIdx.x];
  __syncwarp();
  out[threadIdx.x] = s[5] + in[7];
}

__global__ void histogram_kernel(unsigned* bins, int lanes_per_bin) {
  atomicAdd(&bins[threadIdx.x / lanes_per_bin], 1u);
}

__global__ void diverging_kernel(const float* in, float* out, int trips) {
  float sum = 0.f;
  if (threadIdx.x & 1)
    for (int i = 0; i < trips; ++i) sum += in[i * 32 + threadIdx.x];
  out[threadIdx.x] = sum;
}

__global__ void conditional_kernel(const unsigned* masks, const float* in, float* out, int n) {
  const int t = threadIdx.x;
  float sum = 0.f;
  for (int i = 0; i < n; ++i)
    if (masks[i] >> t & 1) {
      sum += in[i * 32 + t];
      if (sum > 3.f) sum *= 0.5f;
    }
  out[t] = sum;
}

__global__ void nested_kernel(const float* a, const float* b, const float* c, float* out, int n, int salt) {
  const int t = threadIdx.x;
  float v = 0.f;
  for (int i = 0; i < n; ++i) {
    const int trips = (t * 5 + i * 11 + salt) % 6;
    if ((t * 3 + i) % 5 == 4) continue;
    for (int j = 0; j < trips; ++j) {
      if ((t / 2 + j + 2 * i) % 3 == 1) {
        v += a[(i * 8 + j) * 32 + t];
      } else {
        v -= b[(i * 8 + j) * 32 + t];
        if ((t ^ i ^ j) % 6 == 5) break;
      }
    }
    switch ((t + 2 * i) % 3) {
      case 0:
        v += c[i * 32 + t];
        break;
      case 1:
        v *= c[1024 + i * 32 + t];
        break;
      default:
        v += 1.f;
    }
    if (i > 2 && (t + salt) % 13 == i) {
      out[t] = v;
      return;
    }
  }
  out[t] = v;
}

__global__ void bytes_kernel(const unsigned char* in, unsigned char* out) {
  out[threadIdx.x] = in[threadIdx.x];
}

/// Registers from PTX's figures of mma.m16n8k16's fragments: "groupID" is lane >> 2, "threadID_in_group" lane & 3.
template <class T>
__global__ void product_kernel(const uint16_t* a, const uint16_t* b, const float* c, float* d) {
  const int lane = threadIdx.x, group = lane >> 2, in_group = lane & 3;
  const auto pair = [](uint16_t low, uint16_t high) { return uint32_t(low) | uint32_t(high) << 16; };
  uint32_t as[4], bs[2];
  for (int i = 0; i < 8; i += 2) {
    const int row = i < 2 || (4 <= i && i < 6) ? group : group + 8;
    const int column = in_group * 2 + (i >= 4 ? 8 : 0);
    as[i / 2] = pair(a[row * 16 + column], a[row * 16 + column + 1]);
  }
  for (int i = 0; i < 4; i += 2) {
    const int row = in_group * 2 + (i >= 2 ? 8 : 0);
    bs[i / 2] = pair(b[row * 8 + group], b[(row + 1) * 8 + group]);
  }
  float cs[4];
  for (int i = 0; i < 4; ++i) cs[i] = c[(i < 2 ? group : group + 8) * 8 + in_group * 2 + (i & 1)];
  simt::mma_16x8x16<T>(cs, as, bs[0], bs[1]);
  for (int i = 0; i < 4; ++i) d[(i < 2 ? group : group + 8) * 8 + in_group * 2 + (i & 1)] = cs[i];
}

}  // namespace

void strided(const float* in, float* out, int stride, int offset) {
  CAWE_LAUNCH(strided_kernel, 1, 32, 0, nullptr, in, out, stride, offset);
}
void vectors(const float* in, float* out) {
  CAWE_LAUNCH(vectors_kernel, 1, 32, 0, nullptr, reinterpret_cast<const float4*>(in),
              reinterpret_cast<float4*>(out));
}
void transpose(const float* in, float* out, bool padded) {
  if (padded)
    CAWE_LAUNCH(transpose_kernel<1>, 1, dim3(32, 32), 0, nullptr, in, out);
  else
    CAWE_LAUNCH(transpose_kernel<0>, 1, dim3(32, 32), 0, nullptr, in, out);
}
void shared_vectors(const float* in, float* out) {
  CAWE_LAUNCH(shared_vectors_kernel, 1, 32, 0, nullptr, reinterpret_cast<const float4*>(in),
              reinterpret_cast<float4*>(out));
}
void broadcast(const float* in, float* out) { CAWE_LAUNCH(broadcast_kernel, 1, 32, 0, nullptr, in, out); }
void histogram(unsigned* bins, int lanes_per_bin) {
  CAWE_LAUNCH(histogram_kernel, 1, 32, 0, nullptr, bins, lanes_per_bin);
}
void diverging(const float* in, float* out, int trips) {
  CAWE_LAUNCH(diverging_kernel, 1, 32, 0, nullptr, in, out, trips);
}
void conditional(const unsigned* masks, const float* in, float* out, int n) {
  CAWE_LAUNCH(conditional_kernel, 1, 32, 0, nullptr, masks, in, out, n);
}
void nested(const float* a, const float* b, const float* c, float* out, int n, int salt) {
  CAWE_LAUNCH(nested_kernel, 1, 32, 0, nullptr, a, b, c, out, n, salt);
}
void bytes(const unsigned char* in, unsigned char* out) {
  CAWE_LAUNCH(bytes_kernel, 1, 32, 0, nullptr, in, out);
}
void product(bool is_bf16, const unsigned short* a, const unsigned short* b, const float* c, float* d) {
  if (is_bf16)
    CAWE_LAUNCH(product_kernel<simt::bf16>, 1, 32, 0, nullptr, a, b, c, d);
  else
    CAWE_LAUNCH(product_kernel<simt::half>, 1, 32, 0, nullptr, a, b, c, d);
}

}  // namespace cawe::patterns
