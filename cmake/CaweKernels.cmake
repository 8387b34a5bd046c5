# Kernels: one source, two compilers. nvcc makes them for GPUs (CAWE_HAVE_CUDA), g++ for the emulator
# (CAWE_HAVE_EMULATOR). The emulator needs GCC's instrumentation and cannot live beside a sanitizer.
set(CAWE_HAVE_EMULATOR OFF)
if(CAWE_HAVE_BOOST_CONTEXT AND CMAKE_CXX_COMPILER_ID STREQUAL GNU AND NOT CAWE_SANITIZE)
  set(CAWE_HAVE_EMULATOR ON)
endif()
cawe_note(EMULATOR CAWE_HAVE_EMULATOR "kernels without a GPU: `cawe kernels`, --device emulated")

# -O1 and source order let the emulator see which lanes run together; cuda/emulator/simt/README.md gives the reasons.
set(CAWE_KERNEL_FLAGS -O1 -g -fno-tree-sra -fno-reorder-blocks -fsanitize=thread
                      -fsanitize=bounds,alignment,signed-integer-overflow -fsanitize-coverage=trace-pc)

# cawe_emulated_kernels(NAME SOURCES...): kernel files as a static library for the emulator. Sources are compiled as
# C++ here and as CUDA elsewhere, so call it from a folder of its own.
function(cawe_emulated_kernels name)
  add_library(${name} STATIC ${ARGN})
  set_source_files_properties(${ARGN} PROPERTIES LANGUAGE CXX)
  target_compile_options(${name} PRIVATE ${CAWE_KERNEL_FLAGS})
  target_link_libraries(${name} PRIVATE cawe_flags PUBLIC cawe_simt)
endfunction()

# CUDA itself: nvcc found, cudart, cuBLASLt and cuDNN beside it. -DCMAKE_CUDA_COMPILER=NOTFOUND switches it off.
set(CAWE_CUDA_ARCHS 90 CACHE STRING "GPU architectures to compile kernels for (each as SASS and PTX)")
set(CAWE_HAVE_CUDA OFF)
include(CheckLanguage)
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES ${CAWE_CUDA_ARCHS})
endif()
if(NOT CAWE_SANITIZE AND NOT CAWE_FUZZ)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    find_package(CUDAToolkit QUIET)
    set(CAWE_HAVE_CUDA ON)
  endif()
endif()
cawe_note(CUDA CAWE_HAVE_CUDA "--device cuda: no nvcc was found, so no code for a GPU is in this build")
if(CAWE_HAVE_CUDA)
  include(CaweVendor)
endif()

# cawe_cuda_kernels(NAME SOURCES...): the same files through nvcc. Any warning is an error.
function(cawe_cuda_kernels name)
  add_library(${name} STATIC ${ARGN})
  set_source_files_properties(${ARGN} PROPERTIES LANGUAGE CUDA)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_features(${name} PRIVATE cuda_std_17)
  # No kernel spills registers or has arrays in local memory, which would be slow without a word.
  target_compile_options(${name} PRIVATE -lineinfo --Werror=all-warnings -Xcompiler=-Wall,-Wextra
    -Xptxas=--warn-on-spills,--warn-on-local-memory-usage,--warning-as-error)
endfunction()
