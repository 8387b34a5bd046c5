# cawe_library(NAME SOURCES... [LIBS ...]): a layer as a static library called cawe_NAME.
function(cawe_library name)
  cmake_parse_arguments(ARG "" "" "LIBS" ${ARGN})
  add_library(cawe_${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(cawe_${name} PUBLIC cawe_flags Threads::Threads ${ARG_LIBS})
endfunction()

# Instruction sets of oneDNN below this machine's, at which cawe_test(ISA) runs its cases again.
set(CAWE_TEST_ISAS AVX2 SSE41)

# What a build for the tests with the label threads needs.
add_custom_target(threaded_tests)

# cawe_test(PATH/NAME_test.cpp LIBS ... [LABELS slow] [TIMEOUT seconds] [ISA FILTER] [HOST_MODE]): one GoogleTest
# program, its cases registered with ctest one by one. The target is the path with '/' turned into '_' and without
# '.cpp'. ISA: the cases that GoogleTest's FILTER names run once more at each of CAWE_TEST_ISAS, as ISA/CASE with the
# label isa. HOST_MODE: the program keeps denormals, as a program that only links the library does; else it has the
# mode of `cawe` (tests/program_main.cpp). A test of a layer that this build leaves out is left out.
function(cawe_test source)
  if(NOT CAWE_TESTS OR NOT CAWE_HAVE_GTEST)
    return()
  endif()
  cmake_parse_arguments(ARG "HOST_MODE" "TIMEOUT;ISA" "LIBS;LABELS" ${ARGN})
  foreach(layer data eval report train study)
    if("cawe_${layer}" IN_LIST ARG_LIBS AND NOT layer IN_LIST CAWE_LAYERS)
      return()
    endif()
  endforeach()
  file(RELATIVE_PATH relative ${CMAKE_SOURCE_DIR}/tests ${CMAKE_CURRENT_SOURCE_DIR}/${source})
  string(REGEX REPLACE "\\.cpp$" "" target ${relative})
  string(REPLACE "/" "_" target ${target})
  add_executable(${target} ${source})
  if(ARG_HOST_MODE)
    set(main GTest::gtest_main)
  else()
    set(main cawe_test_main)
  endif()
  target_link_libraries(${target} PRIVATE cawe_flags ${ARG_LIBS} ${main})
  if("threads" IN_LIST ARG_LABELS)
    add_dependencies(threaded_tests ${target})
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  include(GoogleTest)
  gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
                       PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
  if(NOT ARG_ISA OR NOT CAWE_HAVE_ONEDNN)
    return()
  endif()
  foreach(isa IN LISTS CAWE_TEST_ISAS)
    gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} TEST_PREFIX ${isa}/
                         TEST_FILTER "${ARG_ISA}" TEST_LIST ${target}_${isa}
                         PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS isa ENVIRONMENT DNNL_MAX_CPU_ISA=${isa})
  endforeach()
endfunction()

# cawe_fuzz(NAME SOURCE LIBS ...): a libFuzzer program fuzz_NAME; only in a clang build with CAWE_FUZZ=ON.
function(cawe_fuzz name source)
  if(NOT CAWE_FUZZ)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "LIBS" ${ARGN})
  add_executable(fuzz_${name} ${source})
  target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(fuzz_${name} PRIVATE cawe_flags ${ARG_LIBS})
endfunction()
