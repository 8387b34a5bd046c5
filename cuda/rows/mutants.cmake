# Mutants: every kernel with one mistake in it, which the rows must notice.
#
# cawe_mutant(NAME FILE "text as it stands" "text instead" ROWS): compiles cuda/kernels/FILE with the first occurrence
# of the text replaced, links it in place of the right one and registers a test that runs the rows whose names match.
# The text must occur: a kernel that changes takes its mutant along.
function(cawe_mutant name file from to rows)
  set(source ${CMAKE_SOURCE_DIR}/cuda/kernels/${file})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
  file(READ ${source} text)
  string(FIND "${text}" "${from}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "mutant ${name}: '${from}' does not occur in cuda/kernels/${file}")
  endif()
  string(LENGTH "${from}" length)
  string(SUBSTRING "${text}" 0 ${at} before)
  math(EXPR rest "${at} + ${length}")
  string(SUBSTRING "${text}" ${rest} -1 after)
  set(mutated ${CMAKE_CURRENT_BINARY_DIR}/mutants/${name}.cu)
  file(CONFIGURE OUTPUT ${mutated} CONTENT "@before@@to@@after@" @ONLY)
  add_library(mutant_${name}_kernels OBJECT ${mutated})
  set_source_files_properties(${mutated} PROPERTIES LANGUAGE CXX)
  target_compile_options(mutant_${name}_kernels PRIVATE ${CAWE_KERNEL_FLAGS} -w)
  target_link_libraries(mutant_${name}_kernels PRIVATE cawe_flags)
  add_executable(mutant_${name} mutant_main.cpp $<TARGET_OBJECTS:mutant_${name}_kernels>)
  target_link_libraries(mutant_${name} PRIVATE cawe_kernel_rows)
  add_test(NAME mutant_${name} COMMAND mutant_${name} ${rows})
endfunction()

cawe_mutant(cawe_weights_no_relu cawe_weights.cu "sum += relu(widen(p.v[k]))" "sum += widen(p.v[k])" cawe_weights)
cawe_mutant(cawe_weights_tail cawe_weights.cu "i < cells / kPack" "i <= cells / kPack" cawe_weights)
cawe_mutant(cawe_weights_last_barrier cawe_weights.cu "  __syncthreads();\n" "" cawe_weights_nhwc)
cawe_mutant(batch_norm_coefficients_bound batch_norm_coefficients.cu "i >= c" "i > c" batch_norm_coefficients)
cawe_mutant(batch_norm_coefficients_biased batch_norm_coefficients.cu "__dsub_rn(count, 1.0)" "count" batch_norm_coefficients)
