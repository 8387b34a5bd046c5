// SPDX-License-Identifier: Apache-2.0
// What the kernel profiler reads of nvcc and ptxas: whole texts and damaged ones.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cuda/lab/profile/demangle.h"
#include "cuda/lab/profile/ptx.h"
#include "cuda/lab/profile/ptxas.h"
#include "tensor/error.h"
#include "tests/data/text_file.h"

namespace cawe::gpu {
namespace {

using cawe::testing::expect_error;

// --- names

TEST(Demangle, ReadsWhatIsMangled) {
  EXPECT_EQ(demangle("_ZN4cawe8tile_sumILi128EEEvPK6float4Pfi"),
            "void cawe::tile_sum<128>(float4 const*, float*, int)");
  EXPECT_EQ(demangle("i"), "i") << "extern \"C\", not the type int";
  EXPECT_EQ(demangle("_Zbroken"), "_Zbroken");
  std::string many = "_Z6kernelPKf", readable = "kernel(float const*";
  for (int i = 0; i < 24; ++i) many += "S0_", readable += ", float const*";
  EXPECT_EQ(demangle(many), readable + ")");
}

/// f(a, p<a, a>, p<p<a, a>, p<a, a>>, ..): each parameter twice as long as the one before.
std::string doubling_name(int levels) {
  const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::string name = "_Z1f1a1pIS_S_E";
  for (int i = 1; i < levels; ++i) {
    const std::string last = std::string("S") + digits[i] + "_";
    name += "S0_I" + last + last + "E";
  }
  return name;
}

TEST(Demangle, LeavesNamesThatWouldUnfoldWithoutEnd) {
  EXPECT_EQ(demangle(doubling_name(3)),
            "f(a, p<a, a>, p<p<a, a>, p<a, a> >, "
            "p<p<p<a, a>, p<a, a> >, p<p<a, a>, p<a, a> > >)");
  EXPECT_EQ(demangle(doubling_name(35)), doubling_name(35)) << "2^35 times 'a'";
  EXPECT_EQ(demangle("_Z1f" + std::string(2000, 'i')), "_Z1f" + std::string(2000, 'i'));
}

// --- ptxas: lines that CUDA 13.0 printed, put together; the second constant bank and the helper's loads are
// made up

const char kResourceText[] = R"(kernels.cu(7): warning #177-D: variable "x" was declared but never referenced
ptxas info    : Overriding maximum register limit 256 for 'spills' with  64 of maxrregcount option
ptxas info    : 0 bytes gmem, 64 bytes cmem[3]
ptxas info    : Compiling entry function '_ZN4cawe8tile_sumILi128EEEvPK6float4Pfi' for 'sm_75'
ptxas info    : Function properties for _ZN4cawe8tile_sumILi128EEEvPK6float4Pfi
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 11 registers, used 1 barriers, 512 bytes smem, 372 bytes cmem[0], 8 bytes cmem[2]
ptxas info    : Compile time = 11.067 ms
ptxas info    : Function properties for _Z6helperfi
    24 bytes stack frame, 20 bytes spill stores, 16 bytes spill loads
ptxas info    : Compiling entry function 'spills' for 'sm_75'
ptxas info    : Function properties for spills
    1480 bytes stack frame, 2136 bytes spill stores, 2212 bytes spill loads
ptxas info    : Used 64 registers, used 0 barriers, 1480 bytes cumulative stack size, 372 bytes cmem[0]
ptxas info    : Compile time = 65.174 ms
ptxas warning : Stack size for entry function '_Z7recursePi' cannot be statically determined
ptxas info    : 0 bytes gmem
ptxas info    : Function properties for _Z6helperfi
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Compiling entry function '_ZN4cawe8tile_sumILi128EEEvPK6float4Pfi' for 'sm_90'
ptxas info    : Function properties for _ZN4cawe8tile_sumILi128EEEvPK6float4Pfi
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 12 registers, used 1 barriers, 512 bytes smem
ptxas info    : Compile time = 2.651 ms
)";

TEST(ResourceUsage, ReadsEveryKernelOfEveryArchitecture) {
  const ResourceReport report = parse_resource_usage(kResourceText);
  ASSERT_EQ(report.kernels.size(), 3u);
  const KernelResources &sum = report.kernels[0], &spills = report.kernels[1], &newer = report.kernels[2];
  EXPECT_EQ(sum.mangled, "_ZN4cawe8tile_sumILi128EEEvPK6float4Pfi");
  EXPECT_EQ(sum.name, "void cawe::tile_sum<128>(float4 const*, float*, int)");
  EXPECT_EQ(sum.arch, "sm_75");
  EXPECT_FALSE(sum.approximate());
  EXPECT_EQ(sum.registers, 11);
  EXPECT_EQ(sum.barriers, 1);
  EXPECT_EQ(sum.shared_bytes, 512);
  EXPECT_EQ(sum.constant_bytes, 380) << "372 of bank 0 and 8 of bank 2";
  EXPECT_EQ(sum.stack.frame + sum.stack.spill_stores + sum.stack.spill_loads + sum.cumulative_stack, 0);
  EXPECT_EQ(spills.name, "spills");
  EXPECT_EQ(spills.registers, 64);
  EXPECT_EQ(spills.barriers, 0);
  EXPECT_EQ(spills.shared_bytes, 0);
  EXPECT_EQ(spills.constant_bytes, 372);
  EXPECT_EQ(spills.stack.frame, 1480);
  EXPECT_EQ(spills.stack.spill_stores, 2136);
  EXPECT_EQ(spills.stack.spill_loads, 2212);
  EXPECT_EQ(spills.cumulative_stack, 1480);
  EXPECT_EQ(newer.arch, "sm_90");
  EXPECT_EQ(newer.registers, 12);
  ASSERT_EQ(report.functions.size(), 2u);
  EXPECT_EQ(report.functions[0].name, "helper(float, int)");
  EXPECT_EQ(report.functions[0].arch, "sm_75");
  EXPECT_EQ(report.functions[0].stack.spill_stores, 20);
  EXPECT_EQ(report.functions[0].stack.spill_loads, 16);
  EXPECT_EQ(report.functions[1].arch, "sm_90") << "named by the kernel after it";
  ASSERT_EQ(report.warnings.size(), 1u);
  EXPECT_NE(report.warnings[0].find("cannot be statically determined"), std::string::npos);
}

TEST(ResourceUsage, ReadsOlderToolkitsToo) {
  const ResourceReport report = parse_resource_usage(
      "ptxas info    : Compiling entry function 'k' for 'sm_61'\r\n"
      "ptxas info    : Function properties for k\r\n"
      "    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\r\n"
      "ptxas info    : Used 32 registers, 1024+16 bytes smem, 348 bytes cmem[0], 1 textures");
  ASSERT_EQ(report.kernels.size(), 1u);
  EXPECT_EQ(report.kernels[0].registers, 32);
  EXPECT_EQ(report.kernels[0].barriers, -1) << "not told";
  EXPECT_EQ(report.kernels[0].shared_bytes, 1040);
}

TEST(ResourceUsage, SaysWhatIsDamaged) {
  const auto broken = [](const std::string& part, const std::string& text) {
    expect_error(Code::data, {part, "nvcc --resource-usage"}, [&] { parse_resource_usage(text); });
  };
  const std::string entry = "ptxas info : Compiling entry function 'k' for 'sm_75'\n";
  const std::string stack =
      "ptxas info : Function properties for k\n"
      " 0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n";
  EXPECT_TRUE(parse_resource_usage("").kernels.empty());
  EXPECT_TRUE(
      parse_resource_usage("nvcc fatal   : Unsupported gpu architecture 'compute_70'\n").kernels.empty());
  EXPECT_EQ(parse_resource_usage(entry + stack + "ptxas info : Used 7 registers").kernels.size(), 1u);
  broken("line 4: kernel k has no registers", entry + stack);
  broken("line 2: kernel k has no stack frame", entry + entry);
  broken("line 2: kernel k has no stack frame", entry + "ptxas info : Used 7 registers\n");
  broken("line 1: registers of no kernel", "ptxas info : Used 7 registers\n");
  broken("line 5: registers of no kernel",
         entry + stack + "ptxas info : Used 7 registers\nptxas info : Used 8 registers\n");
  broken("line 4: no amount at 'many registers'", entry + stack + "ptxas info : Used many registers\n");
  broken("no amount at '-7 registers'", entry + stack + "ptxas info : Used -7 registers\n");
  broken("no amount at '99999999999 reg", entry + stack + "ptxas info : Used 99999999999 registers\n");
  broken("no amount at ''", entry + stack + "ptxas info : Used 7 registers,\n");
  broken("line 1: no name in quotes", "ptxas info : Compiling entry function 'k for sm_75\n");
  broken("line 1: no name at ''", "ptxas info : Compiling entry function '' for 'sm_75'\n");
  broken("line 1: architecture 'x'", "ptxas info : Compiling entry function 'k' for 'x'\n");
  broken("line 3: the text ends", entry + "ptxas info : Function properties for k\n");
  broken("line 3: no amount at 'ptxas", entry + "ptxas info : Function properties for k\n" + entry);
  broken("spill loads are missing",
         entry + "ptxas info : Function properties for k\n 0 bytes stack frame, 0 bytes spill stores\n");
}

/// Parses every beginning of the text and every version with one byte changed; counts the ones without error.
template <class Parse>
int survive_damage(const std::string& text, size_t most, Parse parse) {
  int read = 0;
  const auto attempt = [&](const std::string& damaged) {
    try {
      EXPECT_LE(parse(damaged), most) << damaged;
      ++read;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::data) << error.what();
    }
  };
  for (size_t size = 0; size <= text.size(); ++size) attempt(text.substr(0, size));
  for (size_t at = 0; at < text.size(); ++at)
    for (const char c : {'\0', '\n', '\'', ' ', '9', ',', '}', '{', '"', '/', '\xff'}) {
      std::string damaged = text;
      damaged[at] = c;
      attempt(damaged);
    }
  return read;
}

