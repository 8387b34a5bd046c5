// SPDX-License-Identifier: Apache-2.0
// Finding and running nvcc for the kernel profiler: a pretended one everywhere, the real one where it is.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "cuda/lab/profile/nvcc.h"
#include "cuda/lab/profile/process.h"
#include "tensor/error.h"
#include "tests/data/text_file.h"

namespace cawe::gpu {
namespace {

using cawe::testing::expect_error;
using cawe::testing::TempDir;
using Strings = std::vector<std::string>;

std::string script(const TempDir& dir, const std::string& name, const std::string& body) {
  const std::string path = dir.file(name, "#!/bin/sh\n" + body);
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

TEST(Process, KeepsBothOutputsAndTheExitCode) {
  const TempDir dir;
  // 300 000 bytes are more than a pipe holds: reading one output after the other would never end.
  const std::string both =
      script(dir, "both", "head -c 300000 /dev/zero >&2; head -c 300000 /dev/zero; cat; exit 3\n");
  const Finished finished = run_program({both});
  EXPECT_EQ(finished.exit_code, 3);
  EXPECT_EQ(finished.out.size(), 300000u);
  EXPECT_EQ(finished.err.size(), 300000u);
  expect_error(Code::io, {"signal 9"}, [&] { run_program({script(dir, "killed", "kill -9 $$\n")}); });
  expect_error(Code::io, {"cannot start", "absent"}, [&] { run_program({dir.path("absent")}); });
}

TEST(Nvcc, IsFoundWhereItIsSaidToBe) {
  const TempDir dir;
  const std::string first = script(dir, "a b/nvcc", ""), second = script(dir, "c/nvcc", "");
  dir.file("data/nvcc", "not a program");
  dir.file("folders/nvcc/file", "nvcc is a folder here");
  NvccPlaces places{"", dir.path("data") + ":" + dir.path("folders") + "::" + dir.path("a b"), dir.path("c")};
  EXPECT_EQ(find_nvcc(places), first);
  places.path = dir.path("nowhere");
  EXPECT_EQ(find_nvcc(places), second) << "the toolkit's usual folder comes last";
  places.cudacxx = first;
  EXPECT_EQ(find_nvcc(places), first);
  places.cudacxx = "nvcc";
  places.path = dir.path("c");
  EXPECT_EQ(find_nvcc(places), second);
  places.cudacxx = dir.path("data/nvcc");
  expect_error(Code::usage, {"CUDACXX names", "data/nvcc"}, [&] { find_nvcc(places); });
  EXPECT_EQ(find_nvcc({"", "", dir.path("nowhere")}), std::nullopt);
}

TEST(Nvcc, AbsentIsSaidSo) {
  const Answer<ResourceReport> usage = resource_usage({"k.cu", {}, {}}, {"sm_90"}, std::nullopt);
  EXPECT_FALSE(usage.value);
  EXPECT_EQ(usage.reason, "no nvcc");
  const Answer<std::vector<PtxCounts>> ptx = ptx_counts({"k.cu", {}, {}}, "sm_90", std::nullopt);
  EXPECT_FALSE(ptx.value);
  EXPECT_EQ(ptx.reason, "no nvcc");
}

/// Knows sm_75 and sm_90; notes its arguments in `arguments`, prints `text` (on the error output for
/// resources).
std::string pretended_nvcc(const TempDir& dir) {
  return script(dir, "nvcc",
                "cd \"$(dirname \"$0\")\"\n"
                "if [ \"$1\" = --list-gpu-code ]; then echo sm_75; echo sm_90; exit 0; fi\n"
                "for a in \"$@\"; do echo \"$a\"; done > arguments\n"
                "for out in \"$@\"; do :; done\n"
                "case \"$*\" in *-ptx*) cat text > \"$out\";; *) cat text >&2;; esac\n");
}

/// What ptxas prints of one kernel.
std::string resources(const std::string& kernel, const std::string& arch, int registers) {
  return "ptxas info    : Compiling entry function '" + kernel + "' for '" + arch +
         "'\nptxas info    : Function properties for " + kernel +
         "\n    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\nptxas info    : Used " +
         std::to_string(registers) + " registers\n";
}

Strings lines(const std::string& path) {
  Strings all;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) all.push_back(line);
  return all;
}

TEST(Nvcc, GetsItsArgumentsAsTheyAreAndStandsInForDroppedArchitectures) {
  const TempDir dir;
  dir.file("text", resources("first", "sm_75", 11) + resources("second", "sm_75", 64) +
                       resources("first", "sm_90", 12));
  const CudaSource source{"a b$(exit 1)'.cu", {"/in clude"}, {"-DX=\"y z\""}};
  const Answer<ResourceReport> usage =
      resource_usage(source, {"sm_61", "sm_70", "sm_75", "sm_90"}, pretended_nvcc(dir));
  EXPECT_EQ(lines(dir.path("arguments")),
            (Strings{"-std=c++17", "-gencode", "arch=compute_75,code=sm_75", "-gencode",
                     "arch=compute_90,code=sm_90", "-I/in clude", "-DX=\"y z\"", "--resource-usage", "-x",
                     "cu", "-c", "a b$(exit 1)'.cu", "-o", "/dev/null"}));
  ASSERT_TRUE(usage.value);
  Strings rows;
  for (const KernelResources& kernel : usage.value->kernels)
    rows.push_back(kernel.arch + (kernel.approximate() ? "~ " : " ") + std::to_string(kernel.registers));
  EXPECT_EQ(rows, (Strings{"sm_61~ 11", "sm_61~ 64", "sm_70~ 11", "sm_70~ 64", "sm_75 11", "sm_75 64",
                           "sm_90 12"}));
  dir.file("text", ".target sm_75\n.entry k() { bar.sync 0; bar.sync 0; }\n");
  EXPECT_EQ(ptx_counts(source, "sm_61", dir.path("nvcc")).value->at(0).barriers, 2);
  Strings arguments = lines(dir.path("arguments"));
  ASSERT_FALSE(arguments.empty());
  EXPECT_FALSE(std::filesystem::exists(arguments.back())) << "the temporary file is left";
  arguments.pop_back();
  EXPECT_EQ(arguments, (Strings{"-std=c++17", "-gencode", "arch=compute_75,code=sm_75", "-I/in clude",
                                "-DX=\"y z\"", "-ptx", "-x", "cu", "a b$(exit 1)'.cu", "-o"}));
  for (const char* arch : {"sm_", "sm_9", "90", "sm_90;x", "sm_75,code=sm_90", ""})
    expect_error(Code::usage, {"expected one such as sm_90"},
                 [&] { resource_usage(source, {arch}, dir.path("nvcc")); });
  // sm_12 was one, before there were shuffles; sm_77 is none.
  for (const char* arch : {"sm_12", "sm_77"})
    expect_error(Code::usage,
                 {detail::concat("architecture '", arch,
                                 "': this nvcc does not know it (expected one of sm_75 sm_90)")},
                 [&] {
                   resource_usage(source, {"sm_90", arch}, dir.path("nvcc"));
                 });
  expect_error(Code::usage, {"knows neither sm_200"},
               [&] { resource_usage(source, {"sm_200"}, dir.path("nvcc")); });
  dir.file("text", "ptxas info : Used\n");
  expect_error(Code::data, {"line 1"}, [&] { resource_usage(source, {"sm_75"}, dir.path("nvcc")); });
}

TEST(Nvcc, ComplaintIsPassedOn) {
  const TempDir dir;
  const std::string nvcc = script(dir, "nvcc", "echo note >&2; echo 'k.cu(1): error: y' >&2; exit 2\n");
  expect_error(Code::internal, {"cannot compile k.cu (exit code 2): k.cu(1): error: y"}, [&] {
    resource_usage({"k.cu", {}, {}}, {"sm_75"}, nvcc);
  });
}

#ifdef CAWE_HAVE_CUDA  // nvcc was there when this was built
TEST(Nvcc, CompilesAKernel) {
  const std::optional<std::string> nvcc = find_nvcc();
  ASSERT_TRUE(nvcc) << "the build had one";
  const TempDir dir;
  dir.file("include/scale.h", "#define SCALE 2.0f\n");
  const CudaSource source{
      dir.file("copy.cu",
               "#include \"scale.h\"\n"
               "extern \"C\" __global__ void copy(const float4* x, float4* y, float* sum) {\n"
               "  __shared__ float last[COUNT];\n"
               "  const float4 v = x[threadIdx.x];\n"
               "  last[threadIdx.x] = v.x * SCALE;\n"
               "  __syncthreads();\n"
               "  y[threadIdx.x] = v;\n"
               "  sum[threadIdx.x] = last[threadIdx.x ^ 33];\n"
               "}\n"),
      {dir.path("include")},
      {"-DCOUNT=96"}};
  const ResourceReport report = *resource_usage(source, {"sm_61", "sm_90"}, nvcc).value;
  ASSERT_EQ(report.kernels.size(), 2u);
  for (const KernelResources& kernel : report.kernels) {
    EXPECT_EQ(kernel.name, "copy");
    EXPECT_EQ(kernel.shared_bytes, 384) << "96 floats";
    EXPECT_GT(kernel.registers, 4) << "a float4 and an address at least";
    EXPECT_EQ(kernel.stack.frame, 0);
    EXPECT_EQ(kernel.stack.spill_loads, 0);
  }
  EXPECT_EQ(report.kernels[0].arch, "sm_61");
  EXPECT_EQ(report.kernels[1].arch, "sm_90");
  EXPECT_FALSE(report.kernels[1].approximate());
  const std::vector<PtxCounts> counts = *ptx_counts(source, "sm_90", nvcc).value;
  ASSERT_EQ(counts.size(), 1u);
  EXPECT_EQ(counts[0].load_global.v4, 1);
  EXPECT_EQ(counts[0].store_global.v4, 1);
  EXPECT_EQ(counts[0].store_global.scalar, 1);
  EXPECT_EQ(counts[0].barriers, 1);
  const CudaSource wrong{dir.file("wrong.cu", "__global__ void k(int* x) { x[0] = y; }\n"), {}, {}};
  expect_error(Code::internal, {"wrong.cu", "\"y\" is undefined"},
               [&] { resource_usage(wrong, {"sm_90"}, nvcc); });
  expect_error(Code::internal, {"wrong.cu", "\"y\" is undefined"}, [&] { ptx_counts(wrong, "sm_90", nvcc); });
}
#endif

}  // namespace
}  // namespace cawe::gpu
