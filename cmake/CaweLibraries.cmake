# Third-party libraries. All but nlohmann-json, which every file of results and every checkpoint goes through, are
# optional: without one the features it carries are left out and the summary at the end of the configure step says
# so. Targets are only linked by the layer that needs them. CAWE_GPU_ONLY looks for none of the optional ones.
find_package(Threads REQUIRED)
set(CAWE_FOUND "")
set(CAWE_MISSING "")

# cawe_note(NAME FOUND CARRIES): records a library; FOUND is a variable's name.
macro(cawe_note name found carries)
  if(${found})
    list(APPEND CAWE_FOUND "${name}")
    set(CAWE_HAVE_${name} ON)
  else()
    list(APPEND CAWE_MISSING "${name} (${carries})")
    set(CAWE_HAVE_${name} OFF)
  endif()
endmacro()

if(NOT CAWE_GPU_ONLY)
  include(CaweOptionalLibraries)
endif()

# From CAWE_THIRD_PARTY, or as packages of the system.
if(CAWE_THIRD_PARTY)
  add_library(nlohmann_json::nlohmann_json INTERFACE IMPORTED GLOBAL)
  target_include_directories(nlohmann_json::nlohmann_json SYSTEM INTERFACE ${CAWE_THIRD_PARTY}/include)
  # Foreign code is not held to our warnings.
  add_library(cawe_gtest STATIC EXCLUDE_FROM_ALL ${CAWE_THIRD_PARTY}/googletest/src/gtest-all.cc)
  target_include_directories(cawe_gtest PRIVATE ${CAWE_THIRD_PARTY}/googletest
                             SYSTEM PUBLIC ${CAWE_THIRD_PARTY}/googletest/include)
  target_compile_options(cawe_gtest PRIVATE -w)
  target_link_libraries(cawe_gtest PUBLIC Threads::Threads)
  add_library(GTest::gtest ALIAS cawe_gtest)
  add_library(cawe_gtest_main STATIC EXCLUDE_FROM_ALL ${CAWE_THIRD_PARTY}/googletest/src/gtest_main.cc)
  target_link_libraries(cawe_gtest_main PUBLIC cawe_gtest)
  add_library(GTest::gtest_main ALIAS cawe_gtest_main)
  set(nlohmann_json_FOUND ON)
  set(GTest_FOUND ON)
else()
  find_package(nlohmann_json QUIET CONFIG)
  find_package(GTest QUIET)
endif()
if(NOT nlohmann_json_FOUND)
  message(FATAL_ERROR "cawe needs nlohmann-json (Debian and Ubuntu: nlohmann-json3-dev, or scripts/install-deps build)")
endif()
list(APPEND CAWE_FOUND JSON)
cawe_note(GTEST GTest_FOUND "tests")

function(cawe_print_summary)
  list(JOIN CAWE_FOUND " " found)
  message(STATUS "cawe ${PROJECT_VERSION} ${CMAKE_BUILD_TYPE}: with ${found}")
  foreach(item IN LISTS CAWE_MISSING)
    message(WARNING "cawe is built WITHOUT ${item}")
  endforeach()
endfunction()
