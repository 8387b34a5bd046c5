# SPDX-License-Identifier: Apache-2.0
"""The files of a new operator, which computes y = x^2 until its author writes the formula. @name@ is its name."""

SPDX = '// SPDX-License-Identifier: Apache-2.0\n'

FILES = {
    'tensor/primitives/@name@.inc': '''// @name@: say what it computes
// y = x^2, x and y of one shape and any strides
CAWE_OP(@name@, (const Tensor& x, Tensor& y), (x, y))
// dx = 2 x dy
CAWE_OP(@name@_grad, (const Tensor& x, const Tensor& dy, Tensor& dx), (x, dy, dx))
''',
    'tensor/primitives/@name@.h': SPDX + '''// Primitives of the family @name@; @name@.inc lists and explains them.
#pragma once

#include "tensor/tensor.h"

#define CAWE_FAMILY "tensor/primitives/@name@.inc"
#include "tensor/primitives/declare.inc"
''',
    'tensor/cpu/reference/@name@.cpp': SPDX + '''// @name@: plain loops over tensors of any strides.
#include "tensor/cpu/loops.h"
#include "tensor/cpu/reference_backend.h"

namespace cawe {

void ReferenceBackend::@name@(const Tensor& x, Tensor& y) {
  dispatch_floating("@name@", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* const in = x.data<T>();
    T* const out = y.data<T>();
    cpu::for_each_offset<2>(x.shape(), {x.strides(), y.strides()},
                            [&](const auto& at) { out[at[1]] = in[at[0]] * in[at[0]]; });
  });
}

void ReferenceBackend::@name@_grad(const Tensor& x, const Tensor& dy, Tensor& dx) {
  dispatch_floating("@name@_grad", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *const in = x.data<T>(), *const g = dy.data<T>();
    T* const out = dx.data<T>();
    cpu::for_each_offset<3>(x.shape(), {x.strides(), dy.strides(), dx.strides()},
                            [&](const auto& at) { out[at[2]] = T(2) * in[at[0]] * g[at[1]]; });
  });
}

}  // namespace cawe
''',
    'autograd/ops/@name@.h': SPDX + '''// Say in one line what @name@ is for.
#pragma once

#include "autograd/variable.h"

namespace cawe {

/// y = x^2, number by number: say here what it computes and where that comes from.
/// x: any shape, floating. Returns the same shape and dtype.
/// Gradient: dx = 2 x dy. Saves x.
/// Throws Code::dtype where x is not floating.
Variable @name@(const Variable& x);

}  // namespace cawe
''',
    'autograd/ops/@name@.cpp': SPDX + '''#include "autograd/ops/@name@.h"

#include "tensor/primitives/@name@.h"
#include "tensor/profile.h"

namespace cawe {

Variable @name@(const Variable& x) {
  CAWE_CHECK(x.defined() && is_floating(x.dtype()), Code::dtype,
             "@name@: x must be a floating tensor");
  const Tensor in = x.value();
  // FLOPs, and bytes that must move: x is read, y is written.
  ProfileScope scope("@name@", double(in.numel()), 2.0 * double(size_of(in.dtype())) * double(in.numel()));
  Tensor y = Tensor::like(in);
  primitives::@name@(in, y);
  return record("@name@", {x}, y, [in](const Tensor& dy) -> Grads {
    Tensor dx = Tensor::like(in);
    primitives::@name@_grad(in, dy, dx);
    return {dx};
  });
}

}  // namespace cawe
''',
    'autograd/rows/@name@.cpp': SPDX + '''// The row of @name@.
#include "autograd/ops/@name@.h"

#include "autograd/rows/rows.h"

namespace cawe {

std::vector<OperatorRow> @name@_operator_rows() {
  const auto call = [](const In& in) { return @name@(in[0]); };
  return {{"@name@",
           {"@name@", "@name@_grad"},
           {{{image({2, 3, 4, 5})}, call}, {{contiguous({7, 6, 3})}, call}, {{contiguous({300})}, call}}}};
}

}  // namespace cawe
''',
    'cuda/kernels/@name@.h': SPDX + '''// Launch functions of @name@.
#pragma once

#include "cuda/kernels/types.h"

namespace CAWE_DEVICE {

/// y[i] = x[i]^2 for n dense numbers.
void @name@(Number number, const void* x, void* y, int64_t n, DeviceStream stream);
/// dx[i] = 2 x[i] dy[i] for n dense numbers in one memory order.
void @name@_grad(Number number, const void* x, const void* dy, void* dx, int64_t n, DeviceStream stream);

}  // namespace CAWE_DEVICE
''',
    'cuda/kernels/@name@.cu': SPDX + '''// @name@ and its gradient: what they compute, and where that comes from.
//
// Bytes     read n·e (gradient: 2n·e), write n·e: each number once
// FLOPs     n (gradient: 2n): memory-bound
// Launch    256 threads a block, one number each
// Numerics  f32 for 16-bit types, rounded once
#include "cuda/kernels/@name@.h"

#include "cuda/emulator/simt/simt.cuh"

namespace CAWE_DEVICE {
namespace {

using namespace simt;

constexpr int kThreads = 256;

unsigned blocks_of(int64_t n) { return unsigned((n + kThreads - 1) / kThreads); }

template <class T>
__global__ void __launch_bounds__(kThreads)
    @name@_kernel(const T* __restrict__ x, T* __restrict__ y, int64_t n) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= n) return;
  const Accumulator<T> in = widen(x[i]);
  y[i] = rounded<T>(in * in);
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    @name@_grad_kernel(const T* __restrict__ x, const T* __restrict__ dy, T* __restrict__ dx, int64_t n) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= n) return;
  const Accumulator<T> in = widen(x[i]), g = widen(dy[i]);
  dx[i] = rounded<T>(Accumulator<T>(2) * in * g);
}

}  // namespace

void @name@(Number number, const void* x, void* y, int64_t n, DeviceStream stream) {
  if (n == 0) return;
  CAWE_DISPATCH(number, T,
                CAWE_LAUNCH(@name@_kernel<T>, blocks_of(n), kThreads, 0, stream, static_cast<const T*>(x),
                            static_cast<T*>(y), n))
}

void @name@_grad(Number number, const void* x, const void* dy, void* dx, int64_t n, DeviceStream stream) {
  if (n == 0) return;
  CAWE_DISPATCH(number, T,
                CAWE_LAUNCH(@name@_grad_kernel<T>, blocks_of(n), kThreads, 0, stream, static_cast<const T*>(x),
                            static_cast<const T*>(dy), static_cast<T*>(dx), n))
}

}  // namespace CAWE_DEVICE
''',
    'cuda/backend/@name@.cpp': SPDX + '''// @name@ on a device: the kernels take dense tensors in one memory order; others are copied.
#include "cuda/kernels/@name@.h"

#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/packing.h"
#include "cuda/backend/views.h"

namespace CAWE_DEVICE {

void CudaBackend::@name@(const Tensor& x, Tensor& y) {
  const Number number = common_number("@name@", x, y);
  const Layout layout = layout_of(x);
  const Tensor in = packed(x, layout), out = packed_output(y, layout);
  CAWE_DEVICE::@name@(number, in.raw(), out.raw(), in.numel(), stream());
  deliver(out, y);
}

void CudaBackend::@name@_grad(const Tensor& x, const Tensor& dy, Tensor& dx) {
  const Number number = common_number("@name@_grad", x, dy, dx);
  const Layout layout = layout_of(dx);
  const Tensor in = packed(x, layout), g = packed(dy, layout), out = packed_output(dx, layout);
  CAWE_DEVICE::@name@_grad(number, in.raw(), g.raw(), out.raw(), in.numel(), stream());
  deliver(out, dx);
}

}  // namespace CAWE_DEVICE
''',
    'cuda/lab/cases/@name@.cpp': SPDX + '''// @name@ and its gradient: against the CPU's f64, counts by hand.
#include "cuda/kernels/@name@.h"

#include "cuda/lab/cases/families.h"
#include "tensor/backend.h"
#include "tensor/primitives/@name@.h"

namespace CAWE_DEVICE {
namespace {

constexpr int64_t kCount = 1003;  // whole blocks, and part of one
constexpr DType kFloating[] = {DType::f32, DType::f64, DType::f16, DType::bf16};

/// Half a unit in the last place of the largest value.
double tolerance_of(DType dtype) {
  return dtype == DType::f32 ? 1e-6 : dtype == DType::f64 ? 1e-15 : dtype == DType::f16 ? 6e-4 : 5e-3;
}

double run(CaseContext& c, DType dtype) {
  const Tensor x = random_tensor({kCount}, "@name@ x", dtype);
  const void* const in = c.upload(x);
  void* const out = c.fresh<char>(kCount * int64_t(size_of(dtype)));
  c.measure([&] { CAWE_DEVICE::@name@(number_for(dtype), in, out, kCount, c.stream()); });
  Tensor expected = Tensor::empty({kCount}, DType::f64);
  const ReferenceScope reference;
  primitives::@name@(x.to(DType::f64), expected);
  return relative_error(c.download(out, {kCount}, dtype), expected);
}

double run_grad(CaseContext& c, DType dtype) {
  const Tensor x = random_tensor({kCount}, "@name@ x", dtype), dy = random_tensor({kCount}, "@name@ dy", dtype);
  const void *const in = c.upload(x), *const g = c.upload(dy);
  void* const out = c.fresh<char>(kCount * int64_t(size_of(dtype)));
  c.measure([&] { CAWE_DEVICE::@name@_grad(number_for(dtype), in, g, out, kCount, c.stream()); });
  Tensor expected = Tensor::empty({kCount}, DType::f64);
  const ReferenceScope reference;
  primitives::@name@_grad(x.to(DType::f64), dy.to(DType::f64), expected);
  return relative_error(c.download(out, {kCount}, dtype), expected);
}

/// `reads`: tensors that the kernel reads.
Case make_case(const std::string& name_of_case, DType dtype, int reads, double (*run_case)(CaseContext&, DType)) {
  Case r;
  r.name = name_of_case;
  r.shape = std::string(name(dtype)) + " " + std::to_string(kCount);
  r.file = "cuda/kernels/@name@.cu";
  r.run = [=](CaseContext& c) { return run_case(c, dtype); };
  r.tolerance = tolerance_of(dtype);
  const double bytes = double(kCount) * double(size_of(dtype));
  r.floor_read = reads * bytes;
  r.floor_written = bytes;
  r.sectors = uint64_t(reads + 1) * (sectors_of(bytes) + 1);
  r.flops = double(reads * kCount);
  return r;
}

}  // namespace

void add_@name@_cases(std::vector<Case>& cases) {
  for (const DType dtype : kFloating) {
    cases.push_back(make_case("@name@", dtype, 1, run));
    cases.push_back(make_case("@name@_grad", dtype, 2, run_grad));
  }
}

}  // namespace CAWE_DEVICE
''',
    'cuda/lab/mutants/@name@.cmake': '''# Mistakes in @name@.cu.
cawe_mutant(@name@_bound @name@.cu "if (i >= n) return;" "if (i > n) return;" @name@)
cawe_mutant(@name@_grad_factor @name@.cu "Accumulator<T>(2) * in * g" "in * g" @name@_grad)
''',
}

