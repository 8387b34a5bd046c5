# Switches and compile flags shared by every target.
option(CAWE_TESTS "build the tests" ON)
option(CAWE_GPU_TESTS "build the tests that run on a GPU (scripts/gpu-check)" OFF)
option(CAWE_GPU_ONLY "tensor to models, the CUDA backend and what scripts/gpu-check runs, without any optional library" OFF)
set(CAWE_THIRD_PARTY "" CACHE PATH "googletest/ and include/nlohmann/, for machines without their packages")
option(CAWE_BENCH "build the benchmarks" OFF)
option(CAWE_FUZZ "build the fuzz targets (clang only)" OFF)
option(CAWE_WERROR "treat warnings as errors" ON)
set(CAWE_ARCH "x86-64-v3" CACHE STRING "value of -march for x86-64 (v3 = AVX2 and FMA)")
set(CAWE_SANITIZE "" CACHE STRING "sanitizers, e.g. address,undefined or thread")

add_library(cawe_flags INTERFACE)
target_include_directories(cawe_flags INTERFACE ${CMAKE_SOURCE_DIR})
# -ffp-contract=off: box overlaps and thresholds must give the same bits on CPU and CUDA, and in every
# build; kernels that want fused multiply-add say so with intrinsics.
target_compile_options(cawe_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wno-psabi
                                            -ffp-contract=off $<$<BOOL:${CAWE_WERROR}>:-Werror>)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64" AND CAWE_ARCH)
  target_compile_options(cawe_flags INTERFACE -march=${CAWE_ARCH})
endif()
if(CAWE_SANITIZE)
  # GCC's manual: sanitizers make its warnings of uninitialised values wrong at times. -O1 -g1: builds in half the time,
  # with lines in reports. vptr asks the system whether memory can be read, which a closed decoder
  # (data/jail_child.cpp) may not.
  target_compile_options(cawe_flags INTERFACE -fsanitize=${CAWE_SANITIZE} -fno-sanitize-recover=all
                                              -fno-omit-frame-pointer -O1 -g1 -Wno-maybe-uninitialized)
  target_link_options(cawe_flags INTERFACE -fsanitize=${CAWE_SANITIZE})
  if(CAWE_SANITIZE MATCHES undefined)
    target_compile_options(cawe_flags INTERFACE -fno-sanitize=vptr)
  endif()
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