TEST(ResourceUsage, SurvivesDamage) {
  EXPECT_GT(survive_damage(kResourceText, 3,
                           [](const std::string& text) { return parse_resource_usage(text).kernels.size(); }),
            0);
}

// --- PTX, put together of lines that nvcc 13.0 printed

const char kPtx[] = R"(//
// Generated by NVIDIA NVVM Compiler; .entry in a comment {
//
.version 9.0
.target sm_80, debug
.address_size 64
.file 1 "a { folder/with .entry brace.cu"
.const .align 4 .b8 table[64];
.func  (.param .b32 func_retval0) _Z6helperfi(
	.param .b32 _Z6helperfi_param_0
)
{
	st.local.v4.f32 	[%rd3], {%f4, %f1, %f3, %f2};
	ld.global.f32 	%f33, [%rd6];
	ret;
}
	// .globl	_Z3vecPK4int4
.visible .entry _Z3vecPK4int4(
	.param .u64 _Z3vecPK4int4_param_0
)
.maxntid 1024, 1, 1
{
	.reg .pred 	%p<6>;
	.loc	1 6 0
	ld.param.u64 	%rd5, [_Z3vecPK4int4_param_0];
	st.shared.v4.f32 	[%r12], {%f4, %f3, %f2, %f1};
	bar.sync 	0;
	// begin inline asm
	ld.global.nc.v4.s32 {%r6,%r7,%r8,%r9}, [%rd4];
	// end inline asm
	st.global.v4.u16 	[%rd11], {%rs4, %rs3, %rs2, %rs1};
	st.global.v2.f64 	[%rd11], {%fd1, %fd2};
	ld.global.v2.f32 	{%f1, %f2}, [%rd8];
	@%p1 ld.global.u8 	%rs5, [%rd1]; /* ld.global.u8 st.global.u8; */
	@!%p1 bra 	$L__BB0_2;
	st.volatile.global.f64 	[%rd12], %fd1;
$L__BB0_2: ld.global.L1::no_allocate.b128 %rq, [%rd1];
	ld.shared::cta.f32 	%f5, [%r16+4];
	{
	.reg .pred 	%p1;
	setp.ne.u32 	%p1, %r25, 0;
	bar.red.popc.u32 	%r26, 0, %p1;
	}
	bar.warp.sync 	-1;
	barrier.cta.sync.aligned 1;
	shfl.sync.bfly.b32 	%r11|%p1, %r7, %r9, %r8, %r10;
	atom.global.add.u32 	%r34, [%rd18], 1;
	{ atom.add.noftz.f16x2 %r17,[%rd13],%r18; }
	red.global.add.f32 	[%rd6], %f29;
	cp.async.cg.shared.global [%r1], [%rd1], 16;
	cp.async.commit_group;
	ld.v4.f32 	{%f1, %f2, %f3, %f4}, [%rd9];
	st.f32 	[%rd9], %f1;
	{ // callseq 0, 0
	st.param.f32 	[param0+0], %f1;
	call.uni (retval0),
	_Z6helperfi,
	(
	param0
	);
	ld.param.f32 	%f2, [retval0+0];
	} // callseq 0
	ret;
}
.entry empty()
{
	ret;
}
)";

