# cawe_library(NAME SOURCES... [LIBS ...]): a layer as a static library called cawe_NAME.
function(cawe_library name)
  cmake_parse_arguments(ARG "" "" "LIBS" ${ARGN})
  add_library(cawe_${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(cawe_${name} PUBLIC cawe_flags Threads::Threads ${ARG_LIBS})
endfunction()

# cawe_test(PATH/NAME_test.cpp LIBS ... [LABELS slow] [TIMEOUT seconds]): one GoogleTest program, its cases
# registered with ctest one by one. The target is the path with '/' turned into '_' and without '.cpp'.
function(cawe_test source)
  if(NOT CAWE_TESTS OR NOT CAWE_HAVE_GTEST)
    return()
  endif()
  cmake_parse_arguments(ARG "" "TIMEOUT" "LIBS;LABELS" ${ARGN})
  file(RELATIVE_PATH relative ${CMAKE_SOURCE_DIR}/tests ${CMAKE_CURRENT_SOURCE_DIR}/${source})
  string(REGEX REPLACE "\\.cpp$" "" target ${relative})
  string(REPLACE "/" "_" target ${target})
  add_executable(${target} ${source})
  target_link_libraries(${target} PRIVATE cawe_flags ${ARG_LIBS} GTest::gtest_main)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  include(GoogleTest)
  gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
                       PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
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