GOLDEN_CASES = '''    t.case('@name@', 0, [('free', (2, 3, 4, 5))], torch.square)
    t.case('@name@', 1, [('free', (7, 6, 3))], torch.square)
    t.case('@name@', 2, [('free', (300,))], torch.square)
'''

# The files to open, in order, and what to do in each.
TO_DO = (
    ('tensor/primitives/@name@.inc', 'what it computes, its parameters (then the same in the four files with its methods)'),
    ('tensor/cpu/reference/@name@.cpp', 'the formula in f32 and f64: the definition that all others are compared with'),
    ('autograd/ops/@name@.h', 'docstring: shapes, dtypes, gradient, errors, source'),
    ('autograd/ops/@name@.cpp', 'checks of shapes, what the gradient saves'),
    ('autograd/rows/@name@.cpp', 'more cases: odd sizes, one element, both image layouts, settings of every parameter'),
    ('cuda/kernels/@name@.cu', 'the kernels, and their header with bytes, FLOPs, launch'),
    ('cuda/kernels/@name@.h', 'the same parameters'),
    ('cuda/backend/@name@.cpp', 'the layout that the kernels want, sizes that they can count'),
    ('cuda/lab/cases/@name@.cpp', 'a case for each path of the kernels, counts by hand'),
    ('cuda/lab/mutants/@name@.cmake', 'mistakes in the new formula that the cases must notice'),
    ('scripts/goldens/operators.py', "PyTorch's function for its cases; then run it again"),
    ('bench/gpu_kernels/not_timed.txt', 'a case in this folder in place of its lines, or why there is none'),
)

FUNCTOR = '''/// x^2: say here what it computes
template <class T>
struct @Name@ {
  T a, b;
  CAWE_HOST_DEVICE T value(T x) const { return x * x; }
  CAWE_HOST_DEVICE T slope(T x, T) const { return T(2) * x; }
};
'''

UNARY_TO_DO = (
    ('tensor/elementwise.h', 'struct @Name@: value(x), and slope(x, y) = dy/dx; parameters a and b where it has any'),
    ('autograd/ops/elementwise.h', 'its line of documentation, and its parameters'),
    ('autograd/ops/elementwise.cpp', 'the same parameters, passed on as a and b; checks of them'),
    ('autograd/rows/elementwise.cpp', 'Values::positive and the like where it is not defined or has a kink'),
    ('cuda/lab/cases/elementwise.cpp', 'parameter_a(), parameter_b(), numbers_for() where the above say so'),
    ('scripts/goldens/operators.py', "PyTorch's function in `unary`; then run it again"),
)
