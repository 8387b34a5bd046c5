# cuDNN and cuBLASLt: of the toolkit, or of the wheels that PyTorch brings. Wheels have only the versioned names of the
# libraries, which the linker takes as well when it is given the whole path.
set(CAWE_NVIDIA_WHEELS "" CACHE PATH "folder nvidia/ of Python's packages, where cuDNN and cuBLASLt are wheels")
set(hinted ${CAWE_NVIDIA_WHEELS})  # before the toolkit's
# The python3 of PATH, which is PyTorch's where its environment is active: after the toolkit's.
execute_process(COMMAND python3 -c "import sysconfig; print(sysconfig.get_paths()['purelib'] + '/nvidia')"
                OUTPUT_VARIABLE installed OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)

# cawe_vendor(NAME LIBRARY VERSION HEADER FOLDERS...): finds NAME_INCLUDE and NAME_LIBRARY; FOLDERS are the wheels'.
function(cawe_vendor name library version header)
  list(TRANSFORM ARGN PREPEND ${hinted}/ OUTPUT_VARIABLE before)
  list(TRANSFORM ARGN PREPEND ${installed}/ OUTPUT_VARIABLE after)
  if(NOT hinted)
    set(before "")
  endif()
  find_path(${name}_INCLUDE ${header} HINTS ${before} ${CUDAToolkit_INCLUDE_DIRS} PATHS ${after} PATH_SUFFIXES include)
  find_library(${name}_LIBRARY NAMES ${library} lib${library}.so.${version} NAMES_PER_DIR
               HINTS ${before} ${CUDAToolkit_LIBRARY_DIR} PATHS ${after} PATH_SUFFIXES lib)
endfunction()

cawe_vendor(CUDNN cudnn 9 cudnn.h cudnn)
set(toolkit ${CUDAToolkit_VERSION_MAJOR})
cawe_vendor(CUBLASLT cublasLt ${toolkit} cublasLt.h cu${toolkit} cublas)

# Their headers and CUDA's, for the files that call them.
add_library(cawe_vendor_headers INTERFACE)
target_include_directories(cawe_vendor_headers SYSTEM INTERFACE ${CUDAToolkit_INCLUDE_DIRS} ${CUDNN_INCLUDE} ${CUBLASLT_INCLUDE})