TEST(Ptx, CountsInstructionsOfEachEntry) {
  const std::vector<PtxCounts> entries = parse_ptx(kPtx);
  ASSERT_EQ(entries.size(), 2u);
  const PtxCounts& vec = entries[0];
  EXPECT_EQ(vec.mangled, "_Z3vecPK4int4");
  EXPECT_EQ(vec.name, "vec(int4 const*)");
  EXPECT_EQ(vec.arch, "sm_80");
  EXPECT_EQ(vec.load_global.v4, 1);
  EXPECT_EQ(vec.load_global.v2, 1);
  EXPECT_EQ(vec.load_global.scalar, 2);
  EXPECT_EQ(vec.load_global.bytes16, 2) << "v4.s32 and b128";
  EXPECT_EQ(vec.store_global.v4, 1);
  EXPECT_EQ(vec.store_global.v2, 1);
  EXPECT_EQ(vec.store_global.scalar, 1);
  EXPECT_EQ(vec.store_global.bytes16, 1) << "v2.f64; v4.u16 moves 8";
  EXPECT_EQ(vec.load_shared.scalar, 1);
  EXPECT_EQ(vec.load_shared.total(), 1);
  EXPECT_EQ(vec.store_shared.v4, 1);
  EXPECT_EQ(vec.store_shared.total(), 1);
  EXPECT_EQ(vec.load_generic.v4, 1);
  EXPECT_EQ(vec.load_generic.total(), 1);
  EXPECT_EQ(vec.store_generic.scalar, 1);
  EXPECT_EQ(vec.async_copies, 1);
  EXPECT_EQ(vec.barriers, 3) << "bar.sync, bar.red, barrier.cta.sync; not the warp's";
  EXPECT_EQ(vec.shuffles, 1);
  EXPECT_EQ(vec.atomics, 2);
  EXPECT_EQ(vec.reductions, 1);
  EXPECT_EQ(vec.calls, 1);
  EXPECT_EQ(entries[1].mangled, "empty");
  EXPECT_EQ(entries[1].load_global.total() + entries[1].barriers + entries[1].calls, 0);
}

TEST(Ptx, SaysWhatIsDamaged) {
  EXPECT_TRUE(parse_ptx("").empty());
  EXPECT_TRUE(parse_ptx("no PTX at all").empty());
  const auto broken = [](const std::string& part, const std::string& text) {
    expect_error(Code::data, {part, "nvcc -ptx"}, [&] { parse_ptx(text); });
  };
  broken("ends within k", ".entry k() { ret;");
  broken("ends within k", ".entry k(");
  broken("ends within k", ".entry k() { /* ret; }");
  broken("brace too many", ".entry k() { ret; } }");
  broken("without a name", ".visible .entry ( ) { }");
  broken("without a body", ".entry a() .entry b() { }");
  broken("without a body", ".entry a()\n.entry b() { }");
  broken("ends within a function", ".func f() { ret;");
}

TEST(Ptx, SurvivesDamage) {
  EXPECT_GT(survive_damage(kPtx, 2, [](const std::string& text) { return parse_ptx(text).size(); }), 0);
}

}  // namespace
}  // namespace cawe::gpu
